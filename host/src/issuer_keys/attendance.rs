//! The task that fetches an issuer's keys when their key ring says so, and the users for whom it runs.
//!
//! In: users that come and go, the decisions of the key ring.
//! Out: fetches, one after the other.
//! Never: a fetch without a user, a lock held across an await.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Instant;

use oidc_spa_native::keys::key_ring::Freshness;
use oidc_spa_native::time::Monotonic;
use tokio::sync::Notify;

use super::IssuerKeys;
use crate::fetch::{FetchFailure, Fetcher};
use crate::runtime::runtime;

/// One use of the keys: of a validator until it is done with them, or of a request that waits.
#[derive(Debug)]
pub(crate) struct InUse(Arc<IssuerKeys>);

impl InUse {
    pub(crate) fn of(keys: &Arc<IssuerKeys>) -> Self {
        let in_use = Self(Arc::clone(keys));
        if keys.users.fetch_add(1, Ordering::AcqRel) == 0 && keys.ring().held().is_some() {
            // The keys had no user, so their task has ended: start it again. Without a runtime it does not start, and
            // the next need of keys reports that.
            let _no_runtime = keys.attend();
        }
        in_use
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.users.fetch_sub(1, Ordering::AcqRel);
        self.0.wake.notify_one();
    }
}

impl IssuerKeys {
    /// Starts the task that carries out the ring's decisions. It starts with the first need of keys, so that making a
    /// validator makes no network call.
    pub(super) fn attend(self: &Arc<Self>) -> Result<(), String> {
        let runtime = runtime()?;
        if !self.is_attended.swap(true, Ordering::AcqRel) {
            runtime.spawn(attend(Arc::downgrade(self), Arc::clone(&self.wake)));
        }
        self.wake.notify_one();
        Ok(())
    }

    /// Whether the keys have no user, so that the task ends.
    fn is_left(&self) -> bool {
        let is_unused = || self.users.load(Ordering::Acquire) == 0;
        if !is_unused() {
            return false;
        }
        self.is_attended.store(false, Ordering::Release);
        // A new user came meanwhile and found a running task. So this task goes on, unless another one has started.
        is_unused() || self.is_attended.swap(true, Ordering::AcqRel)
    }

    /// Publishes once that keys are used beyond their age. Returns the time of this, if it is in the future.
    fn tell_if_stale(&self) -> Option<Monotonic> {
        let (fresh_until, freshness, is_failing) = {
            let (ring, now) = (self.ring(), self.now());
            (ring.fresh_until()?, ring.freshness(now), ring.failures() > 0)
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
}

/// Fetches when the ring says so, until the keys have no user.
async fn attend(keys: Weak<IssuerKeys>, wake: Arc<Notify>) {
    let mut fetcher: Option<Fetcher> = None;
    loop {
        let Some(strong) = keys.upgrade().filter(|keys| !keys.is_left()) else { return };
        let (begin, due) = {
            let (mut ring, now) = (strong.ring(), strong.now());
            (ring.is_fetching() || ring.wake(now), ring.due())
        };
        if begin {
            let (taken, plan) = (fetcher.take(), strong.plan.clone());
            let begun = Instant::now();
            // In a task of its own: should it panic, it ends like any other failed fetch.
            let fetching = tokio::spawn(async move {
                let mut fetcher = match taken {
                    Some(fetcher) => fetcher,
                    None => Fetcher::new(plan)?,
                };
                let fetched = fetcher.fetch().await;
                Ok((fetcher, fetched))
            });
            let ended = fetching.await;
            let ended =
                ended.unwrap_or_else(|_| Err(FetchFailure::new("the fetch ended unexpectedly".into())));
            match ended {
                Ok((used, fetched)) => {
                    fetcher = Some(used);
                    strong.settle(fetched, begun.elapsed());
                }
                Err(failure) => strong.settle(Err(failure), begun.elapsed()),
            }
            continue;
        }
        let stale_at = strong.tell_if_stale();
        let due = due.into_iter().chain(stale_at).min().map(|due| strong.instant(due));
        drop(strong);
        match due {
            Some(due) => {
                let _rung_or_due = tokio::time::timeout_at(due.into(), wake.notified()).await;
            }
            None => wake.notified().await,
        }
    }
}
