//! One issuer's keys in this process: carries out what its key ring decides.
//!
//! In: the needs of requests.
//! Out: the keys, and the end of a fetch to wait for.
//! May use: fetch, runtime, the validator's key ring, tokio.
//! Never: a lock held across an await, a second fetch beside the first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Instant;

use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::keys::key_ring::{Demand, KeyRing, KeyRingPolicy};
use oidc_spa_native::keys::metadata::Issuer;
use oidc_spa_native::time::Monotonic;
use tokio::sync::watch;

use crate::fetch::{FetchLimits, fetch_keys};
use crate::runtime::runtime;

/// The keys of one issuer, shared by every validator that names it with the same options.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    issuer: Issuer,
    limits: FetchLimits,
    ring: Mutex<KeyRing>,
    /// A copy of the ring's keys, so that requests do not wait for each other.
    current: RwLock<Option<Arc<JwkSet>>>,
    ended: watch::Sender<FetchEnd>,
    origin: Instant,
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
            origin: Instant::now(),
        }
    }

    /// The keys that are there now.
    pub(crate) fn current(&self) -> Option<Arc<JwkSet>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether asking for newer keys than those that were `seen` is of no use now.
    pub(crate) fn is_cooling_down(&self, seen: Option<&Arc<JwkSet>>) -> bool {
        let ring = self.ring();
        same_keys(ring.keys(), seen) && ring.is_cooling_down(self.now())
    }

    /// Asks for newer keys than those that were `seen`, and waits until a fetch has ended.
    pub(crate) async fn newer(self: &Arc<Self>, seen: Option<&Arc<JwkSet>>, deadline: Instant) -> Newer {
        // Subscribed before asking, so that an end in between is not missed.
        let mut ended = self.ended.subscribe();
        let demand = {
            let mut ring = self.ring();
            if !same_keys(ring.keys(), seen) {
                // They came while the caller was judging with the ones before: no need to ask, and no cool-down
                // that would refuse it.
                return Newer::Ended;
            }
            ring.demand(self.now())
        };
        match demand {
            Demand::Refuse => return Newer::Refused,
            Demand::Wait => {}
            Demand::Fetch => {
                if let Err(error) = self.spawn_fetch() {
                    self.ring().abandoned();
                    self.end(Some(error));
                    return Newer::TimedOut;
                }
            }
        }
        // The deadline is kept on our own runtime: the caller's executor may have no timer.
        let Ok(runtime) = runtime() else { return Newer::TimedOut };
        let waiting = runtime
            .spawn(async move { tokio::time::timeout_at(deadline.into(), ended.changed()).await.is_ok() });
        if waiting.await.unwrap_or(false) { Newer::Ended } else { Newer::TimedOut }
    }

    /// Waits until there are keys. With `fail_fast`, the first failed fetch ends the wait.
    pub(crate) async fn ready(self: &Arc<Self>, deadline: Instant, fail_fast: bool) -> Result<(), String> {
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

    fn spawn_fetch(self: &Arc<Self>) -> Result<(), String> {
        runtime()?.spawn(fetch_until_settled(Arc::downgrade(self)));
        Ok(())
    }

    /// One fetch, told to the ring. Returns when to try again, if at all.
    async fn fetch_once(&self) -> Option<Instant> {
        let (issuer, limits) = (self.issuer.clone(), self.limits);
        // In a task of its own: should it panic, it ends like any other failed fetch.
        let fetch = tokio::spawn(async move { fetch_keys(&issuer, limits).await });
        let result = fetch.await.unwrap_or_else(|_| Err("the fetch ended unexpectedly".into()));
        let (retry, error) = {
            let mut ring = self.ring();
            let now = self.now();
            match result {
                Ok(keys) => {
                    ring.fetched(keys);
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = ring.keys().cloned();
                    (None, None)
                }
                Err(error) => {
                    let retry = ring.failed(now, fastrand::f64());
                    (retry.map(|at| Instant::now() + millis(now.millis_until(at))), Some(error))
                }
            }
        };
        self.end(error);
        retry
    }

    fn end(&self, error: Option<String>) {
        self.ended.send_replace(FetchEnd { error: error.map(Arc::from) });
    }

    fn ring(&self) -> MutexGuard<'_, KeyRing> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Monotonic {
        Monotonic::from_millis(u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

/// Fetches, and after a failed start again and again, until it succeeds or nobody holds the keys any more.
async fn fetch_until_settled(keys: Weak<IssuerKeys>) {
    loop {
        let Some(strong) = keys.upgrade() else { return };
        let Some(retry) = strong.fetch_once().await else { return };
        drop(strong);
        tokio::time::sleep_until(retry.into()).await;
        if let Some(strong) = keys.upgrade() {
            strong.ring().retry();
        }
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

const fn millis(millis: u64) -> std::time::Duration {
    std::time::Duration::from_millis(millis)
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
        assert_eq!(ring.demand(keys.now()), Demand::Fetch);
        ring.fetched(set());
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
        let old = keys.ring().keys().cloned();
        fetched_meanwhile(&keys);
        assert!(!keys.is_cooling_down(old.as_ref()));
        assert_eq!(keys.newer(old.as_ref(), Instant::now()).await, Newer::Ended);
        let new = keys.ring().keys().cloned();
        assert!(keys.is_cooling_down(new.as_ref()));
        assert_eq!(keys.newer(new.as_ref(), Instant::now()).await, Newer::Refused);
    }
}
