//! Check 10: nonces of this server, through the whole corridor (requirements M, RFC 9449 sections 8 and 9).

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::challenge::Demand;
use oidc_spa_native::dpop::nonce::{NonceMode, Nonces};
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::presentation::RequestRules;
use oidc_spa_native::rejection::Code;
use oidc_spa_native::resource_server::ResourceServer;
use oidc_spa_native::scheme::Scheme;
use oidc_spa_native::time::{Leeway, UnixTime};

use super::{p1, seconds, t1};
use crate::issuer::{Jwt, NOW, Setup, Verdict, quoted};

const NEEDED: &str = "proof_nonce_required";

fn nonces(mode: NonceMode) -> Nonces {
    Nonces::new(mode, [1; 32], 60)
}

fn setup(mode: NonceMode) -> Setup {
    let setup = Setup::new(Profile::Common).policy(|policy| policy.nonces = Some(nonces(mode)));
    setup.memory.cover(setup.policy.dpop.nonce_window);
    setup
}

fn nonce_at(secs: i64) -> String {
    nonces(NonceMode::Required).current(UnixTime::from_secs(secs))
}

fn with_nonce(nonce: &str) -> Jwt {
    p1().claim("nonce", &quoted(nonce))
}

fn given(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Granted(grant) => grant.dpop_nonce(),
        _ => None,
    }
}

#[test]
fn m01_m02_m04_m05_m06_where_a_nonce_is_required_only_ours_will_do() {
    let name = |proof: &Jwt| setup(NonceMode::Required).dpop(t1(), &proof.sign()).name();
    assert_eq!(name(&with_nonce(&nonce_at(NOW))), "granted");
    assert_eq!(name(&p1()), NEEDED);
    let good = nonce_at(NOW);
    let other_secret = Nonces::new(NonceMode::Required, [2; 32], 60).current(UnixTime::from_secs(NOW));
    for bad in ["", "x", &good[1..], &format!("{good}="), &other_secret, &"n".repeat(5_000)] {
        assert_eq!(name(&with_nonce(bad)), NEEDED, "{bad}");
    }
    for of_another_type in ["null", "1", "true", "[]", "{}"] {
        assert_eq!(name(&p1().claim("nonce", of_another_type)), "proof_malformed", "{of_another_type}");
    }
}

#[test]
fn m03_this_nonce_and_the_one_before() {
    let name = |secs: i64| {
        let proof = with_nonce(&nonce_at(secs)).sign();
        setup(NonceMode::Required).dpop(t1(), &proof).name()
    };
    assert_eq!(
        [name(NOW), name(NOW - 60), name(NOW - 120), name(NOW + 60)],
        ["granted", "granted", NEEDED, NEEDED]
    );
}

#[test]
fn m07_a_nonce_of_a_server_whose_clock_is_ahead_is_good() {
    let begin = NOW - NOW % 60;
    // This server is in the period before. A proof may lie 3 s ahead here, and so may the clock of another server.
    for (behind, code) in [(1, "granted"), (3, "granted"), (4, NEEDED), (30, NEEDED)] {
        let proof = with_nonce(&nonce_at(begin)).claim("iat", &(begin - behind).to_string()).sign();
        let verdict = setup(NonceMode::Required).at(begin - behind).dpop(t1(), &proof);
        assert_eq!(verdict.name(), code, "{behind}");
        // Whoever holds the newer nonce is not given the older one for it.
        assert_eq!(given(&verdict), None, "{behind}");
    }
}

#[test]
fn m10_with_a_nonce_a_clients_clock_may_be_wrong_by_the_nonces_window() {
    for mode in [NonceMode::Required, NonceMode::OnStaleProof] {
        for (shift, code) in [
            (-300, "granted"),
            (-301, "proof_stale"),
            (-86_400, "proof_stale"),
            (300, "granted"),
            (301, "proof_not_yet_valid"),
            (86_400, "proof_not_yet_valid"),
        ] {
            let proof = with_nonce(&nonce_at(NOW)).claim("iat", &seconds(shift)).sign();
            assert_eq!(setup(mode).dpop(t1(), &proof).name(), code, "{mode:?} {shift}");
        }
        let without_time = with_nonce(&nonce_at(NOW)).without("iat").sign();
        assert_eq!(setup(mode).dpop(t1(), &without_time).name(), "proof_malformed");
    }
    let narrow = |shift: i64| {
        let window = ProofWindow::around(Leeway::from_secs(60).unwrap());
        let setup = setup(NonceMode::Required).policy(|policy| policy.dpop.nonce_window = window);
        setup.dpop(t1(), &with_nonce(&nonce_at(NOW)).claim("iat", &seconds(shift)).sign()).name()
    };
    assert_eq!([narrow(-61), narrow(-60), narrow(60)], ["proof_stale", "granted", "granted"]);
}

#[test]
fn m08_on_stale_proof_only_a_proof_that_is_not_fresh_needs_one() {
    let name = |proof: &Jwt| setup(NonceMode::OnStaleProof).dpop(t1(), &proof.sign()).name();
    assert_eq!(name(&p1()), "granted");
    assert_eq!(name(&p1().claim("iat", &seconds(-41))), NEEDED);
    assert_eq!(name(&p1().claim("iat", &seconds(-300))), NEEDED);
    assert_eq!(name(&p1().claim("iat", &seconds(4))), NEEDED);
    // No nonce would help.
    assert_eq!(name(&p1().claim("iat", &seconds(-301))), "proof_stale");
    assert_eq!(name(&p1().claim("iat", &seconds(301))), "proof_not_yet_valid");
    assert_eq!(name(&with_nonce("not ours")), NEEDED);
}

#[test]
fn m12_a_proof_is_new_once_for_as_long_as_its_nonce_is_good() {
    let mut setup = setup(NonceMode::Required);
    // The longest that a proof can be accepted: from the beginning of its nonce's period to the end of the next.
    let begin = NOW - NOW % 60;
    let proof = with_nonce(&nonce_at(begin)).claim("iat", &(begin - 180).to_string()).sign();
    setup = setup.at(begin);
    assert_eq!(setup.dpop(t1(), &proof).name(), "granted");
    setup = setup.at(begin + 119);
    assert_eq!(setup.dpop(t1(), &proof).name(), "proof_replayed");
    setup = setup.at(begin + 120);
    assert_eq!(setup.dpop(t1(), &proof).name(), NEEDED);
}

#[test]
fn m13_a_client_without_the_nonce_of_now_is_given_it() {
    let begin = NOW - NOW % 60;
    let (now, before) = (nonce_at(begin), nonce_at(begin - 60));
    let judged = |mode, proof: &Jwt| setup(mode).at(begin).dpop(t1(), &proof.sign());
    assert_eq!(given(&judged(NonceMode::Required, &with_nonce(&now))), None);
    assert_eq!(given(&judged(NonceMode::Required, &with_nonce(&before))), Some(now.as_str()));
    assert_eq!(given(&judged(NonceMode::OnStaleProof, &p1())), Some(now.as_str()));
    // Bearer tokens have nothing to do with nonces.
    assert_eq!(given(&setup(NonceMode::Required).at(begin).bearer(&Jwt::t0().sign())), None);
}

#[test]
fn m01_m14_every_refusal_of_dpop_carries_a_nonce_and_no_other_does() {
    let server = ResourceServer::new(setup(NonceMode::Required).policy);
    let now = UnixTime::from_secs(NOW);
    let challenge = |code: Code, used| {
        let (rules, demand) = (RequestRules::default(), Demand::default());
        server.refuse(code.because(""), used, rules, &demand, now).challenge
    };
    let nonce = |code, used| challenge(code, used).dpop_nonce;
    let dpop = Some(Scheme::DPoP);
    assert_eq!(nonce(Code::ProofNonceRequired, dpop), Some(nonce_at(NOW)));
    assert_eq!(nonce(Code::ProofUriMismatch, dpop), Some(nonce_at(NOW)));
    assert_eq!(nonce(Code::TokenExpired, Some(Scheme::Bearer)), None);
    assert_eq!(nonce(Code::CredentialsMissing, None), None);
    let text = challenge(Code::ProofNonceRequired, dpop).www_authenticate.unwrap();
    assert!(text.contains("DPoP error=\"use_dpop_nonce\""), "{text}");
}

#[test]
fn m09_without_nonces_one_that_comes_is_not_looked_at() {
    let proof = with_nonce("whatever").sign();
    assert_eq!(Setup::new(Profile::Common).dpop(t1(), &proof).name(), "granted");
}
