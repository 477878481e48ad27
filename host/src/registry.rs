//! The objects that all validators of a process share: one key set for each issuer, one replay memory, one connection
//! to a Redis.
//!
//! In: the plan of a fetch or the settings of a store.
//! Out: the one `IssuerKeys` or `RedisStore` for them; the process's `ReplayMemory`.
//! Never: a second fetch of the same keys.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::keys::key_ring::KeyRingPolicy;

use crate::fetch::FetchPlan;
use crate::issuer_keys::IssuerKeys;
use crate::replay::redis_store::{RedisSettings, RedisStore};

/// Shared objects by their settings, while a validator holds them.
struct Shared<K, V> {
    things: HashMap<K, Weak<V>>,
    /// The number of entries at which unused ones are removed next. A search at each new entry would cost the square of
    /// their number.
    look_at: usize,
}

/// Fewer are not looked through.
const FEW: usize = 16;

impl<K: Eq + Hash + Clone, V> Shared<K, V> {
    fn new() -> Self {
        Self { things: HashMap::new(), look_at: FEW }
    }

    /// The existing object for these settings, or a new one.
    fn of(&mut self, key: K, make: impl FnOnce(K) -> V) -> Arc<V> {
        if let Some(there) = self.things.get(&key).and_then(Weak::upgrade) {
            return there;
        }
        if self.things.len() >= self.look_at {
            self.things.retain(|_, thing| thing.strong_count() > 0);
            self.look_at = FEW.max(2 * self.things.len());
        }
        let new = Arc::new(make(key.clone()));
        self.things.insert(key, Arc::downgrade(&new));
        new
    }
}

/// What the whole process shares.
type OfProcess<K, V> = LazyLock<Mutex<Shared<K, V>>>;

fn shared<K: Eq + Hash + Clone, V>(all: &OfProcess<K, V>, key: K, make: impl FnOnce(K) -> V) -> Arc<V> {
    all.lock().unwrap_or_else(PoisonError::into_inner).of(key, make)
}

/// The keys of this plan: those of another validator of the process, or new ones.
pub(crate) fn issuer_keys(plan: FetchPlan, policy: KeyRingPolicy) -> Arc<IssuerKeys> {
    static KEYS: OfProcess<(FetchPlan, KeyRingPolicy), IssuerKeys> =
        LazyLock::new(|| Mutex::new(Shared::new()));
    shared(&KEYS, (plan, policy), |(plan, policy)| IssuerKeys::new(plan, policy))
}

/// The store with these settings, with one connection for the whole process.
pub(crate) fn redis_store(settings: RedisSettings) -> Arc<RedisStore> {
    static STORES: OfProcess<RedisSettings, RedisStore> = LazyLock::new(|| Mutex::new(Shared::new()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_shared_and_what_nobody_holds_leaves() {
        let mut all = Shared::new();
        let first = all.of(0, |key| key);
        assert!(Arc::ptr_eq(&first, &all.of(0, |key| key)));
        for key in 1..10_000 {
            drop(all.of(key, |key| key));
            assert!(all.things.len() <= FEW);
        }
        assert!(Arc::ptr_eq(&first, &all.of(0, |key| key)));
    }

    /// Two thousand issuers are made as fast each as two are.
    #[test]
    fn the_others_are_looked_through_ever_more_rarely() {
        let mut all = Shared::new();
        let mut looked_through = 0;
        let mut held = Vec::new();
        for key in 0..16_384 {
            let before = all.look_at;
            held.push(all.of(key, |key| key));
            looked_through += if all.look_at == before { 0 } else { all.things.len() };
        }
        assert_eq!(all.things.len(), held.len());
        assert!(looked_through < 2 * held.len(), "{looked_through}");
    }
}
