//! How a token must be presented: what it must be bound to, by the rules of the server and of one route.

use oidc_spa_native::client_certificate::CertificateThumbprint;
use oidc_spa_native::credentials::Field;

use oidc_spa_native::presentation::{RequestRules, RequiredBinding};
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::request::RequestHead;
use oidc_spa_native::resource_server::ResourceServer;
use oidc_spa_native::scheme::AcceptedSchemes;

use crate::issuer::{CLIENT, Jwt, PROFILES, Setup, Verdict, head};

const CERTIFICATE: &[u8] = b"the client's certificate";

/// Bound to nothing, to a DPoP key, to a certificate, to both, to what cannot be checked here.
fn tokens() -> [String; 5] {
    let thumbprint = CertificateThumbprint::of_der(CERTIFICATE);
    let certificate = format!(r#"{{"x5t#S256":"{thumbprint}"}}"#);
    let both = format!(r#"{{"jkt":"{}","x5t#S256":"{thumbprint}"}}"#, CLIENT.thumbprint());
    [
        Jwt::t0(),
        Jwt::t1(),
        Jwt::t0().claim("cnf", &certificate),
        Jwt::t0().claim("cnf", &both),
        Jwt::t0().claim("cnf", r#"{"kid":"x"}"#),
    ]
    .map(|token| token.sign())
}

/// The verdicts on these tokens, each presented as it should be: a proof where it has a key, and its certificate.
fn judged(setup: &Setup, rules: RequestRules) -> [&'static str; 5] {
    let server = ResourceServer::new(setup.policy.clone());
    tokens().map(|token| {
        let claims = String::from_utf8(payload_of(&token)).unwrap();
        let has_key = claims.contains("jkt");
        let authorization = format!("{} {token}", if has_key { "DPoP" } else { "Bearer" });
        let proof = Jwt::p1(&token).sign();
        let dpop = if has_key { Field::Once(proof.as_str()) } else { Field::Absent };
        let head = RequestHead { peer_certificate: Some(CERTIFICATE), ..head() };
        let request = Request { authorization: Field::Once(&authorization), dpop, head: Some(head) };
        let fresh = Setup::new(PROFILES[0]);
        let question = Question { rules, ..Question::of_request(request) };
        fresh.settle(&server, server.decide(&question, &|_| setup.keys.clone(), setup.now)).name()
    })
}

fn payload_of(token: &str) -> Vec<u8> {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()
}

fn binding(certificate: bool, any: bool) -> RequiredBinding {
    RequiredBinding { certificate, any }
}

fn bits(dpop: u32, certificate: u32, sender_constrained: u32) -> RequestRules {
    RequestRules::from_bits(dpop | certificate << 2 | sender_constrained << 4).unwrap()
}

const ANY: [&str; 5] = ["granted", "granted", "granted", "granted", "token_bound"];
const BOUND: [&str; 5] = ["token_unbound", "granted", "granted", "granted", "token_bound"];
const CERTIFIED: [&str; 5] = ["token_unbound", "token_unbound", "granted", "granted", "token_bound"];
const WITH_KEY: [&str; 5] = ["token_unbound", "granted", "token_unbound", "granted", "token_bound"];
const WITH_BOTH: [&str; 5] = ["token_unbound", "token_unbound", "token_unbound", "granted", "token_bound"];

#[test]
fn a_server_asks_for_what_its_tokens_must_be_bound_to() {
    use AcceptedSchemes::{Both, DPoP};
    for profile in PROFILES {
        for (schemes, required, expected) in [
            (Both, binding(false, false), ANY),
            (Both, binding(false, true), BOUND),
            (Both, binding(true, false), CERTIFIED),
            (Both, binding(true, true), CERTIFIED),
            (DPoP, binding(false, false), WITH_KEY),
            (DPoP, binding(false, true), WITH_KEY),
            (DPoP, binding(true, false), WITH_BOTH),
        ] {
            let setup = Setup::new(profile).policy(|policy| {
                policy.schemes = schemes;
                policy.binding = required;
            });
            assert_eq!(
                judged(&setup, RequestRules::default()),
                expected,
                "{profile:?} {schemes:?} {required:?}"
            );
        }
    }
}

#[test]
fn a_route_asks_for_more_or_less_than_its_server() {
    let lax = Setup::new(PROFILES[0]);
    let strict = Setup::new(PROFILES[0]).policy(|policy| {
        policy.schemes = AcceptedSchemes::DPoP;
        policy.binding = binding(true, true);
    });
    for (rules, of_lax, of_strict) in [
        (bits(0, 0, 0), ANY, WITH_BOTH),
        (bits(0, 2, 0), CERTIFIED, WITH_BOTH),
        (bits(0, 0, 2), BOUND, WITH_BOTH),
        (bits(2, 0, 0), WITH_KEY, WITH_BOTH),
        (bits(2, 2, 0), WITH_BOTH, WITH_BOTH),
        (bits(1, 0, 0), ANY, CERTIFIED),
        (bits(1, 1, 0), ANY, BOUND),
        (bits(1, 1, 1), ANY, ANY),
        (bits(0, 1, 1), ANY, WITH_KEY),
    ] {
        assert_eq!(judged(&lax, rules), of_lax, "{rules:?}");
        assert_eq!(judged(&strict, rules), of_strict, "{rules:?}");
    }
}

#[test]
fn numbers_that_mean_nothing_are_no_rules() {
    let read: Vec<u32> = (0..1 << 12).filter(|bits| RequestRules::from_bits(*bits).is_some()).collect();
    assert_eq!(read.len(), 4 * 3 * 3);
    assert!(read.iter().all(|bits| *bits < 1 << 6 && bits >> 2 & 3 != 3 && bits >> 4 != 3));
    assert_eq!(RequestRules::from_bits(u32::MAX), None);
}

#[test]
fn a_binding_that_is_asked_for_is_proved_all_the_same() {
    let [_, key, certificate, ..] = tokens();
    let setup = Setup::new(PROFILES[0]).policy(|policy| policy.binding = binding(false, true));
    let with = |token: &str, head| {
        let authorization = format!("Bearer {token}");
        setup.judge(&Request { authorization: Field::Once(&authorization), dpop: Field::Absent, head }).name()
    };
    assert_eq!(with(&key, Some(head())), "token_bound");
    assert_eq!(with(&certificate, Some(head())), "token_bound");
    let other = RequestHead { peer_certificate: Some(b"another"), ..head() };
    assert_eq!(with(&certificate, Some(other)), "certificate_mismatch");
    let its_own = RequestHead { peer_certificate: Some(CERTIFICATE), ..head() };
    assert_eq!(with(&certificate, Some(its_own)), "granted");
    // Nothing is remembered of a proof whose token is refused for its binding.
    let strict = Setup::new(PROFILES[0]).policy(|policy| policy.binding = binding(true, false));
    let proof = Jwt::p1(&key).sign();
    let refused = strict.dpop(&key, &proof);
    assert_eq!(refused.name(), "token_unbound");
    assert!(refused.message().contains("client certificate (cnf.x5t#S256)"), "{}", refused.message());
    let Setup { memory, .. } = strict;
    let lax = Setup { memory, ..Setup::new(PROFILES[0]) };
    assert!(matches!(lax.dpop(&key, &proof), Verdict::Granted(_)));
}
