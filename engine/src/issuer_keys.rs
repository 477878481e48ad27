//! The keys of one issuer from one place: what its key ring decides, and what came of it.
//!
//! In: the needs of requests, the ends of fetches, the time.
//! Out: the keys; whether a request begins a fetch, waits for one, or is refused.
//! Never: a fetch of its own, a clock.

#[cfg(not(feature = "loom"))]
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
#[cfg(not(feature = "loom"))]
use std::sync::{Mutex, MutexGuard, RwLock};
use std::time::Duration;

#[cfg(feature = "loom")]
use loom::sync::{Mutex, MutexGuard, RwLock, atomic::AtomicUsize};

use oidc_spa_native::keys::jwk_set::{JwkSet, SkippedKey};
use oidc_spa_native::keys::key_ring::{CarriedKeys, Freshness, KeyRing, KeyRingPolicy, RefreshDecision};
use oidc_spa_native::time::Monotonic;

use crate::events::{FetchCounts, Happened, KeysHistory};
use crate::failure::FetchFailure;
use crate::fetch::FetchedKeys;
use crate::health::{IssuerHealth, KeysState, skipped_keys};
use crate::moment::Moment;
use crate::plan::FetchPlan;
use crate::snapshot::{FetchedSet, place_of};

/// Requests that may wait for one issuer's keys at a time. Each holds its token; the next ones are refused at once.
pub const MAX_WAITING: usize = 4096;

/// The same for requests whose token cannot pass with any key by its unverified content. The other places are not for
/// them.
pub const MAX_WAITING_IN_VAIN: usize = 256;

/// The keys of one issuer, shared by every validator that names it with the same options.
#[derive(Debug)]
pub struct IssuerKeys {
    plan: FetchPlan,
    ring: Mutex<KeyRing>,
    /// A copy of the ring's keys and of the time until which they may be used, so that requests do not wait for each
    /// other.
    current: RwLock<Option<Current>>,
    last_failure: Mutex<Option<LastFailure>>,
    history: Mutex<KeysHistory>,
    /// The document of the keys.
    document: Mutex<Option<Arc<str>>>,
    waiting: AtomicUsize,
}

/// Why the last fetch failed.
#[derive(Clone, Debug)]
struct LastFailure {
    error: Arc<str>,
    /// The keys of a refused set that has no usable one.
    skipped: Arc<[SkippedKey]>,
}

#[derive(Clone, Debug)]
struct Current {
    keys: Arc<JwkSet>,
    serve_until: Option<Monotonic>,
}

/// The result of a request for newer keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newer {
    /// A fetch ended, with or without success.
    Ended,
    /// No fetch will be made now.
    NotNow,
    /// No fetch ended in time.
    TimedOut,
    /// Too many requests wait for it already.
    Crowded,
}

/// What a request for newer keys does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// It has its result already.
    Over(Newer),
    /// It begins a fetch, and waits for its end.
    Begin,
    /// It waits for the end of a fetch that another one begins.
    UnderWay,
}

impl IssuerKeys {
    /// No keys yet. Nothing is fetched until a request needs keys.
    pub fn new(plan: FetchPlan, policy: KeyRingPolicy) -> Self {
        Self {
            plan,
            ring: Mutex::new(KeyRing::new(policy)),
            current: RwLock::default(),
            last_failure: Mutex::new(None),
            history: Mutex::new(KeysHistory::default()),
            document: Mutex::new(None),
            waiting: AtomicUsize::new(0),
        }
    }

    /// The keys that may be used now.
    pub fn current(&self, at: Monotonic) -> Option<Arc<JwkSet>> {
        self.serving(at, |current| Arc::clone(&current.keys))
    }

    /// The number of the keys that may be used now.
    pub fn number(&self, at: Monotonic) -> Option<u64> {
        self.serving(at, |current| current.keys.number())
    }

    fn serving<T>(&self, at: Monotonic, read: impl FnOnce(&Current) -> T) -> Option<T> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let current = current.as_ref()?;
        let serves = current.serve_until.is_none_or(|end| at <= end);
        serves.then(|| read(current))
    }

    /// Whether a request for newer keys than those with this number would be refused now.
    pub fn is_in_vain(&self, key_set: Option<u64>, unknown_kid: Option<&str>, at: Monotonic) -> bool {
        self.ring().is_in_vain(key_set, unknown_kid, at)
    }

    /// Why the last fetch failed, if it did.
    pub fn last_error(&self) -> Option<Arc<str>> {
        self.last_failure().as_ref().map(|failure| Arc::clone(&failure.error))
    }

    /// Remembers that a refresh has not found this `kid`.
    pub(crate) fn remember_unknown(&self, kid: &str, at: Monotonic) {
        self.ring().remember_unknown(kid, at);
    }

    /// Requests newer keys than those with this number, for a request that can wait until the deadline.
    pub fn refresh(&self, key_set: Option<u64>, deadline: Monotonic, at: Monotonic) -> Refresh {
        let mut ring = self.ring();
        if ring.number(at) != key_set {
            // Newer keys came while the caller was judging with the old ones. So no request is needed, and no
            // cool-down refuses it.
            return Refresh::Over(Newer::Ended);
        }
        match (ring.decide_refresh(at), ring.due()) {
            (RefreshDecision::NotNow, _) => Refresh::Over(Newer::NotNow),
            // The pause after a failed attempt is longer than the caller can wait.
            (RefreshDecision::Wait, Some(due)) if due > deadline => Refresh::Over(Newer::TimedOut),
            (RefreshDecision::Wait, _) => Refresh::UnderWay,
            (RefreshDecision::Fetch, _) => Refresh::Begin,
        }
    }

    /// Whether a fetch is made now: it was begun by a request, or its time has come.
    pub fn begins(&self, at: Monotonic) -> bool {
        let mut ring = self.ring();
        ring.is_fetching() || ring.wake(at)
    }

    /// Begins a fetch, if its time has come.
    pub fn wake(&self, at: Monotonic) -> bool {
        self.ring().wake(at)
    }

    /// Whether a fetch is under way.
    pub fn is_fetching(&self) -> bool {
        self.ring().is_fetching()
    }

    /// Whether there are keys, also such that may no longer be used.
    pub fn has_held(&self) -> bool {
        self.ring().held().is_some()
    }

    /// When the next fetch begins, also without a request.
    pub fn due(&self) -> Option<Monotonic> {
        self.ring().due()
    }

    /// The application waits for keys: the pause after a failed attempt is shortened.
    pub fn hurry(&self, at: Monotonic) {
        self.ring().hurry(at);
    }

    /// Why the wait of an application for keys ends without them.
    pub fn not_ready(&self) -> String {
        match self.last_error() {
            Some(error) => error.to_string(),
            None => format!("{}: the issuer has not answered yet", self.issuer_uri()),
        }
    }

    /// Publishes once that keys are used beyond their age. Returns the time of this, if it is in the future.
    pub fn tell_if_stale(&self, at: Monotonic) -> Option<Monotonic> {
        let (fresh_until, freshness, is_failing) = {
            let ring = self.ring();
            (ring.fresh_until()?, ring.freshness(at), ring.failures() > 0)
        };
        match freshness {
            Freshness::Fresh if is_failing => Some(fresh_until.plus_millis(1)),
            Freshness::Stale => {
                self.history().note_stale(self.issuer_uri());
                None
            }
            _ => None,
        }
    }

    /// Takes the end of a fetch, and publishes it. `jitter` is a random number from 0 to 1; `spent` is how long the
    /// fetch took.
    pub fn settle(
        &self,
        result: Result<FetchedKeys, FetchFailure>,
        spent: Duration,
        jitter: f64,
        at: Moment,
    ) {
        let (failure, happened) = {
            let mut ring = self.ring();
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
                    ring.fetched(at.steady, keys, lifetime_millis, jitter);
                    (None, Happened::Fetched { was_failing, rotated })
                }
                Err(FetchFailure { message, retry_after_millis, skipped }) => {
                    ring.failed(at.steady, retry_after_millis, jitter);
                    let failure = LastFailure { error: message.into(), skipped: skipped.into() };
                    (Some(failure), Happened::Failed)
                }
            }
        };
        self.publish();
        let skipped = skipped_keys(self.ring().held(), &[]);
        let error = failure.as_ref().map(|failure| &*failure.error);
        self.history().note(self.issuer_uri(), (happened, spent), error, skipped, at.wall);
        *self.last_failure() = failure;
    }

    /// Takes keys that another process fetched, unless there are keys already. Returns whether it took them.
    pub(crate) fn carry(
        &self,
        carried: CarriedKeys,
        FetchedSet { document, fetched_at, .. }: FetchedSet,
        jitter: f64,
        at: Monotonic,
    ) -> bool {
        let is_taken = self.ring().carry(at, carried, jitter);
        if is_taken {
            *self.document() = Some(document);
            self.history().note_carried(fetched_at);
            self.publish();
        }
        is_taken
    }

    /// The current keys, for a snapshot.
    pub(crate) fn carriable(&self, at: Moment) -> Option<FetchedSet> {
        let fresh_until = {
            let ring = self.ring();
            ring.keys(at.steady)?;
            ring.fresh_until()?
        };
        Some(FetchedSet {
            place: place_of(&self.plan),
            issuer_uri: self.issuer_uri().to_owned(),
            document: self.document().clone()?,
            fetched_at: self.history().fetched_at()?,
            fresh_until: at.wall_of(fresh_until),
        })
    }

    /// The plan of the fetches.
    pub const fn plan(&self) -> &FetchPlan {
        &self.plan
    }

    /// The health of the keys.
    pub(crate) fn health(&self, at: Moment) -> IssuerHealth {
        let ring = self.ring();
        let freshness = ring.freshness(at.steady);
        let is_stale = matches!(freshness, Freshness::Stale | Freshness::Expired);
        let (fetched_at, clock_skew_secs) = {
            let history = self.history();
            (history.fetched_at(), history.clock_skew_secs())
        };
        let later = |due: Monotonic| at.wall + Duration::from_millis(at.steady.millis_until(due));
        IssuerHealth {
            issuer_uri: self.issuer_uri().to_owned(),
            state: KeysState::Fetched(freshness),
            keys: ring.keys(at.steady).cloned(),
            fetched_at,
            next_fetch_at: ring.due().map(later),
            stale_since: ring.fresh_until().filter(|_| is_stale).map(|until| at.wall_of(until)),
            last_error: self.last_error(),
            refused: self.last_failure().as_ref().map(|failure| failure.skipped.to_vec()).unwrap_or_default(),
            clock_skew_secs,
        }
    }

    /// How often the issuer was asked, by all validators that share the keys.
    pub fn counts(&self) -> FetchCounts {
        self.history().counts()
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

    fn document(&self) -> MutexGuard<'_, Option<Arc<str>>> {
        self.document.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn history(&self) -> MutexGuard<'_, KeysHistory> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_failure(&self) -> MutexGuard<'_, Option<LastFailure>> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one waiting request. Their number is limited.
#[derive(Debug)]
pub struct Place<K: AsRef<IssuerKeys>>(K);

impl<K: AsRef<IssuerKeys>> Place<K> {
    /// Takes a place, if one is free. A token that `may_pass` has priority.
    pub fn take(keys: K, may_pass: bool) -> Option<Self> {
        let most = if may_pass { MAX_WAITING } else { MAX_WAITING_IN_VAIN };
        let before = keys.as_ref().waiting.fetch_add(1, Ordering::AcqRel);
        let place = Self(keys);
        (before < most).then_some(place)
    }
}

impl<K: AsRef<IssuerKeys>> Drop for Place<K> {
    fn drop(&mut self) {
        self.0.as_ref().waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Newer {
    /// The result of two sets of one issuer, of which both must say no.
    #[must_use]
    pub const fn beside(self, other: Self) -> Self {
        match (self, other) {
            (Self::Ended, _) | (_, Self::Ended) => Self::Ended,
            (Self::Crowded, _) | (_, Self::Crowded) => Self::Crowded,
            (Self::TimedOut, _) | (_, Self::TimedOut) => Self::TimedOut,
            (Self::NotNow, Self::NotNow) => Self::NotNow,
        }
    }
}

#[cfg(all(test, feature = "loom"))]
mod interleavings;
