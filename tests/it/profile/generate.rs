//! Writes small C functions from a row of a profile: the call, and its counterparts in the same family and mode.
//!
//! ```text
//! row  mutex_lock_interruptible(0) zero      r = mutex_lock_interruptible(o0);
//!  +                                   ─▶    if (r) return -EBUSY;
//! row  mutex_unlock(0)                       mutex_unlock(o0);
//! ```

use lockbalance::profile::{
    CallEffect, Context, Effect, LockMode, LockRoot, Profile, ResultTest, SavedState, Sharing,
};
use std::collections::BTreeMap;

/// One call with everything that it does to locks of one family in one way.
#[derive(Clone, Debug)]
pub struct Row<'p> {
    /// The function.
    pub name: &'p str,
    /// What it does, lock by lock.
    pub effects: Vec<&'p CallEffect>,
}

/// All calls of a family, in the order of their names.
pub fn rows(profile: &Profile, family: u16) -> Vec<Row<'_>> {
    let mut rows: BTreeMap<&str, Vec<&CallEffect>> = BTreeMap::new();
    for (name, effects) in &profile.calls {
        let mine: Vec<&CallEffect> = effects.iter().filter(|effect| effect.family.0 == family).collect();
        if !mine.is_empty() {
            rows.insert(name, mine);
        }
    }
    rows.into_iter().map(|(name, effects)| Row { name, effects }).collect()
}

impl Row<'_> {
    /// Takes locks, perhaps.
    pub fn acquires(&self) -> bool {
        !self.is_guard()
            && self.effects.iter().all(|e| matches!(e.effect, Effect::Acquire | Effect::TryAcquire(_)))
    }

    /// Gives locks back.
    pub fn releases(&self) -> bool {
        self.effects.iter().all(|effect| effect.effect == Effect::Release)
    }

    /// The class, when this is the making of a guard.
    pub fn guard_class(&self) -> Option<&str> {
        self.name.strip_prefix("class_")?.strip_suffix("_constructor")
    }

    fn is_guard(&self) -> bool {
        self.name.starts_with("class_")
    }

    /// The result that tells whether the lock was taken.
    pub fn test(&self) -> Option<ResultTest> {
        match self.effects[0].effect {
            Effect::TryAcquire(test) | Effect::ReleaseIf(test) => Some(test),
            _ => None,
        }
    }

    /// Whether it is told which lock is meant.
    pub fn is_told(&self) -> bool {
        self.effects.iter().all(|effect| effect.lock.root != LockRoot::Unknown)
    }

    fn returns_lock(&self) -> bool {
        self.effects.iter().any(|effect| effect.lock.root == LockRoot::Result)
    }
}

/// Whether a lock taken in the one mode is given back in the other.
fn fits(taken: LockMode, released: LockMode) -> bool {
    let sharing = taken.sharing == released.sharing
        || taken.sharing == Sharing::Any
        || released.sharing == Sharing::Any;
    let context = taken.context == released.context
        || taken.context == Context::Any
        || released.context == Context::Any;
    sharing && context
}

/// A call and the arguments found for it so far.
#[derive(Clone, Debug)]
pub struct Call {
    name: String,
    args: BTreeMap<usize, String>,
    result: Option<String>,
}

impl Call {
    fn new(row: &Row<'_>) -> Call {
        let mut call = Call { name: row.name.to_owned(), args: BTreeMap::new(), result: None };
        for effect in &row.effects {
            effect.only_if_zero.iter().for_each(|&n| call.put(n, "0".to_owned()));
            match effect.saved {
                Some(SavedState::Argument(n)) => call.put(n, "flags".to_owned()),
                Some(SavedState::Result) => call.result = Some("flags".to_owned()),
                None => {}
            }
        }
        if row.test().is_some() || row.returns_lock() {
            call.result = Some(if row.returns_lock() { "object" } else { "result" }.to_owned());
        }
        call
    }

    fn put(&mut self, at: u8, text: String) {
        self.args.insert(usize::from(at), text);
    }

    /// The call, without its result.
    pub fn expression(&self) -> String {
        let count = self.args.keys().next_back().map_or(0, |last| last + 1);
        let args: Vec<&str> = (0..count).map(|at| self.args.get(&at).map_or("0", String::as_str)).collect();
        format!("{}({})", self.name, args.join(", "))
    }

    /// The statement.
    pub fn statement(&self) -> String {
        match &self.result {
            Some(result) => format!("{result} = {};", self.expression()),
            None => format!("{};", self.expression()),
        }
    }

    /// The arguments, as a guard takes them.
    pub fn arguments(&self) -> String {
        let expression = self.expression();
        expression[self.name.len() + 1..expression.len() - 1].to_owned()
    }
}

/// Finds the arguments that make one effect of `first` and one of `second` speak of the same lock, number `k`.
fn link(
    (first, call): (&CallEffect, &mut Call),
    (second, other): (&CallEffect, &mut Call),
    k: usize,
) -> Option<()> {
    let members: Vec<&str> = match (&first.lock.members[..], &second.lock.members[..]) {
        (a, []) => a.iter().map(|name| name.as_str()).collect(),
        ([], b) => b.iter().map(|name| name.as_str()).collect(),
        (a, b) if a == b => a.iter().map(|name| name.as_str()).collect(),
        _ => return None,
    };
    // Only an object handed in can be chosen so that the lock lies in it.
    let roots = [&first.lock.root, &second.lock.root];
    let given = roots.iter().any(|root| matches!(root, LockRoot::Result | LockRoot::ThroughArgument(_)));
    if given && first.lock.members.is_empty() && !second.lock.members.is_empty() {
        return None;
    }
    let object = match &first.lock.root {
        LockRoot::Result => "object".to_owned(),
        LockRoot::ThroughArgument(_) => format!("p{k}"),
        _ => format!("o{k}"),
    };
    for (effect, call) in [(first, call), (second, other)] {
        let inside = if members.is_empty() || !effect.lock.members.is_empty() {
            object.clone()
        } else {
            format!("&{object}->{}", members.join("->"))
        };
        match (&effect.lock.root, roots) {
            (LockRoot::Argument(n), _) => call.put(*n, inside),
            (LockRoot::ThroughArgument(n), _) => call.put(*n, format!("&{object}")),
            (
                LockRoot::Pair(a, b),
                [LockRoot::Pair(..) | LockRoot::Unknown, LockRoot::Pair(..) | LockRoot::Unknown],
            ) => {
                // By convention of this generator the smaller index is the bit, unless it is written the other way round.
                call.put(*a, "number".to_owned());
                call.put(*b, format!("&o{k}->word"));
            }
            (LockRoot::Global, [LockRoot::Global, LockRoot::Global]) => {}
            (LockRoot::Unknown | LockRoot::Result, _) => {}
            (LockRoot::Pair(..) | LockRoot::Global, _) => return None,
        }
    }
    Some(())
}

/// A row with the calls that are its counterpart: what is taken, and what gives it back.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Takes.
    pub acquire: Vec<Call>,
    /// Tells whether it was taken.
    pub test: Option<ResultTest>,
    /// The result is the object.
    pub pointer: bool,
    /// Gives back, in reverse order.
    pub release: Vec<Call>,
}

/// `first` (which takes) with the best counterpart among `candidates`.
pub fn released_by(
    first: &Row<'_>,
    candidates: &[Row<'_>],
    mode: impl Fn(LockMode) -> LockMode,
) -> Option<Pair> {
    let mut call = Call::new(first);
    let fitting =
        |taken: &CallEffect, row: &Row<'_>| row.releases() && fits(mode(taken.mode), row.effects[0].mode);
    let release = counterparts(first, &mut call, candidates, fitting, true)?;
    let release = release.into_iter().rev().collect();
    Some(Pair { acquire: vec![call], test: first.test(), pointer: first.returns_lock(), release })
}

/// `first` (which gives back) with the best counterpart among `candidates`.
pub fn taken_by(first: &Row<'_>, candidates: &[Row<'_>]) -> Option<Pair> {
    let fitting =
        |released: &CallEffect, row: &Row<'_>| row.acquires() && fits(row.effects[0].mode, released.mode);
    let mut plain: Vec<Row<'_>> = candidates.to_vec();
    // What is taken for certain makes the plainest test.
    plain.sort_by_key(|row| (!row.is_told(), row.test().is_some(), row.returns_lock()));
    let partner = plain.iter().find(|row| {
        let mut call = Call::new(first);
        let one = std::slice::from_ref(*row);
        counterparts(first, &mut call, one, fitting, false).is_some()
    })?;
    let mut call = Call::new(first);
    let acquire = counterparts(first, &mut call, std::slice::from_ref(partner), fitting, false)?;
    if acquire.len() > 1 && partner.test().is_some() {
        return None;
    }
    Some(Pair { acquire, test: partner.test(), pointer: partner.returns_lock(), release: vec![call] })
}

/// One call that undoes all of `first` where there is one, else one call a lock.
fn counterparts(
    first: &Row<'_>,
    call: &mut Call,
    candidates: &[Row<'_>],
    fitting: impl Fn(&CallEffect, &Row<'_>) -> bool,
    takes: bool,
) -> Option<Vec<Call>> {
    let same = |row: &&Row<'_>| row.effects.len() == first.effects.len() && fitting(first.effects[0], row);
    let exact = |row: &Row<'_>| {
        let mut sides = first.effects.iter().zip(&row.effects);
        usize::from(!sides.all(|(a, b)| a.lock == b.lock))
    };
    let mut whole: Vec<&Row<'_>> = candidates.iter().filter(same).collect();
    whole.sort_by_key(|row| (!row.is_told(), exact(row)));
    for row in whole {
        let (mut mine, mut other) = (call.clone(), Call::new(row));
        let linked = first.effects.iter().zip(&row.effects).enumerate().all(|(k, (a, b))| {
            let (a, b) = ((*a, &mut mine), (*b, &mut other));
            if takes { link(a, b, k).is_some() } else { link(b, a, k).is_some() }
        });
        if linked {
            *call = mine;
            return Some(vec![other]);
        }
    }
    if first.effects.len() == 1 {
        return None;
    }
    let mut calls = Vec::new();
    for (k, effect) in first.effects.iter().enumerate() {
        let row = candidates.iter().find(|row| {
            row.effects.len() == 1
                && fitting(effect, row)
                && link((effect, &mut call.clone()), (row.effects[0], &mut Call::new(row)), k).is_some()
        })?;
        let mut other = Call::new(row);
        if takes {
            link((effect, call), (row.effects[0], &mut other), k)?;
        } else {
            link((row.effects[0], &mut other), (effect, call), k)?;
        }
        calls.push(other);
    }
    Some(calls)
}

/// `row`, about the same locks as the taking call of `pair`.
pub fn beside(row: &Row<'_>, acquire: &Row<'_>) -> Option<(Call, Call)> {
    let (mut call, mut taking) = (Call::new(row), Call::new(acquire));
    if row.effects.len() != acquire.effects.len() {
        return None;
    }
    for (k, (effect, taken)) in row.effects.iter().zip(&acquire.effects).enumerate() {
        link((taken, &mut taking), (effect, &mut call), k)?;
    }
    Some((call, taking))
}

/// The condition under which the result says "taken", or "not taken".
pub fn condition(test: ResultTest, pointer: bool, taken: bool) -> String {
    let result = if pointer { "object" } else { "result" };
    let (yes, no) = match test {
        ResultTest::Nonzero => (result.to_owned(), format!("!{result}")),
        ResultTest::Zero => (format!("!{result}"), result.to_owned()),
        ResultTest::ZeroElseNegative => (format!("{result} == 0"), format!("{result} < 0")),
        ResultTest::NotNegative if pointer => (format!("!IS_ERR({result})"), format!("IS_ERR({result})")),
        ResultTest::NotNegative => (format!("{result} >= 0"), format!("{result} < 0")),
        ResultTest::Negative => (format!("{result} < 0"), format!("{result} >= 0")),
        ResultTest::Positive => (format!("{result} > 0"), format!("{result} <= 0")),
    };
    if taken { yes } else { no }
}

/// A function around `lines`.
pub fn function(name: &str, lines: &[String]) -> String {
    let mut text = format!("int {name}(struct thing *o0, struct thing *o1, long number)\n{{\n");
    text.push_str("\tstruct thing *object, *p0;\n\tunsigned long flags;\n\tint result;\n\n");
    for line in lines {
        text.push_str(&format!("\t{line}\n"));
    }
    text.push_str("}\n\n");
    text
}
