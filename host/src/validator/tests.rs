//! Tests of whole validators: no proof is granted twice, whoever judges it, by whatever clock, in whatever order.
//!
//! In: random configurations, clocks and orders of requests.
//! Out: how often each proof was granted.
//! Never: a wall clock, a network.

use std::collections::HashMap;
use std::ops::Range;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use fastrand::Rng;
use oidc_spa_native::credentials::Credentials;
use oidc_spa_native::credentials::Presentation;
use oidc_spa_native::crypto::sha256;
use oidc_spa_native::dpop::nonce::{NonceMode, Nonces};
use oidc_spa_native::dpop::target::ExpectedTarget;
use oidc_spa_native::jose::base64url_encode;

use super::*;

const NOW: i64 = 1_800_000_000;
/// Of which a fleet has one, or by mistake two.
const SECRETS: [&str; 2] =
    ["a secret of forty characters, or longer.", "another secret, which a fleet should not have"];
const URL: &str = "https://api.example/";

/// An issuer, a client, and the client's token.
struct World {
    issuer: Arc<Ed25519KeyPair>,
    client: Ed25519KeyPair,
    token: String,
}

fn x(pair: &Ed25519KeyPair) -> String {
    base64url_encode(pair.public_key().as_ref())
}

fn jws(header: &str, payload: &str, pair: &Ed25519KeyPair) -> String {
    let input = format!("{}.{}", base64url_encode(header.as_bytes()), base64url_encode(payload.as_bytes()));
    let signature = base64url_encode(pair.sign(input.as_bytes()).as_ref());
    format!("{input}.{signature}")
}

impl World {
    fn new() -> Self {
        Self::of(Arc::new(Ed25519KeyPair::generate().unwrap()), "client", "user")
    }

    /// A client with another key.
    fn with_another(&self, client_id: &str, user: &str) -> Self {
        Self::of(Arc::clone(&self.issuer), client_id, user)
    }

    fn of(issuer: Arc<Ed25519KeyPair>, client_id: &str, user: &str) -> Self {
        let client = Ed25519KeyPair::generate().unwrap();
        let jkt = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, x(&client));
        let jkt = base64url_encode(&sha256(jkt.as_bytes()));
        let (begin, end) = (NOW - 500_000, NOW + 500_000);
        let payload = format!(
            r#"{{"iss":"https://as.example","sub":"{user}","client_id":"{client_id}","aud":"a","iat":{begin},"exp":{end},"cnf":{{"jkt":"{jkt}"}}}}"#
        );
        let token = jws(r#"{"alg":"EdDSA"}"#, &payload, &issuer);
        Self { issuer, client, token }
    }

    fn proof(&self, jti: usize, iat: f64, nonce: Option<&str>) -> String {
        let header = format!(
            r#"{{"typ":"dpop+jwt","alg":"EdDSA","jwk":{{"kty":"OKP","crv":"Ed25519","x":"{}"}}}}"#,
            x(&self.client)
        );
        let ath = base64url_encode(&sha256(self.token.as_bytes()));
        let nonce = nonce.map_or(String::new(), |nonce| format!(r#","nonce":"{nonce}""#));
        let payload =
            format!(r#"{{"jti":"{jti}","htm":"GET","htu":"{URL}","iat":{iat},"ath":"{ath}"{nonce}}}"#);
        jws(&header, &payload, &self.client)
    }

    fn validator(&self, extra: &str, memory: &Arc<ReplayMemory>) -> Validator {
        let options = format!(
            r#"{{"issuerUri":"https://as.example","expectedAudience":"a","keys":{{"jwks":{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{}"}}]}}}}{extra}}}"#,
            x(&self.issuer)
        );
        let application_store = extra.contains("replayStore");
        let internals = Internals { application_store, ..Internals::default() };
        Validator::remembering(
            Options::parse(&options, internals, &Process).unwrap(),
            Arc::clone(memory),
            None,
        )
        .unwrap()
    }

    fn judge(&self, validator: &Validator, proof: &str, now: i64) -> Judgement {
        let presentation = Presentation::DPoP { proof };
        let credentials = Credentials { access_token: &self.token, presentation, token_begin: 0 };
        let target = ExpectedTarget::of_application(Some("GET"), Some(URL));
        validator.judge(&Question::of_credentials(credentials, Some(target)), UnixTime::from_secs(now))
    }
}

/// The nonce that a validator with these options gives.
fn nonce(secret: &str, period: u16, now: i64) -> String {
    Nonces::new(NonceMode::Required, sha256(secret.as_bytes()), period).current(UnixTime::from_secs(now))
}

const PERIODS: [u16; 3] = [5, 60, 600];

fn pick<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.usize(..of.len())]
}

fn options(rng: &mut Rng, is_shared: bool) -> String {
    let (age, leeway) = (pick(rng, &[1, 40, 120, 300]), pick(rng, &[0, 3, 10, 300]));
    let mut options = format!(r#","proofMaxAgeSeconds":{age},"proofLeewaySeconds":{leeway}"#);
    let mode = pick(rng, &["off", "on-stale-proof", "required"]);
    if mode != "off" {
        let (period, leeway, secret) = (pick(rng, &PERIODS), pick(rng, &[30, 300]), pick(rng, &SECRETS));
        options.push_str(&format!(
            r#","nonce":"{mode}","nonceSecret":"{secret}","noncePeriodSeconds":{period},"nonceLeewaySeconds":{leeway}"#
        ));
    }
    if is_shared {
        options.push_str(r#","replayStore":{}"#);
    }
    options
}

/// Proofs, and how often each was granted.
#[derive(Default)]
struct Proofs(Vec<(String, u32)>);

impl Proofs {
    /// One more, made about now by a client whose clock may be wrong, with or without a nonce.
    fn make(&mut self, world: &World, rng: &mut Rng, now: i64) {
        let shift = pick(rng, &[-350, -299, -60, -39, -5, 0, 0, 0, 2, 9, 200, 299, 350]);
        let iat = (now + shift) as f64 + pick(rng, &[0.0, 0.5]);
        let (secret, period) = (pick(rng, &SECRETS), pick(rng, &PERIODS));
        let nonce = rng.bool().then(|| nonce(secret, period, now + rng.i64(-3..=3)));
        let proof = world.proof(self.0.len(), iat, nonce.as_deref());
        self.0.push((proof, 0));
    }

    fn one<'p>(&'p mut self, rng: &mut Rng) -> &'p mut (String, u32) {
        // The latest ones are tried most often.
        let back = rng.usize(..self.0.len()).min(rng.usize(..self.0.len()));
        let at = self.0.len() - 1 - back;
        &mut self.0[at]
    }

    fn none_was_granted_twice(&self, case: u64) -> u32 {
        let twice: Vec<_> = self.0.iter().filter(|(_, granted)| *granted > 1).collect();
        assert!(twice.is_empty(), "case {case}: {twice:?}");
        self.0.iter().map(|(_, granted)| granted).sum()
    }
}

const CASES: Range<u64> = 0..25;
const STEPS: usize = 250;

#[test]
fn l16_l18_no_proof_is_granted_twice_in_one_process_whatever_its_validators_and_its_clock() {
    let world = World::new();
    let mut granted = 0;
    for case in CASES {
        let rng = &mut Rng::with_seed(case);
        let memory = Arc::new(registry::new_replay_memory());
        let mut validators = vec![world.validator(&options(rng, false), &memory)];
        let (mut proofs, mut now) = (Proofs::default(), NOW);
        for _ in 0..STEPS {
            match rng.u8(..20) {
                0 if validators.len() < 5 => validators.push(world.validator(&options(rng, false), &memory)),
                // Somebody sets the clock.
                1 => now += pick(rng, &[-1_000, -300, -41, -1, 1, 41, 300, 1_000]),
                2..5 => now += rng.i64(0..100),
                _ => now += rng.i64(0..2),
            }
            proofs.make(&world, rng, now);
            for _ in 0..3 {
                let (proof, granted) = proofs.one(rng);
                let validator = &validators[rng.usize(..validators.len())];
                match world.judge(validator, proof, now) {
                    Judgement::Answer(Answer::Verdict(Ok(_))) => *granted += 1,
                    Judgement::Answer(Answer::Verdict(Err(_))) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        granted += proofs.none_was_granted_twice(case);
    }
    assert!(granted > 500, "{granted}: the cases say little if hardly anything is granted");
}

/// A store that processes share: Redis, which counts a time to live from when it was told, or one that is told a point of
/// time and reads its own clock.
struct Store {
    kept_until: HashMap<String, i64>,
    shift: Option<i64>,
}

impl Store {
    fn is_new(&mut self, name: &str, until: i64, asked_at: i64, now: i64) -> bool {
        let (until, now) = match self.shift {
            None => (now + (until - asked_at), now),
            Some(shift) => (until, now + shift),
        };
        if self.kept_until.get(name).is_some_and(|kept| *kept > now) {
            return false;
        }
        self.kept_until.insert(name.to_owned(), until);
        true
    }
}

/// One process: its memory, the validators that it has so far, and how far its clock is off.
struct Process {
    memory: Arc<ReplayMemory>,
    validators: Vec<Validator>,
    shift: i64,
}

#[test]
fn l04_l16_no_proof_is_granted_twice_in_a_fleet_whatever_its_processes_are_told() {
    let world = World::new();
    let mut granted = 0;
    for case in CASES {
        let rng = &mut Rng::with_seed(1_000 + case);
        let mut clock = || pick(rng, &[-30, -5, 0, 5, 30]);
        let mut store = Store { kept_until: HashMap::new(), shift: [None, Some(clock())][case as usize % 2] };
        let mut processes: Vec<Process> = (0..3)
            .map(|_| Process {
                memory: Arc::new(registry::new_replay_memory()),
                validators: Vec::new(),
                shift: clock(),
            })
            .collect();
        let (mut proofs, mut now) = (Proofs::default(), NOW);
        for step in 0..STEPS {
            let process = &mut processes[rng.usize(..3)];
            if process.validators.len() < 3 && (process.validators.is_empty() || step % 40 == 0) {
                process.validators.push(world.validator(&options(rng, true), &process.memory));
            }
            now += if rng.u8(..5) == 0 { rng.i64(0..100) } else { rng.i64(0..2) };
            proofs.make(&world, rng, now);
            let process = &processes[rng.usize(..3)];
            for _ in 0..3 {
                let Some(validator) = process.validators.get(rng.usize(..3)) else { continue };
                let (proof, granted) = proofs.one(rng);
                let judged_at = now + process.shift;
                let verdict = match world.judge(validator, proof, judged_at) {
                    Judgement::Answer(Answer::Verdict(verdict)) => verdict,
                    Judgement::Answer(Answer::AskStore(asked)) => {
                        let until = asked.until().secs();
                        let is_new = store.is_new(asked.name(), until, judged_at, now);
                        validator.conclude(asked, Ok(is_new))
                    }
                    Judgement::Waits(_) => panic!("the keys are there"),
                };
                *granted += u32::from(verdict.is_ok());
            }
        }
        granted += proofs.none_was_granted_twice(case);
    }
    assert!(granted > 500, "{granted}: the cases say little if hardly anything is granted");
}

#[test]
fn l16_a_proof_that_was_granted_without_nonces_is_known_where_they_are_required() {
    let world = World::new();
    let memory = Arc::new(registry::new_replay_memory());
    let off = world.validator("", &memory);
    let required = |secret: &str| format!(r#","nonce":"required","nonceSecret":"{secret}""#);
    let name = |validator: &Validator, proof: &str, now: i64| name(world.judge(validator, proof, now));
    let proof = world.proof(1, (NOW - 40) as f64, Some(&nonce(SECRETS[0], 60, NOW)));
    let another = world.proof(2, (NOW - 40) as f64, Some(&nonce(SECRETS[0], 60, NOW)));
    assert_eq!(name(&off, &proof, NOW), "granted");
    // Begun later, as by a change of the configuration: what may be forgotten by then is not new.
    let later = world.validator(&required(SECRETS[0]), &memory);
    let other_secret = world.validator(&required(SECRETS[1]), &memory);
    for now in NOW..NOW + 118 {
        let made_meanwhile = world.proof(now as usize, now as f64, None);
        assert_eq!(name(&off, &made_meanwhile, now), "granted");
        assert_eq!(name(&later, &proof, now), "proof_replayed", "{}", now - NOW);
        assert_eq!(name(&other_secret, &proof, now), "proof_nonce_required", "{}", now - NOW);
    }
    assert_eq!(name(&later, &another, NOW + 117), "granted", "the twin, which nobody has seen");
}

/// A memory that kept proofs for less than the validator accepts them would refuse the second one, which it may have
/// forgotten.
#[test]
fn l18_a_proof_made_before_another_is_granted_after_it() {
    let world = World::new();
    let required = format!(r#","nonce":"required","nonceSecret":"{}""#, SECRETS[0]);
    let of_now = nonce(SECRETS[0], 60, NOW);
    for (extra, nonce, later) in [("", None, NOW + 10), (required.as_str(), Some(of_now.as_str()), NOW + 110)]
    {
        let validator = world.validator(extra, &Arc::new(registry::new_replay_memory()));
        let judged = |jti: usize, iat: i64, now: i64| {
            name(world.judge(&validator, &world.proof(jti, iat as f64, nonce), now))
        };
        assert_eq!(judged(1, NOW, NOW), "granted", "{extra}");
        assert_eq!(judged(2, NOW - 20, later), "granted", "{extra}");
    }
}

fn name(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Answer(Answer::Verdict(Ok(_))) => "granted",
        Judgement::Answer(Answer::Verdict(Err(refusal))) => refusal.rejection.code().row().name,
        Judgement::Answer(Answer::AskStore(_)) | Judgement::Waits(_) => "no verdict",
    }
}

#[test]
fn l20_ten_keys_of_one_client_leave_room_for_another_client() {
    let world = World::new();
    let memory = Arc::new(registry::new_replay_memory());
    let validator = world.validator(r#","limits":{"replayMemoryEntries":1000}"#, &memory);
    let health = validator.health();
    assert!(health.contains(r#""capacity":1000"#), "{health}");
    let send = |client: &World, jti: usize| {
        name(client.judge(&validator, &client.proof(jti, NOW as f64, None), NOW))
    };
    let loud: Vec<_> = (0..12).map(|n| world.with_another("loud", &format!("user {n}"))).collect();
    let names: Vec<_> = (0..1_200).map(|n| send(&loud[n % loud.len()], n)).collect();
    let granted = names.iter().filter(|name| **name == "granted").count();
    assert!((780..=800).contains(&granted), "{granted}: about four fifths of all");
    assert_eq!(names.last(), Some(&"replay_memory_unavailable"));
    let quiet = world.with_another("quiet", "user");
    for jti in 0..50 {
        assert_eq!(send(&quiet, jti), "granted", "{jti}");
    }
    assert_eq!(send(&loud[0], 1_200), "replay_memory_unavailable");
    assert_eq!(
        send(&world.with_another("loud", "user 0"), 0),
        "replay_memory_unavailable",
        "with another key"
    );
}
