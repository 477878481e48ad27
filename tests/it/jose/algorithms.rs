//! A: algorithms and keys taken for others.

use ::base64::Engine;
use ::base64::engine::general_purpose::URL_SAFE_NO_PAD;
use aws_lc_rs::hmac;
use oidc_spa_native::access_token::Profile;
use oidc_spa_native::jose::algorithm::{Algorithm, AlgorithmSet};
use oidc_spa_native::jose::base64url_encode;

use crate::issuer::{ED_1, ES_1, ES_3, ES_5, Judge, Jwt, PS_1, RSA_1, RSA_2, Setup, quoted};

fn unsigned(jwt: &Jwt) -> String {
    format!("{}.{}.", base64url_encode(&jwt.header_text()), base64url_encode(&jwt.payload_text()))
}

#[test]
fn a01_a02_a03_none() {
    let judge = Judge::new();
    let good = Jwt::t0();
    for (id, name) in [("A01", "none"), ("A02", "None"), ("A02", "NONE"), ("A02", "nOnE")] {
        let bad = good.clone().header("alg", &quoted(name));
        judge.twins(id, &good.sign(), &unsigned(&bad), "algorithm_not_allowed");
        judge.twins("A03", &good.sign(), &bad.sign(), "algorithm_not_allowed");
    }
}

#[test]
fn a05_a07_a08_a26_f27_alg_is_one_of_the_exact_names() {
    let judge = Judge::new();
    let good = Jwt::t0().by("rsa-1", &RSA_1, Algorithm::RS256);
    for (id, value) in
        [("A05", "null"), ("A05", "256"), ("A05", r#"["RS256"]"#), ("A05", "{}"), ("A05", "true")]
    {
        judge.refuses(id, &good, |jwt| jwt.header("alg", value), "token_malformed");
    }
    judge.refuses("A06", &good, |jwt| jwt.without_header("alg"), "token_malformed");
    let names = [
        ("A05", r#""""#),
        ("A07", r#""rs256""#),
        ("A08", r#""RS256 ""#),
        ("A08", r#"" RS256""#),
        ("A08", r#""RS256\u0000""#),
        ("A26", r#""ESP256""#),
        ("F27", r#""ML-DSA-65""#),
        ("A15", r#""HS256""#),
    ];
    for (id, name) in names {
        judge.refuses(id, &good, |jwt| jwt.header("alg", name), "algorithm_not_allowed");
    }
    let es256 = Jwt::t0();
    judge.refuses("A26", &es256, |jwt| jwt.header("alg", r#""ESP256""#), "algorithm_not_allowed");
    judge.refuses("A26", &es256, |jwt| jwt.header("alg", r#""ES256K""#), "algorithm_not_allowed");
}

/// An HMAC keyed with what everybody knows: the public key in each of its spellings, and nothing at all.
#[test]
fn a09_a10_a12_a13_hmac_with_public_bytes() {
    let judge = Judge::new();
    let der = [b"\x30\x82\x01\x0a\x02\x82\x01\x01\x00".as_slice(), RSA_1.member("n").as_bytes()].concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        base64url_encode(&der).replace('-', "+").replace('_', "/")
    );
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (x, y) = (decode(&ES_1.member("x")), decode(&ES_1.member("y")));
    let secrets: [(&str, Vec<u8>); 8] = [
        ("A09", pem.clone().into_bytes()),
        ("A10", format!("\n{pem}").into_bytes()),
        ("A10", pem.replace("PUBLIC", "RSA PUBLIC").into_bytes()),
        ("A11", RSA_1.jwk(r#""kid":"rsa-1""#).into_bytes()),
        ("A12", x.clone()),
        ("A12", [x.as_slice(), y.as_slice()].concat()),
        ("A12", [&[4], x.as_slice(), y.as_slice()].concat()),
        ("A13", Vec::new()),
    ];
    let hashes = [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)];
    for kid in ["rsa-1", "es-1"] {
        let good = if kid == "es-1" { Jwt::t0() } else { Jwt::t0().by(kid, &RSA_1, Algorithm::RS256) };
        for (id, secret) in &secrets {
            for (name, hash) in hashes {
                let forged = good.clone().header("alg", &quoted(name));
                let input = unsigned(&forged).trim_end_matches('.').to_owned();
                let tag = hmac::sign(&hmac::Key::new(hash, secret), input.as_bytes());
                let bad = format!("{input}.{}", base64url_encode(tag.as_ref()));
                judge.twins(id, &good.sign(), &bad, "algorithm_not_allowed");
            }
        }
    }
}

#[test]
fn a15_a16_no_policy_can_name_a_symmetric_algorithm_or_none() {
    for name in ["HS256", "HS384", "HS512", "none", "", "RSA-OAEP", "rs256"] {
        assert_eq!(Algorithm::from_name(name), None, "{name}");
    }
    assert_eq!(AlgorithmSet::of(&[]), None);
    for algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
        let only = AlgorithmSet::of(&[algorithm]).unwrap();
        assert_eq!(only.iter().collect::<Vec<_>>(), [algorithm]);
    }
}

#[test]
fn a14_an_algorithm_outside_the_policy_is_refused() {
    let allow = |algorithm| {
        Setup::new(Profile::Common)
            .policy(|policy| policy.issuers[0].algorithms = AlgorithmSet::of(&[algorithm]).unwrap())
    };
    let token = Jwt::t0().sign();
    assert_eq!(allow(Algorithm::ES256).bearer(&token).name(), "granted");
    assert_eq!(allow(Algorithm::RS256).bearer(&token).name(), "algorithm_not_allowed");
    // EdDSA and Ed25519 are two names, each to be allowed by itself.
    let token = Jwt::t0().by("ed-1", &ED_1, Algorithm::EdDSA).sign();
    assert_eq!(allow(Algorithm::EdDSA).bearer(&token).name(), "granted");
    assert_eq!(allow(Algorithm::Ed25519).bearer(&token).name(), "algorithm_not_allowed");
}

/// The signature is good, the key is the one that the header names, and the key is for another algorithm.
#[test]
fn a17_a18_a19_a20_a27_a_key_verifies_its_own_algorithms_only() {
    let judge = Judge::new();
    let t0 = Jwt::t0;
    let cases = [
        ("A17", t0().by("ps-1", &PS_1, Algorithm::PS256), t0().by("ps-1", &PS_1, Algorithm::RS256)),
        ("A18", t0().by("rsa-1", &RSA_1, Algorithm::RS256), t0().by("rsa-1", &RSA_1, Algorithm::PS256)),
        ("A19", t0().by("rsa-1", &RSA_1, Algorithm::RS256), t0().by("rsa-1", &RSA_1, Algorithm::RS512)),
        ("A20", t0().by("es-3", &ES_3, Algorithm::ES384), t0().by("es-3", &ES_3, Algorithm::ES256)),
        ("A20", t0().by("es-5", &ES_5, Algorithm::ES512), t0().by("es-5", &ES_5, Algorithm::ES256)),
        ("A21", t0().by("es-1", &ES_1, Algorithm::ES256), t0().by("es-1", &ES_1, Algorithm::ES384)),
        ("A21", t0().by("es-1", &ES_1, Algorithm::ES256), t0().by("es-1", &ES_1, Algorithm::EdDSA)),
        // A key of another type under the kid, the signature by the key that the header's `alg` would fit.
        ("A27", t0().by("rsa-1", &RSA_1, Algorithm::RS256), t0().by("es-1", &RSA_1, Algorithm::RS256)),
        ("A27", t0().by("rsa-1", &RSA_1, Algorithm::RS256), t0().by("ed-1", &RSA_1, Algorithm::RS256)),
        ("A27", t0(), t0().by("rsa-1", &ES_1, Algorithm::ES256)),
    ];
    for (id, good, bad) in cases {
        judge.twins(id, &good.sign(), &bad.sign(), "signature_invalid");
    }
}

#[test]
fn a22_a_jwk_for_an_algorithm_that_does_not_exist_verifies_nothing() {
    let token = Jwt::t0().by("k", &ES_5, Algorithm::ES512).sign();
    let keys = |alg: &str| [ES_5.jwk(&format!(r#""kid":"k","alg":"{alg}""#)), ES_1.jwk(r#""kid":"es-1""#)];
    Judge::with_keys(&keys("ES512")).grants("A22", &token);
    Judge::with_keys(&keys("ES521")).each("A22", &token, ["signature_invalid"; 3]);
}

#[test]
fn a23_a24_both_names_of_ed25519() {
    let judge = Judge::new();
    judge.grants("A23", &Jwt::t0().by("ed-1", &ED_1, Algorithm::EdDSA).sign());
    judge.grants("A24", &Jwt::t0().by("ed-1", &ED_1, Algorithm::Ed25519).sign());
    // Both names are one algorithm of an Ed25519 key (RFC 9864 section 2.2), whichever it declares.
    let judge = Judge::with_keys(&[ED_1.jwk(r#""kid":"ed-1","alg":"Ed25519""#)]);
    judge.grants("A24", &Jwt::t0().by("ed-1", &ED_1, Algorithm::Ed25519).sign());
    judge.grants("A24", &Jwt::t0().by("ed-1", &ED_1, Algorithm::EdDSA).sign());
    Judge::with_keys(&[ED_1.jwk(r#""kid":"ed-1","alg":"EdDSA""#)])
        .grants("A24", &Jwt::t0().by("ed-1", &ED_1, Algorithm::Ed25519).sign());
    Judge::with_keys(&[ED_1.jwk(r#""kid":"ed-1","alg":"ES256""#), ES_1.jwk("")]).each(
        "A24",
        &Jwt::t0().by("ed-1", &ED_1, Algorithm::EdDSA).sign(),
        ["signature_invalid"; 3],
    );
}

#[test]
fn a29_a30_a_key_without_alg_is_for_all_of_its_type() {
    let judge = Judge::new();
    let rsa = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384];
    for algorithm in rsa {
        judge.grants("A29", &Jwt::t0().by("rsa-2", &RSA_2, algorithm).sign());
    }
}
