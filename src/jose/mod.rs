//! JOSE: signed JWTs and the keys that verify them (RFC 7515, 7517, 7518, 7638, 8037, 9864).
//!
//! In: text that an attacker may have written.
//! Out: `CompactJws`, `VerifiedJws`, `Jwk`, `VerificationKey`.
//! Never: OAuth, requests, the network.

pub mod algorithm;
pub mod json;
pub mod jwk;
pub mod jws;
pub mod verification_key;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Decodes base64url as JOSE writes it (RFC 7515 section 2): no padding, no white space, no other alphabet, and no set
/// bit after the last byte. So a value has only one spelling.
pub(crate) fn base64url_decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Decodes base64 as the certificates of a JWK are written (RFC 7517 section 4.7).
pub(crate) fn base64_decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Encodes bytes as base64url without padding (RFC 7515 section 2).
pub fn base64url_encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
