//! The rules for DPoP proofs that a server sets.
//!
//! In: options, read elsewhere.
//! Out: `DpopPolicy`.
//! Never: a check.

use super::window::ProofWindow;
use crate::jose::algorithm::AlgorithmSet;

/// The rules for DPoP proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DpopPolicy {
    /// Algorithms that a proof may be signed with.
    pub algorithms: AlgorithmSet,
    /// Where a proof's `iat` must lie.
    pub window: ProofWindow,
    /// Where it must lie if the proof holds a good nonce of this server: the client's clock may be wrong, within a
    /// bound.
    pub nonce_window: ProofWindow,
    /// Bytes of a proof.
    pub max_bytes: usize,
    /// Follow `oidc-spa/server`: compare `htm` without regard to case, although methods are case-sensitive (RFC 9110
    /// section 9.1), and use only that library's sentences for refusals.
    pub as_oidc_spa: bool,
}
