//! What is recalled spares no check: the corridor with a memory says what it says without one (requirements Q02, Q05).

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::credentials::Field;
use oidc_spa_native::dpop::nonce::{NonceMode, Nonces};
use oidc_spa_native::dpop::proof_key::ProofKey;
use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::memory::{BoundToken, IssuerIndex, Memory};
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::resource_server::ResourceServer;

use crate::issuer::{CLIENT_ED, Jwt, NOW, STRANGER, Setup, Verdict, head, quoted};

/// A memory that forgets nothing, and notes what it told.
struct Remembering {
    setup: Setup,
    tokens: RefCell<HashMap<String, BoundToken>>,
    proof_keys: RefCell<HashMap<String, Arc<ProofKey>>>,
    asked_for_keys: Cell<u32>,
    given_keys: Cell<u32>,
}

impl Memory for Remembering {
    fn keys(&self, _: IssuerIndex) -> Option<Arc<JwkSet>> {
        self.asked_for_keys.set(self.asked_for_keys.get() + 1);
        self.setup.keys.clone()
    }

    fn verified_token(&self, text: &str) -> Option<BoundToken> {
        self.tokens.borrow().get(text).cloned()
    }

    fn proof_key(&self, header: &str) -> Option<Arc<ProofKey>> {
        let known = self.proof_keys.borrow().get(header).cloned();
        self.given_keys.set(self.given_keys.get() + u32::from(known.is_some()));
        known
    }
}

impl Remembering {
    fn new(setup: Setup) -> Self {
        let (tokens, proof_keys) = (RefCell::default(), RefCell::default());
        Self { setup, tokens, proof_keys, asked_for_keys: Cell::new(0), given_keys: Cell::new(0) }
    }

    fn judge(&self, authorization: &str, dpop: Field<'_>) -> Verdict {
        let request = Request { authorization: Field::Once(authorization), dpop, head: Some(head()) };
        let server = ResourceServer::new(self.setup.policy.clone());
        let verdict =
            self.setup.settle(&server, server.decide(&Question::of_request(request), self, self.setup.now));
        if let Verdict::Granted(grant) = &verdict {
            let learned = grant.learned().token.clone();
            let learned = learned.map(|(text, token)| (text.as_str().to_owned(), token));
            self.tokens.borrow_mut().extend(learned);
            self.proof_keys.borrow_mut().extend(grant.learned().proof_key.clone());
        }
        verdict
    }

    fn dpop(&self, token: &str, proof: &str) -> Verdict {
        self.judge(&format!("DPoP {token}"), Field::Once(proof))
    }

    /// How often keys were asked for to verify a token, and how often a proof's key was told, during this.
    fn during(&self, act: impl FnOnce()) -> (u32, u32) {
        let before = (self.asked_for_keys.get(), self.given_keys.get());
        act();
        (self.asked_for_keys.get() - before.0, self.given_keys.get() - before.1)
    }
}

fn t1() -> &'static str {
    static TOKEN: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| Jwt::t1().sign());
    &TOKEN
}

fn proof(jti: &str) -> Jwt {
    Jwt::p1(t1()).claim("jti", &quoted(jti))
}

/// A memory that has learned T1 and its client's key.
fn warm() -> Remembering {
    warmed(Setup::new(Profile::Common))
}

fn warmed(setup: Setup) -> Remembering {
    let memory = Remembering::new(setup);
    assert_eq!(memory.dpop(t1(), &proof("warm").sign()).name(), "granted");
    assert_eq!((memory.tokens.borrow().len(), memory.proof_keys.borrow().len()), (1, 1));
    memory
}

#[test]
fn a_token_and_a_key_are_learned_once_and_then_recalled() {
    let memory = warm();
    let spared = memory.during(|| {
        let Verdict::Granted(grant) = memory.dpop(t1(), &proof("again").sign()) else { panic!("refused") };
        assert!(grant.learned().token.is_none() && grant.learned().proof_key.is_none());
        assert!(grant.claims().contains(r#""sub":"user-1""#) && grant.token().len() == t1().len());
        assert_eq!(grant.repeatable(), None, "a bound token must prove something each time");
    });
    assert_eq!(spared, (0, 1));
    // A bearer token is none of this memory's: it stands by itself under its credentials.
    let Verdict::Granted(grant) = memory.judge(&format!("Bearer {}", Jwt::t0().sign()), Field::Absent) else {
        panic!("refused")
    };
    assert!(grant.learned().token.is_none() && grant.repeatable().is_some());
}

#[test]
fn q05_a_recalled_token_is_confirmed_as_ever() {
    let other = Jwt::t1().claim("jti", r#""token-2""#).sign();
    let good = proof("p").sign();
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("a JWS") };
    let with_header = |name: &str, value: &str| proof("p").header(name, value).sign();
    for (bad, code) in [
        (proof("warm").sign(), "proof_replayed"),
        (proof("p").claim("htm", r#""POST""#).sign(), "proof_method_mismatch"),
        (proof("p").claim("htu", r#""https://api.example/v1/other""#).sign(), "proof_uri_mismatch"),
        (Jwt::p1(&other).sign(), "proof_token_mismatch"),
        (proof("p").claim("iat", &(NOW - 41).to_string()).sign(), "proof_stale"),
        (proof("p").claim("iat", &(NOW + 4).to_string()).sign(), "proof_not_yet_valid"),
        (proof("p").without("jti").sign(), "proof_malformed"),
        (proof("p").signed_by(&STRANGER, Algorithm::ES256).sign(), "proof_signature_invalid"),
        (proof("p").proof_by(&STRANGER, Algorithm::ES256).sign(), "proof_key_mismatch"),
        (proof("p").proof_by(&CLIENT_ED, Algorithm::EdDSA).sign(), "proof_key_mismatch"),
        (with_header("alg", r#""ES384""#), "proof_malformed"),
        (with_header("alg", r#""none""#), "proof_algorithm_not_allowed"),
        (with_header("typ", r#""JWT""#), "proof_malformed"),
        (with_header("crit", r#"["exp"]"#), "proof_malformed"),
        (with_header("jwk", &crate::issuer::CLIENT.jwk(r#""d":"AQAB""#)), "proof_malformed"),
        // What is remembered of this header is no word about the rest.
        (header.to_owned(), "proof_malformed"),
        (format!("{header}."), "proof_malformed"),
        (format!("{header}.{payload}"), "proof_malformed"),
        (format!("{header}.{payload}.{signature}.{signature}"), "proof_malformed"),
        (format!("{header}.{payload}.{signature}."), "proof_malformed"),
        (format!("{header}.{payload}."), "proof_signature_invalid"),
        (format!("{header}..{signature}"), "proof_signature_invalid"),
        (format!("{header}.{payload}.{signature}="), "proof_malformed"),
        (format!(" {good}"), "proof_malformed"),
        (format!("{good}, {good}"), "proof_repeated"),
        (format!("{good}{}", "A".repeat(8 * 1024)), "proof_malformed"),
    ] {
        let memory = warm();
        assert_eq!(memory.dpop(t1(), &bad).name(), code, "{bad:.300}");
        if code != "proof_replayed" {
            let cold = Setup::new(Profile::Common).dpop(t1(), &bad);
            assert_eq!(memory.dpop(t1(), &bad).message(), cold.message());
        }
        assert_eq!(memory.dpop(t1(), &good).name(), "granted");
    }
    let memory = warm();
    assert_eq!(memory.judge(&format!("DPoP {}", t1()), Field::Absent).name(), "proof_missing");
    assert_eq!(memory.judge(&format!("DPoP {}", t1()), Field::Repeated).name(), "proof_repeated");
    assert_eq!(memory.judge(&format!("Bearer {}", t1()), Field::Once(&good)).name(), "token_bound");
}

#[test]
fn q05_a_key_that_is_known_opens_only_the_tokens_that_are_bound_to_it() {
    let memory = warm();
    let theirs = Jwt::t1().bound_to(&STRANGER).sign();
    let stolen = Jwt::p1(&theirs).claim("jti", r#""stolen""#).sign();
    let spared = memory.during(|| {
        assert_eq!(memory.dpop(&theirs, &stolen).name(), "proof_key_mismatch");
    });
    assert_eq!(spared.1, 1, "the key was known");
    let own = Jwt::p1(&theirs).proof_by(&STRANGER, Algorithm::ES256).sign();
    assert_eq!(memory.dpop(&theirs, &own).name(), "granted");
}

#[test]
fn q02_q06_outside_its_validity_a_token_is_verified_afresh_and_refused_as_ever() {
    let bound = Jwt::t1().claim("nbf", &(NOW - 5).to_string()).sign();
    let at = |shift: i64| {
        Jwt::p1(&bound).claim("iat", &(NOW + shift).to_string()).claim("jti", &quoted(&shift.to_string()))
    };
    for (shift, code) in [
        (0, "granted"),
        (599, "granted"),
        (600, "token_expired"),
        (5_000, "token_expired"),
        (-5, "granted"),
        (-6, "token_not_yet_valid"),
    ] {
        let setup = Setup::new(Profile::Common);
        let mut memory = Remembering::new(setup);
        assert_eq!(memory.dpop(&bound, &Jwt::p1(&bound).sign()).name(), "granted");
        memory.setup = memory.setup.at(NOW + shift);
        let spared = memory.during(|| {
            assert_eq!(memory.dpop(&bound, &at(shift).sign()).name(), code, "{shift}");
        });
        assert_eq!(
            spared.0,
            u32::from(code != "granted"),
            "{shift}: keys are asked for where it is verified"
        );
        // Back in its time, it passes again: a refusal is not remembered.
        memory.setup = memory.setup.at(NOW + 1);
        assert_eq!(memory.dpop(&bound, &at(1).sign()).name(), "granted", "{shift}");
    }
}

#[test]
fn q02_outside_its_validity_a_token_whose_issuer_has_no_keys_is_not_judged_by_memory() {
    let mut memory = warm();
    memory.setup.keys = None;
    // The token's iat lies ahead then, by more than clocks may disagree.
    memory.setup = memory.setup.at(NOW - 100);
    let verdict = memory.dpop(t1(), &proof("early").claim("iat", &(NOW - 100).to_string()).sign());
    assert!(matches!(verdict, Verdict::KeysNeeded(_)), "{verdict:?}");
    assert_eq!(verdict.name(), "keys_unavailable");
    memory.setup = memory.setup.at(NOW + 600);
    let verdict = memory.dpop(t1(), &proof("late").claim("iat", &(NOW + 600).to_string()).sign());
    assert_eq!(verdict.name(), "token_expired");
}

#[test]
fn m09_a_known_key_does_not_spare_the_nonce() {
    let nonces = || Nonces::new(NonceMode::Required, [1; 32], 60);
    let nonce = quoted(&nonces().current(Setup::new(Profile::Common).now));
    let memory =
        Remembering::new(Setup::new(Profile::Common).policy(|policy| policy.nonces = Some(nonces())));
    let with_nonce = |jti: &str| proof(jti).claim("nonce", &nonce).sign();
    assert_eq!(memory.dpop(t1(), &with_nonce("1")).name(), "granted");
    assert_eq!(memory.dpop(t1(), &proof("2").sign()).name(), "proof_nonce_required");
    assert_eq!(memory.dpop(t1(), &with_nonce("3")).name(), "granted");
    assert_eq!(memory.dpop(t1(), &with_nonce("3")).name(), "proof_replayed");
}

#[test]
fn a_token_beyond_the_bound_is_not_looked_up() {
    let mut memory = warm();
    memory.setup = memory.setup.policy(|policy| policy.max_token_bytes = t1().len() - 1);
    assert_eq!(memory.dpop(t1(), &proof("2").sign()).name(), "token_malformed");
}
