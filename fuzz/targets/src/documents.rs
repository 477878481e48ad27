//! The readers of documents: JSON, JWS, JWK Sets, metadata, PEM, options, snapshots.
//!
//! In: bytes of one document.
//! Out: a panic if it is read where it is no such document for other libraries, or otherwise than they read it.
//! Never: a file, an environment variable, a fetch.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oidc_spa_native::jose::json::{self as strict, Value as Strict};
use oidc_spa_native::jose::jws::{CompactJws, JoseHeader};
use oidc_spa_native::keys::issuer::Issuer;
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::keys::metadata::Metadata;
use oidc_spa_native_host::{Internals, Validator};
use serde_json::Value;

use crate::oracle::check_same;
use crate::server::as_field;

/// JSON: what is read strictly reads in the same way for serde_json.
pub fn json(bytes: &[u8]) {
    let Ok(value) = strict::parse(bytes) else { return };
    let other: Value = serde_json::from_slice(bytes).expect("read, but no JSON for serde_json");
    assert!(is_same(&value, &other), "{value:?} and {other}");
}

fn is_same(strict: &Strict<'_>, other: &Value) -> bool {
    match (strict, other) {
        (Strict::Null, Value::Null) => true,
        (Strict::Bool(one), Value::Bool(two)) => one == two,
        (Strict::Number(_), Value::Number(two)) => {
            let (one, two) = (strict.as_number().unwrap_or(f64::NAN), two.as_f64().unwrap_or(f64::NAN));
            one == two || ((one - two) / two).abs() < 1e-12
        }
        (Strict::String(_), Value::String(two)) => strict.as_str() == Some(two),
        (Strict::Array(one), Value::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| is_same(one, two))
        }
        // serde_json keeps one member of a name: a duplicate would make the counts differ.
        (Strict::Object(one), Value::Object(two)) => {
            one.members().count() == two.len()
                && one.members().all(|(name, one)| two.get(name).is_some_and(|two| is_same(one, two)))
        }
        _ => false,
    }
}

/// A compact JWS: three parts of base64url in its one spelling, and a header that is a JSON object.
pub fn jws(bytes: &[u8]) {
    let text = as_field(bytes);
    let Ok(header) = JoseHeader::decode(&text) else { return };
    let parts: Vec<&str> = text.split('.').collect();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("read, but no base64url");
    let object: Value = serde_json::from_slice(&decode(parts[0])).expect("read, but no JSON");
    check_same("alg", header.alg.value().map(String::as_str), object["alg"].as_str());
    let Ok(jws) = CompactJws::parse(&text, &header) else { return };
    assert_eq!(parts.len(), 3);
    decode(parts[2]);
    assert!(!["crit", "b64", "zip", "enc"].iter().any(|name| object.get(name).is_some()));
    let _ = jws.payload().hint();
}

/// A JWK Set: each of its keys is usable, skipped, or not for signatures, and none is symmetric or private.
pub fn jwk_set(bytes: &[u8]) {
    let Ok(set) = JwkSet::parse(bytes) else { return };
    let usable: Vec<_> = set.usable().collect();
    assert!(!usable.is_empty());
    // A key that is no strict JSON costs only itself, so serde_json may refuse a document that is read here.
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else { return };
    let keys = document["keys"].as_array().expect("read, but no list of keys");
    assert!(usable.len() + set.skipped().count() <= keys.len());
    let asymmetric =
        keys.iter().filter(|key| matches!(key["kty"].as_str(), Some("RSA" | "EC" | "OKP" | "AKP")));
    assert!(usable.len() <= asymmetric.count(), "more keys are used than there are asymmetric ones");
    for (_, mut algorithms) in usable {
        assert!(algorithms.next().is_some(), "a usable key without an algorithm");
    }
}

/// The metadata of an issuer: of this issuer, and with a URL of https.
pub fn metadata(bytes: &[u8]) {
    let issuer = Issuer::parse("https://as.example").unwrap();
    let Ok(metadata) = Metadata::parse(bytes, &issuer) else { return };
    let document: Value = serde_json::from_slice(bytes).expect("read, but no JSON for serde_json");
    assert_eq!(
        document["issuer"].as_str().map(|name| name.strip_suffix('/').unwrap_or(name)),
        Some(issuer.as_str())
    );
    assert!(metadata.jwks_uri.starts_with("https://"), "{}", metadata.jwks_uri);
    assert!(!metadata.jwks_uri.chars().any(|c| c.is_control() || c == ' '), "{}", metadata.jwks_uri);
}

/// Makes a validator, with a clock and a memory of its own.
fn validator(options: &Value) -> Result<Validator, String> {
    let internals = Internals { own_clock: true, ..Internals::default() };
    Validator::new(&options.to_string(), internals, None).map_err(|error| error.to_string())
}

/// Public keys in PEM, as an option.
pub fn pem(bytes: &[u8]) {
    let text = as_field(bytes);
    let options = serde_json::json!({
        "issuerUri": "https://as.example", "expectedAudience": "https://api.example", "keys": { "pem": text },
    });
    match validator(&options) {
        Ok(_) => assert!(text.contains("-----BEGIN PUBLIC KEY-----"), "{text}"),
        Err(message) => check_option_message(&message),
    }
}

/// A text of options.
pub fn options(bytes: &[u8]) {
    let text = as_field(bytes);
    // What these name would be read from the machine.
    if ["file", "env", "\\u"].iter().any(|word| text.contains(word)) {
        return;
    }
    for drop_in in [false, true] {
        let internals = Internals { drop_in, own_clock: true, ..Internals::default() };
        match Validator::new(&text, internals, None) {
            Ok(validator) => {
                let settings: Value =
                    serde_json::from_str(&validator.settings()).expect("settings are no JSON");
                assert!(settings.is_object());
            }
            Err(error) => check_option_message(&error.to_string()),
        }
    }
}

fn check_option_message(message: &str) {
    assert!(!message.is_empty() && message.len() < 8_192, "a message of {} bytes", message.len());
    assert!(!message.chars().any(char::is_control), "{message:?}");
}

/// The present time, in milliseconds.
pub fn now_millis() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as f64
}

/// The name of the key set of `https://as.example` in a snapshot.
pub fn place() -> String {
    let named = serde_json::json!(["https://as.example", null]).to_string();
    digest(&SHA256, named.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text of keys of another process. Whatever it is, the validator is made, and it uses only keys of its issuer.
pub fn snapshot(bytes: &[u8]) {
    let text = as_field(bytes);
    let options = serde_json::json!({
        "issuerUri": "https://as.example", "expectedAudience": "https://api.example", "keysSnapshot": text,
    });
    let validator = validator(&options).expect("a snapshot is no reason to start without a validator");
    let settings: Value = serde_json::from_str(&validator.settings()).expect("settings are no JSON");
    for warning in settings["warnings"].as_array().into_iter().flatten() {
        check_option_message(warning.as_str().unwrap_or_default());
    }
    validator.retire();
}
