//! A validator at work: the corridor, with keys fetched where they are missing and proofs remembered.
//!
//! In: options, questions, the time.
//! Out: verdicts.
//! May use: options, registry, issuer_keys, the validator.
//! Never: a rule about who may enter.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oidc_spa_native::challenge::Challenge;
use oidc_spa_native::credentials::{Credentials, Refusal, Scheme};
use oidc_spa_native::dpop::proof::ExpectedTarget;
use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::rejection::{Code, Rejection};
use oidc_spa_native::resource_server::{Decision, Grant, IssuerIndex, Pending, Request, ResourceServer};
use oidc_spa_native::time::UnixTime;

use crate::issuer_keys::{IssuerKeys, Newer};
use crate::options::{Options, OptionsError};
use crate::registry;

/// A resource server's guard in this process.
#[derive(Debug)]
pub struct Validator {
    server: ResourceServer,
    /// The keys of each issuer of the policy, in its order.
    keys: Vec<Arc<IssuerKeys>>,
    replay: Arc<ReplayMemory>,
    keys_timeout: Duration,
}

/// What is asked of a validator.
#[derive(Debug)]
pub enum Question<'a> {
    /// May this request enter?
    Request(Request<'a>),
    /// Are these credentials good for this target?
    Credentials(Credentials<'a>, Option<ExpectedTarget<'a>>),
}

/// The answer.
#[derive(Debug)]
pub enum Verdict {
    /// Yes.
    Granted(Grant),
    /// No; why, and what the client is told.
    Refused(Rejection, Challenge),
}

impl Validator {
    /// A validator with these options: a JSON text with the members that `index.d.ts` describes. No network call is
    /// made here.
    pub fn new(options: &str) -> Result<Self, OptionsError> {
        let options = Options::parse(options)?;
        let issuers = options.policy.issuers.iter();
        let keys = issuers
            .map(|accepted| registry::issuer_keys(&accepted.issuer, options.ring, options.limits))
            .collect();
        let replay = if options.own_clock {
            Arc::new(ReplayMemory::new(ReplayMemory::DEFAULT_CAPACITY, 0))
        } else {
            registry::replay_memory()
        };
        replay.cover(options.policy.dpop.max_age_secs);
        Ok(Self {
            server: ResourceServer::new(options.policy),
            keys,
            replay,
            keys_timeout: Duration::from_millis(options.keys_timeout_millis),
        })
    }

    /// The identifier of an issuer, as configured.
    pub fn issuer_uri(&self, index: IssuerIndex) -> &str {
        self.server.policy().issuers.get(index).map_or("", |accepted| accepted.issuer.as_str())
    }

    /// The verdict with the keys that are there; `None` where newer ones must be waited for.
    pub fn judge(&self, question: &Question<'_>, now: UnixTime) -> Option<Verdict> {
        let (decision, seen) = self.decide(question, now);
        match decision {
            Decision::Pending(pending) => Some(self.settle(pending, now)),
            Decision::Rejected(refusal) => Some(self.refused(refusal)),
            Decision::KeysNeeded { issuer, otherwise } => {
                let keys = self.keys.get(issuer)?;
                keys.is_cooling_down(seen.as_ref()).then(|| self.refused(otherwise))
            }
        }
    }

    /// The verdict, once the keys that it needs have come or the time to wait for them is over.
    pub async fn judge_with_keys(&self, question: &Question<'_>, now: UnixTime) -> Verdict {
        let begun = Instant::now();
        let deadline = begun + self.keys_timeout;
        loop {
            let elapsed = i64::try_from(begun.elapsed().as_secs()).unwrap_or(i64::MAX);
            let now = UnixTime::from_secs(now.secs().saturating_add(elapsed));
            let (decision, seen) = self.decide(question, now);
            let (issuer, otherwise) = match decision {
                Decision::Pending(pending) => return self.settle(pending, now),
                Decision::Rejected(refusal) => return self.refused(refusal),
                Decision::KeysNeeded { issuer, otherwise } => (issuer, otherwise),
            };
            let newer = match self.keys.get(issuer) {
                Some(keys) => keys.newer(seen.as_ref(), deadline).await,
                None => Newer::Refused,
            };
            if newer != Newer::Ended {
                return self.refused(otherwise);
            }
        }
    }

    /// A refusal that the application decided on, with the response that belongs to it.
    pub fn refuse(&self, code: Code, scheme: Option<Scheme>, message: String) -> Verdict {
        self.refused((code.because(message), scheme))
    }

    /// Waits until every issuer has keys; the error says which has not and why.
    pub async fn ready(&self, timeout: Duration, fail_fast: bool) -> Result<(), String> {
        let deadline = Instant::now() + timeout;
        for keys in &self.keys {
            keys.ready(deadline, fail_fast).await?;
        }
        Ok(())
    }

    /// The corridor's decision, and the keys that it was made with: a token is of one issuer.
    fn decide(&self, question: &Question<'_>, now: UnixTime) -> (Decision, Option<Arc<JwkSet>>) {
        let seen = RefCell::new(None);
        let keys = |issuer: IssuerIndex| {
            let keys = self.keys.get(issuer).and_then(|keys| keys.current());
            seen.borrow_mut().clone_from(&keys);
            keys
        };
        let decision = match question {
            Question::Request(request) => self.server.authorize(request, keys, now),
            Question::Credentials(credentials, target) => {
                self.server.authorize_credentials(credentials, target.as_ref(), keys, now)
            }
        };
        (decision, seen.into_inner())
    }

    fn settle(&self, pending: Pending, now: UnixTime) -> Verdict {
        match pending.settle(|record| self.replay.remember(record, now)) {
            Ok(grant) => Verdict::Granted(grant),
            Err(refusal) => self.refused(refusal),
        }
    }

    fn refused(&self, (rejection, scheme): Refusal) -> Verdict {
        let challenge = self.server.challenge(rejection.code(), scheme);
        Verdict::Refused(rejection, challenge)
    }
}
