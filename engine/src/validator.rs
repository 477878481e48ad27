//! A validator: it calls the corridor, says which keys are lacking, and remembers proofs.
//!
//! In: options, questions, the time.
//! Out: answers, or the wait for keys.
//! Never: a rule about which requests are granted, a fetch, a clock.

use std::sync::Arc;
use std::time::Duration;

use oidc_spa_native::challenge::{Demand, Refusal};
use oidc_spa_native::dpop::proof_key::ProofKey;
use oidc_spa_native::dpop::replay::{ProofRecord, ReplayMemory};
use oidc_spa_native::grant::PendingGrant;
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::keys::key_ring::KeyRingPolicy;
use oidc_spa_native::memory::{BoundToken, IssuerIndex, Memory};
use oidc_spa_native::policy::AcceptedIssuer;
use oidc_spa_native::presentation::RequestRules;
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::rejection::{Code, Rejection};
use oidc_spa_native::resource_server::{Decision, KeysNeeded, NamedIssuer, ResourceServer, Verdict};
use oidc_spa_native::scheme::Scheme;
use oidc_spa_native::shadow::{GrantedToken, Shadow};
use oidc_spa_native::time::{Monotonic, UnixTime};

use crate::explanation;
use crate::health;
use crate::held_keys::{HeldKeys, KeySet, carry};
use crate::issuer_keys::{IssuerKeys, Newer};
use crate::keys_wait::KeysWait;
use crate::memories::Memories;
use crate::moment::Moment;
use crate::options::Options;
use crate::options::keys::KeySource;
use crate::plan::FetchPlan;
use crate::replay::{ReplayGuard, Settlement, Store, StoreQuestion, StoreWord};
use crate::settings::{self, Settings};
use crate::snapshot;

/// A resource server's guard. `K` is how the program around holds fetched keys, `M` what it remembers.
#[derive(Debug)]
pub struct Validator<K, M> {
    server: ResourceServer,
    /// The keys of each issuer of the policy, in its order.
    keys: Vec<HeldKeys<K>>,
    replay: ReplayGuard,
    memories: M,
    keys_timeout: Duration,
    shadow: Option<Shadow>,
    settings: Settings,
}

/// The answer to a question.
// It lives on the stack, for one call: a box would cost each request an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub enum Answer {
    /// The final verdict.
    Verdict(Verdict),
    /// A replay store must be asked first: [`Validator::conclude`] takes its answer.
    AskStore(StoreQuestion),
}

/// What was decided about a request, its proof's novelty aside.
pub type Decided = Result<PendingGrant, Refusal>;

/// A request that is refused with the present keys, and which newer ones might grant.
#[derive(Debug)]
pub struct Lacking<'v, K> {
    keys: &'v HeldKeys<K>,
    needed: KeysNeeded,
    otherwise: Refusal,
    now: UnixTime,
}

impl<'v, K> Lacking<'v, K> {
    /// The keys that newer ones are needed of.
    pub const fn keys(&self) -> &'v HeldKeys<K> {
        self.keys
    }

    /// The number of the keys that were searched.
    pub const fn key_set(&self) -> Option<u64> {
        self.needed.key_set
    }

    /// Whether the token could pass, by its unverified content.
    pub const fn may_pass(&self) -> bool {
        self.needed.may_pass
    }
}

/// The values that are looked up for one request.
struct Recollection<'v, K, M> {
    validator: &'v Validator<K, M>,
    at: Monotonic,
}

impl<K: AsRef<IssuerKeys>, M: Memories> Memory for Recollection<'_, K, M> {
    fn keys(&self, issuer: IssuerIndex) -> Option<Arc<JwkSet>> {
        self.validator.keys_of(issuer, self.at)
    }

    fn verified_token(&self, text: &str) -> Option<BoundToken> {
        let number_of = |issuer| self.validator.key_set_number(issuer, self.at);
        self.validator.memories.verified_token(text, |token| number_of(token.issuer()))
    }

    fn proof_key(&self, header: &str) -> Option<Arc<ProofKey>> {
        self.validator.memories.proof_key(header)
    }
}

/// What a validator is made of, beside its options.
pub struct Means<'m, K, M> {
    /// The memory of proofs. It is made large enough and wide enough for the options.
    pub replay_memory: Arc<ReplayMemory>,
    /// How many proofs it holds, if the options do not say.
    pub replay_entries: usize,
    /// The replay store that the options choose.
    pub store: Store,
    /// Makes the memories, by the number of bytes for tokens.
    pub memories: fn(u64) -> M,
    /// The keys of a plan: those of another validator, or new ones.
    pub keys_of: &'m mut dyn FnMut(FetchPlan, KeyRingPolicy) -> K,
    /// A random number from 0 to 1.
    pub jitter: &'m mut dyn FnMut() -> f64,
}

impl<K: AsRef<IssuerKeys>, M: Memories> Validator<K, M> {
    /// A validator with these options.
    pub fn new(options: Options, means: Means<'_, K, M>, at: Moment) -> Self {
        let Means { replay_memory, replay_entries, store, memories, keys_of, jitter } = means;
        let issuers = options.policy.issuers.iter().zip(options.sources);
        let keys: Vec<HeldKeys<K>> = issuers
            .map(|(AcceptedIssuer { issuer, .. }, sources)| {
                let set = |source| {
                    let jwk_set_urls = match source {
                        KeySource::Static(keys) => return KeySet::Static(keys),
                        KeySource::Metadata => None,
                        KeySource::Urls(urls) => Some(urls),
                    };
                    let (issuer, network) = (issuer.clone(), options.network.clone());
                    let plan = FetchPlan { issuer, jwk_set_urls, limits: options.limits, network };
                    KeySet::Fetched(keys_of(plan, options.ring))
                };
                HeldKeys::new(issuer.as_str(), sources.into_iter().map(set).collect())
            })
            .collect();
        let mut warnings = options.warnings;
        if let Some((snapshot, most)) = &options.snapshot {
            warnings.extend(carry(&keys, snapshot, *most, jitter, at));
        }
        replay_memory.cover(options.policy.dpop.window);
        if options.policy.nonces.is_some() {
            replay_memory.cover(options.policy.dpop.nonce_window);
        }
        replay_memory.hold(options.replay.entries.unwrap_or(replay_entries));
        let shadow = options.shadow.map(|stricter| Shadow::new(&options.policy, stricter));
        Self {
            server: ResourceServer::new(options.policy),
            keys,
            memories: memories(options.verified_token_bytes),
            keys_timeout: Duration::from_millis(options.keys_timeout_millis),
            settings: Settings {
                warnings,
                has_shadow: shadow.is_some(),
                forwarded: options.forwarded,
                verified_token_bytes: options.verified_token_bytes,
                store_timeout: options.replay.timeout,
                has_replay_store: !matches!(store, Store::None),
            },
            replay: ReplayGuard::new(replay_memory, store, options.replay.on_unavailable),
            shadow,
        }
    }

    /// The options as JavaScript needs them, with their defaults: the JSON text of `Settings` in `ts/boundary/interface.ts`.
    pub fn settings(&self) -> String {
        settings::to_json(&self.server, &self.settings)
    }

    /// The answer with the present keys, or the wait for newer ones: [`Validator::decide`] puts the question again.
    pub fn judge(&self, question: &Question<'_>, now: UnixTime, at: Monotonic) -> Result<Answer, KeysWait> {
        self.decide_now(question, now, at).map(|decided| self.settle(decided))
    }

    /// The same without the check that the proof is new: [`Validator::settle`] ends it. Nothing is written here.
    // As for `decide`.
    #[allow(clippy::result_large_err)]
    pub fn decide_now(
        &self,
        question: &Question<'_>,
        now: UnixTime,
        at: Monotonic,
    ) -> Result<Decided, KeysWait> {
        let Lacking { keys, needed, otherwise, .. } = match self.attempt(question, now, at) {
            Ok(decided) => return Ok(decided),
            Err(lacking) => lacking,
        };
        if !keys.is_in_vain(needed.key_set, needed.unknown_kid.as_deref(), at) {
            return Err(self.wait(now, at));
        }
        Ok(Err(for_lack_of(keys, otherwise)))
    }

    /// The wait of a question that was put at this time.
    pub fn wait(&self, now: UnixTime, at: Monotonic) -> KeysWait {
        KeysWait::new(now, at, self.keys_timeout)
    }

    /// Puts a question that waits. While keys are lacking, the program around waits for newer ones, and says by
    /// [`Validator::after`] what came of it.
    // It lives on the stack, for one call: a box would cost each request an allocation.
    #[allow(clippy::result_large_err)]
    pub fn decide(
        &self,
        question: &Question<'_>,
        wait: &KeysWait,
        at: Monotonic,
    ) -> Result<Decided, Lacking<'_, K>> {
        self.attempt(question, wait.now(at), at)
    }

    /// The refusal after a wait for newer keys; `None` if the question is put again.
    pub fn after(
        &self,
        lacking: Lacking<'_, K>,
        newer: Newer,
        wait: &mut KeysWait,
        rules: RequestRules,
        at: Monotonic,
    ) -> Option<Refusal> {
        let Lacking { keys, needed, otherwise, now } = lacking;
        Some(match newer {
            Newer::Ended => {
                wait.was_refreshed = true;
                return None;
            }
            Newer::TimedOut => for_lack_of(keys, otherwise),
            // The token was not judged: it is not the client's fault.
            Newer::Crowded => {
                let crowded = "Too many requests wait for the issuer's keys already";
                let (rejection, used) = (Code::KeysUnavailable.because(crowded), Some(needed.scheme));
                self.refuse(rejection, used, rules, &Demand::default(), now)
            }
            Newer::NotNow => {
                if let Some(kid) = needed.unknown_kid.filter(|_| wait.was_refreshed) {
                    keys.remember_unknown(&kid, at);
                }
                for_lack_of(keys, otherwise)
            }
        })
    }

    /// Every check of a question, in order: the JSON text of `NativeExplanation` in `ts/boundary/interface.ts`. Nothing is
    /// granted and nothing is remembered. `decided` came of the same question after this wait.
    pub fn explain(
        &self,
        question: &Question<'_>,
        decided: Decided,
        wait: &KeysWait,
        at: Monotonic,
    ) -> String {
        let now = wait.now(at);
        let keys = |issuer| self.keys_of(issuer, at);
        let look_up = |record: &ProofRecord| self.replay.look_up(record, now);
        let explanation = self.server.explain(question, &keys, now, look_up);
        explanation::to_json(&match decided {
            Ok(_) => explanation,
            Err(refusal) => explanation.explained(&refusal.rejection),
        })
    }

    /// The answer for what was decided: this process's own memory is asked first.
    pub fn settle(&self, decided: Decided) -> Answer {
        let pending = match decided {
            Ok(pending) => pending,
            Err(refusal) => return Answer::Verdict(Err(refusal)),
        };
        let now = pending.now();
        match self.replay.settle(&self.server, pending) {
            Settlement::Done(verdict) => Answer::Verdict(self.learn(verdict, now)),
            Settlement::Asked(question) => Answer::AskStore(question),
        }
    }

    /// The verdict, with the answer of the application's replay store: whether the proof is new, or why there is no
    /// answer.
    pub fn conclude(&self, asked: StoreQuestion, is_new: Result<bool, String>) -> Verdict {
        let now = asked.now();
        self.learn(self.replay.finish_of_application(&self.server, asked, is_new), now)
    }

    /// The verdict, with the answer of a replay store that the program around asked.
    pub fn finish(&self, asked: StoreQuestion, word: StoreWord) -> Verdict {
        let now = asked.now();
        self.learn(self.replay.finish(&self.server, asked, word), now)
    }

    /// A refusal that the program around decided, with its response.
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
    pub fn snapshot(&self, at: Moment) -> String {
        snapshot::to_json(self.fetched().filter_map(|keys| keys.as_ref().carriable(at)))
    }

    /// The keys that are fetched, of all issuers.
    pub fn fetched(&self) -> impl Iterator<Item = &K> {
        self.keys.iter().flat_map(HeldKeys::fetched)
    }

    /// The number of the keys with which an issuer's tokens are verified now. When the keys change, this number is
    /// never used again.
    pub fn key_set_number(&self, issuer: IssuerIndex, at: Monotonic) -> Option<u64> {
        self.keys.get(issuer)?.number(at)
    }

    /// The state of each issuer's keys and of the replay memory: the JSON text of `ValidatorHealth` in `index.d.ts`.
    pub fn health(&self, at: Moment) -> String {
        let issuers = self.keys.iter().map(|keys| keys.health(at));
        health::to_json(issuers, &self.replay.health())
    }

    /// What is counted of keys and of the replay memory: the JSON text of `NativeMetrics` in `ts/boundary/interface.ts`.
    pub fn metrics(&self, at: Moment) -> String {
        let keys = self.keys.iter().map(|keys| (keys.health(at), keys.counts()));
        health::metrics_to_json(keys, &self.replay.metrics(), at.wall)
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

    /// The result with the present keys, or which other keys might change a refusal.
    // As for `decide`.
    #[allow(clippy::result_large_err)]
    fn attempt(
        &self,
        question: &Question<'_>,
        now: UnixTime,
        at: Monotonic,
    ) -> Result<Decided, Lacking<'_, K>> {
        match self.server.decide(question, &Recollection { validator: self, at }, now) {
            Decision::Pending(pending) => Ok(Ok(pending)),
            Decision::Refused(refusal) => Ok(Err(refusal)),
            Decision::KeysNeeded { needed, otherwise } => {
                match self.keys.get(needed.issuer).filter(|keys| keys.can_change()) {
                    Some(keys) => Err(Lacking { keys, needed, otherwise, now }),
                    None => Ok(Err(otherwise)),
                }
            }
        }
    }

    fn keys_of(&self, issuer: IssuerIndex, at: Monotonic) -> Option<Arc<JwkSet>> {
        self.keys.get(issuer)?.current(at)
    }

    /// Keeps the results of a grant.
    fn learn(&self, verdict: Verdict, now: UnixTime) -> Verdict {
        if let Ok(grant) = &verdict {
            self.memories.keep(grant.learned(), now);
        }
        verdict
    }
}

/// A refusal of a request that needed these keys. If there are none, it says why, and how to see more.
fn for_lack_of<K: AsRef<IssuerKeys>>(keys: &HeldKeys<K>, refusal: Refusal) -> Refusal {
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
