//! What all validators of a process share: one set of keys an issuer, one replay memory, one connection to a Redis.
//!
//! In: what is fetched or asked, and how.
//! Out: the one `IssuerKeys` or `RedisStore` for it; the process's `ReplayMemory`.
//! Never: a second fetch for what is there already.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::keys::key_ring::KeyRingPolicy;

use crate::fetch::FetchPlan;
use crate::issuer_keys::IssuerKeys;
use crate::replay::redis_store::{RedisSettings, RedisStore};

/// Things by what they were made of, for as long as somebody holds them.
type Shared<K, V> = LazyLock<Mutex<HashMap<K, Weak<V>>>>;

/// The thing that is there for this key, or a new one.
fn shared<K: Eq + Hash + Clone, V>(all: &Shared<K, V>, key: K, make: impl FnOnce(K) -> V) -> Arc<V> {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(there) = all.get(&key).and_then(Weak::upgrade) {
        return there;
    }
    all.retain(|_, thing| thing.strong_count() > 0);
    let new = Arc::new(make(key.clone()));
    all.insert(key, Arc::downgrade(&new));
    new
}

/// The keys of this plan: those that another validator of the process holds already, or new ones.
pub(crate) fn issuer_keys(plan: FetchPlan, policy: KeyRingPolicy) -> Arc<IssuerKeys> {
    static KEYS: Shared<(FetchPlan, KeyRingPolicy), IssuerKeys> = LazyLock::new(Mutex::default);
    shared(&KEYS, (plan, policy), |(plan, policy)| IssuerKeys::new(plan, policy))
}

/// The store with these settings, with one connection for the whole process.
pub(crate) fn redis_store(settings: RedisSettings) -> Arc<RedisStore> {
    static STORES: Shared<RedisSettings, RedisStore> = LazyLock::new(Mutex::default);
    shared(&STORES, settings, RedisStore::new)
}

/// A replay memory for no proofs yet. Each validator says which it accepts, and how many there may be.
pub(crate) fn new_replay_memory() -> ReplayMemory {
    ReplayMemory::new(0, ProofWindow::NARROWEST)
}

/// The replay memory of the process, shared by all its threads.
pub(crate) fn replay_memory() -> Arc<ReplayMemory> {
    static MEMORY: LazyLock<Arc<ReplayMemory>> = LazyLock::new(|| Arc::new(new_replay_memory()));
    Arc::clone(&MEMORY)
}
