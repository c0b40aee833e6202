//! `asm` statements.

use super::{AsmNote, Mask};
use crate::frontend::c::text::split_arguments;
use crate::ir::Name;
use std::ops::Range;

impl Mask<'_> {
    pub(super) fn assembly(&mut self, at: usize) {
        let mut open = at + 1;
        let mut jumps = false;
        while matches!(
            self.word(open),
            "volatile" | "__volatile__" | "goto" | "inline" | "__inline__" | "__volatile"
        ) {
            jumps |= self.word(open) == "goto";
            open += 1;
        }
        if !self.is(open, b'(') || self.partner[open] == usize::MAX {
            return;
        }
        let close = self.partner[open];
        let sections = self.sections(open + 1, close);
        let mut note = AsmNote::default();
        if jumps && let Some(section) = sections.get(4) {
            note.labels = split_arguments(self.slice, &self.tokens[section.clone()]);
        }
        if let Some(section) = sections.get(1) {
            for operand in split_arguments(self.slice, &self.tokens[section.clone()]) {
                if let Some((_, place)) = operand.split_once('(') {
                    note.outputs.push(Name::new(place.trim_end_matches(')')));
                }
            }
        }
        let range = self.tokens[at].start..self.tokens[close].end;
        self.put(range.clone(), "0");
        self.out.notes.asm.insert(range.start, note);
    }

    /// The parts of an asm argument list between its `:`.
    fn sections(&self, from: usize, to: usize) -> Vec<Range<usize>> {
        let mut sections = Vec::new();
        let mut start = from;
        let mut at = from;
        while at < to {
            if self.is(at, b'(') || self.is(at, b'[') {
                if self.partner[at] != usize::MAX {
                    at = self.partner[at];
                }
            } else if self.is(at, b':') {
                sections.push(start..at);
                start = at + 1;
            }
            at += 1;
        }
        sections.push(start..to);
        sections
    }
}
