//! One file: its functions bottom-up over the strongly connected components of its call graph, then once more where callers
//! have something to say.
//!
//! ```text
//! index ─▶ call graph ─ SCCs, callees first ─▶ analyse + judge (phase 1) ─▶ summaries, uses
//!                                                  └─ hand-overs in doubt ─▶ evidence of callers ─▶ judge again (phase 2)
//!                                                        └─ blamed: summary mended, its callers analysed again
//! ```

use crate::diagnostic::{Confidence, Decision, Diagnostic, Verdict};
use crate::engine::{DisjunctLimit, Results, explore};
use crate::interproc::callers::{CallerEvidence, CallerUse, open_globals, uses};
use crate::interproc::order;
use crate::ir::file_index::{FileIndex, FunctionDefinition};
use crate::ir::{Body, Linkage, Name, StatementKind};
use crate::lock::analysis::LockAnalysis;
use crate::lock::certificate;
use crate::lock::convention;
use crate::lock::exits::Imbalance;
use crate::lock::meaning::Meanings;
use crate::lock::state::{LockKey, PathState};
use crate::lock::summary::Summary;
use crate::profile::Profile;
use crate::rules::CHECKS;
use crate::rules::context::RuleCx;
use rustc_hash::{FxHashMap, FxHashSet};

/// What was found in one function.
#[derive(Clone, Debug, Default)]
pub struct FunctionOutcome {
    /// Findings, low confidence included.
    pub diagnostics: Vec<Diagnostic>,
    /// One per lock.
    pub verdicts: Vec<Verdict>,
    /// Cause of the first opaque statement between its lock operations.
    pub opaque_between: Option<&'static str>,
}

struct Judged {
    outcome: FunctionOutcome,
    summary: Summary,
    uses: Vec<CallerUse>,
    /// Variables whose locks it leaves held, or releases for others.
    open_globals: Vec<(Name, bool)>,
    /// Hands over or releases locks without saying so: its callers decide.
    pending: bool,
    blamed: bool,
}

/// Everything that one file's functions are judged with.
pub struct FileAnalysis<'a> {
    /// What the file defines.
    pub index: &'a FileIndex,
    /// Its text, for conditions quoted in messages.
    pub text: &'a [u8],
    /// What calls mean.
    pub profile: &'a Profile,
    /// Gives the body of a function of the index.
    pub lower: &'a dyn Fn(&FunctionDefinition) -> Body,
    /// Whether *balanced* is to be certified.
    pub certify: bool,
}

impl FileAnalysis<'_> {
    /// Judges every function that uses a lock; in the order of the text, functions without locks left out.
    pub fn run(&self) -> Vec<FunctionOutcome> {
        let functions = &self.index.functions;
        let order = order::bottom_up(functions);
        let hot = self.hot_names();
        let mut judged: Vec<Option<Judged>> = functions.iter().map(|_| None).collect();
        let mut summaries: FxHashMap<Name, Summary> = FxHashMap::default();
        let twins = self.twins();
        for component in &order {
            for &at in component {
                let definition = &functions[at];
                let matters = definition.calls.iter().any(|call| {
                    hot.contains(call) || summaries.get(call).is_some_and(|summary| summary.tells_something())
                });
                if !matters {
                    continue;
                }
                let result = self.judge(definition, &summaries, None);
                // Within a cycle, and of several definitions, nothing is known to the others.
                let known = definition.linkage == Linkage::External
                    && self.profile.calls.contains_key(&definition.name);
                if component.len() == 1 && !known && !twins.contains(&definition.name) {
                    summaries.insert(definition.name.clone(), result.summary.clone());
                }
                judged[at] = Some(result);
            }
        }
        self.second_phase(&mut judged, &mut summaries);
        judged.into_iter().flatten().map(|judged| judged.outcome).filter(|o| !o.verdicts.is_empty()).collect()
    }

    fn second_phase(&self, judged: &mut [Option<Judged>], summaries: &mut FxHashMap<Name, Summary>) {
        let functions = &self.index.functions;
        let mut mended: FxHashSet<Name> = FxHashSet::default();
        for at in 0..functions.len() {
            if !judged[at].as_ref().is_some_and(|judged| judged.pending) {
                continue;
            }
            let evidence = self.evidence(at, judged);
            let result = self.judge(&functions[at], summaries, Some(evidence));
            if result.blamed && summaries.contains_key(&functions[at].name) {
                summaries.insert(functions[at].name.clone(), result.summary.clone());
                mended.insert(functions[at].name.clone());
            }
            judged[at] = Some(result);
        }
        for at in 0..functions.len() {
            let definition = &functions[at];
            let touched = judged[at].is_some() && definition.calls.iter().any(|call| mended.contains(call));
            if touched && !mended.contains(&definition.name) {
                let evidence = self.evidence(at, judged);
                judged[at] = Some(self.judge(definition, summaries, Some(evidence)));
            }
        }
    }

    fn evidence(&self, at: usize, judged: &[Option<Judged>]) -> CallerEvidence {
        let definition = &self.index.functions[at];
        let mut evidence = CallerEvidence::default();
        let mut followed = true;
        for (at, caller) in self.index.functions.iter().enumerate() {
            if caller.name == definition.name || !caller.calls.contains(&definition.name) {
                continue;
            }
            evidence.callers += 1;
            let uses = judged[at].iter().flat_map(|judged| &judged.uses);
            let mut seen = false;
            for this in uses.filter(|this| this.callee == definition.name) {
                seen = true;
                evidence.consumed |= this.consumes;
                evidence.supplied |= this.supplies;
            }
            followed &= seen;
        }
        // Its address may be taken anywhere in the file: a name that stands without `(` behind it.
        let mentions = memchr::memmem::find_iter(self.text, definition.name.as_bytes());
        let taken = mentions.filter(|&at| self.is_bare_mention(at, definition)).count() > 0;
        // A static function that nobody mentions is named by a macro that pastes its name together: a callback too.
        evidence.callback = definition.linkage == Linkage::Internal && evidence.callers == 0;
        evidence.all_visible = followed && definition.linkage == Linkage::Internal && !taken;
        let others = |name: &Name, held: bool| {
            judged.iter().enumerate().any(|(other, judged)| {
                other != at
                    && judged.iter().any(|judged| judged.open_globals.contains(&(name.clone(), !held)))
            })
        };
        let open = judged[at].iter().flat_map(|judged| &judged.open_globals);
        evidence.lonely = open
            .filter(|(name, held)| self.index.statics.contains(name) && !others(name, *held))
            .map(|(name, _)| name.clone())
            .collect();
        evidence
    }

    fn is_bare_mention(&self, at: usize, definition: &FunctionDefinition) -> bool {
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let end = at + definition.name.len();
        let whole = !self.text[..at].last().is_some_and(word) && !self.text.get(end).is_some_and(word);
        let next = self.text[end..].iter().find(|byte| !byte.is_ascii_whitespace());
        whole && next != Some(&b'(')
    }

    /// Names whose calls make a function worth reading: the profile's, and macros of the file that lead to them.
    fn hot_names(&self) -> FxHashSet<Name> {
        let mut hot: FxHashSet<Name> = self.profile.calls.keys().cloned().collect();
        for _ in 0..4 {
            let mut more = Vec::new();
            for (name, definition) in &self.index.macros {
                let mentions = |word: &str| !word.is_empty() && hot.contains(word);
                if !hot.contains(name)
                    && definition.body.split(|c: char| !c.is_alphanumeric() && c != '_').any(mentions)
                {
                    more.push(name.clone());
                }
            }
            if more.is_empty() {
                break;
            }
            hot.extend(more);
        }
        hot
    }

    fn twins(&self) -> FxHashSet<Name> {
        let mut seen = FxHashSet::default();
        self.index.functions.iter().filter(|f| !seen.insert(&f.name)).map(|f| f.name.clone()).collect()
    }

    fn judge(
        &self,
        definition: &FunctionDefinition,
        summaries: &FxHashMap<Name, Summary>,
        evidence: Option<CallerEvidence>,
    ) -> Judged {
        let body = self.body(definition);
        let look_up = |name: &str| summaries.get(name);
        let meanings = Meanings { profile: self.profile, summaries: &look_up };
        let limit = DisjunctLimit::default();
        let mut analysis = LockAnalysis::new(&body, meanings, false);
        let mut results = explore(&body.cfg, &mut analysis, limit);
        // Exits that differ are told apart for callers by what the arguments were: only then are those facts worth keeping.
        if results.cut.is_empty() && exits_differ(&analysis) {
            let mut finer = LockAnalysis::new(&body, meanings, true);
            let finer_results = explore(&body.cfg, &mut finer, limit);
            if finer_results.cut.is_empty() {
                (analysis, results) = (finer, finer_results);
            }
        }
        self.conclude(&body, analysis, results, evidence)
    }

    fn body(&self, definition: &FunctionDefinition) -> Body {
        let mut body = (self.lower)(definition);
        if let Some(annotations) = self.index.prototypes.get(&definition.name) {
            body.annotations.extend(annotations.iter().cloned());
        }
        body
    }

    fn conclude(
        &self,
        body: &Body,
        mut analysis: LockAnalysis<'_>,
        results: Results<PathState>,
        evidence: Option<CallerEvidence>,
    ) -> Judged {
        let uses = uses(&analysis);
        let open_globals = open_globals(&analysis);
        let mut cx = RuleCx {
            analysis: &mut analysis,
            results: &results,
            text: self.text,
            evidence: evidence.clone(),
            found: Vec::new(),
            settled: Vec::new(),
            refuted: Vec::new(),
            blamed: Vec::new(),
        };
        for check in CHECKS {
            check(&mut cx);
        }
        let found = std::mem::take(&mut cx.found);
        let refuted = std::mem::take(&mut cx.refuted);
        let keys = cx.keys();
        let declared = cx.has_contract();
        let pending = keys.iter().any(|&key| {
            let name = &body.name;
            let promised = match analysis.imbalance(key, false) {
                Imbalance::HandsOver { .. } => convention::promises_to_take(name),
                Imbalance::TakesOver { .. } => convention::promises_to_release(name),
                _ => true,
            };
            !declared && !promised
        });
        let blamed = |key: LockKey| {
            let muddled = !matches!(
                analysis.imbalance(key, false),
                Imbalance::Even | Imbalance::HandsOver { .. } | Imbalance::TakesOver { .. }
            );
            muddled
                || refuted.contains(&key)
                || found
                    .iter()
                    .any(|(other, diagnostic)| *other == key && diagnostic.confidence > Confidence::Low)
        };
        let mut summary = analysis.summarise(results.cut.is_empty(), &blamed);
        // What was blamed for sure is taken to be mended; what is muddled says nothing.
        let sure = |key: &LockKey| {
            found.iter().any(|(other, diagnostic)| other == key && diagnostic.confidence > Confidence::Low)
        };
        for key in analysis.keys().iter().filter(|key| blamed(**key) && !sure(key)) {
            if !summary.uncertain.contains(&key.family) && analysis.imbalance(*key, true) != Imbalance::Even {
                summary.uncertain.push(key.family);
            }
        }
        let first_phase = evidence.is_none();
        let is_blamed = found.iter().any(|(_, diagnostic)| diagnostic.confidence > Confidence::Low);
        let opaque_between = opaque_between(body, &analysis);
        let certificate = if self.certify { certificate::certify(&mut analysis, &results) } else { None };
        let judgement = Judgement {
            body,
            analysis: &analysis,
            results: &results,
            found: &found,
            evidence,
            certificate,
            certify: self.certify,
        };
        let verdicts = keys.iter().map(|&key| judgement.verdict(key)).collect();
        Judged {
            outcome: FunctionOutcome {
                diagnostics: found.into_iter().map(|(_, diagnostic)| diagnostic).collect(),
                verdicts,
                opaque_between,
            },
            summary,
            uses,
            open_globals,
            pending: pending && first_phase,
            blamed: is_blamed,
        }
    }
}

fn exits_differ(analysis: &LockAnalysis<'_>) -> bool {
    analysis.keys().into_iter().any(|key| {
        let balance = analysis.balance(key, true);
        [&balance.held, &balance.even, &balance.released].iter().filter(|exits| !exits.is_empty()).count() > 1
    })
}

/// The cause of the first statement that was not understood and stands between two lock operations in the text.
fn opaque_between(body: &Body, analysis: &LockAnalysis<'_>) -> Option<&'static str> {
    let places: Vec<u32> = analysis.events.iter().map(|event| body.cfg.span(event.at).start).collect();
    let (first, last) = (places.iter().min()?, places.iter().max()?);
    body.cfg.blocks().flat_map(|block| &body.cfg.block(block).statements).find_map(
        |statement| match statement.kind {
            StatementKind::Opaque(cause)
                if (*first..=*last).contains(&statement.span.start) || statement.span == body.span =>
            {
                Some(cause)
            }
            _ => None,
        },
    )
}

struct Judgement<'j, 'a> {
    body: &'j Body,
    analysis: &'j LockAnalysis<'a>,
    results: &'j Results<PathState>,
    found: &'j [(LockKey, Diagnostic)],
    evidence: Option<CallerEvidence>,
    certificate: Option<String>,
    certify: bool,
}

impl Judgement<'_, '_> {
    fn verdict(&self, key: LockKey) -> Verdict {
        Verdict {
            function: self.body.name.to_string(),
            span: self.body.header,
            lock: self.analysis.spelled(key).to_owned(),
            decision: self.decision(key),
        }
    }

    fn decision(&self, key: LockKey) -> Decision {
        let mine = self.found.iter().filter(|(other, _)| *other == key).map(|(_, diagnostic)| diagnostic);
        if let Some(finding) = mine.max_by_key(|diagnostic| (diagnostic.confidence, diagnostic.severity)) {
            return Decision::Finding { rule: finding.rule.id, confidence: finding.confidence };
        }
        let undecided = |reason: &str| Decision::NotDecided { reason: reason.to_owned() };
        if let Some(degradation) = self.body.degradations.first() {
            return undecided(&format!("not understood: {}", degradation.cause));
        }
        if !self.results.cut.is_empty() {
            return undecided("bound hit: too many disjuncts");
        }
        if self.analysis.is_unnamed(key) || self.analysis.is_one_of_many(key) {
            return undecided("lock under a name that cannot be followed");
        }
        if self.analysis.uncertain.contains(&key.family) {
            return undecided("a callee does something to such locks that could not be told");
        }
        let evidence = self.evidence.clone().unwrap_or_default();
        match self.analysis.imbalance(key, false) {
            Imbalance::Even if self.analysis.imbalance(key, true) != Imbalance::Even => {
                undecided("rests on a presumption about shared memory")
            }
            Imbalance::Even => match (&self.certificate, self.certify) {
                (Some(certificate), _) => Decision::Balanced { certificate: certificate.clone() },
                (None, true) => undecided("certificate not accepted"),
                (None, false) => Decision::Balanced { certificate: String::new() },
            },
            Imbalance::HandsOver { .. } if evidence.consumed => {
                undecided("handed over; a caller in sight gives it back")
            }
            Imbalance::HandsOver { .. } => undecided("handed over to callers"),
            Imbalance::TakesOver { .. } => undecided("released for callers"),
            _ => undecided("no path could be shown"),
        }
    }
}
