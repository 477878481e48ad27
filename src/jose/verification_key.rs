//! Public keys, parsed once, and the verification of signatures with them (RFC 7518 section 3, 8037, 9864).
//!
//! In: a `Jwk`; bytes and their signature.
//! Out: yes or no, without a reason.
//! Never: JSON, claims, a reason why a signature failed.
//!
//! This file has the rules for good keys and signatures. The arithmetic is done by aws-lc with the feature `aws-lc`,
//! otherwise by the surrounding program.

#[cfg(not(feature = "aws-lc"))]
pub mod asked;
#[cfg(feature = "aws-lc")]
mod aws_lc;

#[cfg(not(feature = "aws-lc"))]
use asked as backend;
#[cfg(feature = "aws-lc")]
use aws_lc as backend;

use std::fmt;

use backend::PublicKey;

use super::algorithm::{Algorithm, KeyType};
use super::jwk::{Jwk, JwkError, Material};

/// A public key, ready to verify with each algorithm that it may be used for.
pub struct VerificationKey {
    parsed: Vec<(Algorithm, PublicKey)>,
    modulus_bits: usize,
}

impl VerificationKey {
    /// Parses the key for every algorithm that the JWK allows.
    pub fn new(jwk: &Jwk) -> Result<Self, JwkError> {
        Self::for_algorithms(jwk, jwk.algorithms())
    }

    /// Parses the key for one algorithm only.
    pub fn for_algorithm(jwk: &Jwk, algorithm: Algorithm) -> Result<Self, JwkError> {
        Self::for_algorithms(jwk, jwk.algorithms().filter(|allowed| *allowed == algorithm))
    }

    fn for_algorithms(jwk: &Jwk, algorithms: impl Iterator<Item = Algorithm>) -> Result<Self, JwkError> {
        if let Material::Ed25519 { x } = &jwk.material
            && !is_good_point(x)
        {
            return Err(JwkError::Invalid);
        }
        let parse = |algorithm| PublicKey::parse(&jwk.material, algorithm).map(|key| (algorithm, key));
        let parsed: Option<Vec<_>> = algorithms.map(parse).collect();
        let parsed = parsed.ok_or(JwkError::Invalid)?;
        if parsed.is_empty() {
            return Err(JwkError::Algorithm);
        }
        Ok(Self { parsed, modulus_bits: jwk.modulus_bits() })
    }

    /// Parses a public key in DER (`SubjectPublicKeyInfo`, RFC 5280 section 4.1), for every algorithm that fits it.
    pub fn from_der(der: &[u8]) -> Result<Self, JwkError> {
        backend::from_der(der)
    }

    /// The relative cost of a verification with the same algorithm: the bits of an RSA modulus, otherwise zero.
    pub fn modulus_bits(&self) -> usize {
        self.modulus_bits
    }

    /// The algorithms that it may be used for.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.parsed.iter().map(|(algorithm, _)| *algorithm)
    }

    /// Whether the key may verify signatures of this algorithm.
    pub fn allows(&self, algorithm: Algorithm) -> bool {
        self.parsed.iter().any(|(allowed, _)| *allowed == algorithm)
    }

    /// Whether `signature` is this key's signature of `message`.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let Some((_, key)) = self.parsed.iter().find(|(allowed, _)| *allowed == algorithm) else {
            return false;
        };
        // Checked here for every backend: OpenSSL takes a signature of PSS without the zero that it begins with.
        let length = algorithm.signature_bytes().unwrap_or(self.modulus_bits.div_ceil(8));
        let is_possible = signature.len() == length
            && !(algorithm.key_type() == KeyType::Ed25519 && small_order(signature));
        is_possible && key.verify(message, signature)
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parsed.iter().map(|(algorithm, _)| algorithm)).finish()
    }
}

/// The y coordinates (little endian) of the points of edwards25519 whose order divides 8, with their second,
/// non-canonical spelling if there is one. With such a key or R, signatures can be forged.
const SMALL_ORDER: [[u8; 32]; 7] = [
    y_coordinate(0x00, 0x00, 0x00),
    y_coordinate(0x01, 0x00, 0x00),
    y_coordinate(0xec, 0xff, 0x7f),
    y_coordinate(0xed, 0xff, 0x7f),
    y_coordinate(0xee, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

const fn y_coordinate(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// Whether a public key's point has its canonical spelling and no small order.
fn is_good_point(bytes: &[u8]) -> bool {
    !small_order(bytes) && canonical_point(bytes)
}

/// Whether the first 32 bytes are a point of small order, without its sign bit.
fn small_order(bytes: &[u8]) -> bool {
    let Some(point) = bytes.first_chunk::<32>() else { return false };
    let mut y = *point;
    y[31] &= 0x7f;
    SMALL_ORDER.contains(&y)
}

/// Whether a point's y is less than 2^255 - 19 (RFC 8032 section 5.1.3).
fn canonical_point(bytes: &[u8]) -> bool {
    match bytes {
        [first, middle @ .., last] => {
            *first < 0xed || last & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff)
        }
        _ => false,
    }
}
