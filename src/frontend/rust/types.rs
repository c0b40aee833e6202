//! Types as far as text tells them: enough to know what is a lock, what is a guard, and what stands for something else.
//!
//! A type that the text does not tell is [`Ty::Unknown`]; it never stands for "no lock".

use super::names::Names;
use crate::ir::Environment;
use crate::ir::Name;
use crate::ir::environment::Wrapper;
use syn::{GenericArgument, PathArguments, Type, TypeParamBound};

/// Aliases and references followed before a type is given up.
const DEPTH_LIMIT: usize = 12;

/// A type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ty {
    /// Not told.
    #[default]
    Unknown,
    /// `path<args>`, in full path where it is known.
    Named(Name, Vec<Ty>),
    /// `&T`, `*const T`: stands for what it points to.
    Pointer(Box<Ty>),
    /// `(A, B)`; unit is the empty one.
    Tuple(Vec<Ty>),
    /// `[T; n]`, `[T]`
    List(Box<Ty>),
    /// A type parameter or `impl Trait`, with the paths of its bounds.
    Bounded(Vec<Name>),
    /// `Self::Item`, a function pointer, `dyn Fn()`: called, but nothing else.
    Callable(Box<Ty>),
    /// `!`
    Never,
}

impl Ty {
    /// `()`
    pub fn unit() -> Self {
        Ty::Tuple(Vec::new())
    }

    /// `path<args>`
    pub fn named(path: &str, args: Vec<Ty>) -> Self {
        Ty::Named(Name::new(path), args)
    }

    /// The path of a named type.
    pub fn path(&self) -> Option<&Name> {
        match self {
            Ty::Named(path, _) => Some(path),
            _ => None,
        }
    }

    /// The last type argument.
    pub fn last_arg(&self) -> Ty {
        match self {
            Ty::Named(_, args) => args.last().cloned().unwrap_or_default(),
            Ty::Pointer(inner) | Ty::List(inner) => (**inner).clone(),
            _ => Ty::Unknown,
        }
    }

    /// The first type argument.
    pub fn first_arg(&self) -> Ty {
        match self {
            Ty::Named(_, args) => args.first().cloned().unwrap_or_default(),
            other => other.last_arg(),
        }
    }

    /// The last word of the path.
    pub fn word(&self) -> &str {
        self.path().map_or("", |path| last_word(path))
    }

    /// Whether values are copied rather than moved, or do nothing when they end, for all that is known.
    pub fn is_known(&self) -> bool {
        !matches!(self, Ty::Unknown)
    }

    /// The better known of two types of one value.
    pub fn or(self, other: Ty) -> Ty {
        if matches!(self, Ty::Unknown | Ty::Never) && other.is_known() { other } else { self }
    }

    /// The type in which each of the names stands for the type at its side.
    pub fn with(self, names: &[&str], types: &[Ty]) -> Ty {
        let fill = |ty: Ty| ty.with(names, types);
        match self {
            Ty::Named(path, args) if args.is_empty() => {
                let at = names.iter().position(|name| *name == path);
                at.and_then(|at| types.get(at).cloned()).unwrap_or(Ty::Named(path, args))
            }
            Ty::Named(path, args) => Ty::Named(path, args.into_iter().map(fill).collect()),
            Ty::Pointer(inner) => Ty::Pointer(Box::new(fill(*inner))),
            Ty::List(inner) => Ty::List(Box::new(fill(*inner))),
            Ty::Tuple(items) => Ty::Tuple(items.into_iter().map(fill).collect()),
            Ty::Callable(output) => Ty::Callable(Box::new(fill(*output))),
            other => other,
        }
    }

    /// The type in which `T` stands for `parameter` and `Self` for `this`.
    pub fn filled(self, parameter: &Ty, this: &Ty) -> Ty {
        let fill = |ty: Ty| ty.filled(parameter, this);
        match self {
            Ty::Named(path, args) if path == "T" && args.is_empty() && parameter.is_known() => {
                parameter.clone()
            }
            Ty::Named(path, args) if path == "Self" && args.is_empty() => this.clone(),
            Ty::Named(path, args) => Ty::Named(path, args.into_iter().map(fill).collect()),
            Ty::Pointer(inner) => Ty::Pointer(Box::new(fill(*inner))),
            Ty::List(inner) => Ty::List(Box::new(fill(*inner))),
            Ty::Tuple(items) => Ty::Tuple(items.into_iter().map(fill).collect()),
            other => other,
        }
    }
}

/// The last word of a path.
pub fn last_word(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// Whether a path is `Option` or `Result`, under any of its names.
pub fn is_option(path: &str) -> bool {
    matches!(path, "Option" | "std::option::Option")
}

/// See [`is_option`]. Aliases such as `io::Result` count: what matters is `Ok` and `Err`.
pub fn is_result(path: &str) -> bool {
    matches!(last_word(path), "Result" | "PoisonResult" | "LockResult" | "TryLockResult")
}

/// Reads a type.
pub fn read(ty: &Type, names: &Names, depth: usize) -> Ty {
    if depth >= DEPTH_LIMIT {
        return Ty::Unknown;
    }
    let inner = |ty: &Type| Box::new(read(ty, names, depth + 1));
    match ty {
        Type::Array(array) => Ty::List(inner(&array.elem)),
        Type::Slice(slice) => Ty::List(inner(&slice.elem)),
        Type::FnPtr(pointer) => Ty::Callable(Box::new(read_output(&pointer.output, names, depth))),
        Type::Group(group) => read(&group.elem, names, depth),
        Type::Paren(paren) => read(&paren.elem, names, depth),
        Type::ImplTrait(bounds) => bounded(bounds.bounds.iter(), names, depth),
        Type::TraitObject(bounds) => bounded(bounds.bounds.iter(), names, depth),
        Type::Never(_) => Ty::Never,
        Type::Path(path) => read_path(path, names, depth),
        Type::Ptr(pointer) => Ty::Pointer(inner(&pointer.elem)),
        Type::Reference(reference) => Ty::Pointer(inner(&reference.elem)),
        Type::Tuple(tuple) => {
            Ty::Tuple(tuple.elems.iter().map(|elem| read(elem, names, depth + 1)).collect())
        }
        _ => Ty::Unknown,
    }
}

/// Reads what stands behind `->`.
pub fn read_output(output: &syn::ReturnType, names: &Names, depth: usize) -> Ty {
    match output {
        syn::ReturnType::Default => Ty::unit(),
        syn::ReturnType::Type(_, ty) => read(ty, names, depth + 1),
    }
}

fn read_path(path: &syn::TypePath, names: &Names, depth: usize) -> Ty {
    if path.qself.is_some() {
        return Ty::Unknown;
    }
    let Some(last) = path.path.segments.last() else { return Ty::Unknown };
    let args = arguments(&last.arguments, names, depth);
    if let PathArguments::Parenthesized(call) = &last.arguments {
        return Ty::Callable(Box::new(read_output(&call.output, names, depth)));
    }
    let full = names.full(&path.path);
    if args.is_empty()
        && let Some(bound) = names.bound(&full)
    {
        return bound.clone();
    }
    Ty::Named(full, args)
}

/// The types among generic arguments.
pub fn arguments(arguments: &PathArguments, names: &Names, depth: usize) -> Vec<Ty> {
    let PathArguments::AngleBracketed(list) = arguments else { return Vec::new() };
    list.args
        .iter()
        .filter_map(|arg| match arg {
            GenericArgument::Type(ty) => Some(read(ty, names, depth + 1)),
            _ => None,
        })
        .collect()
}

/// A type of which only bounds are known.
pub fn bounded<'b>(bounds: impl Iterator<Item = &'b TypeParamBound>, names: &Names, depth: usize) -> Ty {
    let mut paths = Vec::new();
    for bound in bounds {
        let TypeParamBound::Trait(bound) = bound else { continue };
        let Some(last) = bound.path.segments.last() else { continue };
        match &last.arguments {
            PathArguments::Parenthesized(call) => {
                return Ty::Callable(Box::new(read_output(&call.output, names, depth)));
            }
            PathArguments::AngleBracketed(list) if last.ident == "Future" || last.ident == "Deref" => {
                let output = list.args.iter().find_map(|arg| match arg {
                    GenericArgument::AssocType(ty) => Some(read(&ty.ty, names, depth + 1)),
                    _ => None,
                });
                let inner = output.unwrap_or_default();
                let future = last.ident == "Future";
                return if future { Ty::named("Future", vec![inner]) } else { Ty::Pointer(Box::new(inner)) };
            }
            _ => paths.push(names.full(&bound.path)),
        }
    }
    Ty::Bounded(paths)
}

/// Reads a type from text that is in full paths already: what a file imports has no say in it.
pub fn parse(text: &str) -> Ty {
    if text.is_empty() {
        return Ty::unit();
    }
    syn::parse_str::<Type>(text).map_or(Ty::Unknown, |ty| read(&ty, &Names::default(), 0))
}

/// What a value of the type stands for: the type behind one pointer or wrapper, and how it is reached.
pub fn behind(ty: &Ty, env: &dyn Environment) -> Option<(Wrapper, Ty)> {
    match ty {
        Ty::Pointer(inner) => Some((Wrapper::Pointer, (**inner).clone())),
        Ty::Named(path, _) => {
            let wrapper = env.wrapper(path)?;
            Some((wrapper, ty.first_arg()))
        }
        _ => None,
    }
}
