//! F: signatures that are nearly right, and keys under which anything verifies.

use aws_lc_rs::digest::{SHA512, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::jose::base64url_encode;
use oidc_spa_native::jose::json::{Object, Value};
use oidc_spa_native::jose::jwk::{Jwk, Spelling};
use oidc_spa_native::jose::jws::{CompactJws, JoseHeader};
use oidc_spa_native::jose::verification_key::VerificationKey;
use oidc_spa_native::keys::jwk_set::JwkSet;

use crate::issuer::{
    ED_1, ES_1, ES_3, ES_5, Judge, Jwt, PS_1, RSA_1, RSA_2, SigningKey, jwk_set_of, verify_compact,
};
use crate::numbers;

/// A good token and the same token with its signature's bytes changed.
fn resigned(jwt: &Jwt, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> (String, String) {
    let good = jwt.sign();
    let (input, signature) = good.rsplit_once('.').unwrap();
    let signature = change(URL_SAFE_NO_PAD.decode(signature).unwrap());
    let bad = format!("{input}.{}", base64url_encode(&signature));
    (good, bad)
}

type Change = fn(Vec<u8>) -> Vec<u8>;

fn all_refused(jwt: &Jwt, cases: &[(&str, Change)]) {
    let judge = Judge::new();
    for (id, change) in cases {
        let (good, bad) = resigned(jwt, change);
        judge.twins(id, &good, &bad, "signature_invalid");
    }
}

/// The order of P-256.
fn n() -> Vec<u8> {
    numbers::hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
}

fn halves(signature: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (r, s) = signature.split_at(signature.len() / 2);
    (r.to_vec(), s.to_vec())
}

#[test]
fn f01_to_f05_es256_signatures_out_of_shape() {
    let without_leading = |bytes: &[u8]| bytes.iter().copied().skip_while(|b| *b == 0).collect::<Vec<u8>>();
    let der = move |signature: Vec<u8>| {
        let integer = |half: Vec<u8>| {
            let mut bytes = without_leading(&half);
            if bytes[0] & 0x80 != 0 {
                bytes.insert(0, 0);
            }
            [vec![2, bytes.len() as u8], bytes].concat()
        };
        let (r, s) = halves(&signature);
        let body = [integer(r), integer(s)].concat();
        [vec![0x30, body.len() as u8], body].concat()
    };
    let cases: [(&str, Change); 16] = [
        ("F01", |_| vec![0; 64]),
        ("F02", |s| [vec![0; 32], halves(&s).1].concat()),
        ("F02", |s| [halves(&s).0, vec![0; 32]].concat()),
        ("F03", |s| [n(), halves(&s).1].concat()),
        ("F03", |s| [halves(&s).0, n()].concat()),
        ("F03", |s| [vec![0xff; 32], halves(&s).1].concat()),
        ("F03", |_| vec![0xff; 64]),
        ("F05", |s| s[..63].to_vec()),
        ("F05", |s| s[1..].to_vec()),
        ("F05", |s| [s, vec![0]].concat()),
        ("F05", |s| [vec![0], s].concat()),
        ("F05", |s| [vec![0], halves(&s).0, vec![0], halves(&s).1].concat()),
        ("F05", |s| [halves(&s).0, vec![0], halves(&s).1, vec![0]].concat()),
        ("F05", |s| [s, vec![0; 32]].concat()),
        ("F05", |s| [s, vec![0; 64]].concat()),
        ("F05", |_| Vec::new()),
    ];
    all_refused(&Jwt::t0(), &cases);
    let (good, bad) = resigned(&Jwt::t0(), der);
    Judge::new().twins("F04", &good, &bad, "signature_invalid");
    // A leading zero of r belongs to it: without it the signature is another text. One signature in 256 has it.
    let bytes = |token: &str| URL_SAFE_NO_PAD.decode(token.rsplit('.').next().unwrap()).unwrap();
    let token = (0..20_000).map(|_| Jwt::t0().sign()).find(|token| bytes(token)[0] == 0).unwrap();
    let (input, _) = token.rsplit_once('.').unwrap();
    let short = base64url_encode(&bytes(&token)[1..]);
    Judge::new().twins("F05", &token, &format!("{input}.{short}"), "signature_invalid");
}

#[test]
fn f06_the_other_s_is_as_good() {
    // RFC 7518 asks for no low s: both are accepted, and so nothing here may key on a signature's bytes.
    let (good, twin) = resigned(&Jwt::t0(), |signature| {
        let (r, s) = halves(&signature);
        [r, numbers::subtract(&n(), &s)].concat()
    });
    let judge = Judge::new();
    assert_ne!(good, twin);
    judge.grants("F06", &good);
    judge.grants("F06", &twin);
}

#[test]
fn f07_lengths_of_the_other_curves() {
    let cut: [(&str, Change); 4] = [
        ("F07", |s| s[..s.len() - 1].to_vec()),
        ("F07", |s| s[..s.len() - 2].to_vec()),
        ("F07", |s| [s, vec![0; 2]].concat()),
        ("F07", |s| vec![0; s.len()]),
    ];
    let es512 = Jwt::t0().by("es-5", &ES_5, Algorithm::ES512);
    assert_eq!(URL_SAFE_NO_PAD.decode(es512.sign().rsplit('.').next().unwrap()).unwrap().len(), 132);
    all_refused(&es512, &cut);
    all_refused(&Jwt::t0().by("es-3", &ES_3, Algorithm::ES384), &cut);
}

#[test]
fn f13_f17_ed25519_signatures_out_of_shape() {
    let ed25519 = Jwt::t0().by("ed-1", &ED_1, Algorithm::Ed25519);
    let cases: [(&str, Change); 7] = [
        ("F13", |s| [s[..32].to_vec(), numbers::ed25519_plus_order(&s[32..])].concat()),
        ("F13", |s| [s[..32].to_vec(), vec![0xff; 32]].concat()),
        ("F17", |s| s[..63].to_vec()),
        ("F17", |s| [s, vec![0]].concat()),
        ("F17", |s| [vec![0], s].concat()),
        ("F17", |_| Vec::new()),
        ("F17", |_| vec![0; 64]),
    ];
    all_refused(&ed25519, &cases);
    all_refused(&Jwt::t0().by("ed-1", &ED_1, Algorithm::EdDSA), &cases);
}

/// Every spelling of every point whose order divides 8, the sign bit set and not: 14 encodings of 8 points, of which
/// some are not canonical.
fn small_order_points() -> Vec<[u8; 32]> {
    let ys = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ];
    let points = ys.iter().flat_map(|y| {
        let y: [u8; 32] = numbers::hex(y).try_into().unwrap();
        let mut signed = y;
        signed[31] |= 0x80;
        [y, signed]
    });
    points.collect()
}

fn ed25519_jwk(x: &[u8], kid: &str) -> String {
    format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{}"}}"#, base64url_encode(x))
}

#[test]
fn f14_keys_of_small_order_verify_nothing() {
    let points = small_order_points();
    assert_eq!(points.len(), 14);
    let forged = [points[2].to_vec(), vec![0; 32]].concat();
    assert_eq!(points[2][0], 1, "the identity");
    let token = |kid: &str| {
        let jwt = Jwt::t0().by(kid, &ED_1, Algorithm::Ed25519);
        resigned(&jwt, |_| forged.clone()).1
    };
    // What the check is for: the library beneath accepts the forgery, of any message.
    assert!(UnparsedPublicKey::new(&ED25519, points[2]).verify(b"anything", &forged).is_ok());
    for point in points {
        let name = format!("{point:02x?}");
        assert!(JwkSet::parse(jwk_set_of(&[ed25519_jwk(&point, "weak")]).as_bytes()).is_err(), "{name}");
        let judge = Judge::with_keys(&[ed25519_jwk(&point, "weak"), ED_1.jwk(r#""kid":"ed-1""#)]);
        judge.twins(
            "F14",
            &Jwt::t0().by("ed-1", &ED_1, Algorithm::Ed25519).sign(),
            &token("weak"),
            "signature_invalid",
        );
    }
}

#[test]
fn f16_keys_that_are_not_canonical_points() {
    // y = p + 3 is that of a point which is not of small order, spelled beyond the field; y = 2^255 - 1 is p + 18.
    for x in [
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ] {
        let document = jwk_set_of(&[ed25519_jwk(&numbers::hex(x), "odd")]);
        assert!(JwkSet::parse(document.as_bytes()).is_err(), "{x}");
    }
    let good = URL_SAFE_NO_PAD.decode(ED_1.member("x")).unwrap();
    assert!(JwkSet::parse(jwk_set_of(&[ed25519_jwk(&good, "even")]).as_bytes()).is_ok());
    for wrong in [&good[1..], &[good.as_slice(), &[0]].concat()] {
        assert!(JwkSet::parse(jwk_set_of(&[ed25519_jwk(wrong, "odd")]).as_bytes()).is_err(), "F17");
    }
}

/// y = 2 belongs to no point. The library beneath tells only when it verifies, so the key is kept: it verifies nothing, and
/// costs no other key anything.
#[test]
fn f16_a_key_that_is_no_point_verifies_nothing() {
    let two = numbers::hex("0200000000000000000000000000000000000000000000000000000000000000");
    let judge = Judge::with_keys(&[ed25519_jwk(&two, "odd"), ED_1.jwk(r#""kid":"ed-1""#)]);
    let good = Jwt::t0().by("ed-1", &ED_1, Algorithm::Ed25519);
    judge.twins("F16", &good.sign(), &good.clone().header("kid", r#""odd""#).sign(), "signature_invalid");
    let identity = [[1].as_slice(), &[0; 63]].concat();
    let (_, bad) = resigned(&good.header("kid", r#""odd""#), |_| identity);
    judge.each("F16", &bad, ["signature_invalid"; 3]);
}

/// Who knows the private key can sign with R = identity: S = k * a. Such a signature says nothing of a nonce, and is not
/// one that RFC 8032 would make.
#[test]
fn f15_r_of_small_order_under_a_good_key() {
    let seed = [7; 32];
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let a = pair.public_key().as_ref();
    let header = br#"{"alg":"Ed25519","typ":"at+jwt","kid":"k"}"#;
    let input = format!("{}.{}", base64url_encode(header), base64url_encode(&Jwt::t0().payload_text()));
    let set = JwkSet::parse(jwk_set_of(&[ed25519_jwk(a, "k")]).as_bytes()).unwrap();

    let mut scalar = digest(&SHA512, &seed).as_ref()[..32].to_vec();
    scalar[0] &= 0xf8;
    scalar[31] = scalar[31] & 0x7f | 0x40;
    let mut r = [0; 32];
    r[0] = 1;
    let k = digest(&SHA512, &[&r, a, input.as_bytes()].concat());
    let forged = [r.to_vec(), numbers::ed25519_multiply(k.as_ref(), &scalar)].concat();
    // The library beneath accepts it, so that it is the check of R that refuses it.
    assert!(UnparsedPublicKey::new(&ED25519, a).verify(input.as_bytes(), &forged).is_ok());
    assert_eq!(verify_compact(&format!("{input}.{}", base64url_encode(&forged)), &set), Err("signature"));
    let honest = pair.sign(input.as_bytes());
    assert!(verify_compact(&format!("{input}.{}", base64url_encode(honest.as_ref())), &set).is_ok());
}

#[test]
fn f22_rsa_signatures_out_of_shape() {
    let cases: [(&str, Change); 7] = [
        ("F22", |s| [vec![0], s].concat()),
        ("F22", |s| [s, vec![0]].concat()),
        ("F22", |s| s[..s.len() - 1].to_vec()),
        ("F22", |s| s[1..].to_vec()),
        ("F22", |s| vec![0; s.len()]),
        ("F22", |s| [vec![0; s.len() - 1], vec![1]].concat()),
        ("F22", |_| Vec::new()),
    ];
    for (kid, key, algorithm) in [("rsa-1", &RSA_1, Algorithm::RS256), ("ps-1", &PS_1, Algorithm::PS256)] {
        let jwt = Jwt::t0().by(kid, key, algorithm);
        all_refused(&jwt, &cases);
        let modulus = URL_SAFE_NO_PAD.decode(key.member("n")).unwrap();
        // s + n is the same number modulo n; where it needs a byte more, that byte is written.
        let (good, bad) = resigned(&jwt, |s| numbers::add_wide(&s, &modulus));
        Judge::new().twins("F22", &good, &bad, "signature_invalid");
        let (good, bad) = resigned(&jwt, |_| modulus.clone());
        Judge::new().twins("F22", &good, &bad, "signature_invalid");
    }
}

/// The header's `alg` says one hash, the signature has another; the key would allow both.
#[test]
fn f23_a_signature_for_another_algorithm() {
    let algorithms = [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ];
    let judge = Judge::new();
    for written in algorithms {
        let good = Jwt::t0().by("rsa-2", &RSA_2, written);
        for signed in algorithms.into_iter().filter(|signed| *signed != written) {
            let bad = good.clone().signed_by(&RSA_2, signed);
            judge.twins("F23", &good.sign(), &bad.sign(), "signature_invalid");
        }
    }
}

#[test]
fn f24_a_signature_by_another_key_of_the_set() {
    let judge = Judge::new();
    let good = Jwt::t0().by("rsa-1", &RSA_1, Algorithm::RS256);
    judge.twins(
        "F24",
        &good.sign(),
        &good.clone().signed_by(&RSA_2, Algorithm::RS256).sign(),
        "signature_invalid",
    );
    let other = Jwt::t0().by("rsa-2", &RSA_2, Algorithm::RS256);
    judge.twins(
        "F24",
        &other.sign(),
        &other.clone().signed_by(&RSA_1, Algorithm::RS256).sign(),
        "signature_invalid",
    );
}

#[test]
fn f24_one_bit_of_anything_that_is_signed() {
    let judge = Judge::new();
    let jwt = Jwt::t0();
    let good = jwt.sign();
    let [h, p, s]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    for bit in 0..512 {
        let (good, bad) = resigned(&jwt, |mut signature| {
            signature[bit / 8] ^= 1 << (bit % 8);
            signature
        });
        judge.twins("F24", &good, &bad, "signature_invalid");
    }
    let elevated = base64url_encode(&jwt.claim("scope", r#""admin""#).payload_text());
    judge.twins("F24", &good, &format!("{h}.{elevated}.{s}"), "signature_invalid");
    let other_key = base64url_encode(&Jwt::t0().header("x", "1").header_text());
    judge.twins("F24", &good, &format!("{other_key}.{p}.{s}"), "signature_invalid");
    assert!(ES_1.thumbprint() != ES_3.thumbprint());
}

fn verification_key(key: &SigningKey) -> VerificationKey {
    let text = key.jwk("");
    let jwk = Jwk::parse(&Object::parse(text.as_bytes()).unwrap(), Spelling::Canonical).unwrap();
    VerificationKey::new(&jwk).unwrap()
}

#[test]
fn a_payload_is_parsed_once_whatever_is_read_of_it() {
    let token = Jwt::t0().by("es", &ES_1, Algorithm::ES256).sign();
    let header = JoseHeader::decode(&token).unwrap();
    let jws = CompactJws::parse(&token, &header).unwrap();
    let payload = jws.payload();
    let hinted = payload.hint().issuer().unwrap().as_ptr();
    let key = verification_key(&ES_1);
    let verified = payload.verify(&key, Algorithm::ES256).unwrap().unwrap();
    let claims = verified.claims().unwrap();
    assert!(std::ptr::eq(claims, verified.claims().unwrap()));
    assert_eq!(claims.get("iss").and_then(Value::as_str).unwrap().as_ptr(), hinted);
    let other = verification_key(&ED_1);
    assert!(payload.verify(&other, Algorithm::ES256).is_none(), "no way around the signature");
}
