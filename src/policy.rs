//! The rules of a resource server: its issuers, and what tokens, proofs and requests must be like.
//!
//! In: values that were read and checked.
//! Out: `Policy`, `AcceptedIssuer`.
//! Never: a default, a decision.

use crate::access_token::{AccessTokenPolicy, Audience, Clients, Expected};
use crate::client_certificate::CertificateField;
use crate::dpop::nonce::Nonces;
use crate::dpop::policy::DpopPolicy;
use crate::jose::algorithm::AlgorithmSet;
use crate::keys::issuer::Issuer;
use crate::presentation::RequiredBinding;
use crate::request::ProxyTrust;
use crate::resource_metadata::ProtectedResource;
use crate::scheme::AcceptedSchemes;

/// One issuer whose tokens are accepted.
#[derive(Clone, Debug)]
pub struct AcceptedIssuer {
    /// Its identifier.
    pub issuer: Issuer,
    /// The expected audience of its tokens.
    pub audience: Audience,
    /// The clients whose tokens are accepted.
    pub clients: Clients,
    /// The algorithms that it may sign with.
    pub algorithms: AlgorithmSet,
}

impl AcceptedIssuer {
    pub(crate) const fn expected(&self) -> Expected<'_> {
        Expected { issuer: &self.issuer, audience: &self.audience, clients: &self.clients }
    }
}

/// The rules of a resource server.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The issuers whose tokens are accepted. Empty if the caller chooses the rules by
    /// [`ResourceServer::named_issuer`](crate::resource_server::ResourceServer::named_issuer).
    pub issuers: Vec<AcceptedIssuer>,
    /// The rules for access tokens.
    pub access_token: AccessTokenPolicy,
    /// Bytes of an access token.
    pub max_token_bytes: usize,
    /// The rules for proofs.
    pub dpop: DpopPolicy,
    /// The nonces that this server gives, if any.
    pub nonces: Option<Nonces>,
    /// The schemes that are accepted.
    pub schemes: AcceptedSchemes,
    /// The binding that every token must have.
    pub binding: RequiredBinding,
    /// The proxies that are trusted for the URI that the client saw.
    pub proxy_trust: ProxyTrust,
    /// Its metadata, if it publishes any.
    pub resource: Option<ProtectedResource>,
    /// Whether `X-Forwarded-Prefix` is read from the proxies that `proxy_trust` names. Many proxies pass on the
    /// client's field.
    pub reads_forwarded_prefix: bool,
    /// Whether a client's certificate may come from a header field.
    pub certificate_field: CertificateField,
}
