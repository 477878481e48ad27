//! A validator of a process: it calls the corridor, fetches missing keys and remembers proofs.
//!
//! In: options, questions, the time.
//! Out: verdicts.
//! Never: a rule about which requests are granted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use oidc_spa_native::challenge::{Demand, Refusal};
use oidc_spa_native::dpop::proof_key::ProofKey;
use oidc_spa_native::dpop::replay::{ProofRecord, ReplayMemory};
use oidc_spa_native::grant::PendingGrant;
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::memory::{BoundToken, IssuerIndex, Memory};
use oidc_spa_native::policy::AcceptedIssuer;
use oidc_spa_native::presentation::RequestRules;
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::rejection::{Code, Rejection};
use oidc_spa_native::resource_server::{Decision, KeysNeeded, NamedIssuer, ResourceServer, Verdict};
use oidc_spa_native::scheme::Scheme;
use oidc_spa_native::shadow::{GrantedToken, Shadow};
use oidc_spa_native::time::UnixTime;

use crate::explanation;
use crate::fetch::FetchPlan;
use crate::health;
use crate::held_keys::{HeldKeys, KeySet, carry};
use crate::issuer_keys::{InUse, Newer};
use crate::judgement::{Answer, Judged, Judgement, Wait, WaitsFor};
use crate::memories::Memories;
use crate::options::keys::KeySource;
use crate::options::replay::ReplayChoice;
use crate::options::{Internals, Options};
use crate::options_error::OptionsError;
use crate::registry;
use crate::replay::{AskedStore, ReplayGuard, Settlement, Store, StoreQuestion, StoreState};
use crate::runtime::{run, runtime};
use crate::settings::{self, Settings};
use crate::snapshot;

/// A resource server's guard in this process.
#[derive(Debug)]
pub struct Validator {
    server: ResourceServer,
    /// The keys of each issuer of the policy, in its order.
    keys: Vec<HeldKeys>,
    /// The uses of the fetched keys. Empty once the validator is retired.
    uses: Mutex<Vec<InUse>>,
    replay: ReplayGuard,
    memories: Memories,
    keys_timeout: Duration,
    shadow: Option<Shadow>,
    settings: Settings,
}

/// The values that are looked up for one request.
struct Recollection<'v>(&'v Validator);

impl Memory for Recollection<'_> {
    fn keys(&self, issuer: IssuerIndex) -> Option<Arc<JwkSet>> {
        self.0.keys.get(issuer).and_then(HeldKeys::current)
    }

    fn verified_token(&self, text: &str) -> Option<BoundToken> {
        self.0.memories.verified_token(text, |token| self.0.key_set_number(token.issuer()))
    }

    fn proof_key(&self, header: &str) -> Option<Arc<ProofKey>> {
        self.0.memories.proof_key(header)
    }
}

/// The result for a question with the present keys.
enum Attempt<'v> {
    /// Every check passed except replay; or it is refused with any keys.
    Decided(Result<PendingGrant, Refusal>),
    /// Newer keys might change the refusal.
    Lacks { keys: &'v HeldKeys, needed: KeysNeeded, otherwise: Refusal },
}

impl Validator {
    /// A validator with these options: a JSON text with the members that `index.d.ts` describes. No network call is
    /// made here.
    pub fn new(options: &str, internals: Internals) -> Result<Self, OptionsError> {
        let options = Options::parse(options, internals)?;
        let memory = match internals.own_clock {
            true => Arc::new(registry::new_replay_memory()),
            false => registry::replay_memory(),
        };
        Ok(Self::remembering(options, memory))
    }

    /// A validator with these options that remembers proofs in this memory.
    fn remembering(options: Options, memory: Arc<ReplayMemory>) -> Self {
        let issuers = options.policy.issuers.iter().zip(options.sources);
        let keys: Vec<HeldKeys> = issuers
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
        let mut warnings = options.warnings;
        if let Some((snapshot, most)) = &options.snapshot {
            warnings.extend(carry(&keys, snapshot, *most));
        }
        memory.cover(options.policy.dpop.window);
        if options.policy.nonces.is_some() {
            memory.cover(options.policy.dpop.nonce_window);
        }
        memory.hold(options.replay.entries.unwrap_or(ReplayMemory::DEFAULT_CAPACITY));
        let has_replay_store = !matches!(options.replay.choice, ReplayChoice::Process);
        let store = match options.replay.choice {
            ReplayChoice::Process => Store::None,
            ReplayChoice::Redis(settings) => Store::Redis(registry::redis_store(*settings)),
            ReplayChoice::Application => Store::Application(StoreState::default()),
        };
        let shadow = options.shadow.map(|stricter| Shadow::new(&options.policy, stricter));
        Self {
            server: ResourceServer::new(options.policy),
            uses: Mutex::new(keys.iter().flat_map(HeldKeys::fetched).map(InUse::of).collect()),
            keys,
            replay: ReplayGuard::new(memory, store, options.replay.on_unavailable),
            memories: Memories::new(options.verified_token_bytes),
            keys_timeout: Duration::from_millis(options.keys_timeout_millis),
            settings: Settings {
                warnings,
                has_shadow: shadow.is_some(),
                forwarded: options.forwarded,
                verified_token_bytes: options.verified_token_bytes,
                store_timeout: options.replay.timeout,
                has_replay_store,
            },
            shadow,
        }
    }

    /// The options as JavaScript needs them, with their defaults: the JSON text of `Settings` in `ts/addon/native.ts`.
    pub fn settings(&self) -> String {
        settings::to_json(&self.server, &self.settings)
    }

    /// The answer with the present keys, or a wait.
    pub fn judge(&self, question: &Question<'_>, now: UnixTime) -> Judgement {
        match self.attempt(question, now) {
            Attempt::Decided(decided) => self.settle(decided).into(),
            Attempt::Lacks { keys, needed, otherwise } => {
                if !keys.is_in_vain(needed.key_set, needed.unknown_kid.as_deref()) {
                    return Judgement::Waits(Wait(WaitsFor::Keys));
                }
                Judged::from(Err(for_lack_of(keys, otherwise))).into()
            }
        }
    }

    /// The answer to a question that must wait, when its keys or the store's answer have come, or when the time is
    /// over.
    pub async fn answer(self: &Arc<Self>, wait: Wait, question: &Question<'_>, now: UnixTime) -> Answer {
        let asked = match wait.0 {
            WaitsFor::Store(asked) => asked,
            WaitsFor::Keys => match self.settle(self.decide_with_keys(question, now).await) {
                Judged::Store(asked) => asked,
                Judged::Answer(answer) => return answer,
            },
        };
        Answer::Verdict(Arc::clone(self).ask_store(asked, question.rules).await)
    }

    /// Every check of a question, in order, with the same keys as an answer, after the same wait: the JSON text of
    /// `NativeExplanation` in `ts/addon/native.ts`. Nothing is granted and nothing is remembered.
    pub async fn explain(&self, question: &Question<'_>, now: UnixTime) -> String {
        let begun = Instant::now();
        let decided = self.decide_with_keys(question, now).await;
        let now = later(now, begun);
        let keys = |issuer| self.keys.get(issuer).and_then(HeldKeys::current);
        let look_up = |record: &ProofRecord| self.replay.look_up(record, now);
        let explanation = self.server.explain(question, &keys, now, look_up);
        explanation::to_json(&match decided {
            Ok(_) => explanation,
            Err(refusal) => explanation.explained(&refusal.rejection),
        })
    }

    /// The decision when the needed keys have come, or when the time to wait for them is over.
    async fn decide_with_keys(
        &self,
        question: &Question<'_>,
        now: UnixTime,
    ) -> Result<PendingGrant, Refusal> {
        let begun = Instant::now();
        let deadline = begun + self.keys_timeout;
        let mut was_refreshed = false;
        loop {
            let now = later(now, begun);
            let (keys, needed, otherwise) = match self.attempt(question, now) {
                Attempt::Decided(decided) => return decided,
                Attempt::Lacks { keys, needed, otherwise } => (keys, needed, otherwise),
            };
            let refusal = match keys.newer(needed.key_set, needed.may_pass, deadline).await {
                Newer::Ended => {
                    was_refreshed = true;
                    continue;
                }
                Newer::TimedOut => for_lack_of(keys, otherwise),
                // The token was not judged: it is not the client's fault.
                Newer::Crowded => {
                    let crowded = "Too many requests wait for the issuer's keys already";
                    let (rejection, used) = (Code::KeysUnavailable.because(crowded), Some(needed.scheme));
                    self.refuse(rejection, used, question.rules, &Demand::default(), now)
                }
                Newer::NotNow => {
                    if let Some(kid) = needed.unknown_kid.filter(|_| was_refreshed) {
                        keys.remember_unknown(&kid);
                    }
                    for_lack_of(keys, otherwise)
                }
            };
            return Err(refusal);
        }
    }

    /// Asks the replay store. No failure on the way becomes a grant.
    async fn ask_store(self: Arc<Self>, asked: AskedStore, rules: RequestRules) -> Verdict {
        let (now, validator) = (asked.now(), Arc::clone(&self));
        let asking = run(async move {
            let word = asked.word().await;
            validator.learn(validator.replay.finish(&validator.server, asked, word), now)
        });
        asking.await.unwrap_or_else(|error| {
            let (rejection, used) = (Code::ReplayMemoryUnavailable.because(error), Some(Scheme::DPoP));
            Err(self.refuse(rejection, used, rules, &Demand::default(), now))
        })
    }

    /// The verdict, with the answer of the application's replay store: whether the proof is new, or why there is no
    /// answer.
    pub fn conclude(&self, asked: StoreQuestion, is_new: Result<bool, String>) -> Verdict {
        let now = asked.now();
        self.learn(self.replay.finish_of_application(&self.server, asked, is_new), now)
    }

    /// A refusal that JavaScript decided, with its response.
    pub fn refuse(
        &self,
        rejection: Rejection,
        used: Option<Scheme>,
        rules: RequestRules,
        demand: &Demand,
        now: UnixTime,
    ) -> Refusal {
        self.server.refuse(rejection, used, rules, demand, now)
    }

    /// The issuer that a request's unverified token names. If it is not known yet, the application is asked for it.
    pub fn named_issuer(&self, request: &Request<'_>, now: UnixTime) -> Option<NamedIssuer> {
        self.server.named_issuer(request, now)
    }

    /// Whether an issuer of the options has this name, be it an alias.
    pub fn accepts_issuer(&self, name: &str) -> bool {
        let mut issuers = self.server.policy().issuers.iter();
        issuers.any(|accepted| accepted.issuer.names().any(|own| own.is(name)))
    }

    /// The fetched keys that are in use now, as a text for the option `keysSnapshot` of another process.
    pub fn snapshot(&self) -> String {
        let fetched = self.keys.iter().flat_map(HeldKeys::fetched);
        snapshot::to_json(fetched.filter_map(|keys| keys.carriable()))
    }

    /// Retires the validator: it gets no more requests. Keys that no other validator uses are no longer fetched, except
    /// for requests that already wait for them.
    pub fn retire(&self) {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Waits until every issuer has keys; the error says which issuer has none and why. All are asked at once.
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

    /// The result with the present keys, or which other keys might change a refusal.
    fn attempt(&self, question: &Question<'_>, now: UnixTime) -> Attempt<'_> {
        match self.server.decide(question, &Recollection(self), now) {
            Decision::Pending(pending) => Attempt::Decided(Ok(pending)),
            Decision::Refused(refusal) => Attempt::Decided(Err(refusal)),
            Decision::KeysNeeded { needed, otherwise } => match self.changing(needed.issuer) {
                Some(keys) => Attempt::Lacks { keys, needed, otherwise },
                None => Attempt::Decided(Err(otherwise)),
            },
        }
    }

    /// The number of the keys with which an issuer's tokens are verified now. When the keys change, this number is
    /// never used again.
    pub fn key_set_number(&self, issuer: IssuerIndex) -> Option<u64> {
        self.keys.get(issuer).and_then(HeldKeys::number)
    }

    /// The state of each issuer's keys and of the replay memory: the JSON text of `ValidatorHealth` in `index.d.ts`.
    pub fn health(&self) -> String {
        let issuers = self.keys.iter().map(HeldKeys::health);
        health::to_json(issuers, &self.replay.health())
    }

    /// Why the rules that are tried (`shadow`) would refuse a token that was granted a moment ago. Nothing is refused and
    /// nothing is remembered.
    pub fn objection(
        &self,
        token: GrantedToken<'_>,
        rules: RequestRules,
        now: UnixTime,
    ) -> Option<Rejection> {
        self.shadow.as_ref()?.objection(token, rules, now)
    }

    /// What is counted of keys and of the replay memory: the JSON text of `NativeMetrics` in `ts/addon/native.ts`.
    pub fn metrics(&self) -> String {
        let keys = self.keys.iter().map(|keys| (keys.health(), keys.counts()));
        health::metrics_to_json(keys, &self.replay.metrics())
    }

    /// The keys of an issuer, if they can become others.
    fn changing(&self, issuer: IssuerIndex) -> Option<&HeldKeys> {
        self.keys.get(issuer).filter(|keys| keys.can_change())
    }

    fn settle(&self, decided: Result<PendingGrant, Refusal>) -> Judged {
        let pending = match decided {
            Ok(pending) => pending,
            Err(refusal) => return Judged::from(Err(refusal)),
        };
        let now = pending.now();
        match self.replay.settle(&self.server, pending) {
            Settlement::Done(verdict) => self.learn(verdict, now).into(),
            Settlement::Asked(asked) => Judged::Store(asked),
            Settlement::OfApplication(question) => Judged::Answer(Answer::AskStore(question)),
        }
    }

    /// Keeps the results of a grant.
    fn learn(&self, verdict: Verdict, now: UnixTime) -> Verdict {
        if let Ok(grant) = &verdict {
            self.memories.keep(grant.learned(), now);
        }
        verdict
    }
}

/// The time that a question was put at, after a wait that began then.
fn later(now: UnixTime, begun: Instant) -> UnixTime {
    let elapsed = i64::try_from(begun.elapsed().as_secs()).unwrap_or(i64::MAX);
    UnixTime::from_secs(now.secs().saturating_add(elapsed))
}

/// A refusal of a request that needed these keys. If there are none, it says why, and how to see more.
fn for_lack_of(keys: &HeldKeys, refusal: Refusal) -> Refusal {
    if refusal.rejection.code() != Code::KeysUnavailable {
        return refusal;
    }
    let rejection = match keys.last_error() {
        Some(why) => refusal.rejection.explained(&format!("the last attempt failed: {why}")),
        None => refusal.rejection,
    };
    let advice = format!("Where this server runs, type: {}", keys.command());
    Refusal { rejection: rejection.advising(&advice), ..refusal }
}

#[cfg(test)]
mod tests;
