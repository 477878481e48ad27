//! The vectors of the repository, as seeds, keys, and the texts that were really signed.
//!
//! In: the files of `vectors/`.
//! Out: seeds of each target; `signed_texts`; the document of the issuer's keys.
//! Never: an input that the vectors do not have, where they have any.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::server::SigningKey;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The steps of every vector, each with the configuration of its vector.
static STEPS: LazyLock<Vec<(Value, Value)>> = LazyLock::new(|| {
    let folders = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let files = folders.filter(|path| path.is_dir()).flat_map(|path| fs::read_dir(path).unwrap());
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let vectors = paths.iter().flat_map(|path| read(path)["vectors"].as_array().unwrap().clone());
    vectors
        .flat_map(|vector| {
            let steps = vector["steps"].as_array().unwrap().clone();
            steps.into_iter().map(move |step| (vector["configuration"].clone(), step))
        })
        .collect()
});

/// The key sets that vectors name.
static KEY_SETS: LazyLock<Value> = LazyLock::new(|| read(&folder().join("key-sets.json")));

/// The document of the issuer's keys.
pub fn issuer_keys() -> String {
    KEY_SETS["default"].to_string()
}

/// A private key of the vectors that is of P-256.
pub fn private_key(name: &str) -> SigningKey {
    SigningKey::of_jwk(&read(&folder().join("keys.json"))["keys"][name])
}

/// The values of a header field, in all vectors.
fn values(name: &str) -> BTreeSet<String> {
    let fields = STEPS.iter().flat_map(|(_, step)| step["request"]["fields"].as_array().unwrap());
    let named = fields.filter(|field| field[0].as_str().unwrap().eq_ignore_ascii_case(name));
    named.map(|field| field[1].as_str().unwrap().to_owned()).collect()
}

fn as_bytes(texts: impl IntoIterator<Item = String>) -> Vec<Vec<u8>> {
    texts.into_iter().map(String::into_bytes).collect()
}

/// The tokens and proofs of all vectors, as sent.
fn compacts() -> BTreeSet<String> {
    let tokens =
        values("authorization").into_iter().filter_map(|value| Some(value.split_once(' ')?.1.to_owned()));
    tokens.chain(values("dpop")).collect()
}

/// What vectors' tokens and proofs sign: header and payload. Nobody without a private key makes another one that passes.
pub fn signed_texts() -> &'static HashSet<String> {
    static TEXTS: LazyLock<HashSet<String>> = LazyLock::new(|| {
        let signed = |compact: String| Some(compact.trim().rsplit_once('.')?.0.to_owned());
        compacts().into_iter().filter_map(signed).collect()
    });
    &TEXTS
}

fn part(compact: &str, index: usize) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(compact.split('.').nth(index)?).ok()
}

/// Values of `Authorization`.
pub fn authorization_fields() -> Vec<Vec<u8>> {
    as_bytes(values("authorization"))
}

/// Values of `DPoP`.
pub fn dpop_fields() -> Vec<Vec<u8>> {
    as_bytes(values("dpop"))
}

/// Values of `Client-Cert`.
pub fn certificate_fields() -> Vec<Vec<u8>> {
    as_bytes(values("client-cert").into_iter().chain([crate::fields::good_certificate_field()]))
}

/// Tokens and proofs.
pub fn compact_texts() -> Vec<Vec<u8>> {
    as_bytes(compacts())
}

/// Headers and payloads of tokens and proofs.
pub fn json_texts() -> Vec<Vec<u8>> {
    let texts: BTreeSet<Vec<u8>> =
        compacts().iter().flat_map(|compact| [part(compact, 0), part(compact, 1)]).flatten().collect();
    texts.into_iter().collect()
}

fn payloads(of: impl IntoIterator<Item = String>) -> Vec<Vec<u8>> {
    let texts: BTreeSet<Vec<u8>> = of.into_iter().filter_map(|compact| part(&compact, 1)).collect();
    texts.into_iter().collect()
}

/// The payloads of access tokens.
pub fn token_payloads() -> Vec<Vec<u8>> {
    payloads(
        values("authorization").into_iter().filter_map(|value| Some(value.split_once(' ')?.1.to_owned())),
    )
}

/// The payloads of proofs.
pub fn proof_payloads() -> Vec<Vec<u8>> {
    let good = String::from_utf8(crate::corridor::good_proof_payload()).unwrap();
    payloads(values("dpop")).into_iter().chain([good.into_bytes()]).collect()
}

/// JWK Sets: the named ones, and those that vectors have for themselves.
pub fn jwk_sets() -> Vec<Vec<u8>> {
    let issuers = STEPS.iter().filter_map(|(configuration, _)| configuration["issuers"].as_array()).flatten();
    let own = issuers.map(|issuer| &issuer["keys"]).chain(STEPS.iter().map(|(_, step)| &step["keys"]));
    let named = KEY_SETS.as_object().unwrap().values();
    let texts: BTreeSet<String> =
        own.filter(|keys| keys.is_object()).chain(named).map(Value::to_string).collect();
    as_bytes(texts)
}

/// Target URIs: the `htu` of proofs, and the request targets of vectors.
pub fn target_uris() -> Vec<Vec<u8>> {
    let claims = proof_payloads();
    let claims = claims.iter().filter_map(|payload| serde_json::from_slice::<Value>(payload).ok());
    let named = claims.filter_map(|claims| claims["htu"].as_str().map(str::to_owned));
    let targets = STEPS
        .iter()
        .map(|(_, step)| format!("https://api.example{}", step["request"]["target"].as_str().unwrap()));
    as_bytes(named.chain(targets).collect::<BTreeSet<_>>())
}

/// Requests, in the form that [`crate::server::Received`] reads.
pub fn requests() -> Vec<Vec<u8>> {
    let texts: BTreeSet<String> = STEPS
        .iter()
        .map(|(configuration, step)| {
            let request = &step["request"];
            let text = |name: &str| request[name].as_str().unwrap().to_owned();
            let which = match configuration {
                _ if configuration["profile"] == "rfc9068" => 1,
                _ if !configuration["trustProxy"].is_null() => 2,
                _ => 0,
            };
            let time = step["time"].as_i64().unwrap();
            let mut lines =
                vec![format!("{which} {time} {} {} {}", text("scheme"), text("method"), text("target"))];
            if let Some(address) = request["remoteAddress"].as_str() {
                lines.push(format!("remote-address: {address}"));
            }
            let fields = request["fields"].as_array().unwrap().iter();
            lines.extend(
                fields.map(|field| format!("{}: {}", field[0].as_str().unwrap(), field[1].as_str().unwrap())),
            );
            lines.join("\n")
        })
        .collect();
    as_bytes(texts)
}

/// Metadata of issuers.
pub fn metadata_documents() -> Vec<Vec<u8>> {
    [
        r#"{"issuer":"https://as.example","jwks_uri":"https://as.example/jwks"}"#,
        r#"{"issuer":"https://as.example/","jwks_uri":"https://keys.example/jwks?a=b#c","grant_types_supported":["a"]}"#,
        r#"{"issuer":"https://other.example","jwks_uri":"https://as.example/jwks"}"#,
        r#"{"issuer":"https://as.example","jwks_uri":"http://127.0.0.1/jwks"}"#,
        r#"{"issuer":"https://as.example"}"#,
        "<!doctype html><html></html>",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// Public keys in PEM.
pub fn pem_texts() -> Vec<Vec<u8>> {
    let key = private_key("es-1").public_pem();
    let one_line = key.replace('\n', "\\n");
    let other_label = key.replace("PUBLIC KEY", "CERTIFICATE");
    as_bytes([key.clone(), format!("{key}{key}"), one_line, other_label, "-----BEGIN PUBLIC KEY-----".into()])
}

/// Texts of options: the configurations of vectors, and one with most of the options.
pub fn options() -> Vec<Vec<u8>> {
    let keys: Value = serde_json::from_str(&issuer_keys()).unwrap();
    let full = serde_json::json!({
        "issuerUri": "https://as.example", "expectedAudience": ["https://api.example"], "keys": { "jwks": keys },
        "algorithms": ["ES256"], "profile": "rfc9068", "leewaySeconds": 5, "dpop": "required", "nonce": "required",
        "nonceSecret": "0123456789abcdef0123456789abcdef", "proofMaxAgeSeconds": 60, "trustProxy": ["10.0.0.0/8"],
        "clientCertificate": "header", "resource": "https://api.example", "limits": { "proofBytes": 4096 },
        "maxTokenAgeSeconds": 600, "keysTimeoutMs": 100, "verifiedTokenMemory": false, "shadow": { "algorithms": ["ES256"] }
    });
    let configurations = STEPS.iter().map(|(configuration, _)| {
        let mut options = serde_json::json!({ "issuerUri": "https://as.example", "expectedAudience": false });
        for (name, value) in
            configuration.as_object().into_iter().flatten().filter(|(name, _)| *name != "issuers")
        {
            options[name] = value.clone();
        }
        options.to_string()
    });
    let texts: BTreeSet<String> = configurations.chain([full.to_string()]).collect();
    as_bytes(texts)
}

/// Texts of other processes with fetched keys. The place is that of the issuer with its own metadata.
pub fn snapshots() -> Vec<Vec<u8>> {
    let set = |jwk_set: &str, fetched: f64| {
        serde_json::json!({
            "issuerUri": "https://as.example", "place": crate::documents::place(), "fetchedAt": fetched,
            "freshUntil": fetched + 60_000.0, "jwkSet": jwk_set,
        })
    };
    let text =
        |version: u32, sets: Vec<Value>| serde_json::json!({ "version": version, "sets": sets }).to_string();
    let now = crate::documents::now_millis();
    as_bytes([
        text(1, vec![set(&issuer_keys(), now - 1_000.0)]),
        text(1, vec![set("{}", 1_700_000_000_000.0)]),
        text(1, vec![]),
        text(2, vec![]),
    ])
}
