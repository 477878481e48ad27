//! Results of earlier requests that need not be computed again: keys, verified tokens, clients' keys.
//!
//! In: good tokens and proofs, from `Grant::learned`.
//! Out: the trait `Memory`, which the caller implements, and the types that it keeps.
//! Never: a memory itself, a token without a verified signature, a check that is skipped for a remembered value.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use crate::access_token::AccessToken;
use crate::crypto::first_number;
use crate::dpop::proof::TokenDigest;

use crate::dpop::proof_key::ProofKey;
use crate::keys::jwk_set::JwkSet;
use crate::time::Validity;

/// Position of an issuer among those of the policy.
pub type IssuerIndex = usize;

/// The values that are looked up for a request: the current keys, and results of earlier requests.
///
/// A function from issuers to keys is a memory without remembered results.
pub trait Memory {
    /// The keys that an issuer has now.
    fn keys(&self, issuer: IssuerIndex) -> Option<Arc<JwkSet>>;

    /// The bound token with exactly this text, if this resource server verified it with the keys that its issuer has
    /// now.
    fn verified_token(&self, _text: &str) -> Option<BoundToken> {
        None
    }

    /// The key of proofs that begin with this header, if this resource server learned it.
    fn proof_key(&self, _header: &str) -> Option<Arc<ProofKey>> {
        None
    }
}

impl<F: Fn(IssuerIndex) -> Option<Arc<JwkSet>>> Memory for F {
    fn keys(&self, issuer: IssuerIndex) -> Option<Arc<JwkSet>> {
        self(issuer)
    }
}

/// An access token whose signature and claims are good. The result holds until the end of its time.
#[derive(Debug)]
pub struct VerifiedToken {
    issuer: IssuerIndex,
    token: AccessToken,
    key_set: u64,
    number: u64,
}

static NEXT_NUMBER: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(first_number()));

impl VerifiedToken {
    pub(crate) fn new(issuer: IssuerIndex, token: AccessToken, key_set: u64) -> Self {
        Self { issuer, token, key_set, number: NEXT_NUMBER.fetch_add(1, Ordering::Relaxed) }
    }

    pub(crate) const fn token(&self) -> &AccessToken {
        &self.token
    }

    /// The issuer of the token.
    pub const fn issuer(&self) -> IssuerIndex {
        self.issuer
    }

    /// Its number, above zero. Each verification in this process has its own number, also a second one of the same
    /// token.
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

/// Results of a granted request, which the next request of the same client can use.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The bound token under its text.
    pub token: Option<(TokenText, BoundToken)>,
    /// The proof's key under the part of the proof that holds its header.
    pub proof_key: Option<(String, Arc<ProofKey>)>,
}
