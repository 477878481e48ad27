//! One issuer's keys in this process: fetches them when their key ring says so, and lets requests wait for the end.
//!
//! In: the needs of requests.
//! Out: the end of a fetch to wait for.
//! Never: a lock held across an await, a second fetch beside the first.

mod attendance;
mod users;

use std::sync::Arc;
use std::time::Duration;

use oidc_spa_native::keys::key_ring::KeyRingPolicy;
use oidc_spa_native::time::Monotonic;
use oidc_spa_native_engine::failure::FetchFailure;
use oidc_spa_native_engine::fetch::FetchedKeys;
use oidc_spa_native_engine::issuer_keys::{self, Newer, Place, Refresh};
use oidc_spa_native_engine::plan::FetchPlan;
use tokio::sync::{Notify, watch};

use crate::application_fetch::ApplicationFetch;
use crate::clock::{instant, moment, steady};
use crate::runtime::runtime;

use users::Users;

pub(crate) use attendance::InUse;

/// The keys of one issuer, shared by every validator that names it with the same options.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    keys: issuer_keys::IssuerKeys,
    /// The functions that make the requests, if the application does.
    functions: Option<Arc<dyn ApplicationFetch>>,
    ended: watch::Sender<()>,
    /// Notified when the ring has a new action that was not due before.
    wake: Arc<Notify>,
    users: Users,
}

/// The keys as a validator holds them.
#[derive(Clone, Debug)]
pub(crate) struct SharedKeys(pub Arc<IssuerKeys>);

impl AsRef<issuer_keys::IssuerKeys> for SharedKeys {
    fn as_ref(&self) -> &issuer_keys::IssuerKeys {
        &self.0.keys
    }
}

impl IssuerKeys {
    pub(crate) fn new(
        plan: FetchPlan,
        policy: KeyRingPolicy,
        functions: Option<Arc<dyn ApplicationFetch>>,
    ) -> Self {
        Self {
            keys: issuer_keys::IssuerKeys::new(plan, policy),
            functions,
            ended: watch::Sender::default(),
            wake: Arc::new(Notify::new()),
            users: Users::default(),
        }
    }

    /// Requests newer keys than those with this number, and waits until a fetch has ended. A token that `may_pass` has
    /// priority.
    pub(crate) async fn newer(
        self: &Arc<Self>,
        key_set: Option<u64>,
        may_pass: bool,
        deadline: Monotonic,
    ) -> Newer {
        let _in_use = InUse::of(self);
        // Subscribed before asking, so that an end in between is not missed.
        let mut ended = self.ended.subscribe();
        match self.keys.refresh(key_set, deadline, steady()) {
            Refresh::Over(newer) => return newer,
            Refresh::UnderWay => {}
            Refresh::Begin => {
                if let Err(error) = self.attend() {
                    self.settle(Err(FetchFailure::new(error)), Duration::ZERO);
                    return Newer::TimedOut;
                }
            }
        }
        let Some(_place) = Place::take(SharedKeys(Arc::clone(self)), may_pass) else { return Newer::Crowded };
        // The deadline is kept on our own runtime: the caller's executor may have no timer.
        let Ok(runtime) = runtime() else { return Newer::TimedOut };
        let waiting = runtime.spawn(async move {
            tokio::time::timeout_at(instant(deadline).into(), ended.changed()).await.is_ok()
        });
        if waiting.await.unwrap_or(false) { Newer::Ended } else { Newer::TimedOut }
    }

    /// Waits until there are keys. With `fail_fast`, the first failed fetch ends the wait.
    pub(crate) async fn ready(self: &Arc<Self>, deadline: Monotonic, fail_fast: bool) -> Result<(), String> {
        // `ready()` does not wait for the whole pause after a failed attempt.
        self.keys.hurry(steady());
        self.wake.notify_one();
        while !self.has_keys() {
            let outcome = self.newer(None, true, deadline).await;
            if self.has_keys() {
                break;
            }
            if fail_fast || outcome != Newer::Ended {
                return Err(self.keys.not_ready());
            }
        }
        Ok(())
    }

    fn has_keys(&self) -> bool {
        self.keys.current(steady()).is_some()
    }

    /// Tells the ring, all who wait and all who listen how a fetch ended.
    fn settle(&self, result: Result<FetchedKeys, FetchFailure>, spent: Duration) {
        #[cfg(feature = "fault")]
        crate::fault::strike("settle");
        self.keys.settle(result, spent, fastrand::f64(), moment());
        self.ended.send_replace(());
    }
}

impl Drop for IssuerKeys {
    fn drop(&mut self) {
        // The task wakes, finds that its keys were dropped, and ends.
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests;
