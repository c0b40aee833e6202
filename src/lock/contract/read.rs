//! Reads a contract off its text, with the place of whatever is wrong.
//!
//! ```text
//! contract = { promise "(" lock { "," option } ")" [","] }         promise = holds | releases | acquires
//! lock     = family "(" [ object ] ")" | object                    option  = "on" "=" result | shared | exclusive
//! object   = ["&"] { "*" } root { "->" name | "." name | "[" index "]" }
//! root     = argN | ret | name | "(" object ")"
//! ```

use super::{Access, Clause, LockExpr, Outcome, Promise, Root};
use crate::ir::Name;
use crate::lock::state::Signs;
use crate::profile::{ProfileError, Sharing, nearest};
use std::ops::Range;

/// Words behind `on =`, with the signs that they mean.
const RESULTS: [(&str, Signs); 10] = [
    ("nonzero", Signs::NONZERO),
    ("zero", Signs::ZERO),
    ("true", Signs::NONZERO),
    ("false", Signs::ZERO),
    ("null", Signs::ZERO),
    ("nonnull", Signs::NONZERO),
    ("negative", Signs::NEGATIVE),
    ("error", Signs::NEGATIVE),
    ("positive", Signs::POSITIVE),
    ("nonnegative", Signs::NOT_NEGATIVE),
];

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

/// Reads all of `text`.
pub(super) fn contract(text: &str) -> Result<Vec<Clause>, ProfileError> {
    let mut reader = Reader { text, at: 0 };
    let mut clauses = Vec::new();
    loop {
        reader.blank();
        if reader.at == text.len() {
            break;
        }
        let start = reader.at;
        let word = reader.word();
        let promise = Promise::ALL.into_iter().find(|promise| promise.word() == word);
        let Some(promise) = promise else {
            let known = Promise::ALL.map(Promise::word);
            let end = reader.end_of(start);
            return Err(ProfileError::unknown("promise", &text[start..end], &known).with_span(start..end));
        };
        reader.expect('(', &format!("`{word}` needs its lock in parentheses: `{word}(p->lock)`"))?;
        let mut clause = reader.clause(promise)?;
        reader.expect(')', "`)` is missing")?;
        clause.span = start..reader.at;
        clauses.push(clause);
        reader.blank();
        reader.take(',');
    }
    if clauses.is_empty() {
        let message = "a contract says `holds(…)`, `releases(…)` or `acquires(…)`";
        return Err(ProfileError::at(message, 0..text.len()));
    }
    Ok(clauses)
}

/// Reads what stands within the parentheses of a clause.
pub(super) fn clause(promise: Promise, text: &str) -> Result<Clause, ProfileError> {
    let mut reader = Reader { text, at: 0 };
    let clause = reader.clause(promise)?;
    reader.blank();
    if reader.at < text.len() {
        return Err(reader.wrong("nothing more can stand here"));
    }
    Ok(Clause { span: 0..text.len(), ..clause })
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn blank(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn peek(&mut self) -> Option<char> {
        self.blank();
        self.rest().chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn take_text(&mut self, wanted: &str) -> bool {
        self.blank();
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    /// The next identifier; a Rust path (`crate::LOCK`) counts as one. Empty when none stands here.
    fn word(&mut self) -> String {
        self.blank();
        let start = self.at;
        loop {
            let inside = |c: char| c.is_alphanumeric() || c == '_';
            let len: usize = self.rest().chars().take_while(|c| inside(*c)).map(char::len_utf8).sum();
            self.at += len;
            if len == 0 || !self.rest().starts_with("::") {
                break;
            }
            self.at += 2;
        }
        self.text[start..self.at].to_owned()
    }

    /// The end of whatever stands here.
    fn next_boundary(&self) -> usize {
        self.at + self.rest().chars().next().map_or(0, char::len_utf8)
    }

    /// The end of what was read from `start` on, or of whatever stands there when nothing could be.
    fn end_of(&self, start: usize) -> usize {
        if self.at > start { self.at } else { self.next_boundary() }
    }

    fn wrong(&mut self, message: &str) -> ProfileError {
        self.blank();
        ProfileError::at(message, self.at..self.next_boundary())
    }

    fn expect(&mut self, wanted: char, message: &str) -> Result<(), ProfileError> {
        if self.take(wanted) { Ok(()) } else { Err(self.wrong(message)) }
    }

    fn clause(&mut self, promise: Promise) -> Result<Clause, ProfileError> {
        self.blank();
        let start = self.at;
        let mut clause =
            Clause { promise, lock: self.lock()?, on: None, sharing: Sharing::Any, span: start..self.at };
        while self.take(',') {
            self.blank();
            let start = self.at;
            match self.word().as_str() {
                "on" => {
                    self.expect('=', "`on` needs a result: `on = 0`")?;
                    clause.on = Some(self.outcome()?);
                }
                "shared" => clause.sharing = Sharing::Shared,
                "exclusive" => clause.sharing = Sharing::Exclusive,
                word => {
                    let end = self.end_of(start);
                    let given = if word.is_empty() { &self.text[start..end] } else { word };
                    return Err(ProfileError::unknown("condition", given, &["on", "shared", "exclusive"])
                        .with_span(start..end));
                }
            }
        }
        clause.span = start..self.at;
        Ok(clause)
    }

    fn outcome(&mut self) -> Result<Outcome, ProfileError> {
        self.blank();
        let start = self.at;
        let negative = self.take('-');
        let word = self.word();
        let span = start..self.end_of(start);
        let spelled = Name::new(&self.text[start..self.at]);
        if let Ok(number) = word.parse::<i64>() {
            let value = if negative { -number } else { number };
            return Ok(Outcome { signs: Signs::of(value), value: Some(value), spelled });
        }
        let known = RESULTS.iter().find(|(known, _)| !negative && word.eq_ignore_ascii_case(known));
        match known {
            Some((_, signs)) => Ok(Outcome { signs: *signs, value: None, spelled }),
            None => {
                let message = format!(
                    "`{}` is no result: write a number or one of {}",
                    &self.text[span.clone()],
                    listed()
                );
                let suggestion = nearest(&word, RESULTS.iter().map(|(known, _)| *known));
                Err(ProfileError { message, span: Some(span), suggestion })
            }
        }
    }

    /// `family(object)`, `family()`, or an object.
    fn lock(&mut self) -> Result<LockExpr, ProfileError> {
        self.blank();
        let start = self.at;
        let family = self.family();
        if family.is_some() && self.take(')') {
            let spelled = Name::new(self.text[start..self.at].trim());
            return Ok(LockExpr { family, access: None, address_of: true, spelled });
        }
        let address_of = self.take('&');
        let access = self.object()?;
        if family.is_some() {
            self.expect(')', "`)` is missing behind the lock")?;
        }
        let spelled = Name::new(self.text[start..self.at].trim());
        Ok(LockExpr { family, access: Some(access), address_of, spelled })
    }

    /// A name with a parenthesis behind it. Names of families may hold blanks and hyphens.
    fn family(&mut self) -> Option<Name> {
        let open = self.rest().find('(')?;
        let name = self.rest()[..open].trim();
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') || !name.chars().all(fits) {
            return None;
        }
        let name = Name::new(name);
        self.at += open + 1;
        Some(name)
    }

    fn object(&mut self) -> Result<Access, ProfileError> {
        if self.take('*') {
            return Ok(Access::Behind(Box::new(self.object()?)));
        }
        let mut access = if self.take('(') {
            // `&(*p)->lock`, `(&x)->lock`
            self.take('&');
            let inner = self.object()?;
            self.expect(')', "`)` is missing")?;
            inner
        } else {
            Access::Root(self.root()?)
        };
        loop {
            let arrow = self.take_text("->");
            if arrow || self.take('.') {
                let name = self.word();
                if name.is_empty() {
                    return Err(self.wrong("a member's name is missing"));
                }
                access = Access::Member(Box::new(access), arrow, Name::new(name));
            } else if self.take('[') {
                let word = self.word();
                self.expect(']', "`]` is missing")?;
                access = Access::Element(Box::new(access), word.parse().ok());
            } else {
                return Ok(access);
            }
        }
    }

    fn root(&mut self) -> Result<Root, ProfileError> {
        let start = self.at;
        let word = self.word();
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            let span: Range<usize> = start..self.end_of(start);
            let message = "a lock is written as an argument (`arg0`, or its name), `ret`, or a variable, with members behind it";
            return Err(ProfileError::at(message, span));
        }
        Ok(match word.strip_prefix("arg").map(str::parse) {
            Some(Ok(n)) => Root::Argument(n),
            _ if word == "ret" => Root::Result,
            _ => Root::Named(Name::new(word)),
        })
    }
}

fn listed() -> String {
    let words: Vec<&str> = RESULTS.iter().map(|(word, _)| *word).collect();
    words.join(", ")
}
