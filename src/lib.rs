//! Decides whether an HTTP request may enter: OAuth 2.0 JWT access tokens (RFC 9068), DPoP proofs (RFC 9449).
//!
//! In: requests, keys, the time. Out: grants and refusals. Never: I/O, a clock, Node.js.
//!
//! # The tour
//!
//! A request goes in one direction, and any room may end it:
//!
//! [`credentials`] reads the header fields, [`jose`] parses the token and verifies it with the keys of [`keys`].
//! [`access_token`] validates its claims. For a bound token, [`dpop`] checks the proof, with the URI that [`request`]
//! finds, and [`client_certificate`] compares the certificate. [`resource_server`] calls these rooms in order. A
//! refusal is a row of [`rejection`], and [`challenge`] makes the response. Time is always an argument ([`time`]).
//!
//! Each type is made only by the room before it. A `VerifiedJws` proves a good signature, and an `AccessToken` is made
//! only from a `VerifiedJws`. So no claim is read from an unverified token.
//!
//! This library does no network I/O: the caller fetches the issuer's documents, or uses the host crate. Verification
//! cannot be switched off.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use oidc_spa_native::access_token::{AccessTokenPolicy, Audience, Clients};
//! use oidc_spa_native::client_certificate::CertificateField;
//! use oidc_spa_native::credentials::Field;
//! use oidc_spa_native::dpop::policy::DpopPolicy;
//! use oidc_spa_native::dpop::window::ProofWindow;
//! use oidc_spa_native::jose::algorithm::AlgorithmSet;
//! use oidc_spa_native::keys::{issuer::Issuer, jwk_set::JwkSet};
//! use oidc_spa_native::presentation::RequiredBinding;
//! use oidc_spa_native::request::ProxyTrust;
//! use oidc_spa_native::question::{Question, Request};
//! use oidc_spa_native::policy::{AcceptedIssuer, Policy};
//! use oidc_spa_native::resource_server::{Decision, ResourceServer};
//! use oidc_spa_native::scheme::AcceptedSchemes;
//! use oidc_spa_native::time::{Leeway, UnixTime};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = ResourceServer::new(Policy {
//!     issuers: vec![AcceptedIssuer {
//!         issuer: Issuer::parse("https://auth.example.com")?,
//!         audience: Audience::AnyOf(vec!["https://api.example.com".into()]),
//!         clients: Clients::Any,
//!         algorithms: AlgorithmSet::all(),
//!     }],
//!     access_token: AccessTokenPolicy::default(),
//!     max_token_bytes: 16 * 1024,
//!     dpop: DpopPolicy {
//!         algorithms: AlgorithmSet::all(),
//!         window: ProofWindow::new(40, Leeway::from_secs(10).unwrap_or_default()).unwrap_or(ProofWindow::NARROWEST),
//!         nonce_window: ProofWindow::around(Leeway::from_secs(300).unwrap_or_default()),
//!         max_bytes: 8 * 1024,
//!         as_oidc_spa: false,
//!     },
//!     nonces: None,
//!     schemes: AcceptedSchemes::Both,
//!     binding: RequiredBinding::default(),
//!     proxy_trust: ProxyTrust::Nobody,
//!     resource: None,
//!     reads_forwarded_prefix: false,
//!     certificate_field: CertificateField::Ignored,
//! });
//!
//! // The caller fetches the JWK Set and knows the time.
//! let published = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1",
//!     "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
//! let keys = Arc::new(JwkSet::parse(published)?);
//! let now = UnixTime::from_secs(1_800_000_000);
//!
//! let request = Request { authorization: Field::Absent, dpop: Field::Absent, head: None };
//! let question = Question::of_request(request);
//! let Decision::Refused(refusal) = server.decide(&question, &|_| Some(keys.clone()), now) else {
//!     panic!("a request without credentials was not refused");
//! };
//! assert_eq!(refusal.challenge.status, 401);
//! assert!(refusal.challenge.www_authenticate.is_some_and(|value| value.starts_with("Bearer, DPoP algs=")));
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

// Its locks panic outside of a test of loom, so no request may meet them.
#[cfg(all(feature = "loom", not(debug_assertions)))]
compile_error!("the feature `loom` is for tests: no release build may have it");

pub mod access_token;
pub mod challenge;
pub mod client_certificate;
pub mod credentials;
pub mod crypto;
pub mod dpop;
pub mod explanation;
pub mod extraction;
pub mod grant;
pub mod jose;
pub mod keys;
pub mod memory;
pub mod policy;
mod possession;
pub mod presentation;
pub mod question;
pub mod rejection;
pub mod request;
pub mod resource_metadata;
pub mod resource_server;
pub mod scheme;
pub mod shadow;
pub mod time;
