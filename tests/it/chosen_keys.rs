//! Which keys of a set are tried for a token, how many, for whose tokens, and what is said where none verifies it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oidc_spa_native::access_token::Profile;
use oidc_spa_native::crypto::sha256;
use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::jose::base64url_encode;
use oidc_spa_native::jose::json::Object;
use oidc_spa_native::jose::jwk::{Jwk as PublicJwk, Spelling};
use oidc_spa_native::jose::verification_key::VerificationKey;
use oidc_spa_native::keys::issuer::Issuer;
use oidc_spa_native::keys::jwk_set::{Candidates, JwkSet, MAX_CANDIDATES, Sought};
use oidc_spa_native::time::UnixTime;

use crate::issuer::{
    ED_1, ES_1, ES_3, Judge, Jwt, NOW, PROFILES, RSA_1, RSA_2, Setup, SigningKey, jwk_set_of, quoted,
};

const TEMPLATE: &str = "https://login.example/{tenantid}/v2.0";

fn of_tenant(tenant: &str) -> String {
    TEMPLATE.replace("{tenantid}", tenant)
}

/// A resource server of every tenant of one issuer, or of the issuer of this name.
fn tenants(issuer: &str, keys: &[String]) -> Vec<Setup> {
    let setup = |profile| {
        Setup::with_jwk_set(profile, &jwk_set_of(keys))
            .policy(|policy| policy.issuers[0].issuer = Issuer::parse(issuer).unwrap())
    };
    PROFILES.into_iter().map(setup).collect()
}

fn token_of(tenant: &str, kid: &str, key: &'static SigningKey, algorithm: Algorithm) -> String {
    let token = Jwt::t0().claim("iss", &quoted(&of_tenant(tenant))).claim("tid", &quoted(tenant));
    token.by(kid, key, algorithm).sign()
}

fn bound_jwk(key: &SigningKey, kid: &str, issuer: &str) -> String {
    key.jwk(&format!(r#""kid":"{kid}","issuer":{issuer}"#))
}

#[test]
fn a_key_of_one_tenant_verifies_no_token_of_another() {
    let keys =
        [bound_jwk(&RSA_1, "one", &quoted(&of_tenant("t-1"))), bound_jwk(&ES_1, "all", &quoted(TEMPLATE))];
    for setup in tenants(TEMPLATE, &keys) {
        let judge = |token: &str| setup.bearer(token).name();
        assert_eq!(judge(&token_of("t-1", "one", &RSA_1, Algorithm::RS256)), "granted");
        assert_eq!(judge(&token_of("t-1", "all", &ES_1, Algorithm::ES256)), "granted");
        assert_eq!(judge(&token_of("t-2", "all", &ES_1, Algorithm::ES256)), "granted");
        let foreign = setup.bearer(&token_of("t-2", "one", &RSA_1, Algorithm::RS256));
        assert_eq!(foreign.name(), "issuer_mismatch");
        assert!(foreign.message().contains("https://login.example/t-1/v2.0"), "{}", foreign.message());
        // Nor where the token says nothing of its key.
        let nameless = Jwt::t0().claim("iss", &quoted(&of_tenant("t-2"))).claim("tid", r#""t-2""#);
        let nameless = nameless.by("x", &RSA_1, Algorithm::RS256).without_header("kid").sign();
        let expected = if setup.policy.access_token.profile == Profile::OidcSpa {
            "key_unknown"
        } else {
            "issuer_mismatch"
        };
        assert_eq!(judge(&nameless), expected);
    }
}

#[test]
fn a_bound_key_is_bound_where_one_issuer_is_configured_too() {
    for (member, expected) in [
        (quoted(&of_tenant("t-1")), "granted"),
        (quoted(&format!("{}/", of_tenant("t-1"))), "granted"),
        (quoted(TEMPLATE), "granted"),
        ("null".to_owned(), "granted"),
        (quoted(&of_tenant("t-2")), "issuer_mismatch"),
        (quoted("https://other.example/{tenantid}/v2.0"), "issuer_mismatch"),
        (quoted("https://login.example/{tenantid}"), "issuer_mismatch"),
        (quoted(""), "issuer_mismatch"),
        (quoted("{tenantid}"), "issuer_mismatch"),
        // Whose it is cannot be told.
        ("7".to_owned(), "signature_invalid"),
        (quoted(&"x".repeat(1025)), "signature_invalid"),
        (format!("[{}]", quoted(&of_tenant("t-1"))), "signature_invalid"),
    ] {
        let other = RSA_2.jwk(r#""kid":"other""#);
        for setup in tenants(&of_tenant("t-1"), &[bound_jwk(&RSA_1, "one", &member), other]) {
            let verdict = setup.bearer(&token_of("t-1", "one", &RSA_1, Algorithm::RS256));
            assert_eq!(verdict.name(), expected, "{member}: {}", verdict.message());
        }
    }
}

#[test]
fn a_template_of_a_key_takes_the_tokens_own_tenant() {
    let keys = [bound_jwk(&RSA_1, "one", &quoted(TEMPLATE))];
    for setup in tenants(&of_tenant("t-1"), &keys) {
        let token = Jwt::t0().claim("iss", &quoted(&of_tenant("t-1"))).by("one", &RSA_1, Algorithm::RS256);
        let judge = |tid: &str| setup.bearer(&token.clone().claim("tid", tid).sign()).name();
        assert_eq!(judge(r#""t-1""#), "granted");
        for tid in [r#""t-2""#, r#""""#, r#""{tenantid}""#, "null", "1", r#"["t-1"]"#] {
            assert_eq!(judge(tid), "issuer_mismatch", "{tid}");
        }
        assert_eq!(setup.bearer(&token.sign()).name(), "issuer_mismatch");
    }
}

#[test]
fn a_key_under_the_same_numbers_that_is_for_the_token_is_found() {
    let bound = bound_jwk(&RSA_1, "k", &quoted(&of_tenant("t-2")));
    let own = bound_jwk(&RSA_1, "k", &quoted(&of_tenant("t-1")));
    for keys in [[bound.clone(), own.clone()], [own, bound]] {
        let setup = &tenants(TEMPLATE, &keys)[0];
        let verdict = setup.bearer(&token_of("t-1", "k", &RSA_1, Algorithm::RS256));
        assert_eq!(verdict.name(), "granted", "{}", verdict.message());
        assert_eq!(setup.bearer(&token_of("t-3", "k", &RSA_1, Algorithm::RS256)).name(), "issuer_mismatch");
    }
}

#[test]
fn that_a_key_is_bound_otherwise_makes_it_another_one() {
    let set = |member: &str| JwkSet::parse(jwk_set_of(&[bound_jwk(&ES_1, "k", member)]).as_bytes()).unwrap();
    assert!(set(r#""a""#).has_the_keys_of(&set(r#""a""#)));
    assert!(!set(r#""a""#).has_the_keys_of(&set(r#""b""#)));
    assert!(!set(r#""a""#).has_the_keys_of(&set("null")));
}

fn modulus_of(bits: usize) -> String {
    let mut n = vec![0xff; bits / 8];
    n[0] = 0x80;
    format!(r#"{{"kty":"RSA","n":"{}","e":"AQAB"}}"#, base64url_encode(&n))
}

#[test]
fn sixteen_keys_are_tried_the_cheapest_first_and_the_message_says_that_there_were_more() {
    let dear: Vec<String> = (0..MAX_CANDIDATES).map(|_| modulus_of(8192)).collect();
    let with = |keys: &[String]| Setup::with_jwk_set(Profile::Common, &jwk_set_of(keys));
    let nameless = |key, algorithm| Jwt::t0().by("x", key, algorithm).without_header("kid").sign();
    // It stands last, and costs least.
    let all = [dear, vec![RSA_1.jwk("")]].concat();
    let setup = with(&all);
    assert_eq!(setup.bearer(&nameless(&RSA_1, Algorithm::RS256)).name(), "granted");
    let stranger = setup.bearer(&nameless(&RSA_2, Algorithm::RS256));
    assert_eq!(stranger.name(), "signature_invalid");
    assert!(
        stranger.message().contains("16 keys") && stranger.message().contains("1 more"),
        "{}",
        stranger.message()
    );
    let stranger = with(&all[1..]).bearer(&nameless(&RSA_2, Algorithm::RS256));
    assert!(
        stranger.message().starts_with("signature verification failed with any of the issuer's keys: "),
        "{}",
        stranger.message()
    );
    // Of the same cost, the order of the set is kept.
    let others: Vec<String> = (1..MAX_CANDIDATES).map(|_| SigningKey::ec(Algorithm::ES256).jwk("")).collect();
    let sixteenth = [others.clone(), vec![ES_1.jwk("")]].concat();
    assert_eq!(with(&sixteenth).bearer(&nameless(&ES_1, Algorithm::ES256)).name(), "granted");
    let seventeenth =
        [others, vec![ES_3.jwk(""), SigningKey::ec(Algorithm::ES256).jwk(""), ES_1.jwk("")]].concat();
    assert_eq!(with(&seventeenth).bearer(&nameless(&ES_1, Algorithm::ES256)).name(), "signature_invalid");
}

#[test]
fn a_key_that_is_named_is_not_crowded_out_by_those_that_fit_every_kid() {
    let unnamed = |jwk: String| {
        let object = Object::parse(jwk.as_bytes()).unwrap();
        VerificationKey::new(&PublicJwk::parse(&object, Spelling::Canonical).unwrap()).unwrap()
    };
    // They cost less.
    let many: Vec<_> = (0..MAX_CANDIDATES).map(|_| unnamed(modulus_of(2048))).collect();
    let many = Arc::new(JwkSet::of_unnamed(many).unwrap());
    let named = Arc::new(
        JwkSet::parse(jwk_set_of(&[modulus_of(4096).replace('{', r#"{"kid":"k","#)]).as_bytes()).unwrap(),
    );
    let set = JwkSet::joined(&[Some(many), Some(named)]).unwrap();
    let first = |kid: Option<&str>| match set
        .candidates(&Sought::new(kid, Algorithm::RS256), UnixTime::from_secs(NOW))
    {
        Candidates::Keys { tried, left_out } => (tried[0].key.modulus_bits(), tried.len(), left_out),
        other => panic!("{other:?}"),
    };
    assert_eq!(first(Some("k")), (4096, MAX_CANDIDATES, 1));
    assert_eq!(first(Some("other")), (2048, MAX_CANDIDATES, 0));
    assert_eq!(first(None), (2048, MAX_CANDIDATES, 1));
}

#[test]
fn no_token_has_more_than_sixteen_keys_tried() {
    let keys: Vec<String> = (0..100).map(|_| SigningKey::ed25519().jwk("")).collect();
    let set = JwkSet::parse(jwk_set_of(&keys).as_bytes()).unwrap();
    let parts = [Some(Arc::new(set)), Some(Arc::new(JwkSet::parse(jwk_set_of(&keys).as_bytes()).unwrap()))];
    let joined = JwkSet::joined(&parts).unwrap();
    let Candidates::Keys { tried, left_out } =
        joined.candidates(&Sought::new(None, Algorithm::EdDSA), UnixTime::from_secs(NOW))
    else {
        panic!("no key fits");
    };
    assert_eq!((tried.len(), left_out), (MAX_CANDIDATES, 200 - MAX_CANDIDATES));
}

const DER: &[u8] = b"a certificate, as far as its digest is concerned";

/// `x5t` and `x5t#S256` of [`DER`].
fn digests() -> (String, String) {
    let sha1 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, DER);
    (base64url_encode(sha1.as_ref()), base64url_encode(&sha256(DER)))
}

#[test]
fn a_token_without_kid_may_name_its_certificate() {
    let (x5t, x5t_s256) = digests();
    let x5c = format!(r#""x5c":["{}"]"#, STANDARD.encode(DER));
    for (member, value, certificate) in [
        ("x5t", &x5t, format!(r#""x5t":"{x5t}""#)),
        ("x5t", &x5t, x5c.clone()),
        ("x5t#S256", &x5t_s256, format!(r#""x5t#S256":"{x5t_s256}""#)),
        ("x5t#S256", &x5t_s256, x5c.clone()),
        ("x5t#S256", &x5t_s256, format!(r#""x5t":"{x5t}",{x5c}"#)),
        ("x5t", &x5t, format!(r#""x5t":"{x5t}","x5c":["AAAA"]"#)),
        ("x5t", &x5t, format!(r#""x5t":null,{x5c}"#)),
    ] {
        // It is the last of a hundred, so that it is found by nothing else.
        let mut keys: Vec<String> = (1..100).map(|_| SigningKey::ec(Algorithm::ES256).jwk("")).collect();
        keys.push(ES_1.jwk(&certificate));
        let setup = Setup::with_jwk_set(Profile::Common, &jwk_set_of(&keys));
        let token = |text: &str| Jwt::t0().without_header("kid").header(member, &quoted(text)).sign();
        assert_eq!(setup.bearer(&token(value)).name(), "granted", "{member} {certificate}");
        assert_eq!(setup.bearer(&token("AAAA")).name(), "signature_invalid", "{member} {certificate}");
        assert_eq!(setup.bearer(&Jwt::t0().without_header("kid").sign()).name(), "signature_invalid");
        // The kid decides first: a certificate finds no key that bears another one.
        keys.pop();
        keys.push(ES_1.jwk(&format!(r#""kid":"other",{certificate}"#)));
        let setup = Setup::with_jwk_set(Profile::Common, &jwk_set_of(&keys));
        let named = |kid: &str| Jwt::t0().header("kid", &quoted(kid)).header(member, &quoted(value)).sign();
        assert_eq!(setup.bearer(&named("es-1")).name(), "key_unknown", "{member} {certificate}");
        assert_eq!(setup.bearer(&named("other")).name(), "granted", "{member} {certificate}");
        // One that bears none may be found by it.
        keys.pop();
        keys.push(ES_1.jwk(&certificate));
        let judge = Judge::with_keys(&keys);
        judge.each("x5t", &named("es-1"), ["granted", "granted", "key_unknown"]);
    }
}

#[test]
fn a_certificate_that_no_key_has_chooses_none() {
    let keys = [ES_1.jwk(""), RSA_1.jwk(r#""x5t":"AAAA""#)];
    let setup = Setup::with_jwk_set(Profile::Common, &jwk_set_of(&keys));
    let nameless = |key, algorithm| Jwt::t0().by("x", key, algorithm).without_header("kid");
    for x5t in [r#""BBBB""#, "7", "null", r#""""#] {
        for (key, algorithm) in [(&*ES_1, Algorithm::ES256), (&*RSA_1, Algorithm::RS256)] {
            assert_eq!(
                setup.bearer(&nameless(key, algorithm).header("x5t", x5t).sign()).name(),
                "granted",
                "{x5t}"
            );
        }
    }
}

#[test]
fn empty_members_say_nothing() {
    let token = Jwt::t0().by("k", &RSA_2, Algorithm::RS256).sign();
    let jwk = |extra: &str| RSA_2.jwk(&format!(r#""kid":"k"{extra}"#));
    for member in ["use", "alg", "key_ops"] {
        Judge::with_keys(&[jwk("")]).grants(member, &token);
        for empty in ["null", r#""""#, "[]"] {
            // oidc-spa takes them for other values.
            let keys = [jwk(&format!(r#","{member}":{empty}"#))];
            Judge::with_keys(&keys).each(member, &token, ["granted", "granted", "signature_invalid"]);
        }
        for other in [r#"" ""#, "{}", "0", "false", "[[]]", r#"[""]"#, r#"["verify",""," "," "]"#] {
            let keys = [jwk(&format!(r#","{member}":{other}"#)), ED_1.jwk("")];
            let setup = Setup::with_jwk_set(Profile::Common, &jwk_set_of(&keys));
            assert_ne!(setup.bearer(&token).name(), "granted", "{member} {other}");
        }
    }
}

#[test]
fn a_skipped_key_says_why_where_a_token_names_it() {
    let short = format!(r#"{{"kty":"EC","crv":"P-256","kid":"k","x":"AAAA","y":"{}"}}"#, ES_1.member("y"));
    for (jwk, code, reason) in [
        (RSA_1.jwk(r#""kid":"k","use":"enc""#), "key_unknown", "its `use` is another than \"sig\""),
        (RSA_1.jwk(r#""kid":"k","revoked":{}"#), "key_unknown", "it is revoked"),
        (
            r#"{"kty":"oct","kid":"k","k":"AA"}"#.to_owned(),
            "key_unknown",
            "its `kty` is none of RSA, EC, OKP and AKP",
        ),
        (RSA_1.jwk(r#""kid":"k","key_ops":["sign"]"#), "signature_invalid", "its `key_ops` is not a list"),
        (
            RSA_1.jwk(r#""kid":"k","issuer":7"#),
            "signature_invalid",
            "member `issuer` is missing or not a string of up",
        ),
        (short, "signature_invalid", "member `x` is missing or not canonical base64url of the full length"),
        (ES_1.jwk(r#""kid":"k""#), "signature_invalid", "it is for ES256, not for RS256"),
        (RSA_1.jwk(r#""kid":"k","exp":1"#), "key_unknown", "its `exp` has passed"),
    ] {
        let keys = [jwk, ED_1.jwk(r#""kid":"other""#)];
        let token = Jwt::t0().by("k", &RSA_1, Algorithm::RS256).sign();
        for profile in PROFILES {
            let verdict = Setup::with_jwk_set(profile, &jwk_set_of(&keys)).bearer(&token);
            assert_eq!(verdict.name(), code, "{reason}");
            let expected = format!("the key with kid k is skipped: {reason}");
            assert_eq!(
                verdict.message().contains(&expected),
                profile != Profile::OidcSpa,
                "{}",
                verdict.message()
            );
            // It is published: to wait for it, or to look for another environment, does not help.
            assert!(!verdict.message().contains("is not published yet"), "{}", verdict.message());
        }
        let unknown = Setup::with_jwk_set(Profile::Common, &jwk_set_of(&keys));
        let unknown = unknown.bearer(&Jwt::t0().by("z", &RSA_1, Algorithm::RS256).sign());
        let expected = unknown.message();
        assert!(
            expected.starts_with("No public signing key found with kid z; the issuer's keys are \""),
            "{expected}"
        );
        assert!(
            expected.ends_with(
                "\"other\". The token, which names the issuer \"https://as.example\", is of another environment, or its key is \
                 not published yet"
            ),
            "{expected}"
        );
    }
}

#[test]
fn a_set_lists_the_keys_that_it_skips() {
    let kid = format!("{}\\n{}", "k".repeat(10), "x".repeat(1_000));
    let keys = [
        ES_1.jwk(r#""kid":"good""#),
        RSA_1.jwk(&format!(r#""kid":"{kid}","use":"enc""#)),
        "7".to_owned(),
        RSA_1.jwk(r#""kid":"private","d":"AA""#),
    ];
    let set = JwkSet::parse(jwk_set_of(&keys).as_bytes()).unwrap();
    let skipped: Vec<_> = set.skipped().collect();
    assert_eq!(skipped.len(), 3);
    let kids: Vec<Option<&str>> = skipped.iter().map(|key| key.kid.as_deref()).collect();
    let shown = kids[0].unwrap();
    assert!(shown.starts_with(r"kkkkkkkkkk\u{a}xxx") && shown.chars().count() < 300, "{shown}");
    assert_eq!(kids[1..], [None, Some("private")]);
    assert_eq!(skipped[1].reason, "it is not one unambiguous JSON object");
    assert!(skipped[2].reason.contains("it holds secret member `d`"));
}

#[test]
fn sets_count_together_and_say_it_where_one_is_missing() {
    let set = |jwk: String| Some(Arc::new(JwkSet::parse(jwk_set_of(&[jwk]).as_bytes()).unwrap()));
    let (one, two) = (set(ES_1.jwk(r#""kid":"es-1""#)), set(RSA_1.jwk(r#""kid":"rsa-1""#)));
    let judge = |sets: &[Option<Arc<JwkSet>>], token: &Jwt| {
        let mut setup = Setup::new(Profile::Common);
        setup.keys = JwkSet::joined(sets).map(Arc::new);
        setup.bearer(&token.sign()).name()
    };
    let (by_one, by_two) = (Jwt::t0(), Jwt::t0().by("rsa-1", &RSA_1, Algorithm::RS256));
    for sets in [[one.clone(), two.clone()], [two.clone(), one.clone()]] {
        assert_eq!(judge(&sets, &by_one), "granted");
        assert_eq!(judge(&sets, &by_two), "granted");
        assert_eq!(judge(&sets, &Jwt::t0().by("x", &RSA_1, Algorithm::RS256)), "key_unknown");
    }
    assert_eq!(judge(&[one.clone(), None], &by_one), "granted");
    // It may be a good one.
    assert_eq!(judge(&[one.clone(), None], &by_two), "keys_unavailable");
    let nameless = by_two.clone().without_header("kid");
    assert_eq!(judge(&[one.clone(), None], &nameless), "keys_unavailable");
    assert_eq!(judge(&[one.clone(), two], &nameless), "granted");
    assert_eq!(judge(&[one, None], &Jwt::t0().by("es-1", &ES_3, Algorithm::ES256)), "signature_invalid");
    assert_eq!(judge(&[None, None], &by_one), "keys_unavailable");
}
