//! The drop-in's first step: credentials and target URI, taken out of a request.
//!
//! In: strings. Out: `Extraction`. May use: the validator's types, napi. Never: an `if` about OAuth.

use napi::bindgen_prelude::Either;
use napi_derive::napi;
use oidc_spa_native::credentials::Extracted;
use oidc_spa_native::request::ProxyTrust;

use crate::parts::RequestParts;

/// Scheme, access token and proof as sent, and the URI that the proof must name; or why the request cannot be judged at
/// all, for developers. Lists, since a member of an object costs more than an item.
type Extraction = Either<(&'static str, String, Option<String>, Option<String>), String>;

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
) -> Option<Extraction> {
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
        Err(rejection) => Either::B(rejection.message().to_owned()),
        Ok(Extracted { scheme, access_token, proof, target }) => Either::A((
            scheme.name(),
            access_token.to_owned(),
            proof.map(str::to_owned),
            target.map(|uri| uri.to_string()),
        )),
    })
}
