//! The vectors of C2SP Wycheproof: whole JWSs, JWEs and JWK Sets, and the signature algorithms beneath them.
//!
//! They are not part of this repository. They are read from the folder that `WYCHEPROOF_DIR` names, or from
//! `shared/vectors/wycheproof` beside it; where neither is there, each test says that it is skipped.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::jose::base64url_encode;
use oidc_spa_native::jose::json::Object;
use oidc_spa_native::jose::jwk::{Jwk, Spelling};
use oidc_spa_native::jose::verification_key::VerificationKey;
use oidc_spa_native::keys::jwk_set::JwkSet;
use serde_json::Value;

use crate::issuer::{ES_1, jwk_set_of, verify_compact};
use crate::numbers::hex;

/// The groups of a file, or `None`, said aloud, where it is not.
fn groups(file: &str) -> Option<Vec<Value>> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/wycheproof");
    let folder = std::env::var_os("WYCHEPROOF_DIR").map_or_else(beside, PathBuf::from);
    let Ok(text) = std::fs::read(folder.join(file)) else {
        // In one piece, and past the test harness, which keeps what a passing test prints to itself.
        let note = "of Wycheproof is not here; set WYCHEPROOF_DIR to a folder that has it";
        std::io::stderr().write_all(format!("SKIPPED: {file} {note}\n").as_bytes()).unwrap();
        return None;
    };
    let document: Value = serde_json::from_slice(&text).unwrap();
    Some(document["testGroups"].as_array().unwrap().clone())
}

fn tests(group: &Value) -> impl Iterator<Item = (u64, &str, &Value)> {
    let tests = group["tests"].as_array().unwrap().iter();
    tests.map(|test| (test["tcId"].as_u64().unwrap(), test["result"].as_str().unwrap(), test))
}

/// A token as it would be sent: some are of the JSON serialisation.
fn text(token: &Value) -> String {
    token.as_str().map_or_else(|| token.to_string(), str::to_owned)
}

fn is_base64url(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// Counts by any name.
#[derive(Default)]
struct Count(BTreeMap<String, usize>);

impl Count {
    fn one(&mut self, name: impl Into<String>) {
        *self.0.entry(name.into()).or_default() += 1;
    }

    fn is(&self, expected: &[(&str, usize)]) -> bool {
        let expected = expected.iter().filter(|(_, n)| *n > 0).map(|(name, n)| ((*name).to_owned(), *n));
        self.0 == expected.collect()
    }
}

/// The table of verdicts that are others than Wycheproof's marks. The test of the addon reads it too.
fn departures(file: &str) -> Vec<Value> {
    let table: Value = serde_json::from_str(include_str!("wycheproof/departures.json")).unwrap();
    let all = table["departures"].as_array().unwrap();
    all.iter().filter(|departure| departure["file"] == file).cloned().collect()
}

/// The vectors of JOSE, each with the key set of its group, private keys included.
#[test]
fn d1_every_vector_is_as_it_is_marked_or_as_the_table_says() {
    let files = [
        ("json_web_signature_test.json", 401, 32),
        ("json_web_key_test.json", 26, 2),
        ("json_web_crypto_test.json", 83, 3),
        ("json_web_encryption_test.json", 139, 0),
    ];
    for (file, all, verified) in files {
        let Some(groups) = groups(file) else { return };
        let departures = departures(file);
        let (mut count, mut accepted) = (0, 0);
        for group in &groups {
            let keys = group.get("public").unwrap_or(&group["private"]);
            let document =
                if keys.get("keys").is_some() { keys.to_string() } else { jwk_set_of(&[keys.to_string()]) };
            let set = JwkSet::parse(document.as_bytes());
            for (id, marked, test) in tests(group) {
                let token = text(test.get("jws").or(test.get("jwe")).unwrap());
                let is_good = set.as_ref().is_ok_and(|set| verify_compact(&token, set).is_ok());
                let listed: Vec<&Value> = departures
                    .iter()
                    .filter(|departure| departure["tcIds"].as_array().unwrap().contains(&id.into()))
                    .collect();
                assert!(
                    listed.iter().all(|departure| departure["marked"] == marked) && listed.len() < 2,
                    "{file}: {id}"
                );
                let expected = (marked == "valid") == listed.is_empty();
                assert_eq!(is_good, expected, "{file}: tcId {id}, {marked}, {}: {listed:?}", test["comment"]);
                count += 1;
                accepted += usize::from(is_good);
            }
        }
        assert_eq!((count, accepted), (all, verified), "{file}");
    }
}

#[test]
fn d1_signed_with_a_symmetric_key() {
    let Some(groups) = groups("json_web_signature_test.json") else { return };
    let known = JwkSet::parse(jwk_set_of(&[ES_1.jwk("")]).as_bytes()).unwrap();
    let mut refused = 0;
    for group in groups.iter().filter(|group| group.get("public").is_none()) {
        // Even an issuer that publishes its symmetric key gets no token of it accepted.
        assert!(JwkSet::parse(jwk_set_of(&[group["private"].to_string()]).as_bytes()).is_err());
        for (id, _, test) in tests(group) {
            assert!(verify_compact(&text(&test["jws"]), &known).is_err(), "tcId {id}");
            refused += 1;
        }
    }
    assert_eq!(refused, 401 - 361);
}

/// The vectors for odd base64url are HS256: each is made anew with ES256, the same junk at the same places.
#[test]
fn d1_base64_rebuilt_with_es256() {
    let Some(groups) = groups("json_web_signature_test.json") else { return };
    let set = JwkSet::parse(jwk_set_of(&[ES_1.jwk(r#""kid":"hs256-key""#)]).as_bytes()).unwrap();
    let group = groups.iter().find(|group| group["comment"] == "base64").unwrap();
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for (id, _, test) in tests(group) {
        let parts: Vec<&str> = test["jws"].as_str().unwrap().split('.').collect();
        let header = URL_SAFE_NO_PAD.decode(without_junk(parts[0])).unwrap();
        let header = String::from_utf8(header).unwrap().replace("HS256", "ES256");
        let input = format!("{}.{}", with_junk_of(parts[0], &base64url_encode(header.as_bytes())), parts[1]);
        // Some begin with the first or the last letters of the alphabet, zeros and ones: signatures are made until one does.
        let first = parts[2].chars().next().filter(|c| matches!(c, 'A' | '_'));
        let signature = (0..20_000)
            .map(|_| base64url_encode(&ES_1.sign(Algorithm::ES256, input.as_bytes())))
            .find(|signature| first.is_none_or(|first| signature.starts_with(first)))
            .unwrap();
        match verify_compact(&format!("{input}.{}", with_junk_of(parts[2], &signature)), &set) {
            Ok(_) => accepted.push(id),
            Err(_) => refused += 1,
        }
    }
    // 367 and 370 are marked invalid but are the same text as 357. 372 and 373 are marked valid but hold a `?`.
    assert_eq!(accepted, [357, 358, 359, 367, 370, 376, 377]);
    assert_eq!(refused, 14);
}

fn without_junk(part: &str) -> String {
    part.chars().filter(|c| is_base64url(*c)).collect()
}

fn with_junk_of(part: &str, clean: &str) -> String {
    let mut text: Vec<char> = clean.chars().collect();
    for (at, junk) in part.chars().enumerate().filter(|(_, c)| !is_base64url(*c)) {
        text.insert(at.min(text.len()), junk);
    }
    text.into_iter().collect()
}

#[test]
fn d1_no_jwe_is_accepted() {
    let Some(groups) = groups("json_web_encryption_test.json") else { return };
    let known = JwkSet::parse(jwk_set_of(&[ES_1.jwk("")]).as_bytes()).unwrap();
    let mut refused = 0;
    for (id, _, test) in groups.iter().flat_map(tests) {
        assert!(verify_compact(test["jwe"].as_str().unwrap(), &known).is_err(), "tcId {id}");
        refused += 1;
    }
    for group in &groups {
        let set = JwkSet::parse(jwk_set_of(&[group["private"].to_string()]).as_bytes());
        assert!(set.is_err(), "{}", group["comment"]);
    }
    assert_eq!(refused, 139);
}

/// A set with a good key beside a bad one (tcId 1) loses only the bad one. Any other bad set is refused as a whole.
#[test]
fn d1_keys() {
    let Some(groups) = groups("json_web_key_test.json") else { return };
    let mut unusable = Vec::new();
    for group in &groups {
        let keys = group.get("public").unwrap_or(&group["private"]);
        if JwkSet::parse(keys.to_string().as_bytes()).is_err() {
            unusable.extend(tests(group).map(|(id, ..)| id));
        }
    }
    let all_but_these: Vec<u64> = (1..=26).filter(|id| ![1, 5, 7].contains(id)).collect();
    assert_eq!(unusable, all_but_these);
}

/// One file of raw signatures, and what is to become of those marked valid, acceptable and invalid.
struct Raw {
    file: &'static str,
    algorithm: Algorithm,
    accepted: usize,
    /// Marked acceptable: the one of each PKCS #1 file that leaves out the NULL of its DigestInfo. Refused, as RFC 8017
    /// section 9.2 has it there.
    acceptable: usize,
    refused: usize,
}

const RAW: [Raw; 12] = {
    use Algorithm::{ES256, ES384, ES512, Ed25519, PS256, PS384, PS512, RS256, RS384, RS512};
    const fn raw(file: &'static str, algorithm: Algorithm, counts: [usize; 3]) -> Raw {
        Raw { file, algorithm, accepted: counts[0], acceptable: counts[1], refused: counts[2] }
    }
    [
        raw("ecdsa_secp256r1_sha256_p1363_test.json", ES256, [173, 0, 89]),
        raw("ecdsa_secp384r1_sha384_p1363_test.json", ES384, [193, 0, 87]),
        raw("ecdsa_secp521r1_sha512_p1363_test.json", ES512, [231, 0, 87]),
        raw("ed25519_test.json", Ed25519, [88, 0, 63]),
        // With a public exponent of 3 in three of the valid ones: small, but odd and at least 3, which is what is asked of it.
        raw("rsa_signature_2048_sha256_test.json", RS256, [9, 1, 249]),
        raw("rsa_signature_2048_sha384_test.json", RS384, [7, 1, 250]),
        raw("rsa_signature_2048_sha512_test.json", RS512, [8, 1, 250]),
        raw("rsa_signature_3072_sha256_test.json", RS256, [8, 1, 250]),
        raw("rsa_signature_4096_sha512_test.json", RS512, [7, 1, 251]),
        raw("rsa_pss_2048_sha256_mgf1_32_test.json", PS256, [63, 0, 45]),
        raw("rsa_pss_2048_sha384_mgf1_48_test.json", PS384, [95, 0, 46]),
        raw("rsa_pss_4096_sha512_mgf1_64_test.json", PS512, [132, 0, 47]),
    ]
};

/// Judges every signature of a file, and counts by mark and verdict.
fn judge(file: &str, algorithm: Algorithm, mut each: impl FnMut(u64, bool)) -> Option<Count> {
    let mut count = Count::default();
    for group in &groups(file)? {
        let key = key(group, algorithm);
        for (id, marked, test) in tests(group) {
            let bytes = |name: &str| hex(test[name].as_str().unwrap());
            let good = key.as_ref().is_some_and(|key| key.verify(algorithm, &bytes("msg"), &bytes("sig")));
            each(id, good);
            count.one(format!("{marked}: {}", if good { "accepted" } else { "refused" }));
        }
    }
    Some(count)
}

#[test]
fn d2_raw_signatures() {
    for raw in RAW {
        let Some(count) = judge(raw.file, raw.algorithm, |_, _| {}) else { continue };
        let expected = [
            ("valid: accepted", raw.accepted),
            ("acceptable: refused", raw.acceptable),
            ("invalid: refused", raw.refused),
        ];
        assert!(count.is(&expected), "{}: {:?}, expected {expected:?}", raw.file, count.0);
    }
}

/// Whole files that are valid under other rules than JOSE's.
#[test]
fn d2_signatures_under_other_rules_are_refused() {
    // The curve is not accepted, under no algorithm.
    for algorithm in Algorithm::ALL {
        let Some(count) = judge("ecdsa_secp256k1_sha256_p1363_test.json", algorithm, |_, _| {}) else {
            return;
        };
        assert!(count.is(&[("valid: refused", 167), ("invalid: refused", 85)]), "{algorithm}: {:?}", count.0);
    }
    // A salt of 32 bytes, where PS512 takes 64.
    let Some(count) = judge("rsa_pss_4096_sha512_mgf1_32_test.json", Algorithm::PS512, |_, _| {}) else {
        return;
    };
    assert!(count.is(&[("valid: refused", 132), ("invalid: refused", 45)]), "{:?}", count.0);
    // No salt, where PS256 takes 32 bytes; one of the invalid ones has these 32 bytes and is a good PS256 signature.
    let mut accepted = Vec::new();
    let note = |id: u64, good: bool| accepted.extend(good.then_some(id));
    let Some(count) = judge("rsa_pss_2048_sha256_mgf1_0_test.json", Algorithm::PS256, note) else { return };
    let expected = [("valid: refused", 61), ("invalid: refused", 41), ("invalid: accepted", 1)];
    assert!(count.is(&expected), "{:?}", count.0);
    assert_eq!(accepted, [69]);
}

/// The twin of the two files that are refused as a whole: with the salt that the algorithm takes, the same key verifies.
#[test]
fn d2_the_keys_of_the_refused_pss_files_are_good_keys() {
    let pairs = [
        ("rsa_pss_2048_sha256_mgf1_0_test.json", "rsa_pss_2048_sha256_mgf1_32_test.json", Algorithm::PS256),
        ("rsa_pss_4096_sha512_mgf1_32_test.json", "rsa_pss_4096_sha512_mgf1_64_test.json", Algorithm::PS512),
    ];
    for (refused, accepted, algorithm) in pairs {
        let (Some(refused), Some(accepted)) = (groups(refused), groups(accepted)) else { continue };
        let key = key(&refused[0], algorithm).unwrap();
        assert_eq!(refused[0]["publicKey"], accepted[0]["publicKey"]);
        let (_, _, test) = tests(&accepted[0]).find(|(_, marked, _)| *marked == "valid").unwrap();
        assert!(key.verify(
            algorithm,
            &hex(test["msg"].as_str().unwrap()),
            &hex(test["sig"].as_str().unwrap())
        ));
    }
}

/// The key of a group: its JWK, or a JWK of its numbers.
fn key(group: &Value, algorithm: Algorithm) -> Option<VerificationKey> {
    let public = &group["publicKey"];
    let numbers = |name: &str| hex(public[name].as_str().unwrap());
    let text = match group.get("publicKeyJwk").or(group.get("keyJwk")) {
        Some(jwk) => jwk.to_string(),
        None if public["type"] == "EcPublicKey" => {
            let crv = match public["curve"].as_str().unwrap() {
                "secp256r1" => "P-256",
                "secp384r1" => "P-384",
                "secp521r1" => "P-521",
                other => other,
            };
            let point = numbers("uncompressed");
            let (x, y) = point[1..].split_at(point.len() / 2);
            let (x, y) = (base64url_encode(x), base64url_encode(y));
            format!(r#"{{"kty":"EC","crv":"{crv}","x":"{x}","y":"{y}"}}"#)
        }
        None => {
            let (n, e) =
                (base64url_encode(&numbers("modulus")), base64url_encode(&numbers("publicExponent")));
            format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#)
        }
    };
    let object = Object::parse(text.as_bytes()).unwrap();
    let jwk = Jwk::parse(&object, Spelling::Lenient).ok()?;
    VerificationKey::for_algorithm(&jwk, algorithm).ok()
}
