//! Who uses an issuer's keys, and whether the task that fetches them runs.
//!
//! In: users that come and go, the task before it ends.
//! Out: who starts the task; whether it ends.
//! Never: a user without a task, two tasks.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The users of the keys, and the flag of their task. Without a user, nothing is fetched.
#[derive(Debug, Default)]
pub(super) struct Users {
    count: AtomicUsize,
    is_attended: AtomicBool,
}

impl Users {
    /// One more user. Returns whether there was none before.
    pub(super) fn come(&self) -> bool {
        self.count.fetch_add(1, Ordering::AcqRel) == 0
    }

    /// One user less.
    pub(super) fn go(&self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether the caller, a user, starts the task, since none runs.
    pub(super) fn start_task(&self) -> bool {
        !self.is_attended.swap(true, Ordering::AcqRel)
    }

    #[cfg(test)]
    pub(super) fn is_attended(&self) -> bool {
        self.is_attended.load(Ordering::Acquire)
    }

    /// Whether the task ends, since the keys have no user.
    pub(super) fn end_task(&self) -> bool {
        let is_unused = || self.count.load(Ordering::Acquire) == 0;
        if !is_unused() {
            return false;
        }
        // Not a mere store: whoever finds the flag still set comes before this swap, which then knows of the new user.
        self.is_attended.swap(false, Ordering::AcqRel);
        // A new user came meanwhile and found a running task. So this task goes on, unless another one has started.
        is_unused() || self.is_attended.swap(true, Ordering::AcqRel)
    }
}
