//! What a developer is told about a refused proof, and that the drop-in says what `oidc-spa/server` says.

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::credentials::Field;
use oidc_spa_native::jose::algorithm::{Algorithm, AlgorithmSet};
use oidc_spa_native::question::Request;
use oidc_spa_native::scheme::AcceptedSchemes;

use super::{p1, seconds, t1};
use crate::issuer::{Jwt, NOW, Setup, head, quoted};

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
    assert!(message(Profile::Common).contains("; accepted are RS256, by `proofAlgorithms`"));
    assert_eq!(message(Profile::OidcSpa), "Unsupported or too weak DPoP algorithm ES256");
}

#[test]
fn a_scheme_that_does_not_fit_the_token_is_told_with_what_to_do() {
    let bearer = |profile| Setup::new(profile).bearer(t1()).message().to_owned();
    let sentence = "access token is DPoP bound (cnf.jkt claim present) but used with bearer scheme";
    assert_eq!(bearer(Profile::OidcSpa), sentence);
    let told = bearer(Profile::Common);
    assert!(told.starts_with(sentence) && told.contains("\"Authorization: DPoP\""), "{told}");
    let disabled = Setup::new(Profile::Common).policy(|policy| policy.schemes = AcceptedSchemes::Bearer);
    let told = disabled.bearer(t1()).message().to_owned();
    assert!(told.contains("`dpop: \"disabled\"`") && !told.contains("Authorization"), "{told}");

    let unbound = Jwt::t0().sign();
    let dpop = |setup: Setup| setup.dpop(&unbound, &p1().sign()).message().to_owned();
    assert_eq!(
        dpop(Setup::new(Profile::OidcSpa)),
        "DPoP validation error, missing cnf.jtk claim in the access token payload"
    );
    let told = dpop(Setup::new(Profile::Common));
    assert!(told.contains("missing cnf.jkt claim") && told.contains("\"Authorization: Bearer\""), "{told}");
    let only_dpop = Setup::new(Profile::Common).policy(|policy| policy.schemes = AcceptedSchemes::DPoP);
    let told = dpop(only_dpop);
    assert!(told.contains("missing cnf.jkt claim") && !told.contains("Bearer"), "{told}");
}

#[test]
fn what_is_no_proof_is_told_without_repeating_it() {
    let message = |profile, proof: &str| Setup::new(profile).dpop(t1(), proof).message().to_owned();
    for (proof, found) in [
        ("secret", "expected three parts between dots, got 1"),
        ("s.e.c.r.et", "expected three parts between dots, got 5"),
        ("secret.b.c", "Failed to decode DPoP proof header: the header is not canonical base64url"),
    ] {
        let told = message(Profile::Common, proof);
        assert!(told.contains(found) && told.contains("\"Authorization\""), "{told}");
        assert!(!told.contains("secret"), "{told}");
        assert_eq!(message(Profile::OidcSpa, proof), "Failed to decode DPoP proof header");
    }
}

#[test]
fn a_proof_that_comes_again_is_told_with_what_to_do() {
    for (profile, advice) in
        [(Profile::Common, "; the client makes a new proof, with a new `jti`"), (Profile::OidcSpa, "")]
    {
        let setup = Setup::new(profile);
        let proof = p1().sign();
        assert_eq!(setup.dpop(t1(), &proof).name(), "granted");
        let again = setup.dpop(t1(), &proof);
        assert!(again.message().starts_with(&format!("DPoP proof replayed{advice}")), "{}", again.message());
        assert_eq!(again.message().contains("guard"), profile == Profile::Common);
    }
}

#[test]
fn a_proof_outside_its_own_validity_is_told_with_its_times() {
    for (claim, secs) in [("exp", -5), ("nbf", 5)] {
        let proof = p1().claim(claim, &seconds(secs));
        let sentence =
            format!("DPoP proof signature/structure invalid: \"{claim}\" claim timestamp check failed");
        assert_eq!(message(Profile::OidcSpa, &proof), sentence);
        let told = message(Profile::Common, &proof);
        let times = format!("{sentence}: it is {}, and this server's time is {NOW}, 5 s apart", NOW + secs);
        assert!(told.starts_with(&times), "{told}");
    }
}

#[test]
fn a_missing_proof_is_told_with_where_it_goes() {
    let judge = |profile, dpop| {
        let authorization = format!("DPoP {}", t1());
        let request = Request { authorization: Field::Once(&authorization), dpop, head: Some(head()) };
        Setup::new(profile).judge(&request)
    };
    let sentence = "Scheme DPoP was specified but the DPoP header is missing";
    let told = judge(Profile::Common, Field::Absent);
    assert_eq!(told.name(), "proof_missing");
    assert!(told.message().starts_with(sentence) && told.message().contains("in the field \"DPoP\""));
    assert_eq!(judge(Profile::OidcSpa, Field::Absent).message(), sentence);
    let proof = p1().sign();
    assert_eq!(judge(Profile::Common, Field::Once(&proof)).name(), "granted");
}
