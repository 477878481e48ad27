//! Requests that have no verdict yet: their waits, and the answers after these.
//!
//! In: the arguments of a call. Out: answers at once, or in the inbox under a ticket. Never: an `if` about OAuth, a
//! Promise, a wait on JavaScript's thread.

use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{Either, Either3, Result};
use napi_derive::napi;
use oidc_spa_native::time::UnixTime;
use oidc_spa_native_host::{Judgement, Validator, Wait, spawn, submit};

use crate::answer::{NativeUnsettled, settled_before, to_answer};
use crate::inbox::{Inbox, Ticket};
use crate::panics::caught;
use oidc_spa_native_engine::parts::Parts;
use oidc_spa_native_engine::verdict_text::{VerdictText, failure_text};

/// The first answer for a request.
pub type First = Either3<VerdictText, NativeWait, NativeUnsettled>;

/// A request whose answer must wait, with its arguments.
struct Waiting {
    parts: Parts,
    wait: Wait,
}

impl Waiting {
    /// Lets the answer come under a ticket. Without a runtime, or if the wait panics, the ticket is dropped, which
    /// answers with a failure.
    fn answer_under(self, ticket: Ticket, validator: Arc<Validator>) {
        let Self { parts, wait } = self;
        let _no_runtime = spawn(async move {
            let answer = validator.answer(wait, &parts.question()).await;
            ticket.answer(to_answer(&validator, answer, parts.known_token()));
        });
    }
}

/// Judges a request on the calling thread.
pub(crate) fn authorize(
    validator: &Arc<Validator>,
    inbox: &Arc<Inbox>,
    parts: Parts,
    now: UnixTime,
) -> First {
    match validator.judge(&parts.question(), now) {
        Judgement::Answer(answer) => match to_answer(validator, answer, parts.known_token()) {
            Either::A(text) => Either3::A(text),
            Either::B(unsettled) => Either3::C(unsettled),
        },
        Judgement::Waits(wait) => Either3::B(NativeWait {
            validator: Arc::clone(validator),
            inbox: Arc::clone(inbox),
            waiting: Some(Waiting { parts, wait }),
        }),
    }
}

/// Judges a request on another thread.
pub(crate) fn authorize_elsewhere(validator: Arc<Validator>, ticket: Ticket, parts: Parts, now: UnixTime) {
    let job = submit(Box::new(move || match validator.judge(&parts.question(), now) {
        Judgement::Answer(answer) => ticket.answer(to_answer(&validator, answer, parts.known_token())),
        Judgement::Waits(wait) => Waiting { parts, wait }.answer_under(ticket.waits_long(), validator),
    }));
    // Without other threads, this thread does it.
    if let Err(job) = job {
        job();
    }
}

/// Explains every check of a request under a ticket, when the needed keys have come.
pub(crate) fn explain(validator: Arc<Validator>, ticket: Ticket, parts: Parts, now: UnixTime) {
    let _no_runtime = spawn(async move {
        ticket.answer(Either::A(validator.explain(&parts.question(), now).await));
    });
}

/// Answers under a ticket when every issuer has keys: null, or a failure with the reason.
pub(crate) fn await_keys(validator: Arc<Validator>, ticket: Ticket, timeout_ms: f64, fail_fast: bool) {
    let timeout = Duration::from_millis(timeout_ms.clamp(0.0, 86_400_000.0) as u64);
    let _no_runtime = spawn(async move {
        let ready = validator.ready(timeout, fail_fast).await;
        ticket.answer(Either::A(ready.map_or_else(|reason| failure_text(&reason), |()| "null".to_owned())));
    });
}

/// A request whose verdict waits for keys or for a replay store. It holds the arguments, so that they are read only
/// once.
#[napi]
pub struct NativeWait {
    validator: Arc<Validator>,
    inbox: Arc<Inbox>,
    waiting: Option<Waiting>,
}

#[napi]
impl NativeWait {
    /// Sends the answer to the inbox under a ticket, when the keys or the store's answer have come, or when the time to
    /// wait is over. It can be called once.
    #[napi]
    pub fn answer_under(&mut self, ticket: u32) -> Result<()> {
        let waiting = self.waiting.take().ok_or_else(settled_before)?;
        let ticket = Ticket::of_long_wait(&self.inbox, ticket);
        caught(|| {
            waiting.answer_under(ticket, Arc::clone(&self.validator));
            Ok(())
        })
    }
}
