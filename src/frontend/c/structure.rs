//! An independent reader of statement structure, to cross-check the tree.
//!
//! It knows tokens and how statements nest, nothing else. Its skeleton, one entry per control statement with its nesting, must
//! equal the tree's. A silent misparse (a loop macro read as a function definition, an `else` bound to the wrong `if`)
//! shows as a difference, and the function is then not decided.

use super::lex::{Token, TokenKind, brackets, tokens};
use tree_sitter::Node;

/// Nesting that is still read.
const DEPTH_LIMIT: usize = 200;

/// A control statement and how many others enclose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    kind: Kind,
    depth: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    If,
    Else,
    Loop,
    Do,
    Switch,
    Case,
    Default,
    Label,
    Goto,
    Break,
    Continue,
    Return,
}

/// Whether the reader and the tree see the same structure in `body`, a node of `text`'s tree.
pub fn agrees(text: &[u8], body: Node<'_>) -> bool {
    let text = text.get(body.byte_range()).unwrap_or_default();
    let tokens: Vec<Token> = tokens(text).into_iter().filter(|t| t.kind != TokenKind::Directive).collect();
    let mut reader =
        Reader { text, partner: brackets(&tokens), tokens: &tokens, out: Vec::new(), failed: false };
    reader.statement(0, 0, 0);
    // What the reader cannot follow it does not dispute.
    reader.failed || reader.out == read_tree(body)
}

fn read_tree(body: Node<'_>) -> Vec<Entry> {
    let mut out = Vec::new();
    let mut open = vec![(body, 0)];
    while let Some((node, depth)) = open.pop() {
        let kind = kind(node);
        out.extend(kind.map(|kind| Entry { kind, depth }));
        let mut cursor = node.walk();
        let at = open.len();
        open.extend(node.named_children(&mut cursor).map(|child| {
            // An `else` stands as deep as its `if`; what either governs stands one deeper.
            let inner = match kind {
                Some(Kind::If) if child.kind() == "else_clause" => depth,
                Some(Kind::If | Kind::Else | Kind::Loop | Kind::Do | Kind::Switch) => depth + 1,
                _ => depth,
            };
            (child, inner)
        }));
        open[at..].reverse();
    }
    out
}

fn kind(node: Node<'_>) -> Option<Kind> {
    Some(match node.kind() {
        "if_statement" => Kind::If,
        "else_clause" => Kind::Else,
        "while_statement" | "for_statement" => Kind::Loop,
        "do_statement" => Kind::Do,
        "switch_statement" => Kind::Switch,
        "case_statement" if node.child_by_field_name("value").is_some() => Kind::Case,
        "case_statement" => Kind::Default,
        "labeled_statement" => Kind::Label,
        "goto_statement" => Kind::Goto,
        "break_statement" => Kind::Break,
        "continue_statement" => Kind::Continue,
        "return_statement" => Kind::Return,
        _ => return None,
    })
}

struct Reader<'t> {
    text: &'t [u8],
    tokens: &'t [Token],
    partner: Vec<usize>,
    out: Vec<Entry>,
    failed: bool,
}

impl Reader<'_> {
    fn word(&self, at: usize) -> &[u8] {
        match self.tokens.get(at) {
            Some(token) if token.kind == TokenKind::Word => token.text(self.text),
            _ => b"",
        }
    }

    fn is(&self, at: usize, byte: u8) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(byte))
    }

    fn push(&mut self, kind: Kind, depth: usize) {
        self.out.push(Entry { kind, depth });
    }

    /// Reads one statement from `at`; gives the token behind it.
    fn statement(&mut self, at: usize, depth: usize, levels: usize) -> usize {
        if levels > DEPTH_LIMIT || at >= self.tokens.len() {
            self.failed |= levels > DEPTH_LIMIT;
            return at + 1;
        }
        match self.word(at) {
            b"if" => self.choice(at, depth, levels),
            b"while" | b"for" => {
                self.push(Kind::Loop, depth);
                let body = self.header(at + 1, depth + 1, levels);
                self.statement(body, depth + 1, levels + 1)
            }
            b"switch" => {
                self.push(Kind::Switch, depth);
                let body = self.header(at + 1, depth + 1, levels);
                self.statement(body, depth + 1, levels + 1)
            }
            b"do" => {
                self.push(Kind::Do, depth);
                let next = self.statement(at + 1, depth + 1, levels + 1);
                if self.word(next) != b"while" {
                    self.failed = true;
                    return next;
                }
                self.simple(next + 1, depth + 1, levels)
            }
            b"case" => {
                self.push(Kind::Case, depth);
                let colon = self.colon(at);
                self.labelled(colon + 1, depth, levels)
            }
            b"default" if self.is(at + 1, b':') => {
                self.push(Kind::Default, depth);
                self.labelled(at + 2, depth, levels)
            }
            // Of no `if`: whatever the tree made of it, it is not that.
            b"else" => {
                self.push(Kind::Else, depth);
                self.statement(at + 1, depth, levels + 1)
            }
            b"goto" => self.jump(Kind::Goto, at, depth, levels),
            b"break" => self.jump(Kind::Break, at, depth, levels),
            b"continue" => self.jump(Kind::Continue, at, depth, levels),
            b"return" => self.jump(Kind::Return, at, depth, levels),
            word if !word.is_empty() && self.is(at + 1, b':') && !self.is(at + 2, b':') => {
                self.push(Kind::Label, depth);
                self.labelled(at + 2, depth, levels)
            }
            _ if self.is(at, b'{') => {
                let close = self.partner[at];
                if close == usize::MAX {
                    self.failed = true;
                    return self.tokens.len();
                }
                let mut next = at + 1;
                while next < close {
                    next = self.statement(next, depth, levels + 1);
                }
                close + 1
            }
            _ => match self.nested_function(at) {
                Some(body) => self.statement(body, depth, levels + 1),
                None => self.simple(at, depth, levels),
            },
        }
    }

    /// `if`, and the chain of `else if` behind it.
    fn choice(&mut self, mut at: usize, mut depth: usize, levels: usize) -> usize {
        loop {
            self.push(Kind::If, depth);
            let body = self.header(at + 1, depth + 1, levels);
            let next = self.statement(body, depth + 1, levels + 1);
            if self.word(next) != b"else" {
                return next;
            }
            self.push(Kind::Else, depth);
            depth += 1;
            at = next + 1;
            if self.word(at) != b"if" {
                return self.statement(at, depth, levels + 1);
            }
        }
    }

    /// `int f(int x) {` inside a body: words and stars before a list with a block behind it.
    fn nested_function(&self, at: usize) -> Option<usize> {
        let list = (at..self.tokens.len())
            .find(|&at| !(self.tokens[at].kind == TokenKind::Word || self.is(at, b'*')))?;
        let words = (at..list).filter(|&at| self.tokens[at].kind == TokenKind::Word).count();
        let close = self.partner[list];
        let heads = self.is(list, b'(') && close != usize::MAX && words > 1 && self.word(at) != b"return";
        (heads && self.is(close + 1, b'{')).then(|| close + 1)
    }

    /// What stands behind a label, unless the block ends there.
    fn labelled(&mut self, at: usize, depth: usize, levels: usize) -> usize {
        if self.is(at, b'}') { at } else { self.statement(at, depth, levels + 1) }
    }

    fn jump(&mut self, kind: Kind, at: usize, depth: usize, levels: usize) -> usize {
        self.push(kind, depth);
        self.simple(at + 1, depth, levels)
    }

    fn colon(&self, mut at: usize) -> usize {
        let mut questions = 0;
        while at < self.tokens.len() {
            if self.is(at, b'?') {
                questions += 1;
            } else if self.is(at, b':') {
                if questions == 0 {
                    return at;
                }
                questions -= 1;
            } else if self.is(at, b'(') && self.partner[at] != usize::MAX {
                at = self.partner[at];
            }
            at += 1;
        }
        at
    }

    /// A parenthesised header, with the statement expressions in it.
    fn header(&mut self, at: usize, depth: usize, levels: usize) -> usize {
        if !self.is(at, b'(') || self.partner[at] == usize::MAX {
            self.failed = true;
            return at + 1;
        }
        let close = self.partner[at];
        self.nested(at + 1, close, depth, levels);
        close + 1
    }

    /// Anything up to its `;`.
    fn simple(&mut self, from: usize, depth: usize, levels: usize) -> usize {
        let mut at = from;
        while at < self.tokens.len() {
            if self.is(at, b';') {
                self.nested(from, at, depth, levels);
                return at + 1;
            }
            if self.is(at, b'}') {
                self.nested(from, at, depth, levels);
                return at;
            }
            at = match self.partner[at] {
                close if close != usize::MAX && close > at => close + 1,
                _ => at + 1,
            };
        }
        at
    }

    /// Statement expressions between two tokens.
    fn nested(&mut self, from: usize, to: usize, depth: usize, levels: usize) {
        let mut at = from;
        while at < to {
            if self.is(at, b'(') && self.is(at + 1, b'{') {
                at = self.statement(at + 1, depth, levels + 1);
            } else {
                at += 1;
            }
        }
    }
}
