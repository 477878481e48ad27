//! The options of the replay memory: the size of the process's own memory, the store of a fleet, and the decision
//! without an answer of the store.
//!
//! In: the members of the options.
//! Out: `ReplayOptions`.
//! Never: a password or key in a message, a default that grants a request without an answer.

use std::time::Duration;

use super::Internals;
use super::keys::client_certificate;
use super::reader::Reader;
use crate::options_error::{Found, OptionsError};
use crate::redis_options::RedisOptions;
use crate::replay::OnUnavailable;
use crate::surroundings::Surroundings;

const DEFAULT_PREFIX: &str = "oidc-spa-native:dpop:";
const MAX_PREFIX_BYTES: usize = 256;

/// The shared store.
#[derive(Debug, Default)]
pub enum ReplayChoice {
    /// No store: the process's own memory decides.
    #[default]
    Process,
    /// A Redis, which this process asks.
    Redis(Box<RedisOptions>),
    /// A store that the application asks itself.
    Application,
}

/// The settings for remembering proofs.
#[derive(Debug, Default)]
pub struct ReplayOptions {
    /// The store of the fleet, if there is one.
    pub choice: ReplayChoice,
    /// The decision without an answer of the store.
    pub on_unavailable: OnUnavailable,
    /// How long a request waits for the store.
    pub timeout: Duration,
    /// How many proofs this process's own memory holds, if the application sets it.
    pub entries: Option<usize>,
}

pub(super) fn replay(
    options: &Reader<'_>,
    limits: &Reader<'_>,
    internals: Internals,
    surroundings: &dyn Surroundings,
) -> Result<ReplayOptions, OptionsError> {
    let name = "replayMemoryEntries";
    let entries = match limits.object.has(name) {
        true => Some(limits.integer(name, 0, 1_000, 100_000_000)? as usize),
        false => None,
    };
    let Some(given) = options.object.get("replayStore") else {
        return Ok(ReplayOptions { entries, ..ReplayOptions::default() });
    };
    let object = given.as_object().ok_or_else(no_store)?;
    let store = Reader { object, path: "replayStore." };
    let names = ["redis", "prefix", "timeoutMs", "onUnavailable", "ca", "clientCertificate"];
    store.check_names(&names)?;
    let timeout = Duration::from_millis(store.integer("timeoutMs", 250, 10, 10_000)?);
    let on_unavailable = match store.one_of("onUnavailable", &["refuse", "process-memory"])? {
        Some("process-memory") => OnUnavailable::ProcessMemory,
        _ => OnUnavailable::Refuse,
    };
    let choice = if internals.application_store {
        ReplayChoice::Application
    } else {
        let redis = redis(&store, timeout)?;
        surroundings.check_redis(&redis).map_err(|error| error.within(store.path))?;
        ReplayChoice::Redis(Box::new(redis))
    };
    Ok(ReplayOptions { choice, on_unavailable, timeout, entries })
}

/// The value may hold a password, so the message does not repeat it.
fn no_store() -> OptionsError {
    let expected = "{ redis: \"redis://host:6379\" }, or an object with a function checkAndStore";
    OptionsError::expected("replayStore", expected)
}

fn redis(store: &Reader<'_>, timeout: Duration) -> Result<RedisOptions, OptionsError> {
    let Some(url) = store.object.get("redis").and_then(|url| url.as_str()) else {
        return Err(no_store());
    };
    let prefix = store.string("prefix")?.unwrap_or(DEFAULT_PREFIX);
    if prefix.len() > MAX_PREFIX_BYTES {
        let expected = format!("at most {MAX_PREFIX_BYTES} bytes");
        return Err(
            OptionsError::expected(store.path_of("prefix"), expected).found(Found::count(prefix.len()))
        );
    }
    Ok(RedisOptions {
        url: url.to_owned(),
        ca: store.string("ca")?.map(str::to_owned),
        client_certificate: client_certificate(store)?,
        prefix: prefix.to_owned(),
        timeout,
    })
}
