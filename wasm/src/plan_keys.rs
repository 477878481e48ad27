//! The keys of one plan in this instance, and the fetch of them that JavaScript makes.
//!
//! In: the answers to requests, the time.
//! Out: the next request; when a fetch ended.
//! Never: two fetches of one plan at a time, a fetch that stays under way for ever.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oidc_spa_native::crypto::random_secret;
use oidc_spa_native::keys::key_ring::KeyRingPolicy;
use oidc_spa_native::time::Monotonic;
use oidc_spa_native_engine::exchange_wire::{ScriptAnswer, ScriptFailure, answer_to, check_host};
use oidc_spa_native_engine::failure::FetchFailure;
use oidc_spa_native_engine::fetch::{FetchedKeys, Fetcher, HttpRequest, Step};
use oidc_spa_native_engine::issuer_keys::IssuerKeys;
use oidc_spa_native_engine::moment::Moment;
use oidc_spa_native_engine::plan::FetchPlan;

/// How much longer than its time limit a request may take before its fetch is forgotten: a runtime may end JavaScript
/// together with the request that began it.
const GRACE_MILLIS: u64 = 1_000;

/// The keys of one plan.
pub(crate) struct PlanKeys {
    pub number: u32,
    keys: IssuerKeys,
    fetching: Mutex<Fetching>,
    /// The validators that use the keys. Without one, nothing is fetched ahead.
    users: AtomicUsize,
}

#[derive(Default)]
struct Fetching {
    /// It remembers between fetches what saves the issuer work.
    fetcher: Option<Fetcher>,
    run: Option<Run>,
    /// How many fetches ended.
    ends: u64,
}

/// A fetch that is under way.
struct Run {
    number: u32,
    begun: Monotonic,
    forgotten_at: Monotonic,
    request: Option<HttpRequest>,
}

/// The keys of one plan, as validators hold them.
#[derive(Clone)]
pub(crate) struct Plan(pub Arc<PlanKeys>);

impl AsRef<IssuerKeys> for Plan {
    fn as_ref(&self) -> &IssuerKeys {
        &self.0.keys
    }
}

/// What comes next in a fetch.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Progress {
    Ask(HttpRequest),
    Ended,
    /// It was forgotten.
    Stale,
}

impl PlanKeys {
    pub(crate) fn new(number: u32, plan: FetchPlan, policy: KeyRingPolicy) -> Self {
        let keys = IssuerKeys::new(plan, policy);
        Self { number, keys, fetching: Mutex::default(), users: AtomicUsize::new(0) }
    }

    pub(crate) fn keys(&self) -> &IssuerKeys {
        &self.keys
    }

    pub(crate) fn enter(&self) {
        self.users.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn leave(&self) {
        self.users.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn is_used(&self) -> bool {
        self.users.load(Ordering::Relaxed) > 0
    }

    /// How many fetches ended.
    pub(crate) fn ends(&self) -> u64 {
        self.fetching().ends
    }

    /// When the fetch that is under way is forgotten.
    pub(crate) fn forgotten_at(&self) -> Option<Monotonic> {
        self.fetching().run.as_ref().map(|run| run.forgotten_at)
    }

    /// A fetch with this number begins.
    pub(crate) fn begin(&self, number: u32, at: Monotonic) {
        let run = Run { number, begun: at, forgotten_at: self.limit_from(at), request: None };
        self.fetching().run = Some(run);
    }

    /// The first request of the fetch with this number.
    pub(crate) fn first_request(&self, number: u32, at: Moment) -> Progress {
        let mut fetching = self.fetching();
        let Some(mut run) = fetching.take_run(number) else { return Progress::Stale };
        let fetcher = fetching.fetcher.take();
        let fetcher = fetcher.map_or_else(|| Fetcher::new(self.keys.plan().clone()), Ok);
        let step = match fetcher {
            Ok(fetcher) => fetching.fetcher.insert(fetcher).begin(at),
            Err(error) => Step::Done(Err(FetchFailure::new(error.to_string()))),
        };
        run.request = None;
        self.advance(fetching, run, step, at)
    }

    /// Takes the answer to the request that the fetch with this number made.
    pub(crate) fn answered(
        &self,
        number: u32,
        got: Result<ScriptAnswer, ScriptFailure>,
        at: Moment,
    ) -> Progress {
        let mut fetching = self.fetching();
        let Some(mut run) = fetching.take_run(number) else { return Progress::Stale };
        let step = match (run.request.take(), &mut fetching.fetcher) {
            (Some(request), Some(fetcher)) => {
                fetcher.answered(answer_to(&request, &self.keys.plan().network, got, at.wall), at)
            }
            _ => Step::Done(Err(FetchFailure::new("internal error: an answer to no request".into()))),
        };
        self.advance(fetching, run, step, at)
    }

    /// Ends a fetch whose JavaScript gives no answer any more. Returns its number.
    pub(crate) fn forget_lost(&self, at: Moment) -> Option<u32> {
        let mut fetching = self.fetching();
        let run = fetching.run.take_if(|run| run.forgotten_at < at.steady)?;
        let failure = FetchFailure::new(format!(
            "{}: the request was lost: the runtime ended it, or it took longer than {} seconds (`network.timeoutMs`)",
            self.keys.plan().issuer.as_str(),
            self.keys.plan().network.timeout.as_secs_f32(),
        ));
        let number = run.number;
        self.end(fetching, run, Err(failure), at);
        Some(number)
    }

    fn advance(
        &self,
        mut fetching: MutexGuard<'_, Fetching>,
        mut run: Run,
        mut step: Step,
        at: Moment,
    ) -> Progress {
        while let (Step::Ask(request), Some(fetcher)) = (&step, &mut fetching.fetcher)
            && let Err(refused) = check_host(request)
        {
            step = fetcher.answered(Err(refused), at);
        }
        match step {
            Step::Ask(request) => {
                run.forgotten_at = self.limit_from(at.steady);
                run.request = Some(request.clone());
                fetching.run = Some(run);
                Progress::Ask(request)
            }
            Step::Done(result) => {
                self.end(fetching, run, result, at);
                Progress::Ended
            }
        }
    }

    fn end(
        &self,
        mut fetching: MutexGuard<'_, Fetching>,
        run: Run,
        result: Result<FetchedKeys, FetchFailure>,
        at: Moment,
    ) {
        fetching.ends += 1;
        drop(fetching);
        let spent = Duration::from_millis(run.begun.millis_until(at.steady));
        self.keys.settle(result, spent, jitter(), at);
    }

    fn limit_from(&self, at: Monotonic) -> Monotonic {
        let timeout = u64::try_from(self.keys.plan().network.timeout.as_millis()).unwrap_or(u64::MAX);
        at.plus_millis(timeout.saturating_add(GRACE_MILLIS))
    }

    fn fetching(&self) -> MutexGuard<'_, Fetching> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fetching {
    fn take_run(&mut self, number: u32) -> Option<Run> {
        self.run.take_if(|run| run.number == number)
    }
}

/// A random number from 0 to 1.
pub(crate) fn jitter() -> f64 {
    let random = random_secret().and_then(|secret| secret.first_chunk().copied());
    f64::from(random.map_or(0, u32::from_be_bytes)) / f64::from(u32::MAX)
}
