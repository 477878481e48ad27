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
    /// Where it must lie, if the proof holds a good nonce of this server: its clock may be wrong, but not by any time.
    pub nonce_window: ProofWindow,
    /// Bytes of a proof.
    pub max_bytes: usize,
    /// As `oidc-spa/server` does it: `htm` is compared without regard to case, though methods are case-sensitive (RFC 9110
    /// section 9.1), and a refusal says what that library says and no more.
    pub as_oidc_spa: bool,
}
