//! An independent reader of statement structure, to cross-check the tree.
//!
//! It knows tokens and how statements nest, nothing else. Its skeleton, one entry per control statement with its nesting, must
//! equal the tree's. A silent misparse (a loop macro read as a function definition, an `else` bound to the wrong `if`)
//! shows as a difference, and the function is then not decided.

use super::lex::{Token, TokenKind, brackets, tokens};
use super::mask::Notes;
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

/// Whether the reader and the tree see the same structure in `text`.
pub fn agrees(_original: &[u8], text: &[u8], body: Node<'_>, _notes: &Notes) -> bool {
    let mut from_tree = Vec::new();
    read_tree(body, 0, 0, &mut from_tree);
    let range = if body.kind() == "compound_statement" { body.byte_range() } else { 0..text.len() };
    let text = text.get(range).unwrap_or_default();
    let tokens: Vec<Token> = tokens(text).into_iter().filter(|t| t.kind != TokenKind::Directive).collect();
    let mut reader =
        Reader { text, partner: brackets(&tokens), tokens: &tokens, out: Vec::new(), failed: false };
    let start = tokens.iter().position(|token| token.is(b'{')).unwrap_or(0);
    reader.statement(start, 0, 0);
    // What the reader cannot follow it does not dispute.
    reader.failed || reader.out == from_tree
}

/// Whether a label stands anywhere below `node`.
pub fn has_jump_label(node: Node<'_>) -> bool {
    node.kind() == "labeled_statement"
        || (0..node.named_child_count()).filter_map(|at| node.named_child(at as u32)).any(has_jump_label)
}

fn read_tree(node: Node<'_>, depth: usize, levels: usize, out: &mut Vec<Entry>) {
    if levels > DEPTH_LIMIT {
        return;
    }
    let kind = match node.kind() {
        "if_statement" => Some(Kind::If),
        "else_clause" => Some(Kind::Else),
        "while_statement" | "for_statement" => Some(Kind::Loop),
        "do_statement" => Some(Kind::Do),
        "switch_statement" => Some(Kind::Switch),
        "case_statement" if node.child_by_field_name("value").is_some() => Some(Kind::Case),
        "case_statement" => Some(Kind::Default),
        "labeled_statement" => Some(Kind::Label),
        "goto_statement" => Some(Kind::Goto),
        "break_statement" => Some(Kind::Break),
        "continue_statement" => Some(Kind::Continue),
        "return_statement" => Some(Kind::Return),
        _ => None,
    };
    if let Some(kind) = kind {
        out.push(Entry { kind, depth });
    }
    for at in 0..node.named_child_count() {
        let Some(child) = node.named_child(at as u32) else { continue };
        // An `else` stands as deep as its `if`; what either governs stands one deeper.
        let inner = match kind {
            Some(Kind::If) if child.kind() == "else_clause" => depth,
            Some(Kind::If | Kind::Else | Kind::Loop | Kind::Do | Kind::Switch) => depth + 1,
            _ => depth,
        };
        read_tree(child, inner, levels + 1, out);
    }
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
            b"if" => {
                self.push(Kind::If, depth);
                let body = self.header(at + 1, depth + 1, levels);
                let next = self.statement(body, depth + 1, levels + 1);
                if self.word(next) != b"else" {
                    return next;
                }
                self.push(Kind::Else, depth);
                self.statement(next + 1, depth + 1, levels + 1)
            }
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
            _ => self.simple(at, depth, levels),
        }
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
