//! The objects that all validators of a process share: one key set for each issuer, one replay memory, one connection
//! to a Redis.
//!
//! In: the plan of a fetch or the settings of a store.
//! Out: the one `IssuerKeys` or `RedisStore` for them; the process's `ReplayMemory`.
//! Never: a second fetch of the same keys.

use std::hash::Hash;
#[cfg(not(feature = "loom"))]
use std::sync::Mutex;
use std::sync::{Arc, LazyLock, PoisonError};

#[cfg(feature = "loom")]
use loom::sync::Mutex;

use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::keys::key_ring::KeyRingPolicy;
use oidc_spa_native_engine::plan::FetchPlan;
use oidc_spa_native_engine::sharing::Shared;

use crate::application_fetch::ApplicationFetch;
use crate::issuer_keys::IssuerKeys;
use crate::replay::redis_store::{RedisSettings, RedisStore};

/// What the whole process shares.
type OfProcess<K, V> = LazyLock<Mutex<Shared<K, V>>>;

fn shared<K: Eq + Hash + Clone, V>(all: &Mutex<Shared<K, V>>, key: K, make: impl FnOnce(K) -> V) -> Arc<V> {
    all.lock().unwrap_or_else(PoisonError::into_inner).of(key, make)
}

/// The keys of this plan: those of another validator of the process, or new ones. The plan names the application's
/// function that makes its requests, so it also decides which of these `functions` are its own.
pub(crate) fn issuer_keys(
    plan: FetchPlan,
    policy: KeyRingPolicy,
    functions: Option<Arc<dyn ApplicationFetch>>,
) -> Arc<IssuerKeys> {
    static KEYS: OfProcess<(FetchPlan, KeyRingPolicy), IssuerKeys> =
        LazyLock::new(|| Mutex::new(Shared::default()));
    shared(&KEYS, (plan, policy), |(plan, policy)| IssuerKeys::new(plan, policy, functions))
}

/// The store with these settings, with one connection for the whole process.
pub(crate) fn redis_store(settings: RedisSettings) -> Arc<RedisStore> {
    static STORES: OfProcess<RedisSettings, RedisStore> = LazyLock::new(|| Mutex::new(Shared::default()));
    shared(&STORES, settings, RedisStore::new)
}

/// An empty replay memory. Each validator adds its window and its number of proofs.
pub(crate) fn new_replay_memory() -> ReplayMemory {
    ReplayMemory::new(0, ProofWindow::NARROWEST)
}

/// The replay memory of the process, shared by all its threads.
pub(crate) fn replay_memory() -> Arc<ReplayMemory> {
    static MEMORY: LazyLock<Arc<ReplayMemory>> = LazyLock::new(|| Arc::new(new_replay_memory()));
    Arc::clone(&MEMORY)
}

#[cfg(all(test, feature = "loom"))]
mod interleavings {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use loom::thread;

    use super::*;

    /// Two validators of one issuer at once fetch its keys once.
    #[test]
    fn two_threads_that_ask_for_the_same_share_one_object() {
        loom::model(|| {
            let all = Arc::new(Mutex::new(Shared::default()));
            let made = Arc::new(AtomicUsize::new(0));
            let ask = || {
                let (all, made) = (Arc::clone(&all), Arc::clone(&made));
                move || {
                    shared(&all, "issuer", |_| {
                        thread::yield_now();
                        made.fetch_add(1, Ordering::Relaxed)
                    })
                }
            };
            let other = thread::spawn(ask());
            let own = ask()();
            let other = other.join().unwrap();
            assert!(Arc::ptr_eq(&own, &other));
            assert_eq!(made.load(Ordering::Relaxed), 1);
        });
    }
}
