//! The TOML grammar of profiles, as serde types. Keys may be spelled with `_` or `-`.

use super::ReleasedBy;
use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};
use std::collections::BTreeMap;
use toml::Spanned;

/// A profile, or the profile part of a configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProfileText {
    /// Starts of `#include` operands by which the profile is recognised.
    pub markers: Vec<String>,
    /// Lock families.
    pub family: Vec<FamilyText>,
    /// Calls that end the path.
    #[serde(alias = "no-return")]
    pub no_return: Vec<NoReturnText>,
    /// Of the calls that end the path, those that end only the thread: others go on, and want the locks.
    #[serde(alias = "thread-ends")]
    pub thread_ends: Vec<String>,
    /// Arguments that are the functions of new threads: `pthread_create(2)`.
    #[serde(alias = "thread-starts")]
    pub thread_starts: Vec<Spanned<String>>,
    /// Calls that give their first argument back.
    pub transparent: Vec<String>,
    /// Of the calls that give an argument back, those that warn when it is true.
    pub warnings: Vec<String>,
    /// Macros whose definition hangs on the configuration, each with the one that counts: `"of(p, member)" = "((p)->member)"`.
    pub macros: BTreeMap<Spanned<String>, String>,
    /// Other names for things.
    pub alias: Vec<AliasText>,
    /// Members that share the lock of their object.
    #[serde(alias = "same-address-members")]
    pub same_address_members: Vec<String>,
    /// Error-pointer vocabulary.
    #[serde(alias = "error-pointers")]
    pub error_pointers: ErrorPointersText,
    /// Look-alikes.
    #[serde(alias = "not-locks")]
    pub not_locks: Vec<String>,
    /// Words in names of macros that publish a function.
    pub exports: Vec<String>,
    /// Macros before a block that loops.
    #[serde(alias = "loop-macros")]
    pub loop_macros: Vec<String>,
    /// Macros before a block that runs once.
    #[serde(alias = "once-macros")]
    pub once_macros: Vec<String>,
    /// Attribute words.
    pub attributes: Vec<String>,
    /// Annotation words that declare a contract.
    #[serde(alias = "contract-words")]
    pub contract_words: ContractWordsText,
    /// Code that is called without being known may unwind.
    pub unwinds: bool,
    /// Lowering itself says which variables a callee may have written.
    #[serde(alias = "lends-explicitly")]
    pub lends_explicitly: bool,
    /// Calls at which a task may be suspended.
    pub suspends: Vec<String>,
    /// Methods that run a closure before they return.
    #[serde(alias = "runs-closure")]
    pub runs_closure: Vec<String>,
    /// Types that point to their first type argument.
    pub pointers: Vec<String>,
    /// Types that hold their first type argument in place.
    #[serde(alias = "in-place")]
    pub in_place: Vec<String>,
}

/// Annotation words that declare what a function does to its caller's locks, by what they declare; `…_shared`: held for reading.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContractWordsText {
    /// Held on return.
    pub acquires: Vec<String>,
    /// Held on return.
    #[serde(alias = "acquires-shared")]
    pub acquires_shared: Vec<String>,
    /// Held on return when the result says so.
    #[serde(alias = "try-acquires")]
    pub try_acquires: Vec<String>,
    /// Held on return when the result says so.
    #[serde(alias = "try-acquires-shared")]
    pub try_acquires_shared: Vec<String>,
    /// Held on entry, not on return.
    pub releases: Vec<String>,
    /// Held on entry, not on return.
    #[serde(alias = "releases-shared")]
    pub releases_shared: Vec<String>,
    /// Held throughout.
    pub holds: Vec<String>,
    /// Held throughout.
    #[serde(alias = "holds-shared")]
    pub holds_shared: Vec<String>,
    /// Not held on entry.
    pub excludes: Vec<String>,
    /// Not read any further.
    pub untold: Vec<String>,
}

/// A `[[family]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyText {
    /// Its name.
    pub name: Spanned<String>,
    /// Other names that contracts may call it by.
    #[serde(default, alias = "also-called")]
    pub also_called: Vec<String>,
    /// Families with the same word here are taken one for the other by mistake.
    #[serde(default)]
    pub kin: Option<String>,
    /// Taking it again is counted.
    #[serde(default)]
    pub nests: bool,
    /// Anybody may release it, but who both takes and releases it uses it as a lock.
    #[serde(default, alias = "used-as-lock")]
    pub used_as_lock: bool,
    /// Taking the shared side again is counted.
    #[serde(default, alias = "shared-nests")]
    pub shared_nests: bool,
    /// Who may release it.
    #[serde(default, alias = "released-by")]
    pub released_by: ReleasedBy,
    /// Beginnings of names of functions that never release what they are given.
    #[serde(default)]
    pub keeps: Vec<String>,
    /// Types that rows with a leading dot are methods of: `.lock(0)`.
    #[serde(default)]
    pub types: Vec<String>,
    /// Types whose values give the lock back when they end.
    #[serde(default, alias = "guard-types")]
    pub guard_types: Vec<Spanned<CallText>>,
    /// Made to be held while a task is suspended.
    #[serde(default)]
    pub asynchronous: bool,
    /// Gives back the guard that it is given, perhaps as another type.
    #[serde(default)]
    pub pass: Vec<Spanned<CallText>>,
    /// Runs a closure while the guard that it is given has released.
    #[serde(default)]
    pub around: Vec<Spanned<CallText>>,
    /// Code that ends or suspends such a state leaves it to whoever comes next.
    #[serde(default, alias = "often-left")]
    pub often_left: bool,
    /// Findings are reported.
    #[serde(default = "yes")]
    pub reported: bool,
    /// Held afterwards.
    #[serde(default)]
    pub acquire: Vec<Spanned<CallText>>,
    /// Held when the result says so.
    #[serde(default, alias = "try-acquire")]
    pub try_acquire: Vec<Spanned<CallText>>,
    /// Not held afterwards.
    #[serde(default)]
    pub release: Vec<Spanned<CallText>>,
    /// Not held afterwards when the result says so.
    #[serde(default, alias = "release-if")]
    pub release_if: Vec<Spanned<CallText>>,
    /// Asks.
    #[serde(default)]
    pub query: Vec<Spanned<CallText>>,
    /// Asserts.
    #[serde(default)]
    pub assert: Vec<Spanned<CallText>>,
    /// Asserts that it is not held.
    #[serde(default, alias = "assert-not")]
    pub assert_not: Vec<Spanned<CallText>>,
    /// Released and taken again inside.
    #[serde(default, alias = "drop-and-retake")]
    pub drop_and_retake: Vec<Spanned<CallText>>,
    /// Exclusive becomes shared.
    #[serde(default)]
    pub downgrade: Vec<Spanned<CallText>>,
    /// Shared becomes exclusive.
    #[serde(default)]
    pub upgrade: Vec<Spanned<CallText>>,
    /// Somebody else releases it.
    #[serde(default)]
    pub transfer: Vec<Spanned<CallText>>,
    /// Perhaps released inside.
    #[serde(default, alias = "may-release")]
    pub may_release: Vec<Spanned<CallText>>,
    /// Made.
    #[serde(default)]
    pub init: Vec<Spanned<CallText>>,
    /// Destroyed.
    #[serde(default)]
    pub destroy: Vec<Spanned<CallText>>,
    /// Scope guards.
    #[serde(default)]
    pub guard: Vec<Spanned<GuardText>>,
    /// Examples, run as tests.
    #[serde(default)]
    pub example: Vec<ExampleText>,
}

fn yes() -> bool {
    true
}

/// A call: `"f(0)"`, or a table with more.
#[derive(Clone, Debug, Default)]
pub struct CallText {
    /// `name(path)`
    pub call: String,
    /// `exclusive`, `shared`, `any`.
    pub sharing: Option<String>,
    /// `plain`, `irq`, `bh`, `irqsave`, `any`.
    pub context: Option<String>,
    /// Argument index, or `"ret"`.
    pub saved: Option<toml::Value>,
    /// Test of the result.
    pub held_if: Option<String>,
    /// Arguments that, all zero or null, leave the attempt no way to fail.
    pub sure_if_zero: Vec<u8>,
    /// It may be taken this way by who holds it already.
    pub nests: bool,
    /// It fails only when it is misused: nobody need look at the result.
    pub rarely_fails: bool,
    /// The constant that it returns when it fails for being held already.
    pub fails_with: Option<String>,
    /// Arguments that must all be zero or null for the call to do anything to the lock on behalf of its caller.
    pub only_if_zero: Vec<u8>,
    /// Test of the result of a release that may not happen.
    pub released_if: Option<String>,
    /// Test of the result of a query.
    pub true_if: Option<String>,
    /// Type of the result, where it carries the lock.
    pub gives: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongCall {
    call: String,
    sharing: Option<String>,
    context: Option<String>,
    saved: Option<toml::Value>,
    #[serde(alias = "held-if")]
    held_if: Option<String>,
    #[serde(default, alias = "sure-if-zero")]
    sure_if_zero: Vec<u8>,
    #[serde(default)]
    nests: bool,
    #[serde(default, alias = "rarely-fails")]
    rarely_fails: bool,
    #[serde(alias = "fails-with")]
    fails_with: Option<String>,
    #[serde(default, alias = "only-if-zero")]
    only_if_zero: Vec<u8>,
    #[serde(alias = "released-if")]
    released_if: Option<String>,
    #[serde(alias = "true-if")]
    true_if: Option<String>,
    gives: Option<String>,
}

impl<'de> Deserialize<'de> for CallText {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = CallText;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a call like \"my_lock(0)\" or a table with `call`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<CallText, E> {
                Ok(CallText { call: text.to_owned(), ..CallText::default() })
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<CallText, M::Error> {
                let long = LongCall::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(CallText {
                    call: long.call,
                    sharing: long.sharing,
                    context: long.context,
                    saved: long.saved,
                    held_if: long.held_if,
                    sure_if_zero: long.sure_if_zero,
                    nests: long.nests,
                    rarely_fails: long.rarely_fails,
                    fails_with: long.fails_with,
                    only_if_zero: long.only_if_zero,
                    released_if: long.released_if,
                    true_if: long.true_if,
                    gives: long.gives,
                })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A guard class.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardText {
    /// Its name, `mutex` in `guard(mutex)(&m)`.
    pub class: String,
    /// Where its lock is, seen from its arguments.
    pub lock: String,
    /// As for calls.
    pub sharing: Option<String>,
    /// As for calls.
    pub context: Option<String>,
    /// The lock may not be taken; the guard is then null.
    #[serde(default)]
    pub conditional: bool,
}

/// A call that ends the path.
#[derive(Debug)]
pub enum NoReturnText {
    /// Always.
    Always(String),
    /// When its first argument is true, or false.
    When {
        /// The name.
        call: String,
        /// True.
        when: bool,
    },
}

impl<'de> Deserialize<'de> for NoReturnText {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            call: String,
            when: String,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = NoReturnText;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a name or a table with `call` and `when`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<NoReturnText, E> {
                Ok(NoReturnText::Always(text.to_owned()))
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<NoReturnText, M::Error> {
                let Long { call, when } = Long::deserialize(de::value::MapAccessDeserializer::new(map))?;
                match when.as_str() {
                    "true" => Ok(NoReturnText::When { call, when: true }),
                    "false" => Ok(NoReturnText::When { call, when: false }),
                    other => Err(de::Error::unknown_variant(other, &["true", "false"])),
                }
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Another name for something.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AliasText {
    /// `page_folio(0)`
    pub call: Spanned<String>,
    /// `0`
    pub equals: Spanned<String>,
}

/// Error-pointer vocabulary.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ErrorPointersText {
    /// `ERR_PTR`
    pub make: Vec<String>,
    /// `PTR_ERR`
    pub value: Vec<String>,
    /// `IS_ERR`
    pub test: Vec<String>,
    /// `IS_ERR_OR_NULL`
    #[serde(alias = "test-or-null")]
    pub test_or_null: Vec<String>,
    /// `PTR_ERR_OR_ZERO`
    #[serde(alias = "value-or-zero")]
    pub value_or_zero: Vec<String>,
}

/// A family's example.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleText {
    /// The rule that fires in `bad`.
    pub rule: String,
    /// With the fault.
    pub bad: String,
    /// Without.
    pub good: String,
}
