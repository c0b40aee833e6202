//! The textual form of a body: what tests compare and what `lockbalance cfg --format text` prints.
//!
//! ```text
//! fn f(p: struct foo *) -> integer {
//! bb0:
//!     _2 = trylock(&(*p).lock)
//!     branch _2 ? bb1 : bb2
//! …
//! }
//! ```

use super::cfg::{BlockId, Callee, EdgeKind, Predicate, StatementKind, TerminatorKind};
use super::place::{Base, BinaryOp, Expr, Place, Projection, UnaryOp};
use super::{Body, ReturnKind};
use std::fmt::Write;

/// The whole body as text.
pub fn dump(body: &Body) -> String {
    let mut out = String::new();
    let parameters: Vec<String> =
        body.parameter_ids().map(|id| format!("{}: {}", local_name(body, id.0), body.local(id).ty)).collect();
    let returns = match body.returns {
        ReturnKind::Void => "void",
        ReturnKind::Bool => "bool",
        ReturnKind::Integer => "integer",
        ReturnKind::Pointer => "pointer",
        ReturnKind::Other => "other",
    };
    let _ = writeln!(out, "fn {}({}) -> {returns} {{", body.name, parameters.join(", "));
    for id in body.cfg.blocks() {
        let _ = writeln!(out, "bb{}:", id.0);
        for statement in &body.cfg.block(id).statements {
            let _ = writeln!(out, "    {}", statement_text(body, &statement.kind));
        }
        let _ = writeln!(out, "    {}", terminator_text(body, id));
    }
    out.push_str("}\n");
    out
}

/// One statement as text.
pub fn statement_text(body: &Body, kind: &StatementKind) -> String {
    match kind {
        StatementKind::Assign { place, value } => {
            format!("{} = {}", place_text(body, place), expr_text(body, value))
        }
        StatementKind::Call { place, callee, args, .. } => {
            let args: Vec<String> = args.iter().map(|arg| expr_text(body, arg)).collect();
            let callee = match callee {
                Callee::Named(name) => name.to_string(),
                Callee::Through(place) => format!("({})", place_text(body, place)),
            };
            let call = format!("{callee}({})", args.join(", "));
            match place {
                Some(place) => format!("{} = {call}", place_text(body, place)),
                None => call,
            }
        }
        StatementKind::Declare(place) => format!("declare {}", place_text(body, place)),
        StatementKind::Opaque(cause) => format!("opaque \"{cause}\""),
    }
}

/// The terminator of `block` with its targets as text.
pub fn terminator_text(body: &Body, block: BlockId) -> String {
    let edges: Vec<_> = body.cfg.successors(block).collect();
    let target = |wanted: &EdgeKind| {
        edges
            .iter()
            .find(|edge| edge.kind == wanted)
            .map_or("?".to_owned(), |edge| format!("bb{}", edge.target.0))
    };
    match &body.cfg.block(block).terminator.kind {
        TerminatorKind::Goto => format!("goto {}", target(&EdgeKind::Next)),
        TerminatorKind::Branch(predicate) => {
            let predicate = predicate_text(body, predicate);
            format!("branch {predicate} ? {} : {}", target(&EdgeKind::True), target(&EdgeKind::False))
        }
        TerminatorKind::Switch(scrutinee) => {
            let arms: Vec<String> = edges
                .iter()
                .map(|edge| match edge.kind {
                    EdgeKind::Case(low, None) => format!("{}: bb{}", expr_text(body, low), edge.target.0),
                    EdgeKind::Case(low, Some(high)) => {
                        format!("{} ... {}: bb{}", expr_text(body, low), expr_text(body, high), edge.target.0)
                    }
                    _ => format!("_: bb{}", edge.target.0),
                })
                .collect();
            format!("switch {} [{}]", expr_text(body, scrutinee), arms.join(", "))
        }
        TerminatorKind::Choice => {
            let targets: Vec<String> = edges.iter().map(|edge| format!("bb{}", edge.target.0)).collect();
            format!("choice [{}]", targets.join(", "))
        }
        TerminatorKind::Return(None) => "return".to_owned(),
        TerminatorKind::Return(Some(value)) => format!("return {}", expr_text(body, value)),
        TerminatorKind::Unreachable => "unreachable".to_owned(),
    }
}

/// A branch's condition as text.
pub fn predicate_text(body: &Body, predicate: &Predicate) -> String {
    match predicate {
        Predicate::Holds(expr) => expr_text(body, expr),
        Predicate::Configuration(name) => format!("#if \"{name}\""),
        Predicate::Either => "either".to_owned(),
    }
}

fn local_name(body: &Body, id: u32) -> String {
    let name = &body.locals[id as usize].name;
    if name.is_empty() { format!("_{id}") } else { name.to_string() }
}

/// A place as text, with explicit dereferences: `(*p).lock`.
pub fn place_text(body: &Body, place: &Place) -> String {
    let mut text = match &place.base {
        Base::Local(id) => local_name(body, id.0),
        Base::Global(name) => format!("@{name}"),
    };
    for step in &place.projections {
        match step {
            Projection::Deref => text = format!("(*{text})"),
            Projection::Field(name) => {
                let _ = write!(text, ".{name}");
            }
            Projection::Index(index) => {
                let _ = write!(text, "[{}]", expr_text(body, index));
            }
        }
    }
    text
}

/// An expression as text.
pub fn expr_text(body: &Body, expr: &Expr) -> String {
    match expr {
        Expr::Int(value) => value.to_string(),
        Expr::Null => "null".to_owned(),
        Expr::Str => "\"\"".to_owned(),
        Expr::Const(name) => format!("${name}"),
        Expr::Read(place) => place_text(body, place),
        Expr::AddressOf(place) => format!("&{}", place_text(body, place)),
        Expr::Unary(op, operand) => {
            let op = match op {
                UnaryOp::Not => "!",
                UnaryOp::Neg => "-",
                UnaryOp::BitNot => "~",
            };
            format!("{op}{}", expr_text(body, operand))
        }
        Expr::Binary(op, left, right) => {
            format!("({} {} {})", expr_text(body, left), binary_text(*op), expr_text(body, right))
        }
        Expr::Unknown => "unknown".to_owned(),
    }
}

/// The operator as C spells it.
pub fn binary_text(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Shl => "<<",
        BinaryOp::Shr => ">>",
        BinaryOp::BitAnd => "&",
        BinaryOp::BitOr => "|",
        BinaryOp::BitXor => "^",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
    }
}
