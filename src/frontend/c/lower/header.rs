//! The head of a function: parameters and what it gives back.

use super::reading::Reading;
use super::{Lowerer, Source, named, parse};
use crate::frontend::c::conditionals::blank;
use crate::frontend::c::lex::{brackets, tokens};
use crate::frontend::c::mask::mask;
use crate::frontend::c::text::split_arguments;
use crate::ir::file_index::FunctionDefinition;
use crate::ir::{Name, ReturnKind};
use crate::source::Span;
use tree_sitter::Node;

impl Lowerer<'_> {
    /// What the words before the name tell.
    pub(super) fn head(&mut self, slice: &[u8], function: &FunctionDefinition) {
        let lead = (function.header.start - function.span.start) as usize;
        let lead = slice.get(..lead).unwrap_or_default();
        let nameless = function.irregular_header && !lead.iter().any(u8::is_ascii_alphabetic);
        let returns =
            if nameless { ReturnKind::Integer } else { return_kind(&String::from_utf8_lossy(lead)) };
        self.builder.header(function.header, function.linkage, returns);
    }

    pub(super) fn parameters(
        &mut self,
        source: &Source<'_>,
        reading: &Reading,
        function: &FunctionDefinition,
    ) {
        if function.irregular_header || reading.irregular && !self.parameters_alone(source, function) {
            self.irregular_parameters(source, function);
        } else if !reading.irregular {
            self.parameter_list(source, reading.root());
        }
    }

    /// The parameters of a header that did not parse as a whole: name and list by themselves.
    fn parameters_alone(&mut self, source: &Source<'_>, function: &FunctionDefinition) -> bool {
        let base = function.span.start;
        let range = (function.header.start - base) as usize..(function.header.end - base) as usize;
        let header = source.original.get(range).unwrap_or_default();
        let text = [b"void ", header, b"{}"].concat();
        let masked = mask(&text, self.env);
        let Some(tree) = parse(&masked.text).filter(|tree| !tree.root_node().has_error()) else {
            return false;
        };
        let alone = Source {
            text: &masked.text,
            original: &text,
            notes: &masked.notes,
            origin: super::Origin::Use(function.header),
        };
        self.parameter_list(&alone, tree.root_node());
        true
    }

    fn parameter_list(&mut self, source: &Source<'_>, root: Node<'_>) {
        let Some(list) = find_kind(root, "parameter_list", 6) else { return };
        for parameter in named(list) {
            let (name, ty) = match parameter.kind() {
                "parameter_declaration" => self.declared(source, parameter),
                // K&R: a name alone.
                "identifier" => {
                    let name = (Name::new(source.text(parameter)), source.span(parameter));
                    (Some(name), old_style_type(source, root, parameter))
                }
                _ => continue,
            };
            if let Some((name, span)) = name {
                self.parameter(name, ty, span);
            }
        }
    }

    /// The last list before the body: `SYSCALL_DEFINE3(name, type, a, type, b)`, `HANDLER(method)(struct s *p)`.
    fn irregular_parameters(&mut self, source: &Source<'_>, function: &FunctionDefinition) {
        let base = function.span.start as usize;
        let head = source.original.get(..function.body.start as usize - base).unwrap_or_default();
        let tokens = tokens(head);
        let partner = brackets(&tokens);
        let lists = (0..tokens.len()).filter(|&at| tokens[at].is(b'(') && partner[at] != usize::MAX);
        let mut outer =
            lists.filter(|&at| !(0..at).any(|open| partner[open] != usize::MAX && partner[open] > at));
        let Some(open) = outer.next_back() else { return };
        let mut args = split_arguments(head, &tokens[open + 1..partner[open]]);
        if args.first() == Some(&function.name) {
            args.remove(0);
            // Types and names in turn.
            args = args.chunks(2).filter_map(|pair| pair.get(1).cloned()).collect();
        }
        for arg in args {
            let start = arg.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
            if !arg[start..].is_empty() && &arg[start..] != "void" {
                self.parameter(Name::new(&arg[start..]), Name::default(), function.header);
            }
        }
    }

    fn parameter(&mut self, name: Name, ty: Name, span: Span) {
        if self.scopes[0].names.contains_key(&name) {
            return;
        }
        let id = self.builder.parameter(name.clone(), ty, span);
        self.scopes[0].names.insert(name, id);
    }

    /// Name and type text of a declaration's (first) declarator.
    pub(super) fn declared(
        &self,
        source: &Source<'_>,
        declaration: Node<'_>,
    ) -> (Option<(Name, Span)>, Name) {
        let Some(declarator) = declaration.child_by_field_name("declarator") else {
            return (None, Name::default());
        };
        let name = declarator_name(declarator).map(|node| (Name::new(source.text(node)), source.span(node)));
        (name, type_text(source, declaration, declarator))
    }
}

/// The type that a K&R definition declares for `parameter` between its list and its body.
fn old_style_type(source: &Source<'_>, root: Node<'_>, parameter: Node<'_>) -> Name {
    let Some(function) = find_kind(root, "function_definition", 3) else { return Name::default() };
    for declaration in named(function).into_iter().filter(|child| child.kind() == "declaration") {
        let mut cursor = declaration.walk();
        for declarator in declaration.children_by_field_name("declarator", &mut cursor) {
            if declarator_name(declarator).is_some_and(|name| source.text(name) == source.text(parameter)) {
                return type_text(source, declaration, declarator);
            }
        }
    }
    Name::default()
}

/// The declared type as written, with the stars of the declarator.
pub(super) fn type_text(source: &Source<'_>, declaration: Node<'_>, declarator: Node<'_>) -> Name {
    let ty = declaration.child_by_field_name("type").map(|ty| source.written(ty)).unwrap_or_default();
    let stars = "*".repeat(pointers(declarator));
    if stars.is_empty() { ty } else { Name::new(format!("{ty} {stars}")) }
}

/// Writes a header that parses over one that does not.
pub(super) fn plain_header(text: &mut [u8]) {
    let room = text.iter().position(|&b| b == b'\n').unwrap_or(text.len());
    blank(text);
    for stand_in in ["int f()", "f()"] {
        if stand_in.len() <= room {
            text[..stand_in.len()].copy_from_slice(stand_in.as_bytes());
            return;
        }
    }
}

/// The first node of `kind`, not deeper than `levels`.
pub(super) fn find_kind<'t>(node: Node<'t>, kind: &str, levels: usize) -> Option<Node<'t>> {
    if node.kind() == kind || levels == 0 {
        return Some(node).filter(|node| node.kind() == kind);
    }
    let mut cursor = node.walk();
    node.children(&mut cursor).find_map(|child| find_kind(child, kind, levels - 1))
}

/// The identifier at the heart of a declarator.
pub(super) fn declarator_name(declarator: Node<'_>) -> Option<Node<'_>> {
    let mut node = declarator;
    for _ in 0..32 {
        if matches!(node.kind(), "identifier" | "field_identifier" | "type_identifier") {
            return Some(node);
        }
        node = match node.child_by_field_name("declarator") {
            Some(inner) => inner,
            None => named(node)
                .into_iter()
                .find(|child| child.kind().ends_with("declarator") || child.kind() == "identifier")?,
        };
    }
    None
}

fn pointers(declarator: Node<'_>) -> usize {
    let mut node = declarator;
    let mut stars = 0;
    for _ in 0..32 {
        stars += usize::from(node.kind() == "pointer_declarator");
        match node.child_by_field_name("declarator") {
            Some(inner) => node = inner,
            None => break,
        }
    }
    stars
}

/// What a function gives back, from the words before its name.
fn return_kind(lead: &str) -> ReturnKind {
    if lead.contains('*') {
        return ReturnKind::Pointer;
    }
    let words: Vec<&str> =
        lead.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    let has = |word: &str| words.contains(&word);
    if has("void") {
        ReturnKind::Void
    } else if has("bool") || has("_Bool") || has("boolean_t") || has("gboolean") {
        ReturnKind::Bool
    } else if has("struct") || has("union") {
        ReturnKind::Other
    } else {
        ReturnKind::Integer
    }
}
