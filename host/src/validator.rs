//! A validator of a process: it lets the engine judge, fetches missing keys and asks the replay store.
//!
//! In: options, questions, the time.
//! Out: verdicts.
//! Never: a rule about which requests are granted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oidc_spa_native::challenge::{Demand, Refusal};
use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::memory::IssuerIndex;
use oidc_spa_native::presentation::RequestRules;
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::rejection::{Code, Rejection};
use oidc_spa_native::resource_server::{NamedIssuer, Verdict};
use oidc_spa_native::scheme::Scheme;
use oidc_spa_native::shadow::GrantedToken;
use oidc_spa_native::time::{Monotonic, UnixTime};
use oidc_spa_native_engine::held_keys::HeldKeys;
use oidc_spa_native_engine::issuer_keys::Newer;
use oidc_spa_native_engine::keys_wait::KeysWait;
use oidc_spa_native_engine::options::replay::ReplayChoice;
use oidc_spa_native_engine::options::{Internals, Options};
use oidc_spa_native_engine::options_error::OptionsError;
use oidc_spa_native_engine::replay::{Store, StoreQuestion, StoreState};
use oidc_spa_native_engine::validator::{self as engine, Answer, Decided, Means};
use tokio::task::JoinSet;

use crate::application_fetch::ApplicationFetch;
use crate::clock::{moment, steady};
use crate::issuer_keys::{InUse, SharedKeys};
use crate::judgement::{Judgement, Wait, WaitsFor};
use crate::memories::CachedMemories;
use crate::process::Process;
use crate::registry;
use crate::replay::redis_store::{RedisSettings, RedisStore};
use crate::runtime::{run, runtime};

type Engine = engine::Validator<SharedKeys, CachedMemories>;

/// A resource server's guard in this process. What needs neither the process's clock nor its network is the engine's.
#[derive(Debug)]
pub struct Validator {
    engine: Engine,
    /// The store that this process asks.
    redis: Option<Arc<RedisStore>>,
    /// The uses of the fetched keys. Empty once the validator is retired.
    uses: Mutex<Vec<InUse>>,
}

impl Validator {
    /// A validator with these options: a JSON text with the members that `index.d.ts` describes. No network call is
    /// made here. If the internals name a function of the application that makes the requests, it is one of these
    /// `functions`.
    pub fn new(
        options: &str,
        internals: Internals,
        functions: Option<Arc<dyn ApplicationFetch>>,
    ) -> Result<Self, OptionsError> {
        let options = Options::parse(options, internals, &Process)?;
        let memory = match internals.own_clock {
            true => Arc::new(registry::new_replay_memory()),
            false => registry::replay_memory(),
        };
        Self::remembering(options, memory, functions)
    }

    /// A validator with these options that remembers proofs in this memory.
    fn remembering(
        options: Options,
        replay_memory: Arc<ReplayMemory>,
        functions: Option<Arc<dyn ApplicationFetch>>,
    ) -> Result<Self, OptionsError> {
        let redis = match &options.replay.choice {
            ReplayChoice::Redis(options) => Some(registry::redis_store(RedisSettings::of(options)?)),
            ReplayChoice::Process | ReplayChoice::Application => None,
        };
        let store = match (&redis, &options.replay.choice) {
            (Some(redis), _) => Store::Redis(Arc::clone(redis.state())),
            (None, ReplayChoice::Application) => Store::Application(StoreState::default()),
            (None, _) => Store::None,
        };
        let means = Means {
            replay_memory,
            replay_entries: ReplayMemory::DEFAULT_CAPACITY,
            store,
            memories: CachedMemories::new,
            keys_of: &mut |plan, policy| SharedKeys(registry::issuer_keys(plan, policy, functions.clone())),
            jitter: &mut fastrand::f64,
        };
        let engine = Engine::new(options, means, moment());
        let uses = Mutex::new(engine.fetched().map(|keys| InUse::of(&keys.0)).collect());
        Ok(Self { engine, redis, uses })
    }

    /// The answer with the present keys, or a wait.
    pub fn judge(&self, question: &Question<'_>, now: UnixTime) -> Judgement {
        #[cfg(feature = "fault")]
        crate::fault::strike("judge");
        match self.engine.judge(question, now, steady()) {
            Ok(Answer::AskStore(asked)) if self.redis.is_some() => {
                Judgement::Waits(Wait(WaitsFor::Store(asked)))
            }
            Ok(answer) => Judgement::Answer(answer),
            Err(wait) => Judgement::Waits(Wait(WaitsFor::Keys(wait))),
        }
    }

    /// The answer to a question that must wait, when its keys or the store's answer have come, or when the time is
    /// over.
    pub async fn answer(self: &Arc<Self>, wait: Wait, question: &Question<'_>) -> Answer {
        let asked = match wait.0 {
            WaitsFor::Store(asked) => asked,
            WaitsFor::Keys(wait) => match self.engine.settle(self.decide_with_keys(question, wait).await) {
                Answer::AskStore(asked) if self.redis.is_some() => asked,
                answer => return answer,
            },
        };
        Answer::Verdict(Arc::clone(self).ask_store(asked, question.rules).await)
    }

    /// Every check of a question, in order, with the same keys as an answer, after the same wait: the JSON text of
    /// `NativeExplanation` in `ts/boundary/interface.ts`. Nothing is granted and nothing is remembered.
    pub async fn explain(&self, question: &Question<'_>, now: UnixTime) -> String {
        let wait = self.engine.wait(now, steady());
        let decided = self.decide_with_keys(question, wait).await;
        self.engine.explain(question, decided, &wait, steady())
    }

    /// The decision when the needed keys have come, or when the time to wait for them is over.
    async fn decide_with_keys(&self, question: &Question<'_>, mut wait: KeysWait) -> Decided {
        #[cfg(feature = "fault")]
        crate::fault::strike("wait");
        loop {
            let lacking = match self.engine.decide(question, &wait, steady()) {
                Ok(decided) => return decided,
                Err(lacking) => lacking,
            };
            let (key_set, may_pass) = (lacking.key_set(), lacking.may_pass());
            let newer = newer(lacking.keys(), key_set, may_pass, wait.deadline()).await;
            if let Some(refusal) = self.engine.after(lacking, newer, &mut wait, question.rules, steady()) {
                return Err(refusal);
            }
        }
    }

    /// Asks the replay store. No failure on the way becomes a grant.
    async fn ask_store(self: Arc<Self>, asked: StoreQuestion, rules: RequestRules) -> Verdict {
        let (now, validator) = (asked.now(), Arc::clone(&self));
        let asking = run(async move {
            match &validator.redis {
                Some(redis) => {
                    let word = redis.check_and_store(asked.name(), asked.lifetime_millis()).await;
                    validator.engine.finish(asked, word)
                }
                None => validator.engine.conclude(asked, Err("internal error: there is no store".into())),
            }
        });
        asking.await.unwrap_or_else(|error| {
            let (rejection, used) = (Code::ReplayMemoryUnavailable.because(error), Some(Scheme::DPoP));
            Err(self.engine.refuse(rejection, used, rules, &Demand::default(), now))
        })
    }

    /// The options as JavaScript needs them, with their defaults: the JSON text of `Settings` in `ts/boundary/interface.ts`.
    pub fn settings(&self) -> String {
        self.engine.settings()
    }

    /// The verdict, with the answer of the application's replay store: whether the proof is new, or why there is no
    /// answer.
    pub fn conclude(&self, asked: StoreQuestion, is_new: Result<bool, String>) -> Verdict {
        self.engine.conclude(asked, is_new)
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
        #[cfg(feature = "fault")]
        crate::fault::strike("refuse");
        self.engine.refuse(rejection, used, rules, demand, now)
    }

    /// The issuer that a request's unverified token names. If it is not known yet, the application is asked for it.
    pub fn named_issuer(&self, request: &Request<'_>, now: UnixTime) -> Option<NamedIssuer> {
        self.engine.named_issuer(request, now)
    }

    /// Whether an issuer of the options has this name, be it an alias.
    pub fn accepts_issuer(&self, name: &str) -> bool {
        #[cfg(feature = "fault")]
        crate::fault::strike("name");
        self.engine.accepts_issuer(name)
    }

    /// Why the rules that are tried (`shadow`) would refuse a token that was granted a moment ago. Nothing is refused and
    /// nothing is remembered.
    pub fn objection(
        &self,
        token: GrantedToken<'_>,
        rules: RequestRules,
        now: UnixTime,
    ) -> Option<Rejection> {
        self.engine.objection(token, rules, now)
    }

    /// The fetched keys that are in use now, as a text for the option `keysSnapshot` of another process.
    pub fn snapshot(&self) -> String {
        self.engine.snapshot(moment())
    }

    /// Retires the validator: it gets no more requests. Keys that no other validator uses are no longer fetched, except
    /// for requests that already wait for them.
    pub fn retire(&self) {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Waits until every issuer has keys; the error says which issuer has none and why. All are asked at once.
    pub async fn ready(&self, timeout: Duration, fail_fast: bool) -> Result<(), String> {
        let deadline = steady().plus_millis(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
        let mut asked = Vec::new();
        for keys in self.engine.fetched() {
            let keys = Arc::clone(&keys.0);
            asked.push(runtime()?.spawn(async move { keys.ready(deadline, fail_fast).await }));
        }
        let mut errors = Vec::new();
        for answer in asked {
            errors.extend(answer.await.unwrap_or_else(|_| Err("the wait ended unexpectedly".into())).err());
        }
        if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
    }

    /// The number of the keys with which an issuer's tokens are verified now. When the keys change, this number is
    /// never used again.
    pub fn key_set_number(&self, issuer: IssuerIndex) -> Option<u64> {
        self.engine.key_set_number(issuer, steady())
    }

    /// The state of each issuer's keys and of the replay memory: the JSON text of `ValidatorHealth` in `index.d.ts`.
    pub fn health(&self) -> String {
        self.engine.health(moment())
    }

    /// What is counted of keys and of the replay memory: the JSON text of `NativeMetrics` in `ts/boundary/interface.ts`.
    pub fn metrics(&self) -> String {
        self.engine.metrics(moment())
    }
}

/// Requests newer keys than those with this number, and waits until a fetch has ended; with several sets, the first
/// one. A token that `may_pass` has priority.
async fn newer(
    held: &HeldKeys<SharedKeys>,
    key_set: Option<u64>,
    may_pass: bool,
    deadline: Monotonic,
) -> Newer {
    let Some(asked) = held.asked_of(key_set, steady()) else { return Newer::Ended };
    if let [(SharedKeys(keys), number)] = asked.as_slice() {
        return keys.newer(*number, may_pass, deadline).await;
    }
    let Ok(runtime) = runtime() else { return Newer::TimedOut };
    let mut waiting = JoinSet::new();
    for (SharedKeys(keys), number) in asked {
        let keys = Arc::clone(keys);
        waiting.spawn_on(async move { keys.newer(number, may_pass, deadline).await }, runtime.handle());
    }
    let mut outcome = Newer::NotNow;
    while let Some(answer) = waiting.join_next().await {
        outcome = outcome.beside(answer.unwrap_or(Newer::TimedOut));
        if outcome == Newer::Ended {
            break;
        }
    }
    outcome
}

#[cfg(test)]
mod tests;
