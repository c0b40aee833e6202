//! Summaries in words.

use super::Clause;
use crate::ir::{Name, ReturnKind};
use crate::lock::event::ExitKind;
use crate::lock::path::Path;
use crate::lock::state::{Now, Signs};
use crate::lock::summary::{Case, LockChange, Summary};
use crate::profile::{FamilyId, Profile, Sharing};

/// What a function's words are made of.
pub struct Words<'w> {
    pub profile: &'w Profile,
    /// Names of the parameters.
    pub arguments: &'w [Name],
    /// Which of them are pointers: that one is valid needs no saying.
    pub pointers: &'w [bool],
    pub returns: ReturnKind,
}

impl Words<'_> {
    /// One clause for each way of ending that callers can tell; those that do the same come once.
    pub fn clauses(&self, summary: &Summary) -> Vec<Clause> {
        let mut clauses: Vec<Clause> = Vec::new();
        for case in &summary.cases {
            // What is so whichever way it ends tells nothing.
            let shared = |path: &Path, signs: &Signs| {
                summary
                    .cases
                    .iter()
                    .all(|other| other.conditions.iter().any(|(p, s, _)| p == path && s == signs))
            };
            let clause = Clause { when: self.when(case, &shared), does: self.does(case) };
            if !clauses.contains(&clause) {
                clauses.push(clause);
            }
        }
        clauses
    }

    /// What does not hang on how it ends.
    pub fn always(&self, summary: &Summary) -> Vec<String> {
        let mut said = Vec::new();
        if summary.never_returns() {
            said.push("never returns".to_owned());
        }
        for take in &summary.takes {
            let how = if take.shared { " for reading" } else { "" };
            let lock = self.lock(take.family, Some(&take.path));
            let when = match (take.told.is_empty(), take.sometimes) {
                (true, false) => ": callers must not hold it",
                (true, true) => " on some ways",
                (false, false) => " when an argument says so",
                (false, true) => " on some ways, when an argument says so",
            };
            said.push(format!("takes and releases {lock}{how}{when}"));
        }
        if let Some((family, path, positive)) = &summary.query {
            let answer = if *positive { "not 0" } else { "0" };
            said.push(format!(
                "answers whether somebody holds {} ({answer}: yes)",
                self.lock(*family, Some(path))
            ));
        }
        for &family in &summary.uncertain {
            let family = &self.profile.family(family).name;
            said.push(format!(
                "does something to {family} locks that could not be told: callers are unsure of theirs"
            ));
        }
        if summary.unknown {
            said.push("not understood well enough to say more".to_owned());
        }
        said
    }

    fn when(&self, case: &Case, shared: &dyn Fn(&Path, &Signs) -> bool) -> String {
        let mut text = match case.value {
            Some(value) if self.returns != ReturnKind::Bool => format!("returns {value}"),
            _ => self.result(case.result),
        };
        let conditions: Vec<String> = case
            .conditions
            .iter()
            .filter(|(path, signs, _)| !shared(path, signs) && !self.is_valid_pointer(path, *signs))
            .filter_map(|(path, signs, firm)| {
                let presumed = if *firm { "" } else { ", presumably" };
                Some(format!("`{}` {}{presumed}", path.spelled(self.arguments)?, signs_of(*signs)))
            })
            .collect();
        if !conditions.is_empty() {
            text = format!("{text}, when {}", conditions.join(" and "));
        }
        text
    }

    fn is_valid_pointer(&self, path: &Path, signs: Signs) -> bool {
        matches!(path, Path::Argument(n) if signs == Signs::POSITIVE && self.pointers.get(*n) == Some(&true))
    }

    fn does(&self, case: &Case) -> Vec<String> {
        case.changes.iter().map(|change| self.change(change)).collect()
    }

    fn change(&self, change: &LockChange) -> String {
        let lock = self.lock(change.family, change.path.as_ref());
        let balance = change.state.balance();
        if balance < 0 {
            return format!("releases {lock}, which the caller holds");
        }
        let shared = matches!(change.state.now, Now::Held { mode, .. } if mode.sharing == Sharing::Shared);
        let shared = if shared { ", shared" } else { "" };
        let often = if balance > 1 { format!(", {balance} times") } else { String::new() };
        format!("returns with {lock} held{shared}{often}")
    }

    /// "`&dev->lock` of argument 0 `dev` (mutex)"
    fn lock(&self, family: FamilyId, path: Option<&Path>) -> String {
        let family = &self.profile.family(family).name;
        let Some(path) = path else {
            return format!("a {family} lock that callers have no name for");
        };
        let spelled = path.spelled(self.arguments);
        match (path.root(), spelled) {
            (Path::Argument(n), Some(text)) => match self.arguments.get(*n) {
                Some(name) if *name != text => format!("`{text}` behind argument {n} `{name}` ({family})"),
                _ => format!("`{text}`, argument {n} ({family})"),
            },
            (Path::Argument(n), None) => format!("the lock behind argument {n} ({family})"),
            (Path::Global(_) | Path::Static(..), Some(text)) => format!("`{text}`, a global ({family})"),
            (Path::Result, _) if *path == Path::Result => format!("the result ({family})"),
            (Path::Result, Some(text)) => format!("`{}` ({family})", text.replace("the result", "result")),
            (Path::Int(_), _) | (_, None) => format!("`{family}`"),
            (_, Some(text)) => format!("`{text}` ({family})"),
        }
    }

    fn result(&self, signs: Signs) -> String {
        let text = match (self.returns, signs) {
            (ReturnKind::Void, _) | (_, Signs::ANY) => "returns",
            (ReturnKind::Bool, Signs::ZERO) => "returns false",
            (ReturnKind::Bool, _) => "returns true",
            (ReturnKind::Guard, Signs::ZERO) => "returns no guard",
            (ReturnKind::Guard, _) => "returns a guard",
            (ReturnKind::Pointer, Signs::ZERO) => "returns null",
            (ReturnKind::Pointer, Signs::NEGATIVE) => "returns an error pointer",
            (ReturnKind::Pointer, Signs::POSITIVE) => "returns a valid pointer",
            (ReturnKind::Pointer, Signs::NOT_POSITIVE) => "returns null or an error pointer",
            (ReturnKind::Pointer, _) => "returns a pointer",
            (_, signs) => return format!("returns a value that {}", signs_of(signs)),
        };
        text.to_owned()
    }

    /// A kind of exit.
    pub fn exit(&self, kind: ExitKind) -> &'static str {
        match kind {
            ExitKind::Void | ExitKind::Other => "returns",
            ExitKind::Zero => "returns 0",
            ExitKind::Error => "returns an error",
            ExitKind::Positive => "returns a positive value",
            ExitKind::NotNegative => "returns 0 or more",
            ExitKind::Nonzero => "returns something other than 0",
            ExitKind::True => "returns true",
            ExitKind::False => "returns false",
            ExitKind::Null => "returns null",
            ExitKind::ErrorPointer => "returns an error pointer",
            ExitKind::Pointer => "returns a valid pointer",
        }
    }
}

fn signs_of(signs: Signs) -> &'static str {
    match signs {
        Signs::ZERO => "is 0",
        Signs::POSITIVE => "is positive",
        Signs::NEGATIVE => "is negative",
        Signs::NONZERO => "is not 0",
        Signs::NOT_NEGATIVE => "is 0 or more",
        Signs::NOT_POSITIVE => "is 0 or less",
        _ => "may be anything",
    }
}

/// How a way out leaves one lock.
pub fn left(lock: &str, balance: i32) -> String {
    match balance {
        1 => format!("`{lock}` held"),
        2.. => format!("`{lock}` held {balance} times"),
        _ => format!("`{lock}` released for the caller"),
    }
}

/// "3 callers"
pub fn count(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
