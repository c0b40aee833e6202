//! One function: analysed, judged by the rules, summarised for its callers.

use crate::diagnostic::{Confidence, Decision, Diagnostic, Verdict};
use crate::engine::{DisjunctLimit, Results, explore};
use crate::interproc::evidence::{CallerUse, Evidence, OpenLock, open_locks, uses};
use crate::ir::{Body, Name, StatementKind, UNKNOWN_RECEIVER};
use crate::lock::analysis::LockAnalysis;
use crate::lock::certificate::{self, Certified};
use crate::lock::convention;
use crate::lock::exits::Imbalance;
use crate::lock::locals;
use crate::lock::meaning::Meanings;
use crate::lock::obligations::{DeclaredBy, Kept};
use crate::lock::state::{LockKey, Now, PathState};
use crate::lock::summary::Summary;
use crate::rules::CHECKS;
use crate::rules::context::{Excerpt, RuleCx};

/// What was found in one function.
#[derive(Clone, Debug, Default)]
pub struct FunctionOutcome {
    /// Findings, low confidence included.
    pub diagnostics: Vec<Diagnostic>,
    /// One per lock.
    pub verdicts: Vec<Verdict>,
    /// Cause of the first opaque statement between its lock operations.
    pub opaque_between: Option<&'static str>,
    /// A contract is declared of it, and whether it is proved.
    pub proved: Option<bool>,
    /// How it spells the locks that the contract is about.
    pub owed: Vec<String>,
}

/// A judged function, and what others want to know of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Findings and verdicts.
    pub outcome: FunctionOutcome,
    /// What calling it does.
    pub summary: Summary,
    /// What it does with the locks of its callees.
    pub uses: Vec<CallerUse>,
    /// The locks that it leaves otherwise than it found them, and the variables in which they lie.
    pub open: Vec<(OpenLock, Option<Name>)>,
    /// Hands over or releases locks without saying so: its callers decide.
    pub pending: bool,
    /// Neither a contract nor a name that speaks of locking tells what it does to its callers' locks.
    pub unspoken: bool,
    /// Something was reported on it with more than low confidence.
    pub blamed: bool,
}

/// Judges `body`; `text` is the function's own text, for conditions quoted in messages. `evidence` is `None` in the first phase,
/// when nobody has looked at the callers yet. With `certify`, *balanced* is certified.
pub fn judge<'a>(
    body: &'a Body,
    meanings: Meanings<'a>,
    text: Excerpt<'_>,
    evidence: Option<Evidence>,
    certify: bool,
) -> Judged {
    let (analysis, results) = explored(body, meanings);
    conclude(body, analysis, results, text, evidence, certify)
}

/// Explores `body`, more finely where callers have to tell its ways of ending apart.
pub fn explored<'a>(body: &'a Body, meanings: Meanings<'a>) -> (LockAnalysis<'a>, Results<PathState>) {
    let limit = DisjunctLimit::default();
    let mut analysis = LockAnalysis::new(body, meanings, false);
    let mut results = explore(&body.cfg, &mut analysis, limit);
    // Exits that differ are told apart for callers by what the arguments were, and locks that are handed over may be known to them by
    // what was written behind the arguments: only then are those facts worth keeping.
    let tells = |analysis: &LockAnalysis<'_>| {
        exits_differ(analysis) || changes_locks(analysis) && !locals::left_behind(body).is_empty()
    };
    if results.cut.is_empty() && tells(&analysis) {
        let mut finer = LockAnalysis::new(body, meanings, true);
        let finer_results = explore(&body.cfg, &mut finer, limit);
        if finer_results.cut.is_empty() {
            (analysis, results) = (finer, finer_results);
        }
    }
    (analysis, results)
}

fn conclude(
    body: &Body,
    mut analysis: LockAnalysis<'_>,
    results: Results<PathState>,
    text: Excerpt<'_>,
    evidence: Option<Evidence>,
    certify: bool,
) -> Judged {
    let uses = uses(&analysis);
    let open = open_locks(&analysis);
    let mut cx = RuleCx {
        analysis: &mut analysis,
        results: &results,
        text,
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
        !declared && !promised && !analysis.is_owed(key)
    });
    let blamed = |key: LockKey| {
        let muddled = match analysis.kept(key) {
            Some(kept) => kept != Kept::Yes,
            None => !matches!(
                analysis.imbalance(key, false),
                Imbalance::Even | Imbalance::HandsOver { .. } | Imbalance::TakesOver { .. }
            ),
        };
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
            summary.unsure.push((key.family, analysis.last_name(*key)));
        }
    }
    let first_phase = evidence.is_none();
    let is_blamed = found.iter().any(|(_, diagnostic)| diagnostic.confidence > Confidence::Low);
    let opaque_between = opaque_between(body, &analysis);
    let certificate = if certify { certificate::certify(&mut analysis, &results) } else { None };
    let judgement = Judgement {
        body,
        analysis: &analysis,
        results: &results,
        found: &found,
        evidence,
        certificate,
        certify,
    };
    let mut verdicts: Vec<Verdict> = keys.iter().map(|&key| judgement.verdict(key)).collect();
    if verdicts.is_empty() {
        verdicts.extend(of_unknown_receiver(body));
    }
    verdicts.extend(of_unnamed_promises(body, &analysis));
    let owed = owed(&analysis);
    let is_proved = |verdict: &Verdict| {
        !owed.contains(&verdict.lock) || matches!(verdict.decision, Decision::Balanced { .. })
    };
    let proved = (!owed.is_empty()).then(|| verdicts.iter().all(is_proved));
    Judged {
        outcome: FunctionOutcome {
            diagnostics: found.into_iter().map(|(_, diagnostic)| diagnostic).collect(),
            verdicts,
            opaque_between,
            proved,
            owed,
        },
        summary,
        uses,
        open,
        pending: pending && first_phase,
        unspoken: !declared && analysis.obligations().is_empty() && !convention::is_about_locking(&body.name),
        blamed: is_blamed,
    }
}

/// A lock may be meant, and nothing is known of it, not even that it is one: that is said rather than passed over.
fn of_unknown_receiver(body: &Body) -> Option<Verdict> {
    let degradation = body.degradations.iter().find(|degradation| degradation.cause == UNKNOWN_RECEIVER)?;
    let reason = format!("not understood: {}", degradation.cause);
    Some(Verdict {
        function: body.name.to_string(),
        span: degradation.span,
        lock: "?".to_owned(),
        decision: Decision::NotDecided { reason },
    })
}

/// Locks that a declared contract of the body is about, as the verdicts spell them.
fn owed(analysis: &LockAnalysis<'_>) -> Vec<String> {
    let declared = analysis.obligations().iter().enumerate();
    let declared =
        declared.filter(|(_, obligation)| matches!(obligation.by, DeclaredBy::Slot(_) | DeclaredBy::Comment));
    declared
        .map(|(at, obligation)| match analysis.owed(at) {
            Some(key) => analysis.spelled(key).to_owned(),
            None => obligation.term.spelled.to_string(),
        })
        .collect()
}

/// A contract speaks of a lock that has no name in the body: nothing can be proved of it.
fn of_unnamed_promises(body: &Body, analysis: &LockAnalysis<'_>) -> Vec<Verdict> {
    let obligations = analysis.obligations().iter().enumerate();
    let unnamed = obligations.filter(|(at, _)| analysis.owed(*at).is_none());
    unnamed
        .map(|(_, obligation)| Verdict {
            function: body.name.to_string(),
            span: body.header,
            lock: obligation.term.spelled.to_string(),
            decision: Decision::NotDecided {
                reason: "the contract speaks of a lock that nothing in this function names".to_owned(),
            },
        })
        .collect()
}

fn exits_differ(analysis: &LockAnalysis<'_>) -> bool {
    analysis.keys().into_iter().any(|key| {
        let balance = analysis.balance(key, true);
        let kinds = [&balance.held, &balance.even, &balance.released];
        let mode = |&at: &usize| match analysis.exits[at].state.locks.get(key)?.now {
            Now::Held { mode, .. } => Some(mode),
            _ => None,
        };
        let mut modes = balance.held.iter().filter_map(mode);
        let first = modes.next();
        kinds.iter().filter(|exits| !exits.is_empty()).count() > 1 || modes.any(|mode| Some(mode) != first)
    })
}

fn changes_locks(analysis: &LockAnalysis<'_>) -> bool {
    analysis.keys().into_iter().any(|key| {
        let balance = analysis.balance(key, true);
        !balance.held.is_empty() || !balance.released.is_empty()
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
    evidence: Option<Evidence>,
    certificate: Option<Certified>,
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

    fn balanced(&self, key: LockKey) -> Decision {
        match (&self.certificate, self.certify) {
            (Some(certified), _) if certified.locks.contains(&key) => {
                Decision::Balanced { certificate: certified.hash.clone() }
            }
            (_, true) => Decision::NotDecided { reason: "certificate not accepted".to_owned() },
            (_, false) => Decision::Balanced { certificate: String::new() },
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
        if self.analysis.is_unsure_of(key) {
            return undecided("a callee does something to such locks that could not be told");
        }
        let evidence = self.evidence.clone().unwrap_or_default();
        match self.analysis.kept(key) {
            Some(Kept::Yes) => return self.balanced(key),
            Some(Kept::Presumably) => return undecided("rests on a presumption about shared memory"),
            Some(Kept::HandedOn) => return undecided("a callee out of sight seems to release it"),
            Some(Kept::Untold) => return undecided("the result does not tell which promise is to be kept"),
            Some(Kept::No(_)) => return undecided("no path could be shown"),
            None => {}
        }
        match self.analysis.imbalance(key, false) {
            Imbalance::Even if self.analysis.imbalance(key, true) != Imbalance::Even => {
                undecided("rests on a presumption about shared memory")
            }
            Imbalance::Even => self.balanced(key),
            Imbalance::HandsOver { .. } if evidence.consumed => {
                undecided("handed over; a caller in sight gives it back")
            }
            Imbalance::HandsOver { .. } => undecided("handed over to callers"),
            Imbalance::TakesOver { .. } => undecided("released for callers"),
            _ => undecided("no path could be shown"),
        }
    }
}
