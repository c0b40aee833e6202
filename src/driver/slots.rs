//! Slots: what is declared of them, who is put into them, and what those seem to have in common.
//!
//! ```text
//! [[slot]] of the configuration ─┐
//! comments at members ───────────┴─▶ declared ─▶ obligations of whoever is put there · what a call through it does
//! summaries of whoever is put there ─▶ presumed ─▶ what a call through it may do · the one that deviates from all others
//! ```

use super::Settings;
use super::judge::Judged;
use super::reading::ReadTree;
use crate::diagnostic::Diagnostic;
use crate::frontend::directive;
use crate::interproc::tree::{FunctionId, Slot, TreeIndex};
use crate::ir::Name;
use crate::lock::contract::{Contract, Promise, Term};
use crate::lock::convention;
use crate::lock::obligations::{DeclaredBy, Obligation};
use crate::lock::path::Path;
use crate::lock::slot::{SlotEffect, SlotMeaning};
use crate::lock::summary::Summary;
use crate::profile::{FamilyId, Sharing};
use crate::rules::contract_mismatch::unreadable;
use crate::rules::slot_contract;
use rustc_hash::{FxHashMap, FxHashSet};

/// Functions of a slot that must do alike before the one that does not is remarkable.
const ALIKE: usize = 3;

/// A slot's contract, as the configuration declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotContract {
    /// The slot: `row.action`.
    pub member: Name,
    /// What whoever is put there does.
    pub contract: Contract,
}

/// Arguments that an inferred effect is spelled with.
const ARGUMENTS: usize = 16;

struct Declared {
    contract: Contract,
    /// Names of the parameters, where the record tells them.
    parameters: Vec<Name>,
}

/// The slots of a tree that mean something to locks.
#[derive(Default)]
pub(super) struct Slots {
    declared: FxHashMap<Name, Declared>,
    meanings: FxHashMap<(u8, Name), SlotMeaning>,
    /// Names of the members among them: calls through any other are passed over at once.
    members: FxHashSet<Name>,
    deviants: FxHashMap<FunctionId, Vec<Obligation>>,
    /// Contracts in the source that cannot be read.
    pub(super) faults: Vec<Diagnostic>,
}

impl Slots {
    /// What is declared, by the settings and in the tree. A slot that the settings speak of is not asked in the source.
    pub(super) fn of(read: &ReadTree, settings: &Settings) -> Self {
        let mut slots = Slots::default();
        for slot in &settings.slots {
            let told = read.declarations.get(&format!("parameters {}", slot.member), "");
            let parameters =
                told.first().map_or(Vec::new(), |names| names.split(',').map(Name::new).collect());
            slots.declare(&slot.member, slot.contract.clone(), parameters, settings);
        }
        for directive in &read.member_directives {
            if directive::is_about_findings(&directive.text)
                || settings.slots.iter().any(|slot| slot.member == directive.member)
            {
                continue;
            }
            let contract = Contract::parse(&directive.text).and_then(|contract| {
                contract.check_families(&settings.profiles.fallback)?;
                Ok(contract)
            });
            match contract {
                Ok(contract) => {
                    slots.declare(&directive.member, contract, directive.parameters.clone(), settings);
                }
                Err(error) => {
                    let fault = unreadable(&slot_contract::META, &directive.member, directive.span, error);
                    slots.faults.push(Diagnostic { function: String::new(), ..fault });
                }
            }
        }
        slots
    }

    fn declare(&mut self, member: &Name, contract: Contract, parameters: Vec<Name>, settings: &Settings) {
        for dialect in 0..=settings.profiles.fallback_dialect() {
            let terms = contract.bind(settings.profiles.get(dialect), &parameters);
            let meaning = SlotMeaning { slot: member.clone(), effect: SlotEffect::Declared(terms) };
            self.meanings.insert((dialect, member.clone()), meaning);
        }
        self.members.extend(member.rsplit_once('.').map(|(_, name)| Name::new(name)));
        self.declared.insert(member.clone(), Declared { contract, parameters });
    }

    /// What a call through `member` of a table does: of this type, or of the only one in the tree that has such a member.
    pub(super) fn meaning(
        &self,
        tree: &TreeIndex,
        dialect: u8,
        table: Option<&str>,
        member: &str,
    ) -> Option<&SlotMeaning> {
        if !self.members.contains(member) {
            return None;
        }
        let ends = |slot: &&Name| slot.rsplit_once('.').is_some_and(|(_, name)| name == member);
        let table = match table {
            Some(table) => table,
            None => {
                let mut declared = self.declared.keys().filter(ends).filter_map(|slot| slot.rsplit_once('.'));
                match (tree.tables_with(member), declared.next(), declared.next()) {
                    ([one], None, _) => one,
                    ([one], Some((other, _)), None) if one == other => one,
                    ([], Some((only, _)), None) => only,
                    _ => return None,
                }
            }
        };
        self.meanings.get(&(dialect, Name::new(format!("{table}.{member}"))))
    }

    /// What `function` has promised by being put where it is.
    pub(super) fn obligations(
        &self,
        read: &ReadTree,
        settings: &Settings,
        function: FunctionId,
    ) -> Vec<Obligation> {
        let mut found: Vec<Obligation> = Vec::new();
        if self.declared.is_empty() && self.deviants.is_empty() {
            return found;
        }
        let profile = settings.profiles.get(read.dialects[read.tree.definition(function).file.0 as usize]);
        for slot in read.tree.slots_of(function) {
            let Some(declared) = self.declared.get(&slot.0) else { continue };
            for term in declared.contract.bind(profile, &declared.parameters) {
                // Put into two slots that say the same, it has promised it once.
                let known = found.iter().any(|other| {
                    other.term.promise == term.promise
                        && other.term.paths == term.paths
                        && other.term.on == term.on
                });
                if !known {
                    found.push(Obligation { term, by: DeclaredBy::Slot(slot.0.clone()) });
                }
            }
        }
        if found.is_empty() {
            found.extend(self.deviants.get(&function).into_iter().flatten().cloned());
        }
        found
    }

    /// Functions that have to be looked at because of what is declared: those that are put there, and those that call through it.
    pub(super) fn concerned(&self, tree: &TreeIndex) -> Vec<FunctionId> {
        let mut concerned: Vec<FunctionId> = Vec::new();
        for slot in self.declared.keys() {
            concerned.extend_from_slice(tree.implementors(&Slot(slot.clone())));
            let member = slot.rsplit_once('.').and_then(|(_, member)| tree.name_id(member));
            let Some(member) = member else { continue };
            concerned.extend(tree.functions().filter(|&function| tree.calls(function, member)));
        }
        concerned
    }

    /// Learns from what the functions of undeclared slots do. Answers the functions that are to be judged again for it: those among
    /// `members` that call through such a slot, and those that deviate from all others.
    pub(super) fn infer(
        &mut self,
        read: &ReadTree,
        judged: &FxHashMap<FunctionId, Judged>,
        members: &[FunctionId],
    ) -> Vec<FunctionId> {
        let mut again: Vec<FunctionId> = Vec::new();
        let mut slots: Vec<(&Slot, &[FunctionId])> = read
            .tree
            .slots()
            .filter(|(slot, functions)| {
                slot.table_and_member().is_some()
                    && !self.declared.contains_key(&slot.0)
                    && functions.iter().any(|function| {
                        judged.get(function).is_some_and(|judged| !released(&judged.summary).is_empty())
                    })
            })
            .collect();
        slots.sort_unstable();
        for (slot, functions) in slots {
            let Some((_, member)) = slot.table_and_member() else { continue };
            let dialect =
                |function: FunctionId| read.dialects[read.tree.definition(function).file.0 as usize];
            let first = dialect(functions[0]);
            let functions: Vec<FunctionId> =
                functions.iter().copied().filter(|&function| dialect(function) == first).collect();
            let effects: Vec<Vec<(FamilyId, Path)>> = functions
                .iter()
                .map(|function| judged.get(function).map_or(Vec::new(), |judged| released(&judged.summary)))
                .collect();
            let mut all: Vec<&(FamilyId, Path)> = Vec::new();
            for lock in effects.iter().flatten() {
                if !all.contains(&lock) {
                    all.push(lock);
                }
            }
            let mut presumed = Vec::new();
            for lock in all {
                let releasing = effects.iter().filter(|effect| effect.contains(lock)).count();
                if releasing * 2 >= functions.len() {
                    presumed.push(lock.clone());
                }
                let lone = effects.iter().position(|effect| !effect.contains(lock));
                if let (Some(lone), true) = (lone, releasing >= ALIKE && releasing + 1 == functions.len())
                    && !convention::is_about_locking(member)
                {
                    let obligation =
                        Obligation { term: as_term(lock), by: DeclaredBy::Siblings(slot.0.clone()) };
                    self.deviants.entry(functions[lone]).or_default().push(obligation);
                    again.push(functions[lone]);
                }
            }
            if presumed.is_empty() {
                continue;
            }
            let meaning = SlotMeaning { slot: slot.0.clone(), effect: SlotEffect::Presumed(presumed) };
            self.meanings.insert((first, slot.0.clone()), meaning);
            self.members.insert(Name::new(member));
            let Some(name) = read.tree.name_id(member) else { continue };
            again.extend(members.iter().copied().filter(|&function| read.tree.calls(function, name)));
        }
        again.sort_unstable();
        again.dedup();
        again
    }
}

/// Locks behind the arguments that every call of the function gives back.
fn released(summary: &Summary) -> Vec<(FamilyId, Path)> {
    let Some((first, rest)) = summary.cases.split_first().filter(|_| !summary.unknown) else {
        return Vec::new();
    };
    let locks = first.changes.iter().filter(|change| change.state.balance() < 0);
    let locks = locks.filter_map(|change| Some((change.family, change.path.clone()?)));
    locks
        .filter(|(family, path)| {
            let gives = |change: &crate::lock::summary::LockChange| {
                change.family == *family && change.path.as_ref() == Some(path) && change.state.balance() < 0
            };
            matches!(path.root(), Path::Argument(_)) && rest.iter().all(|case| case.changes.iter().any(gives))
        })
        .collect()
}

fn as_term((family, path): &(FamilyId, Path)) -> Term {
    // As a contract would write it.
    let numbered: Vec<Name> = (0..ARGUMENTS).map(|n| Name::new(format!("arg{n}"))).collect();
    Term {
        promise: Promise::Releases,
        families: vec![*family],
        paths: vec![path.clone()],
        on: None,
        sharing: Sharing::Any,
        spelled: path.spelled(&numbered).unwrap_or_default().into(),
    }
}
