//! The fixtures of every module here: an issuer with its keys, clients with theirs, tokens and proofs, and a resource
//! server to judge them.

mod judge;
mod jwt;
mod setup;
mod signing_key;

use std::sync::LazyLock;

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::jose::algorithm::Algorithm;

pub use judge::Judge;
pub use jwt::{Jwt, ath, quoted};
pub use setup::{Setup, Verdict, head, verify_compact, window};
pub use signing_key::SigningKey;

pub const NOW: i64 = 1_800_000_000;
pub const ISSUER: &str = "https://as.example";
pub const AUDIENCE: &str = "https://api.example";
pub const HTU: &str = "https://api.example/v1/items";
pub const PROFILES: [Profile; 3] = [Profile::Common, Profile::Rfc9068, Profile::OidcSpa];

macro_rules! keys {
    ($($name:ident: $make:expr;)*) => { $(pub static $name: LazyLock<SigningKey> = LazyLock::new(|| $make);)* };
}

keys! {
    RSA_1: SigningKey::rsa("rsa-1");
    RSA_2: SigningKey::rsa("rsa-2");
    PS_1: SigningKey::rsa("ps-1");
    ES_1: SigningKey::ec(Algorithm::ES256);
    ES_3: SigningKey::ec(Algorithm::ES384);
    ES_5: SigningKey::ec(Algorithm::ES512);
    ED_1: SigningKey::ed25519();
    ML_44: SigningKey::ml_dsa(Algorithm::MlDsa44);
    ML_65: SigningKey::ml_dsa(Algorithm::MlDsa65);
    ML_87: SigningKey::ml_dsa(Algorithm::MlDsa87);
    // Clients' keys, and one that nobody knows.
    CLIENT: SigningKey::ec(Algorithm::ES256);
    CLIENT_RSA: SigningKey::rsa("client-rsa");
    CLIENT_ED: SigningKey::ed25519();
    STRANGER: SigningKey::ec(Algorithm::ES256);
}

/// The issuer's JWK Set document. Each key declares its algorithm, `rsa-2` aside, which is for all of RSA's.
pub fn jwk_set_document() -> String {
    jwk_set_of(&[
        RSA_1.jwk(r#""kid":"rsa-1","use":"sig","alg":"RS256""#),
        RSA_2.jwk(r#""kid":"rsa-2""#),
        PS_1.jwk(r#""kid":"ps-1","alg":"PS256""#),
        ES_1.jwk(r#""kid":"es-1","use":"sig","alg":"ES256""#),
        ES_3.jwk(r#""kid":"es-3","alg":"ES384""#),
        ES_5.jwk(r#""kid":"es-5","alg":"ES512""#),
        ED_1.jwk(r#""kid":"ed-1""#),
    ])
}

pub fn jwk_set_of(keys: &[String]) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

#[test]
fn the_fixtures_are_granted_in_every_profile() {
    for profile in PROFILES {
        let setup = Setup::new(profile);
        assert_eq!(setup.bearer(&Jwt::t0().sign()).name(), "granted", "{profile:?}");
        let t1 = Jwt::t1().sign();
        let verdict = setup.dpop(&t1, &Jwt::p1(&t1).sign());
        assert_eq!(verdict.name(), "granted", "{profile:?}: {}", verdict.message());
        assert_eq!(setup.bearer(&t1).name(), "token_bound", "{profile:?}");
    }
}

/// Each `kid` of the fixtures, its key, and an algorithm that it signs by.
pub static SIGNERS: [(&str, &LazyLock<SigningKey>, Algorithm); 13] = [
    ("rsa-1", &RSA_1, Algorithm::RS256),
    ("rsa-2", &RSA_2, Algorithm::RS256),
    ("rsa-2", &RSA_2, Algorithm::RS384),
    ("rsa-2", &RSA_2, Algorithm::RS512),
    ("rsa-2", &RSA_2, Algorithm::PS256),
    ("rsa-2", &RSA_2, Algorithm::PS384),
    ("rsa-2", &RSA_2, Algorithm::PS512),
    ("ps-1", &PS_1, Algorithm::PS256),
    ("es-1", &ES_1, Algorithm::ES256),
    ("es-3", &ES_3, Algorithm::ES384),
    ("es-5", &ES_5, Algorithm::ES512),
    ("ed-1", &ED_1, Algorithm::EdDSA),
    ("ed-1", &ED_1, Algorithm::Ed25519),
];

#[test]
fn every_key_of_the_fixtures_signs() {
    let setup = Setup::new(Profile::Rfc9068);
    for (kid, key, algorithm) in SIGNERS.iter().copied() {
        let verdict = setup.bearer(&Jwt::t0().by(kid, key, algorithm).sign());
        assert_eq!(verdict.name(), "granted", "{kid} {algorithm}: {}", verdict.message());
    }
}

#[test]
fn clients_of_every_kind_prove_their_keys() {
    let clients: [(&'static SigningKey, Algorithm); 4] = [
        (&CLIENT, Algorithm::ES256),
        (&CLIENT_RSA, Algorithm::RS256),
        (&CLIENT_RSA, Algorithm::PS256),
        (&CLIENT_ED, Algorithm::Ed25519),
    ];
    for (key, algorithm) in clients {
        let token = Jwt::t0().bound_to(key).sign();
        let verdict =
            Setup::new(Profile::Common).dpop(&token, &Jwt::p1(&token).proof_by(key, algorithm).sign());
        assert_eq!(verdict.name(), "granted", "{algorithm}: {}", verdict.message());
    }
}
