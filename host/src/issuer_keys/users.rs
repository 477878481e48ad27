//! Who uses an issuer's keys, and whether the task that fetches them runs.
//!
//! In: users that come and go, the task before it ends.
//! Out: who starts the task; whether it ends.
//! Never: a user without a task, two tasks.

use std::sync::atomic::Ordering;
#[cfg(not(feature = "loom"))]
use std::sync::atomic::{AtomicBool, AtomicUsize};

#[cfg(feature = "loom")]
use loom::sync::atomic::{AtomicBool, AtomicUsize};

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

#[cfg(all(test, feature = "loom"))]
mod interleavings {
    use loom::model::Builder;
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    /// The task of one user ends while the next one comes. In the end the user has a task, and one alone.
    #[test]
    fn a_user_that_comes_as_the_task_ends_has_one_task() {
        loom::model(|| {
            let users = Arc::new(Users::default());
            assert!(users.start_task());
            let theirs = Arc::clone(&users);
            let task = thread::spawn(move || theirs.end_task());
            users.come();
            let is_started = users.start_task();
            let has_ended = task.join().unwrap();
            assert_eq!(is_started, has_ended, "two tasks, or none");
        });
    }

    /// Two users come while the task of an earlier one ends. Every order with up to two changes of threads where none
    /// must wait: all orders take minutes.
    #[test]
    fn two_users_that_come_as_the_task_ends_have_one_task() {
        let mut orders = Builder::new();
        orders.preemption_bound = Some(2);
        orders.check(|| {
            let users = Arc::new(Users::default());
            assert!(users.start_task());
            let come = |users: &Arc<Users>| {
                let users = Arc::clone(users);
                move || {
                    users.come();
                    users.start_task()
                }
            };
            let (first, second) = (thread::spawn(come(&users)), thread::spawn(come(&users)));
            let has_ended = users.end_task();
            let started = [first.join().unwrap(), second.join().unwrap()];
            let running = started.iter().filter(|started| **started).count() + usize::from(!has_ended);
            assert_eq!(running, 1, "{started:?}, {has_ended}");
        });
    }
}
