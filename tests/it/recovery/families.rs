//! Three families of cells: the standard library's, loom's and shuttle's, each watched by a ledger. The text of
//! `src/recovery` is compiled for each of them; nothing in it is conditional.

use super::ledger::{Ledger, Who};
use lockbalance::recovery::{Family, Memory, Setup, Shared, Word};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A family that tests can run threads in.
pub trait Checked: Family<Watch = Ledger> {
    /// A thread to be waited for.
    type Thread;
    /// The current thread.
    fn who() -> Who;
    /// Runs `work` in a thread of its own.
    fn spawn(work: impl FnOnce() + Send + 'static) -> Self::Thread;
    /// Waits for the end of a thread; whether it ended well.
    fn join(thread: Self::Thread) -> bool;

    /// A memory with its ledger.
    fn memory(setup: Setup, pages: usize) -> Arc<Memory<Self>> {
        Arc::new(Memory::new(setup, Ledger::new(Self::who, pages)))
    }

    /// Runs `work` on the memory in a thread that the ledger knows by `name`.
    fn act(
        memory: &Arc<Memory<Self>>,
        name: &'static str,
        work: impl FnOnce(&Memory<Self>) + Send + 'static,
    ) -> Self::Thread {
        let memory = Arc::clone(memory);
        Self::spawn(move || {
            memory.watch().name(name);
            work(&memory);
        })
    }
}

/// Makes a family of the locks and threads in `$checker`.
macro_rules! family {
    ($(#[$doc:meta])* $family:ident, $cell:ident, $word:ident, $($checker:ident)::+) => {
        $(#[$doc])*
        pub struct $family;

        /// A word of that family.
        pub struct $word($($checker)::+::sync::atomic::AtomicUsize);

        impl Word for $word {
            fn new(value: usize) -> Self {
                Self($($checker)::+::sync::atomic::AtomicUsize::new(value))
            }

            fn get(&self) -> usize {
                self.0.load(Ordering::Acquire)
            }

            fn set(&self, value: usize) {
                self.0.store(value, Ordering::Release);
            }
        }

        /// A cell of that family.
        pub struct $cell<T> {
            value: $($checker)::+::sync::Mutex<T>,
            sleepers: $($checker)::+::sync::Condvar,
        }

        impl<T: Send> Shared<T> for $cell<T> {
            fn new(value: T) -> Self {
                let sleepers = $($checker)::+::sync::Condvar::new();
                Self { value: $($checker)::+::sync::Mutex::new(value), sleepers }
            }

            fn with<R>(&self, section: impl FnOnce(&mut T) -> R) -> R {
                section(&mut self.value.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
            }

            fn wait<R>(&self, mut ready: impl FnMut(&mut T) -> Option<R>) -> R {
                let mut value = self.value.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                loop {
                    if let Some(answer) = ready(&mut value) {
                        return answer;
                    }
                    value = self.sleepers.wait(value).unwrap_or_else(|poisoned| poisoned.into_inner());
                }
            }

            fn wake_all(&self) {
                self.sleepers.notify_all();
            }
        }

        impl Family for $family {
            type Cell<T: Send + 'static> = $cell<T>;
            type Word = $word;
            type Watch = Ledger;
        }

        impl Checked for $family {
            type Thread = $($checker)::+::thread::JoinHandle<()>;

            fn who() -> Who {
                let mut hasher = DefaultHasher::new();
                $($checker)::+::thread::current().id().hash(&mut hasher);
                hasher.finish()
            }

            fn spawn(work: impl FnOnce() + Send + 'static) -> Self::Thread {
                $($checker)::+::thread::spawn(work)
            }

            fn join(thread: Self::Thread) -> bool {
                thread.join().is_ok()
            }
        }
    };
}

family!(
    /// Real threads, in whatever order the machine runs them.
    Real, RealCell, RealWord, std
);
family!(
    /// Every order.
    Loom, LoomCell, LoomWord, loom
);
family!(
    /// Orders drawn by chance.
    Shuttle, ShuttleCell, ShuttleWord, shuttle
);
