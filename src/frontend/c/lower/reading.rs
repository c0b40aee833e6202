//! The texts as which a function is read: one, or one per choice of arms where a conditional splits statements.

use super::header::{find_kind, plain_header};
use super::{Lowerer, parse};
use crate::frontend::c::conditionals::{blank, is_conditional, variants};
use crate::frontend::c::lex::{TokenKind, tokens};
use crate::frontend::c::mask::{Notes, mask};
use crate::frontend::c::structure;
use crate::frontend::c::text::directive_word;
use crate::ir::file_index::FunctionDefinition;
use crate::ir::{BlockId, Environment, Name, Predicate};
use std::ops::Range;
use tree_sitter::{Node, Tree};

/// One text of the function, with its tree.
pub(super) struct Reading {
    pub text: Vec<u8>,
    pub notes: Notes,
    tree: Tree,
    body: Range<usize>,
    /// The header did not parse and was replaced.
    pub irregular: bool,
}

/// All readings, and which one is compiled under which conditions.
pub(super) struct Readings {
    pub found: Vec<Reading>,
    conditions: Vec<Name>,
    table: Vec<usize>,
}

impl Reading {
    pub(super) fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    /// The braces of the function, if the tree has them where the text has.
    pub(super) fn body(&self) -> Option<Node<'_>> {
        find_kind(self.root(), "compound_statement", 5).filter(|body| body.byte_range() == self.body)
    }

    fn fits(&self) -> bool {
        !self.root().has_error() && self.body().is_some_and(|body| structure::agrees(&self.text, body))
    }
}

/// The function as it stands; where that does not parse and conditionals may be why, once per choice of arms.
pub(super) fn readings(slice: &[u8], function: &FunctionDefinition, env: &dyn Environment) -> Readings {
    let alone = |found: Option<Reading>| Readings {
        found: found.into_iter().collect(),
        conditions: vec![],
        table: vec![0],
    };
    let plain = reading(slice.to_vec(), function, env);
    if !has_conditional(slice) || plain.as_ref().is_some_and(Reading::fits) {
        return alone(plain);
    }
    let mut split = None;
    for all in [false, true] {
        let variants = variants(slice, all);
        let texts = variants.texts.into_iter().map(|text| reading(text, function, env));
        let Some(found) = texts.collect::<Option<Vec<_>>>() else { continue };
        let fits = found.iter().all(Reading::fits);
        let these = Readings { found, conditions: variants.conditions, table: variants.table };
        if fits {
            return these;
        }
        split.get_or_insert(these);
    }
    split.unwrap_or_else(|| alone(plain))
}

fn has_conditional(slice: &[u8]) -> bool {
    memchr::memchr(b'#', slice).is_some()
        && tokens(slice).iter().any(|token| {
            token.kind == TokenKind::Directive && is_conditional(directive_word(token.text(slice)))
        })
}

fn reading(mut text: Vec<u8>, function: &FunctionDefinition, env: &dyn Environment) -> Option<Reading> {
    let base = function.span.start;
    let body = (function.body.start - base) as usize..(function.body.end - base) as usize;
    let head = (function.header.end - base) as usize;
    if function.irregular_header {
        plain_header(&mut text[..body.start]);
    } else if head <= body.start && !text[head..body.start].contains(&b';') {
        blank(&mut text[head..body.start]);
    }
    let first = parsed(&text, &body, function.irregular_header, env)?;
    let head_fits = |reading: &Reading| {
        reading.body().is_some_and(|found| found.has_error() || !reading.root().has_error())
    };
    if function.irregular_header || head_fits(&first) {
        return Some(first);
    }
    plain_header(&mut text[..body.start]);
    parsed(&text, &body, true, env).filter(head_fits).or(Some(first))
}

fn parsed(text: &[u8], body: &Range<usize>, irregular: bool, env: &dyn Environment) -> Option<Reading> {
    let masked = mask(text, env);
    let tree = parse(&masked.text)?;
    Some(Reading { text: masked.text, notes: masked.notes, tree, body: body.clone(), irregular })
}

impl Lowerer<'_> {
    /// Branches to the reading that is compiled; gives the block in which each begins.
    pub(super) fn route(&mut self, readings: &Readings) -> Vec<BlockId> {
        if readings.found.len() == 1 {
            return vec![self.builder.current()];
        }
        let blocks: Vec<BlockId> = readings.found.iter().map(|_| self.builder.new_block()).collect();
        if readings.table.is_empty() || blocks.is_empty() {
            self.builder.degrade("too many configurations", self.function);
            self.builder.choice(blocks.clone(), self.function);
        } else {
            self.route_by(&readings.conditions, &readings.table, &blocks);
        }
        blocks
    }

    fn route_by(&mut self, conditions: &[Name], table: &[usize], blocks: &[BlockId]) {
        let span = self.function;
        match conditions.split_last() {
            Some((condition, rest)) if table.iter().any(|at| *at != table[0]) => {
                let (on, off) = (self.builder.new_block(), self.builder.new_block());
                self.builder.branch(Predicate::Configuration(condition.clone()), on, off, span);
                let (without, with) = table.split_at(table.len() / 2);
                for (block, half) in [(on, with), (off, without)] {
                    self.builder.switch_to(block);
                    self.route_by(rest, half, blocks);
                }
            }
            _ => self.builder.goto(blocks[table[0]], span),
        }
    }
}
