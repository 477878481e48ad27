//! The validator's life in a process: it fetches keys, shares them, remembers proofs and passes the time.
//!
//! In: options as JSON text, requests. Out: verdicts. Never: napi, a claim, its own rule about which requests are
//! granted.

#![forbid(unsafe_code)]

mod content_coding;
mod events;
mod exchange;
mod explanation;
mod fetch;
mod health;
mod held_keys;
mod issuer_keys;
mod judgement;
mod memories;
mod network;
mod options;
mod options_error;
mod registry;
mod replay;
mod runtime;
mod settings;
mod snapshot;
mod static_keys;
mod troubles;
mod validator;
mod workers;

pub use events::listen;
pub use judgement::{Answer, Judgement, Wait};
pub use network::trust::{lacks_authorities, trust_where_the_system_has_no_authorities};
pub use options::Internals;
pub use options_error::OptionsError;
pub use replay::StoreQuestion;
pub use runtime::spawn;
pub use troubles::{Report, Troubles};
pub use validator::Validator;
pub use workers::{Job, queued_jobs, submit};
