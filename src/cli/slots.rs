//! `[[slot]]` of the configuration: what whoever is put into a member of a table does to its caller's locks.

use crate::driver::SlotContract;
use crate::ir::Name;
use crate::lock::contract::{Clause, Contract, ProfileError, Promise};
use serde::Deserialize;
use toml::Spanned;

/// A `[[slot]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotText {
    member: Spanned<String>,
    #[serde(default)]
    holds: Vec<Spanned<String>>,
    #[serde(default)]
    releases: Vec<Spanned<String>>,
    #[serde(default)]
    acquires: Vec<Spanned<String>>,
}

impl SlotText {
    /// Where its member stands.
    pub fn place(&self) -> std::ops::Range<usize> {
        self.member.span()
    }

    /// Interprets it; the spans of the clauses lie within the configuration's text.
    ///
    /// # Errors
    /// When the member is not spelled `record.member`, nothing is declared, or a lock is not written as one.
    pub fn into_contract(self) -> Result<SlotContract, ProfileError> {
        let member = self.member.get_ref();
        let word =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_:.".contains(c));
        if !member.rsplit_once('.').is_some_and(|(record, name)| word(record) && word(name)) {
            let message =
                format!("`{member}` is no slot: write the record and its member, `page_state.action`");
            return Err(ProfileError::at(message, self.member.span()));
        }
        let mut contract = Contract::default();
        for (promise, locks) in [
            (Promise::Holds, &self.holds),
            (Promise::Releases, &self.releases),
            (Promise::Acquires, &self.acquires),
        ] {
            for lock in locks {
                contract.clauses.push(clause(promise, lock)?);
            }
        }
        if contract.clauses.is_empty() {
            let message =
                format!("slot `{member}` declares nothing: say what it `holds`, `releases` or `acquires`");
            return Err(ProfileError::at(message, self.member.span()));
        }
        contract.check()?;
        Ok(SlotContract { member: Name::new(member), contract })
    }
}

fn clause(promise: Promise, lock: &Spanned<String>) -> Result<Clause, ProfileError> {
    let whole = lock.span();
    // Behind the quote the text stands as it is, unless something in it is escaped.
    let plain = whole.len() == lock.get_ref().len() + 2;
    let place = |span: std::ops::Range<usize>| match plain {
        true => whole.start + 1 + span.start..whole.start + 1 + span.end,
        false => whole.clone(),
    };
    match Clause::parse(promise, lock.get_ref()) {
        Ok(clause) => Ok(Clause { span: place(clause.span.clone()), ..clause }),
        Err(error) => {
            let span = error.span.clone().map_or(whole.clone(), place);
            Err(error.with_span(span))
        }
    }
}
