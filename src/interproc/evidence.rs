//! Evidence about a function from outside it: what becomes of a lock that it hands over, who holds what it releases, and what
//! functions in the same place do.

use crate::ir::Name;
use crate::lock::analysis::LockAnalysis;
use crate::lock::convention;
use crate::lock::event::{Event, EventKind};
use crate::lock::exits::Imbalance;
use crate::profile::FamilyId;

/// What callers and siblings of a function say about the locks that it leaves changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Callers seen.
    pub callers: usize,
    /// Nobody else can call it.
    pub all_visible: bool,
    /// Nobody in the file calls it by name, but its address is taken: it is called through a pointer.
    pub callback: bool,
    /// Threads run it: nobody waits for it to return who could give back what it holds.
    pub thread: bool,
    /// Callers give back what they were handed (or promise to hand it on), and they outnumber those that do neither.
    pub consumed: bool,
    /// Callers hold what the function releases, and they outnumber those that do not.
    pub supplied: bool,
    /// A caller releases what the function releases on some ways, whichever way that was.
    pub released_anyway: bool,
    /// Variables of the file whose locks this function leaves out of balance, and no other function the other way.
    pub lonely: Vec<Name>,
    /// Locks left out of balance that another function of the folder leaves the other way, as little explained by its callers: what
    /// `start` takes, `stop` releases.
    pub partnered: Vec<OpenLock>,
    /// It is put where others are put too, and nearly all of those leave locks as they were.
    pub deviates: bool,
    /// It is put where others are put too, and many of those leave locks changed as it does.
    pub conforms: bool,
}

impl Evidence {
    /// Whether somebody can be seen to call it, or to be able to: whoever leaves its change alone then speaks against it.
    pub fn is_called(&self) -> bool {
        self.callers > 0 || self.callback || self.deviates
    }
}

/// A lock that a body leaves otherwise than it found it, as other functions can name it too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OpenLock {
    /// Its family.
    pub family: FamilyId,
    /// The member or variable that it is, or the family where there is only one such lock.
    pub name: Name,
    /// Left held; otherwise released for others.
    pub held: bool,
}

impl OpenLock {
    /// The same lock, left the other way.
    pub fn opposite(&self) -> Self {
        OpenLock { held: !self.held, ..self.clone() }
    }
}

/// The locks that the body leaves otherwise than it found them, and the variable in which each lies if it is one that all can name.
pub fn open_locks(analysis: &LockAnalysis<'_>) -> Vec<(OpenLock, Option<Name>)> {
    let mut open = Vec::new();
    for key in analysis.keys() {
        let balance = analysis.balance(key, true);
        let name = analysis.last_name(key);
        for (exits, held) in [(balance.held, true), (balance.released, false)] {
            if !exits.is_empty() {
                let lock = OpenLock { family: key.family, name: name.clone(), held };
                open.push((lock, analysis.root_global(key)));
            }
        }
    }
    open
}

/// A change that a callee makes to locks of its caller's: their family, and whether it takes them (or gives them back).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The family of the locks.
    pub family: FamilyId,
    /// Taken, rather than released.
    pub taken: bool,
}

/// What one caller makes of one kind of change by one callee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerUse {
    /// The callee.
    pub callee: Name,
    /// What it does.
    pub change: Change,
    /// The caller gives back what was taken, or holds what is released; or its contract says that its own callers do.
    pub acts: bool,
    /// The caller leaves the change to its own callers, without a contract.
    pub passes_on: bool,
    /// Its name promises that it does.
    pub promised: bool,
    /// It releases what the callee releases on some ways, whichever way that was.
    pub anyway: bool,
}

/// How many callers act on a change of locks, and how many as if there were none. "Bugs as deviant behavior" (Engler et al.,
/// SOSP 2001): what most callers do is what the callee means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Callers that act on it.
    pub acting: usize,
    /// Callers that do not.
    pub contradicting: usize,
}

impl Tally {
    /// One caller that acts on the change.
    pub const FOR: Tally = Tally { acting: 1, contradicting: 0 };
    /// One caller that acts as if there were no change.
    pub const AGAINST: Tally = Tally { acting: 0, contradicting: 1 };

    /// Whether callers say that the change is meant: somebody does, and no majority speaks against it.
    pub fn bears_out(self) -> bool {
        self.acting > 0 && self.acting >= self.contradicting
    }

    /// Both together.
    pub fn and(self, other: Tally) -> Tally {
        Tally { acting: self.acting + other.acting, contradicting: self.contradicting + other.contradicting }
    }
}

/// What the callers of one function say, by kind of change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tallies(Vec<(Change, Tally)>);

impl Tallies {
    /// Counts what a caller says.
    pub fn add(&mut self, change: Change, said: Tally) {
        match self.0.iter_mut().find(|(known, _)| *known == change) {
            Some((_, tally)) => *tally = tally.and(said),
            None => self.0.push((change, said)),
        }
    }

    /// What is said of the changes that `wanted` names.
    pub fn of(&self, wanted: impl Fn(Change) -> bool) -> Tally {
        let those = self.0.iter().filter(|(change, _)| wanted(*change));
        those.fold(Tally::default(), |all, (_, tally)| all.and(*tally))
    }

    /// All kinds of change that somebody spoke of.
    pub fn iter(&self) -> impl Iterator<Item = &(Change, Tally)> {
        self.0.iter()
    }

    /// Whether callers bear out some change that `wanted` names.
    pub fn bear_out(&self, wanted: impl Fn(Change) -> bool) -> bool {
        self.0.iter().any(|(change, tally)| wanted(*change) && tally.bears_out())
    }
}

/// What the analysed body does with the locks of the callees in sight.
pub fn uses(analysis: &LockAnalysis<'_>) -> Vec<CallerUse> {
    let mut found: Vec<CallerUse> = Vec::new();
    for event in &analysis.events {
        let Some(this) = use_at(analysis, event) else { continue };
        let same = |known: &&mut CallerUse| known.callee == this.callee && known.change == this.change;
        match found.iter_mut().find(same) {
            Some(known) => {
                known.acts |= this.acts;
                known.passes_on |= this.passes_on;
                known.anyway |= this.anyway;
            }
            None => found.push(this),
        }
    }
    found
}

fn use_at(analysis: &LockAnalysis<'_>, event: &Event) -> Option<CallerUse> {
    let name = &analysis.body().name;
    let declared = analysis.declares_contract();
    let imbalance = analysis.imbalance(event.key, false);
    let anyway = matches!(event.kind, EventKind::Released { .. }) && is_released_anyway(analysis, event);
    let (callee, taken, acts, left) = match &event.kind {
        EventKind::Acquired { by } => {
            let left = matches!(imbalance, Imbalance::HandsOver { .. });
            (by.as_ref()?, true, analysis.releases(event.key), left)
        }
        EventKind::Released { held, .. } => {
            let left = matches!(imbalance, Imbalance::TakesOver { .. });
            (analysis.callee_at(event.at)?, false, *held && !anyway, left)
        }
        _ => return None,
    };
    let promised =
        if taken { convention::promises_to_take(name) } else { convention::promises_to_release(name) };
    Some(CallerUse {
        callee: callee.clone(),
        change: Change { family: event.key.family, taken },
        acts: acts || left && declared,
        passes_on: left && !declared,
        promised,
        anyway,
    })
}

/// Whether, behind a call that releases the lock, the same statement releases it once more that releases it where the call has not: the
/// caller takes it that the call never does.
fn is_released_anyway(analysis: &LockAnalysis<'_>, call: &Event) -> bool {
    let sometimes = |callee| analysis.releases_sometimes(callee, call.key.family);
    if !analysis.callee_at(call.at).is_some_and(sometimes) {
        return false;
    }
    let of_key = || analysis.events.iter().filter(|event| event.key == call.key && event.at != call.at);
    let again = of_key().filter(|event| matches!(event.kind, EventKind::DoubleRelease { .. }));
    again.into_iter().any(|again| {
        let first_too = |event: &Event| {
            event.at == again.at && matches!(event.kind, EventKind::Released { held: true, .. })
        };
        of_key().any(first_too) && analysis.body().cfg.reaches(call.at, again.at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKEN: Change = Change { family: FamilyId(1), taken: true };
    const RELEASED: Change = Change { family: FamilyId(1), taken: false };

    #[test]
    fn a_change_is_borne_out_until_a_majority_speaks_against_it() {
        let mut said = Tallies::default();
        assert!(!said.bear_out(|_| true), "nobody acts on it");
        said.add(TAKEN, Tally::FOR);
        said.add(TAKEN, Tally::AGAINST);
        assert!(said.bear_out(|change| change == TAKEN), "one against one may be a fault of the caller");
        said.add(TAKEN, Tally::AGAINST);
        assert!(!said.bear_out(|change| change == TAKEN));
        said.add(RELEASED, Tally::FOR);
        assert!(said.bear_out(|change| change == RELEASED), "counted apart");
        assert!(said.of(|_| true).bears_out(), "and together: two of four");
    }
}
