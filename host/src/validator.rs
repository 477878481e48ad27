//! A validator at work: the corridor, with keys fetched where they are missing and proofs remembered.
//!
//! In: options, questions, the time.
//! Out: verdicts.
//! May use: judgement, options, registry, held_keys, issuer_keys, memories, replay, health, the validator.
//! Never: a rule about who may enter.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oidc_spa_native::challenge::Demand;
use oidc_spa_native::credentials::{Refusal, Scheme};
use oidc_spa_native::dpop::proof::ProofKey;
use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::grant::{Grant, Pending};
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::memory::{BoundToken, IssuerIndex, Memory};
use oidc_spa_native::rejection::Code;
use oidc_spa_native::resource_server::{AcceptedIssuer, Decision, ResourceServer};
use oidc_spa_native::time::UnixTime;

use crate::fetch::FetchPlan;
use crate::health;
use crate::held_keys::{HeldKeys, KeySet};
use crate::issuer_keys::Newer;
use crate::judgement::{Circumstances, Denial, Judgement, Question, Repeatable, Verdict};
use crate::memories::Memories;
use crate::options::keys::KeySource;
use crate::options::replay::ReplayChoice;
use crate::options::{Options, OptionsError};
use crate::registry;
use crate::replay::{ReplayGuard, Settlement, Shared, StoreAnswer, StoreState, Unsettled};
use crate::runtime::{run, runtime};

/// A resource server's guard in this process.
#[derive(Debug)]
pub struct Validator {
    server: ResourceServer,
    /// The keys of each issuer of the policy, in its order.
    keys: Vec<HeldKeys>,
    replay: ReplayGuard,
    memories: Memories,
    keys_timeout: Duration,
    warnings: Vec<String>,
}

/// What the corridor looks up for one request, and with which keys it did.
struct Recollection<'v> {
    validator: &'v Validator,
    seen: RefCell<Option<Arc<JwkSet>>>,
}

impl Memory for Recollection<'_> {
    fn keys(&self, issuer: IssuerIndex) -> Option<Arc<JwkSet>> {
        let keys = self.validator.keys.get(issuer).and_then(HeldKeys::current);
        self.seen.borrow_mut().clone_from(&keys);
        keys
    }

    fn verified_token(&self, text: &str) -> Option<BoundToken> {
        self.validator.memories.verified_token(text, |token| self.keys(token.issuer()))
    }

    fn proof_key(&self, header: &str) -> Option<Arc<ProofKey>> {
        self.validator.memories.proof_key(header)
    }
}

impl Validator {
    /// A validator with these options: a JSON text with the members that `index.d.ts` describes. No network call is
    /// made here.
    pub fn new(options: &str) -> Result<Self, OptionsError> {
        let options = Options::parse(options)?;
        let memory = match options.own_clock {
            true => Arc::new(registry::new_replay_memory()),
            false => registry::replay_memory(),
        };
        Ok(Self::remembering(options, memory))
    }

    /// A validator with these options that remembers proofs in this memory.
    fn remembering(options: Options, memory: Arc<ReplayMemory>) -> Self {
        let issuers = options.policy.issuers.iter().zip(options.sources);
        let keys = issuers
            .map(|(AcceptedIssuer { issuer, .. }, sources)| {
                let set = |source| {
                    let jwk_set_urls = match source {
                        KeySource::Static(keys) => return KeySet::Static(keys),
                        KeySource::Metadata => None,
                        KeySource::Urls(urls) => Some(urls),
                    };
                    let (issuer, network) = (issuer.clone(), options.network.clone());
                    let plan = FetchPlan { issuer, jwk_set_urls, limits: options.limits, network };
                    KeySet::Fetched(registry::issuer_keys(plan, options.ring))
                };
                HeldKeys::new(issuer.as_str(), sources.into_iter().map(set).collect())
            })
            .collect();
        memory.cover(options.policy.dpop.window);
        if options.policy.nonces.is_some() {
            memory.cover(options.policy.dpop.nonce_window);
        }
        memory.hold(options.replay.entries.unwrap_or(ReplayMemory::DEFAULT_CAPACITY));
        let shared = match options.replay.choice {
            ReplayChoice::Process => Shared::None,
            ReplayChoice::Redis(settings) => Shared::Redis(registry::redis_store(*settings)),
            ReplayChoice::Application => Shared::Application(StoreState::default()),
        };
        Self {
            server: ResourceServer::new(options.policy),
            keys,
            replay: ReplayGuard::new(memory, shared, options.replay.on_unavailable),
            memories: Memories::new(options.verified_token_bytes),
            keys_timeout: Duration::from_millis(options.keys_timeout_millis),
            warnings: options.warnings,
        }
    }

    /// The identifiers of the issuers, as configured, by their position.
    pub fn issuer_uris(&self) -> Vec<String> {
        let issuers = self.server.policy().issuers.iter();
        issuers.map(|accepted| accepted.issuer.as_str().to_owned()).collect()
    }

    /// The verdict with the keys that are there, or what must be waited for.
    pub fn judge(&self, question: &Question<'_>, now: UnixTime) -> Judgement {
        let (decision, circumstances) = self.decide(question, now);
        match decision {
            Decision::Pending(pending) => self.settle(pending, circumstances),
            Decision::Rejected(refusal) => self.refused(refusal, &circumstances).into(),
            Decision::KeysNeeded { issuer, unknown_kid, otherwise, .. } => {
                let seen = circumstances.seen.as_ref();
                match self.changing(issuer) {
                    Some(keys) if !keys.would_refuse(seen, unknown_kid.as_deref()) => Judgement::NeedsKeys,
                    Some(keys) => self.refused(for_lack_of(keys, otherwise), &circumstances).into(),
                    None => self.refused(otherwise, &circumstances).into(),
                }
            }
        }
    }

    /// The judgement, once the keys that it needs have come or the time to wait for them is over.
    pub async fn judge_with_keys(&self, question: &Question<'_>, now: UnixTime) -> Judgement {
        let begun = Instant::now();
        let deadline = begun + self.keys_timeout;
        let mut was_refreshed = false;
        loop {
            let elapsed = i64::try_from(begun.elapsed().as_secs()).unwrap_or(i64::MAX);
            let now = UnixTime::from_secs(now.secs().saturating_add(elapsed));
            let (decision, circumstances) = self.decide(question, now);
            let (issuer, unknown_kid, may_pass, otherwise) = match decision {
                Decision::Pending(pending) => return self.settle(pending, circumstances),
                Decision::Rejected(refusal) => return self.refused(refusal, &circumstances).into(),
                Decision::KeysNeeded { issuer, unknown_kid, may_pass, otherwise } => {
                    (issuer, unknown_kid, may_pass, otherwise)
                }
            };
            let Some(keys) = self.changing(issuer) else {
                return self.refused(otherwise, &circumstances).into();
            };
            match keys.newer(circumstances.seen.as_ref(), may_pass, deadline).await {
                Newer::Ended => {}
                Newer::TimedOut => {
                    return self.refused(for_lack_of(keys, otherwise), &circumstances).into();
                }
                // The token was not judged: it is not the client's fault.
                Newer::Crowded => {
                    let crowded = "Too many requests wait for the issuer's keys already";
                    let refusal = (Code::KeysUnavailable.because(crowded), otherwise.1);
                    return self.refused(refusal, &circumstances).into();
                }
                Newer::Refused => {
                    if let Some(kid) = unknown_kid.filter(|_| was_refreshed) {
                        keys.remember_unknown(kid);
                    }
                    return self.refused(for_lack_of(keys, otherwise), &circumstances).into();
                }
            }
            was_refreshed = true;
        }
    }

    /// Asks the shared memory of proofs, for a bounded time. Whatever goes wrong on the way is no grant.
    pub async fn ask_store(self: Arc<Self>, unsettled: Unsettled) -> Verdict {
        let circumstances = unsettled.circumstances().clone();
        let validator = Arc::clone(&self);
        let asked = run(async move {
            let answer = validator.replay.ask(&unsettled).await;
            validator.conclude(unsettled, answer)
        });
        asked.await.unwrap_or_else(|error| {
            let rejection = Code::ReplayMemoryUnavailable.because(error);
            self.refused((rejection, Some(Scheme::DPoP)), &circumstances)
        })
    }

    /// The verdict, with the word of the shared memory.
    pub fn conclude(&self, unsettled: Unsettled, answer: StoreAnswer) -> Verdict {
        let circumstances = unsettled.circumstances().clone();
        self.told(self.replay.finish(unsettled, answer), &circumstances)
    }

    /// Whether the application asks the shared memory itself.
    pub fn is_asked_by_application(&self) -> bool {
        self.replay.is_asked_by_application()
    }

    /// Notes how the application's own memory answered: well, or why not.
    pub fn note_application_store(&self, trouble: Option<&str>) {
        self.replay.note_application(trouble);
    }

    /// A refusal that the application decided on, with the response that belongs to it.
    pub fn refuse(&self, denial: Denial, now: UnixTime) -> Verdict {
        let Denial { code, message, scheme, rules, demand } = denial;
        let schemes = rules.schemes(self.server.policy().schemes);
        let challenge = self.server.challenge_for(code, scheme, schemes, &demand, now);
        Verdict::Refused(code.because(message), challenge)
    }

    /// What the resource tells of itself: the JSON text of `ResourceMetadata` in `index.d.ts`.
    pub fn resource_metadata(&self) -> Option<String> {
        let resource = self.server.policy().resource.as_ref()?;
        let (url, path) = (resource.metadata_url(), resource.metadata_path());
        Some(format!(
            r#"{{"url":{},"path":{},"document":{}}}"#,
            serde_json::Value::from(url),
            serde_json::Value::from(path),
            self.server.resource_document()?
        ))
    }

    /// What the application should be told of its options.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Waits until every issuer has keys; the error says which has not and why. All are asked at once.
    pub async fn ready(&self, timeout: Duration, fail_fast: bool) -> Result<(), String> {
        let deadline = Instant::now() + timeout;
        let mut asked = Vec::new();
        for keys in self.keys.iter().flat_map(HeldKeys::fetched) {
            let keys = Arc::clone(keys);
            asked.push(runtime()?.spawn(async move { keys.ready(deadline, fail_fast).await }));
        }
        let mut errors = Vec::new();
        for answer in asked {
            errors.extend(answer.await.unwrap_or_else(|_| Err("the wait ended unexpectedly".into())).err());
        }
        if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
    }

    fn decide(&self, question: &Question<'_>, now: UnixTime) -> (Decision, Circumstances) {
        let recollection = Recollection { validator: self, seen: RefCell::new(None) };
        let decision = match question {
            Question::Request(request, rules) => {
                self.server.authorize_by(request, *rules, &recollection, now)
            }
            Question::Credentials(credentials, target) => {
                self.server.authorize_credentials(credentials, target.as_ref(), &recollection, now)
            }
        };
        let seen = recollection.seen.into_inner();
        (decision, Circumstances { now, rules: question.rules(), seen })
    }

    /// The number of the keys with which an issuer's tokens are verified now. It never comes again once they are others.
    pub fn keys_epoch(&self, issuer: IssuerIndex) -> Option<u64> {
        self.keys.get(issuer).and_then(HeldKeys::epoch)
    }

    /// How the keys of each issuer and the replay memory stand: the JSON text of `ValidatorHealth` in `index.d.ts`.
    pub fn health(&self) -> String {
        let issuers = self.keys.iter().map(HeldKeys::health);
        health::to_json(issuers, &self.replay.health())
    }

    /// The keys of an issuer, if they can become others.
    fn changing(&self, issuer: IssuerIndex) -> Option<&HeldKeys> {
        self.keys.get(issuer).filter(|keys| keys.can_change())
    }

    fn settle(&self, pending: Pending, circumstances: Circumstances) -> Judgement {
        match self.replay.settle(pending, circumstances.now) {
            Settlement::Done(settled) => self.told(settled, &circumstances).into(),
            Settlement::Waits(waiting) => Judgement::Unsettled(waiting.under(circumstances)),
        }
    }

    fn told(&self, settled: Result<Grant, Refusal>, circumstances: &Circumstances) -> Verdict {
        let grant = match settled {
            Ok(grant) => grant,
            Err(refusal) => return self.refused(refusal, circumstances),
        };
        let seen = circumstances.seen.as_ref();
        self.memories.keep(&grant.learned, seen, circumstances.now);
        let keys_epoch = seen.and_then(|keys| self.keys.get(grant.issuer)?.epoch_of(keys));
        let repeatable = grant.repeatable.zip(keys_epoch);
        let repeatable = repeatable.map(|(validity, keys_epoch)| Repeatable { validity, keys_epoch });
        Verdict::Granted(grant, repeatable)
    }

    fn refused(&self, (rejection, scheme): Refusal, circumstances: &Circumstances) -> Verdict {
        let schemes = circumstances.rules.schemes(self.server.policy().schemes);
        let demand = Demand::default();
        let challenge =
            self.server.challenge_for(rejection.code(), scheme, schemes, &demand, circumstances.now);
        Verdict::Refused(rejection, challenge)
    }
}

/// A refusal for which these keys would have been needed. Where there are none, it says why.
fn for_lack_of(keys: &HeldKeys, (rejection, scheme): Refusal) -> Refusal {
    let why = keys.last_error().filter(|_| rejection.code() == Code::KeysUnavailable);
    match why {
        Some(why) => (rejection.explained(&format!("the last attempt failed: {why}")), scheme),
        None => (rejection, scheme),
    }
}

#[cfg(test)]
mod tests;
