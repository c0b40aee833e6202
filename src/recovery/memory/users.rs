//! Processes that have a page mapped, and how a failure parts them from it.

use super::super::sync::{Family, Shared};
use super::super::vocabulary::{Errno, MfFlags, Outcome, PageFlags};
use super::page::Page;
use super::{Place, User};

impl<F: Family> Page<'_, F> {
    /// A process maps the folio; its mapping holds a reference.
    pub fn map(self, user: User) {
        self.head().frame(|frame| {
            frame.users.push(user);
            frame.count += 1;
        });
    }

    /// A process gives its mapping up; what it wrote is the page's now. False if it has none.
    pub fn unmap(self, process: u32) -> bool {
        let had = self.head().frame(|frame| {
            let found = frame.users.iter().position(|user| user.process == process);
            if let Some(at) = found
                && frame.users.remove(at).dirty
            {
                frame.flags |= PageFlags::DIRTY;
            }
            found.is_some()
        });
        if had {
            self.put();
        }
        had
    }

    /// Parts all processes from a bad page, and kills those that cannot do without it. True if none is left.
    ///
    /// Who has only read a file's page can read it again from the file, and lives.
    pub fn unmap_users(self, flags: MfFlags) -> bool {
        let (gone, stays, killed) = self.head().frame(|frame| {
            let (stays, gone): (Vec<User>, Vec<User>) = frame.users.drain(..).partition(|user| user.stubborn);
            if gone.iter().any(|user| user.dirty) {
                frame.flags |= PageFlags::DIRTY;
            }
            let lost = matches!(frame.place, Place::Anon | Place::Nowhere)
                || frame.flags.has(PageFlags::DIRTY)
                || flags.has(MfFlags::MUST_KILL);
            let killed = gone.iter().filter(|_| lost).chain(&stays).map(|user| user.process).collect();
            frame.users = stays;
            (gone.len(), frame.users.len(), killed)
        });
        self.kill(killed);
        (0..gone).for_each(|_| self.put());
        stays == 0
    }

    /// Kills all processes that have the page mapped, without parting them from it.
    pub fn kill_users(self) {
        self.kill(self.head().frame(|frame| frame.users.iter().map(|user| user.process).collect()));
    }

    fn kill(self, mut processes: Vec<u32>) {
        if !processes.is_empty() {
            self.memory.tally.with(|tally| tally.killed.append(&mut processes));
        }
    }

    /// Kills the process that has run into a page which was known to be bad.
    pub fn kill_accessor(self, process: Option<u32>) -> Outcome {
        let Some(process) = process else { return Err(Errno::Fault) };
        let maps = self.head().frame(|frame| frame.users.iter().any(|user| user.process == process));
        if !maps {
            return Err(Errno::Fault);
        }
        self.kill(vec![process]);
        Err(Errno::HwPoison)
    }
}
