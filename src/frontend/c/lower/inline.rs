//! Macros of the same file, lowered from their definitions where they are used; and C's scope-guard forms.

use super::expression::first_child;
use super::scope::Cleanup;
use super::{Lowerer, Origin, Source, parse};
use crate::frontend::c::mask::{BlockNote, mask};
use crate::frontend::c::{macros, structure};
use crate::ir::{Callee, Expr, Name, Place, Predicate, StatementKind};
use crate::source::Span;
use tree_sitter::Node;

/// Expansions inside expansions.
const EXPANSION_DEPTH: usize = 8;
/// Bytes of an expansion.
const EXPANSION_SIZE: usize = 64 * 1024;

/// Classes whose constructor may fail, by the last word of their name.
const CONDITIONAL_CLASSES: [&str; 5] = ["_try", "_intr", "_kill", "_killable", "_interruptible"];

type Lower<'f, 'e> = dyn FnMut(&mut Lowerer<'e>, &Source<'_>, Node<'_>) + 'f;

impl<'e> Lowerer<'e> {
    /// A call of a macro of the file, for its effects: its expansion as a statement.
    pub(super) fn inline_effect(&mut self, source: &Source<'_>, node: Node<'_>) -> bool {
        let Some((name, text)) = self.expansion(source, node) else { return false };
        let span = source.span(node);
        self.expanding.push(name);
        let done = self.parsed(&format!("void f(void){{{text};}}"), span, &mut |this, source, body| {
            if structure::has_jump_label(body) {
                this.collect_labels(source, body, &mut Vec::new());
            }
            this.block_statement(source, body);
        });
        self.expanding.pop();
        done
    }

    /// A call of a macro of the file, for its value.
    pub(super) fn inline_value(&mut self, source: &Source<'_>, node: Node<'_>, place: &Place) -> bool {
        let Some((name, text)) = self.expansion(source, node) else { return false };
        let span = source.span(node);
        self.expanding.push(name);
        let place = place.clone();
        let done = self
            .fragment(&text, span, &mut |this, source, node| this.value_into(source, node, place.clone()));
        self.expanding.pop();
        done
    }

    fn expansion(&self, source: &Source<'_>, node: Node<'_>) -> Option<(Name, String)> {
        let function =
            node.child_by_field_name("function").filter(|function| function.kind() == "identifier")?;
        let name = source.text(function);
        let definition = self.env.macro_definition(name)?;
        definition.parameters.as_ref()?;
        if self.resolve(name).is_some()
            || self.expanding.len() >= EXPANSION_DEPTH
            || self.expanding.iter().any(|other| other == name)
        {
            return None;
        }
        let list = node.child_by_field_name("arguments")?;
        let written = source.original.get(list.byte_range())?;
        let tokens = super::super::lex::tokens(written);
        let inner = tokens.get(1..tokens.len().checked_sub(1)?)?;
        let args = super::super::scan::split_arguments(written, inner);
        let text = macros::expand(definition, &args)?;
        (text.len() <= EXPANSION_SIZE && !text.trim().is_empty()).then(|| (Name::new(name), text))
    }

    /// An object-like macro of the file used as a statement.
    pub(super) fn inline_object_effect(&mut self, source: &Source<'_>, node: Node<'_>) -> bool {
        let name = source.text(node);
        let Some(text) = self.object(name) else { return false };
        let span = source.span(node);
        self.expanding.push(Name::new(name));
        let done = self.parsed(&format!("void f(void){{{text};}}"), span, &mut |this, source, body| {
            this.block_statement(source, body);
        });
        self.expanding.pop();
        done
    }

    /// An object-like macro of the file used as a value.
    pub(super) fn inline_object_value(&mut self, source: &Source<'_>, node: Node<'_>) -> Option<Expr> {
        let name = source.text(node);
        let text = self.object(name)?;
        let span = source.span(node);
        self.expanding.push(Name::new(name));
        let mut value = None;
        self.fragment(&text, span, &mut |this, source, node| value = Some(this.value(source, node)));
        self.expanding.pop();
        value
    }

    fn object(&self, name: &str) -> Option<String> {
        let definition =
            self.env.macro_definition(name).filter(|definition| definition.parameters.is_none())?;
        let usable = !definition.body.is_empty()
            && definition.body.len() <= 1024
            && self.expanding.len() < EXPANSION_DEPTH
            && !self.expanding.iter().any(|other| other == name);
        usable.then(|| definition.body.clone())
    }

    /// Parses `text` as an expression and hands it over; `false` when it does not read as one.
    pub(super) fn fragment(&mut self, text: &str, span: Span, lower: &mut Lower<'_, 'e>) -> bool {
        let mut done = false;
        self.parsed(&format!("void f(void){{({text});}}"), span, &mut |this, source, body| {
            let inner = first_child(body).filter(|statement| statement.kind() == "expression_statement");
            if let Some(expression) = inner.and_then(first_child) {
                lower(this, source, expression);
                done = true;
            }
        });
        done
    }

    fn parsed(&mut self, text: &str, span: Span, lower: &mut Lower<'_, 'e>) -> bool {
        let masked = mask(text.as_bytes(), self.env);
        let Some(tree) = parse(&masked.text) else { return false };
        let root = tree.root_node();
        if root.has_error() {
            return false;
        }
        let Some(body) = super::find_body(root) else { return false };
        let source = Source {
            text: &masked.text,
            original: text.as_bytes(),
            notes: &masked.notes,
            origin: Origin::Use(span),
        };
        lower(self, &source, body);
        true
    }

    /// `guard(class)(args);` and `CLASS(class, var)(args);`
    pub(super) fn cleanup_form(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        function: Node<'_>,
        place: Option<&Place>,
    ) -> bool {
        let Some(form) = function.child_by_field_name("function") else { return false };
        let Some(head) = function.child_by_field_name("arguments") else { return false };
        let Some(class) = first_child(head).map(|class| source.written(class)) else { return false };
        let span = source.span(node);
        let object = match source.text(form) {
            "guard" => Place::local(self.builder.temporary(span)),
            "CLASS" => {
                let name = head.named_child(1).map(|name| source.written(name)).unwrap_or_default();
                Place::local(self.declare_local(name, crate::ir::LocalKind::Variable, class.clone(), span))
            }
            _ => return false,
        };
        let object = place.cloned().unwrap_or(object);
        let (args, spelled) = self.arguments(source, node.child_by_field_name("arguments"));
        let cleanup = self.construct(&class, object, args, spelled, span, node.start_byte());
        self.add_cleanup(cleanup);
        true
    }

    /// Calls the constructor of a class and gives the call that undoes it.
    fn construct(
        &mut self,
        class: &str,
        object: Place,
        args: Vec<Expr>,
        spelled: Vec<Name>,
        span: Span,
        offset: usize,
    ) -> Cleanup {
        let args: Vec<Expr> = args
            .into_iter()
            .map(|arg| if matches!(arg, Expr::Read(_)) { self.hold(arg, span) } else { arg })
            .collect();
        let call = StatementKind::Call {
            place: Some(object),
            callee: Callee::Named(Name::new(format!("class_{class}_constructor"))),
            args: args.clone(),
            spelled: spelled.clone(),
        };
        self.builder.push(call, span);
        Cleanup { callee: Name::new(format!("class_{class}_destructor")), args, spelled, span, offset }
    }

    /// `scoped_guard(class, args) { … }` and `scoped_cond_guard(class, failure, args) { … }`
    pub(super) fn guard_block(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        note: &BlockNote,
        body: Option<Node<'_>>,
    ) -> bool {
        let with_failure = match note.name.as_str() {
            "scoped_guard" => false,
            "scoped_cond_guard" => true,
            _ => return false,
        };
        let Some(class) = note.args.first() else { return false };
        let span = source.span(node);
        let (mut args, mut spelled) = (Vec::new(), Vec::new());
        for text in note.args.iter().skip(if with_failure { 2 } else { 1 }) {
            let mut value = Expr::Unknown;
            self.fragment(text, span, &mut |this, source, node| value = this.value(source, node));
            args.push(value);
            spelled.push(text.clone());
        }
        let object = Place::local(self.builder.temporary(span));
        let cleanup = self.construct(class, object.clone(), args, spelled, span, node.start_byte());
        let (inside, failed, exit) = self.three_blocks();
        let conditional = with_failure || CONDITIONAL_CLASSES.iter().any(|end| class.ends_with(end));
        if conditional {
            self.builder.branch(Predicate::Holds(Expr::Read(object)), inside, failed, span);
            self.builder.switch_to(failed);
            if let Some(failure) = note.args.get(1).filter(|_| with_failure) {
                let text = format!("void f(void){{{failure};}}");
                self.parsed(&text, span, &mut |this, source, body| this.block_statement(source, body));
            }
            self.builder.goto(exit, span);
        } else {
            self.builder.goto(inside, span);
        }
        self.builder.switch_to(inside);
        // It is a `for` that runs once: `break` and `continue` leave the guard, not a loop outside.
        let target =
            super::scope::Target { on_break: exit, on_continue: Some(exit), scopes: self.scopes.len() };
        self.targets.push(target);
        self.push_scope(node.id());
        self.add_cleanup(cleanup);
        if let Some(body) = body {
            self.statement(source, body);
        }
        self.pop_scope();
        self.targets.pop();
        self.builder.goto(exit, span);
        self.builder.switch_to(exit);
        true
    }
}
