//! What all validators of a process share: one set of keys an issuer, one replay memory.
//!
//! In: what is fetched and how.
//! Out: the one `IssuerKeys` for them; the process's `ReplayMemory`.
//! May use: issuer_keys, the validator's replay memory.
//! Never: a second fetch for what is there already.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::keys::key_ring::KeyRingPolicy;

use crate::fetch::FetchPlan;
use crate::issuer_keys::IssuerKeys;

type Key = (FetchPlan, KeyRingPolicy);

/// The keys of this plan: those that another validator of the process holds already, or new ones.
pub(crate) fn issuer_keys(plan: FetchPlan, policy: KeyRingPolicy) -> Arc<IssuerKeys> {
    static KEYS: LazyLock<Mutex<HashMap<Key, Weak<IssuerKeys>>>> = LazyLock::new(Mutex::default);
    let mut all = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (plan, policy);
    if let Some(keys) = all.get(&key).and_then(Weak::upgrade) {
        return keys;
    }
    all.retain(|_, keys| keys.strong_count() > 0);
    let keys = Arc::new(IssuerKeys::new(key.0.clone(), policy));
    all.insert(key, Arc::downgrade(&keys));
    keys
}

/// The replay memory of the process, shared by all its threads.
pub(crate) fn replay_memory() -> Arc<ReplayMemory> {
    static MEMORY: LazyLock<Arc<ReplayMemory>> =
        LazyLock::new(|| Arc::new(ReplayMemory::new(ReplayMemory::DEFAULT_CAPACITY, 0)));
    Arc::clone(&MEMORY)
}
