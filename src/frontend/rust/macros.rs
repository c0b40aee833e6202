//! What stands in a macro call, as far as it is made of expressions.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Pat, Stmt, Token};

/// The content of a macro call.
pub enum Content {
    /// Expressions with commas between: `println!("{}", x)`.
    Values(Vec<Expr>),
    /// `matches!(value, pattern)`
    Matches(Box<(Expr, Pat)>),
    /// Statements.
    Statements(Vec<Stmt>),
    /// Something else.
    Unknown,
}

struct Matched(Expr, Pat);

impl Parse for Matched {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let value = input.parse()?;
        input.parse::<Token![,]>()?;
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        let pattern = if input.peek(Token![if]) {
            let if_token = input.parse()?;
            let guard = Box::new(input.parse()?);
            Pat::Guard(syn::PatGuard { attrs: Vec::new(), pat: Box::new(pattern), if_token, guard })
        } else {
            pattern
        };
        let _ = input.parse::<Option<Token![,]>>()?;
        Ok(Matched(value, pattern))
    }
}

/// Reads the content of a call of the macro `name`.
pub fn content(name: &str, tokens: &TokenStream) -> Content {
    if matches!(name, "matches" | "assert_matches" | "debug_assert_matches")
        && let Ok(Matched(value, pattern)) = syn::parse2::<Matched>(tokens.clone())
    {
        return Content::Matches(Box::new((value, pattern)));
    }
    if let Ok(values) = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens.clone()) {
        return Content::Values(values.into_iter().collect());
    }
    if let Ok(values) = Punctuated::<Expr, Token![;]>::parse_terminated.parse2(tokens.clone()) {
        return Content::Values(values.into_iter().collect());
    }
    match syn::Block::parse_within.parse2(tokens.clone()) {
        Ok(statements) => Content::Statements(statements),
        Err(_) => Content::Unknown,
    }
}

/// Words directly before a parenthesis, with a dot where one stands before the word.
pub fn called_words(tokens: &TokenStream, visit: &mut dyn FnMut(String)) {
    let (mut word, mut dotted): (Option<String>, bool) = (None, false);
    for token in tokens.clone() {
        match token {
            TokenTree::Group(group) => {
                if let (Some(name), Delimiter::Parenthesis) = (word.take(), group.delimiter()) {
                    visit(if dotted { format!(".{name}") } else { name });
                }
                called_words(&group.stream(), visit);
                dotted = false;
            }
            TokenTree::Ident(ident) => word = Some(ident.to_string()),
            TokenTree::Punct(punct) => {
                dotted = punct.as_char() == '.';
                word = None;
            }
            TokenTree::Literal(_) => (word, dotted) = (None, false),
        }
    }
}
