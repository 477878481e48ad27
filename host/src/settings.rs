//! What JavaScript must know of the options, defaults included. It reads no option a second time.
//!
//! In: a validator's options, as they were read.
//! Out: one JSON text.
//! Never: a secret, a default.

use std::time::Duration;

use oidc_spa_native::resource_server::ResourceServer;
use oidc_spa_native::scheme::AcceptedSchemes;
use serde_json::{Value, json};

use crate::options::ForwardedOptions;

/// What JavaScript needs to know beside the policy.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Warnings about the application's options.
    pub warnings: Vec<String>,
    pub forwarded: ForwardedOptions,
    /// Bytes of a memory of verified tokens; zero: none.
    pub verified_token_bytes: u64,
    pub store_timeout: Duration,
}

/// The JSON text of `Settings` in `ts/addon/native.ts`.
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
        "verification": settings.forwarded.verification,
        "verifiedTokenBytes": settings.verified_token_bytes,
        "storeTimeoutMs": u64::try_from(settings.store_timeout.as_millis()).unwrap_or(u64::MAX),
    });
    text.to_string()
}

/// `ResourceMetadata` of `index.d.ts`.
fn resource_metadata(server: &ResourceServer) -> Option<Value> {
    let resource = server.policy().resource.as_ref()?;
    let (url, path) = (resource.metadata_url(), resource.metadata_path());
    let document: Value = serde_json::from_str(&server.resource_document()?).ok()?;
    Some(json!({ "url": url, "path": path, "document": document }))
}
