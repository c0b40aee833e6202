//! syn's tree of one function to a [`Body`].
//!
//! ```text
//! slice ─ syn ─▶ statement / expression / pattern ─▶ BodyBuilder
//!                     └─ scopes: what ends when, temporaries by edition
//! ```
//!
//! A guard is lowered as the address of its lock: acquiring gives that address, moving the guard hands it on and leaves null behind, and
//! the guard's end is a call with it. So the one question "which lock does this guard hold?" is answered by the same values that tell
//! pointers apart. `Option<Guard>` and `Result<Guard, _>` are that address, or null. References and smart pointers stand for
//! what they point to.

mod builtin;
mod call;
mod closure;
mod condition;
mod expression;
mod jump;
mod loops;
mod macro_call;
mod matching;
mod method;
mod object;
mod operator;
mod pattern;
mod scope;
mod settle;
mod statement;
mod value;
mod wrapper;

use super::declare::parameters;
use super::names::Names;
use super::types::{self, Ty};
use crate::ir::file_index::FunctionDefinition;
use crate::ir::{
    Body, BodyBuilder, CONTRACT_COMMENT, Environment, GUARD, LocalId, LocalKind, Name, Place, ReturnKind,
};
use crate::source::{FileId, Span};
use scope::{Frame, Scope, Target};
use syn::spanned::Spanned;

/// Expressions nested deeper than this are not read.
const DEPTH_LIMIT: usize = 200;
/// The edition of a file that nobody tells the edition of.
const DEFAULT_EDITION: u16 = 2021;

pub(super) struct Lowerer<'e> {
    env: &'e dyn Environment,
    names: Names,
    builder: BodyBuilder,
    /// Types of locals, by id.
    types: Vec<Ty>,
    scopes: Vec<Scope>,
    targets: Vec<Target>,
    frames: Vec<Frame>,
    file: FileId,
    /// Offset of the slice in the file.
    base: usize,
    text: &'e str,
    edition: u16,
    depth: usize,
    /// Temporaries that are kept now belong to the head of a `match`, `if let` or loop.
    in_scrutinee: bool,
    /// What the function gives back.
    output: Ty,
    /// Name of the function, and the closure or block in it that is asked for.
    function: &'e FunctionDefinition,
    wanted: Option<u32>,
    found: Option<Body>,
}

/// Lowers one function; `slice` is its text, from the start to the end of its span.
pub fn lower(file: FileId, slice: &[u8], function: &FunctionDefinition, env: &dyn Environment) -> Body {
    let text = std::str::from_utf8(slice).unwrap_or_default();
    let body = match syn::parse_str::<syn::ImplItemFn>(text) {
        Ok(item) => whole(file, text, function, env, &item.sig, &item.block),
        Err(_) => {
            let mut builder = BodyBuilder::new(function.name.clone(), function.span);
            builder.opaque("syntax error", function.span);
            builder.finish()
        }
    };
    proc_macro2::extra::invalidate_current_thread_spans();
    body
}

fn whole(
    file: FileId,
    text: &str,
    function: &FunctionDefinition,
    env: &dyn Environment,
    sig: &syn::Signature,
    block: &syn::Block,
) -> Body {
    let mut names = Names::of(env.imports().cloned().unwrap_or_default());
    for annotation in &function.annotations {
        match (annotation.name.as_str(), annotation.args.as_slice()) {
            ("impl", [record]) => names.set_self(record.clone()),
            ("use", [name, path]) => {
                names.imports.insert(name.clone(), path.clone());
            }
            ("generics", [list, clause]) => {
                let mut generics: syn::Generics = syn::parse_str(list).unwrap_or_default();
                generics.where_clause = syn::parse_str(clause).ok();
                names = parameters(&names, &generics);
            }
            _ => {}
        }
    }
    let names = parameters(&names, &sig.generics);
    let mut builder = BodyBuilder::new(function.name.clone(), function.span);
    let contracts = function.annotations.iter().filter(|annotation| annotation.name == CONTRACT_COMMENT);
    contracts.for_each(|annotation| builder.annotate(annotation.clone()));
    let mut lowerer = Lowerer {
        env,
        names,
        builder,
        types: Vec::new(),
        scopes: Vec::new(),
        targets: Vec::new(),
        frames: Vec::new(),
        file,
        base: function.span.start as usize,
        text,
        edition: if env.edition() == 0 { DEFAULT_EDITION } else { env.edition() },
        depth: 0,
        in_scrutinee: false,
        output: Ty::Unknown,
        function,
        wanted: function.irregular_header.then_some(function.header.start),
        found: None,
    };
    lowerer.run(sig, block);
    if lowerer.wanted.is_some() {
        // What is not lowered by itself was lowered where it stands.
        let empty = || BodyBuilder::new(function.name.clone(), function.header).finish();
        return lowerer.found.unwrap_or_else(empty);
    }
    lowerer.builder.finish()
}

impl Lowerer<'_> {
    fn run(&mut self, sig: &syn::Signature, block: &syn::Block) {
        self.output = self.settle(types::read_output(&sig.output, &self.names, 0));
        let returns = self.return_kind(&self.output.clone());
        let header = self.span_of(sig);
        self.builder.header(header, self.function.linkage, returns);
        let end = self.span_of(block);
        self.builder.end(Span { start: end.end.saturating_sub(1), ..end });
        self.enter_frame();
        let mut patterns = Vec::new();
        for input in &sig.inputs {
            if let Some(pattern) = self.parameter(input) {
                patterns.push(pattern);
            }
        }
        for (pattern, id) in patterns {
            let subject = self.subject(Place::local(id), self.types[id.0 as usize].clone());
            self.bind(&pattern, subject);
        }
        let value = self.block_value(block);
        self.leave_with(value, Span { start: end.end.saturating_sub(1), ..end });
    }

    /// A formal parameter; its pattern is bound when all of them are known.
    fn parameter(&mut self, input: &syn::FnArg) -> Option<(syn::Pat, LocalId)> {
        let span = self.span_of(input);
        match input {
            syn::FnArg::Receiver(receiver) => {
                let this = self.self_type();
                let ty = match &receiver.kind {
                    syn::ReceiverKind::Value => this,
                    syn::ReceiverKind::Reference(..) => Ty::Pointer(Box::new(this)),
                    syn::ReceiverKind::Typed(_, ty) => self.read_type(ty),
                    _ => Ty::Unknown,
                };
                let id = self.new_parameter("self", ty, span);
                self.name_local("self", id);
                None
            }
            syn::FnArg::Typed(typed) => {
                let ty = self.read_type(&typed.ty);
                if let syn::Pat::Ident(ident) = &*typed.pat {
                    let name = ident.ident.to_string();
                    let id = self.new_parameter(&name, ty.clone(), span);
                    self.name_local(&name, id);
                    self.owns(Place::local(id), ty, span);
                    return None;
                }
                let id = self.new_parameter("", ty, span);
                Some(((*typed.pat).clone(), id))
            }
        }
    }

    fn new_parameter(&mut self, name: &str, ty: Ty, span: Span) -> LocalId {
        let id = self.builder.parameter(name, "", span);
        self.types.push(ty);
        debug_assert_eq!(self.types.len(), id.0 as usize + 1);
        id
    }

    /// A variable without a name in scope yet.
    fn new_local(&mut self, name: &str, kind: LocalKind, ty: Ty, span: Span) -> LocalId {
        // Callers of functions that give guards are told by this word that they see one.
        let word = if self.guard_of(&ty).is_some() { GUARD } else { "" };
        let id = self.builder.local(name, kind, word, span);
        self.types.push(ty);
        debug_assert_eq!(self.types.len(), id.0 as usize + 1);
        id
    }

    fn temporary(&mut self, ty: Ty, span: Span) -> Place {
        Place::local(self.new_local("", LocalKind::Temporary, ty, span))
    }

    /// What the function gives back, as far as exits are told apart by it.
    fn return_kind(&self, ty: &Ty) -> ReturnKind {
        let inner = match ty {
            Ty::Named(path, args) if path == "Future" => args.first().unwrap_or(ty),
            other => other,
        };
        if self.guard_of(inner).is_some() {
            return ReturnKind::Guard;
        }
        match inner {
            Ty::Tuple(items) if items.is_empty() => ReturnKind::Void,
            Ty::Named(path, _) if path == "bool" => ReturnKind::Bool,
            Ty::Named(path, _) if types::is_result(path) => ReturnKind::Integer,
            Ty::Named(path, _) if types::is_option(path) => ReturnKind::Pointer,
            _ => ReturnKind::Other,
        }
    }

    /// Where a piece of syntax stands in the file.
    fn span_of(&self, node: &impl Spanned) -> Span {
        let range = node.span().byte_range();
        Span::new(self.file, self.base + range.start, self.base + range.end)
    }

    /// A piece of syntax as it was written, on one line.
    fn written(&self, node: &impl Spanned) -> Name {
        let text = self.text.get(node.span().byte_range()).unwrap_or_default();
        let mut out = String::with_capacity(text.len());
        for (at, word) in text.split_whitespace().enumerate() {
            if at > 0 && !word.starts_with('.') {
                out.push(' ');
            }
            out.push_str(word);
        }
        Name::new(out)
    }

    fn opaque(&mut self, cause: &'static str, span: Span) {
        self.builder.opaque(cause, span);
    }
}
