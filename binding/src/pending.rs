//! Requests that have no verdict yet: what they wait for, and what comes of it.
//!
//! In: what crossed the door. Out: `Answer`. May use: host, napi. Never: an `if` about OAuth, a grant before its end.

use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{Either, Either3, Error, Result};
use napi_derive::napi;
use oidc_spa_native::time::UnixTime;
use oidc_spa_native_host::{Judgement, StoreAnswer, Unsettled, Validator};

use crate::guarded;
use crate::parts::Parts;
use crate::told::{Known, Told, tell};

/// A verdict, or a question to the application's own memory of proofs.
pub type Answer = Either<Told, NativeUnsettled>;

/// What is said of a request at first.
pub type First = Either3<Told, NativePending, NativeUnsettled>;

/// What a verdict waits for, with what is known to whoever asked.
pub(crate) enum WaitsFor {
    Keys(Parts, UnixTime),
    Store(Unsettled, Known),
}

/// What can be said now, or what is to be waited for.
pub(crate) fn judge(validator: &Arc<Validator>, parts: Parts, now: UnixTime) -> Either<Answer, WaitsFor> {
    match validator.judge(&parts.question(), now) {
        Judgement::Verdict(verdict) => Either::A(Either::A(tell(verdict, parts.known()))),
        Judgement::NeedsKeys => Either::B(WaitsFor::Keys(parts, now)),
        Judgement::Unsettled(unsettled) => ask(validator, unsettled, parts.known()),
    }
}

/// The application's own memory is asked by the application.
fn ask(validator: &Arc<Validator>, unsettled: Unsettled, known: Known) -> Either<Answer, WaitsFor> {
    if validator.is_asked_by_application() {
        return Either::A(Either::B(NativeUnsettled::new(validator, unsettled, known)));
    }
    Either::B(WaitsFor::Store(unsettled, known))
}

impl WaitsFor {
    /// The answer, once what it waits for has come or the time to wait for it is over.
    pub(crate) async fn answer(self, validator: Arc<Validator>) -> Result<Answer> {
        let (unsettled, known) = match self {
            Self::Store(unsettled, known) => (unsettled, known),
            Self::Keys(parts, now) => {
                let judge = Arc::clone(&validator);
                let known = parts.known();
                let judged = guarded(async move { judge.judge_with_keys(&parts.question(), now).await });
                match judged.await? {
                    Judgement::Verdict(verdict) => return Ok(Either::A(tell(verdict, known))),
                    Judgement::NeedsKeys => return Err(internal("keys are needed again")),
                    Judgement::Unsettled(unsettled) => match ask(&validator, unsettled, known) {
                        Either::A(answer) => return Ok(answer),
                        Either::B(Self::Store(unsettled, known)) => (unsettled, known),
                        Either::B(Self::Keys(..)) => return Err(internal("keys are needed again")),
                    },
                }
            }
        };
        Ok(Either::A(tell(validator.ask_store(unsettled).await, known)))
    }
}

/// A request whose verdict waits for keys, or for the shared memory of proofs. It holds what crossed the door, so that
/// nothing is read twice.
#[napi]
pub struct NativePending {
    validator: Arc<Validator>,
    waits_for: Mutex<Option<WaitsFor>>,
}

#[napi]
impl NativePending {
    pub(crate) fn new(validator: &Arc<Validator>, waits_for: WaitsFor) -> Self {
        Self { validator: Arc::clone(validator), waits_for: Mutex::new(Some(waits_for)) }
    }

    /// The verdict, once what it needs has come or the time to wait for it is over. It can be asked for once.
    #[napi]
    pub async fn verdict(&self) -> Result<Answer> {
        let waits_for = self.waits_for.lock().unwrap_or_else(PoisonError::into_inner).take();
        waits_for.ok_or_else(settled_before)?.answer(Arc::clone(&self.validator)).await
    }
}

/// A grant that waits for the word of the application's own memory of proofs. What it grants is inside until then.
#[napi]
pub struct NativeUnsettled {
    validator: Arc<Validator>,
    key: String,
    expires_at: f64,
    unsettled: Option<Unsettled>,
    known: Known,
}

#[napi]
impl NativeUnsettled {
    fn new(validator: &Arc<Validator>, unsettled: Unsettled, known: Known) -> Self {
        Self {
            validator: Arc::clone(validator),
            key: unsettled.name().to_owned(),
            expires_at: unsettled.until().secs() as f64 * 1000.0,
            unsettled: Some(unsettled),
            known,
        }
    }

    /// The proof's name in the memory.
    #[napi(getter)]
    pub fn key(&self) -> String {
        self.key.clone()
    }

    /// When it may be forgotten, in milliseconds.
    #[napi(getter)]
    pub fn expires_at(&self) -> f64 {
        self.expires_at
    }

    /// The verdict, with the memory's word: whether the proof is new, or nothing and why there is no word. It can be
    /// asked for once.
    #[napi(catch_unwind)]
    pub fn settle(&mut self, is_new: Option<bool>, trouble: Option<String>) -> Result<Told> {
        let unsettled = self.unsettled.take().ok_or_else(settled_before)?;
        let answer = match is_new {
            Some(true) => StoreAnswer::New,
            Some(false) => StoreAnswer::Seen,
            None => StoreAnswer::Unavailable,
        };
        self.validator.note_application_store(trouble.as_deref());
        Ok(tell(self.validator.conclude(unsettled, answer), self.known))
    }
}

fn settled_before() -> Error {
    internal("this request was settled before")
}

fn internal(what: &str) -> Error {
    Error::from_reason(format!("internal error: {what}"))
}
