//! Digests, MACs, randomness and comparison in constant time, by aws-lc.
//!
//! In: bytes.
//! Out: bytes; yes or no.
//! Never: a signature, a key that was published.

use std::collections::hash_map::RandomState;

use aws_lc_rs::{digest, hmac};

/// Hashes with a secret of the process, so that an attacker cannot choose names that collide.
pub type SecretHasher = RandomState;

/// Where numbers begin that are never given twice.
pub(crate) const fn first_number() -> u64 {
    1
}

/// A random secret of 32 bytes; `None` if the machine gives no randomness.
pub fn random_secret() -> Option<[u8; 32]> {
    let mut secret = [0; 32];
    aws_lc_rs::rand::fill(&mut secret).ok().map(|()| secret)
}

/// The HMAC-SHA-256 of a message (RFC 2104).
pub fn hmac_sha256(secret: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut out = [0; 32];
    out.copy_from_slice(hmac::sign(&key, message).as_ref());
    out
}

/// Whether two texts are equal, in a time that does not depend on where they differ.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// The SHA-256 digest of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// The SHA-1 digest of some bytes, only for `x5t` (RFC 7515 section 4.1.7): it chooses a key, and proves nothing.
pub(crate) fn sha1_of_certificate(der: &[u8]) -> [u8; 20] {
    let mut out = [0; 20];
    out.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der).as_ref());
    out
}
