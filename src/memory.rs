//! What may be recalled of requests before, so that it need not be found out again: keys, verified tokens, clients' keys.
//!
//! In: good tokens and proofs, by way of `Grant::learned`.
//! Out: the `Memory` that whoever calls implements, and what it keeps.
//! Never: a memory itself, a token that no signature made, a check that is skipped for what was recalled.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::access_token::AccessToken;
use crate::dpop::proof::TokenDigest;

use crate::dpop::proof_key::ProofKey;
use crate::keys::jwk_set::JwkSet;
use crate::time::Validity;

/// Position of an issuer among those of the policy.
pub type IssuerIndex = usize;

/// What is looked up for a request: the keys of now, and what was found out before.
///
/// A function from issuers to keys is a memory that remembers nothing.
pub trait Memory {
    /// The keys that an issuer has now.
    fn keys(&self, issuer: IssuerIndex) -> Option<Arc<JwkSet>>;

    /// The bound token of this very text, if it was learned of this very resource server, and with
    /// the keys that its issuer has now.
    fn verified_token(&self, _text: &str) -> Option<BoundToken> {
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
    key_set: u64,
    number: u64,
}

static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);

impl VerifiedToken {
    pub(crate) fn new(issuer: IssuerIndex, token: AccessToken, key_set: u64) -> Self {
        Self { issuer, token, key_set, number: NEXT_NUMBER.fetch_add(1, Ordering::Relaxed) }
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

    /// The number of the key set that verified it ([`JwkSet::number`]).
    pub const fn key_set(&self) -> u64 {
        self.key_set
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

/// A bound token that was verified, and the digest of its text, which each of its proofs must name.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct BoundToken {
    pub digest: TokenDigest,
    pub verified: Arc<VerifiedToken>,
}

/// The text of an access token.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(Box<str>);

impl TokenText {
    /// The text, as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for TokenText {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

// It must not end up in a log.
impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(..)")
    }
}

/// What a granted request taught: it need not be found out again for the next one of the same client.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The bound token under its text.
    pub token: Option<(TokenText, BoundToken)>,
    /// The proof's key under the part of the proof that holds its header.
    pub proof_key: Option<(String, Arc<ProofKey>)>,
}
