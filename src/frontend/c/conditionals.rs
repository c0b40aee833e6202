//! Preprocessor conditionals inside functions: their normalised conditions, and whole variants where a conditional splits a
//! statement.

use super::lex::{Token, TokenKind, tokens};
use super::scan::{after_word, directive_word, squeeze};
use crate::ir::Name;

/// Variants of one function at most; when more were needed, each condition is taken once either way.
const VARIANT_LIMIT: usize = 8;

/// A condition's normalised text and the side on which it stands: `#ifndef A` is (`A`, false).
pub fn normalise(directive: &[u8]) -> (Name, bool) {
    let word = directive_word(directive);
    let text = squeeze(after_word(directive, word));
    match word {
        b"ifdef" => (text, true),
        b"ifndef" => (text, false),
        _ => normalise_expression(&text),
    }
}

fn normalise_expression(text: &str) -> (Name, bool) {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if let Some(rest) = compact.strip_prefix('!') {
        let whole = is_operand(rest);
        if whole {
            let (name, side) = normalise_expression(rest);
            return (name, !side);
        }
    }
    for prefix in ["defined(", "(defined("] {
        if let Some(rest) = compact.strip_prefix(prefix) {
            let inner = rest.trim_end_matches(')');
            if is_word(inner) {
                return (Name::new(inner), true);
            }
        }
    }
    if let Some(inner) = text.strip_prefix("defined ").map(str::trim).filter(|inner| is_word(inner)) {
        return (Name::new(inner), true);
    }
    (Name::new(compact), true)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(super::lex::is_word_byte)
}

/// A word, or something in parentheses that close at its end.
fn is_operand(text: &str) -> bool {
    let Some(open) = text.find('(') else { return is_word(text) };
    let mut depth = 0i32;
    for (at, c) in text.char_indices().skip(open) {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth == 0 {
            return at + 1 == text.len() && (open == 0 || is_word(&text[..open]));
        }
    }
    false
}

/// What a condition decides by itself: `#if 0`, `#if 1`.
pub fn decided(condition: &str) -> Option<bool> {
    match condition {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// One reading of a text: its arms chosen, the others and all directives blanked.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Same length as the original.
    pub text: Vec<u8>,
    /// The choices.
    pub assumptions: Vec<(Name, bool)>,
}

/// All readings of `slice`, and whether there were too many to be listed.
pub fn variants(slice: &[u8]) -> (Vec<Variant>, bool) {
    let tokens = tokens(slice);
    let mut conditions: Vec<Name> = Vec::new();
    for token in tokens.iter().filter(|token| token.kind == TokenKind::Directive) {
        let text = token.text(slice);
        if matches!(directive_word(text), b"if" | b"ifdef" | b"ifndef" | b"elif") {
            let (condition, _) = normalise(text);
            if decided(&condition).is_none() && !conditions.contains(&condition) {
                conditions.push(condition);
            }
        }
    }
    let count = conditions.len();
    let cut = count > 3;
    let choices: Vec<Vec<bool>> = if cut {
        let all = |side: bool| vec![side; count];
        vec![all(true), all(false)]
    } else {
        (0..1usize << count).map(|bits| (0..count).map(|at| bits >> at & 1 == 1).collect()).collect()
    };
    let mut found: Vec<Variant> = Vec::new();
    for choice in choices.into_iter().take(VARIANT_LIMIT) {
        let assumptions: Vec<(Name, bool)> = conditions.iter().cloned().zip(choice).collect();
        let text = choose(slice, &tokens, &assumptions);
        if !found.iter().any(|other| other.text == text) {
            found.push(Variant { text, assumptions });
        }
    }
    (found, cut)
}

/// Blanks every directive and the arms that `assumptions` do not take.
pub fn choose(slice: &[u8], tokens: &[Token], assumptions: &[(Name, bool)]) -> Vec<u8> {
    let mut text = slice.to_vec();
    // Per open conditional: whether an arm was taken, and whether the present one is read.
    let mut open: Vec<(bool, bool)> = Vec::new();
    let mut dead_from: Option<usize> = None;
    let blank = |text: &mut Vec<u8>, from: usize, to: usize| {
        text[from..to]
            .iter_mut()
            .filter(|byte| !matches!(**byte, b'\n' | b'\r'))
            .for_each(|byte| *byte = b' ');
    };
    for token in tokens.iter().filter(|token| token.kind == TokenKind::Directive) {
        let directive = token.text(slice);
        let word = directive_word(directive);
        if !matches!(word, b"if" | b"ifdef" | b"ifndef" | b"elif" | b"else" | b"endif") {
            continue;
        }
        let holds = || {
            let (condition, side) = normalise(directive);
            let value = decided(&condition)
                .or_else(|| assumptions.iter().find(|(name, _)| *name == condition).map(|(_, value)| *value));
            value.unwrap_or(true) == side
        };
        match word {
            b"if" | b"ifdef" | b"ifndef" => {
                let holds = holds();
                open.push((holds, holds));
            }
            b"elif" => {
                if let Some((taken, reads)) = open.last_mut() {
                    *reads = !*taken && holds();
                    *taken |= *reads;
                }
            }
            b"else" => {
                if let Some((taken, reads)) = open.last_mut() {
                    *reads = !*taken;
                    *taken = true;
                }
            }
            _ => {
                open.pop();
            }
        }
        blank(&mut text, token.start, token.end);
        if let Some(from) = dead_from.take() {
            blank(&mut text, from, token.start);
        }
        if open.iter().any(|(_, reads)| !reads) {
            dead_from = Some(token.end);
        }
    }
    if let Some(from) = dead_from {
        let end = text.len();
        blank(&mut text, from, end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_condition_has_one_name() {
        for text in ["#ifdef A", "#if defined(A)", "#if defined A", "# ifdef  A /* x */"] {
            assert_eq!(normalise(text.as_bytes()), (Name::new("A"), true), "{text}");
        }
        for text in ["#ifndef A", "#if !defined(A)", "#if ! defined( A )"] {
            assert_eq!(normalise(text.as_bytes()), (Name::new("A"), false), "{text}");
        }
        assert_eq!(normalise(b"#if IS_ENABLED(B)"), (Name::new("IS_ENABLED(B)"), true));
        assert!(normalise(b"#if !A && B").1);
    }

    #[test]
    fn variants_keep_their_length_and_differ() {
        let text = b"if (a\n#ifdef X\n && b\n#else\n && c\n#endif\n) {}";
        let (found, cut) = variants(text);
        assert!(!cut);
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|v| v.text.len() == text.len()));
        let on = found.iter().find(|v| v.assumptions[0].1).expect("the side that defines X");
        assert!(
            String::from_utf8_lossy(&on.text).contains("&& b")
                && !String::from_utf8_lossy(&on.text).contains("&& c")
        );
    }
}
