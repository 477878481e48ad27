//! Why a request was refused: every check, in order, and beyond the first that fails. That the first failure is the
//! verdict's is held by `Setup::ask`, for every question of this suite.

use oidc_spa_native::credentials::Field;
use oidc_spa_native::explanation::{Check, Ending, Explanation};
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::resource_server::ResourceServer;

use crate::issuer::{Jwt, quoted};
use crate::issuer::{Setup, head};
use oidc_spa_native::access_token::Profile;

fn explain(setup: &Setup, authorization: &str, proof: Option<&str>) -> Explanation {
    let server = ResourceServer::new(setup.policy.clone());
    let dpop = proof.map_or(Field::Absent, Field::Once);
    let request = Request { authorization: Field::Once(authorization), dpop, head: Some(head()) };
    let keys = |_| setup.keys.clone();
    server.explain(&Question::of_request(request), &keys, setup.now, |record| {
        setup.memory.look_up(record, setup.now)
    })
}

fn ids(explanation: &Explanation, is_so: impl Fn(&Ending) -> bool) -> Vec<&'static str> {
    explanation.rows().iter().filter(|row| is_so(&row.ending)).map(|row| row.check.id()).collect()
}

fn failed(explanation: &Explanation) -> Vec<&'static str> {
    ids(explanation, |ending| matches!(ending, Ending::Failed(_)))
}

#[test]
fn a_good_request_passes_every_check_and_nothing_is_remembered() {
    let setup = Setup::new(Profile::Common);
    let token = Jwt::t1().sign();
    let proof = Jwt::p1(&token).sign();
    for _ in 0..3 {
        let explanation = explain(&setup, &format!("DPoP {token}"), Some(&proof));
        assert_eq!((explanation.refusal(), failed(&explanation)), (None, vec![]));
        assert!(explanation.admitted().is_some());
        let skipped = ids(&explanation, |ending| *ending == Ending::Skipped);
        assert_eq!(skipped, ["presentation.certificate", "presentation.accepted"]);
    }
    assert_eq!(setup.dpop(&token, &proof).name(), "granted");
    let explanation = explain(&setup, &format!("DPoP {token}"), Some(&proof));
    assert_eq!(failed(&explanation), ["proof.replay"]);
}

#[test]
fn all_that_is_wrong_is_named_at_once() {
    let setup = Setup::new(Profile::Common);
    let token = Jwt::t1().claim("exp", "1").claim("aud", "\"other\"").sign();
    let proof =
        Jwt::p1(&token).claim("htm", "\"POST\"").claim("htu", "\"http://api.example/v1/items\"").sign();
    let explanation = explain(&setup, &format!("DPoP {token}"), Some(&proof));
    assert_eq!(failed(&explanation), ["token.times", "token.audience", "proof.method", "proof.uri"]);
    let named = explanation.refusal().map(|rejection| rejection.code().row().name);
    assert_eq!(named, Some("token_expired"));
    assert!(
        explanation.admitted().is_none(),
        "nothing that a grant would say comes out of a walk that failed"
    );
    let uri = explanation.rows().iter().find(|row| row.check == Check::ProofUri).unwrap();
    let facts = uri.facts.as_ref().unwrap();
    assert_eq!(facts.expected, "https://api.example/v1/items");
    assert_eq!(facts.found, "http://api.example/v1/items");
}

#[test]
fn behind_a_bad_signature_it_goes_on_and_says_that_nobody_vouches() {
    let setup = Setup::new(Profile::Common);
    let signed = Jwt::t0().claim("aud", "\"other\"").sign();
    let (input, signature) = signed.rsplit_once('.').unwrap();
    let another = if signature.starts_with('A') { "B" } else { "A" };
    let token = format!("{input}.{another}{}", &signature[1..]);
    let explanation = explain(&setup, &format!("Bearer {token}"), None);
    assert_eq!(failed(&explanation), ["token.signature", "token.audience"]);
    for row in explanation.rows() {
        let is_before = row.check.id() == "token.signature" || row.check.id() == "credentials";
        if is_before {
            assert!(!row.is_unverified, "{}", row.check.id());
        }
        if ["token.times", "token.audience", "token.issuer"].contains(&row.check.id()) {
            assert!(row.is_unverified, "{}", row.check.id());
        }
    }
}

#[test]
fn nothing_of_a_token_or_proof_is_shown() {
    let setup = Setup::new(Profile::Common);
    let token = Jwt::t1().claim("sub", &quoted("a-person")).claim("exp", "1").sign();
    let proof = Jwt::p1(&token).claim("jti", &quoted("a-proof-of-mine")).sign();
    let shown = format!("{:?}", explain(&setup, &format!("DPoP {token}"), Some(&proof)));
    for secret in token.split('.').chain(proof.split('.')).chain(["a-person", "a-proof-of-mine"]) {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn what_came_cannot_forge_a_line() {
    let setup = Setup::new(Profile::Common);
    let token = Jwt::t0().claim("aud", "\"a\\nb\\u202e\"").claim("iss", "\"x\\u0007\"").sign();
    let explanation = explain(&setup, &format!("Bearer {token}"), None);
    for facts in explanation.rows().iter().filter_map(|row| row.facts.as_ref()) {
        assert!(!facts.found.chars().any(|c| c.is_control() || c == '\u{202e}'), "{}", facts.found);
    }
}
