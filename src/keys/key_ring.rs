//! Decides when an issuer's keys are fetched, and how long they are used. It is a state machine with time as an
//! argument.
//!
//! In: the keys that requests need, the results of fetches, the time, a random number.
//! Out: the keys, the next action of the host, and its time.
//! Never: the network, a clock, a request's contents.

use std::sync::Arc;

use super::jwk_set::JwkSet;
use super::unknown_kids::UnknownKids;
use crate::time::Monotonic;

/// How often an issuer is asked, and how long its last answer is used. All times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyRingPolicy {
    /// Least time between two refreshes caused by unknown keys.
    pub cooldown_millis: u64,
    /// How long keys are fresh if the issuer gives no time.
    pub age_millis: u64,
    /// The bounds on the time that the issuer gives.
    pub age_bounds_millis: (u64, u64),
    /// How long keys that are no longer fresh are used while the issuer cannot be reached; `None`: without limit.
    pub outage_millis: Option<u64>,
    /// Time before the first attempt after a failed one; it doubles with each failure, up to the second number.
    pub retry_millis: (u64, u64),
}

impl KeyRingPolicy {
    /// Cool-down 30 s; age 10 min, from 1 min to 24 h; outage 12 h; retries after 1 s to 5 min.
    pub const DEFAULT: Self = Self {
        cooldown_millis: 30_000,
        age_millis: 600_000,
        age_bounds_millis: (60_000, 86_400_000),
        outage_millis: Some(12 * 3_600_000),
        retry_millis: (1_000, 300_000),
    };
}

impl Default for KeyRingPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a request must do that needs other keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// Begin a fetch, and wait for its end.
    Fetch,
    /// A fetch is under way, or starts without the request: wait for its end.
    Wait,
    /// No fetch will be made for it now.
    NotNow,
}

/// The state of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// There have never been any.
    None,
    /// They are within their age.
    Fresh,
    /// They are older, and used while the issuer cannot be reached.
    Stale,
    /// They are too old, and no longer used.
    Expired,
}

/// An issuer's keys and the state of their fetching.
///
/// ```
/// use oidc_spa_native::keys::key_ring::{RefreshDecision, KeyRing, KeyRingPolicy};
/// use oidc_spa_native::time::Monotonic;
///
/// let now = Monotonic::from_millis(0);
/// let mut ring = KeyRing::new(KeyRingPolicy::default());
/// assert_eq!(ring.decide_refresh(now), RefreshDecision::Fetch);
/// assert_eq!(ring.decide_refresh(now), RefreshDecision::Wait);
/// ring.failed(now, None, 1.0);
/// assert_eq!(ring.decide_refresh(now), RefreshDecision::Wait);
/// assert_eq!(ring.due(), Some(now.plus_millis(1_000)));
/// ```
#[derive(Debug)]
pub struct KeyRing {
    policy: KeyRingPolicy,
    held: Option<Held>,
    is_fetching: bool,
    cooldown_ends: Monotonic,
    /// Failed attempts since the last good one.
    failures: u32,
    /// When the last attempt failed.
    failed_at: Monotonic,
    /// When the next attempt is made, also without a request.
    due: Option<Monotonic>,
    /// Until when a failed attempt keeps requests from asking for the next one: never longer than a cool-down, unless
    /// the issuer asks for more. So when the issuer answers again, the next request that needs keys notices it.
    held_back_until: Monotonic,
    unknown: UnknownKids,
}

#[derive(Debug)]
struct Held {
    keys: Arc<JwkSet>,
    fresh_until: Monotonic,
    /// The latest time at which the keys are used, also if the policy allows a longer outage.
    ends: Option<Monotonic>,
}

/// Keys that were fetched by another process, before this one began. Times in milliseconds.
#[derive(Clone, Debug)]
pub struct CarriedKeys {
    /// The keys.
    pub keys: Arc<JwkSet>,
    /// How long ago they were fetched.
    pub elapsed_millis: u64,
    /// How long they are fresh, counted from then.
    pub age_millis: u64,
    /// How long they are used at most, counted from then, unless the issuer answers.
    pub most_millis: u64,
}

impl KeyRing {
    /// A ring without keys. No fetch is due until a request needs keys.
    pub fn new(policy: KeyRingPolicy) -> Self {
        let start = Monotonic::from_millis(0);
        Self {
            policy,
            held: None,
            is_fetching: false,
            cooldown_ends: start,
            failures: 0,
            failed_at: start,
            due: None,
            held_back_until: start,
            unknown: UnknownKids::default(),
        }
    }

    /// The keys that may be used now.
    pub fn keys(&self, now: Monotonic) -> Option<&Arc<JwkSet>> {
        match self.freshness(now) {
            Freshness::Fresh | Freshness::Stale => self.held.as_ref().map(|held| &held.keys),
            Freshness::None | Freshness::Expired => None,
        }
    }

    /// The keys of the last good fetch, also if they may no longer be used.
    pub fn held(&self) -> Option<&Arc<JwkSet>> {
        self.held.as_ref().map(|held| &held.keys)
    }

    /// Until when the keys are fresh.
    pub fn fresh_until(&self) -> Option<Monotonic> {
        self.held.as_ref().map(|held| held.fresh_until)
    }

    /// When the keys may no longer be used, unless the issuer answers before.
    pub fn serve_until(&self) -> Option<Monotonic> {
        let held = self.held.as_ref()?;
        let outage_ends = self.policy.outage_millis.map(|outage| held.fresh_until.plus_millis(outage));
        outage_ends.into_iter().chain(held.ends).min()
    }

    /// The state of the keys.
    pub fn freshness(&self, now: Monotonic) -> Freshness {
        match (&self.held, self.serve_until()) {
            (None, _) => Freshness::None,
            (Some(held), _) if now <= held.fresh_until => Freshness::Fresh,
            (Some(_), Some(end)) if now > end => Freshness::Expired,
            (Some(_), _) => Freshness::Stale,
        }
    }

    /// Whether [`KeyRing::decide_refresh`] would be refused, for callers that cannot wait.
    pub fn is_held_back(&self, now: Monotonic) -> bool {
        let held_back = now < self.cooldown_ends || now < self.held_back_until;
        !self.is_fetching && self.keys(now).is_some() && held_back
    }

    /// Whether a token that the key set with this number does not verify would be refused without a fetch;
    /// `unknown_kid` is its `kid` if no key of the set has it.
    pub fn is_in_vain(&mut self, key_set: Option<u64>, unknown_kid: Option<&str>, now: Monotonic) -> bool {
        self.unknown.forget_ended(now);
        let is_unknown = unknown_kid.is_some_and(|kid| self.unknown.contains(kid));
        is_unknown || (self.number(now) == key_set && self.is_held_back(now))
    }

    /// Notes that a refresh has not found this `kid`: for one cool-down no request fetches keys for it.
    pub fn remember_unknown(&mut self, kid: &str, now: Monotonic) {
        self.unknown.forget_ended(now);
        self.unknown.add(kid, now.plus_millis(self.policy.cooldown_millis));
    }

    /// The number of the keys that may be used now ([`JwkSet::number`]).
    pub fn number(&self, now: Monotonic) -> Option<u64> {
        self.keys(now).map(|keys| keys.number())
    }

    /// Decides for a request that needs missing keys: because there are none, or because of the key that it names.
    pub fn decide_refresh(&mut self, now: Monotonic) -> RefreshDecision {
        let has_keys = self.keys(now).is_some();
        let retries_by_itself = now < self.held_back_until;
        if self.is_fetching {
            return RefreshDecision::Wait;
        }
        match (has_keys, retries_by_itself) {
            (true, _) if self.is_held_back(now) => RefreshDecision::NotNow,
            (false, true) => RefreshDecision::Wait,
            _ => {
                // The first fetch begins no cool-down, so a rotation shortly after it is noticed at once. A refresh
                // that a request caused begins one, counted from the start of the refresh, also if it fails.
                if has_keys {
                    self.cooldown_ends = now.plus_millis(self.policy.cooldown_millis);
                }
                self.is_fetching = true;
                RefreshDecision::Fetch
            }
        }
    }

    /// When the host is to call [`KeyRing::wake`].
    pub const fn due(&self) -> Option<Monotonic> {
        if self.is_fetching { None } else { self.due }
    }

    /// Says whether to fetch now, because the time has come or the application asks. This begins no cool-down.
    pub fn wake(&mut self, now: Monotonic) -> bool {
        if self.is_fetching || self.due.is_none_or(|due| now < due) {
            return false;
        }
        self.is_fetching = true;
        true
    }

    /// The application asks for an attempt now, without waiting for the pause after a failed one. It still waits for
    /// the shortest pause, since an application may call this for each request of a client.
    pub fn hurry(&mut self, now: Monotonic) {
        if self.failures > 0 && !self.is_fetching {
            let soonest = self.failed_at.plus_millis(self.shortest_pause()).max(now);
            self.held_back_until = soonest;
            self.due = Some(soonest);
        }
    }

    const fn shortest_pause(&self) -> u64 {
        self.policy.retry_millis.0 / 2
    }

    /// A fetch brought a usable set. `lifetime` is the time that the issuer gives; `jitter`, from 0 to 1, spreads the
    /// refreshes of many servers.
    pub fn fetched(&mut self, now: Monotonic, keys: Arc<JwkSet>, lifetime: Option<u64>, jitter: f64) {
        let (least, most) = self.policy.age_bounds_millis;
        let age = lifetime.map_or(self.policy.age_millis, |lifetime| lifetime.clamp(least, most));
        self.held = Some(Held { keys, fresh_until: now.plus_millis(age), ends: None });
        self.is_fetching = false;
        self.failures = 0;
        self.held_back_until = now;
        // From 80 to 100 % of the age, so that no request ever waits for the refresh.
        self.due = Some(now.plus_millis(share(age, 0.8 + 0.2 * unit(jitter))));
    }

    /// Takes keys that another process fetched, as if they had been fetched here then. Does nothing if there are keys
    /// already, if a fetch is under way, or if these keys are too old.
    pub fn carry(&mut self, now: Monotonic, carried: CarriedKeys, jitter: f64) -> bool {
        let CarriedKeys { keys, elapsed_millis, age_millis, most_millis } = carried;
        if self.held.is_some() || self.is_fetching || elapsed_millis >= most_millis {
            return false;
        }
        let (least, most) = self.policy.age_bounds_millis;
        let age = age_millis.clamp(least, most).min(most_millis);
        let left = |millis: u64| now.plus_millis(millis.saturating_sub(elapsed_millis));
        self.held = Some(Held { keys, fresh_until: left(age), ends: Some(left(most_millis)) });
        self.due = Some(left(share(age, 0.8 + 0.2 * unit(jitter))));
        true
    }

    /// A fetch failed. The present keys stay. The next attempt is made at a random point (`jitter`, from 0 to 1) of a
    /// time that doubles with each failure, and not before `retry_after` (within bounds), if the issuer asked.
    pub fn failed(&mut self, now: Monotonic, retry_after: Option<u64>, jitter: f64) {
        let (least, most) = self.policy.retry_millis;
        let doubled = least.saturating_mul(1 << self.failures.min(20)).min(most);
        let pause = share(doubled, unit(jitter)).max(self.shortest_pause());
        let asked = retry_after.map_or(0, |asked| asked.min(most));
        self.failures = self.failures.saturating_add(1);
        self.failed_at = now;
        self.is_fetching = false;
        self.due = Some(now.plus_millis(pause.max(asked)));
        self.held_back_until = now.plus_millis(pause.min(self.policy.cooldown_millis).max(asked));
    }

    /// Failed attempts since the last good one.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether a fetch is under way.
    pub const fn is_fetching(&self) -> bool {
        self.is_fetching
    }
}

fn unit(jitter: f64) -> f64 {
    jitter.clamp(0.0, 1.0)
}

fn share(millis: u64, part: f64) -> u64 {
    (millis as f64 * part) as u64
}

#[cfg(test)]
mod tests;
