//! The keys of one issuer from any source: one set, or several sets.
//!
//! In: sets that are known in advance, or fetched.
//! Out: the keys that may be used now as one set, their number, and which sets must be fetched for newer ones.
//! Never: a fetch of its own, a clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::time::Monotonic;

use crate::events::FetchCounts;
use crate::health::IssuerHealth;
use crate::issuer_keys::IssuerKeys;
use crate::moment::Moment;
use crate::snapshot::{Snapshot, unused_snapshot};

/// The keys of one issuer. `K` is how the program around holds fetched keys.
#[derive(Debug)]
pub struct HeldKeys<K> {
    issuer_uri: String,
    sets: Vec<KeySet<K>>,
    /// For several sets: the joined set that was made last.
    joined: Mutex<Joined>,
}

/// A key set of an issuer.
#[derive(Debug)]
pub enum KeySet<K> {
    /// Known in advance.
    Static(Arc<JwkSet>),
    /// Fetched. The program around holds the keys with what it needs for the fetches.
    Fetched(K),
}

/// A joined set, and the numbers of its parts.
#[derive(Clone, Debug, Default)]
struct Joined {
    of: Vec<Option<Arc<JwkSet>>>,
    keys: Option<Arc<JwkSet>>,
}

impl<K: AsRef<IssuerKeys>> HeldKeys<K> {
    /// The keys of this issuer.
    pub fn new(issuer_uri: &str, sets: Vec<KeySet<K>>) -> Self {
        Self { issuer_uri: issuer_uri.to_owned(), sets, joined: Mutex::default() }
    }

    /// The keys that may be used now.
    pub fn current(&self, at: Monotonic) -> Option<Arc<JwkSet>> {
        match self.sets.as_slice() {
            [set] => set.current(at),
            _ => self.join(at).keys,
        }
    }

    /// The number of the keys that may be used now.
    pub fn number(&self, at: Monotonic) -> Option<u64> {
        match self.sets.as_slice() {
            [set] => set.number(at),
            _ => self.join(at).keys.map(|keys| keys.number()),
        }
    }

    /// Whether the keys can change.
    pub(crate) fn can_change(&self) -> bool {
        self.fetched().next().is_some()
    }

    /// The sets that are fetched.
    pub fn fetched(&self) -> impl Iterator<Item = &K> {
        self.sets.iter().filter_map(KeySet::fetched)
    }

    /// Why the last fetches failed, if they did.
    pub(crate) fn last_error(&self) -> Option<String> {
        let errors: Vec<_> = self.fetched().filter_map(|keys| keys.as_ref().last_error()).collect();
        (!errors.is_empty()).then(|| errors.join("; "))
    }

    /// What a person types to see what this machine learns of the issuer. A name that a shell would not take as it is, is
    /// not in it.
    pub(crate) fn command(&self) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/%@".contains(c);
        let plain = Some(self.issuer_uri.as_str()).filter(|name| name.chars().all(is_plain));
        format!("npx oidc-spa-native doctor {}", plain.unwrap_or("ISSUER"))
    }

    /// Whether a request for newer keys than those with this number would be refused now, for a token with this `kid`
    /// that no key has.
    pub(crate) fn is_in_vain(&self, key_set: Option<u64>, unknown_kid: Option<&str>, at: Monotonic) -> bool {
        match self.sets.as_slice() {
            [KeySet::Static(_)] => true,
            [KeySet::Fetched(keys)] => keys.as_ref().is_in_vain(key_set, unknown_kid, at),
            _ => self.numbers_of(key_set, at).is_some_and(|numbers| {
                let sets = self.sets.iter().zip(numbers);
                let mut fetched = sets.filter_map(|(set, number)| Some((set.fetched()?, number)));
                fetched.all(|(keys, number)| keys.as_ref().is_in_vain(number, None, at))
            }),
        }
    }

    /// Remembers that a refresh has not found this `kid`. With several sets, another set may have it.
    pub(crate) fn remember_unknown(&self, kid: &str, at: Monotonic) {
        if let [KeySet::Fetched(keys)] = self.sets.as_slice() {
            keys.as_ref().remember_unknown(kid, at);
        }
    }

    /// For each fetched set, the number that the caller judged with, if the whole still has this number; `None` if newer
    /// keys came meanwhile.
    pub fn asked_of(&self, key_set: Option<u64>, at: Monotonic) -> Option<Vec<(&K, Option<u64>)>> {
        match self.sets.as_slice() {
            [KeySet::Fetched(keys)] => Some(vec![(keys, key_set)]),
            _ => {
                let sets = self.sets.iter().zip(self.numbers_of(key_set, at)?);
                Some(sets.filter_map(|(set, number)| Some((set.fetched()?, number))).collect())
            }
        }
    }

    /// How often the issuer was asked, and what came of it.
    pub(crate) fn counts(&self) -> FetchCounts {
        self.fetched().fold(FetchCounts::default(), |sum, keys| sum.plus(keys.as_ref().counts()))
    }

    /// How they stand: of several sets, as the worst of them does.
    pub(crate) fn health(&self, at: Moment) -> IssuerHealth {
        let healths = self.sets.iter().map(|set| match set {
            KeySet::Fetched(keys) => keys.as_ref().health(at),
            KeySet::Static(keys) => IssuerHealth::of_known_keys(&self.issuer_uri, Some(Arc::clone(keys))),
        });
        let together = healths.reduce(IssuerHealth::beside);
        let together = together.unwrap_or_else(|| IssuerHealth::of_known_keys(&self.issuer_uri, None));
        IssuerHealth { keys: self.current(at.steady), ..together }
    }

    /// The numbers of the parts of the joined set with this number, if these parts are still current.
    fn numbers_of(&self, key_set: Option<u64>, at: Monotonic) -> Option<Vec<Option<u64>>> {
        let joined = self.join(at);
        let is_current = joined.keys.map(|keys| keys.number()) == key_set;
        is_current.then(|| numbers(&joined.of).collect())
    }

    /// The joined set of now. It is the same as before, unless one of its parts has changed.
    fn join(&self, at: Monotonic) -> Joined {
        // The parts are read under the lock, so that a slow thread does not replace the current keys by older ones.
        let mut joined = self.joined();
        let of: Vec<Option<Arc<JwkSet>>> = self.sets.iter().map(|set| set.current(at)).collect();
        if !numbers(&joined.of).eq(numbers(&of)) {
            let keys = JwkSet::joined(&of).map(Arc::new);
            *joined = Joined { of, keys };
        }
        joined.clone()
    }

    fn joined(&self) -> MutexGuard<'_, Joined> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts keys of another process in the place of keys that are not fetched yet. Returns warnings for the application.
pub(crate) fn carry<K: AsRef<IssuerKeys>>(
    keys: &[HeldKeys<K>],
    snapshot: &Snapshot,
    most: Duration,
    jitter: &mut dyn FnMut() -> f64,
    at: Moment,
) -> Vec<String> {
    let (mut is_of_any, mut unused) = (false, Vec::new());
    for fetched in keys.iter().flat_map(HeldKeys::fetched).map(AsRef::as_ref) {
        match snapshot.keys_for(fetched.plan(), most, at.wall) {
            None => {}
            Some(Ok((carried, set))) => {
                is_of_any = true;
                // Keys that are already there are newer.
                let _is_taken = fetched.carry(carried, set, jitter(), at.steady);
            }
            Some(Err(why)) => {
                is_of_any = true;
                unused.push(unused_snapshot(&why));
            }
        }
    }
    if !is_of_any {
        unused
            .push(unused_snapshot("it holds no keys of these issuers, fetched from where these options say"));
    }
    unused
}

fn numbers(sets: &[Option<Arc<JwkSet>>]) -> impl Iterator<Item = Option<u64>> {
    sets.iter().map(|set| set.as_ref().map(|set| set.number()))
}

impl<K: AsRef<IssuerKeys>> KeySet<K> {
    fn number(&self, at: Monotonic) -> Option<u64> {
        match self {
            Self::Static(keys) => Some(keys.number()),
            Self::Fetched(keys) => keys.as_ref().number(at),
        }
    }

    fn current(&self, at: Monotonic) -> Option<Arc<JwkSet>> {
        match self {
            Self::Static(keys) => Some(Arc::clone(keys)),
            Self::Fetched(keys) => keys.as_ref().current(at),
        }
    }

    fn fetched(&self) -> Option<&K> {
        match self {
            Self::Static(_) => None,
            Self::Fetched(keys) => Some(keys),
        }
    }
}
