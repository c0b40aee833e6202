//! A function's body with all that its calls mean and its promises are: what it is judged by, and explained by.

use super::analysis::{Targets, TreeAnalysis};
use super::environment::{self, Shared};
use super::reading::frontend_of;
use crate::interproc::tree::FunctionId;
use crate::ir::{Body, Linkage};
use crate::lock::declared::{Declared, declared};
use crate::lock::meaning::Meanings;
use crate::lock::obligations::{Obligation, narrowed};
use crate::lock::summary::Summary;
use crate::rules::context::Excerpt;
use rustc_hash::FxHashMap;

impl TreeAnalysis<'_> {
    /// Runs `work` on the lowered function with what its calls mean and its text.
    pub(super) fn with_body<R>(
        &self,
        function: FunctionId,
        circle: &FxHashMap<FunctionId, Summary>,
        work: impl for<'b> FnOnce(&'b Body, Meanings<'b>, Excerpt<'b>, Declared) -> R,
    ) -> Option<R> {
        let (unit, source) = self.read.source(function)?;
        let body = self.lower(function)?;
        let file = self.read.tree.definition(function).file;
        let look_up = |name: &str| match self.read.tree.targets(function, self.read.tree.name_id(name)?) {
            [] => None,
            [(_, one)] => circle.get(one).or_else(|| self.judged.get(one).map(|judged| &judged.summary)),
            many => self.joined.get(&many.iter().map(|edge| edge.1).collect::<Targets>()),
        };
        let dialect = self.read.dialects[file.0 as usize];
        let profile = self.settings.profiles.get(dialect);
        let slots =
            |table: Option<&str>, member: &str| self.slots.meaning(&self.read.tree, dialect, table, member);
        let statics = Some(&unit.index.statics);
        let recursive = Some([&unit.index.recursive, &self.read.recursive]);
        let plain = Meanings { slots: &slots, statics, recursive, ..Meanings::plain(profile, &look_up) };
        let mut obligations =
            narrowed(&body, plain, self.slots.obligations(&self.read, self.settings, function));
        let mut declared = declared(&body, plain);
        // What a slot asks for outweighs what the function says of the same lock.
        let asked = |own: &Obligation| obligations.iter().any(|other| other.term.paths == own.term.paths);
        declared.obligations.retain(|own| !asked(own));
        obligations.append(&mut declared.obligations);
        let rest;
        let body = if declared.understood.is_empty() {
            &body
        } else {
            // What is an obligation now is no mere annotation any more.
            rest = without(&body, &declared.understood);
            &rest
        };
        let meanings = Meanings { contract: &obligations, ..plain };
        let text = Excerpt { text: &source.text, base: source.definition.span.start };
        Some(work(body, meanings, text, declared))
    }

    fn lower(&self, function: FunctionId) -> Option<Body> {
        let (unit, source) = self.read.source(function)?;
        let file = self.read.tree.definition(function).file;
        let profile = self.settings.profiles.get(self.read.dialects[file.0 as usize]);
        let shared = |name: &str| profile.macros.get(name).or_else(|| self.read.shared.get(name));
        let path = self.sources.path(file);
        let shared = Shared { macros: &shared, declarations: &self.read.declarations, path };
        let frontend = frontend_of(path)?;
        let mut body = environment::with(frontend, &unit.index, &shared, profile, |environment| {
            (frontend.lower)(file, &source.text, &source.definition, environment)
        });
        if let Some(annotations) = unit.index.prototypes.get(&body.name) {
            body.annotations.extend(annotations.iter().cloned());
        } else if source.definition.linkage == Linkage::External {
            body.annotations.extend(self.read.shared.prototype(&body.name).iter().cloned());
        }
        Some(body)
    }
}

/// The body without the annotations of these indices.
fn without(body: &Body, understood: &[usize]) -> Body {
    let kept = body.annotations.iter().enumerate().filter(|(at, _)| !understood.contains(at));
    Body { annotations: kept.map(|(_, annotation)| annotation.clone()).collect(), ..body.clone() }
}
