//! Textual expansion of function-like macros: arguments substituted, `#` and `##` applied, once.

use super::lex::{TokenKind, tokens};
use crate::ir::Name;
use crate::ir::file_index::MacroDefinition;

/// The replacement text of `definition` with `args`, or `None` when their number does not fit.
pub fn expand(definition: &MacroDefinition, args: &[Name]) -> Option<String> {
    let parameters = definition.parameters.as_ref()?;
    let variadic = parameters.last().filter(|last| last.ends_with("..."));
    let fixed = parameters.len() - usize::from(variadic.is_some());
    if args.len() < fixed && !(fixed == 1 && args.is_empty()) || variadic.is_none() && args.len() > fixed {
        return None;
    }
    let rest = args.get(fixed..).unwrap_or_default().join(", ");
    let rest_name = variadic.map(|name| match name.trim_end_matches('.').trim() {
        "" => "__VA_ARGS__",
        named => named,
    });
    let argument = |word: &str| -> Option<&str> {
        if Some(word) == rest_name {
            return Some(&rest);
        }
        let at = parameters[..fixed].iter().position(|parameter| parameter == word)?;
        Some(args.get(at).map_or("", Name::as_str))
    };
    let body = definition.body.as_bytes();
    let tokens = tokens(body);
    let mut out = String::with_capacity(body.len() + 64);
    let mut at = 0;
    let mut end = 0;
    while at < tokens.len() {
        let token = tokens[at];
        let text = std::str::from_utf8(token.text(body)).ok()?;
        let paste =
            token.is(b'#') && tokens.get(at + 1).is_some_and(|next| next.is(b'#') && next.start == token.end);
        if paste {
            while out.ends_with(' ') {
                out.pop();
            }
            // `, ## args` with nothing to paste drops the comma.
            let empty = tokens
                .get(at + 2)
                .and_then(|next| std::str::from_utf8(next.text(body)).ok())
                .and_then(argument)
                == Some("");
            if empty && out.ends_with(',') {
                out.pop();
            }
            at += 2;
            end = tokens.get(at).map_or(end, |next| next.start);
            continue;
        }
        if token.start > end {
            out.push(' ');
        }
        end = token.end;
        // A lone `#` quotes the argument behind it; at the start of the text it reads as a directive line.
        if token.is(b'#') && tokens.get(at + 1).is_some_and(|next| next.kind == TokenKind::Word) {
            out.push_str("\"\"");
            end = tokens[at + 1].end;
            at += 2;
            continue;
        }
        match (token.kind, argument(text)) {
            (TokenKind::Word, Some(value)) => out.push_str(value),
            _ => out.push_str(text),
        }
        at += 1;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    fn expanded(text: &str, args: &[&str]) -> Option<String> {
        let index = super::super::scan::index(FileId(0), text.as_bytes());
        let args: Vec<Name> = args.iter().map(Name::new).collect();
        expand(index.macros.values().next().expect("one macro"), &args)
    }

    #[test]
    fn substitutes_pastes_and_quotes() {
        assert_eq!(
            expanded("#define M(a, b) f(a##_x, #b, b)\n", &["p", "q + 1"]).as_deref(),
            Some("f(p_x, \"\", q + 1)")
        );
        assert_eq!(expanded("#define M(f, ...) g(f, ##__VA_ARGS__)\n", &["1"]).as_deref(), Some("g(1)"));
        assert_eq!(
            expanded("#define M(f, args...) g(f, args)\n", &["1", "2", "3"]).as_deref(),
            Some("g(1, 2, 3)")
        );
        assert_eq!(expanded("#define M(a) a\n", &["1", "2"]), None);
    }
}
