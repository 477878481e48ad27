//! A request that waits for keys: since when, and until when.
//!
//! In: the time of the request, the limit of the options.
//! Out: `KeysWait`.
//! Never: a clock, the request itself.

use std::time::Duration;

use oidc_spa_native::time::{Monotonic, UnixTime};

/// One wait, which may see several fetches end.
#[derive(Clone, Copy, Debug)]
pub struct KeysWait {
    /// What time it was for the request.
    now: UnixTime,
    begun: Monotonic,
    deadline: Monotonic,
    /// Whether a fetch ended while it waited.
    pub(crate) was_refreshed: bool,
}

impl KeysWait {
    pub(crate) fn new(now: UnixTime, begun: Monotonic, timeout: Duration) -> Self {
        let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        Self { now, begun, deadline: begun.plus_millis(millis), was_refreshed: false }
    }

    /// Until when it waits.
    pub const fn deadline(&self) -> Monotonic {
        self.deadline
    }

    /// What time it is for the request.
    pub(crate) fn now(&self, at: Monotonic) -> UnixTime {
        let elapsed = i64::try_from(self.begun.millis_until(at) / 1000).unwrap_or(i64::MAX);
        UnixTime::from_secs(self.now.secs().saturating_add(elapsed))
    }
}
