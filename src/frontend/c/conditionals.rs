//! Preprocessor conditionals inside functions: their conditions, and whole variants where a conditional splits a statement.
//!
//! A condition is read into its atoms (`CONFIG_A`, `LEVEL>2`), so that `#if defined(A) && B` and a later `#ifdef A` are about one
//! thing. A conditional that stands between statements is left to lowering; one that does not ([`splits`]) is decided before the
//! text is parsed, once either way.

use super::lex::{Token, TokenKind, brackets, tokens};
use super::text::{after_word, directive_word, squeeze, strip_comments};
use crate::ir::Name;

mod condition;
pub use condition::Condition;

/// Conditions that are decided either way; when a function splits on more, all hold or none does.
const CONDITION_LIMIT: usize = 6;
/// Variants of one function.
const VARIANT_LIMIT: usize = 8;

/// What a directive asks.
pub fn condition(directive: &[u8]) -> Condition {
    let word = directive_word(directive);
    let rest = after_word(directive, word);
    match word {
        b"ifdef" | b"elifdef" => Condition::Holds(squeeze(rest)),
        b"ifndef" | b"elifndef" => Condition::Not(Box::new(Condition::Holds(squeeze(rest)))),
        _ => Condition::parse(&strip_comments(rest)),
    }
}

/// Whether the directive opens, continues or closes a conditional.
pub fn is_conditional(word: &[u8]) -> bool {
    opens(word) || continues(word) || word == b"endif"
}

fn opens(word: &[u8]) -> bool {
    matches!(word, b"if" | b"ifdef" | b"ifndef")
}

fn continues(word: &[u8]) -> bool {
    matches!(word, b"elif" | b"else" | b"elifdef" | b"elifndef")
}

/// The readings of a text: which one, by the truth of each condition.
#[derive(Clone, Debug)]
pub struct Variants {
    /// The conditions decided.
    pub conditions: Vec<Name>,
    /// Same length as the original, their conditionals blanked and the arms that are not read too.
    pub texts: Vec<Vec<u8>>,
    /// The text for each choice: bit `i` of the index tells whether condition `i` holds. Empty when there were too many choices:
    /// any of the texts may be what is compiled.
    pub table: Vec<usize>,
}

/// The readings of `slice`: over all its conditions, or over those only whose conditionals split a statement.
pub fn variants(slice: &[u8], all: bool) -> Variants {
    let tokens = tokens(slice);
    let groups = groups(slice, &tokens);
    let partner = brackets(&tokens);
    let chosen: Vec<&Group> =
        groups.iter().filter(|group| all || splits(slice, &tokens, &partner, group)).collect();
    let mut conditions: Vec<Name> = Vec::new();
    for group in &chosen {
        for &at in &group.directives {
            let text = tokens[at].text(slice);
            if !matches!(directive_word(text), b"else" | b"endif") {
                condition(text).atoms(&mut conditions);
            }
        }
    }
    let directives: Vec<usize> = chosen.iter().flat_map(|group| group.directives.iter().copied()).collect();
    let mut found = Variants { conditions, texts: Vec::new(), table: Vec::new() };
    let count = found.conditions.len();
    let every = 1usize << count.min(CONDITION_LIMIT);
    let choices: Vec<u64> =
        if count > CONDITION_LIMIT { vec![u64::MAX, 0] } else { (0..every as u64).rev().collect() };
    for bits in choices {
        let holds = |name: &str| {
            let at = found.conditions.iter().position(|condition| condition == name);
            at.is_none_or(|at| bits >> at.min(63) & 1 == 1)
        };
        let text = choose(slice, &tokens, &directives, &holds);
        let at = found.texts.iter().position(|other| *other == text).unwrap_or_else(|| {
            found.texts.push(text);
            found.texts.len() - 1
        });
        found.table.insert(0, at);
    }
    if count > CONDITION_LIMIT || found.texts.len() > VARIANT_LIMIT {
        found.texts.truncate(VARIANT_LIMIT);
        found.table.clear();
    }
    found
}

/// One `#if … #endif`: its directives, by token.
struct Group {
    directives: Vec<usize>,
}

fn groups(slice: &[u8], tokens: &[Token]) -> Vec<Group> {
    let mut closed = Vec::new();
    let mut open: Vec<Group> = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Directive) {
        let word = directive_word(token.text(slice));
        if opens(word) {
            open.push(Group { directives: vec![at] });
        } else if continues(word) || word == b"endif" {
            if let Some(group) = open.last_mut() {
                group.directives.push(at);
            }
            if word == b"endif" {
                closed.extend(open.pop());
            }
        }
    }
    closed.extend(open);
    closed
}

/// Whether a conditional does anything else than choose among whole statements.
fn splits(slice: &[u8], tokens: &[Token], partner: &[usize], group: &Group) -> bool {
    let directive = |at: &usize| tokens[*at].kind == TokenKind::Directive;
    let before = |at: usize| (0..at).rev().find(|at| !directive(at));
    let after = |at: usize| (at + 1..tokens.len()).find(|at| !directive(at));
    let ends_statement = |at: Option<usize>| {
        at.is_none_or(|at| matches!(tokens[at].kind, TokenKind::Punct(b';' | b'}' | b':')))
    };
    let is_else = |at: Option<usize>| at.is_some_and(|at| tokens[at].is_word(slice, "else"));
    let (Some(&first), Some(&last)) = (group.directives.first(), group.directives.last()) else {
        return false;
    };
    let begins = before(first);
    let in_block = ends_statement(begins) || begins.is_some_and(|at| tokens[at].is(b'{'));
    let crossed = group.directives.windows(2).any(|arm| {
        let inside = arm[0] + 1..arm[1];
        let empty = inside.clone().all(|at| directive(&at));
        let unbalanced = inside.clone().any(|at| {
            let bracket =
                matches!(tokens[at].kind, TokenKind::Punct(b'(' | b')' | b'[' | b']' | b'{' | b'}'));
            bracket && !inside.contains(&partner[at])
        });
        let starts_wrong = !empty && is_else(after(arm[0]));
        unbalanced || starts_wrong || !empty && !ends_statement(before(arm[1]))
    });
    !in_block || crossed || is_else(after(last)) || group.directives.len() < 2
}

/// Blanks `directives` and the arms that are not read when `holds` tells which conditions do.
fn choose(slice: &[u8], tokens: &[Token], directives: &[usize], holds: &dyn Fn(&str) -> bool) -> Vec<u8> {
    let mut text = slice.to_vec();
    // Per open conditional: whether an arm was taken, and whether the present one is read.
    let mut open: Vec<(bool, bool)> = Vec::new();
    let mut dead_from: Option<usize> = None;
    let mut sorted = directives.to_vec();
    sorted.sort_unstable();
    for token in sorted.into_iter().map(|at| tokens[at]) {
        let directive = token.text(slice);
        let word = directive_word(directive);
        if opens(word) {
            let reads = condition(directive).value(holds);
            open.push((reads, reads));
        } else if word == b"endif" {
            open.pop();
        } else if let Some((taken, reads)) = open.last_mut() {
            *reads = !*taken && (word == b"else" || condition(directive).value(holds));
            *taken |= *reads;
        }
        blank(&mut text[token.start..token.end]);
        if let Some(from) = dead_from.take() {
            blank(&mut text[from..token.start]);
        }
        if open.iter().any(|(_, reads)| !reads) {
            dead_from = Some(token.end);
        }
    }
    if let Some(from) = dead_from {
        blank(&mut text[from..]);
    }
    text
}

/// Spaces over everything but line ends.
pub fn blank(text: &mut [u8]) {
    text.iter_mut().filter(|byte| !matches!(**byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_condition_has_one_name() {
        for text in
            ["#ifdef A", "#if defined(A)", "#if defined A", "# ifdef  A /* x */", "#elif (defined(A))"]
        {
            assert_eq!(condition(text.as_bytes()), Condition::Holds("A".into()), "{text}");
        }
        for text in ["#ifndef A", "#if !defined(A)", "#if ! defined( A )", "#elifndef A"] {
            let not = Condition::Not(Box::new(Condition::Holds("A".into())));
            assert_eq!(condition(text.as_bytes()), not, "{text}");
        }
        assert_eq!(condition(b"#if IS_ENABLED( B )"), Condition::Holds("IS_ENABLED(B)".into()));
        let mut atoms = Vec::new();
        condition(b"#if !A && (B > 2 \\\n || defined(C))").atoms(&mut atoms);
        assert_eq!(atoms, ["A", "B>2", "C"]);
    }

    #[test]
    fn variants_keep_their_length_and_differ() {
        let text = b"if (a\n#ifdef X\n && b\n#else\n && c\n#endif\n) {}\n#ifdef Y\nf();\n#endif\n";
        let found = variants(text, false);
        assert_eq!((found.conditions.len(), found.texts.len(), found.table.len()), (1, 2, 2));
        assert!(found.texts.iter().all(|variant| variant.len() == text.len()));
        let on = String::from_utf8_lossy(&found.texts[found.table[1]]);
        assert!(on.contains("&& b") && !on.contains("&& c") && on.contains("#ifdef Y"));
        assert_eq!(variants(text, true).texts.len(), 4);
    }

    #[test]
    fn whole_statements_split_nothing() {
        for text in
            ["f();\n#if A\ng();\n#else\nif (x) { h(); }\n#endif\n", "{\n#if A\n#else\ng();\n#endif\n}"]
        {
            assert!(variants(text.as_bytes(), false).conditions.is_empty(), "{text}");
        }
        for text in
            ["if (x)\n#if A\ng();\n#endif\nh();", "if (x) {\n#if A\n} else {\n#endif\n}", "#if A\nf();"]
        {
            assert_eq!(variants(text.as_bytes(), false).conditions.len(), 1, "{text}");
        }
    }
}
