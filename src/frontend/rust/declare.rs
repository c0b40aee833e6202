//! What a file declares about types, in full paths: see [`FileIndex::declarations`](crate::ir::FileIndex).

use super::names::{self, Names};
use super::types::{self, Ty};
use crate::ir::Name;
use proc_macro2::TokenTree;
use quote::ToTokens;
use rustc_hash::FxHashMap;
use std::fmt::Write;
use syn::{Fields, Item, Type};

/// Collects declarations.
#[derive(Default)]
pub struct Declarations {
    /// By key.
    pub found: FxHashMap<Name, Name>,
}

/// Names of types that are handed through when a type is spelled: what stands behind no name of its own.
const SPELLING_LIMIT: usize = 400;

impl Declarations {
    fn insert(&mut self, key: String, text: String) {
        if text.len() <= SPELLING_LIMIT {
            self.found.entry(Name::new(key)).or_insert_with(|| Name::new(text));
        }
    }

    /// Notes what an item declares.
    pub fn item(&mut self, item: &Item, names: &Names) {
        match item {
            Item::Struct(item) => {
                let names = parameters(names, &item.generics);
                self.parameters(&item.ident, &item.generics);
                self.record(&item.ident.to_string(), &item.fields, &names);
            }
            Item::Union(item) => {
                self.insert(format!("record {}", item.ident), String::new());
            }
            Item::Enum(item) => {
                let names = parameters(names, &item.generics);
                self.parameters(&item.ident, &item.generics);
                self.insert(format!("record {}", item.ident), String::new());
                for variant in &item.variants {
                    self.record(&format!("{}::{}", item.ident, variant.ident), &variant.fields, &names);
                }
            }
            Item::Static(item) => self.insert(item.ident.to_string(), spelled(&item.ty, names)),
            Item::Const(item) => self.insert(item.ident.to_string(), spelled(&item.ty, names)),
            Item::Type(item) => {
                self.parameters(&item.ident, &item.generics);
                self.insert(format!("type {}", item.ident), spelled(&item.ty, names));
            }
            Item::Use(item) if !matches!(item.vis, syn::Visibility::Inherited) => {
                names::imports(&item.tree, "", &mut |name, path| {
                    self.insert(format!("use {name}"), path.to_string());
                });
            }
            Item::Impl(item) => self.implementation(item, names),
            Item::Macro(item) => self.lazy_statics(item, names),
            Item::Trait(item) => self.insert(format!("trait {}", item.ident), String::new()),
            _ => {}
        }
    }

    /// The names of type parameters, in order.
    fn parameters(&mut self, item: &syn::Ident, generics: &syn::Generics) {
        let names: Vec<String> =
            generics.type_params().map(|parameter| parameter.ident.to_string()).collect();
        if !names.is_empty() {
            self.insert(format!("parameters {item}"), names.join(" "));
        }
    }

    fn record(&mut self, record: &str, fields: &Fields, names: &Names) {
        self.insert(format!("record {record}"), String::new());
        for (at, field) in fields.iter().enumerate() {
            let member = field.ident.as_ref().map_or_else(|| at.to_string(), ToString::to_string);
            self.insert(format!("{record}.{member}"), spelled(&field.ty, names));
        }
        let members: Vec<String> = fields
            .iter()
            .enumerate()
            .map(|(at, field)| field.ident.as_ref().map_or_else(|| at.to_string(), ToString::to_string))
            .collect();
        self.insert(format!("members {record}"), members.join(" "));
    }

    fn implementation(&mut self, item: &syn::ItemImpl, names: &Names) {
        let Some(record) = self_name(&item.self_ty) else { return };
        let of = item.trait_.as_ref().and_then(|(path, _)| path.segments.last());
        match of.map(|segment| segment.ident.to_string()).as_deref() {
            Some("Drop") => self.insert(format!("drop {record}"), String::new()),
            Some("Deref") => {
                let target = item.items.iter().find_map(|item| match item {
                    syn::ImplItem::Type(ty) if ty.ident == "Target" => Some(&ty.ty),
                    _ => None,
                });
                if let Some(target) = target {
                    let names = parameters(names, &item.generics);
                    self.insert(format!("deref {record}"), spelled(target, &names));
                }
            }
            _ => {}
        }
    }

    /// The result of a function.
    pub fn result(&mut self, function: &str, output: &syn::ReturnType, asynchronous: bool, names: &Names) {
        let text = match output {
            syn::ReturnType::Default => String::new(),
            syn::ReturnType::Type(_, ty) => spelled(ty, names),
        };
        let text = match (asynchronous, text.is_empty()) {
            (false, _) => text,
            (true, true) => "Future<()>".to_owned(),
            (true, false) => format!("Future<{text}>"),
        };
        self.insert(format!("{function}()"), text);
    }

    /// `lazy_static! { static ref NAME: Type = …; }` and `thread_local! { static NAME: Type = …; }`
    fn lazy_statics(&mut self, item: &syn::ItemMacro, names: &Names) {
        let mut tokens = item.mac.tokens.clone().into_iter().peekable();
        while let Some(token) = tokens.next() {
            if !matches!(&token, TokenTree::Ident(word) if word == "static") {
                continue;
            }
            let mut next = tokens.next();
            while matches!(&next, Some(TokenTree::Ident(word)) if word == "ref" || word == "mut") {
                next = tokens.next();
            }
            let Some(TokenTree::Ident(name)) = next else { continue };
            if !matches!(tokens.next(), Some(TokenTree::Punct(colon)) if colon.as_char() == ':') {
                continue;
            }
            let mut ty = proc_macro2::TokenStream::new();
            while let Some(token) = tokens.next_if(
                |token| !matches!(token, TokenTree::Punct(punct) if matches!(punct.as_char(), '=' | ';')),
            ) {
                ty.extend([token]);
            }
            if let Ok(ty) = syn::parse2::<Type>(ty) {
                self.insert(name.to_string(), spelled(&ty, names));
            }
        }
    }
}

/// The last word of the type that an `impl` is for.
pub fn self_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        Type::Reference(reference) => self_name(&reference.elem),
        Type::Group(group) => self_name(&group.elem),
        Type::Paren(paren) => self_name(&paren.elem),
        _ => None,
    }
}

/// The names with the type parameters of `generics`.
pub fn parameters(names: &Names, generics: &syn::Generics) -> Names {
    let mut inner = names.clone();
    for parameter in &generics.params {
        if let syn::GenericParam::Type(parameter) = parameter {
            let ty = types::bounded(parameter.bounds.iter(), names, 0);
            // A parameter without bounds is known by its name alone: the type that is put there tells.
            if ty != Ty::Bounded(Vec::new()) {
                inner.bind(Name::new(parameter.ident.to_string()), ty);
            }
        }
    }
    for predicate in generics.where_clause.iter().flat_map(|clause| &clause.predicates) {
        let syn::WherePredicate::Type(predicate) = predicate else { continue };
        let Type::Path(path) = &predicate.bounded_ty else { continue };
        if let Some(ident) = path.path.get_ident() {
            let ty = types::bounded(predicate.bounds.iter(), names, 0);
            inner.bind(Name::new(ident.to_string()), ty);
        }
    }
    inner
}

fn spelled(ty: &Type, names: &Names) -> String {
    let mut out = String::new();
    spell(&types::read(ty, names, 0), &mut out);
    out
}

/// Writes a type so that it can be read again anywhere.
pub fn spell(ty: &Ty, out: &mut String) {
    let list = |items: &[Ty], out: &mut String| {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            spell(item, out);
        }
    };
    match ty {
        Ty::Unknown => out.push('_'),
        Ty::Never => out.push('!'),
        Ty::Named(path, args) => {
            out.push_str(path);
            if !args.is_empty() {
                out.push('<');
                list(args, out);
                out.push('>');
            }
        }
        Ty::Pointer(inner) => {
            out.push('&');
            spell(inner, out);
        }
        Ty::List(inner) => {
            out.push('[');
            spell(inner, out);
            out.push(']');
        }
        Ty::Tuple(items) => {
            out.push('(');
            list(items, out);
            out.push_str(if items.len() == 1 { ",)" } else { ")" });
        }
        Ty::Callable(output) => {
            out.push_str("fn() -> ");
            spell(output, out);
        }
        Ty::Bounded(paths) if paths.is_empty() => out.push('_'),
        Ty::Bounded(paths) => {
            let _ = write!(out, "impl {}", paths.join(" + "));
        }
    }
}

/// A piece of syntax as text.
pub fn text_of(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}
