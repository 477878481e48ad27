//! What the corridor may recall, so that it need not be found out again: keys, verified tokens, clients' keys.
//!
//! In: good tokens and proofs, by way of `Grant::learned`.
//! Out: the `Memory` that whoever calls implements, and what it keeps.
//! May use: access_token, dpop::proof, keys, time.
//! Never: a memory itself, a token that no signature made, a check that is skipped for what was recalled.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::access_token::AccessToken;
use crate::dpop::proof::{ProofKey, TokenDigest};
use crate::keys::jwk_set::JwkSet;
use crate::time::Validity;

/// Position of an issuer among those of the policy.
pub type IssuerIndex = usize;

/// What the corridor looks up: the keys of now, and what it found out before.
///
/// A function from issuers to keys is a memory that remembers nothing.
pub trait Memory {
    /// The keys that an issuer has now.
    fn keys(&self, issuer: IssuerIndex) -> Option<Arc<JwkSet>>;

    /// The bound token of this digest, if it was learned of this very resource server, and with
    /// the keys that its issuer has now.
    fn verified_token(&self, _digest: &TokenDigest) -> Option<Arc<VerifiedToken>> {
        None
    }

    /// The key of proofs that begin with this header, if it was learned of this very resource server.
    fn proof_key(&self, _header: &str) -> Option<Arc<ProofKey>> {
        None
    }
}

impl<F: Fn(IssuerIndex) -> Option<Arc<JwkSet>>> Memory for F {
    fn keys(&self, issuer: IssuerIndex) -> Option<Arc<JwkSet>> {
        self(issuer)
    }
}

/// An access token whose signature and claims were found good, to be found so again until its time is over.
#[derive(Debug)]
pub struct VerifiedToken {
    issuer: IssuerIndex,
    token: AccessToken,
    number: u64,
}

static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);

impl VerifiedToken {
    pub(crate) fn new(issuer: IssuerIndex, token: AccessToken) -> Self {
        Self { issuer, token, number: NEXT_NUMBER.fetch_add(1, Ordering::Relaxed) }
    }

    pub(crate) const fn token(&self) -> &AccessToken {
        &self.token
    }

    /// Whose token it is.
    pub const fn issuer(&self) -> IssuerIndex {
        self.issuer
    }

    /// Its number, above zero. Nothing else that was verified in this process has the same, the same token included.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// When it is valid.
    pub const fn validity(&self) -> Validity {
        self.token.validity()
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.token.claims().len()
    }
}

/// What a granted request taught: it need not be found out again for the next one of the same client.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The bound token under its digest.
    pub token: Option<(TokenDigest, Arc<VerifiedToken>)>,
    /// The proof's key under the part of the proof that holds its header.
    pub proof_key: Option<(String, Arc<ProofKey>)>,
}
