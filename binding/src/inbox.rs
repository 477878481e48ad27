//! Where verdicts of other threads wait for the JavaScript environment that asked.
//!
//! In: requests with a ticket. Out: verdicts under their tickets, many at a time. May use: host, napi. Never: an `if`
//! about OAuth, a ticket without an answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{Either, Function, Result};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use oidc_spa_native::time::UnixTime;
use oidc_spa_native_host::{Validator, spawn, submit};

use crate::parts::Parts;
use crate::pending::{Answer, WaitsFor, judge};
use crate::told::fail;

type Bell = ThreadsafeFunction<(), (), (), napi::Status, false, true, 0>;

struct Inbox {
    bell: Bell,
    /// The bell was rung and nobody has come yet: one call brings all that has come by then.
    is_rung: AtomicBool,
    answers: Mutex<Vec<(u32, Answer)>>,
}

impl Inbox {
    fn put(&self, ticket: u32, answer: Answer) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push((ticket, answer));
        if !self.is_rung.swap(true, Ordering::AcqRel) {
            // An environment that is gone hears nothing; then nobody waits either.
            self.bell.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// One environment's inbox. It keeps no process alive: whoever waits for a verdict does.
#[napi]
pub struct NativeInbox {
    inbox: Arc<Inbox>,
}

#[napi]
impl NativeInbox {
    /// `bell` is called when there is something to take.
    #[napi(constructor, catch_unwind)]
    pub fn new(bell: Function<'_, (), ()>) -> Result<Self> {
        let bell = bell.build_threadsafe_function::<()>().weak::<true>().build()?;
        let answers = Mutex::default();
        Ok(Self { inbox: Arc::new(Inbox { bell, is_rung: AtomicBool::new(false), answers }) })
    }

    /// Takes all answers that have come.
    #[napi(catch_unwind)]
    pub fn take(&self) -> Vec<(u32, Answer)> {
        // Before they are taken: what comes in between rings once more.
        self.inbox.is_rung.store(false, Ordering::Release);
        std::mem::take(&mut *self.inbox.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn ticket(&self, number: u32) -> Ticket {
        Ticket { inbox: Arc::clone(&self.inbox), number, is_answered: false }
    }
}

/// The promise of one answer. Dropped without one, by a panic, it answers that it failed.
pub(crate) struct Ticket {
    inbox: Arc<Inbox>,
    number: u32,
    is_answered: bool,
}

impl Ticket {
    /// Has a request judged on another thread.
    pub(crate) fn judge(self, validator: Arc<Validator>, parts: Parts, now: UnixTime) {
        let job = submit(Box::new(move || match judge(&validator, parts, now) {
            Either::A(answer) => self.answer(answer),
            Either::B(waits_for) => self.wait(waits_for, validator),
        }));
        // Without other threads, this one does it.
        if let Err(job) = job {
            job();
        }
    }

    fn wait(self, waits_for: WaitsFor, validator: Arc<Validator>) {
        // Where there is no runtime, the future is dropped, and the ticket with it; so is it where the wait fails.
        let _no_runtime = spawn(async move {
            if let Ok(answer) = waits_for.answer(validator).await {
                self.answer(answer);
            }
        });
    }

    fn answer(mut self, answer: Answer) {
        self.is_answered = true;
        self.inbox.put(self.number, answer);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.is_answered {
            let failed = fail("internal error: a validation ended unexpectedly");
            self.inbox.put(self.number, Either::A(failed));
        }
    }
}
