//! The validator's life without I/O, threads and clocks: it reads options, says which keys are to be fetched from where,
//! reads the answers, and judges requests.
//!
//! In: options as JSON text, requests, answers of HTTP servers, the time. Out: verdicts, requests to make. Never: a
//! connection, a clock, a claim, its own rule about which requests are granted.

#![forbid(unsafe_code)]

pub mod events;
pub mod exchange_wire;
mod explanation;
pub mod extraction;
pub mod failure;
pub mod fetch;
mod health;
pub mod held_keys;
pub mod http_answer;
pub mod issuer_keys;
pub mod keys_wait;
pub mod memories;
pub mod moment;
pub mod network_options;
pub mod options;
pub mod options_error;
pub mod parts;
pub mod plan;
pub mod reach;
pub mod redirect;
pub mod redis_options;
pub mod replay;
mod settings;
pub mod sharing;
pub mod snapshot;
mod static_keys;
pub mod surroundings;
pub mod troubles;
pub mod validator;
pub mod verdict_text;
pub mod wire;
