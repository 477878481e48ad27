//! The clocks of the process.
//!
//! In: nothing.
//! Out: the present moment; the instant of a later one.
//! Never: a decision.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use oidc_spa_native::time::Monotonic;
use oidc_spa_native_engine::moment::Moment;

/// The origin of the steady clock: its first use.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The steady clock.
pub fn steady() -> Monotonic {
    Monotonic::from_millis(u64::try_from(ORIGIN.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// Both clocks.
pub(crate) fn moment() -> Moment {
    Moment { steady: steady(), wall: SystemTime::now() }
}

/// When the steady clock will show this.
pub(crate) fn instant(at: Monotonic) -> Instant {
    Instant::now() + Duration::from_millis(steady().millis_until(at))
}
