//! Places and expressions.

use super::{Parsed, Reader};
use crate::ir::{Base, BinaryOp, Expr, Place, Projection, UnaryOp};

impl Reader<'_> {
    pub(super) fn place(&mut self) -> Parsed<Place> {
        let mut place = if self.cursor.eat("(*") {
            let inner = self.place()?;
            self.cursor.expect(")")?;
            inner.deref()
        } else if self.cursor.eat("@") {
            Place::global(self.cursor.name("the name of a global")?)
        } else {
            let unknown =
                self.cursor.expected("a place that starts with a local of this body, `@global` or `(*`");
            let written = self.cursor.local_name("a place")?;
            let Some(&id) = self.locals.get(&written.full) else { return Err(unknown) };
            Place { base: Base::Local(id), projections: Vec::new() }
        };
        loop {
            if !self.cursor.looking_at("...") && self.cursor.eat(".") {
                place = place.field(self.cursor.name("the name of a field")?);
            } else if self.cursor.eat_adjacent("[") {
                let index = self.expr()?;
                self.cursor.expect("]")?;
                place = place.project(Projection::Index(Box::new(index)));
            } else {
                return Ok(place);
            }
        }
    }

    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        if let Some(value) = self.cursor.number()? {
            return Ok(Expr::Int(value));
        }
        for (sign, op) in [("!", UnaryOp::Not), ("-", UnaryOp::Neg), ("~", UnaryOp::BitNot)] {
            if self.cursor.eat(sign) {
                return Ok(Expr::Unary(op, Box::new(self.expr()?)));
            }
        }
        if self.cursor.eat("\"\"") {
            return Ok(Expr::Str);
        }
        if self.cursor.eat("$") {
            return Ok(Expr::Const(self.cursor.name("the name of a constant")?));
        }
        if self.cursor.eat("&") {
            return Ok(Expr::AddressOf(self.place()?));
        }
        if self.cursor.eat_word("null") {
            return Ok(Expr::Null);
        }
        if self.cursor.eat_word("unknown") {
            return Ok(Expr::Unknown);
        }
        if self.cursor.looking_at("(") && !self.cursor.looking_at("(*") {
            return self.parenthesised();
        }
        Ok(Expr::Read(self.place()?))
    }

    fn parenthesised(&mut self) -> Parsed<Expr> {
        self.cursor.expect("(")?;
        let left = self.expr()?;
        if self.cursor.eat(")") {
            return Ok(left);
        }
        let op = self.operator()?;
        let right = self.expr()?;
        self.cursor.expect(")")?;
        Ok(Expr::binary(op, left, right))
    }

    fn operator(&mut self) -> Parsed<BinaryOp> {
        use BinaryOp::{Add, BitAnd, BitOr, BitXor, Div, Eq, Ge, Gt, Le, Lt, Mul, Ne, Rem, Shl, Shr, Sub};
        // Longer ones first: `<<` begins with `<`.
        let all = [Shl, Shr, Eq, Ne, Le, Ge, Lt, Gt, Add, Sub, Mul, Div, Rem, BitAnd, BitOr, BitXor];
        let found = all.into_iter().find(|op| self.cursor.eat(crate::ir::dump::binary_text(*op)));
        found.ok_or_else(|| self.cursor.expected("an operator or `)`"))
    }
}
