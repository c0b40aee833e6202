//! What a rule sees, and how it reports: candidates are replayed, and only what survives is said.

use crate::diagnostic::{Confidence, Diagnostic, Label, RuleMeta};
use crate::engine::{NodeId, Results};
use crate::interproc::evidence::{Evidence, OpenLock};
use crate::ir::{Body, Location};
use crate::lock::analysis::LockAnalysis;
use crate::lock::convention;
use crate::lock::event::{Event, EventKind};
use crate::lock::exits::Imbalance;
use crate::lock::state::{LockKey, PathState};
use crate::lock::terms::Term;
use crate::lock::witness::{Claim, Replay, Step, StepKind, replay};
use crate::profile::ReleasedBy;
use crate::source::Span;

/// Branch steps shown at most; the ones nearest to the end stay.
const BRANCH_STEPS: usize = 8;

/// A part of a file's text.
#[derive(Clone, Copy, Debug)]
pub struct Excerpt<'t> {
    /// Its bytes.
    pub text: &'t [u8],
    /// Offset of the first in the file.
    pub base: u32,
}

impl<'t> Excerpt<'t> {
    /// The text of `span`, empty when it does not lie within.
    pub fn of(&self, span: Span) -> &'t [u8] {
        let within = |offset: u32| offset.checked_sub(self.base).map(|offset| offset as usize);
        let range = within(span.start).zip(within(span.end));
        range.and_then(|(start, end)| self.text.get(start..end)).unwrap_or_default()
    }

    /// The text of `span` on one line, when short enough to be quoted.
    pub fn quote(&self, span: Span) -> Option<String> {
        let text = std::str::from_utf8(self.of(span)).ok()?;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty() && text.len() <= 80).then_some(text)
    }
}

/// Everything a rule may look at.
pub struct RuleCx<'c, 'a> {
    /// The analysed body.
    pub analysis: &'c mut LockAnalysis<'a>,
    /// The explored nodes.
    pub results: &'c Results<PathState>,
    /// The function's text, for conditions in messages.
    pub text: Excerpt<'c>,
    /// What callers in sight say; `None` in the first phase, when they have not been judged yet.
    pub evidence: Option<Evidence>,
    /// Findings so far.
    pub found: Vec<(LockKey, Diagnostic)>,
    /// Locks whose imbalance is explained by a finding (or by a contract): no other rule blames the same exits.
    pub settled: Vec<LockKey>,
    /// Locks whose imbalance no single path shows: what the exits say of them is an effect of joining.
    pub refuted: Vec<LockKey>,
    /// Releases and acquisitions already blamed.
    pub blamed: Vec<(LockKey, Location)>,
}

/// A finding to be.
pub struct Report {
    /// The rule.
    pub rule: &'static RuleMeta,
    /// The lock.
    pub key: LockKey,
    /// How sure, if the replay succeeds.
    pub confidence: Confidence,
    /// The place to change.
    pub place: Span,
    /// What is said there.
    pub label: String,
    /// The sentence.
    pub message: String,
    /// Kind of the exit, or empty.
    pub exit: &'static str,
    /// Repairs.
    pub help: Vec<String>,
}

impl<'a> RuleCx<'_, 'a> {
    /// The body.
    pub fn body(&self) -> &'a Body {
        self.analysis.body()
    }

    /// The locks that rules may report on.
    pub fn keys(&self) -> Vec<LockKey> {
        let analysis = &*self.analysis;
        let mut keys = analysis.keys();
        keys.retain(|&key| analysis.profile().family(key.family).reported && !analysis.is_unnamed(key));
        keys
    }

    /// Keys whose exits no finding has explained yet, with what is wrong with them on sure paths.
    pub fn open_imbalances(&self) -> Vec<(LockKey, Imbalance)> {
        let keys = self.keys().into_iter().filter(|key| !self.settled.contains(key));
        keys.map(|key| (key, self.analysis.imbalance(key, false)))
            .filter(|(_, imbalance)| *imbalance != Imbalance::Even)
            .collect()
    }

    /// Whether the function declares a lock contract.
    pub fn has_contract(&self) -> bool {
        self.analysis.declares_contract()
    }

    /// Whether the function is one that deals in locks on behalf of its callers.
    pub fn locks_for_callers(&self) -> bool {
        self.has_contract() || convention::is_about_locking(&self.body().name)
    }

    /// Whether the lock lies in a variable of this file, and nobody else in the file leaves it the other way.
    pub fn is_lonely(&self, key: LockKey) -> bool {
        let name = self.analysis.root_global(key);
        let evidence = self.evidence.as_ref();
        name.is_some_and(|name| evidence.is_some_and(|evidence| evidence.lonely.contains(&name)))
    }

    /// Whether another function of the folder leaves such a lock the other way, and nobody's callers account for either.
    pub fn has_partner(&self, key: LockKey, held: bool) -> bool {
        let Some(evidence) = self.evidence.as_ref() else { return false };
        let lock = OpenLock { family: key.family, name: self.analysis.last_name(key), held };
        evidence.partnered.contains(&lock)
    }

    /// Whether anybody may release locks of this family.
    pub fn is_anyones(&self, key: LockKey) -> bool {
        self.analysis.profile().family(key.family).released_by == ReleasedBy::Anyone
    }

    /// Whether it is of a family that is a lock to whoever takes and releases it, as the body itself does.
    pub fn is_used_as_lock(&self, key: LockKey) -> bool {
        let direct = |wanted: fn(&EventKind) -> bool| {
            let mut events =
                self.analysis.events.iter().filter(|event| event.key == key && wanted(&event.kind));
            events.any(|event| self.analysis.is_direct(event))
        };
        self.analysis.profile().family(key.family).used_as_lock
            && direct(|kind| matches!(kind, EventKind::Acquired { .. }))
            && direct(|kind| matches!(kind, EventKind::Released { .. }))
    }

    /// Whether, at all of these exits, a callee or anybody else may have released `key`.
    pub fn may_be_released(&self, key: LockKey, exits: &[usize]) -> bool {
        self.is_scattered(key) || self.is_anyones(key) || self.is_lent(key, exits)
    }

    /// Whether the lock is that of one of the objects that a loop went through, each of which may have been given to a callee that
    /// releases it.
    pub fn is_scattered(&self, key: LockKey) -> bool {
        self.analysis.is_one_of_many(key)
            && self.analysis.profile().family(key.family).released_by == ReleasedBy::Callee
    }

    /// Whether the lock lies in an object that came into being on the way, of a kind whose makers hand it out locked: that it was
    /// released untaken says nothing.
    pub fn may_come_held(&self, key: LockKey) -> bool {
        let family = self.analysis.profile().family(key.family);
        family.released_by != ReleasedBy::Holder && !self.analysis.terms.is_rigid(key.address)
    }

    /// Whether one and the same statement, in a loop, is the only one that releases `key`: each round may release its own.
    pub fn is_released_in_rounds(&self, key: LockKey, at: Location) -> bool {
        let releases = self.analysis.events.iter().filter(|event| {
            event.key == key
                && matches!(event.kind, EventKind::Released { .. } | EventKind::DoubleRelease { .. })
        });
        !self.analysis.terms.is_rigid(key.address) && releases.into_iter().all(|event| event.at == at)
    }

    /// Whether exit `at` says by the constant that it returns that a lock is held: `return VM_FAULT_LOCKED;`
    pub fn says_locked(&self, at: usize) -> bool {
        let exit = &self.analysis.exits[at];
        let constant = exit.value.map(|value| self.analysis.terms.get(value));
        matches!(constant, Some(Term::Const(name)) if convention::speaks_of_held(name))
    }

    /// Whether code that hands such a lock on to whoever comes next is nothing remarkable.
    pub fn is_often_left(&self, key: LockKey) -> bool {
        self.analysis.profile().family(key.family).often_left
    }

    /// Whether, at all of these exits, a callee may have released `key`.
    pub fn is_lent(&self, key: LockKey, exits: &[usize]) -> bool {
        exits.iter().all(|&at| self.analysis.exits[at].state.is_lent(key))
    }

    /// The events of a kind, one per lock and place; the first sure one if there is one. Sorted by place in the body.
    pub fn events(&self, wanted: impl Fn(&EventKind) -> bool) -> Vec<Event> {
        let reported = |event: &Event| self.analysis.profile().family(event.key.family).reported;
        let mut events: Vec<Event> = self
            .analysis
            .events
            .iter()
            .filter(|event| wanted(&event.kind) && reported(event))
            .cloned()
            .collect();
        events.sort_by_key(|event| (self.body().cfg.span(event.at).start, event.key, event.doubtful));
        events.dedup_by_key(|event| (event.at, event.key));
        events
    }

    /// All nodes at which an event like `event` happened, sure ones first.
    pub fn nodes_of(&self, event: &Event) -> Vec<NodeId> {
        let same = |other: &&Event| {
            other.at == event.at
                && other.key == event.key
                && std::mem::discriminant(&other.kind) == std::mem::discriminant(&event.kind)
        };
        let mut nodes: Vec<(bool, NodeId)> =
            self.analysis.events.iter().filter(same).map(|event| (event.doubtful, event.node)).collect();
        nodes.sort_unstable();
        nodes.into_iter().map(|(_, node)| node).collect()
    }

    /// What every finding at an event has in common; sure unless said otherwise.
    pub fn at(&self, rule: &'static RuleMeta, event: &Event) -> Report {
        Report {
            rule,
            key: event.key,
            confidence: Confidence::High,
            place: self.body().cfg.span(event.at),
            label: String::new(),
            message: String::new(),
            exit: "",
            help: Vec::new(),
        }
    }

    /// Reports at an event; answers whether it stands.
    pub fn report_event(&mut self, event: &Event, report: Report) -> bool {
        let nodes = self.nodes_of(event);
        let kind = Some(std::mem::discriminant(&event.kind));
        let claim = Claim::Happens { key: event.key, at: event.at, kind };
        let report = if event.doubtful { Report { confidence: Confidence::Low, ..report } } else { report };
        self.blamed.push((event.key, event.at));
        self.report(&nodes, claim, report)
    }

    /// Reports on exits; answers whether it stands.
    pub fn report_exits(&mut self, exits: &[usize], sign: i32, report: Report) -> bool {
        let mut nodes: Vec<NodeId> = exits.iter().map(|&at| self.analysis.exits[at].node).collect();
        nodes.dedup();
        let claim = Claim::Balance { key: report.key, sign };
        self.report(&nodes, claim, report)
    }

    /// Reports at `at`, on the path that leaves through `exit`.
    pub fn report_place(&mut self, exit: usize, key: LockKey, at: Location, report: Report) -> bool {
        let nodes = self.nodes_executing(at);
        let claim = Claim::Happens { key, at, kind: None };
        self.blamed.push((key, at));
        let fallback = self.analysis.exits[exit].node;
        if nodes.is_empty() {
            self.report(&[fallback], claim, report)
        } else {
            self.report(&nodes, claim, report)
        }
    }

    fn nodes_executing(&self, at: Location) -> Vec<NodeId> {
        self.results.at_block[at.block.0 as usize].clone()
    }

    fn report(&mut self, nodes: &[NodeId], claim: Claim, mut report: Report) -> bool {
        let mut undecided = false;
        for &node in nodes.iter().take(6) {
            match replay(self.analysis, self.results, node, claim) {
                Replay::Shown(steps) => {
                    let steps = self.labels(&steps);
                    self.push(report, steps);
                    return true;
                }
                Replay::Refuted => {}
                Replay::Undecided => undecided = true,
            }
        }
        if !undecided {
            self.refuted.push(report.key);
        }
        if undecided {
            report.confidence = Confidence::Low;
            self.push(report, Vec::new());
        }
        undecided
    }

    fn push(&mut self, mut report: Report, mut steps: Vec<Label>) {
        if self.analysis.is_unsure_of(report.key) {
            report.confidence = Confidence::Low;
        }
        let primary = Label { span: report.place, text: report.label };
        if steps.last().is_none_or(|last| last.span != primary.span) {
            steps.push(primary.clone());
        }
        let diagnostic = Diagnostic {
            rule: report.rule,
            severity: report.rule.severity,
            confidence: report.confidence,
            message: report.message,
            primary,
            function: self.body().name.to_string(),
            lock: self.analysis.spelled(report.key).to_owned(),
            exit: report.exit,
            steps,
            help: report.help,
        };
        self.found.push((report.key, diagnostic));
    }

    /// Steps as labels: every lock operation, and of the branches between the ones nearest to the end.
    fn labels(&self, steps: &[Step]) -> Vec<Label> {
        let first =
            steps.iter().position(|step| !matches!(step.kind, StepKind::Branch { .. } | StepKind::Into(_)));
        let from = first.unwrap_or(0).saturating_sub(1);
        let steps = &steps[from..];
        let branches = steps.iter().filter(|step| is_branch(step)).count();
        let mut skip = branches.saturating_sub(BRANCH_STEPS);
        let mut labels: Vec<Label> = Vec::new();
        for step in steps {
            if is_branch(step) && skip > 0 {
                skip -= 1;
                continue;
            }
            if let Some(label) = self.label(step)
                && labels.last() != Some(&label)
            {
                labels.push(label);
            }
        }
        labels
    }

    fn label(&self, step: &Step) -> Option<Label> {
        let span = self.body().cfg.span(step.at);
        let text = match step.kind {
            StepKind::Acquired => "acquired here".to_owned(),
            StepKind::Released => "released here".to_owned(),
            StepKind::Failed => "not acquired here".to_owned(),
            StepKind::Presumed => "held by the caller, as is said here".to_owned(),
            StepKind::Branch { taken } => {
                let condition = self.quote(span)?;
                format!("`{condition}` is {}", if taken { "true" } else { "false" })
            }
            StepKind::Into(_) => return None,
        };
        Some(Label { span, text })
    }

    /// Source text on one line, when short enough to be quoted.
    pub fn quote(&self, span: Span) -> Option<String> {
        self.text.quote(span)
    }

    /// Where exit `at` stands.
    pub fn exit_span(&self, at: usize) -> Span {
        let block = self.analysis.exits[at].block;
        self.body().cfg.block(block).terminator.span
    }

    /// What exit `at` returns, for a message: ` returns -ENOMEM`.
    pub fn returning(&self, at: usize) -> String {
        let span = self.exit_span(at);
        let text = self.quote(span).unwrap_or_default();
        let value = text.strip_prefix("return").map(|rest| rest.trim().trim_end_matches(';').trim());
        match value {
            Some("") | None => "returns".to_owned(),
            Some(value) => format!("returns `{value}`"),
        }
    }

    /// Exits grouped by the place they leave from, places in the order of the text.
    pub fn by_place(&self, exits: &[usize]) -> Vec<Vec<usize>> {
        let mut groups: Vec<(Span, Vec<usize>)> = Vec::new();
        for &at in exits {
            let span = self.exit_span(at);
            match groups.iter_mut().find(|(place, _)| *place == span) {
                Some((_, group)) => group.push(at),
                None => groups.push((span, vec![at])),
            }
        }
        groups.sort_by_key(|(span, _)| span.start);
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// Where `key` was first given back.
    pub fn released_at(&self, key: LockKey) -> Option<Span> {
        let released = self.analysis.events.iter().filter(|event| event.key == key);
        released
            .filter(|event| matches!(event.kind, EventKind::Released { .. }))
            .map(|event| self.body().cfg.span(event.at))
            .min_by_key(|span| span.start)
    }

    /// Where `key` was last taken, for messages.
    pub fn acquired_at(&self, key: LockKey) -> Option<Span> {
        let acquired = self.analysis.events.iter().filter(|event| event.key == key);
        acquired
            .filter(|event| matches!(event.kind, EventKind::Acquired { .. }))
            .map(|event| self.body().cfg.span(event.at))
            .min_by_key(|span| span.start)
    }
}

fn is_branch(step: &Step) -> bool {
    matches!(step.kind, StepKind::Branch { .. } | StepKind::Into(_))
}
