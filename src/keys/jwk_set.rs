//! An issuer's JWK Set (RFC 7517 section 5): each key parsed once, a bad one costing only itself.
//!
//! In: the JWK Set document.
//! Out: `JwkSet`, and the keys that may have signed a token.
//! May use: jose, time.
//! Never: a key that is private, symmetric or not for signatures.

use crate::jose::algorithm::Algorithm;
use crate::jose::json::{JsonError, Object, Value, texts_of_items};
use crate::jose::jwk::{Jwk, JwkError, Spelling, Thumbprint};
use crate::jose::verification_key::VerificationKey;
use crate::time::{Leeway, NumericDate, UnixTime};

/// Keys that a set may hold.
pub const MAX_KEYS: usize = 100;

/// Keys that are tried for a token that does not name its key, or whose `kid` several keys share.
const MAX_CANDIDATES: usize = 4;

/// An issuer's public keys.
#[derive(Debug)]
pub struct JwkSet {
    keys: Vec<PublishedKey>,
}

#[derive(Debug)]
struct PublishedKey {
    kid: Option<String>,
    /// It stands for every `kid`: whoever configured it did not name it.
    fits_any_kid: bool,
    /// What tells it from other keys, if it is one.
    thumbprint: Option<Thumbprint>,
    /// When it ends, if its issuer says so (OpenID Federation section 8.7.2).
    expires: Option<NumericDate>,
    /// The key, or why it cannot be used.
    key: Result<VerificationKey, JwkError>,
}

/// Why a document is not a usable JWK Set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum JwkSetError {
    #[error("the JWK Set is {0}")]
    Json(#[from] JsonError),
    #[error("the JWK Set has no `keys` array")]
    NoKeys,
    #[error("the JWK Set has {0} keys; {MAX_KEYS} are read at most")]
    TooMany(usize),
    #[error("the JWK Set has no key that can verify signatures{0}")]
    NoneUsable(String),
}

/// The keys that may have signed a token.
#[derive(Debug)]
pub enum Candidates<'s> {
    /// No key of the set bears the token's `kid`; or there is none and no key fits the algorithm.
    Unknown,
    /// Keys bear the `kid`, but none of them can verify this algorithm.
    NoneFits,
    /// The keys to try.
    Keys(Vec<Candidate<'s>>),
}

/// A key to try, and when it ends.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Candidate<'s> {
    pub key: &'s VerificationKey,
    pub expires: Option<NumericDate>,
}

impl JwkSet {
    /// Reads a JWK Set. Keys that cannot verify signatures are passed over; a set with no other is refused.
    pub fn parse(document: &[u8]) -> Result<Self, JwkSetError> {
        let items = texts_of_items(document, "keys")?.ok_or(JwkSetError::NoKeys)?;
        // One that is not JSON as this library reads it has no name by which a token could mean it.
        Self::of(items.len(), items.into_iter().filter_map(|item| Object::parse(item).ok()))
    }

    /// Reads a JWK Set that is a JSON object already.
    pub fn from_object(object: &Object<'_>) -> Result<Self, JwkSetError> {
        let items = object.get("keys").and_then(Value::as_array).ok_or(JwkSetError::NoKeys)?;
        Self::of(items.len(), items.iter().filter_map(Value::as_object).cloned())
    }

    fn of<'a>(count: usize, jwks: impl Iterator<Item = Object<'a>>) -> Result<Self, JwkSetError> {
        if count > MAX_KEYS {
            return Err(JwkSetError::TooMany(count));
        }
        let keys: Vec<PublishedKey> =
            jwks.filter(is_for_signatures).map(|jwk| PublishedKey::new(&jwk)).collect();
        if keys.iter().all(|published| published.key.is_err()) {
            let reason = keys.iter().find_map(|published| published.key.as_ref().err());
            let reason = reason.map(|error| format!(": {error}")).unwrap_or_default();
            return Err(JwkSetError::NoneUsable(reason));
        }
        Ok(Self { keys })
    }

    /// A set of keys that an operator configured without naming them. Each is tried for any `kid`.
    pub fn of_unnamed(keys: Vec<VerificationKey>) -> Result<Self, JwkSetError> {
        if keys.is_empty() {
            return Err(JwkSetError::NoneUsable(String::new()));
        }
        let unnamed = |key| PublishedKey {
            kid: None,
            fits_any_kid: true,
            thumbprint: None,
            expires: None,
            key: Ok(key),
        };
        Ok(Self { keys: keys.into_iter().map(unnamed).collect() })
    }

    /// The keys that can verify signatures: `kid`, if they have one, and algorithms.
    pub fn usable(&self) -> impl Iterator<Item = (Option<&str>, impl Iterator<Item = Algorithm>)> {
        self.keys.iter().filter_map(|published| {
            let key = published.key.as_ref().ok()?;
            Some((published.kid.as_deref(), key.algorithms()))
        })
    }

    /// Whether both sets hold the same keys, in whatever order.
    pub fn has_the_keys_of(&self, other: &Self) -> bool {
        let holds = |set: &Self, key: &PublishedKey| {
            set.keys.iter().any(|held| {
                held.kid == key.kid && held.thumbprint == key.thumbprint && held.expires == key.expires
            })
        };
        self.keys.len() == other.keys.len()
            && self.keys.iter().all(|key| holds(other, key))
            && other.keys.iter().all(|key| holds(self, key))
    }

    /// The keys that may have signed a token with this header, those that have ended aside.
    pub fn candidates(&self, kid: Option<&str>, algorithm: Algorithm, now: UnixTime) -> Candidates<'_> {
        let is_named = |published: &&PublishedKey| {
            kid.is_none() || published.fits_any_kid || published.kid.as_deref() == kid
        };
        let has_ended = |published: &PublishedKey| {
            published.expires.is_some_and(|expires| !expires.is_still_ahead(now, Leeway::NONE))
        };
        let mut named =
            self.keys.iter().filter(is_named).filter(|published| !has_ended(published)).peekable();
        if named.peek().is_none() {
            return Candidates::Unknown;
        }
        let keys: Vec<Candidate<'_>> = named
            .filter_map(|published| {
                let key = published.key.as_ref().ok()?;
                Some(Candidate { key, expires: published.expires })
            })
            .filter(|candidate| candidate.key.allows(algorithm))
            .take(MAX_CANDIDATES)
            .collect();
        match (keys.is_empty(), kid) {
            (false, _) => Candidates::Keys(keys),
            (true, Some(_)) => Candidates::NoneFits,
            (true, None) => Candidates::Unknown,
        }
    }
}

impl PublishedKey {
    fn new(jwk: &Object<'_>) -> Self {
        let kid = jwk.get("kid").and_then(Value::as_str).filter(|kid| !kid.is_empty());
        // Another type than a number makes it some other member, and those are passed over (RFC 7517 section 4).
        let expires = jwk.get("exp").and_then(Value::as_number).and_then(NumericDate::from_json);
        let jwk = Jwk::parse(jwk, Spelling::LeadingZeros);
        let thumbprint = jwk.as_ref().ok().map(Jwk::thumbprint);
        let key = jwk.and_then(|jwk| VerificationKey::new(&jwk));
        Self { kid: kid.map(str::to_owned), fits_any_kid: false, thumbprint, expires, key }
    }
}

/// Asymmetric, and declared to be neither for encryption nor revoked (OpenID Federation section 8.7.2). Others are not
/// the issuer's signing keys at all.
fn is_for_signatures(jwk: &Object<'_>) -> bool {
    let asymmetric = matches!(jwk.get("kty").and_then(Value::as_str), Some("RSA" | "EC" | "OKP" | "AKP"));
    let purpose = jwk.get("use").is_none_or(|purpose| purpose.as_str() == Some("sig"));
    asymmetric && purpose && !jwk.has("revoked")
}
