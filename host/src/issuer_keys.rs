//! One issuer's keys in this process: carries out what its key ring decides.
//!
//! In: the needs of requests.
//! Out: the keys, and the end of a fetch to wait for.
//! May use: fetch, runtime, the validator's key ring, tokio.
//! Never: a lock held across an await, a second fetch beside the first.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::keys::key_ring::{Demand, KeyRing, KeyRingPolicy};
use oidc_spa_native::keys::metadata::Issuer;
use oidc_spa_native::time::Monotonic;
use tokio::sync::{Notify, watch};

use crate::fetch::{FetchFailure, FetchLimits, FetchedKeys, Fetcher};
use crate::runtime::runtime;

/// Requests that may wait for one issuer's keys at a time. Each holds its token; the next ones are refused at once.
const MAX_WAITING: usize = 4096;

/// The keys of one issuer, shared by every validator that names it with the same options.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    issuer: Issuer,
    limits: FetchLimits,
    ring: Mutex<KeyRing>,
    /// A copy of the ring's keys and of the time until which they serve, so that requests do not wait for each other.
    current: RwLock<Option<Current>>,
    ended: watch::Sender<FetchEnd>,
    /// Rung when the ring has something to do that was not due before.
    bell: Arc<Notify>,
    is_attended: AtomicBool,
    waiting: AtomicUsize,
    origin: Instant,
}

#[derive(Clone, Debug)]
struct Current {
    keys: Arc<JwkSet>,
    serve_until: Option<Monotonic>,
}

/// How the last fetch ended.
#[derive(Clone, Debug, Default)]
struct FetchEnd {
    error: Option<Arc<str>>,
}

/// What came of asking for newer keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Newer {
    /// A fetch ended, well or badly.
    Ended,
    /// None will be made now.
    Refused,
    /// None ended in time.
    TimedOut,
}

impl IssuerKeys {
    pub(crate) fn new(issuer: Issuer, policy: KeyRingPolicy, limits: FetchLimits) -> Self {
        Self {
            issuer,
            limits,
            ring: Mutex::new(KeyRing::new(policy)),
            current: RwLock::new(None),
            ended: watch::Sender::default(),
            bell: Arc::new(Notify::new()),
            is_attended: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            origin: Instant::now(),
        }
    }

    /// The keys that may serve now.
    pub(crate) fn current(&self) -> Option<Arc<JwkSet>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let current = current.as_ref()?;
        let serves = current.serve_until.is_none_or(|end| self.now() <= end);
        serves.then(|| Arc::clone(&current.keys))
    }

    /// Whether asking for newer keys than those that were `seen` is of no use now.
    pub(crate) fn is_cooling_down(&self, seen: Option<&Arc<JwkSet>>) -> bool {
        let (ring, now) = (self.ring(), self.now());
        same_keys(ring.keys(now), seen) && ring.would_refuse(now)
    }

    /// Asks for newer keys than those that were `seen`, and waits until a fetch has ended.
    pub(crate) async fn newer(self: &Arc<Self>, seen: Option<&Arc<JwkSet>>, deadline: Instant) -> Newer {
        // Subscribed before asking, so that an end in between is not missed.
        let mut ended = self.ended.subscribe();
        let (demand, due) = {
            let (mut ring, now) = (self.ring(), self.now());
            if !same_keys(ring.keys(now), seen) {
                // They came while the caller was judging with the ones before: no need to ask, and no cool-down
                // that would refuse it.
                return Newer::Ended;
            }
            (ring.demand(now), ring.due())
        };
        match (demand, due) {
            (Demand::Refuse, _) => return Newer::Refused,
            // The pause after a failed attempt outlasts the patience of the caller.
            (Demand::Wait, Some(due)) if self.instant(due) > deadline => return Newer::TimedOut,
            (Demand::Wait, _) => {}
            (Demand::Fetch, _) => {
                if let Err(error) = self.attend() {
                    let message = FetchFailure::new(error);
                    self.settle(Err(message));
                    return Newer::TimedOut;
                }
            }
        }
        let Some(_waiting) = Waiting::begin(self) else { return Newer::Refused };
        // The deadline is kept on our own runtime: the caller's executor may have no timer.
        let Ok(runtime) = runtime() else { return Newer::TimedOut };
        let waiting = runtime
            .spawn(async move { tokio::time::timeout_at(deadline.into(), ended.changed()).await.is_ok() });
        if waiting.await.unwrap_or(false) { Newer::Ended } else { Newer::TimedOut }
    }

    /// Waits until there are keys. With `fail_fast`, the first failed fetch ends the wait.
    pub(crate) async fn ready(self: &Arc<Self>, deadline: Instant, fail_fast: bool) -> Result<(), String> {
        // Whoever asks for the keys themselves does not wait for the pause after a failed attempt.
        self.ring().hurry(self.now());
        self.bell.notify_one();
        while self.current().is_none() {
            let outcome = self.newer(None, deadline).await;
            let error = self.ended.borrow().error.clone();
            if self.current().is_some() {
                break;
            }
            if fail_fast || outcome != Newer::Ended {
                return Err(match error {
                    Some(error) => error.to_string(),
                    None => format!("{}: the issuer has not answered yet", self.issuer.as_str()),
                });
            }
        }
        Ok(())
    }

    /// Has the ring attended to: begun with the first demand, so that a validator alone makes no network call.
    fn attend(self: &Arc<Self>) -> Result<(), String> {
        let runtime = runtime()?;
        if !self.is_attended.swap(true, Ordering::AcqRel) {
            let fetcher = Fetcher::new(self.issuer.clone(), self.limits);
            runtime.spawn(attend(Arc::downgrade(self), Arc::clone(&self.bell), fetcher));
        }
        self.bell.notify_one();
        Ok(())
    }

    /// Tells the ring and all who wait how a fetch ended.
    fn settle(&self, result: Result<FetchedKeys, FetchFailure>) {
        let error = {
            let (mut ring, now) = (self.ring(), self.now());
            let jitter = fastrand::f64();
            match result {
                Ok(FetchedKeys { keys, lifetime_millis }) => {
                    let keys = keys.map(Arc::new).or_else(|| ring.held().cloned());
                    match keys {
                        Some(keys) => {
                            ring.fetched(now, keys, lifetime_millis, jitter);
                            None
                        }
                        None => {
                            ring.failed(now, None, jitter);
                            Some(
                                "the issuer answered that nothing has changed, to a first question"
                                    .to_owned(),
                            )
                        }
                    }
                }
                Err(FetchFailure { message, retry_after_millis }) => {
                    ring.failed(now, retry_after_millis, jitter);
                    Some(message)
                }
            }
        };
        self.publish();
        self.ended.send_replace(FetchEnd { error: error.map(Arc::from) });
    }

    /// Copies the ring's keys to where requests read them.
    fn publish(&self) {
        let ring = self.ring();
        let current =
            ring.held().map(|keys| Current { keys: Arc::clone(keys), serve_until: ring.serve_until() });
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
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
        // Whoever attends finds nobody there, and leaves.
        self.bell.notify_one();
    }
}

/// Fetches when the ring says so, until nobody holds the keys any more.
async fn attend(keys: Weak<IssuerKeys>, bell: Arc<Notify>, mut fetcher: Fetcher) {
    loop {
        let Some(strong) = keys.upgrade() else { return };
        let (begin, due) = {
            let (mut ring, now) = (strong.ring(), strong.now());
            (ring.is_fetching() || ring.wake(now), ring.due())
        };
        if begin {
            // In a task of its own: should it panic, it ends like any other failed fetch.
            let fetching = tokio::spawn(async move {
                let fetched = fetcher.fetch().await;
                (fetcher, fetched)
            });
            (fetcher, ()) = match fetching.await {
                Ok((fetcher, fetched)) => (fetcher, strong.settle(fetched)),
                Err(_) => {
                    let failure = FetchFailure::new("the fetch ended unexpectedly".into());
                    let fetcher = Fetcher::new(strong.issuer.clone(), strong.limits);
                    (fetcher, strong.settle(Err(failure)))
                }
            };
            continue;
        }
        let due = due.map(|due| strong.instant(due));
        drop(strong);
        match due {
            Some(due) => {
                let _rung_or_due = tokio::time::timeout_at(due.into(), bell.notified()).await;
            }
            None => bell.notified().await,
        }
    }
}

/// One request that waits. There is a bound to their number.
struct Waiting<'k>(&'k AtomicUsize);

impl<'k> Waiting<'k> {
    fn begin(keys: &'k IssuerKeys) -> Option<Self> {
        let before = keys.waiting.fetch_add(1, Ordering::AcqRel);
        let waiting = Self(&keys.waiting);
        (before < MAX_WAITING).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Whether these are the very same keys, of the same fetch.
fn same_keys(now: Option<&Arc<JwkSet>>, seen: Option<&Arc<JwkSet>>) -> bool {
    match (now, seen) {
        (Some(now), Some(seen)) => Arc::ptr_eq(now, seen),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> JwkSet {
        let jwk =
            r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        JwkSet::parse(jwk.as_bytes()).unwrap()
    }

    /// Keys that nobody fetches: the port answers nothing, and a fetch would end in an error.
    fn unreachable_issuer() -> Arc<IssuerKeys> {
        let issuer = Issuer::parse("http://127.0.0.1:9").unwrap();
        let limits = FetchLimits { metadata_bytes: 1024, jwk_set_bytes: 1024 };
        Arc::new(IssuerKeys::new(issuer, KeyRingPolicy::default(), limits))
    }

    /// A fetch of somebody else's, begun and ended well.
    fn fetched_meanwhile(keys: &IssuerKeys) {
        let mut ring = keys.ring();
        let now = keys.now();
        assert_eq!(ring.demand(now), Demand::Fetch);
        ring.fetched(now, Arc::new(set()), None, 0.5);
    }

    #[tokio::test]
    async fn h33_who_judged_without_keys_while_they_came_does_not_fetch_again() {
        let keys = unreachable_issuer();
        fetched_meanwhile(&keys);
        assert_eq!(keys.newer(None, Instant::now()).await, Newer::Ended);
        assert_eq!(keys.ended.borrow().error, None);
        // The budget for a rotation is unspent.
        assert_eq!(keys.ring().demand(keys.now()), Demand::Fetch);
    }

    #[tokio::test]
    async fn h23_who_judged_with_old_keys_while_new_ones_came_is_not_refused_by_the_cool_down() {
        let keys = unreachable_issuer();
        fetched_meanwhile(&keys);
        let old = keys.ring().held().cloned();
        fetched_meanwhile(&keys);
        assert!(!keys.is_cooling_down(old.as_ref()));
        assert_eq!(keys.newer(old.as_ref(), Instant::now()).await, Newer::Ended);
        let new = keys.ring().held().cloned();
        assert!(keys.is_cooling_down(new.as_ref()));
        assert_eq!(keys.newer(new.as_ref(), Instant::now()).await, Newer::Refused);
    }
}
