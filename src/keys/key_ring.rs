//! When an issuer's keys are fetched: a state machine, with time as an argument.
//!
//! In: what requests need, how fetches ended, the time.
//! Out: the keys, and what the host is to do.
//! May use: jwk_set, time.
//! Never: the network, a clock, a request's contents.

use std::sync::Arc;

use super::jwk_set::JwkSet;
use crate::time::Monotonic;

/// How often an issuer may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyRingPolicy {
    /// Least time between two refreshes that unknown keys ask for, in milliseconds.
    pub cooldown_millis: u64,
    /// Time before the first retry of a failed start, in milliseconds. It doubles with each failure.
    pub retry_min_millis: u64,
    /// Longest time between two retries, in milliseconds.
    pub retry_max_millis: u64,
}

impl Default for KeyRingPolicy {
    fn default() -> Self {
        Self { cooldown_millis: 30_000, retry_min_millis: 1_000, retry_max_millis: 300_000 }
    }
}

/// What a request that needs other keys than there are is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Begin a fetch, and wait for its end.
    Fetch,
    /// A fetch is under way or will be by itself: wait for its end.
    Wait,
    /// No fetch will be made for it now.
    Refuse,
}

/// An issuer's keys and the state of their fetching.
///
/// ```
/// use oidc_spa_native::keys::key_ring::{Demand, KeyRing, KeyRingPolicy};
/// use oidc_spa_native::time::Monotonic;
///
/// let now = Monotonic::from_millis(0);
/// let mut ring = KeyRing::new(KeyRingPolicy::default());
/// assert_eq!(ring.demand(now), Demand::Fetch);
/// assert_eq!(ring.demand(now), Demand::Wait);
/// ring.failed(now, 1.0);
/// assert_eq!(ring.demand(now), Demand::Wait);
/// ```
#[derive(Debug)]
pub struct KeyRing {
    policy: KeyRingPolicy,
    keys: Option<Arc<JwkSet>>,
    state: State,
    cooldown_ends: Monotonic,
    failures: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Fetching,
    /// The start failed; the host tries again by itself.
    Retrying,
}

impl KeyRing {
    /// A ring without keys.
    pub fn new(policy: KeyRingPolicy) -> Self {
        let cooldown_ends = Monotonic::from_millis(0);
        Self { policy, keys: None, state: State::Idle, cooldown_ends, failures: 0 }
    }

    /// The keys, if a fetch has ever succeeded.
    pub fn keys(&self) -> Option<&Arc<JwkSet>> {
        self.keys.as_ref()
    }

    /// Whether [`KeyRing::demand`] would be refused, for callers that cannot wait.
    pub fn is_cooling_down(&self, now: Monotonic) -> bool {
        self.keys.is_some() && self.state == State::Idle && now < self.cooldown_ends
    }

    /// A request needs keys that are not there: any at all, or one that it names.
    pub fn demand(&mut self, now: Monotonic) -> Demand {
        if self.state != State::Idle {
            return Demand::Wait;
        }
        if self.is_cooling_down(now) {
            return Demand::Refuse;
        }
        // The first fetch begins no cool-down: a rotation seconds after it is followed at once. A refresh does,
        // counted from its beginning, whether it succeeds or not.
        if self.keys.is_some() {
            self.cooldown_ends = now.plus_millis(self.policy.cooldown_millis);
        }
        self.state = State::Fetching;
        Demand::Fetch
    }

    /// A fetch brought a usable set.
    pub fn fetched(&mut self, keys: JwkSet) {
        self.keys = Some(Arc::new(keys));
        self.state = State::Idle;
        self.failures = 0;
    }

    /// A fetch failed. The keys that are there stay. Returns when to try again: after a failed start, at a random
    /// point (`jitter`, from 0 to 1) of a time that doubles with each failure.
    pub fn failed(&mut self, now: Monotonic, jitter: f64) -> Option<Monotonic> {
        if self.keys.is_some() {
            self.state = State::Idle;
            return None;
        }
        self.state = State::Retrying;
        let doubled = self.policy.retry_min_millis.saturating_mul(1 << self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        let least = self.policy.retry_min_millis / 2;
        let most = doubled.min(self.policy.retry_max_millis);
        let delay = (most as f64 * jitter.clamp(0.0, 1.0)) as u64;
        Some(now.plus_millis(delay.max(least)))
    }

    /// The time that [`KeyRing::failed`] told has come.
    pub fn retry(&mut self) {
        self.state = State::Fetching;
    }

    /// A fetch ended without telling how. Without this, nobody would ever ask again.
    pub fn abandoned(&mut self) {
        self.state = State::Idle;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Monotonic {
        Monotonic::from_millis(millis)
    }

    fn set() -> JwkSet {
        let jwk =
            r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        match JwkSet::parse(jwk.as_bytes()) {
            Ok(set) => set,
            Err(error) => unreachable!("{error}"),
        }
    }

    fn started(now: Monotonic) -> KeyRing {
        let mut ring = KeyRing::new(KeyRingPolicy::default());
        assert_eq!(ring.demand(now), Demand::Fetch);
        ring.fetched(set());
        ring
    }

    #[test]
    fn h33_many_cold_requests_ask_once() {
        let mut ring = KeyRing::new(KeyRingPolicy::default());
        assert_eq!(ring.demand(at(0)), Demand::Fetch);
        for _ in 0..1_000 {
            assert_eq!(ring.demand(at(1)), Demand::Wait);
        }
    }

    #[test]
    fn h23_the_first_fetch_begins_no_cool_down_and_a_refresh_does() {
        let mut ring = started(at(0));
        assert_eq!(ring.demand(at(1)), Demand::Fetch);
        ring.fetched(set());
        assert_eq!(ring.demand(at(2)), Demand::Refuse);
        assert_eq!(ring.demand(at(30_000)), Demand::Refuse);
        assert_eq!(ring.demand(at(30_001)), Demand::Fetch);
    }

    #[test]
    fn h29_h30_h32_a_failed_refresh_cools_down_too_and_keeps_the_keys() {
        let mut ring = started(at(0));
        assert_eq!(ring.demand(at(1_000)), Demand::Fetch);
        assert_eq!(ring.failed(at(6_000), 0.5), None);
        assert!(ring.keys().is_some());
        assert_eq!(ring.demand(at(6_001)), Demand::Refuse);
        assert_eq!(ring.demand(at(31_000)), Demand::Fetch);
    }

    #[test]
    fn h35_a_failed_start_is_retried_with_growing_bounded_pauses() {
        let mut ring = KeyRing::new(KeyRingPolicy::default());
        assert_eq!(ring.demand(at(0)), Demand::Fetch);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let Some(next) = ring.failed(at(0), 1.0) else { unreachable!() };
            pauses.push(at(0).millis_until(next));
            assert_eq!(ring.demand(at(0)), Demand::Wait);
            ring.retry();
        }
        assert_eq!(pauses[..4], [1_000, 2_000, 4_000, 8_000]);
        assert_eq!(pauses[11], 300_000);
        let least = ring.failed(at(0), 0.0).map(|next| at(0).millis_until(next));
        assert_eq!(least, Some(500));
        ring.fetched(set());
        assert!(ring.keys().is_some());
    }
}
