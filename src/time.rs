//! Points and spans of time, passed in by the caller and never read from a clock.
//!
//! In: seconds, and NumericDates of JSON (RFC 7519 section 2).
//! Out: `UnixTime`, `Monotonic`, `Leeway`, `NumericDate`.
//! Never: `std::time`, a clock.

use std::fmt;

/// A point of wall-clock time: whole seconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use oidc_spa_native::time::UnixTime;
///
/// assert_eq!(UnixTime::from_millis(1_800_000_000_999), UnixTime::from_secs(1_800_000_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    /// The time this many seconds after 1970-01-01T00:00:00Z.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs)
    }

    /// The time this many milliseconds after 1970-01-01T00:00:00Z; the fraction of a second is dropped.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.div_euclid(1000))
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub const fn secs(self) -> i64 {
        self.0
    }
}

/// A point on the process's steady clock, in milliseconds from an origin of the caller's choosing.
///
/// Ages and cool-downs are counted on it, so that a corrected wall clock neither stretches nor shortens them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monotonic(u64);

impl Monotonic {
    /// The point this many milliseconds after the origin.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// The point `millis` milliseconds later.
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from this point until `later`; zero when `later` has passed.
    pub const fn millis_until(self, later: Self) -> u64 {
        later.0.saturating_sub(self.0)
    }
}

/// How far two clocks may disagree, in whole seconds: at most [`Leeway::MAX_SECS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leeway(u16);

impl Leeway {
    /// The most that a leeway may be: RFC 9068 section 4 speaks of "no more than a few minutes".
    pub const MAX_SECS: u16 = 300;

    /// No leeway.
    pub const NONE: Self = Self(0);

    /// A leeway of `secs` seconds; `None` above [`Leeway::MAX_SECS`].
    pub const fn from_secs(secs: u16) -> Option<Self> {
        if secs <= Self::MAX_SECS { Some(Self(secs)) } else { None }
    }

    /// Seconds.
    pub const fn secs(self) -> i64 {
        self.0 as i64
    }
}

/// A JSON number of seconds since 1970-01-01T00:00:00Z, with or without a fraction (RFC 7519 section 2).
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub struct NumericDate(f64);

impl NumericDate {
    /// The last second of the year 9999. A later `exp` is a date in milliseconds or a mistake.
    pub(crate) const LATEST_SENSIBLE: Self = Self(253_402_300_799.0);

    /// The date of a JSON number; `None` when it is not finite.
    pub fn from_json(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self(number))
    }

    /// Whether this date lies after `time` plus `leeway`.
    pub fn is_after(self, time: UnixTime, leeway: Leeway) -> bool {
        self.0 > seconds(time, leeway.secs())
    }

    /// Whether `time` less `leeway` is before this date, as RFC 7519 section 4.1.4 asks of `exp`.
    pub fn is_still_ahead(self, time: UnixTime, leeway: Leeway) -> bool {
        self.0 > seconds(time, -leeway.secs())
    }

    /// Whether this date lies more than `secs` seconds before `time`.
    pub(crate) fn is_older_than(self, time: UnixTime, secs: i64) -> bool {
        self.0 < seconds(time, -secs)
    }

    /// The date so many seconds later.
    pub(crate) fn plus_secs(self, secs: u32) -> Self {
        Self(self.0 + f64::from(secs))
    }

    /// Whole seconds between this date and `time`, whichever comes first; a fraction counts as a whole one.
    pub(crate) fn secs_apart(self, time: UnixTime) -> u64 {
        // A float beyond the range of u64 becomes its limit: the casts of Rust saturate.
        (self.0 - time.0 as f64).abs().ceil() as u64
    }

    /// The first whole second that is not before this date.
    pub(crate) fn ceil(self) -> UnixTime {
        // A float beyond the range of i64 becomes its limit: the casts of Rust saturate.
        UnixTime(self.0.ceil() as i64)
    }
}

/// A span of time in which an answer does not change: from its first second on, and before its end.
///
/// ```
/// use oidc_spa_native::time::{NumericDate, Leeway, UnixTime, Validity};
///
/// let ten = NumericDate::from_json(10.0);
/// let validity = Validity::ALWAYS.before(ten, Leeway::NONE);
/// assert!(validity.contains(UnixTime::from_secs(9)) && !validity.contains(UnixTime::from_secs(10)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    from: UnixTime,
    until: UnixTime,
}

impl Validity {
    /// All of time.
    pub const ALWAYS: Self = Self { from: UnixTime(i64::MIN), until: UnixTime(i64::MAX) };

    /// This span without the time at which `date` lies ahead by more than `leeway` ([`NumericDate::is_after`]).
    pub fn since(self, date: Option<NumericDate>, leeway: Leeway) -> Self {
        let from = date.map_or(self.from, |date| UnixTime(date.ceil().0.saturating_sub(leeway.secs())));
        Self { from: from.max(self.from), ..self }
    }

    /// This span without the time at which `date` is over ([`NumericDate::is_still_ahead`]).
    pub fn before(self, date: Option<NumericDate>, leeway: Leeway) -> Self {
        let until = date.map_or(self.until, |date| UnixTime(date.ceil().0.saturating_add(leeway.secs())));
        Self { until: until.min(self.until), ..self }
    }

    /// Its first second.
    pub const fn from(self) -> UnixTime {
        self.from
    }

    /// The first second after it.
    pub const fn until(self) -> UnixTime {
        self.until
    }

    /// Whether a point of time lies in it.
    pub fn contains(self, time: UnixTime) -> bool {
        self.from <= time && time < self.until
    }
}

/// As a message shows it: in full while it is a sensible date.
impl fmt::Display for NumericDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.abs() < 1e15 { write!(f, "{}", self.0) } else { write!(f, "{:e}", self.0) }
    }
}

impl fmt::Debug for NumericDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NumericDate({})", self.0)
    }
}

fn seconds(time: UnixTime, shift: i64) -> f64 {
    time.0.saturating_add(shift) as f64
}
