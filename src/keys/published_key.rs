//! One key of an issuer's JWK Set (RFC 7517 section 4): its name, the issuer that it is limited to, whether it can be
//! used.
//!
//! In: a JWK; the members of a token's header that name its key.
//! Out: `PublishedKey`, with a `VerificationKey` or the reason why there is none.
//! Never: a key that is private, symmetric or not for signatures; a certificate's content.

use super::issuer_name::IssuerName;
use crate::crypto::{sha1_of_certificate, sha256};
use crate::jose::algorithm::Algorithm;
use crate::jose::json::{Object, Value};
use crate::jose::jwk::{Jwk, JwkError, Spelling, Thumbprint};
use crate::jose::jws::MAX_KID_CHARS;
use crate::jose::verification_key::VerificationKey;
use crate::jose::{base64_decode, base64url_encode};
use crate::rejection::Shown;
use crate::time::{Leeway, NumericDate, UnixTime};

/// Greatest length of an `issuer` in bytes: its template is filled in for each token.
const MAX_ISSUER_BYTES: usize = 1024;

/// The members of a token that name its key.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'t> {
    /// `kid`.
    pub kid: Option<&'t str>,
    /// `x5t`.
    pub x5t: Option<&'t str>,
    /// `x5t#S256`.
    pub x5t_s256: Option<&'t str>,
    /// `alg`.
    pub algorithm: Algorithm,
    /// Choose as `oidc-spa/server` does: by the `kid` alone, and an empty member of a JWK does not count as absent.
    pub by_kid_alone: bool,
}

impl<'t> Sought<'t> {
    /// A search for a key with only these members.
    pub const fn new(kid: Option<&'t str>, algorithm: Algorithm) -> Self {
        Self { kid, x5t: None, x5t_s256: None, algorithm, by_kid_alone: false }
    }
}

/// A key, as its issuer publishes it.
#[derive(Debug)]
pub(super) struct PublishedKey {
    pub(super) name: KeyName,
    certificate: CertificateName,
    /// Its identity among other keys, if it can be parsed.
    thumbprint: Option<Thumbprint>,
    /// The issuer that the key is limited to, if the JWK has one, as in Entra ID's common key set.
    pub(super) issuer: Option<IssuerName>,
    /// The end of its time, if the JWK has one (OpenID Federation section 8.7.2).
    pub(super) expires: Option<NumericDate>,
    /// `use`, `alg` or `key_ops` is there, and is `null` or empty.
    has_empty_member: bool,
    pub(super) usefulness: Usefulness,
}

/// The `kid` of a key.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum KeyName {
    Is(String),
    /// It has no `kid`.
    None,
    /// It fits every `kid`, since the options give it no name.
    Any,
}

/// The digests by which a token may name a key's certificate, as a token writes them.
#[derive(Debug, Default)]
struct CertificateName {
    x5t: Option<String>,
    x5t_s256: Option<String>,
}

/// Whether a key can verify signatures.
#[derive(Debug)]
pub(super) enum Usefulness {
    Usable(VerificationKey),
    /// It is a signing key that cannot be used.
    Unusable(JwkError),
    /// It is not a signing key: it is symmetric, for encryption, revoked, or cannot be read.
    NotForSignatures(NotForSignatures),
}

/// Why an issuer cannot sign with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotForSignatures {
    #[error("it is not one unambiguous JSON object")]
    Unreadable,
    #[error("its `kty` is none of RSA, EC, OKP and AKP")]
    KeyType,
    #[error("its `use` is another than \"sig\"")]
    Use,
    #[error("it is revoked")]
    Revoked,
}

/// A key that cannot verify signatures, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its `kid`, escaped and cut.
    pub kid: Option<String>,
    /// Why it is skipped.
    pub reason: String,
}

impl PublishedKey {
    /// Its name and why it is skipped; `None` for a key that can verify signatures.
    pub(super) fn skipped(&self) -> Option<SkippedKey> {
        Some(SkippedKey { kid: self.shown_kid(), reason: self.trouble()? })
    }

    /// Reads a member of a JWK Set.
    pub(super) fn of_jwk(jwk: &Object<'_>) -> Self {
        // A `kid` that is too long for a token counts as absent.
        let can_be_named = |kid: &&str| !kid.is_empty() && kid.len() <= MAX_KID_CHARS;
        let kid = jwk.get("kid").and_then(Value::as_str).filter(can_be_named);
        let issuer = match jwk.get("issuer") {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let name = value.as_str().filter(|name| name.len() <= MAX_ISSUER_BYTES).map(IssuerName::of);
                name.map(Some).ok_or(JwkError::Member("issuer", "a string of up to 1024 bytes"))
            }
        };
        let bound = issuer.as_ref().ok().cloned().flatten();
        let (thumbprint, usefulness) = match (not_for_signatures(jwk), issuer) {
            (Some(reason), _) => (None, Usefulness::NotForSignatures(reason)),
            // The issuer of the key is not known, so the key verifies no token.
            (None, Err(error)) => (None, Usefulness::Unusable(error)),
            (None, Ok(_)) => read_material(jwk),
        };
        Self {
            name: kid.map_or(KeyName::None, |kid| KeyName::Is(kid.to_owned())),
            certificate: CertificateName::of_jwk(jwk),
            thumbprint,
            issuer: bound,
            // A value that is not a number is not this member; unknown members are ignored (RFC 7517 section 4).
            expires: jwk.get("exp").and_then(Value::as_number).and_then(NumericDate::from_json),
            has_empty_member: ["use", "alg", "key_ops"]
                .iter()
                .any(|name| jwk.has(name) && Spelling::Lenient.said(jwk, name).is_none()),
            usefulness,
        }
    }

    /// An element of a JWK Set that is not a JWK.
    pub(super) fn unreadable() -> Self {
        let usefulness = Usefulness::NotForSignatures(NotForSignatures::Unreadable);
        Self::nameless(KeyName::None, usefulness)
    }

    /// A key that an operator configured without naming it.
    pub(super) fn unnamed(key: VerificationKey) -> Self {
        Self::nameless(KeyName::Any, Usefulness::Usable(key))
    }

    fn nameless(name: KeyName, usefulness: Usefulness) -> Self {
        Self {
            name,
            certificate: CertificateName::default(),
            thumbprint: None,
            issuer: None,
            expires: None,
            has_empty_member: false,
            usefulness,
        }
    }

    pub(super) fn kid(&self) -> Option<&str> {
        match &self.name {
            KeyName::Is(kid) => Some(kid),
            KeyName::None | KeyName::Any => None,
        }
    }

    /// Whether it is one of the issuer's signing keys, usable or not.
    pub(super) fn is_for_signatures(&self) -> bool {
        !matches!(self.usefulness, Usefulness::NotForSignatures(_))
    }

    pub(super) fn has_ended(&self, now: UnixTime) -> bool {
        self.expires.is_some_and(|expires| !expires.is_still_ahead(now, Leeway::NONE))
    }

    /// Whether it has exactly this `kid`.
    pub(super) fn is_called(&self, kid: Option<&str>) -> bool {
        kid.is_some() && self.kid() == kid
    }

    /// Whether it has this `kid`, or fits every `kid`.
    pub(super) fn fits_kid(&self, kid: Option<&str>) -> bool {
        self.is_called(kid) || (kid.is_some() && self.name == KeyName::Any)
    }

    /// Whether the token names its certificate.
    pub(super) fn is_certified_as(&self, sought: &Sought<'_>) -> bool {
        let same = |own: &Option<String>, sought: Option<&str>| sought.is_some() && own.as_deref() == sought;
        same(&self.certificate.x5t_s256, sought.x5t_s256) || same(&self.certificate.x5t, sought.x5t)
    }

    /// The key, if it may verify the searched token.
    pub(super) fn fitting(&self, sought: &Sought<'_>) -> Option<&VerificationKey> {
        match &self.usefulness {
            Usefulness::Usable(key) if !(sought.by_kid_alone && self.has_empty_member) => {
                Some(key).filter(|key| key.allows(sought.algorithm))
            }
            _ => None,
        }
    }

    /// Why it can verify no token.
    pub(super) fn trouble(&self) -> Option<String> {
        match &self.usefulness {
            Usefulness::Usable(_) => None,
            Usefulness::Unusable(error) => Some(error.to_string()),
            Usefulness::NotForSignatures(reason) => Some(reason.to_string()),
        }
    }

    /// Why it does not verify the searched token.
    pub(super) fn why_not(&self, sought: &Sought<'_>, now: UnixTime) -> Option<String> {
        match &self.usefulness {
            Usefulness::Usable(_) if self.has_ended(now) => Some("its `exp` has passed".into()),
            Usefulness::Usable(key) if !key.allows(sought.algorithm) => {
                let names: Vec<&str> = key.algorithms().map(Algorithm::name).collect();
                Some(format!("it is for {}, not for {}", names.join(", "), sought.algorithm))
            }
            _ => self.trouble(),
        }
    }

    /// The identity of the key: all members that change which tokens it verifies.
    pub(super) fn identity(&self) -> impl Eq + std::hash::Hash + '_ {
        let expires = self.expires.map(|expires| format!("{expires:?}"));
        (&self.name, self.thumbprint.as_ref(), self.issuer.as_ref(), expires)
    }

    /// The `kid` as a message shows it.
    pub(super) fn shown_kid(&self) -> Option<String> {
        self.kid().map(|kid| Shown(kid).to_string())
    }
}

fn read_material(jwk: &Object<'_>) -> (Option<Thumbprint>, Usefulness) {
    let jwk = Jwk::parse(jwk, Spelling::Lenient);
    let thumbprint = jwk.as_ref().ok().map(Jwk::thumbprint);
    match jwk.and_then(|jwk| VerificationKey::new(&jwk)) {
        Ok(key) => (thumbprint, Usefulness::Usable(key)),
        Err(error) => (thumbprint, Usefulness::Unusable(error)),
    }
}

/// Why it is not one of the issuer's signing keys: not asymmetric, or declared to be for encryption or revoked (OpenID
/// Federation section 8.7.2).
fn not_for_signatures(jwk: &Object<'_>) -> Option<NotForSignatures> {
    if !matches!(jwk.get("kty").and_then(Value::as_str), Some("RSA" | "EC" | "OKP" | "AKP")) {
        return Some(NotForSignatures::KeyType);
    }
    if Spelling::Lenient.said(jwk, "use").is_some_and(|purpose| purpose.as_str() != Some("sig")) {
        return Some(NotForSignatures::Use);
    }
    jwk.has("revoked").then_some(NotForSignatures::Revoked)
}

impl CertificateName {
    /// The members with the digests, or else the digests of the certificate itself, which is the first of `x5c` (RFC
    /// 7517 sections 4.7 to 4.9).
    fn of_jwk(jwk: &Object<'_>) -> Self {
        let member = |name| Spelling::Lenient.said(jwk, name).and_then(Value::as_str).map(str::to_owned);
        let (x5t, x5t_s256) = (member("x5t"), member("x5t#S256"));
        let der = || {
            let first = jwk.get("x5c").and_then(Value::as_array)?.first()?.as_str()?;
            base64_decode(first)
        };
        match (&x5t, &x5t_s256) {
            (Some(_), Some(_)) => Self { x5t, x5t_s256 },
            _ => {
                let der = der();
                let digest = |der: &Vec<u8>| base64url_encode(&sha256(der));
                Self {
                    x5t: x5t.or_else(|| der.as_ref().map(|der| base64url_encode(&sha1_of_certificate(der)))),
                    x5t_s256: x5t_s256.or_else(|| der.as_ref().map(digest)),
                }
            }
        }
    }
}
