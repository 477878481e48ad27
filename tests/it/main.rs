//! Integration tests: attacks, vectors and rules, through the doors that a caller of the library has.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access_token;
mod certificates;
mod challenges;
mod chosen_keys;
mod circles;
mod dpop;
mod explanation;
mod extraction;
mod forwarded;
mod growth;
mod issuer;
mod jose;
mod jwk_set;
mod key_ring;
mod layering;
mod lock_files;
mod numbers;
mod payload;
mod presentation;
mod proxies;
mod recall;
mod replay;
mod rfc_vectors;
mod spelling;
mod validity;
mod vectors;
mod walks;
mod wycheproof;
