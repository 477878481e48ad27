//! How a validator stands, for people and their monitors.
//!
//! In: what the issuers' keys and the replay memory tell of themselves.
//! Out: the JSON text of `ValidatorHealth` (index.d.ts).
//! May use: the validator's key sets, serde_json.
//! Never: a network call, a key's numbers.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::keys::key_ring::Freshness;
use serde_json::{Value, json};

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
}

/// Where keys come from, and how they stand.
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

impl IssuerHealth {
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
            "fetchedAt": self.fetched_at.map(millis),
            "nextFetchAt": self.next_fetch_at.map(millis),
            "staleSince": self.stale_since.map(millis),
            "lastError": self.last_error.as_deref(),
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
