//! The keys that an issuer has now (RFC 8414, OpenID Connect Discovery 1.0, RFC 7517).
//!
//! In: an issuer's identifier, documents that the host fetched, the time.
//! Out: `Issuer`, `IssuerDirectory`, `Metadata`, `JwkSet`, and `KeyRing`, which says when to fetch.
//! Never: the network, a request, a token.

pub mod issuer;
pub(crate) mod issuer_directory;
pub mod issuer_name;
pub mod jwk_set;
pub mod key_ring;
pub mod metadata;
pub mod published_key;
pub mod secure_url;
mod unknown_kids;
