//! Several issuers in one resource server, each with its own keys, audience and algorithms (E11, E12, H39).

use std::cell::Cell;
use std::sync::Arc;

use oidc_spa_native::access_token::{Audience, Clients, Profile};
use oidc_spa_native::credentials::Field;
use oidc_spa_native::jose::algorithm::{Algorithm, AlgorithmSet};
use oidc_spa_native::keys::issuer::Issuer;
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::policy::AcceptedIssuer;
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::resource_server::{Decision, ResourceServer};
use oidc_spa_native::time::UnixTime;

use crate::issuer::{CLIENT, ES_1, Jwt, PROFILES, RSA_1, RSA_2, Setup, SigningKey, jwk_set_of, quoted};

const A: &str = "https://a.example";
const B: &str = "https://b.example";

/// Issuer a signs with ES256 only, issuer b with RS256 too. Their elliptic keys have one `kid`.
struct Two {
    server: ResourceServer,
    keys: [Arc<JwkSet>; 2],
    asked: Cell<usize>,
}

impl Two {
    fn new(profile: Profile) -> Self {
        let accepted = |issuer: &str, audience: &str, algorithms: &[Algorithm]| AcceptedIssuer {
            issuer: Issuer::parse(issuer).unwrap(),
            audience: Audience::AnyOf(vec![audience.into()]),
            clients: Clients::Any,
            algorithms: AlgorithmSet::of(algorithms).unwrap(),
        };
        let setup = Setup::new(profile).policy(|policy| {
            policy.issuers = vec![
                accepted(A, "api-a", &[Algorithm::ES256]),
                accepted(B, "api-b", &[Algorithm::ES256, Algorithm::RS256]),
            ];
        });
        let set = |ec: &SigningKey, rsa: &SigningKey| {
            let keys = jwk_set_of(&[ec.jwk(r#""kid":"same""#), rsa.jwk(r#""kid":"rsa""#)]);
            Arc::new(JwkSet::parse(keys.as_bytes()).unwrap())
        };
        Self {
            server: ResourceServer::new(setup.policy),
            keys: [set(&ES_1, &RSA_1), set(&CLIENT, &RSA_2)],
            asked: Cell::new(0),
        }
    }

    /// `granted` with the issuer's position, or the code.
    fn judge(&self, token: &Jwt) -> String {
        let authorization = format!("Bearer {}", token.sign());
        let request = Request { authorization: Field::Once(&authorization), dpop: Field::Absent, head: None };
        self.asked.set(0);
        let keys = |issuer: usize| {
            self.asked.set(self.asked.get() + 1);
            self.keys.get(issuer).cloned()
        };
        let now = UnixTime::from_secs(crate::issuer::NOW);
        match self.server.decide(&Question::of_request(request), &keys, now) {
            Decision::Refused(refusal) => refusal.rejection.code().row().name.to_owned(),
            Decision::KeysNeeded { needed, otherwise } => {
                format!("{} of {}", otherwise.rejection.code().row().name, needed.issuer)
            }
            Decision::Pending(pending) => {
                let grant = self.server.settle(pending, |_| panic!("a bearer token has no proof")).unwrap();
                format!("granted of {}", grant.issuer())
            }
        }
    }
}

fn token(issuer: &str, audience: &str, kid: &str, key: &'static SigningKey, algorithm: Algorithm) -> Jwt {
    Jwt::t0().claim("iss", &quoted(issuer)).claim("aud", &quoted(audience)).by(kid, key, algorithm)
}

#[test]
fn e11_h39_each_issuer_vouches_with_its_own_keys_for_its_own_tokens() {
    for two in PROFILES.map(Two::new) {
        let ec = Algorithm::ES256;
        assert_eq!(two.judge(&token(A, "api-a", "same", &ES_1, ec)), "granted of 0");
        assert_eq!(two.judge(&token(B, "api-b", "same", &CLIENT, ec)), "granted of 1");
        // The other's key, under the very same kid.
        assert_eq!(two.judge(&token(B, "api-b", "same", &ES_1, ec)), "signature_invalid of 1");
        assert_eq!(two.judge(&token(A, "api-a", "same", &CLIENT, ec)), "signature_invalid of 0");
    }
}

#[test]
fn e11_audience_and_algorithms_are_the_issuers_own() {
    for two in PROFILES.map(Two::new) {
        let (ec, rsa) = (Algorithm::ES256, Algorithm::RS256);
        assert_eq!(two.judge(&token(A, "api-b", "same", &ES_1, ec)), "audience_mismatch");
        assert_eq!(two.judge(&token(B, "api-a", "same", &CLIENT, ec)), "audience_mismatch");
        assert_eq!(two.judge(&token(B, "api-b", "rsa", &RSA_2, rsa)), "granted of 1");
        assert_eq!(two.judge(&token(A, "api-a", "rsa", &RSA_1, rsa)), "algorithm_not_allowed");
        assert_eq!(two.asked.get(), 0, "an algorithm that is not allowed needs no keys");
    }
}

#[test]
fn e12_h41_an_issuer_that_is_not_accepted_has_no_keys() {
    for two in PROFILES.map(Two::new) {
        let by_a = |iss: &str| token(A, "api-a", "same", &ES_1, Algorithm::ES256).claim("iss", iss);
        for iss in [
            r#""https://c.example""#,
            r#""https://a.example.evil""#,
            r#""https://a.example/../b.example""#,
            r#""https://a.example/x""#,
            r#""""#,
            r#"["https://a.example"]"#,
            "null",
            "1",
        ] {
            assert_eq!(two.judge(&by_a(iss)), "issuer_mismatch", "{iss}");
            assert_eq!(two.asked.get(), 0, "{iss}");
        }
        assert_eq!(two.judge(&by_a(&quoted(A)).without("iss")), "issuer_mismatch");
        assert_eq!(two.judge(&by_a(&quoted(A)).raw_payload(b"[]")), "issuer_mismatch");
        assert_eq!(two.judge(&by_a(&quoted(A))), "granted of 0");
        assert_eq!(two.asked.get(), 1);
    }
}

#[test]
fn e08_a_trailing_slash_finds_its_issuer_outside_rfc9068() {
    for (profile, expected) in PROFILES.into_iter().zip(["granted of 1", "issuer_mismatch", "granted of 1"]) {
        let slashed = token(&format!("{B}/"), "api-b", "same", &CLIENT, Algorithm::ES256);
        assert_eq!(Two::new(profile).judge(&slashed), expected, "{profile:?}");
    }
}

#[test]
fn e12_without_any_issuer_nobody_is_accepted() {
    let setup = Setup::new(Profile::Common).policy(|policy| policy.issuers.clear());
    assert_eq!(setup.bearer(&Jwt::t0().sign()).name(), "issuer_mismatch");
}

/// What is said of a token where the application is asked for issuers: the name to ask for, and the code without one.
fn asked_for(token: &str) -> (Option<(String, bool)>, &'static str) {
    let server =
        ResourceServer::new(Setup::new(Profile::Common).policy(|policy| policy.issuers.clear()).policy);
    let authorization = format!("Bearer {token}");
    let request = || Request { authorization: Field::Once(&authorization), dpop: Field::Absent, head: None };
    let now = UnixTime::from_secs(crate::issuer::NOW);
    let named = server.named_issuer(&request(), now).map(|named| (named.name, named.may_pass));
    match server.decide(&Question::of_request(request()), &|_| None, now) {
        Decision::Refused(refusal) => (named, refusal.rejection.code().row().name),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_a_name_that_an_issuer_may_have_is_asked_for_and_no_token_passes_without_one() {
    let longest = format!("urn:{}", "x".repeat(508));
    for (iss, is_asked) in [
        (A, true),
        ("urn:example:issuer", true),
        ("auth.example.com", true),
        (longest.as_str(), true),
        ("", false),
        (" https://a.example", false),
        ("https://a.example/ b", false),
        ("https://a.example/\u{0}", false),
        ("1:2", false),
        ("https://login.example/{tenantid}", false),
        (format!("{longest}x").as_str(), false),
    ] {
        let token = Jwt::t0().claim("iss", &serde_json::to_string(iss).unwrap());
        let expected = is_asked.then(|| (iss.to_owned(), true));
        assert_eq!(asked_for(&token.sign()), (expected, "issuer_mismatch"), "{iss}");
    }
    assert_eq!(asked_for(&Jwt::t0().claim("iss", "7").sign()), (None, "issuer_mismatch"));
    let expired = Jwt::t0().claim("iss", &quoted(A)).claim("exp", "1").sign();
    assert_eq!(asked_for(&expired), (Some((A.to_owned(), false)), "token_expired"));
    assert_eq!(asked_for("e30.e30."), (None, "token_malformed"));
}
