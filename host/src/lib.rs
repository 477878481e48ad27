//! The validator's life in a process: it fetches keys, shares them, remembers proofs and passes the time.
//!
//! In: options as JSON text, requests. Out: verdicts. Never: napi, a claim, its own rule about which requests are
//! granted.

#![forbid(unsafe_code)]

#[cfg(all(feature = "fault", not(debug_assertions)))]
compile_error!("the feature `fault` is for tests: no release build may have it");

mod application_fetch;
mod clock;
mod content_coding;
mod exchange;
#[cfg(feature = "fault")]
pub mod fault;
mod fetch;
mod issuer_keys;
mod judgement;
mod memories;
mod network;
mod process;
mod registry;
mod replay;
mod runtime;
mod validator;
mod workers;

pub use application_fetch::{ApplicationFetch, Got, Take};
pub use clock::steady;
pub use judgement::{Judgement, Wait};
pub use network::trust::{lacks_authorities, trust_where_the_system_has_no_authorities};
pub use oidc_spa_native_engine::events::listen;
pub use oidc_spa_native_engine::options::Internals;
pub use oidc_spa_native_engine::options_error::OptionsError;
pub use oidc_spa_native_engine::replay::StoreQuestion;
pub use oidc_spa_native_engine::troubles::{Report, Troubles};
pub use oidc_spa_native_engine::validator::Answer;
pub use runtime::spawn;
pub use validator::Validator;
pub use workers::{Job, queued_jobs, submit};
