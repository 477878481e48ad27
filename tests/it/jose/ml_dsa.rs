//! ML-DSA (FIPS 204) as JOSE is about to have it: `AKP` keys, accepted where a policy names the algorithm.

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::jose::algorithm::{Algorithm, AlgorithmSet};
use oidc_spa_native::jose::json::Object;
use oidc_spa_native::jose::jwk::{Jwk, JwkError, Spelling};
use oidc_spa_native::jose::verification_key::VerificationKey;

use crate::issuer::{Jwt, ML_44, ML_65, ML_87, PROFILES, Setup, SigningKey, jwk_set_of, quoted};

fn keys() -> [(&'static SigningKey, Algorithm); 3] {
    [(&ML_44, Algorithm::MlDsa44), (&ML_65, Algorithm::MlDsa65), (&ML_87, Algorithm::MlDsa87)]
}

fn setup(profile: Profile, algorithms: AlgorithmSet) -> Setup {
    let jwks = keys().map(|(key, algorithm)| key.jwk(&format!(r#""kid":"{algorithm}","use":"sig""#)));
    Setup::with_jwk_set(profile, &jwk_set_of(&jwks))
        .policy(|policy| policy.issuers[0].algorithms = algorithms)
}

#[test]
fn a_token_is_accepted_where_its_algorithm_is_named() {
    for profile in PROFILES {
        for (key, algorithm) in keys() {
            let token = Jwt::t0().by(algorithm.name(), key, algorithm);
            let named = setup(profile, AlgorithmSet::of(&[algorithm]).unwrap());
            assert_eq!(named.bearer(&token.sign()).name(), "granted", "{profile:?} {algorithm}");
            // By default it is not, nor where another is named.
            assert_eq!(
                setup(profile, AlgorithmSet::all()).bearer(&token.sign()).name(),
                "algorithm_not_allowed"
            );
            let another =
                keys().map(|(_, algorithm)| algorithm).into_iter().find(|other| *other != algorithm);
            let another = setup(profile, AlgorithmSet::of(&[another.unwrap()]).unwrap());
            assert_eq!(another.bearer(&token.sign()).name(), "algorithm_not_allowed");
            // Another payload, another signature of the right length, a signature of another length.
            let text = token.sign();
            let (input, signature) = text.rsplit_once('.').unwrap();
            let (header, _) = input.split_once('.').unwrap();
            let other = token.clone().claim("sub", &quoted("evil")).sign();
            let (other_input, _) = other.rsplit_once('.').unwrap();
            assert_eq!(named.bearer(&format!("{other_input}.{signature}")).name(), "signature_invalid");
            assert_eq!(named.bearer(&format!("{input}.AAAA")).name(), "signature_invalid");
            assert_eq!(
                named.bearer(&format!("{header}.{}.", &input[header.len() + 1..])).name(),
                "signature_invalid"
            );
        }
    }
}

#[test]
fn the_drop_in_says_what_it_says_of_any_algorithm_that_it_does_not_have() {
    let token = Jwt::t0().by("ML-DSA-44", &ML_44, Algorithm::MlDsa44).sign();
    let message = |profile| setup(profile, AlgorithmSet::all()).bearer(&token).message().to_owned();
    assert_eq!(message(Profile::OidcSpa), "Unsupported or too weak algorithm ML-DSA-44");
    assert!(
        message(Profile::Common)
            .contains("it is not among the `algorithms` of this issuer, which are RS256, ")
    );
}

#[test]
fn a_key_is_for_the_one_algorithm_that_it_names() {
    let read = |text: &str| Jwk::parse(&Object::parse(text.as_bytes()).unwrap(), Spelling::Canonical);
    for (key, algorithm) in keys() {
        let jwk = read(&key.jwk("")).unwrap();
        assert_eq!(jwk.algorithms().collect::<Vec<_>>(), [algorithm]);
        assert!(VerificationKey::new(&jwk).unwrap().allows(algorithm));
        let public = key.member("pub");
        let of = |members: &str| read(&format!(r#"{{"kty":"AKP",{members}}}"#)).err();
        let secret = read(&key.jwk(r#""priv":"AA""#)).err();
        assert_eq!(secret, Some(JwkError::Secret("priv")));
        assert!(matches!(of(&format!(r#""pub":"{public}""#)), Some(JwkError::Member("alg", _))));
        assert_eq!(of(&format!(r#""alg":"ES256","pub":"{public}""#)), Some(JwkError::Algorithm));
        assert_eq!(of(&format!(r#""alg":"ML-DSA-45","pub":"{public}""#)), Some(JwkError::Algorithm));
        assert!(matches!(of(&format!(r#""alg":"{algorithm}""#)), Some(JwkError::Member("pub", _))));
        assert!(matches!(
            of(&format!(r#""alg":"{algorithm}","pub":"{}""#, &public[4..])),
            Some(JwkError::Member("pub", _))
        ));
        for (_, other) in keys().into_iter().filter(|(_, other)| *other != algorithm) {
            assert!(matches!(
                of(&format!(r#""alg":"{other}","pub":"{public}""#)),
                Some(JwkError::Member("pub", _))
            ));
        }
    }
}

#[test]
fn a_client_may_prove_such_a_key_where_it_is_named() {
    for (key, algorithm) in keys() {
        let token = Jwt::t0().bound_to(key).sign();
        let proof = Jwt::p1(&token).proof_by(key, algorithm).sign();
        let named = Setup::new(Profile::Common).policy(|policy| {
            policy.dpop.algorithms = AlgorithmSet::of(&[algorithm]).unwrap();
            policy.dpop.max_bytes = 16 * 1024;
        });
        let verdict = named.dpop(&token, &proof);
        assert_eq!(verdict.name(), "granted", "{algorithm}: {}", verdict.message());
        let usual = Setup::new(Profile::Common).policy(|policy| policy.dpop.max_bytes = 16 * 1024);
        assert_eq!(usual.dpop(&token, &proof).name(), "proof_algorithm_not_allowed", "{algorithm}");
    }
}
