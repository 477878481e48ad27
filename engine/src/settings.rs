//! The options as JavaScript needs them, with their defaults. JavaScript reads no option a second time.
//!
//! In: a validator's options, as they were read.
//! Out: one JSON text.
//! Never: a secret, a default.

use std::time::Duration;

use oidc_spa_native::access_token::Audience;
use oidc_spa_native::client_certificate::CertificateField;
use oidc_spa_native::policy::Policy;
use oidc_spa_native::request::ProxyTrust;
use oidc_spa_native::resource_server::ResourceServer;
use oidc_spa_native::scheme::AcceptedSchemes;
use serde_json::{Value, json};
use url::Url;

use crate::options::ForwardedOptions;

/// The settings for JavaScript that are not in the policy.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Warnings about the application's options.
    pub warnings: Vec<String>,
    pub forwarded: ForwardedOptions,
    /// Size of a memory of verified tokens in bytes; zero: no memory.
    pub verified_token_bytes: u64,
    pub store_timeout: Duration,
    pub has_replay_store: bool,
    /// Whether there are rules to try.
    pub has_shadow: bool,
}

/// The JSON text of `Settings` in `ts/boundary/interface.ts`.
pub(crate) fn to_json(server: &ResourceServer, settings: &Settings) -> String {
    let policy = server.policy();
    let issuers = policy.issuers.iter().map(|accepted| accepted.issuer.as_str());
    let mode = |is_required: bool| if is_required { "required" } else { "allowed" };
    let text = json!({
        "warnings": settings.warnings,
        "issuerUris": issuers.collect::<Vec<_>>(),
        "resourceMetadata": resource_metadata(server),
        "dpop": match policy.schemes {
            AcceptedSchemes::Both => "allowed",
            AcceptedSchemes::DPoP => "required",
            AcceptedSchemes::Bearer => "disabled",
        },
        "certificate": mode(policy.binding.certificate),
        "senderConstrained": mode(policy.binding.any),
        "readsPeerCertificate": settings.forwarded.reads_peer_certificate,
        "seesCertificates": settings.forwarded.reads_peer_certificate
            || policy.certificate_field == CertificateField::OfTrustedProxy,
        "leewaySeconds": policy.access_token.expiry_leeway.secs(),
        "maxTokenAgeSeconds": policy.access_token.max_age_secs,
        "ownHosts": own_hosts(policy),
        "verification": settings.forwarded.verification,
        "verifiedTokenBytes": settings.verified_token_bytes,
        "hasReplayStore": settings.has_replay_store,
        "hasShadow": settings.has_shadow,
        "storeTimeoutMs": u64::try_from(settings.store_timeout.as_millis()).unwrap_or(u64::MAX),
    });
    text.to_string()
}

/// The hosts of the https URLs that name this API, if a request's `Host` field decides for which host a proof must be.
fn own_hosts(policy: &Policy) -> Vec<String> {
    if policy.proxy_trust != ProxyTrust::Nobody {
        return Vec::new();
    }
    let audiences = policy.issuers.iter().flat_map(|accepted| match &accepted.audience {
        Audience::AnyOf(values) | Audience::Only(values) => values.as_slice(),
        Audience::Unchecked => &[],
    });
    let resource = policy.resource.as_ref().map(|resource| resource.identifier());
    let mut hosts = Vec::new();
    for name in audiences.map(String::as_str).chain(resource).filter(|name| name.starts_with("https://")) {
        match Url::parse(name).ok().and_then(|url| url.host_str().map(str::to_owned)) {
            Some(host) if !hosts.contains(&host) => hosts.push(host),
            _ => {}
        }
    }
    hosts
}

/// `ResourceMetadata` of `index.d.ts`.
fn resource_metadata(server: &ResourceServer) -> Option<Value> {
    let resource = server.policy().resource.as_ref()?;
    let (url, path) = (resource.metadata_url(), resource.metadata_path());
    let document: Value = serde_json::from_str(&server.resource_document()?).ok()?;
    Some(json!({ "url": url, "path": path, "document": document }))
}
