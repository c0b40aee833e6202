//! Constants and operators as C spells them.

use crate::ir::{BinaryOp, Expr, Name, UnaryOp};

/// What a constant condition decides.
pub(super) fn truth(value: &Expr) -> Option<bool> {
    match value {
        Expr::Int(value) => Some(*value != 0),
        Expr::Null => Some(false),
        Expr::Str => Some(true),
        Expr::Unary(UnaryOp::Not, operand) => truth(operand).map(|truth| !truth),
        _ => None,
    }
}

pub(super) fn binary_op(text: &str) -> Option<BinaryOp> {
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

pub(super) fn number(text: &str) -> Expr {
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

pub(super) fn character(text: &str) -> Expr {
    let inner = text.trim_start_matches(['L', 'u', 'U', '8']).trim_matches('\'');
    let mut chars = inner.chars();
    match (chars.next(), chars.next(), chars.next()) {
        (Some(c), None, _) => Expr::Int(i64::from(u32::from(c))),
        (Some('\\'), Some('0'), None) => Expr::Int(0),
        (Some('\\'), Some('n'), None) => Expr::Int(10),
        _ => Expr::Const(Name::new(text)),
    }
}

/// The upper bound of a case range.
pub(super) fn bound(text: &str) -> Expr {
    match text.bytes().next() {
        Some(b'\'') => character(text),
        Some(b'0'..=b'9') => number(text),
        Some(b'-') => match number(text[1..].trim_start()) {
            Expr::Int(value) => Expr::Int(value.wrapping_neg()),
            _ => Expr::Const(Name::new(text)),
        },
        _ => Expr::Const(Name::new(text)),
    }
}
