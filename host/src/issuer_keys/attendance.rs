//! The task that fetches an issuer's keys when their key ring says so, and the users for whom it runs.
//!
//! In: users that come and go, the decisions of the key ring.
//! Out: fetches, one after the other.
//! Never: a fetch without a user, a lock held across an await.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use oidc_spa_native_engine::failure::FetchFailure;
use tokio::sync::Notify;

use super::IssuerKeys;
use crate::clock::{instant, steady};
use crate::fetch::IssuerClient;
use crate::runtime::runtime;

/// What panics once may panic each time. It must not ask the issuer without pause.
const PAUSE_AFTER_PANIC: Duration = Duration::from_secs(5);

/// One use of the keys: of a validator until it is done with them, or of a request that waits.
#[derive(Debug)]
pub(crate) struct InUse(Arc<IssuerKeys>);

impl InUse {
    pub(crate) fn of(keys: &Arc<IssuerKeys>) -> Self {
        let in_use = Self(Arc::clone(keys));
        if keys.users.come() && keys.keys.has_held() {
            // The keys had no user, so their task has ended: start it again. Without a runtime it does not start, and
            // the next need of keys reports that.
            let _no_runtime = keys.attend();
        }
        in_use
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.users.go();
        self.0.wake.notify_one();
    }
}

impl IssuerKeys {
    /// Starts the task that carries out the ring's decisions. It starts with the first need of keys, so that making a
    /// validator makes no network call.
    pub(super) fn attend(self: &Arc<Self>) -> Result<(), String> {
        let runtime = runtime()?;
        if self.users.start_task() {
            let (keys, wake) = (Arc::downgrade(self), Arc::clone(&self.wake));
            runtime.spawn(async move {
                // If it panics, it begins anew: otherwise these keys would never be fetched again.
                while tokio::spawn(attend(Weak::clone(&keys), Arc::clone(&wake))).await.is_err() {
                    tokio::time::sleep(PAUSE_AFTER_PANIC).await;
                }
            });
        }
        self.wake.notify_one();
        Ok(())
    }
}

/// Fetches when the ring says so, until the keys have no user.
async fn attend(keys: Weak<IssuerKeys>, wake: Arc<Notify>) {
    let mut client: Option<IssuerClient> = None;
    loop {
        let Some(strong) = keys.upgrade().filter(|keys| !keys.users.end_task()) else { return };
        if strong.keys.begins(steady()) {
            let (taken, plan) = (client.take(), strong.keys.plan().clone());
            let functions = strong.functions.clone();
            let begun = Instant::now();
            // In a task of its own: should it panic, it ends like any other failed fetch.
            let fetching = tokio::spawn(async move {
                let client = taken.map_or_else(|| IssuerClient::new(plan, functions), Ok)?;
                client.fetch().await
            });
            let ended = fetching.await;
            let ended =
                ended.unwrap_or_else(|_| Err(FetchFailure::new("the fetch ended unexpectedly".into())));
            match ended {
                Ok((used, fetched)) => {
                    client = Some(used);
                    strong.settle(fetched, begun.elapsed());
                }
                Err(failure) => strong.settle(Err(failure), begun.elapsed()),
            }
            continue;
        }
        let stale_at = strong.keys.tell_if_stale(steady());
        let due = strong.keys.due().into_iter().chain(stale_at).min().map(instant);
        drop(strong);
        match due {
            Some(due) => {
                let _rung_or_due = tokio::time::timeout_at(due.into(), wake.notified()).await;
            }
            None => wake.notified().await,
        }
    }
}
