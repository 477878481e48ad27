//! The state of a validator, for people and their monitoring.
//!
//! In: the state of the issuers' keys and of the replay memory.
//! Out: the JSON text of `ValidatorHealth` (index.d.ts).
//! Never: a network call, a key's numbers.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use oidc_spa_native::keys::jwk_set::{JwkSet, SkippedKey};
use oidc_spa_native::keys::key_ring::Freshness;
use serde_json::{Value, json};

use crate::events::FetchCounts;

/// The health of one issuer's keys.
#[derive(Debug)]
pub(crate) struct IssuerHealth {
    pub issuer_uri: String,
    pub state: KeysState,
    pub keys: Option<Arc<JwkSet>>,
    pub fetched_at: Option<SystemTime>,
    pub next_fetch_at: Option<SystemTime>,
    pub stale_since: Option<SystemTime>,
    pub last_error: Option<Arc<str>>,
    /// The keys of the last answers, where no key of a set is usable.
    pub refused: Vec<SkippedKey>,
    pub clock_skew_secs: Option<i64>,
}

/// The greatest number of listed keys that cannot verify signatures.
const MAX_SKIPPED: usize = 20;

/// The source of keys, and their state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeysState {
    Static,
    Fetched(Freshness),
}

/// The health of a validator, as JSON text.
pub(crate) fn to_json(issuers: impl Iterator<Item = IssuerHealth>, replay_memory: &Value) -> String {
    let issuers: Vec<Value> = issuers.map(|issuer| issuer.to_json()).collect();
    json!({ "issuers": issuers, "replayMemory": replay_memory }).to_string()
}

/// What is counted, as JSON text.
pub(crate) fn metrics_to_json(
    keys: impl Iterator<Item = (IssuerHealth, FetchCounts)>,
    replay_memory: &Value,
    now: SystemTime,
) -> String {
    let keys: Vec<Value> = keys.map(|(issuer, counts)| issuer.metrics(counts, now)).collect();
    json!({ "keys": keys, "replayMemory": replay_memory }).to_string()
}

/// The keys of a set that verify nothing, and why: a list of `SkippedKey` (index.d.ts).
/// `refused` are those of sets that were not taken, since no key of them is usable.
pub(crate) fn skipped_keys(set: Option<&Arc<JwkSet>>, refused: &[SkippedKey]) -> Vec<Value> {
    let skipped = set.iter().flat_map(|set| set.skipped()).chain(refused.iter().cloned()).take(MAX_SKIPPED);
    skipped.map(|SkippedKey { kid, reason }| json!({ "kid": kid, "reason": reason })).collect()
}

impl KeysState {
    /// A worse state has a higher number.
    const fn trouble(self) -> u8 {
        match self {
            Self::Static => 0,
            Self::Fetched(Freshness::Fresh) => 1,
            Self::Fetched(Freshness::Stale) => 2,
            Self::Fetched(Freshness::Expired) => 3,
            Self::Fetched(Freshness::None) => 4,
        }
    }
}

impl IssuerHealth {
    /// The health of keys that are known in advance.
    pub(crate) fn of_known_keys(issuer_uri: &str, keys: Option<Arc<JwkSet>>) -> Self {
        Self {
            issuer_uri: issuer_uri.to_owned(),
            state: KeysState::Static,
            keys,
            fetched_at: None,
            next_fetch_at: None,
            stale_since: None,
            last_error: None,
            refused: Vec::new(),
            clock_skew_secs: None,
        }
    }

    /// The health of two sets of one issuer: the worse state, the earlier times, every error, the clock that is further off.
    pub(crate) fn beside(self, other: Self) -> Self {
        let earlier = |a: Option<SystemTime>, b: Option<SystemTime>| a.into_iter().chain(b).min();
        let worse = if other.state.trouble() > self.state.trouble() { other.state } else { self.state };
        let last_error = match (self.last_error, other.last_error) {
            (Some(one), Some(two)) => Some(format!("{one}; {two}").into()),
            (one, two) => one.or(two),
        };
        Self {
            state: worse,
            fetched_at: earlier(self.fetched_at, other.fetched_at),
            next_fetch_at: earlier(self.next_fetch_at, other.next_fetch_at),
            stale_since: earlier(self.stale_since, other.stale_since),
            last_error,
            refused: [self.refused, other.refused].concat(),
            clock_skew_secs: [self.clock_skew_secs, other.clock_skew_secs]
                .into_iter()
                .flatten()
                .max_by_key(|secs| secs.abs()),
            ..self
        }
    }

    /// `KeysMetrics` of `index.d.ts`.
    fn metrics(
        &self,
        FetchCounts { fetches, failures, rotations, spent }: FetchCounts,
        now: SystemTime,
    ) -> Value {
        let age = self.fetched_at.and_then(|at| now.duration_since(at).ok());
        json!({
            "issuerUri": self.issuer_uri,
            "fetches": fetches,
            "failures": failures,
            "rotations": rotations,
            "fetchSeconds": spent.as_secs_f64(),
            "usableKeys": self.keys.iter().flat_map(|set| set.usable()).count(),
            "ageSeconds": age.map(|age| age.as_secs_f64()),
        })
    }

    fn to_json(&self) -> Value {
        let state = match self.state {
            KeysState::Static => "static",
            KeysState::Fetched(Freshness::None) => "none",
            KeysState::Fetched(Freshness::Fresh) => "fresh",
            KeysState::Fetched(Freshness::Stale) => "stale",
            KeysState::Fetched(Freshness::Expired) => "expired",
        };
        let keys: Vec<Value> = self.keys.iter().flat_map(|set| set.usable()).map(key_to_json).collect();
        json!({
            "issuerUri": self.issuer_uri,
            "state": state,
            "keys": keys,
            "skippedKeys": skipped_keys(self.keys.as_ref(), &self.refused),
            "fetchedAt": self.fetched_at.map(millis),
            "nextFetchAt": self.next_fetch_at.map(millis),
            "staleSince": self.stale_since.map(millis),
            "lastError": self.last_error.as_deref(),
            "clockSkewSeconds": self.clock_skew_secs,
        })
    }
}

fn key_to_json(
    (kid, algorithms): (Option<&str>, impl Iterator<Item = oidc_spa_native::jose::algorithm::Algorithm>),
) -> Value {
    json!({ "kid": kid, "algorithms": algorithms.map(|algorithm| algorithm.name()).collect::<Vec<_>>() })
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
