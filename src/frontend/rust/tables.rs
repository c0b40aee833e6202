//! Records that hold functions: what their members take, directives that stand at them, and which functions are put there.

use super::declare::self_name;
use crate::frontend::directive;
use crate::ir::Name;
use crate::ir::file_index::{FileIndex, MemberDirective};
use crate::source::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, Type};

/// Adds to `index` what the tree of a file says of its tables.
pub(super) fn collect(text: &str, tree: &syn::File, index: &mut FileIndex) {
    let directives = index.directives.clone();
    let mut tables = Tables { text, directives, index, record: None };
    tables.visit_file(tree);
    tables.index.puts.sort_unstable();
    tables.index.puts.dedup();
}

struct Tables<'t> {
    text: &'t str,
    /// As [`FileIndex::directives`].
    directives: Vec<(String, Span)>,
    index: &'t mut FileIndex,
    /// The type of the `impl` around.
    record: Option<String>,
}

/// The names of what a function behind a member takes; `None` when no function is behind it. `Option<fn(…)>` counts.
fn parameters(ty: &Type) -> Option<Vec<Name>> {
    match ty {
        Type::Paren(inner) => parameters(&inner.elem),
        Type::Group(inner) => parameters(&inner.elem),
        Type::Reference(inner) => parameters(&inner.elem),
        Type::FnPtr(function) => {
            let name = |input: &syn::NamedArg| {
                input.name.as_ref().map_or_else(Name::default, |(name, _)| Name::new(name.to_string()))
            };
            Some(function.inputs.iter().map(name).collect())
        }
        Type::Path(path) => {
            let last = path.path.segments.last().filter(|segment| segment.ident == "Option")?;
            let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
            arguments.args.iter().find_map(|argument| match argument {
                syn::GenericArgument::Type(inner) => parameters(inner),
                _ => None,
            })
        }
        _ => None,
    }
}

impl Tables<'_> {
    /// `f`, `Some(f)`, `f as fn(_)`, `Self::f`: the function as the tree knows it.
    fn function(&self, value: &Expr) -> Option<Name> {
        match value {
            Expr::Paren(inner) => self.function(&inner.expr),
            Expr::Cast(inner) => self.function(&inner.expr),
            Expr::Reference(inner) => self.function(&inner.expr),
            Expr::Call(call) if call.args.len() == 1 && is_some(&call.func) => self.function(&call.args[0]),
            Expr::Path(path) => {
                let words: Vec<String> =
                    path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
                let (last, before) = words.split_last()?;
                Some(match before.last().map(String::as_str) {
                    Some("Self") => Name::new(format!("{}::{last}", self.record.as_deref()?)),
                    Some(owner) if owner.starts_with(char::is_uppercase) => {
                        Name::new(format!("{owner}::{last}"))
                    }
                    _ => Name::new(last),
                })
            }
            _ => None,
        }
    }

    fn put(&mut self, record: &str, member: &str, value: &Expr) {
        if let Some(function) =
            self.function(value).filter(|name| !name.starts_with(char::is_uppercase) || name.contains("::"))
        {
            self.index.puts.push((function, Name::new(format!("{record}.{member}"))));
        }
    }
}

fn is_some(callee: &Expr) -> bool {
    matches!(callee, Expr::Path(path) if path.path.is_ident("Some"))
}

impl<'ast> Visit<'ast> for Tables<'_> {
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let outer = std::mem::replace(&mut self.record, self_name(&item.self_ty));
        visit::visit_item_impl(self, item);
        self.record = outer;
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let mut members: Vec<(Name, Option<Vec<Name>>, usize)> = Vec::new();
        for field in &item.fields {
            let Some(name) = &field.ident else { continue };
            members.push((Name::new(name.to_string()), parameters(&field.ty), field.span().byte_range().end));
        }
        if members.iter().all(|(_, parameters, _)| parameters.is_none()) {
            return;
        }
        for (name, parameters, _) in &members {
            let Some(parameters) = parameters else { continue };
            let key = Name::new(format!("parameters {}.{name}", item.ident));
            let names: Vec<&str> = parameters.iter().map(Name::as_str).collect();
            self.index.declarations.insert(key, Name::new(names.join(",")));
        }
        let inside = item.span().byte_range();
        for (directive, span) in &self.directives {
            let start = span.start as usize;
            if !inside.contains(&start) {
                continue;
            }
            let ends = members.iter().map(|(.., end)| *end);
            let about = directive::stands_at(self.text.as_bytes(), ends, start);
            let Some((name, parameters, _)) = about.map(|nth| &members[nth]) else { continue };
            self.index.member_directives.push(MemberDirective {
                member: Name::new(format!("{}.{name}", item.ident)),
                parameters: parameters.clone().unwrap_or_default(),
                text: directive.clone(),
                span: *span,
            });
        }
    }

    fn visit_expr_struct(&mut self, value: &'ast syn::ExprStruct) {
        let last = value.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        let record = if last == "Self" { self.record.clone().unwrap_or_default() } else { last };
        for field in &value.fields {
            if let syn::Member::Named(name) = &field.member {
                self.put(&record, &name.to_string(), &field.expr);
            }
        }
        visit::visit_expr_struct(self, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    #[test]
    fn functions_are_put_into_members_and_members_may_say_what_they_do() {
        let text = "struct Row {\n mask: u8,\n /// Unlocks.\n // lockbalance: releases(page(p))\n action: fn(row: &Row, p: Page) -> u8,\n \
                    end: Option<fn(&Row)>, // lockbalance: holds(arg0.lock)\n}\n\
                    impl Row {\n const A: Self = Self { mask: 1, action: clean, end: Some(Self::stop) };\n}\n\
                    static B: [Row; 1] = [Row { mask: X, action: super::dirty as fn(_, _) -> _, end: None }];\n";
        let tree = syn::parse_file(text).expect("Rust");
        let directives = directive::directives(FileId(0), text.as_bytes());
        let mut index = FileIndex { directives, ..FileIndex::default() };
        collect(text, &tree, &mut index);
        let puts: Vec<String> = index.puts.iter().map(|(name, slot)| format!("{name} in {slot}")).collect();
        assert_eq!(puts, ["Row::stop in Row.end", "clean in Row.action", "dirty in Row.action"]);
        let said: Vec<(&str, &str)> =
            index.member_directives.iter().map(|said| (said.member.as_str(), said.text.as_str())).collect();
        assert_eq!(said, [("Row.action", "releases(page(p))"), ("Row.end", "holds(arg0.lock)")]);
        let span = index.member_directives[0].span;
        assert_eq!(&text[span.start as usize..span.end as usize], "releases(page(p))");
        assert_eq!(index.declarations["parameters Row.action"], "row,p");
    }
}
