//! What is said of a request: a verdict, or a question to the application's own memory of proofs.
//!
//! In: verdicts, grants that wait for a memory's word. Out: `Answer`. May use: told, host, napi. Never: an `if` about
//! OAuth, a grant before its end.

use std::sync::Arc;

use napi::bindgen_prelude::{Either, Error, Result};
use napi_derive::napi;
use oidc_spa_native_host::{StoreAnswer, Unsettled, Validator};

use crate::told::{Told, tell};

/// A verdict, or a question to the application's own memory of proofs.
pub type Answer = Either<Told, NativeUnsettled>;

/// A grant that waits for the word of the application's own memory of proofs. What it grants is inside until then.
#[napi]
pub struct NativeUnsettled {
    validator: Arc<Validator>,
    key: String,
    expires_at: f64,
    unsettled: Option<Unsettled>,
    known: u64,
}

#[napi]
impl NativeUnsettled {
    pub(crate) fn new(validator: &Arc<Validator>, unsettled: Unsettled, known: u64) -> Self {
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

/// The error of whoever asks for a verdict twice.
pub(crate) fn settled_before() -> Error {
    Error::from_reason("internal error: this request was settled before")
}
