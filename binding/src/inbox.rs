//! The queue in which answers of other threads wait for the JavaScript environment that asked.
//!
//! In: answers under tickets. Out: the same, many at a time. Never: an `if` about OAuth, a ticket without an answer, an
//! answer for an environment that has ended.

use std::sync::{Arc, PoisonError};
#[cfg(not(feature = "loom"))]
use std::sync::{Mutex, MutexGuard};

#[cfg(feature = "loom")]
use loom::sync::{Mutex, MutexGuard};

use napi::Env;
use napi::bindgen_prelude::{Either, Function, Result};
use napi_derive::napi;
use oidc_spa_native_host::queued_jobs;

use crate::answer::Answer;
use crate::notifier::Notifier;
use crate::panics::{ENDED, caught};
use oidc_spa_native_engine::verdict_text::failure_text;

/// The answers of one environment.
///
/// No answer is left behind. All that decides whether to call the environment is behind one lock. Whenever that lock is
/// free and there are answers in the queue, either the environment was called since they were last taken, or a ticket is
/// under way. When the answer of that ticket arrives, the decision is made anew. A ticket that is dropped arrives too.
pub(crate) struct Inbox {
    /// Tells the environment that there is something to take. Answers whether that environment still listens.
    notify: Box<dyn Fn() -> bool + Send + Sync>,
    /// The number of jobs of every environment that no thread has started.
    queued: fn() -> usize,
    queue: Mutex<CompletionQueue>,
}

#[derive(Default)]
struct CompletionQueue {
    answers: Vec<(u32, Answer)>,
    /// Tickets that are with the threads, whose answers come soon.
    under_way: usize,
    listener: Listener,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Listener {
    #[default]
    NotCalled,
    /// The environment was called and has not taken its answers yet. One call brings all answers that are there by
    /// then.
    Called,
    /// The environment has ended.
    Gone,
}

/// Answers wait for others while this many times as many are under way, since each call of the environment costs as
/// much as several answers. At most a quarter of all answers under way waits, so the threads have work meanwhile.
const SHARE_UNDER_WAY: usize = 3;
/// Answers that wait, at most.
const MAX_HELD: usize = 32;
/// If the threads have this many times more jobs of other environments than of this one, an answer is not held back to
/// be delivered with others.
const SHARE_QUEUED: usize = 8;

impl CompletionQueue {
    /// Whether the present answers wait for more.
    fn waits_for_more(&self, queued: fn() -> usize) -> bool {
        let held = self.answers.len();
        let more_come_soon =
            self.under_way > SHARE_UNDER_WAY * held && queued() <= SHARE_QUEUED * self.under_way;
        held == 0 || (more_come_soon && held < MAX_HELD)
    }
}

impl Inbox {
    fn queue(&self) -> MutexGuard<'_, CompletionQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A ticket that is no longer under way: with its answer, or without one if the answer will take long.
    fn arrive(&self, answer: Option<(u32, Answer)>) {
        let mut queue = self.queue();
        queue.under_way = queue.under_way.saturating_sub(1);
        queue.answers.extend(answer);
        if !queue.waits_for_more(self.queued) {
            self.call(queue);
        }
    }

    /// An answer that took long.
    fn put(&self, ticket: u32, answer: Answer) {
        let mut queue = self.queue();
        queue.answers.push((ticket, answer));
        self.call(queue);
    }

    /// Calls the environment to take the answers, or drops them if the environment has ended.
    fn call<'a>(&'a self, mut queue: MutexGuard<'a, CompletionQueue>) {
        if queue.listener == Listener::NotCalled {
            queue.listener = Listener::Called;
            drop(queue);
            if (self.notify)() {
                return;
            }
            queue = self.queue();
            queue.listener = Listener::Gone;
        }
        if queue.listener == Listener::Gone {
            let unheard = std::mem::take(&mut queue.answers);
            drop(queue);
            drop(unheard);
        }
    }

    /// A ticket for an answer that comes soon, from another thread.
    pub(crate) fn ticket(self: &Arc<Self>, number: u32) -> Ticket {
        self.queue().under_way += 1;
        Ticket { inbox: Arc::clone(self), number, state: State::UnderWay }
    }

    fn take(&self) -> Vec<(u32, Answer)> {
        let mut queue = self.queue();
        if queue.listener == Listener::Called {
            queue.listener = Listener::NotCalled;
        }
        std::mem::take(&mut queue.answers)
    }

    fn new(queued: fn() -> usize, notify: impl Fn() -> bool + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { notify: Box::new(notify), queued, queue: Mutex::new(CompletionQueue::default()) })
    }
}

/// One environment's inbox. It does not keep the process alive; the JavaScript code that waits for an answer does.
#[napi]
pub struct NativeInbox {
    inbox: Arc<Inbox>,
}

#[napi]
impl NativeInbox {
    /// `notify` is called when there is something to take.
    #[napi(constructor)]
    pub fn new(env: &Env, notify: Function<'_, (), ()>) -> Result<Self> {
        caught(|| {
            // It is called only once until the answers are taken, so its queue is never full.
            let notifier = Notifier::<(), 0>::new(env, &notify)?;
            Ok(Self { inbox: Inbox::new(queued_jobs, move || notifier.notify(())) })
        })
    }

    /// Takes all answers that have come: their tickets, and at the same places the answers.
    #[napi]
    pub fn take(&self) -> Result<(Vec<u32>, Vec<Answer>)> {
        caught(|| Ok(self.inbox.take().into_iter().unzip()))
    }

    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }
}

/// The promise of one answer. If a panic drops it without an answer, it answers with a failure.
pub(crate) struct Ticket {
    inbox: Arc<Inbox>,
    number: u32,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// The threads work on it.
    UnderWay,
    /// It waits for keys or a replay store.
    Waiting,
    Answered,
}

impl Ticket {
    /// A ticket whose answer takes long.
    pub(crate) fn of_long_wait(inbox: &Arc<Inbox>, number: u32) -> Self {
        Self { inbox: Arc::clone(inbox), number, state: State::Waiting }
    }

    /// The same ticket, when its answer turns out to take long: no other answer waits for it.
    pub(crate) fn waits_long(mut self) -> Self {
        if self.state == State::UnderWay {
            self.state = State::Waiting;
            self.inbox.arrive(None);
        }
        self
    }

    pub(crate) fn answer(mut self, answer: Answer) {
        self.give(answer);
    }

    fn give(&mut self, answer: Answer) {
        match std::mem::replace(&mut self.state, State::Answered) {
            State::UnderWay => self.inbox.arrive(Some((self.number, answer))),
            State::Waiting => self.inbox.put(self.number, answer),
            State::Answered => {}
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.state != State::Answered {
            let failed = failure_text(ENDED);
            self.give(Either::A(failed));
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(all(test, feature = "loom"))]
mod interleavings;
