//! What the common issuers send: claims that lack, or are of another type, in the default profile. RFC 9068's and the
//! drop-in's rules do not loosen.

use oidc_spa_native::access_token::{AccessTokenPolicy, OptionalClaims, Profile};
use oidc_spa_native::keys::issuer::Issuer;

use crate::issuer::{Jwt, NOW, PROFILES, Setup, Verdict, quoted};

use super::{BY_LETTER, GRANTED, changed, seconds};

fn with_policy(profile: Profile, change: impl FnOnce(&mut AccessTokenPolicy)) -> Setup {
    Setup::new(profile).policy(|policy| change(&mut policy.access_token))
}

#[test]
fn scopes_may_be_a_list() {
    changed("list", &[("scope", r#"["openid","items.read"]"#)], BY_LETTER);
    changed("list", &[("scope", "[]")], BY_LETTER);
    changed("both", &[("scope", r#"["openid"]"#), ("scp", r#""read""#)], BY_LETTER);
    changed("scp", &[("scp", r#"["read"]"#)], GRANTED);
    // It is decided by: a list of something else grants nobody knows what.
    for value in ["1", "null", "true", "{}", "[1]", r#"["a",null]"#, r#"[["a"]]"#, r#"[{"a":1}]"#] {
        changed("scope", &[("scope", value)], ["claim_malformed"; 3]);
    }
}

#[test]
fn what_decides_nothing_may_be_of_any_type() {
    changed("AD FS", &[("auth_time", r#""2026-11-26T09:30:00.000Z""#)], BY_LETTER);
    for claim in ["auth_time", "jti", "client_id"] {
        for value in ["null", "[]", "{}", r#"[["a"]]"#, "true", "-1e300", r#""\u0000""#] {
            let twin = if claim == "auth_time" { &quoted("x") } else { value };
            changed(claim, &[(claim, twin)], if twin.starts_with("\"\\u") { GRANTED } else { BY_LETTER });
        }
    }
    changed("others", &[("azp", "7"), ("acr", "[]"), ("amr", "null"), ("sid", "{}")], GRANTED);
    // What decides is of its type.
    for (claim, value) in [
        ("iss", "null"),
        ("sub", "7"),
        ("aud", "7"),
        ("exp", r#""1800000600""#),
        ("iat", r#""1799999990""#),
        ("nbf", r#""1799999990""#),
        ("cnf", r#""x""#),
        ("cnf", "null"),
        ("cnf", "[]"),
        ("cnf", r#"[{"jkt":"x"}]"#),
        ("cnf", r#"{"jkt":null}"#),
        ("cnf", r#"{"jkt":["x"]}"#),
        ("cnf", r#"{"x5t#S256":{}}"#),
    ] {
        changed("decides", &[(claim, value)], ["claim_malformed"; 3]);
    }
}

#[test]
fn a_claim_is_optional_where_the_application_says_so() {
    let optional = |sub, iat| {
        move |policy: &mut AccessTokenPolicy| {
            policy.optional_claims = OptionalClaims { sub, iat };
        }
    };
    for (claim, setup) in [
        ("sub", with_policy(Profile::Common, optional(true, false))),
        ("iat", with_policy(Profile::Common, optional(false, true))),
    ] {
        assert_eq!(setup.bearer(&Jwt::t0().without(claim).sign()).name(), "granted", "{claim}");
        assert_eq!(setup.bearer(&Jwt::t0().sign()).name(), "granted", "{claim}");
        // Absent is not null, nor of another type.
        for value in ["null", "[]", "{}", "true"] {
            assert_eq!(
                setup.bearer(&Jwt::t0().claim(claim, value).sign()).name(),
                "claim_malformed",
                "{claim}"
            );
        }
        // The others stay.
        for other in ["sub", "iat", "exp", "iss", "aud"].into_iter().filter(|other| *other != claim) {
            assert_eq!(
                setup.bearer(&Jwt::t0().without(other).sign()).name(),
                "claim_missing",
                "{claim} {other}"
            );
        }
    }
    let both = with_policy(Profile::Common, optional(true, true));
    assert_eq!(both.bearer(&Jwt::t0().without("sub").without("iat").sign()).name(), "granted");
    for profile in [Profile::Rfc9068, Profile::OidcSpa] {
        let setup = with_policy(profile, optional(true, true));
        assert_eq!(setup.bearer(&Jwt::t0().without("sub").sign()).name(), "claim_missing", "{profile:?}");
    }
}

#[test]
fn a_claim_that_is_missing_is_named_with_the_option_that_helps() {
    let message = |profile, claim: &str| {
        Setup::new(profile).bearer(&Jwt::t0().without(claim).sign()).message().to_owned()
    };
    for claim in ["sub", "iat"] {
        let advice = format!("write `optionalClaims: [\"{claim}\"]`");
        assert!(message(Profile::Common, claim).contains(&advice), "{}", message(Profile::Common, claim));
    }
    for claim in ["exp", "iss"] {
        let expected = format!(
            "The access token lacks the claim {claim}. Configure the issuer to send it: nothing is accepted without it"
        );
        assert!(message(Profile::Common, claim).ends_with(&expected));
    }
    for claim in ["sub", "iat", "exp", "iss", "aud"] {
        let of_drop_in = format!(
            "The decoded access token does not satisfies the shape mandated by RFC9068: claim {claim} is missing"
        );
        assert_eq!(message(Profile::OidcSpa, claim), of_drop_in);
        let by_letter = format!(
            "The access token lacks the claim {claim}. Configure the issuer to send it: RFC 9068 section 2.2 asks for it, and \
             `profile` is \"rfc9068\""
        );
        assert_eq!(message(Profile::Rfc9068, claim), by_letter);
    }
}

#[test]
fn a_claim_of_another_type_is_told_with_what_came() {
    let message = |profile| {
        let refused = Setup::new(profile).bearer(&Jwt::t0().claim("sub", "7").sign());
        assert_eq!(refused.name(), "claim_malformed");
        refused.message().to_owned()
    };
    let sentence =
        "The claim sub of the access token is expected to be a string, got a number. Configure the issuer";
    for profile in [Profile::Common, Profile::Rfc9068] {
        assert!(message(profile).starts_with(sentence), "{}", message(profile));
    }
    let of_drop_in = "does not satisfies the shape mandated by RFC9068: claim sub is expected to be a string, got a number";
    assert!(message(Profile::OidcSpa).ends_with(of_drop_in));
}

#[test]
fn nbf_and_exp_have_leeways_of_their_own() {
    for profile in PROFILES {
        let setup = || with_policy(profile, |policy| policy.not_before_leeway = Setup::ten_seconds());
        let at =
            |claim: &str, shift: i64| setup().bearer(&Jwt::t0().claim(claim, &seconds(shift)).sign()).name();
        assert_eq!(at("nbf", 10), "granted");
        assert_eq!(at("nbf", 11), "token_not_yet_valid");
        assert_eq!(at("exp", 1), "granted");
        assert_eq!(at("exp", 0), "token_expired");
        let Verdict::Granted(grant) = setup().bearer(&Jwt::t0().claim("nbf", &seconds(7)).sign()) else {
            panic!("{profile:?}")
        };
        assert_eq!(grant.repeatable().unwrap().validity.from().secs(), NOW - 3, "{profile:?}");
    }
}

#[test]
fn a_token_has_a_greatest_age() {
    for profile in [Profile::Common, Profile::Rfc9068] {
        let setup = |max: u32| with_policy(profile, |policy| policy.max_age_secs = Some(max));
        let issued = |iat: &str| Jwt::t0().claim("iat", iat).sign();
        for (iat, expected) in [
            (seconds(-59), "granted"),
            (format!("{}.5", NOW - 60), "granted"),
            (seconds(-60), "token_expired"),
            (seconds(-61), "token_expired"),
            (seconds(60), "granted"),
            ("-1".into(), "token_expired"),
            ("-1e300".into(), "token_expired"),
        ] {
            assert_eq!(setup(60).bearer(&issued(&iat)).name(), expected, "{profile:?} {iat}");
        }
        let verdict = setup(60).bearer(&issued(&seconds(-75)));
        assert_eq!(
            verdict.message(),
            "The access token is too old: \"iat\" claim is 1799999925, 75 s before this server's time, 1800000000, and \
             maxTokenAgeSeconds is 60. The client asks the issuer for a new one"
        );
        // A token that is remembered ends with its age, or with its exp where that comes first.
        for (max, until) in [(60, NOW - 20 + 60), (10_000, NOW + 600)] {
            let Verdict::Granted(grant) = setup(max).bearer(&issued(&seconds(-20))) else { panic!("{max}") };
            assert_eq!(grant.repeatable().unwrap().validity.until().secs(), until, "{profile:?}");
        }
        let lenient = setup(60).leeway(5);
        assert_eq!(lenient.bearer(&issued(&seconds(-64))).name(), "granted");
        assert_eq!(lenient.bearer(&issued(&seconds(-65))).name(), "token_expired");
    }
    let ageless = with_policy(Profile::Common, |policy| {
        policy.max_age_secs = Some(60);
        policy.optional_claims.iat = true;
    });
    assert_eq!(ageless.bearer(&Jwt::t0().without("iat").sign()).name(), "claim_missing");
    assert_eq!(ageless.bearer(&Jwt::t0().sign()).name(), "granted");
}

#[test]
fn a_token_of_another_issuer_or_api_is_told_with_what_to_write() {
    let message = |profile, claim: &str, value: &str| {
        Setup::new(profile).bearer(&Jwt::t0().claim(claim, value).sign()).message().to_owned()
    };
    let other = r#""https://other.example""#;
    assert!(message(Profile::Common, "iss", other).ends_with("write the token's into `issuerAliases`"));
    assert!(
        message(Profile::OidcSpa, "iss", other)
            .ends_with("does not match the issuerUri \"https://as.example\".")
    );
    assert!(message(Profile::Common, "aud", r#""account""#).contains("a mapper of the type Audience"));
    assert!(message(Profile::OidcSpa, "aud", r#""account""#).ends_with("\"."));
    let entra = Setup::new(Profile::Common).policy(|policy| {
        policy.issuers[0].issuer = Issuer::parse("https://login.microsoftonline.com/t/v2.0").unwrap();
    });
    let first = Jwt::t0().claim("iss", r#""https://sts.windows.net/t/""#).sign();
    assert!(entra.bearer(&first).message().contains("`api.requestedAccessTokenVersion`"));
    assert!(!entra.bearer(&Jwt::t0().sign()).message().contains("version"));
}

#[test]
fn times_are_told_with_their_distance() {
    let message = |profile, claim: &str, value: &str| {
        Setup::new(profile).bearer(&Jwt::t0().claim(claim, value).sign()).message().to_owned()
    };
    assert_eq!(
        message(Profile::Common, "exp", &seconds(-42)),
        "The access token expired 42 s ago: \"exp\" claim is 1799999958, this server's time is 1800000000. If the token is \
         fresh, check both clocks; `leewaySeconds` allows for their difference"
    );
    assert_eq!(
        message(Profile::Common, "exp", &seconds(-300)),
        "The access token expired 300 s ago: \"exp\" claim is 1799999700, this server's time is 1800000000. The client \
         asks the issuer for a new one"
    );
    assert_eq!(
        message(Profile::Rfc9068, "nbf", "1800000007.5"),
        "The access token is not valid for another 8 s: \"nbf\" claim is 1800000007.5, this server's time is 1800000000. If \
         the token is fresh, check both clocks; `leewaySeconds` allows for their difference"
    );
    for (claim, value) in
        [("exp", "-1e300"), ("exp", "-9007199254740993"), ("nbf", "1e300"), ("iat", "1e300")]
    {
        let expected = message(Profile::Common, claim, value);
        assert!(expected.len() < 250, "{expected}");
    }
    assert_eq!(
        message(Profile::Common, "exp", r#""1800000300""#),
        "\"exp\" claim must be a number of seconds since 1970; got a string"
    );
    assert_eq!(message(Profile::OidcSpa, "exp", r#""1800000300""#), "\"exp\" claim must be a number");
    assert_eq!(message(Profile::OidcSpa, "exp", &seconds(-42)), "\"exp\" claim timestamp check failed");
    assert_eq!(message(Profile::OidcSpa, "nbf", &seconds(42)), "\"nbf\" claim timestamp check failed");
}
