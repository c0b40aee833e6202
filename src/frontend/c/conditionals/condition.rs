//! The condition of a `#if`, read into its atoms.

use crate::frontend::c::lex::{Token, TokenKind, brackets, tokens};
use crate::ir::Name;
use std::ops::Range;

/// Parentheses and negations that are looked into.
const DEPTH_LIMIT: usize = 32;

/// A preprocessor condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `0`, `1`
    Decided(bool),
    /// Something that the text does not tell, under one spelling: `CONFIG_A`, `LEVEL>2`.
    Holds(Name),
    /// `!a`
    Not(Box<Condition>),
    /// `a && b`
    And(Box<Condition>, Box<Condition>),
    /// `a || b`
    Or(Box<Condition>, Box<Condition>),
}

impl Condition {
    /// Reads the expression behind `#if`.
    pub fn parse(text: &str) -> Self {
        let bytes = text.as_bytes();
        let tokens = tokens(bytes);
        let reader = Reader { text: bytes, partner: brackets(&tokens), tokens: &tokens };
        reader.read(0..tokens.len(), 0)
    }

    /// The condition that holds when this one does not.
    pub fn negated(self) -> Self {
        match self {
            Condition::Decided(value) => Condition::Decided(!value),
            Condition::Not(inner) => *inner,
            other => Condition::Not(Box::new(other)),
        }
    }

    /// Both.
    pub fn and(self, other: Condition) -> Self {
        match (self, other) {
            (Condition::Decided(true), side) | (side, Condition::Decided(true)) => side,
            (Condition::Decided(false), _) | (_, Condition::Decided(false)) => Condition::Decided(false),
            (left, right) => Condition::And(Box::new(left), Box::new(right)),
        }
    }

    /// Whether it holds when `holds` tells it of the atoms.
    pub fn value(&self, holds: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Condition::Decided(value) => *value,
            Condition::Holds(name) => holds(name),
            Condition::Not(inner) => !inner.value(holds),
            Condition::And(left, right) => left.value(holds) && right.value(holds),
            Condition::Or(left, right) => left.value(holds) || right.value(holds),
        }
    }

    /// Adds its atoms to `found`, each once.
    pub fn atoms(&self, found: &mut Vec<Name>) {
        match self {
            Condition::Decided(_) => {}
            Condition::Holds(name) if found.contains(name) => {}
            Condition::Holds(name) => found.push(name.clone()),
            Condition::Not(inner) => inner.atoms(found),
            Condition::And(left, right) | Condition::Or(left, right) => {
                left.atoms(found);
                right.atoms(found);
            }
        }
    }
}

struct Reader<'t> {
    text: &'t [u8],
    tokens: &'t [Token],
    partner: Vec<usize>,
}

impl Reader<'_> {
    fn read(&self, range: Range<usize>, depth: usize) -> Condition {
        if depth > DEPTH_LIMIT || range.is_empty() {
            return self.atom(range);
        }
        for operator in [b'|', b'&'] {
            if let Some(at) = self.operator(range.clone(), operator) {
                let left = Box::new(self.read(range.start..at, depth + 1));
                let right = Box::new(self.read(at + 2..range.end, depth + 1));
                return if operator == b'|' {
                    Condition::Or(left, right)
                } else {
                    Condition::And(left, right)
                };
            }
        }
        let first = &self.tokens[range.start];
        if first.is(b'!') && self.is_operand(range.start + 1..range.end) {
            return self.read(range.start + 1..range.end, depth + 1).negated();
        }
        if first.is(b'(') && self.partner[range.start].wrapping_add(1) == range.end {
            return self.read(range.start + 1..range.end - 1, depth + 1);
        }
        self.atom(range)
    }

    /// The last `||` or `&&` of `range` outside parentheses.
    fn operator(&self, range: Range<usize>, byte: u8) -> Option<usize> {
        let mut found = None;
        let mut at = range.start;
        while at + 1 < range.end {
            if self.partner[at] != usize::MAX && self.partner[at] > at {
                at = self.partner[at];
            } else if self.tokens[at].is(byte) && self.tokens[at + 1].is(byte) {
                found = Some(at);
                at += 1;
            }
            at += 1;
        }
        found.filter(|&at| at > range.start && at + 2 < range.end)
    }

    /// A word, a call, or something in parentheses; `defined A` and further `!` too.
    fn is_operand(&self, range: Range<usize>) -> bool {
        let Some(first) = self.tokens.get(range.start).filter(|_| !range.is_empty()) else { return false };
        match first.kind {
            TokenKind::Punct(b'!') => self.is_operand(range.start + 1..range.end),
            TokenKind::Punct(b'(') => self.partner[range.start].wrapping_add(1) == range.end,
            TokenKind::Word | TokenKind::Number if range.len() == 1 => true,
            TokenKind::Word if first.is_word(self.text, "defined") && range.len() == 2 => true,
            TokenKind::Word => {
                self.tokens[range.start + 1].is(b'(')
                    && self.partner[range.start + 1].wrapping_add(1) == range.end
            }
            _ => false,
        }
    }

    fn atom(&self, range: Range<usize>) -> Condition {
        let words: Vec<&[u8]> = self.tokens[range].iter().map(|token| token.text(self.text)).collect();
        let name = match words.as_slice() {
            [b"0"] => return Condition::Decided(false),
            [b"1"] => return Condition::Decided(true),
            [b"defined", b"(", name, b")"] | [b"defined", name] => name.to_vec(),
            all => all.concat(),
        };
        Condition::Holds(Name::new(String::from_utf8_lossy(&name)))
    }
}
