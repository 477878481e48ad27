//! What the claims of an access token must say (requirements E; D30 to D39; C34 to C38), under each profile.
//!
//! Verdicts stand in the order of the profiles: the common rules, RFC 9068, the drop-in's.

mod common_issuers;
mod kinds;
mod recipients;
mod several_issuers;

use oidc_spa_native::access_token::{Audience, Profile};
use oidc_spa_native::credentials::Field;
use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::keys::issuer::Issuer;
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::resource_server::{Decision, ResourceServer};
use oidc_spa_native::time::UnixTime;

use crate::issuer::{
    AUDIENCE, ES_1, ISSUER, Judge, Jwt, NOW, PROFILES, STRANGER, Setup, Verdict, head, quoted,
};

const GRANTED: [&str; 3] = ["granted"; 3];
/// A rule that the drop-in does not have.
const UNLESS_DROP_IN: fn(&'static str) -> [&'static str; 3] = |code| [code, code, "granted"];
/// A rule of RFC 9068 that common issuers do not keep.
const IN_RFC_9068: fn(&'static str) -> [&'static str; 3] = |code| ["granted", code, "granted"];

/// A type of RFC 9068 that common issuers do not keep, of a claim that decides nothing.
const BY_LETTER: [&str; 3] = ["granted", "claim_malformed", "claim_malformed"];

fn t0() -> Jwt {
    Jwt::t0()
}

/// T0 with these claims changed to raw JSON values.
fn with(claims: &[(&str, &str)]) -> Jwt {
    claims.iter().fold(t0(), |token, (name, value)| token.claim(name, value))
}

fn seconds(shift: i64) -> String {
    (NOW + shift).to_string()
}

#[track_caller]
fn changed(id: &str, claims: &[(&str, &str)], expected: [&str; 3]) {
    let id = format!("{id} {claims:?}");
    Judge::new().changes(&id, &t0(), |_| with(claims), expected);
}

#[track_caller]
fn lacking(id: &str, claim: &str, expected: [&str; 3]) {
    Judge::new().changes(&format!("{id} without {claim}"), &t0(), |token| token.without(claim), expected);
}

/// The verdicts at this leeway.
#[track_caller]
fn with_leeway(id: &str, secs: u16, token: &Jwt, expected: &str) {
    for profile in PROFILES {
        let setup = Setup::new(profile).leeway(secs);
        assert_eq!(setup.bearer(&token.sign()).name(), expected, "{id} {profile:?}");
    }
}

#[test]
fn e01_e02_a_token_is_expired_from_the_second_that_exp_names() {
    changed("E01", &[("exp", &seconds(-1))], ["token_expired"; 3]);
    changed("E02", &[("exp", &seconds(0))], ["token_expired"; 3]);
    changed("E02", &[("exp", &format!("{}.5", NOW - 1))], ["token_expired"; 3]);
    changed("E02", &[("exp", "0"), ("iat", "0")], ["token_expired"; 3]);
    changed("E02", &[("exp", "-1"), ("iat", "-1")], ["token_expired"; 3]);
    changed("E02 twin", &[("exp", &seconds(1))], GRANTED);
    changed("E02 twin", &[("exp", &format!("{NOW}.5"))], GRANTED);
}

#[test]
fn e03_leeway_on_exp_and_nbf_has_edges() {
    for (exp, expected) in [(-61, "token_expired"), (-60, "token_expired"), (-59, "granted")] {
        with_leeway("E03", 60, &with(&[("iat", &seconds(-100)), ("exp", &seconds(exp))]), expected);
    }
    for (nbf, expected) in [(59, "granted"), (60, "granted"), (61, "token_not_yet_valid")] {
        with_leeway("D39", 60, &with(&[("nbf", &seconds(nbf))]), expected);
    }
    with_leeway("E03", 0, &with(&[("exp", &seconds(-59))]), "token_expired");
    with_leeway("D39", 0, &with(&[("nbf", &seconds(1))]), "token_not_yet_valid");
}

#[test]
fn d39_b6_18_nbf_is_respected_in_every_profile() {
    changed("D39", &[("nbf", &seconds(0))], GRANTED);
    changed("D39", &[("nbf", &seconds(1))], ["token_not_yet_valid"; 3]);
    changed("D39", &[("nbf", &format!("{NOW}.5"))], ["token_not_yet_valid"; 3]);
    for value in [r#""1""#, "null", "true", "[]", "{}"] {
        changed("D39", &[("nbf", value)], ["claim_malformed"; 3]);
    }
}

#[test]
fn d35_d36_a_token_may_be_issued_a_minute_ahead() {
    changed("D36", &[("iat", &seconds(10))], GRANTED);
    changed("D36", &[("iat", &seconds(60))], GRANTED);
    changed("D35", &[("iat", &seconds(61))], UNLESS_DROP_IN("token_not_yet_valid"));
    changed("D35", &[("iat", &format!("{}.5", NOW + 60))], UNLESS_DROP_IN("token_not_yet_valid"));
    // A leeway on expiry does not stretch it.
    for (iat, expected) in [(60, "granted"), (61, "token_not_yet_valid")] {
        let setup = Setup::new(Profile::Common).leeway(300);
        assert_eq!(setup.bearer(&with(&[("iat", &seconds(iat))]).sign()).name(), expected);
    }
}

#[test]
fn d37_a_token_is_not_issued_after_its_end() {
    changed("D37", &[("iat", &seconds(11)), ("exp", &seconds(10))], UNLESS_DROP_IN("claim_malformed"));
    changed("D37 twin", &[("iat", &seconds(10)), ("exp", &seconds(10))], GRANTED);
}

#[test]
fn d30_d32_exp_lies_before_the_year_10000() {
    changed("D30", &[("exp", "253402300799")], GRANTED);
    changed("D30", &[("exp", "253402300800")], UNLESS_DROP_IN("claim_malformed"));
    changed("D32", &[("exp", &format!("{}000", NOW + 600))], UNLESS_DROP_IN("claim_malformed"));
}

#[test]
fn e06_iss_is_one_string() {
    lacking("E06", "iss", ["claim_missing"; 3]);
    for value in [r#"["https://as.example"]"#, "1", "null", "true", r#"{"0":"https://as.example"}"#, "[]"] {
        changed("E06", &[("iss", value)], ["claim_malformed"; 3]);
    }
}

#[test]
fn e07_e09_d10_iss_is_compared_as_a_whole() {
    for iss in [
        "https://as.example.evil.com",
        "https://as.exampl",
        "https://as.example/realms/x",
        "https://as.example?",
        "https://as.example#",
        "https://AS.example",
        "HTTPS://as.example",
        "https://as.example:443",
        "http://as.example",
        "https://as%2Eexample",
        "https://as.example\\u0000",
        "https://as.example\\u0000.evil",
        "https://as.example\\u200b",
        " https://as.example",
        "https://as.example ",
        "https://u@as.example",
        "",
        "/",
    ] {
        changed("E07", &[("iss", &format!("\"{iss}\""))], ["issuer_mismatch"; 3]);
    }
}

#[test]
fn e08_b1_8_one_trailing_slash_of_iss_is_forgiven_outside_rfc9068() {
    changed("E08", &[("iss", r#""https://as.example/""#)], IN_RFC_9068("issuer_mismatch"));
    changed("E08", &[("iss", r#""https://as.example//""#)], ["issuer_mismatch"; 3]);
    for (profile, expected) in PROFILES.into_iter().zip(["granted", "issuer_mismatch", "granted"]) {
        let configured = Issuer::parse("https://as.example/").unwrap();
        let setup = Setup::new(profile).policy(|policy| policy.issuers[0].issuer = configured);
        assert_eq!(setup.bearer(&t0().sign()).name(), expected, "{profile:?}");
        let exact = with(&[("iss", r#""https://as.example/""#)]);
        assert_eq!(setup.bearer(&exact.sign()).name(), "granted", "{profile:?}");
    }
}

#[test]
fn e10_iss_is_not_normalised() {
    let composed = Issuer::parse("https://as.example/caf\u{e9}").unwrap();
    let setup = Setup::new(Profile::Common).policy(|policy| policy.issuers[0].issuer = composed);
    let named = |iss: &str| setup.bearer(&with(&[("iss", &quoted(iss))]).sign()).name();
    assert_eq!(named("https://as.example/caf\u{e9}"), "granted");
    assert_eq!(named("https://as.example/cafe\u{301}"), "issuer_mismatch");
    assert_eq!(named("https://as.example/caf%C3%A9"), "issuer_mismatch");
}

#[test]
fn e15_e22_e35_aud_is_compared_as_a_whole() {
    for aud in [
        "https://api.example.evil",
        "https://api.exampl",
        "https://api.example/",
        "HTTPS://api.example",
        "https://API.example",
        " https://api.example",
        "https://api.example https://other.example",
        "https://api.example\\u0000",
        "",
    ] {
        changed("E15", &[("aud", &format!("\"{aud}\""))], ["audience_mismatch"; 3]);
        changed("E15", &[("aud", &format!("[\"{aud}\",\"account\"]"))], ["audience_mismatch"; 3]);
    }
    changed("E15", &[("aud", "[]")], ["audience_mismatch"; 3]);
    let azp = [("aud", r#""https://other.example""#), ("azp", r#""https://api.example""#)];
    changed("E35", &azp, ["audience_mismatch"; 3]);
    changed("E15 twin", &[("aud", r#"["account","https://api.example"]"#)], GRANTED);
    changed("E15 twin", &[("aud", r#"["https://api.example"]"#)], GRANTED);
}

#[test]
fn e18_e19_aud_is_a_string_or_an_array_of_strings() {
    lacking("E18", "aud", ["claim_missing"; 3]);
    for value in [
        r#"[["https://api.example"]]"#,
        r#"{"0":"https://api.example"}"#,
        r#"["https://api.example",1]"#,
        r#"["https://api.example",null]"#,
        "1",
        "null",
        "true",
    ] {
        changed("E18", &[("aud", value)], ["claim_malformed"; 3]);
    }
    let many = vec![r#""a""#; 100_000].join(",");
    changed("E19", &[("aud", &format!("[{many},\"{AUDIENCE}\"]"))], ["token_malformed"; 3]);
}

#[test]
fn e21_the_audience_is_one_of_several_or_unchecked_by_choice() {
    let names = |audience: Audience, aud: &str| {
        PROFILES.map(|profile| {
            let audience = audience.clone();
            let setup = Setup::new(profile).policy(|policy| policy.issuers[0].audience = audience);
            setup.bearer(&with(&[("aud", aud)]).sign()).name()
        })
    };
    let several = Audience::AnyOf(vec!["a".into(), "b".into()]);
    assert_eq!(names(several.clone(), r#""a""#), GRANTED);
    assert_eq!(names(several.clone(), r#"["c","b"]"#), GRANTED);
    assert_eq!(names(several.clone(), r#""c""#), ["audience_mismatch"; 3]);
    assert_eq!(names(several, r#""a b""#), ["audience_mismatch"; 3]);
    assert_eq!(names(Audience::Unchecked, r#""c""#), GRANTED);
    assert_eq!(names(Audience::Unchecked, "[]"), GRANTED);
    // What is not checked is of its type all the same, where it is there.
    assert_eq!(names(Audience::Unchecked, "1"), ["claim_malformed"; 3]);
    for (profile, expected) in PROFILES.into_iter().zip(["granted", "claim_missing", "claim_missing"]) {
        let setup = Setup::new(profile).policy(|policy| policy.issuers[0].audience = Audience::Unchecked);
        assert_eq!(setup.bearer(&t0().without("aud").sign()).name(), expected, "{profile:?}");
    }
    // An empty list of expectations is met by nothing.
    assert_eq!(names(Audience::AnyOf(vec![]), r#""a""#), ["audience_mismatch"; 3]);
    assert_eq!(names(Audience::AnyOf(vec![]), "[]"), ["audience_mismatch"; 3]);
}

#[test]
fn e23_e24_e26_d33_b1_3_required_claims_and_the_types_of_all() {
    for claim in ["sub", "exp", "iat"] {
        lacking("E23 D33", claim, ["claim_missing"; 3]);
    }
    for claim in ["client_id", "jti"] {
        lacking("E24 E26", claim, IN_RFC_9068("claim_missing"));
    }
    lacking("scope is optional", "scope", GRANTED);
    changed("E23", &[("sub", r#""""#)], IN_RFC_9068("claim_malformed"));
    for value in ["1", "null", "true", "[]", r#"["a"]"#, "{}"] {
        changed("E23", &[("sub", value)], ["claim_malformed"; 3]);
        for claim in ["client_id", "jti"] {
            changed("E24 E26", &[(claim, value)], BY_LETTER);
        }
    }
    for value in [r#""1800000600""#, "null", "true", "[]", "{}", "[1800000600]"] {
        for claim in ["exp", "iat"] {
            changed("D22 D34", &[(claim, value)], ["claim_malformed"; 3]);
        }
        changed("D34", &[("auth_time", value)], BY_LETTER);
    }
    changed("twin", &[("auth_time", &seconds(-100)), ("nbf", &seconds(-100))], GRANTED);
}

#[test]
fn e27_an_id_token_is_no_access_token() {
    let id_tokens: [&[(&str, &str)]; 4] = [
        &[("at_hash", r#""x""#)],
        &[("c_hash", r#""x""#), ("nonce", r#""n""#)],
        &[("typ", r#""ID""#)],
        // The claim counts by its presence: its type is the issuer's mistake, not a way around the check.
        &[("at_hash", "null")],
    ];
    for claims in id_tokens {
        changed("E27", claims, UNLESS_DROP_IN("token_type_unexpected"));
        let setup = |accept| {
            Setup::new(Profile::Common).policy(|policy| policy.access_token.accept_id_tokens = accept)
        };
        assert_eq!(setup(true).bearer(&with(claims).sign()).name(), "granted", "{claims:?}");
        assert_eq!(setup(false).bearer(&with(claims).sign()).name(), "token_type_unexpected", "{claims:?}");
    }
    // One with none of these signs is for its client, and not for this API.
    let plain = [("aud", r#""client-1""#), ("nonce", r#""n""#)];
    changed("E27", &plain, ["audience_mismatch"; 3]);
    changed("E27 twin", &[("typ", r#""Bearer""#)], GRANTED);
}

#[test]
fn e28_refresh_logout_and_event_tokens_are_no_access_tokens() {
    let others: [&[(&str, &str)]; 4] = [
        &[("typ", r#""Refresh""#)],
        &[("typ", r#""Offline""#)],
        &[("typ", r#""Logout""#)],
        &[("events", r#"{"http://schemas.openid.net/event/backchannel-logout":{}}"#)],
    ];
    for claims in others {
        changed("E28", claims, UNLESS_DROP_IN("token_type_unexpected"));
        // Accepting ID tokens accepts no other kind.
        let setup = Setup::new(Profile::Common).policy(|policy| policy.access_token.accept_id_tokens = true);
        assert_eq!(setup.bearer(&with(claims).sign()).name(), "token_type_unexpected", "{claims:?}");
    }
}

#[test]
fn c34_to_c38_b1_2_typ_by_profile() {
    let judge = Judge::new();
    let typ = |id: &str, value: &str, expected| {
        judge.each(&format!("{id} {value}"), &t0().header("typ", value).sign(), expected);
    };
    for value in ["at+jwt", "AT+JWT", "at+JWT", "application/at+jwt", "Application/At+Jwt"] {
        typ("C36", &quoted(value), GRANTED);
    }
    for value in ["JWT", "jwt", "application/jwt"] {
        typ("C34", &quoted(value), IN_RFC_9068("token_type_unexpected"));
    }
    judge.each("C35", &t0().without_header("typ").sign(), IN_RFC_9068("token_type_unexpected"));
    for value in ["application/x/at+jwt", "at+jwt;v=1", " at+jwt", "at+jwt ", "", "at", "x/at+jwt"] {
        typ("C37", &quoted(value), ["token_type_unexpected"; 3]);
    }
    for value in [
        "dpop+jwt",
        "application/dpop+jwt",
        "logout+jwt",
        "id_token",
        "secevent+jwt",
        "token-introspection+jwt",
        "statuslist+jwt",
        "JWS",
        "JOSE",
    ] {
        typ("C38", &quoted(value), ["token_type_unexpected"; 3]);
    }
    for value in [r#"["at+jwt"]"#, "1", "null", "true", "{}"] {
        typ("C39", value, ["token_type_unexpected"; 3]);
    }
}

#[test]
fn o15_the_cause_is_what_applications_of_oidc_spa_compare_with() {
    let cause = |token: &Jwt| match Setup::new(Profile::OidcSpa).bearer(&token.sign()) {
        Verdict::Refused(refusal) | Verdict::KeysNeeded(refusal) => refusal.rejection.cause().name(),
        Verdict::Granted(_) => "granted",
    };
    assert_eq!(cause(&with(&[("exp", &seconds(0))])), "validation error - access token expired");
    assert_eq!(cause(&t0().signed_by(&STRANGER, Algorithm::ES256)), "validation error - invalid signature");
    assert_eq!(cause(&with(&[("aud", r#""x""#)])), "validation error");
    assert_eq!(cause(&with(&[("iss", r#""x""#)])), "validation error");
    assert_eq!(cause(&t0()), "granted");
}

#[test]
fn h28_core_newer_keys_are_asked_for_only_where_they_can_help() {
    let asks =
        |token: Jwt| matches!(Setup::new(Profile::Common).bearer(&token.sign()), Verdict::KeysNeeded(_));
    let unknown = || t0().by("unknown", &ES_1, Algorithm::ES256);
    assert!(asks(unknown()));
    assert!(asks(unknown().claim("exp", &seconds(1))));
    assert!(!asks(unknown().claim("exp", &seconds(0))));
    assert!(!asks(unknown().without("exp")));
    assert!(!asks(unknown().claim("exp", r#""1800000600""#)));
    assert!(!asks(unknown().claim("iss", r#""https://evil.example""#)));
    assert!(!asks(unknown().without("iss")));
    assert!(asks(unknown().claim("iss", &quoted(&format!("{ISSUER}/")))));
    assert!(!asks(unknown().raw_payload(b"[]")));
    assert!(!asks(unknown().header("typ", r#""dpop+jwt""#)));
    assert!(!asks(unknown().header("alg", r#""none""#)));
    // What a good key says no to is not asked about either.
    assert!(!asks(with(&[("aud", r#""x""#)])));
    let mut cold = Setup::new(Profile::Common);
    cold.keys = None;
    assert_eq!(cold.bearer(&t0().sign()).name(), "keys_unavailable");
    // Refused as with keys, and without waiting for them.
    let expired = cold.bearer(&t0().claim("exp", &seconds(0)).sign());
    assert!(matches!(expired, Verdict::Refused(_)), "{expired:?}");
    assert_eq!(expired.name(), "token_expired");
    assert!(matches!(cold.bearer(&t0().without("exp").sign()), Verdict::KeysNeeded(_)));
}

#[test]
fn h29_a_token_that_cannot_pass_by_its_own_word_waits_behind_those_that_may() {
    let mut setup = Setup::new(Profile::Common);
    let goes_first = |setup: &Setup, token: Jwt| {
        let (text, server) = (format!("Bearer {}", token.sign()), ResourceServer::new(setup.policy.clone()));
        let authorization = Field::Once(text.as_str());
        let request = Request { authorization, dpop: Field::Absent, head: Some(head()) };
        match server.decide(&Question::of_request(request), &|_| setup.keys.clone(), UnixTime::from_secs(NOW))
        {
            Decision::KeysNeeded { needed, .. } => needed.may_pass,
            other => panic!("{other:?}"),
        }
    };
    let unknown = || t0().by("unknown", &ES_1, Algorithm::ES256);
    for cold in [false, true] {
        if cold {
            setup.keys = None;
        }
        assert!(goes_first(&setup, unknown()));
        assert!(goes_first(&setup, unknown().claim("aud", &format!(r#"["x","{AUDIENCE}"]"#))));
        assert!(!goes_first(&setup, unknown().claim("aud", r#""x""#)));
        assert!(!goes_first(&setup, unknown().claim("aud", "1")));
        assert!(!goes_first(&setup, unknown().without("aud")));
    }
    assert!(!goes_first(&setup, unknown().without("exp")));
    assert!(!goes_first(&setup, unknown().claim("iss", r#""https://evil.example""#)));
    setup = setup.policy(|policy| policy.issuers[0].audience = Audience::Unchecked);
    assert!(goes_first(&setup, unknown().without("aud")));
}
