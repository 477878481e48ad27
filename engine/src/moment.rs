//! A moment, as the program around reads it from its clocks.
//!
//! In: the readings of two clocks.
//! Out: `Moment`.
//! Never: a clock.

use std::time::{Duration, SystemTime};

use oidc_spa_native::time::Monotonic;

/// One moment on two clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Ages, pauses and limits are counted on this one, which is never set.
    pub steady: Monotonic,
    /// What time it is, for people and for the dates of servers.
    pub wall: SystemTime,
}

impl Moment {
    /// The wall-clock time of an earlier or later point of the steady clock.
    pub(crate) fn wall_of(self, at: Monotonic) -> SystemTime {
        let (ahead, behind) = (self.steady.millis_until(at), at.millis_until(self.steady));
        self.wall + Duration::from_millis(ahead) - Duration::from_millis(behind)
    }
}
