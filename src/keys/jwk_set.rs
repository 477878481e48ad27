//! An issuer's JWK Set (RFC 7517 section 5): each key is parsed once, and a bad key does not affect the others.
//!
//! In: the JWK Set document, or several sets of one issuer.
//! Out: `JwkSet`, and the keys that may have signed a token.
//! Never: a key that is private, symmetric or not for signatures.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use super::issuer_name::IssuerName;
use super::metadata::{A_PAGE, is_page};
use super::published_key::PublishedKey;
use super::published_key::Usefulness;
pub use super::published_key::{SkippedKey, Sought};
use crate::crypto::{SecretSet, first_number};
use crate::jose::algorithm::Algorithm;
use crate::jose::json::{JsonError, Object, Value, texts_of_items};
use crate::jose::verification_key::VerificationKey;
use crate::rejection::Shown;
use crate::time::{NumericDate, UnixTime};

/// Greatest number of keys in a set.
pub const MAX_KEYS: usize = 100;

/// Greatest number of keys that are tried for one token, the fastest first. The token may be forged.
pub const MAX_CANDIDATES: usize = 16;

/// An issuer's public keys.
#[derive(Debug)]
pub struct JwkSet {
    keys: Vec<Arc<PublishedKey>>,
    /// Some of the issuer's sets are missing.
    is_partial: bool,
    number: u64,
}

/// Why a document is not a usable JWK Set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum JwkSetError {
    #[error("expected a JWK Set as JSON, got a page (HTML or XML): {A_PAGE}")]
    Page,
    #[error("the JWK Set is {0}")]
    Json(#[from] JsonError),
    #[error("the JWK Set has no `keys` array")]
    NoKeys,
    #[error(
        "expected a JWK Set, got the issuer's metadata: write its `jwks_uri`, \"{0}\", as `jwksUri`, or leave that option \
         out"
    )]
    Metadata(String),
    #[error("the JWK Set has {0} keys; {MAX_KEYS} are read at most")]
    TooMany(usize),
    #[error("the JWK Set has no key that can verify signatures{reason}")]
    NoneUsable { reason: String, skipped: Vec<SkippedKey> },
}

/// The keys that may have signed a token.
#[derive(Debug)]
pub enum Candidates<'s> {
    /// The token names a key that is not in the set; or it names no key, and no key fits the algorithm.
    Unknown,
    /// The set has the named keys, but none of them can verify this algorithm.
    NoneFits,
    /// The keys to try.
    Keys {
        /// The cheapest first, [`MAX_CANDIDATES`] at most.
        tried: Vec<Candidate<'s>>,
        /// The number of further keys that fit and are not tried.
        left_out: usize,
    },
}

/// A key to try, its end, and the issuer that it is limited to.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Candidate<'s> {
    pub key: &'s VerificationKey,
    pub expires: Option<NumericDate>,
    pub issuer: Option<&'s IssuerName>,
    /// The token names this key, or its certificate.
    is_named: bool,
}

/// The keys that a token names by the members of its header.
#[derive(Clone, Copy)]
enum Meant {
    /// The keys with its `kid`.
    Named,
    /// The keys without a `kid` that have the certificate of the token.
    NamelessCertified,
    /// The keys with the certificate of the token.
    Certified,
    /// All.
    Any,
}

impl Meant {
    fn means(self, key: &PublishedKey, sought: &Sought<'_>) -> bool {
        match self {
            Self::Named => key.fits_kid(sought.kid),
            Self::NamelessCertified => key.kid().is_none() && key.is_certified_as(sought),
            Self::Certified => key.is_certified_as(sought),
            Self::Any => true,
        }
    }
}

/// The kind of a document that is not a JWK Set.
#[cold]
fn without_keys(document: &[u8]) -> JwkSetError {
    let object = Object::parse(document).ok();
    let named = object.as_ref().and_then(|object| object.get("jwks_uri")).and_then(Value::as_str);
    named.map_or(JwkSetError::NoKeys, |jwks_uri| JwkSetError::Metadata(Shown(jwks_uri).to_string()))
}

impl JwkSet {
    /// Reads a JWK Set. Keys that cannot verify signatures are skipped; a set without other keys is refused.
    pub fn parse(document: &[u8]) -> Result<Self, JwkSetError> {
        if is_page(document) {
            return Err(JwkSetError::Page);
        }
        let items = texts_of_items(document, "keys")?.ok_or_else(|| without_keys(document))?;
        Self::of(items.len(), items.into_iter().map(|item| Object::parse(item).ok()))
    }

    /// Reads a JWK Set that is a JSON object already.
    pub fn from_object(object: &Object<'_>) -> Result<Self, JwkSetError> {
        let items = object.get("keys").and_then(Value::as_array).ok_or(JwkSetError::NoKeys)?;
        Self::of(items.len(), items.iter().map(|item| item.as_object().cloned()))
    }

    /// The set of these keys. An element that is not valid JSON here has no name, so a token cannot name it.
    fn of<'a>(count: usize, jwks: impl Iterator<Item = Option<Object<'a>>>) -> Result<Self, JwkSetError> {
        if count > MAX_KEYS {
            return Err(JwkSetError::TooMany(count));
        }
        let read = |jwk: Option<Object<'a>>| {
            jwk.map_or_else(PublishedKey::unreadable, |jwk| PublishedKey::of_jwk(&jwk))
        };
        let keys: Vec<Arc<PublishedKey>> = jwks.map(read).map(Arc::new).collect();
        if !keys.iter().any(|key| matches!(key.usefulness, Usefulness::Usable(_))) {
            let signing = keys.iter().find(|key| key.is_for_signatures());
            let reason = signing.or(keys.first()).and_then(|key| key.trouble());
            let reason = reason.map(|error| format!(": {error}")).unwrap_or_default();
            let skipped = keys.iter().filter_map(|key| key.skipped()).collect();
            return Err(JwkSetError::NoneUsable { reason, skipped });
        }
        Ok(Self::numbered(keys, false))
    }

    /// A set of keys that an operator configured without naming them. Each is tried for any `kid`.
    pub fn of_unnamed(keys: Vec<VerificationKey>) -> Result<Self, JwkSetError> {
        if keys.is_empty() {
            return Err(JwkSetError::NoneUsable { reason: String::new(), skipped: Vec::new() });
        }
        let keys = keys.into_iter().map(|key| Arc::new(PublishedKey::unnamed(key))).collect();
        Ok(Self::numbered(keys, false))
    }

    /// Joins several sets into one. A missing set is `None`; if all are missing, the result is `None`.
    pub fn joined(sets: &[Option<Arc<Self>>]) -> Option<Self> {
        let there: Vec<&Arc<Self>> = sets.iter().flatten().collect();
        if there.is_empty() {
            return None;
        }
        let is_partial = there.len() < sets.len() || there.iter().any(|set| set.is_partial);
        Some(Self::numbered(there.iter().flat_map(|set| set.keys.iter().cloned()).collect(), is_partial))
    }

    fn numbered(keys: Vec<Arc<PublishedKey>>, is_partial: bool) -> Self {
        static NEXT_NUMBER: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(first_number()));
        Self { keys, is_partial, number: NEXT_NUMBER.fetch_add(1, Ordering::Relaxed) }
    }

    /// Its number, above zero. No other set of this process has this number, not even one of the same document.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Whether a set is missing now. Then the key of an unverified token may be in that set.
    pub(crate) fn may_lack(&self, sought: &Sought<'_>) -> bool {
        self.is_partial && !self.keys.iter().any(|key| key.is_called(sought.kid))
    }

    /// The keys that can verify signatures: `kid`, if they have one, and algorithms.
    pub fn usable(&self) -> impl Iterator<Item = (Option<&str>, impl Iterator<Item = Algorithm>)> {
        self.keys.iter().filter_map(|published| match &published.usefulness {
            Usefulness::Usable(key) => Some((published.kid(), key.algorithms())),
            _ => None,
        })
    }

    /// The keys that cannot verify signatures, and why.
    pub fn skipped(&self) -> impl Iterator<Item = SkippedKey> {
        self.keys.iter().filter_map(|key| key.skipped())
    }

    /// Whether both sets hold the same signing keys, in any order.
    pub fn has_the_keys_of(&self, other: &Self) -> bool {
        let signing = |set: &'_ Self| set.keys.iter().filter(|key| key.is_for_signatures()).count();
        let (own, others): (SecretSet<_>, SecretSet<_>) =
            (self.identities().collect(), other.identities().collect());
        signing(self) == signing(other) && own == others
    }

    fn identities(&self) -> impl Iterator<Item = impl Eq + std::hash::Hash + '_> {
        self.keys.iter().filter(|key| key.is_for_signatures()).map(|key| key.identity())
    }

    /// The keys that may have signed a token with this header. Keys whose time has ended are left out.
    ///
    /// The token's `kid` decides. Without a `kid`, the keys with the certificate that the token names (`x5t`,
    /// `x5t#S256`) count, or else all keys, since not every issuer publishes certificates. If no key has the token's
    /// `kid`, the keys without a `kid` that have its certificate count.
    pub fn candidates(&self, sought: &Sought<'_>, now: UnixTime) -> Candidates<'_> {
        let Some(meant) = self.meant(sought, now) else { return Candidates::Unknown };
        let mut tried: Vec<Candidate<'_>> = self
            .signing(now)
            .filter(|published| meant.means(published, sought))
            .filter_map(|published| {
                let (expires, issuer) = (published.expires, published.issuer.as_ref());
                let is_named = published.is_called(sought.kid) || published.is_certified_as(sought);
                Some(Candidate { key: published.fitting(sought)?, expires, issuer, is_named })
            })
            .collect();
        if tried.is_empty() {
            return if sought.kid.is_some() { Candidates::NoneFits } else { Candidates::Unknown };
        }
        // Keys that the token names come before keys that fit every name.
        tried.sort_by_key(|candidate| (!candidate.is_named, candidate.key.modulus_bits()));
        let left_out = tried.len().saturating_sub(MAX_CANDIDATES);
        tried.truncate(MAX_CANDIDATES);
        Candidates::Keys { tried, left_out }
    }

    /// The signing keys whose time has not ended, usable or not.
    fn signing(&self, now: UnixTime) -> impl Iterator<Item = &PublishedKey> {
        let keys = self.keys.iter().map(Arc::as_ref);
        keys.filter(move |key| key.is_for_signatures() && !key.has_ended(now))
    }

    /// The signing keys that a token names; `None` if the set has none of them.
    fn meant(&self, sought: &Sought<'_>, now: UnixTime) -> Option<Meant> {
        let names_certificate = !sought.by_kid_alone && (sought.x5t.is_some() || sought.x5t_s256.is_some());
        let order: &[Meant] = match (sought.kid.is_some(), names_certificate) {
            (true, false) => &[Meant::Named],
            (true, true) => &[Meant::Named, Meant::NamelessCertified],
            (false, true) => &[Meant::Certified, Meant::Any],
            (false, false) => &[Meant::Any],
        };
        order.iter().copied().find(|meant| self.signing(now).any(|key| meant.means(key, sought)))
    }

    /// Why the keys with the token's `kid` do not verify it, for a message.
    pub fn why_none(&self, sought: &Sought<'_>, now: UnixTime) -> Option<String> {
        let named = self.keys.iter().filter(|key| key.is_called(sought.kid));
        let reason = named.filter_map(|key| key.why_not(sought, now)).next()?;
        Some(format!("the key with kid {} is skipped: {reason}", Shown(sought.kid?)))
    }
}
