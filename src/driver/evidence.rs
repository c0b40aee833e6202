//! What callers and siblings in the tree say about a function, gathered from what was judged of them.
//!
//! ```text
//! callers' uses ─┬─ acts on the change, or does not ─────────▶ tallies ─▶ borne out? ─▶ Evidence, Doubt
//!                └─ passes it on ─▶ its own callers, likewise ─┘
//! ```

use super::analysis::TreeAnalysis;
use super::reading::frontend_of;
use crate::interproc::evidence::{CallerUse, Change, Evidence, OpenLock, Tallies, Tally};
use crate::interproc::tree::{Folder, FunctionId, Slot};
use crate::ir::{Linkage, Name};
use crate::profile::FamilyId;
use rustc_hash::FxHashMap;

/// How far a change that nobody speaks of is followed through callers that hand it on.
const HAND_ON_LIMIT: usize = 4;
/// Siblings that a slot must have before their common behaviour says anything.
const SIBLINGS: usize = 3;

/// Functions that leave a lock out of balance, by the folder that they stand in.
pub(super) type Partners = FxHashMap<(Folder, OpenLock), Vec<FunctionId>>;

/// What is not believed of a function.
pub(super) struct Doubt {
    /// Families of the locks that it only seems to change.
    pub(super) families: Vec<FamilyId>,
    /// What callers said while they still saw the changes.
    pub(super) evidence: Evidence,
    /// The same, counted.
    pub(super) tallies: Tallies,
}

impl TreeAnalysis<'_> {
    /// What others say about `function`.
    pub(super) fn evidence(&self, function: FunctionId) -> Evidence {
        let (tallies, followed) = self.tallies(function);
        self.evidence_from(function, &tallies, followed)
    }

    fn evidence_from(&self, function: FunctionId, tallies: &Tallies, followed: bool) -> Evidence {
        let tree = &self.read.tree;
        let internal = tree.definition(function).linkage == Linkage::Internal;
        let callers = tree.callers(function).len();
        let pointed_to = tree.may_be_pointed_to(function);
        // A doubted function of many files' callers is as often misread as wrong: only its own file's callers are proof enough.
        let known = internal || self.closed && !self.doubted.contains_key(&function);
        let (conforms, deviates) = self.siblings(function);
        Evidence {
            callers,
            all_visible: followed && !pointed_to && known,
            // A static function of C that nobody mentions is named by a macro that pastes its name together: a callback too.
            callback: callers == 0 && (pointed_to || internal && !self.has_methods(function)),
            thread: callers == 0 && self.starts_thread(function),
            consumed: tallies.bear_out(|change| change.taken),
            supplied: tallies.bear_out(|change| !change.taken),
            released_anyway: self.is_released_anyway(function),
            lonely: self.lonely(function),
            partnered: self.partnered(function),
            deviates,
            conforms,
        }
    }

    fn is_released_anyway(&self, function: FunctionId) -> bool {
        let tree = &self.read.tree;
        let name = tree.name(tree.definition(function).name);
        let uses = |caller: &FunctionId| self.judged.get(caller).map(|judged| judged.uses.as_slice());
        let uses = tree.callers(function).iter().filter_map(uses).flatten();
        uses.into_iter().any(|said| said.anyway && said.callee == *name)
    }

    /// Functions that are handed to a call that runs them in a thread of their own, as far as they change locks.
    pub(super) fn thread_functions(&self) -> Vec<FunctionId> {
        let starts = self.read.tree.slots().filter(|(slot, _)| slot.0.contains('#'));
        let functions = starts.flat_map(|(_, functions)| functions).copied();
        let changes = |function: &FunctionId| {
            self.judged.get(function).is_some_and(|judged| judged.summary.changes_locks())
        };
        functions.filter(|function| changes(function) && self.starts_thread(*function)).collect()
    }

    fn starts_thread(&self, function: FunctionId) -> bool {
        let file = self.read.tree.definition(function).file;
        let profile = self.settings.profiles.get(self.read.dialects[file.0 as usize]);
        let starts = |slot: &Slot| {
            let (call, argument) = slot.0.split_once('#')?;
            Some(profile.thread_starts.contains(&(Name::new(call), argument.parse().ok()?)))
        };
        self.read.tree.slots_of(function).into_iter().any(|slot| starts(slot) == Some(true))
    }

    /// Whether the function's language calls functions by names that only types tell apart: that none is seen says little.
    fn has_methods(&self, function: FunctionId) -> bool {
        let path = self.sources.path(self.read.tree.definition(function).file);
        frontend_of(path).is_some_and(|frontend| frontend.has_editions)
    }

    /// What callers do not bear out of the changes of locks that `function` seems to make.
    pub(super) fn doubtful(&self, function: FunctionId) -> Option<Doubt> {
        let judged = self.judged.get(&function)?;
        if !judged.unspoken || !judged.summary.changes_locks() {
            return None;
        }
        let (tallies, followed) = self.tallies(function);
        let mut families: Vec<FamilyId> = judged
            .summary
            .changed_families()
            .filter(|family| !tallies.of(|change| change.family == *family).bears_out())
            .collect();
        families.sort_unstable();
        families.dedup();
        if families.is_empty() {
            return None;
        }
        let evidence = self.evidence_from(function, &tallies, followed);
        let internal = self.read.tree.definition(function).linkage == Linkage::Internal;
        let evidence = Evidence { all_visible: evidence.all_visible && internal, ..evidence };
        (!evidence.conforms).then_some(Doubt { families, evidence, tallies })
    }

    /// What the callers of `function` make of its changes of locks. Answers also whether all of them could be followed.
    pub(super) fn tallies(&self, function: FunctionId) -> (Tallies, bool) {
        let mut tallies = Tallies::default();
        let followed = self.ask_callers(function, None, &mut tallies, HAND_ON_LIMIT);
        (tallies, followed)
    }

    /// Counts what callers say of all changes, or of `only` one kind.
    fn ask_callers(
        &self,
        function: FunctionId,
        only: Option<Change>,
        tallies: &mut Tallies,
        depth: usize,
    ) -> bool {
        let tree = &self.read.tree;
        let name = tree.name(tree.definition(function).name);
        let mut followed = true;
        for &caller in tree.callers(function) {
            let uses = self.judged.get(&caller).into_iter().flat_map(|judged| &judged.uses);
            let mut seen = false;
            for this in uses.filter(|this| this.callee == *name) {
                seen = true;
                if only.is_none_or(|change| change == this.change) {
                    tallies.add(this.change, self.said(caller, this, depth));
                }
            }
            followed &= seen;
        }
        followed
    }

    /// What `caller` says by what it does. Of one that passes the change on, its own callers say it; where none of them acts on it, it
    /// speaks against the change itself, unless its name promises the change to callers out of sight.
    fn said(&self, caller: FunctionId, this: &CallerUse, depth: usize) -> Tally {
        if this.acts {
            return Tally::FOR;
        }
        if !this.passes_on {
            return Tally::AGAINST;
        }
        if depth == 0 {
            return Tally::default();
        }
        let mut tallies = Tallies::default();
        self.ask_callers(caller, Some(this.change), &mut tallies, depth - 1);
        let tally = tallies.of(|_| true);
        if tally.acting > 0 {
            tally
        } else if self.siblings(caller).0 {
            // Its caller is whoever calls the slot.
            Tally::FOR
        } else if this.promised {
            Tally::default()
        } else {
            Tally::AGAINST
        }
    }

    /// Variables of the file that `function` leaves out of balance, and no other function of the file the other way.
    fn lonely(&self, function: FunctionId) -> Vec<Name> {
        let Some((unit, _)) = self.read.source(function) else { return Vec::new() };
        let others = |variable: &Name, held: bool| {
            let functions = unit.functions.keys().filter(|other| **other != function);
            functions
                .flat_map(|other| self.open(*other))
                .any(|(lock, lies_in)| lies_in.as_ref() == Some(variable) && lock.held != held)
        };
        let variables =
            self.open(function).iter().filter_map(|(lock, lies_in)| Some((lies_in.clone()?, lock.held)));
        variables
            .filter(|(variable, held)| unit.index.statics.contains(variable) && !others(variable, *held))
            .map(|(variable, _)| variable)
            .collect()
    }

    /// Locks that `function` leaves out of balance and another function of its folder leaves the other way, for no caller's sake.
    fn partnered(&self, function: FunctionId) -> Vec<OpenLock> {
        let folder = self.read.tree.folder(function);
        let is_partner = |other: FunctionId, lock: &OpenLock| {
            let change = Change { family: lock.family, taken: lock.held };
            other != function && !self.tallies(other).0.of(|this| this == change).bears_out()
        };
        let locks = self.open(function).iter().map(|(lock, _)| lock);
        let partnered = locks.filter(|lock| {
            let opposite = lock.opposite();
            let others = self.partners.get(&(folder, opposite.clone())).into_iter().flatten();
            others.into_iter().any(|&other| is_partner(other, &opposite))
        });
        partnered.cloned().collect()
    }

    fn open(&self, function: FunctionId) -> &[(OpenLock, Option<Name>)] {
        self.judged.get(&function).map_or(&[], |judged| &judged.open)
    }

    /// Who leaves which lock out of balance, by folder.
    pub(super) fn partners(&self) -> Partners {
        let mut partners = Partners::default();
        let mut functions: Vec<FunctionId> = self.judged.keys().copied().collect();
        functions.sort_unstable();
        for function in functions {
            let folder = self.read.tree.folder(function);
            for (lock, _) in self.open(function) {
                partners.entry((folder, lock.clone())).or_default().push(function);
            }
        }
        partners
    }

    /// Whether the siblings of the function in some slot change locks too (many of them), and whether nearly none of them does.
    fn siblings(&self, function: FunctionId) -> (bool, bool) {
        let (mut conforms, mut deviates) = (false, false);
        for slot in self.read.tree.slots_of(function) {
            let siblings = self.read.tree.implementors(slot).iter().filter(|other| **other != function);
            let changes = |sibling: &FunctionId| {
                self.judged.get(sibling).is_some_and(|judged| judged.summary.changes_locks())
            };
            let (mut all, mut changing) = (0usize, 0usize);
            for sibling in siblings {
                all += 1;
                changing += usize::from(changes(sibling));
            }
            if all >= SIBLINGS {
                deviates |= changing * 10 <= all;
                conforms |= changing * 3 >= all;
            }
        }
        (conforms, deviates && !conforms)
    }
}
