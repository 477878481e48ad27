//! The configuration of a vector, as the policy of a resource server.

use oidc_spa_native::access_token::{AccessTokenPolicy, Audience, Clients, OptionalClaims, Profile};
use oidc_spa_native::client_certificate::CertificateField;
use oidc_spa_native::crypto::sha256;
use oidc_spa_native::dpop::nonce::{NonceMode, Nonces};
use oidc_spa_native::dpop::policy::DpopPolicy;
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::jose::algorithm::{Algorithm, AlgorithmSet};
use oidc_spa_native::keys::issuer::Issuer;
use oidc_spa_native::keys::secure_url::Transport;
use oidc_spa_native::policy::{AcceptedIssuer, Policy};
use oidc_spa_native::presentation::RequiredBinding;
use oidc_spa_native::request::{ProxyTrust, TargetUri};
use oidc_spa_native::resource_metadata::{Description, ProtectedResource};
use oidc_spa_native::scheme::AcceptedSchemes;
use oidc_spa_native::time::Leeway;
use serde_json::Value;

use crate::issuer::{AUDIENCE, ISSUER};

/// What a configuration may say. Another word would be passed over in silence.
const NAMES: [&str; 13] = [
    "issuers",
    "algorithms",
    "profile",
    "leewaySeconds",
    "maxTokenAgeSeconds",
    "optionalClaims",
    "dpop",
    "nonce",
    "nonceSecret",
    "trustProxy",
    "publicBaseUrl",
    "clientCertificate",
    "resource",
];
const BINDINGS: [&str; 2] = ["certificate", "senderConstrained"];

fn leeway(secs: &Value, otherwise: u16) -> Leeway {
    let secs = secs.as_u64().map_or(otherwise, |secs| secs as u16);
    Leeway::from_secs(secs).unwrap()
}

/// Where the `iat` of a proof may lie: vectors do not change it.
pub fn window_of(_: &Value) -> ProofWindow {
    ProofWindow::new(40, leeway(&Value::Null, 10)).unwrap()
}

pub fn policy_of(configuration: &Value) -> Policy {
    for name in configuration.as_object().into_iter().flat_map(|members| members.keys()) {
        assert!(NAMES.contains(&name.as_str()) || BINDINGS.contains(&name.as_str()), "{name}");
    }
    Policy {
        issuers: issuers_of(configuration),
        access_token: access_token_policy(configuration),
        max_token_bytes: 16 * 1024,
        dpop: DpopPolicy {
            algorithms: AlgorithmSet::all(),
            window: window_of(configuration),
            nonce_window: ProofWindow::around(leeway(&Value::Null, 300)),
            max_bytes: 8 * 1024,
            as_oidc_spa: false,
        },
        nonces: nonces_of(configuration),
        schemes: AcceptedSchemes::from_dpop_mode(configuration["dpop"].as_str().unwrap_or("allowed"))
            .unwrap(),
        binding: RequiredBinding {
            certificate: configuration["certificate"] == "required",
            any: configuration["senderConstrained"] == "required",
        },
        proxy_trust: proxy_trust_of(configuration),
        resource: configuration["resource"]
            .as_str()
            .map(|text| ProtectedResource::parse(text, Description::default()).unwrap()),
        reads_forwarded_prefix: false,
        certificate_field: match configuration["clientCertificate"].as_str() {
            Some("header") => CertificateField::OfTrustedProxy,
            _ => CertificateField::Ignored,
        },
    }
}

fn issuers_of(configuration: &Value) -> Vec<AcceptedIssuer> {
    let algorithms = match configuration["algorithms"].as_array() {
        None => AlgorithmSet::all(),
        Some(names) => {
            let names: Vec<Algorithm> =
                names.iter().map(|name| Algorithm::from_name(name.as_str().unwrap()).unwrap()).collect();
            AlgorithmSet::of(&names).unwrap()
        }
    };
    let accepted = |issuer: &str, audience| AcceptedIssuer {
        issuer: Issuer::named(issuer, Transport::default()).unwrap(),
        audience,
        clients: Clients::Any,
        algorithms,
    };
    let audience = |value: &Value| {
        value.as_str().map_or(Audience::Unchecked, |audience| Audience::AnyOf(vec![audience.into()]))
    };
    match configuration["issuers"].as_array() {
        None => vec![accepted(ISSUER, Audience::AnyOf(vec![AUDIENCE.into()]))],
        Some(issuers) => issuers
            .iter()
            .map(|issuer| accepted(issuer["issuer"].as_str().unwrap(), audience(&issuer["audience"])))
            .collect(),
    }
}

fn access_token_policy(configuration: &Value) -> AccessTokenPolicy {
    let may_lack = |name: &str| {
        configuration["optionalClaims"]
            .as_array()
            .is_some_and(|names| names.iter().any(|other| other == name))
    };
    AccessTokenPolicy {
        profile: if configuration["profile"] == "rfc9068" { Profile::Rfc9068 } else { Profile::Common },
        accept_id_tokens: false,
        expiry_leeway: leeway(&configuration["leewaySeconds"], 0),
        not_before_leeway: leeway(&configuration["leewaySeconds"], 10),
        optional_claims: OptionalClaims { sub: may_lack("sub"), iat: may_lack("iat") },
        max_age_secs: configuration["maxTokenAgeSeconds"].as_u64().map(|secs| secs as u32),
    }
}

fn nonces_of(configuration: &Value) -> Option<Nonces> {
    let mode = match configuration["nonce"].as_str()? {
        "required" => NonceMode::Required,
        "on-stale-proof" => NonceMode::OnStaleProof,
        other => panic!("nonce is {other}"),
    };
    let secret = configuration["nonceSecret"].as_str().unwrap();
    Some(Nonces::new(mode, sha256(secret.as_bytes()), 60))
}

fn proxy_trust_of(configuration: &Value) -> ProxyTrust {
    let trust = &configuration["trustProxy"];
    match (configuration["publicBaseUrl"].as_str(), trust, trust.as_array()) {
        (Some(url), ..) => ProxyTrust::PublicBaseUrl(TargetUri::parse(url).unwrap()),
        (None, Value::Bool(true), _) => ProxyTrust::First,
        (None, _, Some(networks)) => ProxyTrust::Networks(
            networks.iter().map(|network| network.as_str().unwrap().parse().unwrap()).collect(),
        ),
        _ => ProxyTrust::Nobody,
    }
}
