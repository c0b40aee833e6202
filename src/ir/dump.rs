//! The textual form of a body: what tests compare, what `lockbalance cfg --format text` prints, and what [`super::parse`] reads
//! back. Nothing but the spans is lost.
//!
//! ```text
//! fn f(p: struct foo *) -> integer {
//!     let ret: int
//!     temp _2
//! bb0:
//!     _2 = trylock(&(*p).lock) as ["&p->lock"]
//!     branch _2 ? bb1 : bb2
//! …
//! }
//! ```
//!
//! A local is called by its name; `name#2` is local 2 where the name alone would not do (another local has it, or it is a word of
//! this language), and a local without a name is `_2`. Names that are no identifiers, and texts, stand in quotes.

use super::cfg::{BlockId, Callee, EdgeKind, Predicate, StatementKind, TerminatorKind};
use super::place::{Base, BinaryOp, Expr, Place, Projection, UnaryOp};
use super::{Body, Linkage, LocalKind, ReturnKind};
use std::fmt::Write;

/// The words of the textual form: a local or a callee of this name is written another way.
pub(super) const WORDS: [&str; 18] = [
    "as",
    "branch",
    "choice",
    "declare",
    "degraded",
    "either",
    "fn",
    "goto",
    "let",
    "null",
    "opaque",
    "return",
    "static",
    "switch",
    "temp",
    "unknown",
    "unreachable",
    "_",
];

/// The whole body as text.
pub fn dump(body: &Body) -> String {
    let mut out = String::new();
    for annotation in &body.annotations {
        let args: Vec<String> = annotation.args.iter().map(|arg| quoted(arg)).collect();
        let _ = writeln!(out, "#[{}({})]", word(&annotation.name), args.join(", "));
    }
    let parameters: Vec<String> = body.parameter_ids().map(|id| declaration(body, id.0)).collect();
    let returns = match body.returns {
        ReturnKind::Void => "void",
        ReturnKind::Bool => "bool",
        ReturnKind::Integer => "integer",
        ReturnKind::Pointer => "pointer",
        ReturnKind::Guard => "guard",
        ReturnKind::Other => "other",
    };
    let linkage = match body.linkage {
        Linkage::Internal => "static ",
        Linkage::External => "",
    };
    let _ = writeln!(out, "{linkage}fn {}({}) -> {returns} {{", word(&body.name), parameters.join(", "));
    for (at, local) in body.locals.iter().enumerate().skip(body.parameters) {
        let kind = match local.kind {
            LocalKind::Parameter | LocalKind::Variable => "let",
            LocalKind::Static => "static",
            LocalKind::Temporary => "temp",
        };
        let _ = writeln!(out, "    {kind} {}", declaration(body, at as u32));
    }
    for degradation in &body.degradations {
        let _ = writeln!(out, "    degraded {}", quoted(degradation.cause));
    }
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

/// Name and type of a local, the type only when it is known.
fn declaration(body: &Body, id: u32) -> String {
    let (name, ty) = (local_name(body, id), &body.locals[id as usize].ty);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '*' || c == ' ';
    match ty.as_str() {
        "" => name,
        ty if ty.chars().all(plain) && ty.trim() == ty => format!("{name}: {ty}"),
        ty => format!("{name}: {}", quoted(ty)),
    }
}

/// One statement as text.
pub fn statement_text(body: &Body, kind: &StatementKind) -> String {
    match kind {
        StatementKind::Assign { place, value } => {
            format!("{} = {}", place_text(body, place), expr_text(body, value))
        }
        StatementKind::Call { place, callee, args, spelled } => {
            let args: Vec<String> = args.iter().map(|arg| expr_text(body, arg)).collect();
            let callee = match callee {
                Callee::Named(name) if WORDS.contains(&name.as_str()) => quoted(name),
                Callee::Named(name) => word(name),
                Callee::Through(place) => format!("({})", place_text(body, place)),
            };
            let mut call = format!("{callee}({})", args.join(", "));
            if args.len() != spelled.len() || args.iter().zip(spelled).any(|(arg, text)| arg != text) {
                let texts: Vec<String> = spelled.iter().map(|text| quoted(text)).collect();
                let _ = write!(call, " as [{}]", texts.join(", "));
            }
            match place {
                Some(place) => format!("{} = {call}", place_text(body, place)),
                None => call,
            }
        }
        StatementKind::Declare(place) => format!("declare {}", place_text(body, place)),
        StatementKind::Opaque(cause) => format!("opaque {}", quoted(cause)),
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
        Predicate::Configuration(name) => format!("#if {}", quoted(name)),
        Predicate::Either => "either".to_owned(),
    }
}

pub(super) fn local_name(body: &Body, id: u32) -> String {
    let name = &body.locals[id as usize].name;
    if name.is_empty() {
        return format!("_{id}");
    }
    let shared = body.locals.iter().filter(|local| local.name == *name).count() > 1;
    let alone = !shared && !WORDS.contains(&name.as_str()) && !is_number_name(name);
    if alone { word(name) } else { format!("{}#{id}", word(name)) }
}

/// Whether the name looks like one that a local without a name is given.
fn is_number_name(name: &str) -> bool {
    name.strip_prefix('_').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether the name needs no quotes.
fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn word(name: &str) -> String {
    if is_identifier(name) { name.to_owned() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A place as text, with explicit dereferences: `(*p).lock`.
pub fn place_text(body: &Body, place: &Place) -> String {
    let mut text = match &place.base {
        Base::Local(id) => local_name(body, id.0),
        Base::Global(name) => format!("@{}", word(name)),
    };
    for step in &place.projections {
        match step {
            Projection::Deref => text = format!("(*{text})"),
            Projection::Field(name) => {
                let _ = write!(text, ".{}", word(name));
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
        Expr::Const(name) => format!("${}", word(name)),
        Expr::Read(place) => place_text(body, place),
        Expr::AddressOf(place) => format!("&{}", place_text(body, place)),
        Expr::Unary(op, operand) => {
            let op = match op {
                UnaryOp::Not => "!",
                UnaryOp::Neg => "-",
                UnaryOp::BitNot => "~",
            };
            // `-3` is the number; the operator on a number is `-(3)`.
            match **operand {
                Expr::Int(0..) => format!("{op}({})", expr_text(body, operand)),
                _ => format!("{op}{}", expr_text(body, operand)),
            }
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
