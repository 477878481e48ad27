//! The validator in a process: keys fetched from an issuer that may be anything but friendly.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod cold_start;
mod discovery;
mod hostile_answers;
mod hostile_issuer;
mod outage;
mod refresh;
mod rotation;
mod several_sets;
mod tokens;
