//! The keys of one issuer from any source: one set, or several sets.
//!
//! In: sets that are known in advance, or fetched.
//! Out: the keys that may be used now as one set, their number, and the end of a fetch to wait for.
//! Never: a fetch of its own, a lock held across an await.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oidc_spa_native::keys::jwk_set::JwkSet;
use tokio::task::JoinSet;

use crate::events::FetchCounts;
use crate::health::IssuerHealth;
use crate::issuer_keys::{IssuerKeys, Newer};
use crate::options::keys::unused_snapshot;
use crate::runtime::runtime;
use crate::snapshot::Snapshot;

/// The keys of one issuer.
#[derive(Debug)]
pub(crate) struct HeldKeys {
    issuer_uri: String,
    sets: Vec<KeySet>,
    /// For several sets: the joined set that was made last.
    joined: Mutex<Joined>,
}

/// A key set of an issuer.
#[derive(Debug)]
pub(crate) enum KeySet {
    Static(Arc<JwkSet>),
    Fetched(Arc<IssuerKeys>),
}

/// A joined set, and the numbers of its parts.
#[derive(Clone, Debug, Default)]
struct Joined {
    of: Vec<Option<Arc<JwkSet>>>,
    keys: Option<Arc<JwkSet>>,
}

impl HeldKeys {
    pub(crate) fn new(issuer_uri: &str, sets: Vec<KeySet>) -> Self {
        Self { issuer_uri: issuer_uri.to_owned(), sets, joined: Mutex::default() }
    }

    /// The keys that may be used now.
    pub(crate) fn current(&self) -> Option<Arc<JwkSet>> {
        match self.sets.as_slice() {
            [set] => set.current(),
            _ => self.join().keys,
        }
    }

    /// The number of the keys that may be used now.
    pub(crate) fn number(&self) -> Option<u64> {
        match self.sets.as_slice() {
            [set] => set.number(),
            _ => self.join().keys.map(|keys| keys.number()),
        }
    }

    /// Whether the keys can change.
    pub(crate) fn can_change(&self) -> bool {
        self.fetched().next().is_some()
    }

    /// The sets that are fetched.
    pub(crate) fn fetched(&self) -> impl Iterator<Item = &Arc<IssuerKeys>> {
        self.sets.iter().filter_map(KeySet::fetched)
    }

    /// Why the last fetches failed, if they did.
    pub(crate) fn last_error(&self) -> Option<String> {
        let errors: Vec<_> = self.fetched().filter_map(|keys| keys.last_error()).collect();
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
    pub(crate) fn is_in_vain(&self, key_set: Option<u64>, unknown_kid: Option<&str>) -> bool {
        match self.sets.as_slice() {
            [KeySet::Static(_)] => true,
            [KeySet::Fetched(keys)] => keys.is_in_vain(key_set, unknown_kid),
            _ => self.numbers_of(key_set).is_some_and(|numbers| {
                let sets = self.sets.iter().zip(numbers);
                let mut fetched = sets.filter_map(|(set, number)| Some((set.fetched()?, number)));
                fetched.all(|(keys, number)| keys.is_in_vain(number, None))
            }),
        }
    }

    /// Remembers that a refresh has not found this `kid`. With several sets, another set may have it.
    pub(crate) fn remember_unknown(&self, kid: &str) {
        if let [KeySet::Fetched(keys)] = self.sets.as_slice() {
            keys.remember_unknown(kid);
        }
    }

    /// Requests newer keys than those with this number, and waits until a fetch has ended; with several sets, the first
    /// one. A token that `may_pass` has priority.
    pub(crate) async fn newer(&self, key_set: Option<u64>, may_pass: bool, deadline: Instant) -> Newer {
        if let [KeySet::Fetched(keys)] = self.sets.as_slice() {
            return keys.newer(key_set, may_pass, deadline).await;
        }
        // Newer keys came while the caller was judging.
        let Some(numbers) = self.numbers_of(key_set) else { return Newer::Ended };
        let Ok(runtime) = runtime() else { return Newer::TimedOut };
        let mut asked = JoinSet::new();
        for (set, number) in self.sets.iter().zip(numbers) {
            if let Some(keys) = set.fetched().map(Arc::clone) {
                let newer = async move { keys.newer(number, may_pass, deadline).await };
                asked.spawn_on(newer, runtime.handle());
            }
        }
        let mut outcome = Newer::NotNow;
        while let Some(answer) = asked.join_next().await {
            outcome = match (answer.unwrap_or(Newer::TimedOut), outcome) {
                (Newer::Ended, _) => return Newer::Ended,
                (Newer::Crowded, _) | (_, Newer::Crowded) => Newer::Crowded,
                (Newer::TimedOut, _) | (_, Newer::TimedOut) => Newer::TimedOut,
                (Newer::NotNow, before) => before,
            };
        }
        outcome
    }

    /// How often the issuer was asked, and what came of it.
    pub(crate) fn counts(&self) -> FetchCounts {
        self.fetched().fold(FetchCounts::default(), |sum, keys| sum.plus(keys.counts()))
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

    /// The numbers of the parts of the joined set with this number, if these parts are still current.
    fn numbers_of(&self, key_set: Option<u64>) -> Option<Vec<Option<u64>>> {
        let joined = self.join();
        let is_current = joined.keys.map(|keys| keys.number()) == key_set;
        is_current.then(|| numbers(&joined.of).collect())
    }

    /// The joined set of now. It is the same as before, unless one of its parts has changed.
    fn join(&self) -> Joined {
        // The parts are read under the lock, so that a slow thread does not replace the current keys by older ones.
        let mut joined = self.joined();
        let of: Vec<Option<Arc<JwkSet>>> = self.sets.iter().map(KeySet::current).collect();
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
pub(crate) fn carry(keys: &[HeldKeys], snapshot: &Snapshot, most: Duration) -> Vec<String> {
    let (mut is_of_any, mut unused) = (false, Vec::new());
    for fetched in keys.iter().flat_map(HeldKeys::fetched) {
        match snapshot.keys_for(fetched.plan(), most) {
            None => {}
            Some(Ok((carried, set))) => {
                is_of_any = true;
                // Keys that are already there are newer.
                let _is_taken = fetched.carry(carried, set.document, set.fetched_at);
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

impl KeySet {
    fn number(&self) -> Option<u64> {
        match self {
            Self::Static(keys) => Some(keys.number()),
            Self::Fetched(keys) => keys.number(),
        }
    }

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
