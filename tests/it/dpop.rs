//! The twelve checks of RFC 9449 section 4.3, one after the other, through the whole corridor (requirements J).
//!
//! Every case changes one thing of a proof that is accepted as it is, and signs it anew.

mod binding;
mod keys;
mod nonces;
mod sentences;
mod target;
mod uri_table;

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::credentials::Field;
use oidc_spa_native::crypto::sha256;
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::jose::algorithm::{Algorithm, AlgorithmSet};
use oidc_spa_native::jose::base64url_encode;
use oidc_spa_native::question::Request;
use oidc_spa_native::time::Leeway;

use crate::issuer::{CLIENT, Jwt, NOW, PROFILES, STRANGER, Setup, ath, head, quoted};

/// What each profile says of T1 with this proof; each time to a server that has seen none.
fn judged(proof: &str) -> [&'static str; 3] {
    let token = t1();
    PROFILES.map(|profile| Setup::new(profile).dpop(token, proof).name())
}

/// T1, always the same: its signature would differ each time, and with it the `ath` of its proofs.
fn t1() -> &'static str {
    static TOKEN: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| Jwt::t1().sign());
    &TOKEN
}

fn p1() -> Jwt {
    Jwt::p1(t1())
}

#[track_caller]
fn grants(id: &str, proof: &str) {
    assert_eq!(judged(proof), ["granted"; 3], "{id}");
}

#[track_caller]
fn refuses(id: &str, proof: &str, code: &str) {
    grants(id, &p1().sign());
    assert_eq!(judged(proof), [code; 3], "{id}");
}

/// P1 with one thing changed; its twin is P1.
#[track_caller]
fn changed(id: &str, proof: &Jwt, code: &str) {
    let text = |jwt: &Jwt| (jwt.header_text(), jwt.payload_text());
    assert!(text(&p1()) != text(proof), "{id}: the mutation changed nothing");
    if code == "granted" { grants(id, &proof.sign()) } else { refuses(id, &proof.sign(), code) }
}

fn seconds(shift: i64) -> String {
    (NOW + shift).to_string()
}

#[test]
fn check_1_j02_one_proof_and_no_more() {
    let (one, other) = (p1().sign(), p1().claim("jti", r#""proof-2""#).sign());
    for joined in [
        format!("{one}, {other}"),
        format!("{one},{other}"),
        format!("{one}, {one}"),
        format!("{one}, bad"),
        format!("bad, {one}"),
        format!("{one},"),
        format!(",{one}"),
    ] {
        refuses("J02", &joined, "proof_repeated");
    }
    for (dpop, code) in [(Field::Repeated, "proof_repeated"), (Field::Absent, "proof_missing")] {
        for profile in PROFILES {
            let authorization = format!("DPoP {}", t1());
            let authorization = Field::Once(authorization.as_str());
            let request = Request { authorization, dpop, head: Some(head()) };
            assert_eq!(Setup::new(profile).judge(&request).name(), code);
        }
    }
}

#[test]
fn check_2_a_proof_is_one_well_formed_jwt() {
    let good = p1().sign();
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("a JWS") };
    for bad in [
        String::new(),
        " ".into(),
        ".".into(),
        "..".into(),
        "x".into(),
        format!("{header}.{payload}"),
        format!("{good}.AA"),
        format!("{good}."),
        format!("{good}.AA.AA"),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}="),
        format!("DPoP {good}"),
        format!("\"{good}\""),
        format!("{header}.{payload}.{signature} {signature}"),
        format!("{}%2E{payload}.{signature}", header),
        "é.é.é".into(),
        ".".repeat(8_000),
    ] {
        assert!(bad != good);
        // An emptied payload is told by its signature, which was made of another one.
        let code = if bad.contains("..") && bad.starts_with(header) {
            "proof_signature_invalid"
        } else {
            "proof_malformed"
        };
        refuses(&format!("J02 {bad:.80}"), &bad, code);
    }
}

#[test]
fn check_2_j35_a_proofs_json_is_one_object_with_one_meaning() {
    for payload in ["[]", "null", "1", r#""x""#, "", "{", "{}x"] {
        changed("D01", &p1().raw_payload(payload.as_bytes()), "proof_malformed");
    }
    for claim in ["htu", "htm", "ath", "jti", "iat"] {
        let text = String::from_utf8(p1().payload_text()).unwrap();
        let member = text.trim_matches(['{', '}']).split(',').find(|m| m.contains(claim)).unwrap();
        let value = member.split_once(':').unwrap().1;
        changed(&format!("J35 {claim}"), &p1().also_claim(claim, value), "proof_malformed");
        let escaped = format!("\\u{:04x}{}", claim.as_bytes()[0], &claim[1..]);
        changed(&format!("J35 {escaped}"), &p1().also_claim(&escaped, value), "proof_malformed");
    }
    changed("C07", &p1().also_header("alg", r#""ES256""#), "proof_malformed");
    changed("C07", &p1().also_header("jwk", &CLIENT.jwk("")), "proof_malformed");
    changed("C07", &p1().also_header("typ", r#""dpop+jwt""#), "proof_malformed");
    let bom = [b"\xef\xbb\xbf".as_slice(), &p1().payload_text()].concat();
    changed("D05", &p1().raw_payload(&bom), "proof_malformed");
    changed("J40", &p1().claim("foo", r#"{"bar":["baz"]}"#).header("foo", "[1]"), "granted");
}

#[test]
fn check_2_j04_a_proof_has_8_kib_at_most() {
    let padded = |bytes: usize| p1().claim("pad", &quoted(&"x".repeat(bytes)));
    // Base64url stretches by 4/3; the exact length is sought, signature and all.
    let largest = (5_000..6_000).rfind(|bytes| padded(*bytes).sign().len() <= 8 * 1024).unwrap();
    grants("J04", &padded(largest).sign());
    changed("J04", &padded(largest + 3), "proof_malformed");
    let roomy = Setup::new(Profile::Common).policy(|policy| policy.dpop.max_bytes = 16 * 1024);
    assert_eq!(roomy.dpop(t1(), &padded(largest + 3).sign()).name(), "granted");
}

#[test]
fn check_3_j24_every_required_claim_is_there_and_of_its_type() {
    let codes = [
        ("jti", "proof_malformed"),
        ("htm", "proof_method_mismatch"),
        ("htu", "proof_uri_mismatch"),
        ("iat", "proof_malformed"),
        ("ath", "proof_malformed"),
    ];
    for (claim, code) in codes {
        changed(&format!("J24 {claim}"), &p1().without(claim), code);
        let wrong = ["null", "true", "[]", "{}", if claim == "iat" { r#""1800000000""# } else { "1" }];
        for value in wrong {
            changed(&format!("J24 {claim} {value}"), &p1().claim(claim, value), code);
        }
    }
    for (claim, array) in [("htm", r#"["GET"]"#), ("htu", r#"["https://api.example/v1/items"]"#)] {
        let code = codes.iter().find(|(name, _)| *name == claim).unwrap().1;
        changed(&format!("J24 {claim}"), &p1().claim(claim, array), code);
        changed(&format!("J24 {claim}"), &p1().claim(claim, r#""""#), code);
    }
}

#[test]
fn check_3_b2_40_a_jti_has_1_to_256_bytes() {
    let jti = |text: &str| p1().claim("jti", &quoted(text));
    changed("B2.40", &jti(""), "proof_malformed");
    changed("B2.40", &jti(&"x".repeat(257)), "proof_malformed");
    changed("B2.40", &jti(&"é".repeat(129)), "proof_malformed");
    changed("B2.40", &jti(&"x".repeat(256)), "granted");
    changed("B2.40", &jti(&"é".repeat(128)), "granted");
    changed("B2.40", &jti("\u{0}"), "granted");
}

#[test]
fn check_4_j06_typ_is_dpop_jwt() {
    for typ in ["DPOP+JWT", "dpop+JWT", "application/dpop+jwt", "Application/DPoP+jwt"] {
        changed(&format!("J06 {typ}"), &p1().header("typ", &quoted(typ)), "granted");
    }
    changed("J05", &p1().without_header("typ"), "proof_malformed");
    for typ in
        ["JWT", "at+jwt", "dpop", "dpop+jwt ", "x/dpop+jwt", "application/x/dpop+jwt", "dpop+jwt;v=1", ""]
    {
        changed(&format!("J05 {typ}"), &p1().header("typ", &quoted(typ)), "proof_malformed");
    }
    for typ in [r#"["dpop+jwt"]"#, "null", "1", "true"] {
        changed(&format!("J05 {typ}"), &p1().header("typ", typ), "proof_malformed");
    }
}

#[test]
fn check_5_j07_the_algorithm_is_asymmetric_and_allowed() {
    for alg in
        ["none", "None", "HS256", "HS512", "es256", "ES256 ", "ESP256", "ES256K", "RSA-OAEP", "dir", ""]
    {
        changed(&format!("J07 {alg}"), &p1().header("alg", &quoted(alg)), "proof_algorithm_not_allowed");
    }
    for alg in [r#"["ES256"]"#, "null", "256", "{}"] {
        changed(&format!("J07 {alg}"), &p1().header("alg", alg), "proof_malformed");
    }
    changed("J07", &p1().without_header("alg"), "proof_malformed");
    let none = p1().header("alg", r#""none""#).sign();
    let unsigned = &none[..=none.rfind('.').unwrap()];
    refuses("J07", unsigned, "proof_algorithm_not_allowed");

    let only = |algorithm| {
        Setup::new(Profile::Common)
            .policy(|policy| policy.dpop.algorithms = AlgorithmSet::of(&[algorithm]).unwrap())
    };
    let name = |algorithm| only(algorithm).dpop(t1(), &p1().sign()).name();
    assert_eq!(name(Algorithm::ES256), "granted");
    assert_eq!(name(Algorithm::ES384), "proof_algorithm_not_allowed");
}

#[test]
fn check_6_j23_the_signature_is_of_the_key_in_the_header() {
    refuses("J23", &p1().signed_by(&STRANGER, Algorithm::ES256).sign(), "proof_signature_invalid");
    let good = p1().sign();
    let (input, _) = good.rsplit_once('.').unwrap();
    let raw = CLIENT.sign(Algorithm::ES256, input.as_bytes());
    let with = |signature: &[u8]| format!("{input}.{}", base64url_encode(signature));
    grants("J23", &with(&raw));
    let flipped = |i: usize| {
        let mut bytes = raw.clone();
        bytes[i] ^= 1;
        bytes
    };
    let der = [&[0x30, 68, 2, 32][..], &raw[..32], &[2, 32], &raw[32..]].concat();
    for (id, bad) in [
        ("first byte", flipped(0)),
        ("last byte", flipped(63)),
        ("zero", vec![0; 64]),
        ("empty", vec![]),
        ("short", raw[..63].to_vec()),
        ("long", [&raw[..], &[0]].concat()),
        ("DER", der),
        ("of another text", CLIENT.sign(Algorithm::ES256, &input.as_bytes()[1..])),
    ] {
        refuses(&format!("J23 {id}"), &with(&bad), "proof_signature_invalid");
    }
    // A payload of another proof under this signature.
    let other = p1().claim("jti", r#""proof-2""#).sign();
    let [header, _, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("a JWS") };
    let grafted = format!("{header}.{}.{signature}", other.split('.').nth(1).unwrap());
    refuses("J23", &grafted, "proof_signature_invalid");
}

#[test]
fn check_8_k01_k02_b2_13_htm_is_the_method() {
    for htm in ["POST", "HEAD", "PUT", "GETT", "GE", "GET ", " GET", "G\\u0000ET", "OPTIONS"] {
        let proof = p1().claim("htm", &format!("\"{htm}\""));
        changed(&format!("K02 {htm}"), &proof, "proof_method_mismatch");
    }
    // Methods are case-sensitive; the drop-in compares them as oidc-spa does.
    for htm in ["get", "Get"] {
        let proof = p1().claim("htm", &quoted(htm)).sign();
        let mismatch = "proof_method_mismatch";
        assert_eq!(judged(&proof), [mismatch, mismatch, "granted"], "K01 {htm}");
    }
}

#[test]
fn check_10_m09_a_nonce_that_nobody_asked_for_is_ignored() {
    for nonce in [r#""n-1""#, r#""""#, "1", "null"] {
        changed("M09", &p1().claim("nonce", nonce), "granted");
    }
}

#[test]
fn check_11_j28_j29_a_proof_is_of_now() {
    for (shift, code) in [
        ("-40", "granted"),
        ("-41", "proof_stale"),
        ("-3600", "proof_stale"),
        ("3", "granted"),
        ("4", "proof_not_yet_valid"),
        ("3600", "proof_not_yet_valid"),
    ] {
        let iat = seconds(shift.parse().unwrap());
        changed(&format!("J28 J29 {shift}"), &p1().claim("iat", &iat), code);
    }
    changed("J28", &p1().claim("iat", &format!("{}.5", NOW - 41)), "proof_stale");
    changed("J28", &p1().claim("iat", &format!("{}.5", NOW - 40)), "granted");
    changed("J29", &p1().claim("iat", &format!("{}.5", NOW + 3)), "proof_not_yet_valid");
    changed("J29", &p1().claim("iat", &format!("{}.5", NOW + 2)), "granted");
    for (iat, code) in
        [("1e999", "proof_malformed"), ("-1e999", "proof_malformed"), ("1e300", "proof_not_yet_valid")]
    {
        changed(&format!("J29 {iat}"), &p1().claim("iat", iat), code);
    }
    changed("J28", &p1().claim("iat", "0"), "proof_stale");
    changed("J28", &p1().claim("iat", "-1e300"), "proof_stale");
}

#[test]
fn check_11_the_window_is_the_policys() {
    let setup = || {
        Setup::new(Profile::Common).policy(|policy| {
            policy.dpop.window = ProofWindow::new(10, Leeway::NONE).unwrap();
        })
    };
    let cases = [(-10, "granted"), (-11, "proof_stale"), (0, "granted"), (1, "proof_not_yet_valid")];
    for (shift, code) in cases {
        let proof = p1().claim("iat", &seconds(shift)).sign();
        assert_eq!(setup().dpop(t1(), &proof).name(), code, "{shift}");
    }
}

#[test]
fn check_11_j31_a_proofs_own_exp_and_nbf_are_respected() {
    for (claim, shift, code) in [
        ("exp", 1, "granted"),
        ("exp", 0, "proof_stale"),
        ("exp", -1, "proof_stale"),
        ("nbf", 0, "granted"),
        ("nbf", 1, "proof_not_yet_valid"),
    ] {
        changed(&format!("J31 {claim} {shift}"), &p1().claim(claim, &seconds(shift)), code);
    }
    for claim in ["exp", "nbf"] {
        for value in [r#""x""#, "null", "[]", "{}", "true"] {
            changed(&format!("J31 {claim} {value}"), &p1().claim(claim, value), "proof_malformed");
        }
    }
}

#[test]
fn check_12_j32_j33_ath_is_of_this_access_token() {
    let other = Jwt::t1().claim("jti", r#""token-2""#).sign();
    let digest = sha256(t1().as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let good = ath(t1());
    for (id, value) in [
        ("of another token", ath(&other)),
        ("of the header value", ath(&format!("DPoP {}", t1()))),
        ("of the payload", ath(t1().split('.').nth(1).unwrap())),
        ("padded", format!("{good}=")),
        ("hex", hex),
        ("half", good[..22].to_owned()),
        ("doubled", format!("{good}{good}")),
        ("upper case", good.to_ascii_uppercase()),
        ("the token itself", t1().to_owned()),
        ("empty", String::new()),
    ] {
        changed(&format!("J33 {id}"), &p1().claim("ath", &quoted(&value)), "proof_token_mismatch");
    }
}

#[test]
fn j36_what_a_proofs_header_says_must_be_understood() {
    for (name, value) in [
        ("crit", r#"["exp"]"#),
        ("crit", r#"["http://x/y"]"#),
        ("crit", "[]"),
        ("crit", "null"),
        ("b64", "false"),
        ("b64", "true"),
        ("zip", r#""DEF""#),
        ("enc", r#""A256GCM""#),
    ] {
        changed(&format!("J36 {name} {value}"), &p1().header(name, value), "proof_malformed");
    }
    // What points at other keys is not followed: the `jwk` alone says whose proof it is.
    for (name, value) in [
        ("jku", r#""https://evil.example/jwks""#),
        ("x5u", r#""https://evil.example/x5u""#),
        ("x5c", r#"["AAAA"]"#),
        ("kid", r#""rsa-1""#),
        ("cty", r#""x""#),
    ] {
        changed(&format!("J21 {name}"), &p1().header(name, value), "granted");
    }
}

#[test]
fn j39_a_token_is_no_proof_and_a_proof_no_token() {
    refuses("J39", t1(), "proof_malformed");
    let proof = p1().sign();
    for profile in PROFILES {
        let setup = Setup::new(profile);
        let code = if profile == Profile::OidcSpa { "key_unknown" } else { "token_type_unexpected" };
        assert_eq!(setup.dpop(&proof, &proof).name(), code);
        assert_eq!(setup.bearer(&proof).name(), code);
        // With a kid that names a key, its type refuses it in every profile.
        let named = p1().header("kid", r#""es-1""#).sign();
        assert_eq!(setup.bearer(&named).name(), "token_type_unexpected");
    }
}
