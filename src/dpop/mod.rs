//! DPoP: proofs of possession (RFC 9449).
//!
//! In: a proof, the token that it came with, the request's method and URI, the time.
//! Out: `Proof`, and the memory of those seen.
//! Never: an issuer's keys, a challenge.

pub(crate) mod advice;
pub mod nonce;
pub mod policy;
pub mod proof;
pub mod proof_key;
pub mod replay;
pub(crate) mod shares;
pub mod target;
pub mod window;
