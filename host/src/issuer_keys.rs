//! One issuer's keys in this process: carries out what its key ring decides.
//!
//! In: the needs of requests.
//! Out: the keys, and the end of a fetch to wait for.
//! Never: a lock held across an await, a second fetch beside the first.

mod attendance;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use oidc_spa_native::keys::jwk_set::{JwkSet, SkippedKey};
use oidc_spa_native::keys::key_ring::{CarriedKeys, Freshness, KeyRing, KeyRingPolicy, RefreshDecision};
use oidc_spa_native::time::Monotonic;
use tokio::sync::{Notify, watch};

use crate::events::{FetchCounts, Happened, KeysHistory};
use crate::fetch::{FetchFailure, FetchPlan, FetchedKeys};
use crate::health::{IssuerHealth, KeysState, skipped_keys};
use crate::runtime::runtime;
use crate::snapshot::{FetchedSet, place_of};

pub(crate) use attendance::InUse;

/// Requests that may wait for one issuer's keys at a time. Each holds its token; the next ones are refused at once.
const MAX_WAITING: usize = 4096;

/// The same for requests whose token cannot pass with any key by its unverified content. The other places are not for
/// them.
const MAX_WAITING_IN_VAIN: usize = 256;

/// The keys of one issuer, shared by every validator that names it with the same options.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    plan: FetchPlan,
    ring: Mutex<KeyRing>,
    /// A copy of the ring's keys and of the time until which they may be used, so that requests do not wait for each
    /// other.
    current: RwLock<Option<Current>>,
    ended: watch::Sender<FetchEnd>,
    /// Notified when the ring has a new action that was not due before.
    wake: Arc<Notify>,
    history: Mutex<KeysHistory>,
    /// The document of the keys.
    document: Mutex<Option<Arc<str>>>,
    is_attended: AtomicBool,
    /// The users of the keys. Without a user, nothing is fetched.
    users: AtomicUsize,
    waiting: AtomicUsize,
    origin: Instant,
}

#[derive(Clone, Debug)]
struct Current {
    keys: Arc<JwkSet>,
    serve_until: Option<Monotonic>,
}

/// The result of the last fetch.
#[derive(Clone, Debug, Default)]
struct FetchEnd {
    error: Option<Arc<str>>,
    /// The keys of a refused set that has no usable one.
    skipped: Arc<[SkippedKey]>,
}

/// The result of a request for newer keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Newer {
    /// A fetch ended, with or without success.
    Ended,
    /// No fetch will be made now.
    NotNow,
    /// No fetch ended in time.
    TimedOut,
    /// Too many requests wait for it already.
    Crowded,
}

impl IssuerKeys {
    pub(crate) fn new(plan: FetchPlan, policy: KeyRingPolicy) -> Self {
        Self {
            plan,
            ring: Mutex::new(KeyRing::new(policy)),
            current: RwLock::new(None),
            ended: watch::Sender::default(),
            wake: Arc::new(Notify::new()),
            history: Mutex::default(),
            document: Mutex::default(),
            is_attended: AtomicBool::new(false),
            users: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            origin: Instant::now(),
        }
    }

    /// The keys that may be used now.
    pub(crate) fn current(&self) -> Option<Arc<JwkSet>> {
        self.serving(|current| Arc::clone(&current.keys))
    }

    /// The number of the keys that may be used now.
    pub(crate) fn number(&self) -> Option<u64> {
        self.serving(|current| current.keys.number())
    }

    fn serving<T>(&self, read: impl FnOnce(&Current) -> T) -> Option<T> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let current = current.as_ref()?;
        let serves = current.serve_until.is_none_or(|end| self.now() <= end);
        serves.then(|| read(current))
    }

    /// Whether a request for newer keys than those with this number would be refused now.
    pub(crate) fn is_in_vain(&self, key_set: Option<u64>, unknown_kid: Option<&str>) -> bool {
        let now = self.now();
        self.ring().is_in_vain(key_set, unknown_kid, now)
    }

    /// Why the last fetch failed, if it did.
    pub(crate) fn last_error(&self) -> Option<Arc<str>> {
        self.ended.borrow().error.clone()
    }

    /// Remembers that a refresh has not found this `kid`.
    pub(crate) fn remember_unknown(&self, kid: &str) {
        let now = self.now();
        self.ring().remember_unknown(kid, now);
    }

    /// Requests newer keys than those with this number, and waits until a fetch has ended. A token that `may_pass` has
    /// priority.
    pub(crate) async fn newer(
        self: &Arc<Self>,
        key_set: Option<u64>,
        may_pass: bool,
        deadline: Instant,
    ) -> Newer {
        let _in_use = InUse::of(self);
        // Subscribed before asking, so that an end in between is not missed.
        let mut ended = self.ended.subscribe();
        let (demand, due) = {
            let (mut ring, now) = (self.ring(), self.now());
            if ring.number(now) != key_set {
                // Newer keys came while the caller was judging with the old ones. So no request is needed, and no
                // cool-down refuses it.
                return Newer::Ended;
            }
            (ring.decide_refresh(now), ring.due())
        };
        match (demand, due) {
            (RefreshDecision::NotNow, _) => return Newer::NotNow,
            // The pause after a failed attempt is longer than the caller can wait.
            (RefreshDecision::Wait, Some(due)) if self.instant(due) > deadline => return Newer::TimedOut,
            (RefreshDecision::Wait, _) => {}
            (RefreshDecision::Fetch, _) => {
                if let Err(error) = self.attend() {
                    self.settle(Err(FetchFailure::new(error)), Duration::ZERO);
                    return Newer::TimedOut;
                }
            }
        }
        let Some(_waiting) = Waiting::begin(self, may_pass) else { return Newer::Crowded };
        // The deadline is kept on our own runtime: the caller's executor may have no timer.
        let Ok(runtime) = runtime() else { return Newer::TimedOut };
        let waiting = runtime
            .spawn(async move { tokio::time::timeout_at(deadline.into(), ended.changed()).await.is_ok() });
        if waiting.await.unwrap_or(false) { Newer::Ended } else { Newer::TimedOut }
    }

    /// Waits until there are keys. With `fail_fast`, the first failed fetch ends the wait.
    pub(crate) async fn ready(self: &Arc<Self>, deadline: Instant, fail_fast: bool) -> Result<(), String> {
        // `ready()` does not wait for the whole pause after a failed attempt.
        self.ring().hurry(self.now());
        self.wake.notify_one();
        while self.current().is_none() {
            let outcome = self.newer(None, true, deadline).await;
            let error = self.last_error();
            if self.current().is_some() {
                break;
            }
            if fail_fast || outcome != Newer::Ended {
                return Err(match error {
                    Some(error) => error.to_string(),
                    None => format!("{}: the issuer has not answered yet", self.issuer_uri()),
                });
            }
        }
        Ok(())
    }

    /// Tells the ring, all who wait and all who listen how a fetch ended.
    fn settle(&self, result: Result<FetchedKeys, FetchFailure>, spent: Duration) {
        let jitter = fastrand::f64();
        let (error, refused, happened) = {
            let (mut ring, now) = (self.ring(), self.now());
            let before = ring.held().cloned();
            let was_failing = ring.failures() > 0;
            let keys = result.and_then(|FetchedKeys { keys, lifetime_millis, clock_skew_secs }| {
                self.history().note_clock(clock_skew_secs);
                let keys = keys.map(|(keys, document)| {
                    *self.document() = Some(document);
                    Arc::new(keys)
                });
                let unchanged = "the issuer answered that nothing has changed, to a first question";
                let keys = keys.or_else(|| before.clone()).ok_or_else(|| FetchFailure::new(unchanged.into()));
                keys.map(|keys| (keys, lifetime_millis))
            });
            match keys {
                Ok((keys, lifetime_millis)) => {
                    let rotated = before.is_some_and(|before| !before.has_the_keys_of(&keys));
                    ring.fetched(now, keys, lifetime_millis, jitter);
                    (None, Vec::new(), Happened::Fetched { was_failing, rotated })
                }
                Err(FetchFailure { message, retry_after_millis, skipped }) => {
                    ring.failed(now, retry_after_millis, jitter);
                    (Some(Arc::<str>::from(message)), skipped, Happened::Failed)
                }
            }
        };
        self.publish();
        let skipped = skipped_keys(self.ring().held(), &[]);
        self.history().note(self.issuer_uri(), (happened, spent), error.as_deref(), skipped);
        self.ended.send_replace(FetchEnd { error, skipped: refused.into() });
    }

    /// Takes keys that another process fetched, unless there are keys already. Returns whether it took them.
    pub(crate) fn carry(&self, carried: CarriedKeys, document: Arc<str>, fetched_at: SystemTime) -> bool {
        let is_taken = {
            let (mut ring, now) = (self.ring(), self.now());
            ring.carry(now, carried, fastrand::f64())
        };
        if is_taken {
            *self.document() = Some(document);
            self.history().note_carried(fetched_at);
            self.publish();
        }
        is_taken
    }

    /// The current keys, for a snapshot.
    pub(crate) fn carriable(&self) -> Option<FetchedSet> {
        let (fresh_until, now) = {
            let (ring, now) = (self.ring(), self.now());
            ring.keys(now)?;
            (ring.fresh_until()?, now)
        };
        let wall = SystemTime::now() + Duration::from_millis(now.millis_until(fresh_until));
        Some(FetchedSet {
            place: place_of(&self.plan),
            issuer_uri: self.issuer_uri().to_owned(),
            document: self.document().clone()?,
            fetched_at: self.history().fetched_at()?,
            fresh_until: wall - Duration::from_millis(fresh_until.millis_until(now)),
        })
    }

    /// The plan of the fetches.
    pub(crate) const fn plan(&self) -> &FetchPlan {
        &self.plan
    }

    fn document(&self) -> MutexGuard<'_, Option<Arc<str>>> {
        self.document.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The health of the keys.
    pub(crate) fn health(&self) -> IssuerHealth {
        let (ring, now, wall) = (self.ring(), self.now(), SystemTime::now());
        let since = |at: Monotonic| wall - Duration::from_millis(at.millis_until(now));
        let freshness = ring.freshness(now);
        let is_stale = matches!(freshness, Freshness::Stale | Freshness::Expired);
        let (fetched_at, clock_skew_secs) = {
            let history = self.history();
            (history.fetched_at(), history.clock_skew_secs())
        };
        IssuerHealth {
            issuer_uri: self.issuer_uri().to_owned(),
            state: KeysState::Fetched(freshness),
            keys: ring.keys(now).cloned(),
            fetched_at,
            next_fetch_at: ring.due().map(|due| wall + Duration::from_millis(now.millis_until(due))),
            stale_since: ring.fresh_until().filter(|_| is_stale).map(since),
            last_error: self.last_error(),
            refused: self.ended.borrow().skipped.to_vec(),
            clock_skew_secs,
        }
    }

    /// How often the issuer was asked, by all validators that share the keys.
    pub(crate) fn counts(&self) -> FetchCounts {
        self.history().counts()
    }

    fn history(&self) -> MutexGuard<'_, KeysHistory> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn issuer_uri(&self) -> &str {
        self.plan.issuer.as_str()
    }

    /// Copies the ring's keys to where requests read them.
    fn publish(&self) {
        let ring = self.ring();
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let serve_until = ring.serve_until();
        *current = ring.held().map(|keys| Current { keys: Arc::clone(keys), serve_until });
    }

    fn ring(&self) -> MutexGuard<'_, KeyRing> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Monotonic {
        Monotonic::from_millis(u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn instant(&self, at: Monotonic) -> Instant {
        Instant::now() + Duration::from_millis(self.now().millis_until(at))
    }
}

impl Drop for IssuerKeys {
    fn drop(&mut self) {
        // The task wakes, finds that its keys were dropped, and ends.
        self.wake.notify_one();
    }
}

/// One waiting request. Their number is limited.
struct Waiting<'k>(&'k AtomicUsize);

impl<'k> Waiting<'k> {
    fn begin(keys: &'k IssuerKeys, may_pass: bool) -> Option<Self> {
        let most = if may_pass { MAX_WAITING } else { MAX_WAITING_IN_VAIN };
        let before = keys.waiting.fetch_add(1, Ordering::AcqRel);
        let waiting = Self(&keys.waiting);
        (before < most).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
