//! The memories of a validator for results of good requests: bound tokens, clients' keys. The one that was used least
//! recently is forgotten first.
//!
//! In: results of a granted request, with the number of the keys that verified it.
//! Out: the same results, while the issuer has these keys and the size limits allow.
//! Never: an answer about a proof seen before, a token whose issuer has other keys now.

use std::cell::RefCell;
use std::sync::Arc;

use lru::LruCache;
use oidc_spa_native::crypto::SecretHasher;
use oidc_spa_native::dpop::proof_key::ProofKey;
use oidc_spa_native::memory::{BoundToken, Learned, VerifiedToken};
use oidc_spa_native::time::UnixTime;
use oidc_spa_native_engine::memories::Memories;

/// Bytes that the memory of clients' keys may take.
const PROOF_KEY_BYTES: u64 = 4 << 20;

/// About the size of a client's parsed key, without the header under which it is stored.
const PARSED_KEY_BYTES: usize = 1024;

/// What fits into a number of bytes.
struct Bounded<V> {
    things: LruCache<Box<str>, V, SecretHasher>,
    weigh: fn(&str, &V) -> usize,
    weight: u64,
    most: u64,
}

impl<V: Clone> Bounded<V> {
    fn new(most: u64, weigh: fn(&str, &V) -> usize) -> Self {
        Self { things: LruCache::unbounded_with_hasher(SecretHasher::default()), weigh, weight: 0, most }
    }

    fn get(&mut self, name: &str) -> Option<V> {
        self.things.get(name).cloned()
    }

    fn remove(&mut self, name: &str) {
        if let Some((name, thing)) = self.things.pop_entry(name) {
            self.leave(&name, &thing);
        }
    }

    fn insert(&mut self, name: &str, thing: V) {
        self.weight = self.weight.saturating_add(self.weight_of(name, &thing));
        if let Some((name, before)) = self.things.push(name.into(), thing) {
            self.leave(&name, &before);
        }
        while self.weight > self.most
            && let Some((name, oldest)) = self.things.pop_lru()
        {
            self.leave(&name, &oldest);
        }
    }

    fn leave(&mut self, name: &str, thing: &V) {
        self.weight = self.weight.saturating_sub(self.weight_of(name, thing));
    }

    fn weight_of(&self, name: &str, thing: &V) -> u64 {
        u64::try_from((self.weigh)(name, thing)).unwrap_or(u64::MAX)
    }
}

/// The memories of one validator.
pub(crate) struct RecentMemories {
    tokens: RefCell<Bounded<BoundToken>>,
    proof_keys: RefCell<Bounded<Arc<ProofKey>>>,
}

impl RecentMemories {
    /// Memories that keep tokens in this many bytes; zero switches the memory of tokens off.
    pub(crate) fn new(token_bytes: u64) -> Self {
        let of_token = |text: &str, token: &BoundToken| text.len() * 2 + token.verified.size();
        let of_key = |header: &str, _: &Arc<ProofKey>| header.len() * 2 + PARSED_KEY_BYTES;
        Self {
            tokens: RefCell::new(Bounded::new(token_bytes, of_token)),
            proof_keys: RefCell::new(Bounded::new(PROOF_KEY_BYTES, of_key)),
        }
    }
}

impl Memories for RecentMemories {
    fn verified_token(
        &self,
        text: &str,
        number_of: impl FnOnce(&VerifiedToken) -> Option<u64>,
    ) -> Option<BoundToken> {
        let mut tokens = self.tokens.borrow_mut();
        let token = tokens.get(text)?;
        if number_of(&token.verified) == Some(token.verified.key_set()) {
            return Some(token);
        }
        tokens.remove(text);
        None
    }

    fn proof_key(&self, header: &str) -> Option<Arc<ProofKey>> {
        self.proof_keys.borrow_mut().get(header)
    }

    fn keep(&self, learned: &Learned, _: UnixTime) {
        if let Some((text, token)) = &learned.token {
            self.tokens.borrow_mut().insert(text.as_str(), token.clone());
        }
        if let Some((header, key)) = &learned.proof_key {
            self.proof_keys.borrow_mut().insert(header, Arc::clone(key));
        }
    }
}
