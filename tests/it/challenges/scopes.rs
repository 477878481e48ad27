//! The scopes that a route will ask for, in the challenges of anonymous requests.

use oidc_spa_native::challenge::Demand;
use oidc_spa_native::credentials::Field;
use oidc_spa_native::presentation::RequestRules;
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::rejection::Code;
use oidc_spa_native::resource_server::ResourceServer;

use super::setup;
use crate::issuer::{Jwt, Verdict, head};

/// The challenge of a request to a route that will ask for these scopes.
fn asked(authorization: Field<'_>, scopes: Option<&str>) -> String {
    let request = Request { authorization, dpop: Field::Absent, head: Some(head()) };
    let setup = setup();
    match setup.ask(&Question { scopes, ..Question::of_request(request) }) {
        Verdict::Refused(refusal) => refusal.challenge.www_authenticate.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_anonymous_request_is_told_the_scopes_of_its_route() {
    let setup = setup();
    let server = ResourceServer::new(setup.policy.clone());
    for (authorization, code) in [
        (Field::Absent, Code::CredentialsMissing),
        (Field::Once("Basic dXNlcjpwYXNz"), Code::SchemeUnsupported),
    ] {
        let challenge = asked(authorization, Some("read items:write"));
        let demand = Demand::new(&["read", "items:write"], &[], None).unwrap();
        let rules = RequestRules::default();
        let expected = server.refuse(code.because(""), None, rules, &demand, setup.now);
        assert_eq!(Some(challenge.as_str()), expected.challenge.www_authenticate.as_deref());
        assert_eq!(challenge.matches(r#"scope="read items:write""#).count(), 2, "{challenge}");
        assert!(!asked(authorization, None).contains("scope"), "the twin");
    }
}

#[test]
fn no_other_refusal_names_the_scopes_of_a_route() {
    let expired = format!("Bearer {}", Jwt::t0().claim("exp", "1").sign());
    for authorization in [Field::Once(expired.as_str()), Field::Once("Bearer"), Field::Repeated] {
        let challenge = asked(authorization, Some("read"));
        assert!(!challenge.contains("scope=") && challenge == asked(authorization, None), "{challenge}");
    }
}

#[test]
fn scopes_that_cannot_stand_in_a_challenge_are_left_out() {
    for scopes in ["", " ", "a\"b", "read \\", "\u{e4}"] {
        assert_eq!(asked(Field::Absent, Some(scopes)), asked(Field::Absent, None), "{scopes:?}");
    }
    assert_ne!(asked(Field::Absent, Some("read")), asked(Field::Absent, None));
}
