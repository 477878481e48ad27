//! The clocks of JavaScript, whose readings come with each call.
//!
//! In: milliseconds.
//! Out: points of time.
//! Never: a clock.

use std::time::{Duration, UNIX_EPOCH};

use oidc_spa_native::time::{Monotonic, UnixTime};
use oidc_spa_native_engine::moment::Moment;

/// The steady clock.
pub(crate) fn steady(millis: f64) -> Monotonic {
    Monotonic::from_millis(millis as u64)
}

/// Milliseconds of the steady clock.
pub(crate) fn millis(at: Monotonic) -> u64 {
    Monotonic::from_millis(0).millis_until(at)
}

/// Both clocks.
pub(crate) fn moment(wall: f64, steady_millis: f64) -> Moment {
    // Up to the year 9999, so that no sum of times overflows.
    let wall = wall.clamp(0.0, 253_402_300_799_000.0) as u64;
    Moment { steady: steady(steady_millis), wall: UNIX_EPOCH + Duration::from_millis(wall) }
}

/// The clock of a validator.
pub(crate) fn unix_time(millis: f64) -> UnixTime {
    UnixTime::from_millis(millis as i64)
}
