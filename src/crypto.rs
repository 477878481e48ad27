//! Digests, MACs, randomness, comparison in constant time and hashing with a secret.
//!
//! In: bytes.
//! Out: bytes; yes or no.
//! Never: a signature, a key that was published.
//!
//! With the feature `aws-lc` they come from that library. Without it they come from pure Rust, and their secrets from
//! the seed that the surrounding program gives: WebAssembly has no randomness.

#[cfg(feature = "aws-lc")]
mod aws_lc;
#[cfg(feature = "aws-lc")]
pub(crate) use aws_lc::first_number;
#[cfg(feature = "aws-lc")]
pub(crate) use aws_lc::sha1_of_certificate;
#[cfg(feature = "aws-lc")]
pub use aws_lc::{SecretHasher, constant_time_eq, hmac_sha256, random_secret, sha256};

#[cfg(not(feature = "aws-lc"))]
mod portable;
#[cfg(not(feature = "aws-lc"))]
pub(crate) use portable::first_number;
#[cfg(not(feature = "aws-lc"))]
pub(crate) use portable::sha1_of_certificate;
#[cfg(not(feature = "aws-lc"))]
pub use portable::{SecretHasher, constant_time_eq, hmac_sha256, random_secret, seed, sha256};

/// A set of texts from outside. An attacker cannot choose texts that collide.
pub(crate) type SecretSet<T> = std::collections::HashSet<T, SecretHasher>;

/// A map with texts from outside as its keys. An attacker cannot choose texts that collide.
pub type SecretMap<K, V> = std::collections::HashMap<K, V, SecretHasher>;
