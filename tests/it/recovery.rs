//! The reference of `src/recovery`: what it does, that its rule is a type, and what model checkers say of it and of the
//! alternatives. `docs/recovery.md` names for each invariant the test that checks it.

mod checkers;
mod designs;
mod families;
mod ledger;
mod meetings;
mod path;
mod scenario;
mod types;
