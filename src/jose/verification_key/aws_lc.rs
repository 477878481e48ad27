//! Public keys as aws-lc parses them.
//!
//! In: the numbers of a key, or its DER; bytes and their signature.
//! Out: `PublicKey`; yes or no.
//! Never: a rule about the use of a key.

use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::{
    self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};

use super::{VerificationKey, is_good_point};
use crate::jose::algorithm::{Algorithm, KeyType};
use crate::jose::jwk::{JwkError, Material, RSA_BITS};

/// A key that is parsed for one algorithm.
pub(super) struct PublicKey(ParsedPublicKey);

impl PublicKey {
    /// `None` where the numbers are no key, or no key for the algorithm.
    pub(super) fn parse(material: &Material, algorithm: Algorithm) -> Option<Self> {
        let parsed = match material {
            Material::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(rsa_parameters(algorithm)?)
            }
            Material::Ec { x, y, .. } => {
                // SEC 1 section 2.3.3: an uncompressed point is 04, x, y. Parsing it checks that it lies on its curve.
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                ParsedPublicKey::new(other_algorithm(algorithm)?, point)
            }
            Material::Ed25519 { x } => ParsedPublicKey::new(other_algorithm(algorithm)?, x),
            Material::Akp { public, .. } => ParsedPublicKey::new(other_algorithm(algorithm)?, public),
        };
        parsed.ok().map(Self)
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

pub(super) fn from_der(der: &[u8]) -> Result<VerificationKey, JwkError> {
    // An RSA key of another size would be parsed, but no verification with it would succeed.
    let modulus_bits = PublicEncryptingKey::from_der(der).map_or(0, |key| key.key_size_bits());
    let is_good_rsa = RSA_BITS.contains(&modulus_bits);
    // An Ed25519 key ends with its point (RFC 8410 section 4).
    let point = der.last_chunk::<32>().map(<[u8; 32]>::as_slice).unwrap_or_default();
    let parsed: Vec<_> = Algorithm::known()
        .filter(|algorithm| match algorithm.key_type() {
            KeyType::Rsa => is_good_rsa,
            KeyType::Ed25519 => is_good_point(point),
            KeyType::P256 | KeyType::P384 | KeyType::P521 => true,
            KeyType::MlDsa44 | KeyType::MlDsa65 | KeyType::MlDsa87 => true,
        })
        .filter_map(|algorithm| {
            let parameters: &'static dyn VerificationAlgorithm = match algorithm.key_type() {
                KeyType::Rsa => rsa_parameters(algorithm)?,
                _ => other_algorithm(algorithm)?,
            };
            Some((algorithm, PublicKey(ParsedPublicKey::new(parameters, der).ok()?)))
        })
        .collect();
    if parsed.is_empty() { Err(JwkError::Unsupported) } else { Ok(VerificationKey { parsed, modulus_bits }) }
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::RS256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Some(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Some(&signature::RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}

fn other_algorithm(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    match algorithm {
        Algorithm::ES256 => Some(&signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Some(&signature::ECDSA_P384_SHA384_FIXED),
        Algorithm::ES512 => Some(&signature::ECDSA_P521_SHA512_FIXED),
        Algorithm::EdDSA | Algorithm::Ed25519 => Some(&signature::ED25519),
        Algorithm::MlDsa44 => Some(&signature::ML_DSA_44),
        Algorithm::MlDsa65 => Some(&signature::ML_DSA_65),
        Algorithm::MlDsa87 => Some(&signature::ML_DSA_87),
        _ => None,
    }
}
