//! What is declared beside functions: annotations and contracts, prototypes, records of functions, variables of the file.

use super::super::lex::{TokenKind, tokens};
use super::super::record;
use super::super::text::split_arguments;
use super::Scan;
use crate::frontend::directive;
use crate::ir::file_index::MemberDirective;
use crate::ir::{Annotation, Name};
use crate::source::Span;

impl Scan<'_> {
    /// Words that look like annotations, before the name or between parameter list and body.
    pub(super) fn annotations(
        &self,
        header: usize,
        word: usize,
        after: usize,
        open: usize,
        partner: &[usize],
    ) -> Vec<Annotation> {
        let mut found = Vec::new();
        for at in (header..word).chain(after..open) {
            let token = self.tokens[at];
            if token.kind != TokenKind::Word || !looks_like_annotation(token.text(self.text)) {
                continue;
            }
            let mut args = Vec::new();
            let mut end = token.end;
            if self.tokens.get(at + 1).is_some_and(|next| next.is(b'(')) && partner[at + 1] != usize::MAX {
                let close = partner[at + 1];
                end = self.tokens[close].end;
                args = split_arguments(self.text, &self.tokens[at + 2..close]);
            }
            let words = if token.text(self.text).starts_with(b"__attribute") {
                args.iter().flat_map(|arg| attributes(arg)).collect()
            } else {
                vec![(self.name(at), args)]
            };
            let span = self.span(token.start, end);
            found.extend(words.into_iter().map(|(name, args)| Annotation { name, args, span }));
        }
        found.extend(self.contract_comments(header, open));
        found
    }

    /// Contracts in comments before the head `header..open`, or in it.
    fn contract_comments(&self, header: usize, open: usize) -> impl Iterator<Item = Annotation> + '_ {
        let start = header.checked_sub(1).map_or(0, |before| self.tokens[before].end);
        let head = start as u32..self.tokens[open].start as u32;
        let directives = self.index.directives.iter().filter(move |(_, span)| head.contains(&span.start));
        directives.filter_map(|(text, span)| directive::contract(text, *span))
    }

    pub(super) fn prototype(&mut self, header: usize, at: usize, partner: &[usize]) {
        let Some((word, list)) = self.parameter_list(header, at, partner) else { return };
        let annotations = self.annotations(header, word, partner[list] + 1, at, partner);
        let contract = |annotation: &Annotation| !annotation.args.is_empty();
        if annotations.iter().any(contract) {
            self.index.prototypes.entry(self.name(word)).or_default().extend(annotations);
        }
    }

    /// A record that holds pointers to functions, and what directives say of its members.
    pub(super) fn record(&mut self, header: usize, open: usize, close: usize) {
        let starts =
            ["struct", "union", "typedef"].iter().any(|word| self.tokens[header].is_word(self.text, word));
        if !starts {
            return;
        }
        let members = record::members(self.text, self.tokens, open, close);
        if members.is_empty() {
            return;
        }
        let joined = |names: &mut dyn Iterator<Item = &Name>| {
            Name::new(names.map(Name::as_str).collect::<Vec<_>>().join(","))
        };
        let inside = self.tokens[open].start as u32..self.tokens[close].end as u32;
        let directives: Vec<(String, Span)> =
            self.index.directives.iter().filter(|(_, span)| inside.contains(&span.start)).cloned().collect();
        for name in record::names(self.text, self.tokens, header, open, close) {
            let all = joined(&mut members.iter().map(|member| &member.name));
            self.index.declarations.insert(Name::new(format!("layout {name}")), all);
            for member in &members {
                let Some(parameters) = &member.parameters else { continue };
                let key = Name::new(format!("parameters {name}.{}", member.name));
                self.index.declarations.insert(key, joined(&mut parameters.iter()));
            }
            for (text, span) in &directives {
                let ends = members.iter().map(|member| member.bytes.1);
                let about = directive::stands_at(self.text, ends, span.start as usize);
                let Some(member) = about.map(|nth| &members[nth]) else { continue };
                self.index.member_directives.push(MemberDirective {
                    member: Name::new(format!("{name}.{}", member.name)),
                    parameters: member.parameters.clone().unwrap_or_default(),
                    text: text.clone(),
                    span: *span,
                });
            }
        }
    }

    /// `static T a, b[2] = { … };` and `static DEFINE_MUTEX(m);`: names that only this file knows.
    pub(super) fn variables(&mut self, header: usize, end: usize, partner: &[usize]) {
        if !self.tokens[header].is_word(self.text, "static") {
            return;
        }
        let mut at = header + 1;
        let mut initialiser = false;
        while at < end {
            let token = self.tokens[at];
            if token.is(b'(') && !initialiser {
                let argument = at + 1;
                if end.checked_sub(1) == Some(partner[at]) && self.tokens[argument].kind == TokenKind::Word {
                    self.index.statics.insert(self.name(argument));
                }
                return;
            }
            if partner[at] != usize::MAX && partner[at] > at {
                at = partner[at];
            } else if token.is(b'=') {
                initialiser = true;
            } else if token.is(b',') {
                initialiser = false;
            }
            let next = self.tokens[at + 1];
            let ends = [b',', b'=', b';', b'['].iter().any(|&byte| next.is(byte));
            if token.kind == TokenKind::Word && !initialiser && ends {
                self.index.statics.insert(self.name(at));
            }
            at += 1;
        }
    }
}

/// `__acquires`, `GUARDED_BY`: words that are no type and no name.
pub(super) fn looks_like_annotation(word: &[u8]) -> bool {
    word.starts_with(b"__")
        || word.len() > 3 && word.iter().all(|b| b.is_ascii_uppercase() || *b == b'_' || b.is_ascii_digit())
}

/// `(word(args), word)`: what stands in `__attribute__((…))`.
fn attributes(text: &str) -> Vec<(Name, Vec<Name>)> {
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let inner = inner.as_bytes();
    let words = split_arguments(inner, &tokens(inner));
    let word = |text: Name| match text.split_once('(') {
        Some((name, rest)) => {
            let args = rest.strip_suffix(')').unwrap_or(rest).as_bytes();
            (Name::new(name.trim()), split_arguments(args, &tokens(args)))
        }
        None => (text, Vec::new()),
    };
    words.into_iter().map(word).collect()
}
