//! Bound and unbound tokens on both schemes, and which schemes a server accepts (requirements N, J41, J42).

use oidc_spa_native::credentials::{Credentials, Field, Presentation};

use oidc_spa_native::question::Request;
use oidc_spa_native::scheme::{AcceptedSchemes, Scheme};

use super::{p1, t1};
use crate::issuer::{CLIENT, Jwt, PROFILES, Setup, head};

/// What each profile says of a token as a bearer token, and with a proof by the client's key.
fn both(token: &Jwt) -> [[&'static str; 3]; 2] {
    let token = token.sign();
    let proof = Jwt::p1(&token).sign();
    [
        PROFILES.map(|profile| Setup::new(profile).bearer(&token).name()),
        PROFILES.map(|profile| Setup::new(profile).dpop(&token, &proof).name()),
    ]
}

#[track_caller]
fn cnf(id: &str, cnf: &str, bearer: &'static str, dpop: &'static str) {
    assert_eq!(both(&Jwt::t0().claim("cnf", cnf)), [[bearer; 3], [dpop; 3]], "{id} {cnf}");
}

#[test]
fn n01_n18_b2_27_a_bound_token_is_no_bearer_token() {
    assert_eq!(both(&Jwt::t1()), [["token_bound"; 3], ["granted"; 3]]);
    // A proof beside it does not help: the scheme says that nobody looks at it.
    let (authorization, proof) = (format!("Bearer {}", t1()), p1().sign());
    for profile in PROFILES {
        for dpop in [Field::Once(proof.as_str()), Field::Absent, Field::Repeated] {
            let authorization = Field::Once(authorization.as_str());
            let request = Request { authorization, dpop, head: Some(head()) };
            assert_eq!(Setup::new(profile).judge(&request).name(), "token_bound");
        }
    }
}

#[test]
fn b2_22_an_unbound_token_is_no_dpop_token() {
    assert_eq!(both(&Jwt::t0()), [["granted"; 3], ["token_unbound"; 3]]);
}

#[test]
fn n06_a_thumbprint_has_one_spelling() {
    let jkt = CLIENT.thumbprint();
    let hex = "0".repeat(64);
    let cases = [
        format!("{jkt}="),
        jkt.to_ascii_uppercase(),
        format!(" {jkt}"),
        jkt[..42].to_owned(),
        hex,
        String::new(),
    ];
    for bad in cases {
        assert!(bad != jkt);
        cnf("N06", &format!(r#"{{"jkt":"{bad}"}}"#), "token_bound", "proof_key_mismatch");
    }
    cnf("N06 twin", &format!(r#"{{"jkt":"{jkt}"}}"#), "token_bound", "granted");
}

#[test]
fn n07_a_cnf_of_the_wrong_type_is_refused_on_both_schemes() {
    for value in [r#""x""#, "[]", "1", "null", "true", r#"[{"jkt":"x"}]"#] {
        cnf("N07", value, "claim_malformed", "claim_malformed");
    }
    for value in ["1", "null", "true", r#"["a"]"#, "{}"] {
        cnf("N07", &format!(r#"{{"jkt":{value}}}"#), "claim_malformed", "claim_malformed");
    }
}

#[test]
fn n08_n09_n11_n14_n15_a_confirmation_that_cannot_be_checked_is_refused_on_both_schemes() {
    let jkt = CLIENT.thumbprint();
    for value in [
        "{}".to_owned(),
        r#"{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0"}"#.into(),
        format!(r#"{{"jkt":"{jkt}","x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0"}}"#),
        r#"{"x5t":"x"}"#.into(),
        format!(r#"{{"jwk":{}}}"#, CLIENT.jwk("")),
        r#"{"kid":"x"}"#.into(),
        r#"{"jku":"https://evil.example/jwks"}"#.into(),
        format!(r#"{{"JKT":"{jkt}"}}"#),
    ] {
        cnf("N11", &value, "token_bound", "token_bound");
    }
    // Members that nobody defined stand beside a `jkt` without harm.
    cnf("B10.6", &format!(r#"{{"jkt":"{jkt}","foo":1}}"#), "token_bound", "granted");
}

#[test]
fn n10_a_thumbprint_at_another_place_binds_nothing() {
    for claim in ["jkt", "confirmation", "CNF"] {
        let token = Jwt::t0().claim(claim, &format!(r#"{{"jkt":"{}"}}"#, CLIENT.thumbprint()));
        assert_eq!(both(&token), [["granted"; 3], ["token_unbound"; 3]], "{claim}");
    }
}

#[test]
fn n04_b2_29_a_stray_proof_beside_an_unbound_bearer_token_is_ignored() {
    let authorization = format!("bearer {}", Jwt::t0().sign());
    for profile in PROFILES {
        for dpop in [Field::Absent, Field::Once("garbage"), Field::Repeated] {
            let authorization = Field::Once(authorization.as_str());
            let setup = Setup::new(profile);
            assert_eq!(setup.judge(&Request { authorization, dpop, head: None }).name(), "granted");
            assert!(setup.memory.is_empty());
        }
    }
}

/// The codes of: nothing, T0 and T1 as bearer tokens, T0 and T1 with a proof, T1 without one, T1 with two.
fn by_mode(schemes: AcceptedSchemes) -> [&'static str; 7] {
    let t0 = Jwt::t0().sign();
    let (proof_of_t0, proof) = (Jwt::p1(&t0).sign(), p1().sign());
    let name = |scheme: Scheme, token: &str, dpop: Field<'_>| {
        let authorization = format!("{} {token}", scheme.name());
        let authorization = Field::Once(authorization.as_str());
        let setup = Setup::new(PROFILES[0]).policy(|policy| policy.schemes = schemes);
        setup.judge(&Request { authorization, dpop, head: Some(head()) }).name()
    };
    let setup = Setup::new(PROFILES[0]).policy(|policy| policy.schemes = schemes);
    let nothing = Request { authorization: Field::Absent, dpop: Field::Once(&proof), head: Some(head()) };
    [
        setup.judge(&nothing).name(),
        name(Scheme::Bearer, &t0, Field::Absent),
        name(Scheme::Bearer, t1(), Field::Absent),
        name(Scheme::DPoP, &t0, Field::Once(&proof_of_t0)),
        name(Scheme::DPoP, t1(), Field::Once(&proof)),
        name(Scheme::DPoP, t1(), Field::Absent),
        name(Scheme::DPoP, t1(), Field::Repeated),
    ]
}

#[test]
fn j41_j42_the_schemes_that_a_server_accepts() {
    let none = "credentials_missing";
    assert_eq!(
        by_mode(AcceptedSchemes::Both),
        [none, "granted", "token_bound", "token_unbound", "granted", "proof_missing", "proof_repeated"]
    );
    assert_eq!(
        by_mode(AcceptedSchemes::DPoP),
        [none, "token_unbound", "token_bound", "token_unbound", "granted", "proof_missing", "proof_repeated"]
    );
    // J41: whatever comes with a scheme that is not accepted, it is the scheme that is refused.
    let unsupported = "scheme_unsupported";
    assert_eq!(
        by_mode(AcceptedSchemes::Bearer),
        [none, "granted", "token_bound", unsupported, unsupported, unsupported, unsupported]
    );
}

#[test]
fn a_proof_for_an_unknown_request_is_not_judged() {
    let (authorization, proof) = (format!("DPoP {}", t1()), p1().sign());
    for (head, expected) in [(None, "scheme_unsupported"), (Some(head()), "granted")] {
        let authorization = Field::Once(authorization.as_str());
        let request = Request { authorization, dpop: Field::Once(&proof), head };
        for profile in PROFILES {
            assert_eq!(Setup::new(profile).judge(&request).name(), expected);
        }
    }
    // In the second step of the drop-in too: without a target there is nothing that a proof could be for.
    let credentials = Credentials {
        presentation: Presentation::DPoP { proof: &proof },
        access_token: t1(),
        token_begin: 0,
    };
    for profile in PROFILES {
        assert_eq!(Setup::new(profile).judge_credentials(&credentials).name(), "scheme_unsupported");
    }
}

#[test]
fn an_application_of_the_drop_in_may_take_a_bound_token_as_bearer() {
    for profile in PROFILES {
        let setup = Setup::new(profile);
        for (even_if_bound, token, expected) in [
            (true, Jwt::t1(), "granted"),
            (true, Jwt::t0(), "granted"),
            (false, Jwt::t1(), "token_bound"),
            // A certificate is another matter: nothing was said about it.
            (
                true,
                Jwt::t0().claim("cnf", r#"{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0"}"#),
                "token_bound",
            ),
            (true, Jwt::t0().claim("cnf", "{}"), "token_bound"),
        ] {
            let access_token = token.sign();
            let presentation = Presentation::Bearer { even_if_bound };
            let credentials = Credentials { presentation, access_token: &access_token, token_begin: 0 };
            assert_eq!(setup.judge_credentials(&credentials).name(), expected, "{even_if_bound}");
        }
    }
}
