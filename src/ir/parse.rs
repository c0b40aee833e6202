//! Reads the textual form of bodies that [`super::dump`] writes, so that everything above the IR can be tested without a frontend.
//!
//! `parse(dump(body))` is `body` again but for the spans, which point into the text that was read. Text from other hands may number
//! its blocks as it likes and leave `//` comments; the first block is the entry. Lists end without a trailing comma.

mod cursor;
mod expression;

use super::cfg::{BlockId, Callee, Predicate, StatementKind};
use super::place::{LocalId, Name, Place};
use super::{Annotation, Body, BodyBuilder, Linkage, LocalKind, ReturnKind};
use crate::source::{FileId, Span};
use cursor::Cursor;
use rustc_hash::FxHashMap;
use std::sync::Mutex;

/// Why a text is not the form of a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {expected}, found {found}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What would have fitted.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

type Parsed<T> = Result<T, ParseError>;

/// Reads one body.
///
/// # Errors
/// When the text is not the form of exactly one body: the line, and what was expected there.
pub fn parse(text: &str, file: FileId) -> Parsed<Body> {
    let mut reader = Reader::new(text, file);
    let body = reader.body()?;
    if reader.cursor.at_end() { Ok(body) } else { Err(reader.cursor.expected("the end of the text")) }
}

/// Reads all bodies of a text.
///
/// # Errors
/// As [`parse`].
pub fn parse_all(text: &str, file: FileId) -> Parsed<Vec<Body>> {
    let mut reader = Reader::new(text, file);
    let mut bodies = Vec::new();
    while !reader.cursor.at_end() {
        bodies.push(reader.body()?);
    }
    Ok(bodies)
}

struct Reader<'t> {
    cursor: Cursor<'t>,
    file: FileId,
    locals: FxHashMap<String, LocalId>,
    blocks: FxHashMap<u32, BlockId>,
    defined: Vec<u32>,
    used: Vec<(u32, ParseError)>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, file: FileId) -> Self {
        Reader {
            cursor: Cursor::new(text),
            file,
            locals: FxHashMap::default(),
            blocks: FxHashMap::default(),
            defined: Vec::new(),
            used: Vec::new(),
        }
    }

    fn span(&self, start: usize) -> Span {
        Span::new(self.file, start, self.cursor.end_of_last())
    }

    fn body(&mut self) -> Parsed<Body> {
        self.locals.clear();
        self.blocks.clear();
        self.defined.clear();
        self.used.clear();
        let mut annotations = Vec::new();
        while self.cursor.eat("#[") {
            annotations.push(self.annotation()?);
        }
        let start = self.cursor.position();
        let linkage = if self.cursor.eat_word("static") { Linkage::Internal } else { Linkage::External };
        self.cursor.expect_word("fn")?;
        let name = self.cursor.name("the name of a function")?;
        let mut builder = BodyBuilder::new(name, Span::new(self.file, start, self.cursor.closing_brace()));
        self.cursor.expect("(")?;
        if !self.cursor.eat(")") {
            loop {
                self.declare_local(&mut builder, LocalKind::Parameter)?;
                if self.cursor.eat(")") {
                    break;
                }
                self.cursor.expect(",")?;
            }
        }
        let header = self.span(start);
        self.cursor.expect("->")?;
        builder.header(header, linkage, self.return_kind()?);
        for annotation in annotations {
            builder.annotate(annotation);
        }
        self.cursor.expect("{")?;
        self.declarations(&mut builder)?;
        while !self.cursor.eat("}") {
            self.block(&mut builder)?;
        }
        for (block, error) in std::mem::take(&mut self.used) {
            if !self.defined.contains(&block) {
                return Err(error);
            }
        }
        Ok(builder.finish())
    }

    fn annotation(&mut self) -> Parsed<Annotation> {
        let start = self.cursor.position();
        let name = self.cursor.name("an annotation word")?;
        self.cursor.expect("(")?;
        let args = self.texts(")")?;
        self.cursor.expect("]")?;
        Ok(Annotation { name, args, span: self.span(start) })
    }

    /// Quoted texts up to `close`.
    fn texts(&mut self, close: &str) -> Parsed<Vec<Name>> {
        let mut texts = Vec::new();
        if self.cursor.eat(close) {
            return Ok(texts);
        }
        loop {
            texts.push(self.cursor.text()?.into());
            if self.cursor.eat(close) {
                return Ok(texts);
            }
            self.cursor.expect(",")?;
        }
    }

    fn return_kind(&mut self) -> Parsed<ReturnKind> {
        let kinds = [
            ("void", ReturnKind::Void),
            ("bool", ReturnKind::Bool),
            ("integer", ReturnKind::Integer),
            ("pointer", ReturnKind::Pointer),
            ("guard", ReturnKind::Guard),
            ("other", ReturnKind::Other),
        ];
        let known = kinds.into_iter().find(|(word, _)| self.cursor.eat_word(word));
        known
            .map(|(_, kind)| kind)
            .ok_or_else(|| self.cursor.expected("void, bool, integer, pointer or other"))
    }

    fn declarations(&mut self, builder: &mut BodyBuilder) -> Parsed<()> {
        loop {
            if self.cursor.eat_word("let") {
                self.declare_local(builder, LocalKind::Variable)?;
            } else if self.cursor.eat_word("static") {
                self.declare_local(builder, LocalKind::Static)?;
            } else if self.cursor.eat_word("temp") {
                self.declare_local(builder, LocalKind::Temporary)?;
            } else if self.cursor.eat_word("degraded") {
                let start = self.cursor.position();
                let cause = kept(&self.cursor.text()?);
                builder.degrade(cause, self.span(start));
            } else {
                return Ok(());
            }
        }
    }

    fn declare_local(&mut self, builder: &mut BodyBuilder, kind: LocalKind) -> Parsed<()> {
        let start = self.cursor.position();
        let expected = self.cursor.expected("the name of a new local");
        let written = self.cursor.local_name("the name of a new local")?;
        let span = self.span(start);
        let ty = if self.cursor.eat(":") { self.cursor.type_text()? } else { String::new() };
        if self.locals.contains_key(&written.full) {
            return Err(expected);
        }
        let name = if written.is_number { Name::default() } else { written.name };
        let id = match kind {
            LocalKind::Parameter => builder.parameter(name, ty, span),
            LocalKind::Variable | LocalKind::Static | LocalKind::Temporary => {
                builder.local(name, kind, ty, span)
            }
        };
        self.locals.insert(written.full, id);
        Ok(())
    }

    fn block_id(&mut self, builder: &mut BodyBuilder, number: u32) -> BlockId {
        if let Some(&known) = self.blocks.get(&number) {
            return known;
        }
        // The builder's first block is its entry: the first block of the text.
        let id = if self.blocks.is_empty() { builder.current() } else { builder.new_block() };
        self.blocks.insert(number, id);
        id
    }

    fn block(&mut self, builder: &mut BodyBuilder) -> Parsed<()> {
        let expected = self.cursor.expected("a new block");
        let number = self.cursor.block_name("a block or `}`")?;
        self.cursor.expect(":")?;
        if self.defined.contains(&number) {
            return Err(expected);
        }
        self.defined.push(number);
        let block = self.block_id(builder, number);
        builder.switch_to(block);
        loop {
            if self.terminator(builder)? {
                return Ok(());
            }
            let start = self.cursor.position();
            let kind = self.statement()?;
            builder.push(kind, self.span(start));
        }
    }

    fn target(&mut self, builder: &mut BodyBuilder) -> Parsed<BlockId> {
        let undefined = self.cursor.expected("a block of this body");
        let number = self.cursor.block_name("a block")?;
        self.used.push((number, undefined));
        Ok(self.block_id(builder, number))
    }

    /// Reads a terminator, if one stands here.
    fn terminator(&mut self, builder: &mut BodyBuilder) -> Parsed<bool> {
        let start = self.cursor.position();
        if self.cursor.eat_word("goto") {
            let target = self.target(builder)?;
            builder.goto(target, self.span(start));
        } else if self.cursor.eat_word("branch") {
            let predicate = self.predicate()?;
            let span = self.span(start);
            self.cursor.expect("?")?;
            let then = self.target(builder)?;
            self.cursor.expect(":")?;
            let otherwise = self.target(builder)?;
            builder.branch(predicate, then, otherwise, span);
        } else if self.cursor.eat_word("switch") {
            self.switch(builder, start)?;
        } else if self.cursor.eat_word("choice") {
            self.cursor.expect("[")?;
            let mut targets = vec![self.target(builder)?];
            while self.cursor.eat(",") {
                targets.push(self.target(builder)?);
            }
            self.cursor.expect("]")?;
            builder.choice(targets, self.span(start));
        } else if self.cursor.eat_word("unreachable") {
            builder.unreachable(self.span(start));
        } else if self.cursor.eat_word("return") {
            let value = if self.cursor.at_line_end() { None } else { Some(self.expr()?) };
            builder.return_(value, self.span(start));
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn switch(&mut self, builder: &mut BodyBuilder, start: usize) -> Parsed<()> {
        let scrutinee = self.expr()?;
        let span = self.span(start);
        self.cursor.expect("[")?;
        let mut cases = Vec::new();
        while !self.cursor.eat_word("_") {
            let low = self.expr()?;
            let high = if self.cursor.eat("...") { Some(self.expr()?) } else { None };
            self.cursor.expect(":")?;
            cases.push((low, high, self.target(builder)?));
            self.cursor.expect(",")?;
        }
        self.cursor.expect(":")?;
        let default = self.target(builder)?;
        self.cursor.expect("]")?;
        builder.switch(scrutinee, cases, default, span);
        Ok(())
    }

    fn predicate(&mut self) -> Parsed<Predicate> {
        if self.cursor.eat("#if") {
            return Ok(Predicate::Configuration(self.cursor.text()?.into()));
        }
        if self.cursor.eat_word("either") {
            return Ok(Predicate::Either);
        }
        Ok(Predicate::Holds(self.expr()?))
    }

    fn statement(&mut self) -> Parsed<StatementKind> {
        if self.cursor.eat_word("declare") {
            return Ok(StatementKind::Declare(self.place()?));
        }
        if self.cursor.eat_word("opaque") {
            return Ok(StatementKind::Opaque(kept(&self.cursor.text()?)));
        }
        if let Some(call) = self.call(None)? {
            return Ok(call);
        }
        let place = self.place()?;
        self.cursor.expect("=")?;
        match self.call(Some(&place))? {
            Some(call) => Ok(call),
            None => Ok(StatementKind::Assign { place, value: self.expr()? }),
        }
    }

    /// Reads a call, if one stands here: a name or a place in parentheses, and at once its arguments.
    fn call(&mut self, result: Option<&Place>) -> Parsed<Option<StatementKind>> {
        let before = self.cursor.position();
        let callee = match self.cursor.try_callee_name() {
            Some(name) => Callee::Named(name),
            None if self.cursor.looking_at("(") && !self.cursor.looking_at("(*") => {
                self.cursor.expect("(")?;
                match self.place() {
                    Ok(place) if self.cursor.eat(")") && self.cursor.eat("(") => Callee::Through(place),
                    _ => {
                        self.cursor.go_back(before);
                        return Ok(None);
                    }
                }
            }
            None => return Ok(None),
        };
        let mut args = Vec::new();
        let mut spelled: Vec<Name> = Vec::new();
        if !self.cursor.eat(")") {
            loop {
                let start = self.cursor.position();
                args.push(self.expr()?);
                spelled.push(self.cursor.since(start).into());
                if self.cursor.eat(")") {
                    break;
                }
                self.cursor.expect(",")?;
            }
        }
        if self.cursor.eat_word("as") {
            self.cursor.expect("[")?;
            spelled = self.texts("]")?;
        }
        Ok(Some(StatementKind::Call { place: result.cloned(), callee, args, spelled }))
    }
}

/// The cause as bodies keep it. Causes come from a small fixed vocabulary; each different one is kept for good, once.
fn kept(cause: &str) -> &'static str {
    static KEPT: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let mut known = KEPT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(same) = known.iter().find(|known| **known == cause) {
        return same;
    }
    let new: &'static str = Box::leak(cause.to_owned().into_boxed_str());
    known.push(new);
    new
}

#[cfg(test)]
mod tests;
