//! What all validators of a process share: one set of keys an issuer, one replay memory.
//!
//! In: an issuer and the options that concern its keys.
//! Out: the one `IssuerKeys` for them; the process's `ReplayMemory`.
//! May use: issuer_keys, the validator's replay memory.
//! Never: a second fetch for what is there already.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::keys::key_ring::KeyRingPolicy;
use oidc_spa_native::keys::metadata::Issuer;

use crate::fetch::FetchLimits;
use crate::issuer_keys::IssuerKeys;

type Key = (Issuer, KeyRingPolicy, FetchLimits);

/// The keys of this issuer: those that another validator of the process holds already, or new ones.
pub(crate) fn issuer_keys(issuer: &Issuer, policy: KeyRingPolicy, limits: FetchLimits) -> Arc<IssuerKeys> {
    static KEYS: LazyLock<Mutex<HashMap<Key, Weak<IssuerKeys>>>> = LazyLock::new(Mutex::default);
    let mut all = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (issuer.clone(), policy, limits);
    if let Some(keys) = all.get(&key).and_then(Weak::upgrade) {
        return keys;
    }
    all.retain(|_, keys| keys.strong_count() > 0);
    let keys = Arc::new(IssuerKeys::new(issuer.clone(), policy, limits));
    all.insert(key, Arc::downgrade(&keys));
    keys
}

/// The replay memory of the process, shared by all its threads.
pub(crate) fn replay_memory() -> Arc<ReplayMemory> {
    static MEMORY: LazyLock<Arc<ReplayMemory>> =
        LazyLock::new(|| Arc::new(ReplayMemory::new(ReplayMemory::DEFAULT_CAPACITY, 0)));
    Arc::clone(&MEMORY)
}
