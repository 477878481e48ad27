//! Keys, access tokens, and validators that judge them at a fixed time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use oidc_spa_native::challenge::{Challenge, Refusal};
use oidc_spa_native::credentials::Field;
use oidc_spa_native::jose::base64url_encode;
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::time::UnixTime;
use oidc_spa_native_host::{Answer, Internals, Judgement, Validator};

use crate::hostile_issuer::HostileIssuer;

pub const NOW: i64 = 1_800_000_000;

/// No answer takes longer than this; a test that waits longer has found a hang.
pub const NO_HANG: Duration = Duration::from_secs(30);

/// A signing key with its `kid`.
pub struct SigningKey {
    pub kid: String,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    pub fn new(kid: &str) -> Self {
        Self { kid: kid.to_owned(), pair: Ed25519KeyPair::generate().unwrap() }
    }

    pub fn jwk(&self) -> String {
        let x = base64url_encode(self.pair.public_key().as_ref());
        format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{}","x":"{x}"}}"#, self.kid)
    }

    /// A good access token of this issuer.
    pub fn token(&self, issuer: &str) -> String {
        self.token_with(issuer, "EdDSA", "at+jwt", NOW + 600)
    }

    pub fn token_with(&self, issuer: &str, alg: &str, typ: &str, exp: i64) -> String {
        let header = format!(r#"{{"alg":"{alg}","typ":"{typ}","kid":"{}"}}"#, self.kid);
        let payload = format!(
            r#"{{"iss":"{issuer}","sub":"user-1","aud":"https://api.example","iat":{},"exp":{exp}}}"#,
            NOW - 10
        );
        let input =
            format!("{}.{}", base64url_encode(header.as_bytes()), base64url_encode(payload.as_bytes()));
        let signature = base64url_encode(self.pair.sign(input.as_bytes()).as_ref());
        format!("{input}.{signature}")
    }
}

/// A token that bears a `kid` that nobody has heard of, another one at each call.
pub fn token_of_unknown_key(issuer: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    SigningKey::new(&format!("unknown-{}", COUNT.fetch_add(1, Ordering::Relaxed))).token(issuer)
}

/// A validator for one issuer; `more` is the text of further options, each after a comma.
pub fn validator(issuer: &HostileIssuer, more: &str) -> Arc<Validator> {
    validator_of(&issuer.uri(), more)
}

pub fn validator_of(issuer: &str, more: &str) -> Arc<Validator> {
    let options = format!(r#"{{"issuerUri":"{issuer}","expectedAudience":"https://api.example"{more}}}"#);
    Arc::new(Validator::new(&options, Internals::default(), None).unwrap())
}

/// The refusal of a request, as far as tests look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub code: &'static str,
    pub challenge: Challenge,
}

/// The verdict on a bearer token, newer keys awaited where they are needed: as the binding asks for it.
pub async fn judge(validator: &Arc<Validator>, token: &str) -> Result<(), Refused> {
    let authorization = format!("Bearer {token}");
    let request = Request { authorization: Field::Once(&authorization), dpop: Field::Absent, head: None };
    let question = Question::of_request(request);
    let now = UnixTime::from_secs(NOW);
    let answer = match validator.judge(&question, now) {
        Judgement::Answer(answer) => answer,
        Judgement::Waits(wait) => {
            let waiting = validator.answer(wait, &question);
            tokio::time::timeout(NO_HANG, waiting).await.expect("a bounded answer")
        }
    };
    match answer {
        Answer::Verdict(Ok(_)) => Ok(()),
        Answer::Verdict(Err(Refusal { rejection, challenge })) => {
            Err(Refused { code: rejection.code().row().name, challenge })
        }
        other => panic!("a bearer token needs no proof: {other:?}"),
    }
}

/// The code of a refusal, or `granted`.
pub async fn name(validator: &Arc<Validator>, token: &str) -> &'static str {
    judge(validator, token).await.err().map_or("granted", |refused| refused.code)
}

/// Judges every token at once, and tells the names in their order.
pub async fn names(validator: &Arc<Validator>, tokens: Vec<String>) -> Vec<&'static str> {
    let tasks: Vec<_> = tokens
        .into_iter()
        .map(|token| {
            let validator = validator.clone();
            tokio::spawn(async move { name(&validator, &token).await })
        })
        .collect();
    let mut names = Vec::with_capacity(tasks.len());
    for task in tasks {
        names.push(task.await.unwrap());
    }
    names
}
