//! One pass over a file: its functions and closures, what they may call, what it declares.
//!
//! A method is known as `Type::method`, a function by its own name. A call of a method on something whose type is not looked at
//! here is noted as `.method`. Closures and `async` blocks are functions of their own, called `outer::{closure}`: their span is that
//! of the function around them, for only there their variables have types; their header is where they stand.

use super::declare::{Declarations, parameters, self_name, text_of};
use super::macros::{self, Content};
use super::measure;
use super::names::{self, Names};
use super::tables;
use crate::frontend::directive;
use crate::ir::file_index::{FileIndex, FunctionDefinition};
use crate::ir::{Annotation, Linkage, Name};
use crate::source::{FileId, Span};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, Item};

/// Makes the index of a file.
pub fn index(file: FileId, text: &[u8]) -> FileIndex {
    let mut index = FileIndex { includes: vec![Name::new_static("rust:")], ..FileIndex::default() };
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(_) => {
            index.unreadable = Some("not valid UTF-8".to_owned());
            return index;
        }
    };
    if let Some(reason) = measure::too_deep(text) {
        index.unreadable = Some(reason.to_owned());
        return index;
    }
    index.directives = directive::directives(file, text.as_bytes());
    match syn::parse_file(text) {
        Ok(tree) => {
            Indexer::new(file, &mut index).run(&tree);
            tables::collect(text, &tree, &mut index);
        }
        Err(error) => {
            let start = error.span().start();
            index.unreadable = Some(format!("not understood: line {}: {error}", start.line));
        }
    }
    proc_macro2::extra::invalidate_current_thread_spans();
    for (said, span) in &index.directives {
        let Some(annotation) = directive::contract(said, *span) else { continue };
        let next = index.functions.iter_mut().filter(|function| function.header.start >= span.end);
        let Some(next) = next.min_by_key(|function| function.header.start) else { continue };
        if text.get(span.end as usize..next.header.start as usize).is_some_and(is_head) {
            next.annotations.push(annotation);
        }
    }
    index
}

/// Whether only comments, attributes and qualifiers stand between a comment's text and the word `fn`.
fn is_head(between: &str) -> bool {
    const QUALIFIERS: [&str; 6] = ["pub", "default", "const", "async", "unsafe", "extern"];
    let lines = between.trim_start_matches("*/").lines().map(str::trim);
    lines.skip_while(|line| line.is_empty()).all(|line| {
        line.is_empty()
            || line.starts_with("//")
            || line.starts_with("#[")
            || QUALIFIERS.iter().any(|word| line.starts_with(word))
    })
}

struct Indexer<'i> {
    file: FileId,
    index: &'i mut FileIndex,
    names: Names,
    declarations: Declarations,
    /// Imports of the modules around that mean something else than the file's own.
    overrides: Vec<(Name, Name)>,
    /// Some module stands in another file, and sees what is private here.
    has_children: bool,
}

/// What stands around a function.
struct Around<'a> {
    /// The type of an `impl`, or the trait.
    record: Option<String>,
    generics: Option<&'a syn::Generics>,
    names: Names,
}

impl<'i> Indexer<'i> {
    fn new(file: FileId, index: &'i mut FileIndex) -> Self {
        let declarations = Declarations::default();
        Indexer {
            file,
            index,
            names: Names::default(),
            declarations,
            overrides: Vec::new(),
            has_children: false,
        }
    }

    fn run(mut self, tree: &syn::File) {
        let mut imports = FxHashMap::default();
        collect_imports(&tree.items, &mut imports);
        self.names = Names::of(imports);
        self.has_children = tree.items.iter().any(|item| matches!(item, Item::Mod(m) if m.content.is_none()));
        self.items(&tree.items);
        self.index.imports = std::mem::take(&mut self.names.imports);
        self.index.declarations = self.declarations.found;
        self.index.functions.sort_by_key(|function| (function.span.start, function.header.start));
    }

    fn items(&mut self, items: &[Item]) {
        items.iter().for_each(|item| self.item(item));
    }

    fn item(&mut self, item: &Item) {
        self.declarations.item(item, &self.names);
        match item {
            Item::Mod(module) => {
                if let Some((_, items)) = &module.content {
                    self.module(items);
                }
            }
            Item::Fn(function) => {
                let around = Around { record: None, generics: None, names: self.names.clone() };
                self.function(&function.vis, &function.sig, &function.block, &around);
            }
            Item::Impl(implementation) => {
                let record = self_name(&implementation.self_ty);
                let mut names = parameters(&self.names, &implementation.generics);
                if let Some(record) = &record {
                    names.set_self(Name::new(record));
                }
                let generics = Some(&implementation.generics);
                let around = Around { record, generics, names };
                for item in &implementation.items {
                    if let syn::ImplItem::Fn(function) = item {
                        let public = implementation.trait_.is_some();
                        let vis = if public { syn::parse_quote!(pub) } else { function.vis.clone() };
                        self.function(&vis, &function.sig, &function.block, &around);
                    }
                }
            }
            Item::Trait(item) => {
                let names = parameters(&self.names, &item.generics);
                let record = Some(item.ident.to_string());
                let around = Around { record, generics: Some(&item.generics), names };
                for item in &item.items {
                    if let syn::TraitItem::Fn(function) = item
                        && let Some(block) = &function.default
                    {
                        self.function(&syn::parse_quote!(pub), &function.sig, block, &around);
                    }
                }
            }
            _ => {}
        }
    }

    /// What stands in a module of the file is read with its imports.
    fn module(&mut self, items: &[Item]) {
        let (names, overrides) = (self.names.clone(), self.overrides.clone());
        for item in items {
            let Item::Use(item) = item else { continue };
            names::imports(&item.tree, "", &mut |name, path| {
                if self.names.imports.insert(name.clone(), path.clone()).is_some_and(|other| other != path) {
                    self.overrides.push((name, path));
                }
            });
        }
        self.items(items);
        (self.names, self.overrides) = (names, overrides);
    }

    /// A function, read with what it imports for itself: `fn f() { use parking_lot::Mutex; … }`.
    fn function(
        &mut self,
        vis: &syn::Visibility,
        sig: &syn::Signature,
        block: &syn::Block,
        around: &Around<'_>,
    ) {
        let own = block.stmts.iter().filter_map(|statement| match statement {
            syn::Stmt::Item(Item::Use(item)) => Some(item),
            _ => None,
        });
        let mut imports = Vec::new();
        own.for_each(|item| names::imports(&item.tree, "", &mut |name, path| imports.push((name, path))));
        if imports.is_empty() {
            return self.function_with_names(vis, sig, block, around);
        }
        let (names, overrides) = (self.names.clone(), self.overrides.clone());
        self.names.imports.extend(imports.iter().cloned());
        self.overrides.extend(imports);
        self.function_with_names(vis, sig, block, around);
        (self.names, self.overrides) = (names, overrides);
    }

    fn span(&self, node: &impl Spanned) -> Span {
        let range = node.span().byte_range();
        Span::new(self.file, range.start, range.end)
    }

    fn function_with_names(
        &mut self,
        vis: &syn::Visibility,
        sig: &syn::Signature,
        block: &syn::Block,
        around: &Around<'_>,
    ) {
        let name = sig.ident.to_string();
        let name = around.record.as_ref().map_or_else(|| name.clone(), |record| format!("{record}::{name}"));
        let names = parameters(&around.names, &sig.generics);
        self.declarations.result(&name, &sig.output, sig.asyncness.is_some(), &names);
        let (start, body) = (self.span(sig), self.span(block));
        let private = matches!(vis, syn::Visibility::Inherited) && !self.has_children;
        let mut collector = Collector::new(self, around.record.as_deref());
        collector.visit_block(block);
        let (calls, inner, nested) = (collector.calls, collector.closures, collector.items);
        let definition = FunctionDefinition {
            name: Name::new(&name),
            span: Span { end: body.end, ..start },
            body,
            header: start,
            linkage: if private { Linkage::Internal } else { Linkage::External },
            irregular_header: false,
            annotations: context(around, &self.overrides, start),
            calls: calls.into_iter().map(Name::from).collect(),
        };
        for closure in inner {
            self.index.functions.push(FunctionDefinition {
                name: Name::new(format!("{name}::{{closure}}")),
                header: closure.at,
                body: closure.at,
                linkage: Linkage::Internal,
                irregular_header: true,
                calls: closure.calls.into_iter().map(Name::from).collect(),
                ..definition.clone()
            });
        }
        self.index.functions.push(definition);
        self.items(&nested);
    }
}

/// The type and generic parameters that a function is read with, for the slice does not show them.
fn context(around: &Around<'_>, overrides: &[(Name, Name)], span: Span) -> Vec<Annotation> {
    let import = |(name, path): &(Name, Name)| Annotation {
        name: Name::new_static("use"),
        args: vec![name.clone(), path.clone()],
        span,
    };
    let mut found: Vec<Annotation> = overrides.iter().map(import).collect();
    if let Some(record) = &around.record {
        found.push(Annotation { name: Name::new_static("impl"), args: vec![Name::new(record)], span });
    }
    if let Some(generics) = around.generics.filter(|generics| !generics.params.is_empty()) {
        let clause = generics.where_clause.as_ref().map_or_else(String::new, text_of);
        let args = vec![Name::new(text_of(generics)), Name::new(clause)];
        found.push(Annotation { name: Name::new_static("generics"), args, span });
    }
    found
}

fn collect_imports(items: &[Item], found: &mut FxHashMap<Name, Name>) {
    for item in items {
        match item {
            Item::Use(item) => names::imports(&item.tree, "", &mut |name, path| {
                found.entry(name).or_insert(path);
            }),
            Item::ExternCrate(item) => {
                if let Some((_, name)) = &item.rename {
                    found.entry(Name::new(name.to_string())).or_insert(Name::new(item.ident.to_string()));
                }
            }
            _ => {}
        }
    }
    for item in items {
        if let Item::Mod(syn::ItemMod { content: Some((_, items)), .. }) = item {
            collect_imports(items, found);
        }
    }
}

struct Closure {
    at: Span,
    calls: BTreeSet<String>,
}

/// Collects calls, closures and nested items of a body.
struct Collector<'i> {
    file: FileId,
    record: Option<&'i str>,
    imports: FxHashMap<Name, Name>,
    calls: BTreeSet<String>,
    closures: Vec<Closure>,
    items: Vec<Item>,
}

impl<'i> Collector<'i> {
    fn new(indexer: &Indexer<'_>, record: Option<&'i str>) -> Self {
        Collector {
            file: indexer.file,
            record,
            imports: indexer.names.imports.clone(),
            calls: BTreeSet::new(),
            closures: Vec::new(),
            items: Vec::new(),
        }
    }

    /// A closure or `async` block: its calls are noted with it as well as with the function.
    fn closure(&mut self, at: Span, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::take(&mut self.calls);
        visit(self);
        let calls = std::mem::replace(&mut self.calls, outer);
        self.calls.extend(calls.iter().cloned());
        self.closures.push(Closure { at, calls });
    }

    fn path(&mut self, path: &syn::Path) {
        let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let Some(last) = words.last() else { return };
        let full = self.imports.get(words[0].as_str());
        if words.len() == 1 {
            let named = full.map_or(last.as_str(), |full| full.rsplit("::").next().unwrap_or(last));
            self.calls.insert(named.to_owned());
            if let Some(full) = full {
                self.calls.insert(full.to_string());
            }
            return;
        }
        let owner = words[words.len() - 2].clone();
        let owner = match (owner.as_str(), words.len()) {
            ("Self", _) => self.record.unwrap_or("Self").to_owned(),
            (_, 2) => full.map_or(owner, |full| full.rsplit("::").next().unwrap_or_default().to_owned()),
            _ => owner,
        };
        if owner.starts_with(char::is_uppercase) {
            self.calls.insert(format!("{owner}::{last}"));
        } else {
            self.calls.insert(last.clone());
        }
        self.calls.insert(format!(".{last}"));
        let mut all = words;
        if let Some(full) = full {
            all[0] = full.to_string();
        }
        self.calls.insert(names::standard(&all.join("::")).to_string());
    }

    fn macro_call(&mut self, mac: &syn::Macro) {
        let name = mac.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        match macros::content(&name, &mac.tokens) {
            Content::Values(values) => values.iter().for_each(|value| self.visit_expr(value)),
            Content::Matches(both) => self.visit_expr(&both.0),
            Content::Statements(statements) => statements.iter().for_each(|s| self.visit_stmt(s)),
            Content::Unknown => macros::called_words(&mac.tokens, &mut |word| {
                self.calls.insert(word);
            }),
        }
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        self.items.push(item.clone());
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::MethodCall(call) => {
                self.calls.insert(format!(".{}", call.method));
            }
            Expr::Call(call) => {
                let mut callee = &*call.func;
                while let Expr::Paren(inner) = callee {
                    callee = &inner.expr;
                }
                match callee {
                    Expr::Path(path) => self.path(&path.path),
                    // `(row.action)(p)`: what is called stands in a table.
                    Expr::Field(syn::ExprField { member: syn::Member::Named(name), .. }) => {
                        self.calls.insert(name.to_string());
                    }
                    _ => {}
                }
            }
            Expr::Closure(_) | Expr::Async(_) => {
                let range = expr.span().byte_range();
                let at = Span::new(self.file, range.start, range.end);
                return self.closure(at, |this| visit::visit_expr(this, expr));
            }
            Expr::Await(_) => {
                self.calls.insert("await".to_owned());
            }
            _ => {}
        }
        visit::visit_expr(self, expr);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.macro_call(mac);
    }
}
