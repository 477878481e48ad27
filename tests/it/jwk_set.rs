//! G, and F08 to F12: which keys of a JWK Set count, and what a bad one costs the others.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use oidc_spa_native::access_token::Profile;
use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::jose::base64url_encode;
use oidc_spa_native::keys::jwk_set::{Candidates, JwkSet, JwkSetError, MAX_CANDIDATES, MAX_KEYS, Sought};

use oidc_spa_native::time::UnixTime;

use crate::issuer::{
    CLIENT, CLIENT_RSA, ED_1, ES_1, ES_3, Judge, Jwt, NOW, RSA_1, RSA_2, Setup, SigningKey, jwk_set_of,
    quoted,
};
use crate::numbers;
use crate::spelling::trailing_bit_twins;

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn rsa_jwk(n: &[u8], e: &[u8]) -> String {
    format!(r#"{{"kty":"RSA","kid":"bad","n":"{}","e":"{}"}}"#, base64url_encode(n), base64url_encode(e))
}

fn ec_jwk(crv: &str, x: &[u8], y: &[u8]) -> String {
    let (x, y) = (base64url_encode(x), base64url_encode(y));
    format!(r#"{{"kty":"EC","crv":"{crv}","kid":"bad","x":"{x}","y":"{y}"}}"#)
}

/// The same bytes, with a bit set behind the last of them.
fn twin(text: &str) -> String {
    trailing_bit_twins(text).swap_remove(0)
}

fn parse(document: &str) -> Result<JwkSet, JwkSetError> {
    JwkSet::parse(document.as_bytes())
}

/// SKIP: alone it makes no set; beside good keys it costs only itself, wherever it stands, and verifies nothing.
#[track_caller]
fn skipped(id: &str, jwk: &str) {
    assert!(
        matches!(parse(&jwk_set_of(&[jwk.to_owned()])), Err(JwkSetError::NoneUsable { .. })),
        "{id}: {jwk}"
    );
    let (es, rsa) = (ES_1.jwk(r#""kid":"es-1""#), RSA_1.jwk(r#""kid":"rsa-1""#));
    for keys in [[jwk.to_owned(), es.clone(), rsa.clone()], [es, rsa, jwk.to_owned()]] {
        let judge = Judge::with_keys(&keys);
        judge.grants(id, &Jwt::t0().sign());
        judge.grants(id, &Jwt::t0().by("rsa-1", &RSA_1, Algorithm::RS256).sign());
        let set = parse(&jwk_set_of(&keys)).unwrap();
        for algorithm in Algorithm::ALL {
            let candidates = set.candidates(&Sought::new(Some("bad"), algorithm), UnixTime::from_secs(NOW));
            assert!(!matches!(candidates, Candidates::Keys { .. }), "{id} {algorithm}: {jwk}");
        }
    }
}

#[track_caller]
fn counts(id: &str, jwk: &str) {
    assert!(parse(&jwk_set_of(&[jwk.to_owned()])).is_ok(), "{id}: {jwk}");
}

/// A key by which a token is signed: `good` makes it verify, `bad` skips it and refuses the token.
#[track_caller]
fn twins(id: &str, key: &'static SigningKey, algorithm: Algorithm, good: &str, bad: &str, code: &str) {
    assert_ne!(good, bad, "{id}");
    let token = Jwt::t0().by("bad", key, algorithm).sign();
    let other = ED_1.jwk(r#""kid":"ed-1""#);
    let jwk = |extra: &str| key.jwk(&format!(r#""kid":"bad"{extra}"#));
    Judge::with_keys(&[other.clone(), jwk(good)]).grants(id, &token);
    Judge::with_keys(&[other, jwk(bad)]).each(id, &token, [code; 3]);
    skipped(id, &jwk(bad));
}

#[test]
fn g01_a_symmetric_key() {
    skipped("G01", r#"{"kty":"oct","kid":"bad","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}"#);
    skipped("G01", r#"{"kty":"RSA","kid":"bad","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}"#);
}

#[test]
fn g02_a_private_key() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] {
        for value in [r#""AQAB""#, r#""""#, "null"] {
            let secret = format!(r#","{member}":{value}"#);
            twins("G02", &RSA_2, Algorithm::RS256, "", &secret, "signature_invalid");
            twins("G02", &ES_3, Algorithm::ES384, "", &secret, "signature_invalid");
        }
    }
}

#[test]
fn g03_to_g08_what_a_key_is_for() {
    let rsa = |id, good, bad, code| twins(id, &RSA_2, Algorithm::RS256, good, bad, code);
    // A key for encryption is no signing key at all: its kid is unknown.
    rsa("G03", r#","use":"sig""#, r#","use":"enc""#, "key_unknown");
    rsa("G06", r#","use":"sig""#, r#","use":"SIG""#, "key_unknown");
    rsa("G06", r#","use":"sig""#, r#","use":["sig"]"#, "key_unknown");
    let verify = r#","key_ops":["verify"]"#;
    rsa("G04", verify, r#","key_ops":["encrypt"]"#, "signature_invalid");
    rsa("G04", verify, r#","key_ops":["sign"]"#, "signature_invalid");
    rsa(
        "G05",
        r#","use":"sig","key_ops":["verify"]"#,
        r#","use":"sig","key_ops":["encrypt"]"#,
        "signature_invalid",
    );
    rsa("G05", r#","use":"sig","key_ops":["verify"]"#, r#","use":"enc","key_ops":["verify"]"#, "key_unknown");
    rsa("G07", verify, r#","key_ops":"verify""#, "signature_invalid");
    rsa("G07", verify, r#","key_ops":["verify","verify"]"#, "signature_invalid");
    rsa("G07", r#","key_ops":["verify","sign"]"#, r#","key_ops":["verify",1]"#, "signature_invalid");
    rsa("G08", r#","alg":"RS256""#, r#","alg":"ES256""#, "signature_invalid");
    rsa("G08", r#","alg":"RS256""#, r#","alg":"RSA-OAEP""#, "signature_invalid");
    rsa("G08", r#","alg":"RS256""#, r#","alg":"HS256""#, "signature_invalid");
    twins("G08", &ES_3, Algorithm::ES384, r#","alg":"ES384""#, r#","alg":"ES256""#, "signature_invalid");
}

#[test]
fn g09_g10_g11_sizes_of_rsa_moduli() {
    let modulus = |bits: usize| {
        let mut n = vec![0xff; bits.div_ceil(8)];
        n[0] = 0xff >> (n.len() * 8 - bits);
        n
    };
    let e = [1, 0, 1];
    for bits in [2048, 2049, 3072, 4096, 8192] {
        counts("G09", &rsa_jwk(&modulus(bits), &e));
    }
    for bits in [512, 1024, 2040, 2047, 8193, 16_384] {
        skipped("G09", &rsa_jwk(&modulus(bits), &e));
    }
    // 256 bytes, of which the first are zero: bits count, not bytes.
    let mut short = vec![0xff; 256];
    short[0] = 0;
    skipped("G10", &rsa_jwk(&short, &e));
    skipped("G11", &rsa_jwk(&[0xff; 4096], &e));
    skipped("G09", &rsa_jwk(&[], &e));
}

#[test]
fn g12_exponents_of_rsa() {
    let n = decode(&RSA_2.member("n"));
    counts("G12", &rsa_jwk(&n, &[3]));
    counts("G12", &rsa_jwk(&n, &[1, 0, 1]));
    for e in [[].as_slice(), &[0], &[1], &[2], &[1, 0, 0], &[0, 1]] {
        skipped("G12", &rsa_jwk(&n, e));
    }
}

#[test]
fn g14_a_modulus_with_leading_zeros() {
    // As some issuers publish it. The same key, so its tokens verify; the same under both its numbers.
    let (n, e) = (decode(&RSA_2.member("n")), decode(&RSA_2.member("e")));
    let token = Jwt::t0().by("bad", &RSA_2, Algorithm::RS256).sign();
    let zero = |number: &[u8]| [[0].as_slice(), number].concat();
    for jwk in [rsa_jwk(&zero(&n), &e), rsa_jwk(&n, &zero(&e)), rsa_jwk(&zero(&zero(&n)), &zero(&e))] {
        Judge::with_keys(&[jwk]).grants("G14", &token);
    }
}

#[test]
fn g15_g16_other_spellings_of_a_number() {
    let n = RSA_2.member("n");
    let (x, y) = (ES_1.member("x"), ES_1.member("y"));
    let padded = |text: &str| STANDARD.encode(decode(text)).replace('+', "-").replace('/', "_");
    let rsa = |n: &str, e: &str| format!(r#"{{"kty":"RSA","kid":"bad","n":"{n}","e":"{e}"}}"#);
    let ec = |x: &str, y: &str| format!(r#"{{"kty":"EC","crv":"P-256","kid":"bad","x":"{x}","y":"{y}"}}"#);
    counts("G15", &rsa(&n, "AQAB"));
    counts("G15", &ec(&x, &y));
    for bad in [
        rsa(&padded(&n), "AQAB"),
        rsa(&format!("{n} "), "AQAB"),
        rsa(&format!("{n}\\n"), "AQAB"),
        rsa(&STANDARD.encode([0xfb; 258]), "AQAB"),
        rsa(&n, "AQAB="),
        ec(&padded(&x), &y),
        ec(&x, &padded(&y)),
        ec(&twin(&x), &y),
        ec(&x, &twin(&y)),
    ] {
        skipped("G15", &bad);
    }
    let members = ES_1.jwk(r#""kid":"bad""#);
    skipped("G16", &members.replace(r#""x":"#, r#""X":"#));
    skipped("G16", &members.replace(&quoted(&y), "7"));
}

#[test]
fn f08_to_f12_points_of_the_curves() {
    let (x, y) = (decode(&ES_1.member("x")), decode(&ES_1.member("y")));
    counts("F08", &ec_jwk("P-256", &x, &y));
    let mut off = y.clone();
    off[31] ^= 1;
    let zero = |number: &[u8]| [[0].as_slice(), number].concat();
    // x = 0 lies on P-256. So it does when it is written as p, which fits in 32 bytes too.
    let y_of_zero = numbers::hex("66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4");
    let p = numbers::hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    counts("F10", &ec_jwk("P-256", &[0; 32], &y_of_zero));
    let cases = [
        ("F08", ec_jwk("P-256", &x, &off)),
        ("F08", ec_jwk("P-256", &y, &x)),
        ("F09", ec_jwk("P-256", &[0; 32], &[0; 32])),
        ("F09", ec_jwk("P-256", &[], &[])),
        ("F10", ec_jwk("P-256", &p, &y_of_zero)),
        ("F10", ec_jwk("P-256", &[0xff; 32], &[0xff; 32])),
        ("F11", ec_jwk("P-256", &x[1..], &y)),
        ("F11", ec_jwk("P-256", &x, &y[..31])),
        ("F11", ec_jwk("P-256", &[0; 31], &y_of_zero)),
        ("F12", ec_jwk("P-256", &zero(&x), &y)),
        ("F12", ec_jwk("P-256", &zero(&x), &zero(&y))),
        ("A20", ec_jwk("P-384", &x, &y)),
        ("A20", ec_jwk("P-521", &x, &y)),
    ];
    for (id, jwk) in cases {
        skipped(id, &jwk);
    }
}

#[test]
fn g13_g21_g29_types_and_curves_that_are_not_known() {
    let (x, y) = (ES_1.member("x"), ES_1.member("y"));
    let ec = |kty: &str, crv: &str| format!(r#"{{"kty":{kty},"crv":{crv},"kid":"bad","x":"{x}","y":"{y}"}}"#);
    counts("G21", &ec(r#""EC""#, r#""P-256""#));
    let pairs = [
        (r#""AKP""#, r#""P-256""#),
        (r#""ec""#, r#""P-256""#),
        (r#""OKP""#, r#""P-256""#),
        (r#""RSA""#, r#""P-256""#),
        (r#""EC""#, r#""BLS""#),
        (r#""EC""#, r#""p-256""#),
        (r#""EC""#, r#""secp256k1""#),
        (r#""EC""#, r#""Ed25519""#),
        (r#""OKP""#, r#""Ed448""#),
        (r#""OKP""#, r#""X25519""#),
        (r#""EC""#, "null"),
        ("null", r#""P-256""#),
        (r#"["EC"]"#, r#""P-256""#),
    ];
    for (kty, crv) in pairs {
        skipped("G21", &ec(kty, crv));
    }
}

#[test]
fn g17_g18_keys_that_share_a_kid() {
    let shared = [RSA_1.jwk(r#""kid":"k""#), ES_1.jwk(r#""kid":"k""#), ED_1.jwk(r#""kid":"k""#)];
    let judge = Judge::with_keys(&shared);
    judge.grants("G17", &Jwt::t0().by("k", &RSA_1, Algorithm::RS256).sign());
    judge.grants("G17", &Jwt::t0().by("k", &ES_1, Algorithm::ES256).sign());
    judge.grants("G17", &Jwt::t0().by("k", &ED_1, Algorithm::Ed25519).sign());
    judge.each("G17", &Jwt::t0().by("k", &RSA_2, Algorithm::RS256).sign(), ["signature_invalid"; 3]);
    // Of one type, each is tried. The drop-in wants one key alone, as oidc-spa does.
    let token = Jwt::t0().by("k", &RSA_2, Algorithm::RS256).sign();
    let judge = Judge::with_keys(&[RSA_1.jwk(r#""kid":"k""#), RSA_2.jwk(r#""kid":"k""#)]);
    judge.each("G18", &token, ["granted", "granted", "signature_invalid"]);
    judge.each(
        "G18",
        &Jwt::t0().by("k", &RSA_1, Algorithm::RS256).sign(),
        ["granted", "granted", "signature_invalid"],
    );
    // Sixteen at most: a kid that everything shares does not multiply the work without end.
    let other = || SigningKey::ec(Algorithm::ES256).jwk(r#""kid":"es-1""#);
    let same: Vec<String> = (0..MAX_CANDIDATES).map(|_| other()).collect();
    let all = [same, vec![ES_1.jwk(r#""kid":"es-1""#)]].concat();
    Judge::with_keys(&all[1..]).each("G18", &Jwt::t0().sign(), ["granted", "granted", "signature_invalid"]);
    Judge::with_keys(&all).each("G18", &Jwt::t0().sign(), ["signature_invalid"; 3]);
}

#[test]
fn g19_keys_without_kid() {
    let judge = Judge::with_keys(&[ES_1.jwk(""), RSA_1.jwk(r#""kid":"""#), ES_3.jwk(r#""kid":7"#)]);
    let nameless = |key, algorithm| Jwt::t0().by("x", key, algorithm).without_header("kid").sign();
    let expected = ["granted", "granted", "key_unknown"];
    judge.each("G19", &nameless(&ES_1, Algorithm::ES256), expected);
    judge.each("G19", &nameless(&RSA_1, Algorithm::PS512), expected);
    judge.each("G19", &nameless(&ES_3, Algorithm::ES384), expected);
    judge.each("G19", &Jwt::t0().sign(), ["key_unknown"; 3]);
    judge.each("G19", &Jwt::t0().header("kid", r#""7""#).sign(), ["key_unknown"; 3]);
}

/// A token's `kid` has up to 1024 bytes: a key with such a name is found by it, and one with a longer name has none.
#[test]
fn g19_names_up_to_the_longest_of_a_token() {
    let named = |name: &str, key: &SigningKey| key.jwk(&format!(r#""kid":"{name}""#));
    let (longest, too_long) = ("k".repeat(1024), "k".repeat(1025));
    let judge = Judge::with_keys(&[named(&longest, &ES_1), named(&too_long, &ES_3), named("", &ED_1)]);
    judge.grants("G19", &Jwt::t0().by(&longest, &ES_1, Algorithm::ES256).sign());
    let nameless = Jwt::t0().by("x", &ES_3, Algorithm::ES384).without_header("kid").sign();
    judge.each("G19", &nameless, ["granted", "granted", "key_unknown"]);
    judge.each("G19", &Jwt::t0().by("", &ED_1, Algorithm::Ed25519).sign(), ["key_unknown"; 3]);
}

#[test]
fn g20_one_broken_key_among_good_ones() {
    let keys = [
        RSA_1.jwk(r#""kid":"rsa-1""#),
        ES_1.jwk(r#""kid":"es-1""#),
        r#"{"kty":"RSA","kid":"bad","n":"!!!","e":"AQAB"}"#.to_owned(),
        ED_1.jwk(r#""kid":"ed-1""#),
        ES_3.jwk(r#""kid":"es-3""#),
    ];
    let judge = Judge::with_keys(&keys);
    judge.grants("G20", &Jwt::t0().by("rsa-1", &RSA_1, Algorithm::RS256).sign());
    judge.grants("G20", &Jwt::t0().by("ed-1", &ED_1, Algorithm::EdDSA).sign());
    judge.grants("G20", &Jwt::t0().by("es-3", &ES_3, Algorithm::ES384).sign());
    let twice = ES_1.jwk(r#""kid":"es-1","kid":"es-2""#);
    let deep = ES_1.jwk(&format!(r#""kid":"es-1","x5c":{}{}"#, "[".repeat(99), "]".repeat(99)));
    let (surrogate, huge) = (r#"{"kty":"EC","kid":"\ud800"}"#, r#"{"kty":"EC","exp":1e999}"#);
    for junk in ["null", "1", r#""x""#, "[]", "{}", &twice, &deep, surrogate, huge] {
        let keys = [junk.to_owned(), ES_1.jwk(r#""kid":"es-1""#)];
        Judge::with_keys(&keys).grants("G20", &Jwt::t0().sign());
    }
}

#[test]
fn g22_to_g25_documents_that_are_no_usable_set() {
    let good = ES_1.jwk(r#""kid":"es-1""#);
    assert!(parse(&jwk_set_of(std::slice::from_ref(&good))).is_ok());
    for (id, document) in [
        ("G22", "{}".to_owned()),
        ("G22", r#"{"keys":null}"#.to_owned()),
        ("G22", r#"{"keys":{}}"#.to_owned()),
        ("G22", format!(r#"{{"keys":{good}}}"#)),
        ("G22", format!(r#"{{"Keys":[{good}]}}"#)),
    ] {
        assert!(matches!(parse(&document), Err(JwkSetError::NoKeys)), "{id}: {document}");
    }
    let set = jwk_set_of(std::slice::from_ref(&good));
    for (id, document) in [
        ("G22", "null".to_owned()),
        ("G22", format!("[{good}]")),
        ("G22", String::new()),
        ("G22", format!("{set}x")),
        ("G22", format!("\u{feff}{set}")),
        ("G22", set[..set.len() - 1].to_owned()),
        ("J17", format!(r#"{{"keys":[],"keys":[{good}]}}"#)),
        ("J17", format!(r#"{{"keys":[{good}],"\u006beys":[{good}]}}"#)),
        ("J17", format!(r#"{{"a":1,"keys":[{good}],"a":2}}"#)),
        ("G22", format!(r#"{{"keys":[{good},]}}"#)),
    ] {
        assert!(matches!(parse(&document), Err(JwkSetError::Json(_))), "{id}: {document}");
    }
    for page in ["<html></html>", "\n <!doctype html>", "<?xml version=\"1.0\"?>"] {
        assert!(matches!(parse(page), Err(JwkSetError::Page)), "G22: {page}");
    }
    assert!(matches!(parse(r#"{"keys":[]}"#), Err(JwkSetError::NoneUsable { .. })), "G23");
    let many = |n: usize| jwk_set_of(&vec![good.clone(); n]);
    assert!(parse(&many(MAX_KEYS)).is_ok());
    assert!(matches!(parse(&many(MAX_KEYS + 1)), Err(JwkSetError::TooMany(101))), "G24");
    assert!(matches!(parse(&many(10_000)), Err(JwkSetError::TooMany(10_000))), "G24");
    let unusable = [
        r#"{"kty":"EC","kty":"EC"}"#.to_owned(),
        r#"{"kty":"oct","k":"AA"}"#.to_owned(),
        RSA_1.jwk(r#""use":"enc""#),
        ES_1.jwk(r#""d":"AA""#),
    ];
    assert!(matches!(parse(&jwk_set_of(&unusable)), Err(JwkSetError::NoneUsable { .. })), "G25");
}

#[test]
fn g28_a_key_that_has_ended_or_is_revoked_verifies_nothing() {
    let ending = |at: i64| ES_1.jwk(&format!(r#""kid":"es-1","exp":{at}"#));
    let token = Jwt::t0().sign();
    Judge::with_keys(&[ending(NOW + 1)]).grants("G28", &token);
    Judge::with_keys(&[ES_1.jwk(r#""kid":"es-1","exp":"2000-01-01","nbf":1,"iat":1"#)]).grants("G28", &token);
    for at in [NOW, NOW - 1, 0, -1] {
        Judge::with_keys(&[ending(at)]).each("G28", &token, ["key_unknown"; 3]);
        // Nor does it stand in the way of another one.
        Judge::with_keys(&[ending(at), ES_1.jwk(r#""kid":"es-1""#)]).grants("G28", &token);
    }
    // That it ends sooner is news: what was remembered with the set before is not.
    let set = |at: i64| parse(&jwk_set_of(&[ending(at)])).unwrap();
    assert!(set(NOW + 60).has_the_keys_of(&set(NOW + 60)) && !set(NOW + 60).has_the_keys_of(&set(NOW + 1)));
    skipped("G28", &ES_3.jwk(r#""kid":"bad","revoked":{"revoked_at":1,"reason":"compromised"}"#));
}

#[test]
fn g26_g27_members_that_say_nothing_here() {
    let jwk = ES_1.jwk(
        r#""x5c":["MIIB"],"x5u":"https://evil.example/","x5t":"AA","ext":true,"kid":"es-1","foo":{"a":[1]}"#,
    );
    let document =
        format!(r#"{{"signed_jwks":"a.b.c","cache":{{"x":1}},"keys":[{jwk}],"iss":"https://as.example"}}"#);
    let setup = Setup::with_jwk_set(Profile::Rfc9068, &document);
    assert_eq!(setup.bearer(&Jwt::t0().sign()).name(), "granted");
}

/// Issuers write a member that they do not use as an empty one. The drop-in takes no such key, and nor does a proof (J13,
/// J14).
#[test]
fn g26_members_that_are_empty() {
    let judge = Judge::with_keys(&[ES_1.jwk(r#""kid":"es-1","use":"","alg":"","key_ops":[]"#)]);
    let token = Jwt::t0().by("es-1", &ES_1, Algorithm::ES256).sign();
    judge.each("G26", &token, ["granted", "granted", "signature_invalid"]);
}

/// Where a thumbprint is taken, a number has one spelling: another one would be another `jkt` for the same key.
#[test]
fn g14_f11_f12_j18_other_spellings_in_a_proof() {
    let (n, e) = (decode(&CLIENT_RSA.member("n")), CLIENT_RSA.member("e"));
    let (x, y) = (decode(&CLIENT.member("x")), decode(&CLIENT.member("y")));
    let zero = |number: &[u8]| base64url_encode(&[[0].as_slice(), number].concat());
    let rsa = |n: &str, e: &str| format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#);
    let ec = |x: &str, y: &str| format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#);
    let (n_text, x_text, y_text) = (base64url_encode(&n), base64url_encode(&x), base64url_encode(&y));
    let rsa_token = Jwt::t0().bound_to(&CLIENT_RSA).sign();
    let ec_token = Jwt::t1().sign();
    let setup = Setup::new(Profile::Common);
    let mut jti = 0;
    let mut judge = |token: &str, key, algorithm, jwk: &str| {
        jti += 1;
        let proof = Jwt::p1(token).proof_by(key, algorithm).claim("jti", &quoted(&jti.to_string()));
        setup.dpop(token, &proof.header("jwk", jwk).sign()).name()
    };
    assert_eq!(judge(&rsa_token, &CLIENT_RSA, Algorithm::RS256, &rsa(&n_text, &e)), "granted");
    assert_eq!(judge(&ec_token, &CLIENT, Algorithm::ES256, &ec(&x_text, &y_text)), "granted");
    for jwk in [rsa(&zero(&n), &e), rsa(&n_text, &zero(&decode(&e))), rsa(&format!("{n_text}="), &e)] {
        assert_eq!(judge(&rsa_token, &CLIENT_RSA, Algorithm::RS256, &jwk), "proof_malformed", "G14");
    }
    for jwk in [
        ec(&zero(&x), &y_text),
        ec(&x_text, &zero(&y)),
        ec(&base64url_encode(&x[1..]), &y_text),
        ec(&twin(&x_text), &y_text),
        ec(&x_text, &twin(&y_text)),
        ec(&format!("{x_text}="), &y_text),
        ec(&format!("{x_text}\\n"), &y_text),
    ] {
        assert_eq!(judge(&ec_token, &CLIENT, Algorithm::ES256, &jwk), "proof_malformed", "J18");
    }
}

#[test]
fn f14_small_order_keys_in_a_proof() {
    // The thumbprint is right, the signature would verify: it is the key itself that is refused.
    for first in [0, 1] {
        let mut x = [0; 32];
        x[0] = first;
        let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, base64url_encode(&x));
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url_encode(&x));
        let token =
            Jwt::t0().claim("cnf", &format!(r#"{{"jkt":"{}"}}"#, crate::issuer::ath(&members))).sign();
        let proof = Jwt::p1(&token).header("alg", r#""Ed25519""#).header("jwk", &jwk).sign();
        let (input, _) = proof.rsplit_once('.').unwrap();
        let mut signature = [0; 64];
        signature[0] = 1;
        let proof = format!("{input}.{}", base64url_encode(&signature));
        assert_eq!(Setup::new(Profile::Common).dpop(&token, &proof).name(), "proof_malformed", "F14");
    }
}

#[test]
fn sets_of_which_none_is_there_are_no_set() {
    assert!(JwkSet::joined(&[None, None]).is_none());
}
