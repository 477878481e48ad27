//! Another library, asked about the same tokens: what is granted here verifies there, and what was tampered with
//! verifies in neither. It knows all of our algorithms but ES512 and Ed25519 by its new name.

use jsonwebtoken::{DecodingKey, Validation, decode};
use oidc_spa_native::jose::algorithm::Algorithm;
use serde_json::Value;

use crate::issuer::{AUDIENCE, ISSUER, Judge, Jwt, RSA_1, RSA_2, SIGNERS, SigningKey};

fn verifies(token: &str, key: &SigningKey, algorithm: Algorithm) -> bool {
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_str(&key.jwk("")).unwrap();
    let mut validation = Validation::new(algorithm.name().parse().unwrap());
    // Time is not what it is asked about: it would read the clock.
    validation.validate_exp = false;
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    decode::<Value>(token, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).is_ok()
}

#[test]
fn a_valid_token_verifies_in_both_and_a_tampered_one_in_neither() {
    let judge = Judge::new();
    let known = |algorithm| !matches!(algorithm, Algorithm::ES512 | Algorithm::Ed25519);
    for (kid, key, algorithm) in SIGNERS.iter().copied().filter(|(.., algorithm)| known(*algorithm)) {
        let key: &'static SigningKey = key;
        let jwt = Jwt::t0().by(kid, key, algorithm);
        let good = jwt.sign();
        judge.grants(kid, &good);
        assert!(verifies(&good, key, algorithm), "{kid} {algorithm}");

        let [header, payload, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
        let other = jwt.clone().claim("sub", r#""admin""#).sign();
        let other: Vec<&str> = other.split('.').collect();
        let stranger: &'static SigningKey = match algorithm.name().as_bytes() {
            [b'R' | b'P', ..] if kid == "rsa-2" => &RSA_1,
            [b'R' | b'P', ..] => &RSA_2,
            _ => key,
        };
        let mut tampered = vec![
            format!("{header}.{}.{signature}", other[1]),
            format!("{header}.{payload}.{}", other[2]),
            format!("{header}.{payload}.{}", "A".repeat(signature.len())),
        ];
        if !std::ptr::eq(stranger, key) {
            tampered.push(jwt.signed_by(stranger, algorithm).sign());
        }
        for bad in tampered {
            judge.twins(kid, &good, &bad, "signature_invalid");
            assert!(!verifies(&bad, key, algorithm), "{kid} {algorithm}");
        }
    }
}
