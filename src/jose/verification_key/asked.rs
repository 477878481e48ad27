//! Public keys that the surrounding program holds. That program also verifies the signatures.
//!
//! In: the numbers of a key, or its DER; bytes and their signature.
//! Out: `PublicKey`; yes or no.
//! Never: a rule about the use of a key, the arithmetic itself.

use std::fmt;
use std::sync::OnceLock;

use super::VerificationKey;
use crate::jose::algorithm::Algorithm;
use crate::jose::json::Object;
use crate::jose::jwk::{Jwk, JwkError, Material, Spelling};

/// The function that verifies signatures. It decides which tokens are accepted, so install only trusted code.
pub trait SignatureHost: Send + Sync {
    /// Takes a public key that is to verify this algorithm: a JWK with only the members of its type (RFC 7518 section
    /// 6). Returns the key's number; `None` if the numbers are not a key, such as a point that is not on its curve.
    fn import(&self, jwk: &str, algorithm: Algorithm) -> Option<u32>;
    /// Whether `signature` is the signature of `message` by the key of this number, as JOSE writes it (RFC 7518 section
    /// 3). Returns `false` in case of doubt.
    fn verify(&self, key: u32, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool;
    /// The key of this number is not used again.
    fn forget(&self, key: u32);
    /// The JWK of a public key in DER (`SubjectPublicKeyInfo`, RFC 5280 section 4.1), as JSON text.
    fn jwk_of_der(&self, der: &[u8]) -> Option<String>;
}

static HOST: OnceLock<Box<dyn SignatureHost>> = OnceLock::new();

/// Sets the verifier of signatures, once for the process. Returns `false` if it was set before. Until it is set, every
/// key is refused.
pub fn install(host: Box<dyn SignatureHost>) -> bool {
    HOST.set(host).is_ok()
}

/// A key that the host holds for one algorithm.
pub(super) struct PublicKey {
    number: u32,
    algorithm: Algorithm,
    host: &'static dyn SignatureHost,
}

impl PublicKey {
    /// `None` where the numbers are no key, or no key for the algorithm.
    pub(super) fn parse(material: &Material, algorithm: Algorithm) -> Option<Self> {
        let host = HOST.get()?.as_ref();
        let number = host.import(&material.to_json(), algorithm)?;
        Some(Self { number, algorithm, host })
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.host.verify(self.number, self.algorithm, message, signature)
    }
}

impl Drop for PublicKey {
    fn drop(&mut self) {
        self.host.forget(self.number);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} ..)", self.algorithm)
    }
}

pub(super) fn from_der(der: &[u8]) -> Result<VerificationKey, JwkError> {
    let jwk = HOST.get().and_then(|host| host.jwk_of_der(der)).ok_or(JwkError::Unsupported)?;
    let object = Object::parse(jwk.as_bytes()).map_err(|_| JwkError::Unsupported)?;
    VerificationKey::new(&Jwk::parse(&object, Spelling::Lenient)?)
}
