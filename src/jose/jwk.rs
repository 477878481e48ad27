//! Public JSON Web Keys (RFC 7517, 7518 section 6, 8037, draft-ietf-cose-dilithium) and their thumbprints (RFC 7638).
//!
//! In: a JSON object.
//! Out: `Jwk`, which holds a key and its allowed uses, and `Thumbprint`.
//! Never: a private or symmetric key, a verification.

use std::fmt;

use super::algorithm::{Algorithm, KeyType};
use super::json::{Object, Value};
use super::{base64url_decode, base64url_encode};
use crate::crypto::sha256;

/// Members that only a private or a symmetric key has (RFC 7518 sections 6.2.2, 6.3.2, 6.4).
const SECRET_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// RSA moduli that are accepted, in bits. RFC 7518 section 3.3 asks for 2048 at least; the upper bound keeps a
/// verification cheap.
pub(super) const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Names in a `key_ops`. RFC 7517 section 4.3 registers eight; each is compared with each.
const MAX_KEY_OPS: usize = 16;

/// A public key as its owner describes it. Its members are well formed.
/// [`VerificationKey`](super::verification_key::VerificationKey) decides whether its numbers are a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    pub(super) material: Material,
    algorithm: Option<Algorithm>,
}

/// The numbers of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    Ec {
        curve: KeyType,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    Ed25519 {
        x: Vec<u8>,
    },
    /// A key of one algorithm, which its `alg` names.
    Akp {
        algorithm: Algorithm,
        public: Vec<u8>,
    },
}

impl Material {
    /// The JWK with only the members of its type, in the order of a thumbprint (RFC 7638 section 3.2).
    pub(super) fn to_json(&self) -> String {
        let b64 = base64url_encode;
        // The values are base64url and registered names: nothing in them needs escaping.
        match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, b64(e), b64(n)),
            Self::Ec { curve, x, y } => {
                let crv = match curve {
                    KeyType::P384 => "P-384",
                    KeyType::P521 => "P-521",
                    _ => "P-256",
                };
                format!(r#"{{"crv":"{crv}","kty":"EC","x":"{}","y":"{}"}}"#, b64(x), b64(y))
            }
            Self::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, b64(x)),
            Self::Akp { algorithm, public } => {
                format!(r#"{{"alg":"{algorithm}","kty":"AKP","pub":"{}"}}"#, b64(public))
            }
        }
    }
}

/// How a key may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// One spelling only, since another spelling would give another thumbprint.
    Canonical,
    /// As some issuers publish it: an RSA modulus or exponent may have leading zeros, against RFC 7518 section 2, and a
    /// `use`, `alg` or `key_ops` that is `null` or empty counts as absent.
    Lenient,
}

/// Why a JWK cannot be used to verify signatures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// A member is missing or is not of its type.
    #[error("member `{0}` is missing or not {1}")]
    Member(&'static str, &'static str),
    /// The key is private or symmetric and must not be published.
    #[error("it holds secret member `{0}`; its owner must withdraw it")]
    Secret(&'static str),
    /// A `kty` or `crv` that is not supported.
    #[error(
        "its `kty` and `crv` are not among RSA, EC (P-256, P-384, P-521) and OKP (Ed25519), nor `kty` AKP"
    )]
    Unsupported,
    /// A `use` that is not `sig`.
    #[error("its `use` is another than \"sig\"")]
    Use,
    /// A `key_ops` that does not include `verify`, or is not a list of a few different names.
    #[error("its `key_ops` is not a list of different operations with \"verify\" among them")]
    KeyOps,
    /// An `alg` that is unknown or does not fit the key.
    #[error("its `alg` is unknown or does not fit its type")]
    Algorithm,
    /// An RSA modulus out of bounds.
    #[error("its modulus has {0} bits; from 2048 to 8192 are accepted")]
    RsaSize(usize),
    /// The numbers are not a key: a point that is not on its curve or has a small order, an even exponent.
    #[error("its numbers are not a valid public key")]
    Invalid,
}

impl Jwk {
    /// Reads a public key that is to verify signatures.
    pub fn parse(object: &Object<'_>, spelling: Spelling) -> Result<Self, JwkError> {
        if let Some(name) = SECRET_MEMBERS.into_iter().find(|name| object.has(name)) {
            return Err(JwkError::Secret(name));
        }
        let material = match (string(object, "kty")?, object.get("crv").and_then(Value::as_str)) {
            ("RSA", _) => rsa(object, spelling)?,
            ("EC", Some("P-256")) => ec(object, KeyType::P256, 32)?,
            ("EC", Some("P-384")) => ec(object, KeyType::P384, 48)?,
            ("EC", Some("P-521")) => ec(object, KeyType::P521, 66)?,
            ("OKP", Some("Ed25519")) => Material::Ed25519 { x: bytes(object, "x", 32)? },
            ("AKP", _) => akp(object)?,
            _ => return Err(JwkError::Unsupported),
        };
        check_purpose(object, spelling)?;
        let algorithm = declared_algorithm(object, spelling)?;
        let jwk = Self { material, algorithm };
        match algorithm {
            Some(algorithm) if algorithm.key_type() != jwk.key_type() => Err(JwkError::Algorithm),
            _ => Ok(jwk),
        }
    }

    /// The algorithms that this key may verify: its own `alg`, or all that fit its type. The two names for Ed25519 are
    /// one algorithm (RFC 9864 section 2.2).
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        let (declared, key_type) = (self.algorithm, self.key_type());
        let is_declared = move |algorithm| {
            key_type == KeyType::Ed25519 || declared.is_none_or(|declared| declared == algorithm)
        };
        Algorithm::known()
            .filter(move |algorithm| algorithm.key_type() == key_type && is_declared(*algorithm))
    }

    /// The bits of an RSA modulus: the cost of a verification grows with them. Zero for other keys, which have one size
    /// for each type.
    pub(super) fn modulus_bits(&self) -> usize {
        match &self.material {
            Material::Rsa { n, .. } => bit_length(n),
            Material::Ec { .. } | Material::Ed25519 { .. } | Material::Akp { .. } => 0,
        }
    }

    /// The key's SHA-256 thumbprint (RFC 7638 section 3), as a token's `jkt` names it (RFC 9449 section 6.1).
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint(base64url_encode(&sha256(self.material.to_json().as_bytes())))
    }

    fn key_type(&self) -> KeyType {
        match &self.material {
            Material::Rsa { .. } => KeyType::Rsa,
            Material::Ec { curve, .. } => *curve,
            Material::Ed25519 { .. } => KeyType::Ed25519,
            Material::Akp { algorithm, .. } => algorithm.key_type(),
        }
    }
}

/// A JWK SHA-256 thumbprint in base64url (RFC 7638).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Thumbprint(String);

impl Thumbprint {
    /// The base64url text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({})", self.0)
    }
}

fn rsa(object: &Object<'_>, spelling: Spelling) -> Result<Material, JwkError> {
    let number = |name| {
        let bytes = base64url_decode(string(object, name)?)
            .ok_or(JwkError::Member(name, "a canonical base64url number"))?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        match spelling {
            Spelling::Canonical if zeros > 0 => Err(JwkError::Member(name, "a number without leading zeros")),
            _ => Ok(bytes.get(zeros..).unwrap_or_default().to_vec()),
        }
    };
    let (n, e) = (number("n")?, number("e")?);
    let bits = bit_length(&n);
    if !RSA_BITS.contains(&bits) {
        return Err(JwkError::RsaSize(bits));
    }
    // An even exponent has no inverse, and with an exponent of one every text is its own signature.
    let odd = e.last().is_some_and(|last| last % 2 == 1);
    if !odd || e == [1] {
        return Err(JwkError::Invalid);
    }
    Ok(Material::Rsa { n, e })
}

fn bit_length(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

fn ec(object: &Object<'_>, curve: KeyType, length: usize) -> Result<Material, JwkError> {
    Ok(Material::Ec { curve, x: bytes(object, "x", length)?, y: bytes(object, "y", length)? })
}

/// The algorithm of such a key is a part of it: `alg` must be there.
fn akp(object: &Object<'_>) -> Result<Material, JwkError> {
    let algorithm = Algorithm::from_name(string(object, "alg")?).ok_or(JwkError::Algorithm)?;
    let length = match algorithm {
        Algorithm::MlDsa44 => 1312,
        Algorithm::MlDsa65 => 1952,
        Algorithm::MlDsa87 => 2592,
        _ => return Err(JwkError::Algorithm),
    };
    Ok(Material::Akp { algorithm, public: bytes(object, "pub", length)? })
}

fn string<'o>(object: &'o Object<'_>, name: &'static str) -> Result<&'o str, JwkError> {
    object.get(name).and_then(Value::as_str).ok_or(JwkError::Member(name, "a string"))
}

fn bytes(object: &Object<'_>, name: &'static str, length: usize) -> Result<Vec<u8>, JwkError> {
    base64url_decode(string(object, name)?)
        .filter(|bytes| bytes.len() == length)
        .ok_or(JwkError::Member(name, "canonical base64url of the full length of its kind"))
}

/// `use` and `key_ops`: each must be absent or allow verifying, and they must not contradict each other (RFC 7517
/// sections 4.2, 4.3).
fn check_purpose(object: &Object<'_>, spelling: Spelling) -> Result<(), JwkError> {
    if spelling.said(object, "use").is_some_and(|purpose| purpose.as_str() != Some("sig")) {
        return Err(JwkError::Use);
    }
    let Some(operations) = spelling.said(object, "key_ops") else { return Ok(()) };
    let operations =
        operations.as_array().filter(|items| items.len() <= MAX_KEY_OPS).ok_or(JwkError::KeyOps)?;
    let names: Option<Vec<&str>> = operations.iter().map(Value::as_str).collect();
    let names = names.ok_or(JwkError::KeyOps)?;
    let repeated = names.iter().enumerate().any(|(i, name)| names.iter().skip(i + 1).any(|n| n == name));
    if names.contains(&"verify") && !repeated { Ok(()) } else { Err(JwkError::KeyOps) }
}

fn declared_algorithm(object: &Object<'_>, spelling: Spelling) -> Result<Option<Algorithm>, JwkError> {
    match spelling.said(object, "alg") {
        None => Ok(None),
        Some(value) => {
            let algorithm = value.as_str().and_then(Algorithm::from_name);
            algorithm.map(Some).ok_or(JwkError::Algorithm)
        }
    }
}

impl Spelling {
    /// An optional member, if it is present and not empty.
    pub(crate) fn said<'o, 'a>(self, object: &'o Object<'a>, name: &str) -> Option<&'o Value<'a>> {
        let value = object.get(name)?;
        let is_empty = match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        Some(value).filter(|_| !(is_empty && self == Self::Lenient))
    }
}
