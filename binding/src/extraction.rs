//! The drop-in's first step: credentials and target URI, taken out of a request.
//!
//! In: strings. Out: `NativeExtraction`. May use: the validator's types, napi. Never: an `if` about OAuth.

use napi_derive::napi;
use oidc_spa_native::credentials::Extracted;
use oidc_spa_native::request::ProxyTrust;

use crate::parts::RequestParts;

/// What `extractRequestAuthContext` of the drop-in needs.
#[napi(object)]
#[derive(Default)]
pub struct NativeExtraction {
    /// Whether the request can be judged at all.
    pub well_formed: bool,
    /// Why not, for developers.
    pub debug_error_message: Option<String>,
    /// `Bearer` or `DPoP`.
    pub scheme: Option<String>,
    /// The access token, as sent.
    pub access_token: Option<String>,
    /// The DPoP proof, as sent.
    pub dpop_proof: Option<String>,
    /// The URI that a proof must name.
    pub expected_htu: Option<String>,
}

/// Takes credentials and target URI out of a request, for the drop-in. Nothing where there is no `Authorization`.
/// The drop-in knows no `X-Forwarded-Prefix` and no certificates: those parts are not read.
#[napi(catch_unwind)]
#[allow(clippy::too_many_arguments)]
pub fn extract_credentials(
    trust_proxy: bool,
    flags: u32,
    authorization: Option<String>,
    dpop: Option<String>,
    method: Option<String>,
    url: Option<String>,
    connection_scheme: Option<String>,
    host: Option<String>,
    forwarded: Option<String>,
    x_forwarded_proto: Option<String>,
    x_forwarded_host: Option<String>,
    x_forwarded_port: Option<String>,
    x_forwarded_for: Option<String>,
    remote_address: Option<String>,
) -> Option<NativeExtraction> {
    let parts = RequestParts {
        flags,
        authorization,
        dpop,
        method,
        url,
        connection_scheme,
        host,
        forwarded,
        x_forwarded_proto,
        x_forwarded_host,
        x_forwarded_port,
        x_forwarded_for,
        remote_address,
        x_forwarded_prefix: None,
        client_cert: None,
        peer_certificate: None,
    };
    let trust = if trust_proxy { ProxyTrust::First } else { ProxyTrust::Nobody };
    let extracted = {
        let request = parts.request();
        Extracted::from_request(request.authorization, request.dpop, request.head, &trust)?
    };
    Some(match extracted {
        Err(rejection) => NativeExtraction {
            debug_error_message: Some(rejection.message().to_owned()),
            ..NativeExtraction::default()
        },
        Ok(extracted) => NativeExtraction {
            well_formed: true,
            scheme: Some(extracted.scheme.name().to_owned()),
            access_token: Some(extracted.access_token.to_owned()),
            dpop_proof: extracted.proof.map(str::to_owned),
            expected_htu: extracted.target.map(|uri| uri.to_string()),
            debug_error_message: None,
        },
    })
}
