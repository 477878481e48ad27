//! What a validator remembers of good requests: the trait of its memories.
//!
//! In: results of a granted request, with the number of the keys that verified it.
//! Out: the same results, while the issuer has these keys.
//! Never: a memory itself; an answer about a proof seen before.

use std::sync::Arc;

use oidc_spa_native::dpop::proof_key::ProofKey;
use oidc_spa_native::memory::{BoundToken, Learned, VerifiedToken};
use oidc_spa_native::time::UnixTime;

/// The memories of one validator. They may forget anything at any time.
pub trait Memories {
    /// The token of this text, if the keys that verified it are the issuer's now.
    fn verified_token(
        &self,
        text: &str,
        number_of: impl FnOnce(&VerifiedToken) -> Option<u64>,
    ) -> Option<BoundToken>;

    /// The key of proofs that begin with this header.
    fn proof_key(&self, header: &str) -> Option<Arc<ProofKey>>;

    /// Keeps the results of a granted request.
    fn keep(&self, learned: &Learned, now: UnixTime);
}
