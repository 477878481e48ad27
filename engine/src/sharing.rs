//! Objects that several validators share, found by their settings.
//!
//! In: settings.
//! Out: the one object for them.
//! Never: an object that nobody holds.

use std::hash::Hash;
use std::sync::{Arc, Weak};

use oidc_spa_native::crypto::SecretMap;

/// Shared objects by their settings, while a validator holds them.
pub struct Shared<K, V> {
    things: SecretMap<K, Weak<V>>,
    /// The number of entries at which unused ones are removed next. A search at each new entry would cost the square of
    /// their number.
    look_at: usize,
}

/// Fewer are not looked through.
const FEW: usize = 16;

impl<K: Eq + Hash + Clone, V> Default for Shared<K, V> {
    fn default() -> Self {
        Self { things: SecretMap::default(), look_at: FEW }
    }
}

impl<K: Eq + Hash + Clone, V> Shared<K, V> {
    /// The existing object for these settings, or a new one.
    pub fn of(&mut self, key: K, make: impl FnOnce(K) -> V) -> Arc<V> {
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

impl<K, V> Shared<K, V> {
    /// The objects that somebody holds.
    pub fn held(&self) -> impl Iterator<Item = Arc<V>> {
        self.things.values().filter_map(Weak::upgrade)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_shared_and_what_nobody_holds_leaves() {
        let mut all = Shared::default();
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
        let mut all = Shared::default();
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
