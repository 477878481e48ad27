//! The validator's life in a process: it fetches keys, shares them, remembers proofs and tells the time.
//!
//! In: options as JSON text, requests. Out: verdicts.
//! May use: the validator, tokio, reqwest, redis. Never: napi, a claim, a rule of its own about who may enter.

#![forbid(unsafe_code)]

mod events;
mod fetch;
mod health;
mod issuer_keys;
mod memories;
mod network;
mod options;
mod registry;
mod replay;
mod runtime;
mod static_keys;
mod validator;
mod workers;

pub use events::listen;
pub use options::OptionsError;
pub use replay::{StoreAnswer, Unsettled};
pub use runtime::{run, spawn};
pub use validator::{Denial, Judgement, Question, Repeatable, Validator, Verdict};
pub use workers::{Job, submit};
