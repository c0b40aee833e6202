//! Macros that stand before a block, and the scope guards of C.

use super::inline::{EXPANSION_DEPTH, EXPANSION_SIZE};
use super::scope::{Cleanup, Target};
use super::{Lowerer, Origin, Source, any_below, first_child, named};
use crate::frontend::c::macros;
use crate::frontend::c::mask::BlockNote;
use crate::ir::environment::BlockMacro;
use crate::ir::{Callee, Expr, LocalId, LocalKind, Name, Place, Predicate, StatementKind};
use crate::source::Span;
use tree_sitter::Node;

/// Classes whose constructor may fail, by the last word of their name.
const CONDITIONAL_CLASSES: [&str; 5] = ["_try", "_intr", "_kill", "_killable", "_interruptible"];

impl Lowerer<'_> {
    /// A macro before a block.
    pub(super) fn macro_block(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        note: &BlockNote,
        body: Option<Node<'_>>,
    ) {
        if self.guard_block(source, node, note, body) || self.expanded_block(source, node, note, body) {
            return;
        }
        let span = source.span(node);
        let (head, inside, exit) = self.three_blocks();
        self.block_calls(note, span);
        self.builder.goto(head, span);
        self.builder.switch_to(head);
        self.block_variables(note, span);
        self.builder.branch(Predicate::Either, inside, exit, span);
        // A jump that has nothing else to leave shows that the macro loops.
        let kind = match body {
            Some(body) if self.targets.is_empty() && jumps_out(body) => BlockMacro::Loop,
            _ => note.kind,
        };
        match kind {
            BlockMacro::Loop => {
                self.looped(source, body, inside, head, exit);
                self.builder.goto(head, span);
            }
            BlockMacro::Once => {
                self.builder.switch_to(inside);
                if let Some(body) = body {
                    self.statement(source, body);
                }
                self.builder.goto(exit, span);
            }
        }
        self.builder.switch_to(exit);
    }

    /// The macro's definition with the block behind it.
    fn expanded_block(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        note: &BlockNote,
        body: Option<Node<'_>>,
    ) -> bool {
        let span = source.span(node);
        let (Some(definition), Some(body)) = (self.env.macro_definition(&note.name), body) else {
            return false;
        };
        // A loop of a header hides nothing but its bounds, and there are many of them.
        let plain_loop = note.kind == BlockMacro::Loop && definition.span.file != self.function.file;
        if plain_loop || self.expanding.len() >= EXPANSION_DEPTH || self.is_entered_sideways(body) {
            return false;
        }
        let Some(header) = macros::expand(definition, &note.args) else { return false };
        let written = source.original.get(body.byte_range()).unwrap_or_default();
        if header.len() + written.len() > EXPANSION_SIZE {
            return false;
        }
        let head = format!("void f(void){{{header} ");
        let origin = match source.place(body.start_byte()) {
            Ok((_, base)) => Origin::Block { used: span, body: head.len(), base },
            Err(used) => Origin::Use(used),
        };
        let text = [head.as_bytes(), written, b"}"].concat();
        self.expanding.push(note.name.clone());
        let done =
            self.parsed_at(&text, origin, &mut |this, source, body| this.block_statement(source, body));
        self.expanding.pop();
        done
    }

    /// Whether `body` holds labels that something outside may jump to: it must then be lowered where it stands.
    fn is_entered_sideways(&self, body: Node<'_>) -> bool {
        any_below(body, |node| {
            node.kind() == "labeled_statement"
                || node.kind() == "case_statement" && self.switches.iter().any(|switch| switch.has(node))
        })
    }

    /// Calls among the macro's arguments are made, once: what a loop goes through is looked up before its first round.
    fn block_calls(&mut self, note: &BlockNote, span: Span) {
        for arg in note.args.iter().filter(|arg| arg.contains('(')) {
            self.fragment(arg, span, &mut |this, source, node| this.effect(source, node));
        }
    }

    /// Each round of a loop gives the macro's variables new values.
    fn block_variables(&mut self, note: &BlockNote, span: Span) {
        if note.kind != BlockMacro::Loop {
            return;
        }
        let named: Vec<LocalId> = note.args.iter().filter_map(|arg| self.resolve(arg)).collect();
        // Neither parameters nor variables that were given an object walk, unless nothing else can: `queue_walk(queue, item)`.
        let free = |id: &LocalId| !self.builder.is_parameter(*id);
        let open = |id: &LocalId| free(id) && !self.builder.is_given(*id);
        let walking: Vec<LocalId> = if named.iter().any(open) {
            named.into_iter().filter(open).collect()
        } else if named.iter().any(free) {
            named.into_iter().filter(free).collect()
        } else {
            let first = note.args.first().and_then(|arg| self.resolve(arg));
            first.into_iter().collect()
        };
        for id in walking {
            self.builder.assign(Place::local(id), Expr::Unknown, span);
        }
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
                let name = named(head).get(1).map(|name| source.written(*name)).unwrap_or_default();
                Place::local(self.declare_local(name, LocalKind::Variable, class.clone(), span))
            }
            _ => return false,
        };
        let object = place.cloned().unwrap_or(object);
        let (args, spelled) = self.arguments(source, node.child_by_field_name("arguments"));
        let cleanup = self.construct(&class, object, args, spelled, span);
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
        Cleanup { callee: Name::new(format!("class_{class}_destructor")), args, spelled, span }
    }

    /// `scoped_guard(class, args) { … }` and `scoped_cond_guard(class, failure, args) { … }`
    fn guard_block(
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
        let cleanup = self.construct(class, object.clone(), args, spelled, span);
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
        self.targets.push(Target { on_break: exit, on_continue: Some(exit), scopes: self.scopes.len() });
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

/// Whether a `break` or `continue` below `body` leaves it.
fn jumps_out(body: Node<'_>) -> bool {
    let mut open = vec![body];
    while let Some(node) = open.pop() {
        match node.kind() {
            "break_statement" | "continue_statement" => return true,
            "while_statement" | "for_statement" | "do_statement" | "switch_statement" => {}
            _ => open.extend(named(node)),
        }
    }
    false
}
