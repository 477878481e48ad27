//! The keys of one issuer, wherever they come from: one set, or several that count together.
//!
//! In: sets that are known in advance, or fetched.
//! Out: the keys that may serve now as one set, their number, and the end of a fetch to wait for.
//! May use: issuer_keys, health, runtime, tokio, the validator's key sets.
//! Never: a fetch of its own, a lock held across an await.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use oidc_spa_native::keys::jwk_set::JwkSet;
use tokio::task::JoinSet;

use crate::health::IssuerHealth;
use crate::issuer_keys::{IssuerKeys, Newer, are_same, next_epoch};
use crate::runtime::runtime;

/// The keys of one issuer.
#[derive(Debug)]
pub(crate) struct HeldKeys {
    issuer_uri: String,
    sets: Vec<KeySet>,
    /// Of several sets: the one that was made of them last.
    joined: Mutex<Joined>,
}

/// A key set of an issuer.
#[derive(Debug)]
pub(crate) enum KeySet {
    Static(Arc<JwkSet>),
    Fetched(Arc<IssuerKeys>),
}

/// Several sets as one, and which they were.
#[derive(Clone, Debug, Default)]
struct Joined {
    of: Vec<Option<Arc<JwkSet>>>,
    keys: Option<(Arc<JwkSet>, u64)>,
}

impl HeldKeys {
    pub(crate) fn new(issuer_uri: &str, sets: Vec<KeySet>) -> Self {
        Self { issuer_uri: issuer_uri.to_owned(), sets, joined: Mutex::default() }
    }

    /// The keys that may serve now.
    pub(crate) fn current(&self) -> Option<Arc<JwkSet>> {
        match self.sets.as_slice() {
            [set] => set.current(),
            _ => self.join().keys.map(|(keys, _)| keys),
        }
    }

    /// The number of the keys that may serve now. Those that never change all have the same.
    pub(crate) fn epoch(&self) -> Option<u64> {
        match self.sets.as_slice() {
            [KeySet::Static(_)] => Some(0),
            [KeySet::Fetched(keys)] => keys.epoch(),
            _ => self.join().keys.map(|(_, epoch)| epoch),
        }
    }

    /// The number of these very keys, if they are the ones that may serve now.
    pub(crate) fn epoch_of(&self, keys: &Arc<JwkSet>) -> Option<u64> {
        match self.sets.as_slice() {
            [KeySet::Static(_)] => Some(0),
            [KeySet::Fetched(current)] => current.epoch_of(keys),
            _ => self.join().keys.filter(|(current, _)| Arc::ptr_eq(current, keys)).map(|(_, epoch)| epoch),
        }
    }

    /// Whether they can become others.
    pub(crate) fn can_change(&self) -> bool {
        self.fetched().next().is_some()
    }

    /// The sets that are fetched.
    pub(crate) fn fetched(&self) -> impl Iterator<Item = &Arc<IssuerKeys>> {
        self.sets.iter().filter_map(KeySet::fetched)
    }

    /// Why the last fetches brought nothing, where they did not.
    pub(crate) fn last_error(&self) -> Option<String> {
        let errors: Vec<_> = self.fetched().filter_map(|keys| keys.last_error()).collect();
        (!errors.is_empty()).then(|| errors.join("; "))
    }

    /// Whether asking for newer keys than those that were `seen` is of no use now, for a token with this `kid` that no key
    /// bears.
    pub(crate) fn would_refuse(&self, seen: Option<&Arc<JwkSet>>, unknown_kid: Option<&str>) -> bool {
        match self.sets.as_slice() {
            [KeySet::Static(_)] => true,
            [KeySet::Fetched(keys)] => {
                unknown_kid.is_some_and(|kid| keys.is_known_to_be_unknown(kid)) || keys.is_cooling_down(seen)
            }
            _ => self.sets_of(seen).is_some_and(|seen| {
                let mut fetched =
                    self.sets.iter().zip(&seen).filter_map(|(set, seen)| Some((set.fetched()?, seen)));
                fetched.all(|(keys, seen)| keys.is_cooling_down(seen.as_ref()))
            }),
        }
    }

    /// Remembers that a refresh has not found this `kid`. Of several sets, another one may have it.
    pub(crate) fn remember_unknown(&self, kid: String) {
        if let [KeySet::Fetched(keys)] = self.sets.as_slice() {
            keys.remember_unknown(kid);
        }
    }

    /// Asks for newer keys than those that were `seen`, and waits until a fetch has ended: of several sets, the first. A
    /// token that `may_pass` goes before one that may not.
    pub(crate) async fn newer(&self, seen: Option<&Arc<JwkSet>>, may_pass: bool, deadline: Instant) -> Newer {
        if let [KeySet::Fetched(keys)] = self.sets.as_slice() {
            return keys.newer(seen, may_pass, deadline).await;
        }
        // Others came while the caller was judging.
        let Some(seen) = self.sets_of(seen) else { return Newer::Ended };
        let Ok(runtime) = runtime() else { return Newer::TimedOut };
        let mut asked = JoinSet::new();
        for (set, seen) in self.sets.iter().zip(seen) {
            if let Some(keys) = set.fetched().map(Arc::clone) {
                let newer = async move { keys.newer(seen.as_ref(), may_pass, deadline).await };
                asked.spawn_on(newer, runtime.handle());
            }
        }
        let mut outcome = Newer::Refused;
        while let Some(answer) = asked.join_next().await {
            outcome = match (answer.unwrap_or(Newer::TimedOut), outcome) {
                (Newer::Ended, _) => return Newer::Ended,
                (Newer::Crowded, _) | (_, Newer::Crowded) => Newer::Crowded,
                (Newer::TimedOut, _) | (_, Newer::TimedOut) => Newer::TimedOut,
                (Newer::Refused, before) => before,
            };
        }
        outcome
    }

    /// How they stand: of several sets, as the worst of them does.
    pub(crate) fn health(&self) -> IssuerHealth {
        let healths = self.sets.iter().map(|set| match set {
            KeySet::Fetched(keys) => keys.health(),
            KeySet::Static(keys) => IssuerHealth::of_known_keys(&self.issuer_uri, Some(Arc::clone(keys))),
        });
        let together = healths.reduce(IssuerHealth::beside);
        let together = together.unwrap_or_else(|| IssuerHealth::of_known_keys(&self.issuer_uri, None));
        IssuerHealth { keys: self.current(), ..together }
    }

    /// The sets of which these keys were made, if they are still those that serve.
    fn sets_of(&self, keys: Option<&Arc<JwkSet>>) -> Option<Vec<Option<Arc<JwkSet>>>> {
        let joined = self.join();
        let same = match (&joined.keys, keys) {
            (Some((joined, _)), Some(keys)) => Arc::ptr_eq(joined, keys),
            (None, None) => true,
            _ => false,
        };
        same.then_some(joined.of)
    }

    /// What several sets are together now: the same as before, unless one of them is another.
    fn join(&self) -> Joined {
        // Looked at under the lock: who came first must not put the keys of before in the place of those of now.
        let mut joined = self.joined();
        let of: Vec<Option<Arc<JwkSet>>> = self.sets.iter().map(KeySet::current).collect();
        if !(joined.of.len() == of.len()
            && joined.of.iter().zip(&of).all(|(a, b)| are_same(a.as_ref(), b.as_ref())))
        {
            let keys = JwkSet::joined(&of).map(|keys| (Arc::new(keys), next_epoch()));
            *joined = Joined { of, keys };
        }
        joined.clone()
    }

    fn joined(&self) -> MutexGuard<'_, Joined> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeySet {
    fn current(&self) -> Option<Arc<JwkSet>> {
        match self {
            Self::Static(keys) => Some(Arc::clone(keys)),
            Self::Fetched(keys) => keys.current(),
        }
    }

    fn fetched(&self) -> Option<&Arc<IssuerKeys>> {
        match self {
            Self::Static(_) => None,
            Self::Fetched(keys) => Some(keys),
        }
    }
}
