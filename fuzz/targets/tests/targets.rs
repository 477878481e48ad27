//! Every target, without a fuzzer: its seeds, its findings, and a number of random inputs near them.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use oidc_spa_native_fuzz_targets::corridor::{good_proof_payload, grants_claims, grants_proof, token_of};
use oidc_spa_native_fuzz_targets::mutation::Mutator;
use oidc_spa_native_fuzz_targets::oracle::{check_message, check_token};
use oidc_spa_native_fuzz_targets::server::{NOW, Received};
use oidc_spa_native_fuzz_targets::{TARGETS, Target, vectors};

/// How many random inputs each target gets, and the number that they begin with.
fn number_of(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn check(target: Target) {
    let mut seeds = (target.seeds)();
    let findings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../findings").join(target.name);
    let findings = fs::read_dir(findings).into_iter().flatten();
    seeds.extend(findings.map(|file| fs::read(file.unwrap().path()).unwrap()));
    assert!(!seeds.is_empty());
    for seed in &seeds {
        attempt(target, seed, "a seed or a finding");
    }
    let (count, seed) = (number_of("FUZZ_INPUTS", 1_000), number_of("FUZZ_SEED", 1));
    let mut mutator = Mutator::new(seeds, seed);
    for i in 0..count {
        attempt(target, &mutator.next_input(), &format!("random input {i} of FUZZ_SEED={seed}"));
    }
}

fn attempt(target: Target, input: &[u8], which: &str) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
        panic!("{}, {which}: {:?}", target.name, String::from_utf8_lossy(input));
    }
}

macro_rules! tests {
    ($($name:ident)*) => {
        $(#[test] fn $name() {
            check(*TARGETS.iter().find(|target| target.name == stringify!($name)).unwrap());
        })*

        #[test]
        fn every_target_has_a_test_and_a_program() {
            let tested = [$(stringify!($name)),*];
            assert_eq!(TARGETS.map(|target| target.name), tested);
            for name in tested {
                let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../fuzz_targets/{name}.rs"));
                assert!(program.exists(), "{}", program.display());
            }
        }
    };
}

tests! {
    authorization dpop_field forwarded target_uri client_certificate json jws jwk_set metadata pem options snapshot corridor
    claims proof
}

/// Where nothing is granted, nothing that must hold for grants is tried.
#[test]
fn seeds_are_granted() {
    let requests = vectors::requests();
    let granted = |bytes: &&Vec<u8>| {
        Received::read(std::str::from_utf8(bytes).unwrap()).is_some_and(|request| request.is_granted())
    };
    assert!(requests.iter().filter(granted).count() > 20);
    assert!(vectors::token_payloads().iter().filter(|payload| grants_claims(payload)).count() > 10);
    assert!(grants_proof(&good_proof_payload()));
}

#[test]
fn the_oracle_finds_a_token_that_must_not_be_granted() {
    let payload = |exp: i64, aud: &str| {
        let claims = format!(r#"{{"iss":"https://as.example","aud":"{aud}","exp":{exp}}}"#);
        token_of(claims.as_bytes())
    };
    check_token(&payload(NOW + 1, "https://api.example"), NOW);
    for bad in [payload(NOW, "https://api.example"), payload(NOW + 1, "https://other.example")] {
        assert!(catch_unwind(|| check_token(&bad, NOW)).is_err());
    }
}

#[test]
fn the_oracle_finds_a_token_in_a_message_unless_a_field_that_may_be_shown_has_it_too() {
    let signature = "s".repeat(43);
    let (proof, message) =
        (format!("header.payload.{signature}"), format!("The Host \"{signature}\" is not a host"));
    assert!(catch_unwind(|| check_message(&message, &proof, "api.example")).is_err());
    check_message(&message, &proof, &format!("api.example\n{signature}"));
    check_message("The Host \"a b\" is not a host", &proof, "a b");
}
