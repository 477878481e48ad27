//! The answer for a request: a verdict, or a question to the application's own replay store.
//!
//! In: answers of the host. Out: `Answer`. Never: an `if` about OAuth, a grant before the store's answer.

use std::sync::Arc;

use napi::bindgen_prelude::{Either, Error, Result};
use napi_derive::napi;
use oidc_spa_native_host::{StoreQuestion, Validator};

use oidc_spa_native_engine::verdict_text::{VerdictText, verdict_text};

use crate::panics::caught;

/// A verdict, or a question to the application's own replay store.
pub type Answer = Either<VerdictText, NativeUnsettled>;

/// Writes an answer of the host. `known_token` is the number of a token whose claims JavaScript already has, or zero.
pub(crate) fn to_answer(
    validator: &Arc<Validator>,
    answer: oidc_spa_native_host::Answer,
    known_token: u64,
) -> Answer {
    match answer {
        oidc_spa_native_host::Answer::Verdict(verdict) => Either::A(verdict_text(&verdict, known_token)),
        oidc_spa_native_host::Answer::AskStore(question) => {
            Either::B(NativeUnsettled::new(validator, question, known_token))
        }
    }
}

/// A grant that waits for the answer of the application's own replay store. Its content stays inside until then.
#[napi]
pub struct NativeUnsettled {
    validator: Arc<Validator>,
    key: String,
    expires_at: f64,
    question: Option<StoreQuestion>,
    known_token: u64,
}

#[napi]
impl NativeUnsettled {
    fn new(validator: &Arc<Validator>, question: StoreQuestion, known_token: u64) -> Self {
        Self {
            validator: Arc::clone(validator),
            key: question.name().to_owned(),
            expires_at: question.until().secs() as f64 * 1000.0,
            question: Some(question),
            known_token,
        }
    }

    /// The proof's name in the store.
    #[napi(getter)]
    pub fn key(&self) -> String {
        self.key.clone()
    }

    /// When it may be forgotten, in milliseconds.
    #[napi(getter)]
    pub fn expires_at(&self) -> f64 {
        self.expires_at
    }

    /// The verdict, with the store's answer: whether the proof is new; or nothing, and why there is no answer. It can
    /// be called once.
    #[napi]
    pub fn settle(&mut self, is_new: Option<bool>, trouble: Option<String>) -> Result<VerdictText> {
        let question = self.question.take().ok_or_else(settled_before)?;
        let word = is_new.ok_or_else(|| trouble.unwrap_or_default());
        caught(|| Ok(verdict_text(&self.validator.conclude(question, word), self.known_token)))
    }
}

/// The error of a second call for the same verdict.
pub(crate) fn settled_before() -> Error {
    Error::from_reason("internal error: this request was settled before")
}
