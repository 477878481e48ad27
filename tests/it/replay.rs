//! A proof is accepted once, for as long as it would be accepted at all (requirements L), through the whole corridor.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::credentials::Field;
use oidc_spa_native::dpop::replay::{NotNew, Remembered, ReplayMemory};
use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::resource_server::{Decision, ResourceServer};
use oidc_spa_native::time::UnixTime;

use crate::issuer::{CLIENT, CLIENT_ED, Jwt, NOW, PROFILES, Setup, SigningKey, head, quoted, window};

const REPLAYED: &str = "proof_replayed";

fn setup() -> Setup {
    Setup::new(Profile::Common)
}

/// A setup that remembers so many proofs.
fn remembering(capacity: usize) -> Setup {
    Setup { memory: ReplayMemory::new(capacity, window()).without_shares(), ..setup() }
}

/// A proof for this token with this `jti`, made at a time relative to [`NOW`].
fn proof(token: &str, jti: &str, shift: i64) -> Jwt {
    Jwt::p1(token).claim("jti", &quoted(jti)).claim("iat", &(NOW + shift).to_string())
}

#[test]
fn l01_a_proof_is_accepted_once_in_every_profile() {
    let token = Jwt::t1().sign();
    let proof = Jwt::p1(&token).sign();
    for profile in PROFILES {
        let setup = Setup::new(profile);
        assert_eq!(setup.dpop(&token, &proof).name(), "granted");
        assert_eq!(setup.dpop(&token, &proof).name(), REPLAYED);
        assert_eq!(setup.dpop(&token, &proof).name(), REPLAYED);
        assert_eq!(Setup::new(profile).dpop(&token, &proof).name(), "granted", "a server of its own");
    }
}

#[test]
fn l02_of_a_hundred_copies_at_once_one_is_granted() {
    let token = Jwt::t1().sign();
    let proof = Jwt::p1(&token).sign();
    let setup = setup();
    let server = ResourceServer::new(setup.policy.clone());
    let authorization = format!("DPoP {token}");
    let (barrier, granted, replayed) = (Barrier::new(100), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                barrier.wait();
                let question = Question::of_request(Request {
                    authorization: Field::Once(&authorization),
                    dpop: Field::Once(&proof),
                    head: Some(head()),
                });
                let decision = server.decide(&question, &|_| setup.keys.clone(), setup.now);
                match setup.settle(&server, decision).name() {
                    "granted" => granted.fetch_add(1, Ordering::Relaxed),
                    REPLAYED => replayed.fetch_add(1, Ordering::Relaxed),
                    other => panic!("{other}"),
                };
            });
        }
    });
    assert_eq!((granted.into_inner(), replayed.into_inner()), (1, 99));
}

#[test]
fn l02_twin_a_hundred_different_proofs_at_once_are_all_granted() {
    let token = Jwt::t1().sign();
    let setup = setup();
    std::thread::scope(|scope| {
        for i in 0..100 {
            let (setup, token) = (&setup, &token);
            scope.spawn(move || {
                let proof = proof(token, &format!("jti-{i}"), 0).sign();
                assert_eq!(setup.dpop(token, &proof).name(), "granted");
            });
        }
    });
    assert_eq!(setup.memory.len(), 100);
}

#[test]
fn l06_a_jti_is_of_its_key_whatever_else_the_proof_says() {
    let token = Jwt::t1().sign();
    let other_token = Jwt::t1().claim("jti", r#""token-2""#).sign();
    let again = [
        ("made later", proof(&token, "a", 1), &token),
        ("made earlier", proof(&token, "a", -40), &token),
        ("with another claim", proof(&token, "a", 0).claim("foo", "1"), &token),
        (
            "with the URI spelled otherwise",
            proof(&token, "a", 0).claim("htu", r#""https://API.example/v1/items?x""#),
            &token,
        ),
        ("for another token of the same key", proof(&other_token, "a", 0), &other_token),
        ("with the jti escaped", Jwt::p1(&token).claim("jti", r#""\u0061""#), &token),
    ];
    for (id, again, its_token) in again {
        let setup = setup();
        assert_eq!(setup.dpop(&token, &proof(&token, "a", 0).sign()).name(), "granted");
        assert_eq!(setup.dpop(its_token, &again.sign()).name(), REPLAYED, "{id}");
        assert_eq!(setup.dpop(its_token, &again.claim("jti", r#""b""#).sign()).name(), "granted", "{id}");
    }
}

#[test]
fn l06_a_jti_seen_for_one_uri_is_seen_for_all() {
    let token = Jwt::t1().sign();
    let setup = setup();
    assert_eq!(setup.dpop(&token, &proof(&token, "a", 0).sign()).name(), "granted");
    let authorization = format!("DPoP {token}");
    for (jti, expected) in [("a", REPLAYED), ("b", "granted")] {
        let elsewhere = proof(&token, jti, 0).claim("htu", r#""https://api.example/v2""#).sign();
        let head = oidc_spa_native::request::RequestHead { url: "/v2", ..head() };
        let authorization = Field::Once(authorization.as_str());
        let request = Request { authorization, dpop: Field::Once(&elsewhere), head: Some(head) };
        assert_eq!(setup.judge(&request).name(), expected);
    }
}

#[test]
fn l09_another_signature_under_the_same_proof_is_the_same_proof() {
    let token = Jwt::t1().sign();
    let setup = setup();
    let once = proof(&token, "a", 0);
    let (first, second) = (once.sign(), once.sign());
    assert!(first != second, "ECDSA signs with a random number");
    assert_eq!(setup.dpop(&token, &first).name(), "granted");
    assert_eq!(setup.dpop(&token, &second).name(), REPLAYED);
    assert_eq!(setup.memory.len(), 1);
}

#[test]
fn l12_two_clients_share_no_jti() {
    let setup = setup();
    let clients: [(&'static SigningKey, Algorithm); 2] =
        [(&CLIENT, Algorithm::ES256), (&CLIENT_ED, Algorithm::Ed25519)];
    for jti in ["a", "a:b", "a\nb", "\u{0}", ":a", "a:"] {
        for (key, algorithm) in clients {
            let token = Jwt::t0().bound_to(key).sign();
            let proof = proof(&token, jti, 0).proof_by(key, algorithm).sign();
            assert_eq!(setup.dpop(&token, &proof).name(), "granted", "{jti:?}");
            assert_eq!(setup.dpop(&token, &proof).name(), REPLAYED, "{jti:?}");
        }
    }
    assert_eq!(setup.memory.len(), 12);
}

#[test]
fn l13_a_refused_proof_burns_no_jti() {
    let token = Jwt::t1().sign();
    let good = || proof(&token, "a", 0);
    let setup = setup();
    let refused = [
        ("proof_token_mismatch", good().claim("ath", r#""x""#)),
        ("proof_method_mismatch", good().claim("htm", r#""POST""#)),
        ("proof_uri_mismatch", good().claim("htu", r#""https://evil.example/""#)),
        ("proof_stale", good().claim("iat", &(NOW - 41).to_string())),
        ("proof_not_yet_valid", good().claim("iat", &(NOW + 4).to_string())),
        ("proof_malformed", good().header("typ", r#""JWT""#)),
        ("proof_signature_invalid", good().signed_by(&CLIENT_OTHER, Algorithm::ES256)),
        ("proof_key_mismatch", good().proof_by(&CLIENT_OTHER, Algorithm::ES256)),
    ];
    for (code, proof) in refused {
        assert_eq!(setup.dpop(&token, &proof.sign()).name(), code);
    }
    // Nor does one beside a token that is refused.
    for (code, token) in [
        ("token_expired", Jwt::t1().claim("exp", &NOW.to_string())),
        ("audience_mismatch", Jwt::t1().claim("aud", r#""x""#)),
        ("token_unbound", Jwt::t0()),
    ] {
        let token = token.sign();
        assert_eq!(setup.dpop(&token, &proof(&token, "a", 0).sign()).name(), code);
    }
    assert!(setup.memory.is_empty());
    assert_eq!(setup.dpop(&token, &good().sign()).name(), "granted");
    assert_eq!(setup.dpop(&token, &good().sign()).name(), REPLAYED);
}

static CLIENT_OTHER: std::sync::LazyLock<SigningKey> =
    std::sync::LazyLock::new(|| SigningKey::ec(Algorithm::ES256));

#[test]
fn l16_a_proof_is_refused_up_to_the_last_second_of_its_window() {
    let token = Jwt::t1().sign();
    let proof = proof(&token, "a", 0).sign();
    let mut setup = setup();
    assert_eq!(setup.dpop(&token, &proof).name(), "granted");
    for (shift, expected) in [(0, REPLAYED), (39, REPLAYED), (40, REPLAYED), (41, "proof_stale")] {
        setup = setup.at(NOW + shift);
        assert_eq!(setup.dpop(&token, &proof).name(), expected, "{shift}");
    }
    // The twin: first seen in its last second, it is good, and then remembered.
    let mut fresh = self::setup().at(NOW + 40);
    assert_eq!(fresh.dpop(&token, &proof).name(), "granted");
    assert_eq!(fresh.dpop(&token, &proof).name(), REPLAYED);
    fresh = fresh.at(NOW + 41);
    assert_eq!(fresh.dpop(&token, &proof).name(), "proof_stale");
}

#[test]
fn l17_a_proof_dated_ahead_is_remembered_as_long_as_it_is_accepted() {
    let token = Jwt::t1().sign();
    for (id, iat, last) in
        [("ahead", format!("{}", NOW + 3), 43), ("a fraction ahead", format!("{NOW}.5"), 40)]
    {
        let proof = Jwt::p1(&token).claim("iat", &iat).sign();
        let mut setup = setup();
        assert_eq!(setup.dpop(&token, &proof).name(), "granted", "{id}");
        for shift in [0, 3, 40, 41, 42, 43, 44, 45] {
            setup = setup.at(NOW + shift);
            // What other clients do meanwhile makes the memory forget what it can.
            let other = self::proof(&token, &format!("other-{shift}"), shift).sign();
            assert_eq!(setup.dpop(&token, &other).name(), "granted", "{id} {shift}");
            let expected = if shift <= last { REPLAYED } else { "proof_stale" };
            assert_eq!(setup.dpop(&token, &proof).name(), expected, "{id} {shift}");
        }
    }
}

#[test]
fn l18_a_clock_that_goes_back_makes_no_old_proof_new() {
    let token = Jwt::t1().sign();
    let old = proof(&token, "old", 0).sign();
    let mut setup = setup();
    assert_eq!(setup.dpop(&token, &old).name(), "granted");
    setup = setup.at(NOW + 60);
    assert_eq!(setup.dpop(&token, &proof(&token, "new", 60).sign()).name(), "granted");
    assert_eq!(setup.memory.len(), 1, "the old proof is forgotten");
    setup = setup.at(NOW);
    let verdict = setup.dpop(&token, &old);
    assert_eq!(verdict.name(), "proof_stale", "{}", verdict.message());
    // A proof of now, which cannot have been seen, is good even so.
    assert_eq!(setup.dpop(&token, &proof(&token, "fresh", 3).sign()).name(), "granted");
}

#[test]
fn l19_a_full_memory_refuses_new_proofs_and_forgets_none() {
    let token = Jwt::t1().sign();
    let mut setup = remembering(2);
    let send =
        |setup: &Setup, jti: &str, shift: i64| setup.dpop(&token, &proof(&token, jti, shift).sign()).name();
    assert_eq!(send(&setup, "a", -3), "granted");
    assert_eq!(send(&setup, "b", 1), "granted");
    for jti in ["c", "d", "e"] {
        assert_eq!(send(&setup, jti, 2), "replay_memory_unavailable");
    }
    assert_eq!(send(&setup, "a", -3), REPLAYED);
    assert_eq!(send(&setup, "b", 1), REPLAYED);
    // A bearer token needs no memory.
    assert_eq!(setup.bearer(&Jwt::t0().sign()).name(), "granted");
    // The first of them ends, and there is room for one.
    setup = setup.at(NOW + 41);
    assert_eq!(send(&setup, "c", 41), "granted");
    assert_eq!(send(&setup, "d", 41), "replay_memory_unavailable");
    assert_eq!(send(&setup, "b", 1), REPLAYED);
}

#[test]
fn l26_the_memory_is_asked_once_for_each_accepted_proof_and_for_nothing_else() {
    let setup = setup();
    let server = ResourceServer::new(setup.policy.clone());
    let token = Jwt::t1().sign();
    let unbound = Jwt::t0().sign();
    let asked = |authorization: &str, dpop: Field<'_>, answer: Remembered| {
        let request = Request { authorization: Field::Once(authorization), dpop, head: Some(head()) };
        let count = AtomicUsize::new(0);
        let now = UnixTime::from_secs(NOW);
        let name = match server.decide(&Question::of_request(request), &|_| setup.keys.clone(), now) {
            Decision::Pending(pending) => {
                let settled = server.settle(pending, |_| {
                    count.fetch_add(1, Ordering::Relaxed);
                    answer
                });
                settled.map_or_else(|refusal| refusal.rejection.code().row().name, |_| "granted")
            }
            Decision::Refused(refusal) => refusal.rejection.code().row().name,
            Decision::KeysNeeded { .. } => "keys needed",
        };
        (name, count.into_inner())
    };
    let dpop = format!("DPoP {token}");
    let good = Jwt::p1(&token).sign();
    let bad = Jwt::p1(&token).claim("htm", r#""POST""#).sign();
    // L22, L23: of all answers there are, one grants.
    assert_eq!(asked(&dpop, Field::Once(&good), Ok(())), ("granted", 1));
    assert_eq!(asked(&dpop, Field::Once(&good), Err(NotNew::Seen)), (REPLAYED, 1));
    assert_eq!(asked(&dpop, Field::Once(&good), Err(NotNew::Forgotten)), ("proof_stale", 1));
    assert_eq!(asked(&dpop, Field::Once(&good), Err(NotNew::Full)), ("replay_memory_unavailable", 1));
    assert_eq!(asked(&dpop, Field::Once(&bad), Ok(())), ("proof_method_mismatch", 0));
    let bearer = format!("Bearer {unbound}");
    assert_eq!(asked(&bearer, Field::Once(&good), Err(NotNew::Full)), ("granted", 0));
}
