//! What a developer is told about a refused proof, and that the drop-in says what `oidc-spa/server` says.

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::jose::algorithm::{Algorithm, AlgorithmSet};

use super::{p1, seconds, t1};
use crate::issuer::{Jwt, NOW, Setup, quoted};

fn message(profile: Profile, proof: &Jwt) -> String {
    let verdict = Setup::new(profile).dpop(t1(), &proof.sign());
    assert_ne!(verdict.name(), "granted");
    verdict.message().to_owned()
}

#[test]
fn a_stale_or_early_proof_is_told_with_its_distance_and_what_is_accepted() {
    let stale = p1().claim("iat", &seconds(-100));
    assert_eq!(
        message(Profile::Common, &stale),
        format!(
            "DPoP proof iat too old: it is {}, 100 s before this server's time, {NOW}; up to 40 s are accepted. The client makes \
             a fresh proof for each request; if it does, check both clocks",
            NOW - 100
        )
    );
    assert_eq!(message(Profile::OidcSpa, &stale), "DPoP proof iat too old");
    let early = p1().claim("iat", &seconds(100));
    assert_eq!(
        message(Profile::Rfc9068, &early),
        format!(
            "DPoP proof iat is in the future: it is {}, 100 s ahead of this server's time, {NOW}; up to 3 s are accepted. Check \
             both clocks; `proofLeewaySeconds` and `nonce` allow for clocks that differ",
            NOW + 100
        )
    );
    assert_eq!(message(Profile::OidcSpa, &early), "DPoP proof iat is in the future");
    let in_millis = p1().claim("iat", &format!("{NOW}000"));
    assert!(message(Profile::Common, &in_millis).ends_with("and this looks like milliseconds"));
    for extreme in ["-1e300", "1e300"] {
        let message = message(Profile::Common, &p1().claim("iat", extreme));
        assert!(message.len() < 700, "{message}");
    }
}

#[test]
fn a_proof_for_something_else_is_told_with_what_to_do() {
    for (claim, value, sentence, advice) in [
        (
            "htm",
            "PUT",
            "DPoP proof htm claim does not match request method. htm: PUT, expected htm: ",
            "as `htm`",
        ),
        ("ath", "x", "DPoP proof ath claim does not match access token", "SHA-256"),
    ] {
        let proof = p1().claim(claim, &quoted(value));
        let common = message(Profile::Common, &proof);
        assert!(common.starts_with(sentence) && common.contains(advice), "{common}");
        let drop_in = message(Profile::OidcSpa, &proof);
        assert!(drop_in.starts_with(sentence) && !drop_in.contains(advice), "{drop_in}");
    }
}

#[test]
fn an_algorithm_that_is_not_accepted_is_told_with_the_option() {
    let message = |profile| {
        let setup = Setup::new(profile).policy(|policy| {
            policy.dpop.algorithms = AlgorithmSet::of(&[Algorithm::RS256]).unwrap();
        });
        setup.dpop(t1(), &p1().sign()).message().to_owned()
    };
    assert!(message(Profile::Common).contains("; `proofAlgorithms` says which are accepted"));
    assert_eq!(message(Profile::OidcSpa), "Unsupported or too weak DPoP algorithm ES256");
}
