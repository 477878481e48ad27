//! Requests that have no verdict yet: what they wait for, and what comes of it.
//!
//! In: what crossed the door. Out: answers at once, or in the inbox under a ticket. May use: answer, inbox, parts, told,
//! host, napi. Never: an `if` about OAuth, a Promise, a wait on JavaScript's thread.

use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{Either, Either3, Result};
use napi_derive::napi;
use oidc_spa_native::time::UnixTime;
use oidc_spa_native_host::{Judgement, Unsettled, Validator, spawn, submit};

use crate::answer::{Answer, NativeUnsettled, settled_before};
use crate::inbox::{Inbox, Ticket};
use crate::parts::Parts;
use crate::told::{Told, fail, tell};

/// What is said of a request at first.
pub type First = Either3<Told, NativePending, NativeUnsettled>;

/// What a verdict waits for, with what is known to whoever asked.
enum WaitsFor {
    Keys(Parts, UnixTime),
    Store(Unsettled, u64),
}

/// What can be said now, or what is to be waited for.
fn judge(validator: &Arc<Validator>, parts: Parts, now: UnixTime) -> Either<Answer, WaitsFor> {
    match validator.judge(&parts.question(), now) {
        Judgement::Verdict(verdict) => Either::A(Either::A(tell(verdict, parts.known()))),
        Judgement::NeedsKeys => Either::B(WaitsFor::Keys(parts, now)),
        Judgement::Unsettled(unsettled) => ask(validator, unsettled, parts.known()),
    }
}

/// The application's own memory is asked by the application.
fn ask(validator: &Arc<Validator>, unsettled: Unsettled, known: u64) -> Either<Answer, WaitsFor> {
    if validator.is_asked_by_application() {
        return Either::A(Either::B(NativeUnsettled::new(validator, unsettled, known)));
    }
    Either::B(WaitsFor::Store(unsettled, known))
}

impl WaitsFor {
    /// The answer, once what it waits for has come or the time to wait for it is over.
    async fn answer(self, validator: Arc<Validator>) -> Answer {
        let (unsettled, known) = match self {
            Self::Store(unsettled, known) => (unsettled, known),
            Self::Keys(parts, now) => {
                let known = parts.known();
                let judged = match validator.judge_with_keys(&parts.question(), now).await {
                    Judgement::Verdict(verdict) => return Either::A(tell(verdict, known)),
                    Judgement::NeedsKeys => return keys_needed_again(),
                    Judgement::Unsettled(unsettled) => ask(&validator, unsettled, known),
                };
                match judged {
                    Either::A(answer) => return answer,
                    Either::B(Self::Store(unsettled, known)) => (unsettled, known),
                    Either::B(Self::Keys(..)) => return keys_needed_again(),
                }
            }
        };
        Either::A(tell(validator.ask_store(unsettled).await, known))
    }

    /// Has the answer come under a ticket. Where there is no runtime, and where the wait panics, the ticket is dropped
    /// and says so.
    fn answer_under(self, ticket: Ticket, validator: Arc<Validator>) {
        let _no_runtime = spawn(async move { ticket.answer(self.answer(validator).await) });
    }
}

fn keys_needed_again() -> Answer {
    Either::A(fail("internal error: keys are needed again"))
}

/// What is said of a request at first, on the thread that asked.
pub(crate) fn authorize(
    validator: &Arc<Validator>,
    inbox: &Arc<Inbox>,
    parts: Parts,
    now: UnixTime,
) -> First {
    match judge(validator, parts, now) {
        Either::A(Either::A(told)) => Either3::A(told),
        Either::A(Either::B(unsettled)) => Either3::C(unsettled),
        Either::B(waits_for) => Either3::B(NativePending {
            validator: Arc::clone(validator),
            inbox: Arc::clone(inbox),
            waits_for: Some(waits_for),
        }),
    }
}

/// Has a request judged on another thread.
pub(crate) fn authorize_elsewhere(validator: Arc<Validator>, ticket: Ticket, parts: Parts, now: UnixTime) {
    let job = submit(Box::new(move || match judge(&validator, parts, now) {
        Either::A(answer) => ticket.answer(answer),
        Either::B(waits_for) => waits_for.answer_under(ticket.waits_long(), validator),
    }));
    // Without other threads, this one does it.
    if let Err(job) = job {
        job();
    }
}

/// Has it said under a ticket when every issuer has keys: null, or a failure with the reason.
pub(crate) fn await_keys(validator: Arc<Validator>, ticket: Ticket, timeout_ms: f64, fail_fast: bool) {
    let timeout = Duration::from_millis(timeout_ms.clamp(0.0, 86_400_000.0) as u64);
    let _no_runtime = spawn(async move {
        let ready = validator.ready(timeout, fail_fast).await;
        ticket.answer(Either::A(ready.map_or_else(|reason| fail(&reason), |()| "null".to_owned())));
    });
}

/// A request whose verdict waits for keys, or for the shared memory of proofs. It holds what crossed the door, so that
/// nothing is read twice.
#[napi]
pub struct NativePending {
    validator: Arc<Validator>,
    inbox: Arc<Inbox>,
    waits_for: Option<WaitsFor>,
}

#[napi]
impl NativePending {
    /// Has the answer come to the inbox under a ticket, once what it needs has come or the time to wait for it is over.
    /// It can be asked for once.
    #[napi(catch_unwind)]
    pub fn answer_under(&mut self, ticket: u32) -> Result<()> {
        let waits_for = self.waits_for.take().ok_or_else(settled_before)?;
        waits_for.answer_under(Ticket::of_long_wait(&self.inbox, ticket), Arc::clone(&self.validator));
        Ok(())
    }
}
