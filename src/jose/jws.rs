//! Compact JWS (RFC 7515 section 7.1): text, then parts, then a verified payload.
//!
//! In: a compact serialisation and a `VerificationKey`.
//! Out: `JoseHeader`, `CompactJws`, its `Payload`, and `VerifiedJws`, which is made only after a good signature.
//! Never: a payload before its signature, a key from a URL or certificate in the header (`jku`, `x5u`, `x5c`).

use std::cell::OnceCell;
use std::fmt;

use memchr::{memchr, memchr_iter, memrchr};

use super::algorithm::Algorithm;
use super::base64url_decode;
use super::json::{JsonError, Object, Value};
use super::jwk::{Jwk, JwkError, Spelling};
use super::verification_key::VerificationKey;

/// Bytes of a decoded header that are read.
const MAX_HEADER_BYTES: usize = 4 * 1024;

/// Characters of a `kid` that are read.
pub(crate) const MAX_KID_CHARS: usize = 1024;

/// Characters of a certificate's thumbprint that are read: a SHA-256 digest takes 43, or 64 in hexadecimal.
const MAX_THUMBPRINT_CHARS: usize = 128;

/// Why a text is not a compact JWS that this library reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Not three parts.
    #[error("expected three parts between dots")]
    Parts,
    /// A part that is not canonical base64url.
    #[error("the {0} is not canonical base64url")]
    Base64(&'static str),
    /// A header or payload that is not one unambiguous JSON object.
    #[error("the {0} is {1}")]
    Json(&'static str, JsonError),
    /// A header that is too long.
    #[error("the header is longer than {MAX_HEADER_BYTES} bytes")]
    HeaderTooLong,
    /// A header member that changes the meaning of the others and is not understood here (RFC 7515 section 4.1.11).
    #[error("header member `{0}` is not supported")]
    Unsupported(&'static str),
}

/// A header member that is absent, wrong or present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member<T> {
    /// There is no such member.
    Absent,
    /// There is one, with a wrong type or length.
    Malformed,
    /// Its value.
    Is(T),
}

impl<T> Member<T> {
    /// The value, if it is there.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Malformed => None,
        }
    }
}

/// The protected header of a JWS (RFC 7515 section 4). It is not verified: an attacker may have written it.
#[derive(Clone, Debug)]
pub struct JoseHeader {
    /// `alg`, as written.
    pub alg: Member<String>,
    /// `kid`.
    pub kid: Member<String>,
    /// `x5t`: the certificate of the key, by its SHA-1 digest.
    pub x5t: Member<String>,
    /// `x5t#S256`: the same by its SHA-256 digest.
    pub x5t_s256: Member<String>,
    /// `typ`, in lower case and without the `application/` that may be left out (RFC 7515 section 4.1.9).
    pub typ: Member<String>,
    /// `jwk`: the key inside a DPoP proof.
    pub jwk: Member<Result<Jwk, JwkError>>,
    unsupported: Option<&'static str>,
    /// The text has the parts of an encrypted JWT.
    is_of_jwe: bool,
    has_enc: bool,
    has_nonce: bool,
}

impl JoseHeader {
    /// Reads the header of a compact JWS or JWE, and not the other parts.
    pub fn decode(compact: &str) -> Result<Self, JwsError> {
        // A JWE differs from a JWS by its five parts (RFC 7516 section 9); both begin with a header.
        let points = points_in(compact);
        let (first, _) = match points {
            2 | POINTS_OF_JWE => compact.split_once('.').ok_or(JwsError::Parts)?,
            _ => return Err(JwsError::Parts),
        };
        let bytes = base64url_decode(first).ok_or(JwsError::Base64("header"))?;
        if bytes.len() > MAX_HEADER_BYTES {
            return Err(JwsError::HeaderTooLong);
        }
        let object = Object::parse(&bytes).map_err(|error| JwsError::Json("header", error))?;
        Ok(Self {
            alg: text(&object, "alg", usize::MAX),
            kid: text(&object, "kid", MAX_KID_CHARS),
            x5t: text(&object, "x5t", MAX_THUMBPRINT_CHARS),
            x5t_s256: text(&object, "x5t#S256", MAX_THUMBPRINT_CHARS),
            typ: media_type(text(&object, "typ", usize::MAX)),
            jwk: match object.get("jwk") {
                None => Member::Absent,
                Some(Value::Object(jwk)) => Member::Is(Jwk::parse(jwk, Spelling::Canonical)),
                Some(_) => Member::Malformed,
            },
            // This library reads no signed JWT with one of these: extensions that must be understood, the unencoded
            // payload (RFC 7797 section 7), and members of encrypted JWTs.
            unsupported: ["crit", "b64", "zip", "enc"].into_iter().find(|name| object.has(name)),
            is_of_jwe: points == POINTS_OF_JWE,
            has_enc: object.has("enc"),
            has_nonce: object.has("nonce"),
        })
    }

    /// Whether it is of an encrypted JWT: by its parts, or as it says how a content is encrypted (RFC 7516 sections 9 and
    /// 4.1.2).
    pub(crate) const fn is_of_jwe(&self) -> bool {
        self.is_of_jwe || self.has_enc
    }

    /// Whether it has a `nonce` (RFC 8555 section 6.5.2, and Microsoft's own).
    pub(crate) const fn has_nonce(&self) -> bool {
        self.has_nonce
    }

    /// The algorithm, if it is one of those known here.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.alg.value().and_then(|name| Algorithm::from_name(name))
    }
}

/// The parts of an encrypted JWT are five (RFC 7516 section 9).
const POINTS_OF_JWE: usize = 4;

/// Whether a text has the parts of an encrypted JWT.
pub(crate) fn is_jwe(compact: &str) -> bool {
    points_in(compact) == POINTS_OF_JWE
}

/// How many points a text has; more than these are not counted.
fn points_in(compact: &str) -> usize {
    memchr_iter(b'.', compact.as_bytes()).take(POINTS_OF_JWE + 1).count()
}

/// What stands before and behind a point.
fn parted(text: &str, point: Option<usize>) -> Result<(&str, &str), JwsError> {
    let parts = point.and_then(|at| Some((text.get(..at)?, text.get(at.checked_add(1)?..)?)));
    parts.ok_or(JwsError::Parts)
}

/// The three parts of a compact JWS. Its signature is not verified yet.
pub struct CompactJws<'a> {
    signing_input: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
    /// Decoded when it is first needed.
    decoded: OnceCell<Option<Vec<u8>>>,
}

/// The payload of a compact JWS. It is decoded and parsed only once. Before the signature is verified, it gives only
/// hints.
pub struct Payload<'j> {
    jws: &'j CompactJws<'j>,
    parsed: OnceCell<Result<Object<'j>, JwsError>>,
}

impl<'a> CompactJws<'a> {
    /// Takes a compact JWS apart. `header` is what [`JoseHeader::decode`] read of the same text.
    pub fn parse(compact: &'a str, header: &JoseHeader) -> Result<Self, JwsError> {
        if let Some(name) = header.unsupported {
            return Err(JwsError::Unsupported(name));
        }
        // By the crate's functions: those of the standard library that is made small for WebAssembly take much longer.
        let (signing_input, signature) = parted(compact, memrchr(b'.', compact.as_bytes()))?;
        let (_, payload) = parted(signing_input, memchr(b'.', signing_input.as_bytes()))?;
        if memchr(b'.', payload.as_bytes()).is_some() {
            return Err(JwsError::Parts);
        }
        let signature = base64url_decode(signature).ok_or(JwsError::Base64("signature"))?;
        Ok(Self { signing_input, payload, signature, decoded: OnceCell::new() })
    }

    /// Whether the key made the signature.
    pub fn is_signed_by(&self, key: &VerificationKey, algorithm: Algorithm) -> bool {
        key.verify(algorithm, self.signing_input.as_bytes(), &self.signature)
    }

    /// The payload, which is not decoded yet.
    pub fn payload(&self) -> Payload<'_> {
        Payload { jws: self, parsed: OnceCell::new() }
    }

    fn bytes(&self) -> Result<&[u8], JwsError> {
        let decoded = self.decoded.get_or_init(|| base64url_decode(self.payload));
        decoded.as_deref().ok_or(JwsError::Base64("payload"))
    }
}

impl<'j> Payload<'j> {
    /// Verifies the signature and decodes the payload. `None` when the key did not make the signature.
    pub fn verify(
        &self,
        key: &VerificationKey,
        algorithm: Algorithm,
    ) -> Option<Result<VerifiedJws<'_, 'j>, JwsError>> {
        let is_signed = self.jws.is_signed_by(key, algorithm);
        is_signed.then(|| Ok(VerifiedJws { bytes: self.jws.bytes()?, payload: self }))
    }

    /// Unverified claims of the payload. `iss` chooses the issuer whose keys are looked up. `exp` and `aud` avoid a
    /// request to the issuer, and a place in the queue, for a token that is refused anyway.
    pub fn hint(&self) -> Hint<'_, 'j> {
        Hint(self.claims().ok())
    }

    fn claims(&self) -> Result<&Object<'j>, JwsError> {
        let parse = || Object::parse(self.jws.bytes()?).map_err(|error| JwsError::Json("payload", error));
        self.parsed.get_or_init(parse).as_ref().map_err(Clone::clone)
    }
}

/// Unverified members of a token. They choose the issuer and its keys, and never become claims.
pub struct Hint<'p, 'j>(Option<&'p Object<'j>>);

impl<'p, 'j> Hint<'p, 'j> {
    /// `iss`, if it is a string.
    pub fn issuer(&self) -> Option<&'p str> {
        self.claim("iss").and_then(Value::as_str)
    }

    /// `exp`, if it is a number.
    pub fn expires(&self) -> Option<f64> {
        self.claim("exp").and_then(Value::as_number)
    }

    /// `aud`, as far as it is strings.
    pub fn audiences(&self) -> impl Iterator<Item = &'p str> {
        let (list, one) = match self.claim("aud") {
            Some(Value::Array(items)) => (items.as_slice(), None),
            one => (&[][..], one),
        };
        list.iter().chain(one).filter_map(Value::as_str)
    }

    /// All members, for an explanation of a refusal. No decision uses them.
    pub(crate) fn unverified(&self) -> Option<&'p Object<'j>> {
        self.0
    }

    fn claim(&self, name: &str) -> Option<&'p Value<'j>> {
        self.0.and_then(|claims| claims.get(name))
    }
}

/// A payload whose signature is good. Only [`Payload::verify`] makes one.
#[derive(Clone, Copy)]
pub struct VerifiedJws<'p, 'j> {
    bytes: &'p [u8],
    payload: &'p Payload<'j>,
}

impl<'p, 'j> VerifiedJws<'p, 'j> {
    /// The payload's bytes.
    pub const fn payload(self) -> &'p [u8] {
        self.bytes
    }

    /// The payload as the claims of a JWT (RFC 7519 section 7.2).
    pub fn claims(self) -> Result<&'p Object<'j>, JwsError> {
        self.payload.claims()
    }

    /// The payload as text. It is empty if the payload is not UTF-8; then it has no claims either.
    pub(crate) fn to_text(self) -> String {
        std::str::from_utf8(self.bytes).unwrap_or_default().to_owned()
    }
}

// Tokens and proofs must not end up in a log.
impl fmt::Debug for CompactJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CompactJws(..)")
    }
}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payload(..)")
    }
}

impl fmt::Debug for VerifiedJws<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifiedJws(..)")
    }
}

fn text(object: &Object<'_>, name: &str, max_chars: usize) -> Member<String> {
    match object.get(name) {
        None => Member::Absent,
        Some(Value::String(text)) if text.len() <= max_chars => Member::Is(text.clone().into_owned()),
        Some(_) => Member::Malformed,
    }
}

/// Media types compare without regard to case, and `application/` is implied where no other slash follows.
fn media_type(typ: Member<String>) -> Member<String> {
    match typ {
        Member::Is(typ) => {
            let lower = typ.to_ascii_lowercase();
            let short =
                lower.strip_prefix("application/").filter(|rest| !rest.contains('/')).map(str::to_owned);
            Member::Is(short.unwrap_or(lower))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::base64url_encode;

    /// The header of a JWS whose member `name` is a string of so many bytes.
    fn header(name: &str, bytes: usize) -> JoseHeader {
        let json = format!(r#"{{"alg":"ES256","{name}":"{}"}}"#, "k".repeat(bytes));
        JoseHeader::decode(&format!("{}.e30.AA", base64url_encode(json.as_bytes()))).unwrap()
    }

    #[test]
    fn names_of_keys_are_read_up_to_their_bounds_and_no_further() {
        assert!(matches!(header("kid", MAX_KID_CHARS).kid, Member::Is(kid) if kid.len() == MAX_KID_CHARS));
        assert!(matches!(header("kid", MAX_KID_CHARS + 1).kid, Member::Malformed));
        assert!(matches!(header("x5t", MAX_THUMBPRINT_CHARS).x5t, Member::Is(_)));
        assert!(matches!(header("x5t", MAX_THUMBPRINT_CHARS + 1).x5t, Member::Malformed));
        assert!(matches!(header("x5t#S256", MAX_THUMBPRINT_CHARS).x5t_s256, Member::Is(_)));
        assert!(matches!(header("x5t#S256", MAX_THUMBPRINT_CHARS + 1).x5t_s256, Member::Malformed));
    }
}
