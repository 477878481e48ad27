//! Check 7 of RFC 9449 section 4.3, and what else a proof's `jwk` must be (requirements J09 to J21).

use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::jose::base64url_encode;
use oidc_spa_native::jose::json::Object;
use oidc_spa_native::jose::jwk::{Jwk, Spelling};

use super::{changed, grants, p1, refuses};
use crate::issuer::{CLIENT, CLIENT_ED, CLIENT_RSA, ES_3, Jwt, PROFILES, STRANGER, Setup, quoted};

/// The proof with this `jwk`, signed by the client's key.
fn with_jwk(jwk: &str) -> Jwt {
    p1().header("jwk", jwk)
}

#[test]
fn check_7_j11_j12_a_jwk_holds_no_private_member() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] {
        for value in [r#""AQAB""#, r#""""#, "null", "1", "[]"] {
            let jwk = CLIENT.jwk(&format!("\"{member}\":{value}"));
            changed(&format!("J11 J12 {member} {value}"), &with_jwk(&jwk), "proof_malformed");
        }
    }
}

#[test]
fn j10_j17_a_jwk_is_one_object_with_one_meaning() {
    changed("J10", &p1().without_header("jwk"), "proof_malformed");
    let text = quoted(&CLIENT.jwk(""));
    for jwk in ["null", "[]", "{}", "1", r#""x""#, text.as_str(), &format!("[{}]", CLIENT.jwk(""))] {
        changed(&format!("J10 {jwk}"), &with_jwk(jwk), "proof_malformed");
    }
    let x = format!("\"x\":\"{}\"", CLIENT.member("x"));
    changed("J17", &with_jwk(&CLIENT.jwk(&x)), "proof_malformed");
    changed("J17", &with_jwk(&CLIENT.jwk(r#""kty":"EC""#)), "proof_malformed");
    for member in ["kty", "crv", "x", "y"] {
        let jwk = CLIENT.jwk("").replace(&format!("\"{member}\":"), &format!("\"{member}_\":"));
        changed(&format!("J10 {member}"), &with_jwk(&jwk), "proof_malformed");
    }
}

#[test]
fn j15_j16_members_that_say_nothing_change_nothing() {
    for extra in [
        r#""key_ops":["verify"],"ext":true,"kid":"k""#,
        r#""foo":1"#,
        r#""use":"sig","alg":"ES256""#,
        r#""x5c":["AAAA"],"x5u":"https://evil.example/""#,
    ] {
        changed(&format!("J15 J16 {extra}"), &with_jwk(&CLIENT.jwk(extra)), "granted");
    }
    // The thumbprint is of the required members, in whatever order they came (RFC 7638).
    let [x, y] = ["x", "y"].map(|name| CLIENT.member(name));
    let jwk = format!(r#"{{ "y":"{y}", "x":"{x}", "crv":"P-256", "kty":"EC" }}"#);
    changed("J16", &with_jwk(&jwk), "granted");
}

#[test]
fn j13_j14_a_jwk_is_for_verifying_with_the_headers_algorithm() {
    for extra in [
        r#""alg":"ES384""#,
        r#""alg":"RS256""#,
        r#""alg":"HS256""#,
        r#""alg":"none""#,
        r#""alg":1"#,
        r#""alg":null"#,
        r#""use":"enc""#,
        r#""use":1"#,
        r#""key_ops":["sign"]"#,
        r#""key_ops":[]"#,
        r#""key_ops":["verify","verify"]"#,
        r#""key_ops":"verify""#,
        r#""use":"sig","key_ops":["encrypt"]"#,
    ] {
        changed(&format!("J13 J14 {extra}"), &with_jwk(&CLIENT.jwk(extra)), "proof_malformed");
    }
}

#[test]
fn j09_the_algorithm_fits_the_key() {
    for alg in ["RS256", "PS256", "ES384", "ES512", "EdDSA", "Ed25519"] {
        changed(&format!("J09 {alg}"), &p1().header("alg", &quoted(alg)), "proof_malformed");
    }
    let token = Jwt::t0().bound_to(&ES_3).sign();
    for (alg, expected) in [("ES384", "granted"), ("ES256", "proof_malformed")] {
        let proof = Jwt::p1(&token).proof_by(&ES_3, Algorithm::ES384).header("alg", &quoted(alg));
        for profile in PROFILES {
            assert_eq!(Setup::new(profile).dpop(&token, &proof.sign()).name(), expected, "J09 {alg}");
        }
    }
    let token = Jwt::t0().bound_to(&CLIENT_RSA).sign();
    for (alg, expected) in [("RS256", "granted"), ("PS256", "proof_signature_invalid")] {
        let proof = Jwt::p1(&token).proof_by(&CLIENT_RSA, Algorithm::RS256).header("alg", &quoted(alg));
        assert_eq!(Setup::new(PROFILES[0]).dpop(&token, &proof.sign()).name(), expected, "J09 {alg}");
    }
}

#[test]
fn j18_coordinates_have_one_spelling() {
    let [x, y] = ["x", "y"].map(|name| CLIENT.member(name));
    let jwk = |x: &str, y: &str| format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#);
    grants("J18", &with_jwk(&jwk(&x, &y)).sign());
    // 32 bytes are 43 characters, the last of which has two bits to spare.
    let last = x.chars().last().unwrap();
    let twin = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let position = twin.find(last).unwrap();
    let twin = format!("{}{}", &x[..42], &twin[position + 1..position + 2]);
    for (id, x) in [
        ("padded", format!("{x}=")),
        ("trailing bits", twin),
        ("short", x[..42].to_owned()),
        ("leading zero", base64url_encode(&[0; 33])),
        ("empty", String::new()),
        ("a space", format!("{x} ")),
    ] {
        changed(&format!("J18 {id}"), &with_jwk(&jwk(&x, &y)), "proof_malformed");
    }
}

#[test]
fn f08_a_point_off_its_curve_is_no_key() {
    let zero = base64url_encode(&[0; 32]);
    let y = CLIENT.member("y");
    for jwk in [
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{zero}","y":"{zero}"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{y}","y":"{y}"}}"#),
    ] {
        // Bound to that very "key": only the curve itself says that it is none.
        let thumbprint = thumbprint(&jwk);
        let token = Jwt::t0().claim("cnf", &format!(r#"{{"jkt":"{thumbprint}"}}"#)).sign();
        let proof = Jwt::p1(&token).header("jwk", &jwk);
        for profile in PROFILES {
            assert_eq!(Setup::new(profile).dpop(&token, &proof.sign()).name(), "proof_malformed", "{jwk}");
        }
    }
}

fn thumbprint(jwk: &str) -> String {
    let parsed = Jwk::parse(&Object::parse(jwk.as_bytes()).unwrap(), Spelling::Canonical).unwrap();
    parsed.thumbprint().as_str().to_owned()
}

#[test]
fn j19_g14_an_rsa_key_is_long_enough_and_has_one_spelling() {
    let n = CLIENT_RSA.member("n");
    let token = Jwt::t0().bound_to(&CLIENT_RSA).sign();
    let judged = |n: &str, e: &str| {
        let jwk = format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#);
        let proof = Jwt::p1(&token).proof_by(&CLIENT_RSA, Algorithm::RS256).header("jwk", &jwk).sign();
        Setup::new(PROFILES[0]).dpop(&token, &proof).name()
    };
    assert_eq!(judged(&n, "AQAB"), "granted");
    assert_eq!(judged(&n, "AQ"), "proof_malformed");
    assert_eq!(judged(&n, "Ag"), "proof_malformed");
    assert_eq!(judged(&n, ""), "proof_malformed");
    assert_eq!(judged(&n, "AAEAAQ"), "proof_malformed");
    assert_eq!(judged(&base64url_encode(&[0xff; 128]), "AQAB"), "proof_malformed");
    assert_eq!(judged(&base64url_encode(&[0xff; 2048]), "AQAB"), "proof_malformed");
    assert_eq!(judged(&format!("AAAA{n}"), "AQAB"), "proof_malformed");
}

#[test]
fn j20_f14_a_key_of_small_order_proves_nothing() {
    let identity = {
        let mut point = [0; 32];
        point[0] = 1;
        point
    };
    let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, base64url_encode(&identity));
    let token = Jwt::t0().claim("cnf", &format!(r#"{{"jkt":"{}"}}"#, thumbprint(&jwk))).sign();
    // This signature "verifies" any message under that key where nobody looks at the key's order.
    let universal = base64url_encode(&[identity, [0; 32]].concat());
    let signed = Jwt::p1(&token).header("alg", r#""EdDSA""#).header("jwk", &jwk).sign();
    let forged = format!("{}.{universal}", signed.rsplit_once('.').unwrap().0);
    let bound = Jwt::t0().bound_to(&CLIENT_ED).sign();
    let good = Jwt::p1(&bound).proof_by(&CLIENT_ED, Algorithm::EdDSA).sign();
    let grafted = format!("{}.{universal}", good.rsplit_once('.').unwrap().0);
    for profile in PROFILES {
        assert_eq!(Setup::new(profile).dpop(&token, &forged).name(), "proof_malformed");
        assert_eq!(Setup::new(profile).dpop(&bound, &good).name(), "granted");
        assert_eq!(Setup::new(profile).dpop(&bound, &grafted).name(), "proof_signature_invalid");
    }
}

#[test]
fn n05_check_12_the_key_is_the_one_that_the_token_is_bound_to() {
    let stranger = p1().proof_by(&STRANGER, Algorithm::ES256);
    refuses("N05", &stranger.sign(), "proof_key_mismatch");
    refuses("N05", &p1().proof_by(&CLIENT_ED, Algorithm::Ed25519).sign(), "proof_key_mismatch");
}
