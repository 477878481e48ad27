//! What comes in the place of an access token, and what is said of it.

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::jose::base64url_encode;

use crate::issuer::{Jwt, PROFILES, Setup, quoted};

use super::{GRANTED, UNLESS_DROP_IN, changed, with};

/// T0 as an issuer writes it that knows no RFC 9068: without `client_id` and `scope`.
fn plain() -> Jwt {
    Jwt::t0().without("client_id").without("scope").header("typ", r#""JWT""#)
}

fn common(token: &str) -> (&'static str, String) {
    let verdict = Setup::new(Profile::Common).bearer(token);
    (verdict.name(), verdict.message().to_owned())
}

#[test]
fn id_tokens_are_told_by_all_their_marks() {
    for claims in [
        [("typ", r#""ID""#)],
        [("token_use", r#""id""#)],
        [("token_use", r#""id_token""#)],
        [("typ", r#""Id""#)],
        [("token_use", r#""ID_Token""#)],
        [("token_type", r#""ID""#)],
        [("token_type", r#""id_token""#)],
        [("at_hash", r#""x""#)],
        [("c_hash", "1")],
    ] {
        changed("mark", &claims, UNLESS_DROP_IN("token_type_unexpected"));
        let accepting =
            Setup::new(Profile::Common).policy(|policy| policy.access_token.accept_id_tokens = true);
        assert_eq!(accepting.bearer(&with(&claims).sign()).name(), "granted", "{claims:?}");
        let (_, message) = common(&with(&claims).sign());
        assert!(
            message.contains("is an ID token") && message.contains("`acceptIdTokens: true`"),
            "{message}"
        );
    }
    let (_, message) = common(&plain().claim("nonce", r#""n""#).sign());
    assert!(message.contains("nonce") && message.contains("acceptIdTokens"), "{message}");
}

#[test]
fn a_nonce_tells_an_id_token_where_nothing_tells_an_access_token() {
    let nonce = || plain().claim("nonce", r#""n""#);
    assert_eq!(common(&plain().sign()).0, "granted");
    assert_eq!(common(&nonce().sign()).0, "token_type_unexpected");
    assert_eq!(common(&plain().claim("nonce", "null").sign()).0, "token_type_unexpected");
    // Azure AD B2C, older versions of Keycloak, and those that came after them: the nonce of the sign-in is repeated.
    for (name, value) in [
        ("scope", r#""openid""#),
        ("scope", "[]"),
        ("scp", r#""read""#),
        ("scp", r#"["read"]"#),
        ("client_id", r#""web""#),
        ("cid", r#""web""#),
        ("appid", r#""web""#),
        ("permissions", "[]"),
        ("token_use", r#""access""#),
        ("typ", r#""Bearer""#),
        ("typ", r#""DPoP""#),
        ("resource_access", "{}"),
    ] {
        assert_eq!(common(&nonce().claim(name, value).sign()).0, "granted", "{name}");
    }
    // An azp and a sid are in both.
    assert_eq!(
        common(&nonce().claim("azp", r#""web""#).claim("sid", r#""s""#).sign()).0,
        "token_type_unexpected"
    );
    assert_eq!(Setup::new(Profile::OidcSpa).bearer(&nonce().sign()).name(), "granted");
}

#[test]
fn refresh_tokens_are_refused_whatever_is_accepted() {
    for claims in [
        [("typ", r#""Refresh""#)],
        [("typ", r#""Offline""#)],
        [("type", r#""refresh_token""#)],
        [("type", r#""refresh""#)],
        [("token_type", r#""refresh""#)],
        [("token_use", r#""refresh""#)],
        // In whatever case.
        [("typ", r#""refresh""#)],
        [("typ", r#""OFFLINE""#)],
        [("type", r#""Refresh_Token""#)],
        [("token_type", r#""REFRESH""#)],
        [("token_use", r#""Refresh""#)],
    ] {
        changed("refresh", &claims, UNLESS_DROP_IN("token_type_unexpected"));
        let accepting =
            Setup::new(Profile::Common).policy(|policy| policy.access_token.accept_id_tokens = true);
        let verdict = accepting.bearer(&with(&claims).sign());
        assert_eq!(verdict.name(), "token_type_unexpected", "{claims:?}");
        assert!(
            verdict.message().contains("a refresh token") && !verdict.message().contains("acceptIdTokens")
        );
    }
    for claims in [
        [("type", r#""app""#)],
        [("type", r#"["refresh"]"#)],
        [("type", "null")],
        [("token_type", r#""Bearer""#)],
        [("token_use", r#""access""#)],
        [("typ", r#""Bearer""#)],
        [("typ", r#""bearer""#)],
        [("typ", r#""offline_access""#)],
        [("token_use", r#""refreshed""#)],
    ] {
        changed("access", &claims, GRANTED);
    }
}

#[test]
fn an_encrypted_token_is_told_as_one() {
    let header = |text: &str| base64url_encode(text.as_bytes());
    let three = |text: &str| format!("{}.AA.AA", header(text));
    let five = |text: &str| format!("{}.AA.AA.AA.AA", header(text));
    for token in [
        five(r#"{"alg":"dir","enc":"A256GCM","iss":"https://tenant.auth0.com/"}"#),
        five(r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"rsa-1"}"#),
        five(r#"{"alg":"ES256","kid":"es-1"}"#),
        five("not json"),
        "....".to_owned(),
        "!.!.!.!.!".replace('!', "~"),
        three(r#"{"alg":"dir","enc":"A256GCM"}"#),
        three(r#"{"alg":"ES256","kid":"es-1","enc":null}"#),
        Jwt::t0().header("enc", r#""A128GCM""#).sign(),
    ] {
        for profile in [Profile::Common, Profile::Rfc9068] {
            let verdict = Setup::new(profile).bearer(&token);
            assert_eq!(verdict.name(), "token_malformed", "{token}");
            assert!(
                verdict.message().starts_with("The access token is encrypted (JWE)"),
                "{}",
                verdict.message()
            );
        }
        let drop_in = Setup::new(Profile::OidcSpa).bearer(&token);
        assert!(!drop_in.message().contains("encrypted"), "{}", drop_in.message());
    }
    assert_eq!(common(&three(r#"{"alg":"dir"}"#)).0, "algorithm_not_allowed");
}

#[test]
fn what_is_no_jwt_is_told_as_what_it_is() {
    for word in ["undefined", "null", "NaN", "true", "false"] {
        let (name, message) = common(word);
        assert_eq!(name, "token_malformed");
        assert!(message.starts_with(&format!("The client sent the word \"{word}\"")), "{message}");
    }
    for opaque in ["gho_16C7e42F292c6912E7710c838347Ae178B4a", "a", "Undefined", "undefinedx", "-"] {
        let (name, message) = common(opaque);
        assert_eq!(name, "token_malformed");
        assert!(message.contains("is opaque") && message.contains("`audience`"), "{message}");
        assert!(opaque.len() < 9 || !message.contains(opaque), "{message}");
    }
    for (token, part) in
        [("a.b", "three parts between dots, got 2"), ("a.b.c.d", "dots, got 4"), ("a.b.c", "base64url")]
    {
        let (name, message) = common(token);
        assert_eq!(name, "token_malformed");
        assert!(
            message.starts_with("Failed to decode the JWT header: ") && message.contains(part),
            "{message}"
        );
    }
    for token in ["undefined", "opaque", "a.b", "a.b.c", "...."] {
        assert_eq!(Setup::new(Profile::OidcSpa).bearer(token).message(), "Failed to decode the JWT header");
    }
}

#[test]
fn a_token_that_is_too_long_names_the_option() {
    let long = Jwt::t0().claim("groups", &quoted(&"x".repeat(20_000))).sign();
    for profile in PROFILES {
        let verdict = Setup::new(profile).bearer(&long);
        assert_eq!(verdict.name(), "token_malformed");
        let names_it = verdict.message().contains("limits.accessTokenBytes");
        assert_eq!(names_it, profile != Profile::OidcSpa, "{}", verdict.message());
        assert!(verdict.message().contains("16384"), "{}", verdict.message());
        let wide = Setup::new(profile).policy(|policy| policy.max_token_bytes = 64 * 1024);
        assert_eq!(wide.bearer(&long).name(), "granted");
    }
}

#[test]
fn an_algorithm_that_is_refused_is_told_with_what_to_do() {
    use oidc_spa_native::jose::algorithm::{Algorithm, AlgorithmSet};
    let message = |profile, alg: &str| {
        let verdict = Setup::new(profile).bearer(&Jwt::t0().header("alg", &quoted(alg)).sign());
        assert_eq!(verdict.name(), "algorithm_not_allowed");
        verdict.message().to_owned()
    };
    assert!(message(Profile::Common, "HS256").contains("It is symmetric"));
    assert_eq!(
        message(Profile::Common, "none"),
        "Unsupported or too weak algorithm none. The token is not signed: anybody could have made it"
    );
    assert!(message(Profile::Common, "RS1").contains("one that `algorithms` takes"));
    assert_eq!(message(Profile::OidcSpa, "none"), "Unsupported or too weak algorithm none");
    assert_eq!(message(Profile::OidcSpa, "HS256"), "Unsupported or too weak algorithm HS256");
    let picky = Setup::new(Profile::Common).policy(|policy| {
        policy.issuers[0].algorithms = AlgorithmSet::of(&[Algorithm::RS256]).unwrap();
    });
    let verdict = picky.bearer(&Jwt::t0().sign());
    assert_eq!(verdict.name(), "algorithm_not_allowed");
    assert!(verdict.message().ends_with(
        "ES256: it is not among the `algorithms` of this issuer, which are RS256. If the issuer may sign with it, add it there"
    ));
    let strict = Setup::new(Profile::Rfc9068);
    for token in [Jwt::t0().header("typ", r#""JWT""#), Jwt::t0().without_header("typ")] {
        let verdict = strict.bearer(&token.sign());
        assert!(verdict.message().contains("`profile: \"default\"`"), "{}", verdict.message());
    }
    let other = strict.bearer(&Jwt::t0().header("typ", r#""dpop+jwt""#).sign());
    assert!(!other.message().contains("profile"), "{}", other.message());
}

#[test]
fn a_token_for_microsoft_graph_is_told_by_its_header() {
    let good = Jwt::t0().header("nonce", r#""n-1""#).sign();
    assert_eq!(common(&good).0, "granted");
    // Graph's are signed over another header than the one that is sent.
    let (_, rest) = good.split_once('.').unwrap();
    let sent = Jwt::t0().header("nonce", r#""n-2""#).header_text();
    let graph = format!("{}.{rest}", base64url_encode(&sent));
    let (name, message) = common(&graph);
    assert_eq!(name, "signature_invalid");
    assert!(message.contains("nonce") && message.contains("Microsoft Graph"), "{message}");
    assert_eq!(Setup::new(Profile::OidcSpa).bearer(&graph).message(), "signature verification failed");
    let other = Jwt::t0().sign();
    let (header, rest) = other.split_once('.').unwrap();
    let tampered = format!("{header}.{}{rest}", base64url_encode(b"{"));
    assert_eq!(
        common(&tampered).1,
        "signature verification failed with the issuer's key \"es-1\": the token was changed on its way, or is of another \
         issuer or environment that calls a key the same. Compare its `iss` with `issuerUri`"
    );
}
