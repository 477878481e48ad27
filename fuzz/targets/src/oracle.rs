//! What every grant must fulfil, read anew with serde_json and the base64 crate.
//!
//! In: the texts of a granted request, and its time.
//! Out: nothing; a panic if one of them should have kept the request out.
//! Never: code of the library.

use std::fmt::Debug;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

fn json(compact: &str, part: usize) -> Value {
    let text = compact.split('.').nth(part).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(text).expect("granted with lenient base64");
    serde_json::from_slice(&bytes).expect("granted without strict JSON")
}

fn number(claims: &Value, name: &str) -> Option<f64> {
    claims
        .get(name)
        .map(|value| value.as_f64().unwrap_or_else(|| panic!("granted with a {name} of another type")))
}

fn is_or_has(value: &Value, expected: &str) -> bool {
    value == expected || value.as_array().is_some_and(|values| values.iter().any(|value| value == expected))
}

/// The token of a granted request, at this time in seconds.
pub fn check_token(token: &str, now: i64) {
    let (header, claims) = (json(token, 0), json(token, 1));
    let now = now as f64;
    let alg = header["alg"].as_str().unwrap();
    assert!(["RS", "PS", "ES", "Ed"].iter().any(|family| alg.starts_with(family)), "granted with {alg}");
    assert!(header.get("crit").is_none(), "granted with crit");
    assert_eq!(claims["iss"].as_str().map(|iss| iss.trim_end_matches('/')), Some("https://as.example"));
    assert!(is_or_has(&claims["aud"], "https://api.example"), "granted for {}", claims["aud"]);
    assert!(number(&claims, "exp").expect("granted without exp") > now, "granted after its exp");
    assert!(number(&claims, "nbf").is_none_or(|nbf| nbf <= now + 10.0), "granted before its nbf");
}

/// The proof of a granted request.
pub fn check_proof(proof: &str, token: &str, method: &str, now: i64) {
    let (header, claims) = (json(proof, 0), json(proof, 1));
    assert!(header["typ"].as_str().unwrap().to_ascii_lowercase().ends_with("dpop+jwt"));
    assert!(
        header["jwk"].get("d").is_none() && header["jwk"].get("k").is_none(),
        "granted with a private key"
    );
    assert_eq!(claims["htm"].as_str(), Some(method));
    assert_eq!(claims["ath"].as_str(), Some(&*URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))));
    let issued = number(&claims, "iat").expect("granted without iat");
    let apart = issued - now as f64;
    assert!((-41.0..=11.0).contains(&apart), "granted with a proof that is {apart} s from now");
    let jti = claims["jti"].as_str().expect("granted without jti");
    assert!(!jti.is_empty());
}

/// A value of a response's field: one line, of visible characters (RFC 9110 section 5.5).
pub fn check_field(name: &str, value: &str) {
    assert!(value.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{name}: {value:?}");
}

/// A message for developers: on one line, of bounded length, without the signature of what was sent, unless the sender
/// wrote it elsewhere too, in a host for example: a message may show that.
pub fn check_message(message: &str, sent: &str, elsewhere: &str) {
    assert!(!message.chars().any(char::is_control), "{message:?}");
    assert!(message.len() < 4_096, "a message of {} bytes", message.len());
    for compact in sent.split([' ', ',', '\t']) {
        let Some((_, signature)) = compact.rsplit_once('.') else { continue };
        let may_be_shown = signature.len() < 40 || elsewhere.contains(signature);
        assert!(may_be_shown || !message.contains(signature), "a token in a message: {message}");
    }
}

/// Two answers to the same question.
pub fn check_same<T: PartialEq + Debug>(what: &str, one: T, other: T) {
    assert!(one == other, "{what}: {one:?} and {other:?}");
}
