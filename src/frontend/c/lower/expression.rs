//! Expressions: calls hoisted into statements, short circuits into branches, the rest pure.

use super::{Lowerer, Source};
use crate::ir::{
    Base, BinaryOp, BlockId, Callee, Expr, Name, Place, Predicate, Projection, StatementKind, UnaryOp,
};
use crate::source::Span;
use tree_sitter::Node;

impl Lowerer<'_> {
    /// Evaluates `node` for its effects only.
    pub(super) fn effect(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        match node.kind() {
            "call_expression" => {
                if !self.inline_effect(source, node) {
                    self.call(source, node, None);
                }
            }
            "parenthesized_expression" => self.each(source, node, |this, child| this.effect(source, child)),
            "cast_expression" => {
                if let Some(value) = node.child_by_field_name("value") {
                    self.effect(source, value);
                }
            }
            "comma_expression" => self.each(source, node, |this, child| this.effect(source, child)),
            "conditional_expression" => {
                let (then, otherwise, join) = self.three_blocks();
                self.condition_of(source, node, then, otherwise);
                for (block, field) in [(then, "consequence"), (otherwise, "alternative")] {
                    self.builder.switch_to(block);
                    if let Some(side) = node.child_by_field_name(field) {
                        self.effect(source, side);
                    }
                    self.builder.goto(join, span);
                }
                self.builder.switch_to(join);
            }
            "binary_expression" if matches!(operator(source, node), "&&" | "||") => {
                let join = self.builder.new_block();
                let right = self.builder.new_block();
                let Some((left, other)) = sides(node) else { return };
                if operator(source, node) == "&&" {
                    self.condition(source, left, right, join);
                } else {
                    self.condition(source, left, join, right);
                }
                self.builder.switch_to(right);
                self.effect(source, other);
                self.builder.goto(join, span);
                self.builder.switch_to(join);
            }
            "update_expression" => {
                self.update(source, node, false);
            }
            "assignment_expression" => {
                self.assignment(source, node);
            }
            "identifier" if self.inline_object_effect(source, node) => {}
            "compound_statement" => self.block_statement(source, node),
            _ => {
                self.deeper(span, |this| {
                    this.value(source, node);
                });
            }
        }
    }

    fn each(&mut self, source: &Source<'_>, node: Node<'_>, mut lower: impl FnMut(&mut Self, Node<'_>)) {
        let span = source.span(node);
        self.deeper(span, |this| {
            for at in 0..node.named_child_count() {
                if let Some(child) = node.named_child(at as u32).filter(|child| child.kind() != "comment") {
                    lower(this, child);
                }
            }
        });
    }

    pub(super) fn three_blocks(&mut self) -> (BlockId, BlockId, BlockId) {
        (self.builder.new_block(), self.builder.new_block(), self.builder.new_block())
    }

    /// The value of `node`; its effects are emitted first.
    pub(super) fn value(&mut self, source: &Source<'_>, node: Node<'_>) -> Expr {
        let mut value = Expr::Unknown;
        let span = source.span(node);
        self.deeper(span, |this| value = this.value_inner(source, node));
        value
    }

    fn value_inner(&mut self, source: &Source<'_>, node: Node<'_>) -> Expr {
        let span = source.span(node);
        match node.kind() {
            "number_literal" => number(source.text(node)),
            "char_literal" => character(source.text(node)),
            "string_literal" | "concatenated_string" => Expr::Str,
            "true" => Expr::Int(1),
            "false" => Expr::Int(0),
            "null" => Expr::Null,
            "identifier" | "type_identifier" => self.identifier(source, node),
            "parenthesized_expression" => match first_child(node) {
                Some(inner) if inner.kind() == "compound_statement" => {
                    self.statement_expression(source, inner)
                }
                Some(inner) => self.value(source, inner),
                None => Expr::Unknown,
            },
            "compound_statement" => self.statement_expression(source, node),
            "cast_expression" | "extension_expression" => {
                match node.child_by_field_name("value").or_else(|| last_child(node)) {
                    Some(inner) => self.value(source, inner),
                    None => Expr::Unknown,
                }
            }
            "field_expression" | "subscript_expression" => match self.place(source, node) {
                Some(place) => Expr::Read(place),
                None => Expr::Unknown,
            },
            "pointer_expression" => self.pointer(source, node),
            "unary_expression" => self.unary(source, node),
            "update_expression" => self.update(source, node, true),
            "assignment_expression" => match self.assignment(source, node) {
                Some(place) => Expr::Read(place),
                None => Expr::Unknown,
            },
            "binary_expression" => self.binary(source, node),
            "conditional_expression" | "call_expression" => {
                let place = Place::local(self.builder.temporary(span));
                self.value_into(source, node, place.clone());
                Expr::Read(place)
            }
            "comma_expression" => {
                let Some((left, right)) = sides(node) else { return Expr::Unknown };
                self.effect(source, left);
                self.value(source, right)
            }
            "sizeof_expression" | "alignof_expression" | "offsetof_expression" => {
                Expr::Const(source.written(node))
            }
            "initializer_list" => {
                self.each(source, node, |this, child| {
                    this.value(source, child);
                });
                Expr::Unknown
            }
            "initializer_pair" => match node.child_by_field_name("value") {
                Some(value) => self.value(source, value),
                None => Expr::Unknown,
            },
            "compound_literal_expression" => {
                if let Some(list) = node.child_by_field_name("value") {
                    self.value(source, list);
                }
                Expr::Unknown
            }
            "generic_expression" | "gnu_asm_expression" | "type_descriptor" | "comment" => Expr::Unknown,
            "ERROR" => {
                self.opaque("syntax error", span);
                Expr::Unknown
            }
            _ => {
                self.opaque("unknown expression", span);
                Expr::Unknown
            }
        }
    }

    fn identifier(&mut self, source: &Source<'_>, node: Node<'_>) -> Expr {
        let name = source.text(node);
        if let Some(id) = self.resolve(name) {
            return Expr::Read(Place::local(id));
        }
        match name {
            "NULL" | "nullptr" => return Expr::Null,
            "true" | "TRUE" => return Expr::Int(1),
            "false" | "FALSE" => return Expr::Int(0),
            _ => {}
        }
        if let Some(value) = self.inline_object_value(source, node) {
            return value;
        }
        let constant =
            name.bytes().any(|b| b.is_ascii_uppercase()) && !name.bytes().any(|b| b.is_ascii_lowercase());
        if constant { Expr::Const(Name::new(name)) } else { Expr::Read(Place::global(name)) }
    }

    fn pointer(&mut self, source: &Source<'_>, node: Node<'_>) -> Expr {
        let Some(argument) = node.child_by_field_name("argument") else { return Expr::Unknown };
        if source.text(node).starts_with('&') {
            return match self.place(source, argument) {
                Some(Place { base, mut projections }) if projections.last() == Some(&Projection::Deref) => {
                    projections.pop();
                    Expr::Read(Place { base, projections })
                }
                Some(place) => Expr::AddressOf(place),
                None => Expr::Str,
            };
        }
        match self.place(source, node) {
            Some(place) => Expr::Read(place),
            None => Expr::Unknown,
        }
    }

    fn unary(&mut self, source: &Source<'_>, node: Node<'_>) -> Expr {
        let Some(argument) = node.child_by_field_name("argument") else { return Expr::Unknown };
        let operator = operator(source, node).to_owned();
        let operand = self.value(source, argument);
        match operator.as_str() {
            "!" => Expr::Unary(UnaryOp::Not, Box::new(operand)),
            "~" => Expr::Unary(UnaryOp::BitNot, Box::new(operand)),
            "-" => match operand {
                Expr::Int(value) => Expr::Int(value.wrapping_neg()),
                operand => Expr::Unary(UnaryOp::Neg, Box::new(operand)),
            },
            _ => operand,
        }
    }

    fn update(&mut self, source: &Source<'_>, node: Node<'_>, used: bool) -> Expr {
        let span = source.span(node);
        let Some(argument) = node.child_by_field_name("argument") else { return Expr::Unknown };
        let text = source.text(node);
        let prefix = text.starts_with("++") || text.starts_with("--");
        let op = if text.contains("++") { BinaryOp::Add } else { BinaryOp::Sub };
        let Some(place) = self.place(source, argument) else { return Expr::Unknown };
        let old = Expr::Read(place.clone());
        let before = if used && !prefix { self.hold(old.clone(), span) } else { old.clone() };
        self.builder.assign(place.clone(), Expr::binary(op, old, Expr::Int(1)), span);
        if prefix { Expr::Read(place) } else { before }
    }

    fn binary(&mut self, source: &Source<'_>, node: Node<'_>) -> Expr {
        let span = source.span(node);
        let operator = operator(source, node).to_owned();
        if matches!(operator.as_str(), "&&" | "||") {
            let place = Place::local(self.builder.temporary(span));
            let (then, otherwise, join) = self.three_blocks();
            self.condition(source, node, then, otherwise);
            for (block, truth) in [(then, 1), (otherwise, 0)] {
                self.builder.switch_to(block);
                self.builder.assign(place.clone(), Expr::Int(truth), span);
                self.builder.goto(join, span);
            }
            self.builder.switch_to(join);
            return Expr::Read(place);
        }
        let Some((left, right)) = sides(node) else { return Expr::Unknown };
        let mut left_value = self.value(source, left);
        if has_effects(right) && reads(&left_value) {
            left_value = self.hold(left_value, source.span(left));
        }
        let right = self.value(source, right);
        match binary_op(&operator) {
            Some(op) => Expr::binary(op, left_value, right),
            None => {
                self.opaque("unknown operator", span);
                Expr::Unknown
            }
        }
    }

    /// `({ …; value; })`
    fn statement_expression(&mut self, source: &Source<'_>, block: Node<'_>) -> Expr {
        let mut value = Expr::Int(0);
        self.push_scope(block.id());
        let last = (0..block.named_child_count())
            .filter_map(|at| block.named_child(at as u32))
            .rfind(|child| child.kind() != "comment");
        for at in 0..block.named_child_count() {
            let Some(child) = block.named_child(at as u32) else { continue };
            match last {
                Some(last) if last.id() == child.id() && child.kind() == "expression_statement" => {
                    if let Some(inner) = first_child(child) {
                        let span = source.span(child);
                        let result = self.value(source, inner);
                        value = if reads(&result) { self.hold(result, span) } else { result };
                    }
                }
                _ => self.statement(source, child),
            }
        }
        self.pop_scope();
        value
    }

    /// The place that `node` denotes.
    pub(super) fn place(&mut self, source: &Source<'_>, node: Node<'_>) -> Option<Place> {
        let span = source.span(node);
        if self.depth >= super::DEPTH_LIMIT {
            return None;
        }
        self.depth += 1;
        let place = self.place_inner(source, node, span);
        self.depth -= 1;
        place
    }

    fn place_inner(&mut self, source: &Source<'_>, node: Node<'_>, span: Span) -> Option<Place> {
        match node.kind() {
            "identifier" => match self.identifier(source, node) {
                Expr::Read(place) => Some(place),
                Expr::Const(name) => Some(Place { base: Base::Global(name), projections: Vec::new() }),
                _ => None,
            },
            "parenthesized_expression" => match first_child(node) {
                Some(inner) if inner.kind() != "compound_statement" => self.place(source, inner),
                _ => self.pointee(source, node, span).map(|mut place| {
                    place.projections.pop();
                    place
                }),
            },
            "field_expression" => {
                let argument = node.child_by_field_name("argument")?;
                let field = Name::new(source.text(node.child_by_field_name("field")?));
                let arrow = source
                    .text
                    .get(argument.end_byte()..node.end_byte())?
                    .trim_ascii_start()
                    .starts_with(b"->");
                let base =
                    if arrow { self.pointee(source, argument, span)? } else { self.place(source, argument)? };
                Some(base.field(field))
            }
            "subscript_expression" => {
                let argument = node.child_by_field_name("argument")?;
                let index = node.child_by_field_name("index").or_else(|| last_child(node))?;
                let base = match self.place(source, argument) {
                    Some(place) => place,
                    None => Place::local(self.builder.temporary(span)),
                };
                let index = self.value(source, index);
                Some(base.project(Projection::Index(Box::new(index))))
            }
            "pointer_expression" if source.text(node).starts_with('*') => {
                let argument = node.child_by_field_name("argument")?;
                self.pointee(source, argument, span)
            }
            "cast_expression" => self.place(source, node.child_by_field_name("value")?),
            "conditional_expression"
            | "call_expression"
            | "assignment_expression"
            | "comma_expression"
            | "compound_literal_expression"
            | "update_expression"
            | "binary_expression" => {
                // A value that is used like a place: give it one.
                match self.value(source, node) {
                    Expr::Read(place) => Some(place),
                    value => {
                        let place = Place::local(self.builder.temporary(span));
                        self.builder.assign(place.clone(), value, span);
                        Some(place)
                    }
                }
            }
            _ => None,
        }
    }

    /// The place that the pointer `node` points to.
    fn pointee(&mut self, source: &Source<'_>, node: Node<'_>, span: Span) -> Option<Place> {
        match self.value(source, node) {
            Expr::Read(place) => Some(place.deref()),
            Expr::AddressOf(place) => Some(place),
            Expr::Const(name) => Some(Place::global(name).deref()),
            Expr::Null | Expr::Int(_) => None,
            value => {
                let place = Place::local(self.builder.temporary(span));
                self.builder.assign(place.clone(), value, span);
                Some(place.deref())
            }
        }
    }

    /// `a = b`, `a += b`: the written place.
    fn assignment(&mut self, source: &Source<'_>, node: Node<'_>) -> Option<Place> {
        let span = source.span(node);
        let (left, right) = (node.child_by_field_name("left")?, node.child_by_field_name("right")?);
        let operator = operator(source, node).to_owned();
        if operator == "=" {
            let place = match self.place(source, left) {
                Some(place) => place,
                None => Place::local(self.builder.temporary(span)),
            };
            self.value_into(source, right, place.clone());
            return Some(place);
        }
        let place = self.place(source, left)?;
        let value = self.value(source, right);
        let old = Expr::Read(place.clone());
        let value = match binary_op(operator.trim_end_matches('=')) {
            Some(op) => Expr::binary(op, old, value),
            None => Expr::Unknown,
        };
        self.builder.assign(place.clone(), value, span);
        Some(place)
    }

    /// Evaluates `node` and stores it at `place`: calls and choices write there directly.
    pub(super) fn value_into(&mut self, source: &Source<'_>, node: Node<'_>, place: Place) {
        let span = source.span(node);
        self.deeper(span, |this| match node.kind() {
            "call_expression" => {
                if !this.inline_value(source, node, &place) {
                    this.call(source, node, Some(place));
                }
            }
            "parenthesized_expression"
                if first_child(node).is_some_and(|c| c.kind() != "compound_statement") =>
            {
                if let Some(inner) = first_child(node) {
                    this.value_into(source, inner, place);
                }
            }
            "cast_expression" if node.child_by_field_name("value").is_some() => {
                if let Some(inner) = node.child_by_field_name("value") {
                    this.value_into(source, inner, place);
                }
            }
            "conditional_expression" => this.conditional_into(source, node, place),
            _ => {
                let value = this.value(source, node);
                this.builder.assign(place, value, span);
            }
        });
    }

    fn conditional_into(&mut self, source: &Source<'_>, node: Node<'_>, place: Place) {
        let span = source.span(node);
        let (then, otherwise, join) = self.three_blocks();
        let shared = match node.child_by_field_name("consequence") {
            // GNU `a ?: b`: the condition is the value.
            None => {
                let condition = node.child_by_field_name("condition");
                let value = condition.map_or(Expr::Unknown, |condition| self.value(source, condition));
                let held = self.hold(value, span);
                self.builder.branch(Predicate::Holds(held.clone()), then, otherwise, span);
                Some(held)
            }
            Some(_) => {
                self.condition_of(source, node, then, otherwise);
                None
            }
        };
        for (block, field) in [(then, "consequence"), (otherwise, "alternative")] {
            self.builder.switch_to(block);
            match (node.child_by_field_name(field), &shared) {
                (Some(side), _) => self.value_into(source, side, place.clone()),
                (None, Some(held)) => self.builder.assign(place.clone(), held.clone(), span),
                (None, None) => {}
            }
            self.builder.goto(join, span);
        }
        self.builder.switch_to(join);
    }

    pub(super) fn condition_of(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        then: BlockId,
        otherwise: BlockId,
    ) {
        match node.child_by_field_name("condition") {
            Some(condition) => self.condition(source, condition, then, otherwise),
            None => {
                self.opaque("no condition", source.span(node));
                self.builder.branch(Predicate::Either, then, otherwise, source.span(node));
            }
        }
    }

    /// Branches on `node`.
    pub(super) fn condition(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        then: BlockId,
        otherwise: BlockId,
    ) {
        let span = source.span(node);
        self.deeper(span, |this| match node.kind() {
            "parenthesized_expression"
                if first_child(node).is_some_and(|c| c.kind() != "compound_statement") =>
            {
                if let Some(inner) = first_child(node) {
                    this.condition(source, inner, then, otherwise);
                }
            }
            "unary_expression" if operator(source, node) == "!" => {
                if let Some(argument) = node.child_by_field_name("argument") {
                    this.condition(source, argument, otherwise, then);
                }
            }
            "binary_expression" if matches!(operator(source, node), "&&" | "||") => {
                let and = operator(source, node) == "&&";
                let Some((left, right)) = sides(node) else { return };
                let between = this.builder.new_block();
                if and {
                    this.condition(source, left, between, otherwise);
                } else {
                    this.condition(source, left, then, between);
                }
                this.builder.switch_to(between);
                this.condition(source, right, then, otherwise);
            }
            "comma_expression" => {
                if let Some((left, right)) = sides(node) {
                    this.effect(source, left);
                    this.condition(source, right, then, otherwise);
                }
            }
            _ => {
                let value = this.value(source, node);
                match truth(&value) {
                    Some(true) => this.builder.goto(then, span),
                    Some(false) => this.builder.goto(otherwise, span),
                    None => this.builder.branch(Predicate::Holds(value), then, otherwise, span),
                }
            }
        });
        if !self.builder.is_terminated() {
            self.builder.branch(Predicate::Either, then, otherwise, span);
        }
    }

    /// An ordinary call.
    pub(super) fn call(&mut self, source: &Source<'_>, node: Node<'_>, place: Option<Place>) {
        let span = source.span(node);
        let Some(function) = node.child_by_field_name("function") else {
            return self.opaque("call of nothing", span);
        };
        if function.kind() == "call_expression" && self.cleanup_form(source, node, function, place.as_ref()) {
            return;
        }
        let (args, spelled) = self.arguments(source, node.child_by_field_name("arguments"));
        let callee = match function.kind() {
            "identifier" if self.resolve(source.text(function)).is_none() => {
                Callee::Named(Name::new(source.text(function)))
            }
            _ => match self.place(source, strip(function)) {
                Some(place) => Callee::Through(place),
                None => Callee::Through(Place::local(self.builder.temporary(span))),
            },
        };
        self.builder.push(StatementKind::Call { place, callee, args, spelled }, span);
    }

    pub(super) fn arguments(
        &mut self,
        source: &Source<'_>,
        list: Option<Node<'_>>,
    ) -> (Vec<Expr>, Vec<Name>) {
        let (mut args, mut spelled) = (Vec::new(), Vec::new());
        let Some(list) = list else { return (args, spelled) };
        for at in 0..list.named_child_count() {
            let Some(child) = list.named_child(at as u32).filter(|child| child.kind() != "comment") else {
                continue;
            };
            let value = self.value(source, child);
            args.push(value);
            spelled.push(source.written(child));
        }
        (args, spelled)
    }
}

/// The only named child that is no comment, or the first.
pub(super) fn first_child(node: Node<'_>) -> Option<Node<'_>> {
    (0..node.named_child_count())
        .filter_map(|at| node.named_child(at as u32))
        .find(|child| child.kind() != "comment")
}

fn last_child(node: Node<'_>) -> Option<Node<'_>> {
    node.named_child(node.named_child_count().checked_sub(1)? as u32)
}

fn sides(node: Node<'_>) -> Option<(Node<'_>, Node<'_>)> {
    Some((node.child_by_field_name("left")?, node.child_by_field_name("right")?))
}

fn operator<'s>(source: &'s Source<'_>, node: Node<'_>) -> &'s str {
    node.child_by_field_name("operator").map_or("", |operator| source.text(operator))
}

/// `(*f)(x)` calls what `f(x)` calls.
fn strip(node: Node<'_>) -> Node<'_> {
    match node.kind() {
        "parenthesized_expression" => first_child(node).map_or(node, strip),
        "pointer_expression" => node.child_by_field_name("argument").unwrap_or(node),
        _ => node,
    }
}

fn has_effects(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        "call_expression" | "assignment_expression" | "update_expression" | "compound_statement"
    ) || (0..node.named_child_count()).filter_map(|at| node.named_child(at as u32)).any(has_effects)
}

fn reads(value: &Expr) -> bool {
    match value {
        Expr::Read(_) | Expr::Unknown => true,
        Expr::Unary(_, operand) => reads(operand),
        Expr::Binary(_, left, right) => reads(left) || reads(right),
        Expr::AddressOf(place) => !place.projections.is_empty(),
        Expr::Int(_) | Expr::Null | Expr::Str | Expr::Const(_) => false,
    }
}

/// What a constant condition decides.
fn truth(value: &Expr) -> Option<bool> {
    match value {
        Expr::Int(value) => Some(*value != 0),
        Expr::Null => Some(false),
        Expr::Str => Some(true),
        Expr::Unary(UnaryOp::Not, operand) => truth(operand).map(|truth| !truth),
        _ => None,
    }
}

fn binary_op(text: &str) -> Option<BinaryOp> {
    Some(match text {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Sub,
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::Div,
        "%" => BinaryOp::Rem,
        "<<" => BinaryOp::Shl,
        ">>" => BinaryOp::Shr,
        "&" => BinaryOp::BitAnd,
        "|" => BinaryOp::BitOr,
        "^" => BinaryOp::BitXor,
        "==" => BinaryOp::Eq,
        "!=" => BinaryOp::Ne,
        "<" => BinaryOp::Lt,
        "<=" => BinaryOp::Le,
        ">" => BinaryOp::Gt,
        ">=" => BinaryOp::Ge,
        _ => return None,
    })
}

fn number(text: &str) -> Expr {
    let digits = text.trim_end_matches(['u', 'U', 'l', 'L', 'z', 'Z']).replace('\'', "");
    let value = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        u64::from_str_radix(hex, 16).ok().map(|value| value as i64)
    } else if let Some(bits) = digits.strip_prefix("0b").or_else(|| digits.strip_prefix("0B")) {
        i64::from_str_radix(bits, 2).ok()
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(&digits[1..], 8).ok()
    } else {
        digits.parse().ok()
    };
    value.map_or_else(|| Expr::Const(Name::new(text)), Expr::Int)
}

fn character(text: &str) -> Expr {
    let inner = text.trim_start_matches(['L', 'u', 'U', '8']).trim_matches('\'');
    let mut chars = inner.chars();
    match (chars.next(), chars.next(), chars.next()) {
        (Some(c), None, _) => Expr::Int(i64::from(u32::from(c))),
        (Some('\\'), Some('0'), None) => Expr::Int(0),
        (Some('\\'), Some('n'), None) => Expr::Int(10),
        _ => Expr::Const(Name::new(text)),
    }
}
