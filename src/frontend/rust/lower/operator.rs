//! Literals and operators.

use crate::frontend::rust::types::Ty;
use crate::ir::{BinaryOp, Expr};
use syn::{BinOp, Lit};

pub(super) fn literal(lit: &Lit) -> Expr {
    match lit {
        Lit::Int(int) => int.base10_parse::<i64>().map_or(Expr::Unknown, Expr::Int),
        Lit::Byte(byte) => Expr::Int(i64::from(byte.value())),
        Lit::Char(c) => Expr::Int(i64::from(u32::from(c.value()))),
        Lit::Bool(bool) => Expr::Int(i64::from(bool.value)),
        Lit::Str(_) | Lit::ByteStr(_) | Lit::CStr(_) => Expr::Str,
        _ => Expr::Unknown,
    }
}

pub(super) fn literal_type(lit: &Lit) -> Ty {
    match lit {
        Lit::Bool(_) => Ty::named("bool", Vec::new()),
        Lit::Str(_) => Ty::Pointer(Box::new(Ty::named("str", Vec::new()))),
        Lit::Int(_) => Ty::named("integer", Vec::new()),
        _ => Ty::named("literal", Vec::new()),
    }
}

pub(super) fn operator(op: &BinOp) -> Option<BinaryOp> {
    Some(match op {
        BinOp::Add(_) => BinaryOp::Add,
        BinOp::Sub(_) => BinaryOp::Sub,
        BinOp::Mul(_) => BinaryOp::Mul,
        BinOp::Div(_) => BinaryOp::Div,
        BinOp::Rem(_) => BinaryOp::Rem,
        BinOp::BitXor(_) => BinaryOp::BitXor,
        BinOp::BitAnd(_) => BinaryOp::BitAnd,
        BinOp::BitOr(_) => BinaryOp::BitOr,
        BinOp::Shl(_) => BinaryOp::Shl,
        BinOp::Shr(_) => BinaryOp::Shr,
        BinOp::Eq(_) => BinaryOp::Eq,
        BinOp::Ne(_) => BinaryOp::Ne,
        BinOp::Lt(_) => BinaryOp::Lt,
        BinOp::Le(_) => BinaryOp::Le,
        BinOp::Gt(_) => BinaryOp::Gt,
        BinOp::Ge(_) => BinaryOp::Ge,
        _ => return None,
    })
}

pub(super) fn assigning(op: &BinOp) -> Option<BinaryOp> {
    Some(match op {
        BinOp::AddAssign(_) => BinaryOp::Add,
        BinOp::SubAssign(_) => BinaryOp::Sub,
        BinOp::MulAssign(_) => BinaryOp::Mul,
        BinOp::DivAssign(_) => BinaryOp::Div,
        BinOp::RemAssign(_) => BinaryOp::Rem,
        BinOp::BitXorAssign(_) => BinaryOp::BitXor,
        BinOp::BitAndAssign(_) => BinaryOp::BitAnd,
        BinOp::BitOrAssign(_) => BinaryOp::BitOr,
        BinOp::ShlAssign(_) => BinaryOp::Shl,
        BinOp::ShrAssign(_) => BinaryOp::Shr,
        _ => return None,
    })
}
