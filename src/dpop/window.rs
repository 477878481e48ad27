//! How far from this clock a proof's `iat` may lie (RFC 9449 sections 4.3 and 11.1).
//!
//! In: seconds back and ahead.
//! Out: `ProofWindow`, and the last second of a proof by the longest window.
//! Never: a window that is longer than a shared store keeps proofs.

use crate::time::{Leeway, NumericDate, UnixTime};

/// The span around this clock in which a proof's `iat` must lie: at most [`ProofWindow::LONGEST_SECS`] back, and at most
/// [`Leeway::MAX_SECS`] ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofWindow {
    back_secs: u16,
    ahead: Leeway,
}

/// Where a proof's `iat` lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lies {
    /// Too far back.
    Before,
    /// Within the window.
    Within,
    /// Too far ahead.
    After,
}

impl ProofWindow {
    /// The longest time after its `iat` for which any configuration accepts a proof, in seconds. Processes that share a
    /// replay store need not know each other's options: each stores a proof for this time.
    pub const LONGEST_SECS: u16 = 300;

    /// Only the present second.
    pub const NARROWEST: Self = Self { back_secs: 0, ahead: Leeway::NONE };

    /// The window from `back_secs` seconds back to `ahead` ahead; `None` above [`ProofWindow::LONGEST_SECS`].
    pub const fn new(back_secs: u16, ahead: Leeway) -> Option<Self> {
        if back_secs <= Self::LONGEST_SECS { Some(Self { back_secs, ahead }) } else { None }
    }

    /// The window that reaches as far back as ahead.
    pub const fn around(leeway: Leeway) -> Self {
        const { assert!(Leeway::MAX_SECS <= Self::LONGEST_SECS) };
        Self { back_secs: leeway.secs() as u16, ahead: leeway }
    }

    /// The narrowest window that holds both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let ahead = if self.ahead.secs() < other.ahead.secs() { other.ahead } else { self.ahead };
        Self { back_secs: self.back_secs.max(other.back_secs), ahead }
    }

    /// Seconds that it reaches back.
    pub const fn back_secs(self) -> i64 {
        self.back_secs as i64
    }

    /// How far it reaches ahead.
    pub const fn ahead(self) -> Leeway {
        self.ahead
    }

    /// Where this date lies.
    pub(crate) fn place(self, issued: NumericDate, now: UnixTime) -> Lies {
        if issued.is_after(now, self.ahead) {
            Lies::After
        } else if issued.is_older_than(now, self.back_secs()) {
            Lies::Before
        } else {
            Lies::Within
        }
    }

    /// The last second in which any configuration accepts a proof of this second.
    pub const fn last_second_of(issued: UnixTime) -> UnixTime {
        UnixTime::from_secs(issued.secs().saturating_add(Self::LONGEST_SECS as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_window_reaches_further_back_than_the_longest() {
        let most = Leeway::from_secs(Leeway::MAX_SECS).unwrap();
        assert_eq!(ProofWindow::LONGEST_SECS, 300, "the documents and the options say so");
        assert!(ProofWindow::new(ProofWindow::LONGEST_SECS, most).is_some());
        assert_eq!(ProofWindow::new(ProofWindow::LONGEST_SECS + 1, Leeway::NONE), None);
        assert_eq!(ProofWindow::new(u16::MAX, Leeway::NONE), None);
        assert!(ProofWindow::around(most).back_secs() <= i64::from(ProofWindow::LONGEST_SECS));
    }

    #[test]
    fn a_proof_of_any_window_is_accepted_up_to_its_last_second_and_not_after() {
        let issued = 1_800_000_000.0;
        let last = ProofWindow::last_second_of(UnixTime::from_secs(1_800_000_000));
        let date = NumericDate::from_json(issued).unwrap();
        for back_secs in 0..=ProofWindow::LONGEST_SECS {
            let window = ProofWindow::new(back_secs, Leeway::NONE).unwrap();
            let after = UnixTime::from_secs(last.secs() + 1);
            assert_eq!(window.place(date, after), Lies::Before, "{back_secs}");
        }
        let longest = ProofWindow::new(ProofWindow::LONGEST_SECS, Leeway::NONE).unwrap();
        assert_eq!(longest.place(date, last), Lies::Within);
    }

    /// Every window of up to four seconds each way, with dates in quarters of a second, around the epoch too.
    #[test]
    fn a_date_is_within_from_the_seconds_back_to_the_seconds_ahead_and_nowhere_else() {
        for (back, ahead, now) in
            (0..5).flat_map(|back| (0..5).flat_map(move |ahead| (-3..4).map(move |now| (back, ahead, now))))
        {
            let window = ProofWindow::new(back, Leeway::from_secs(ahead).unwrap()).unwrap();
            let (first, last) = (4 * (now - i64::from(back)), 4 * (now + i64::from(ahead)));
            for quarters in first - 8..=last + 8 {
                let expected = match quarters {
                    early if early < first => Lies::Before,
                    late if late > last => Lies::After,
                    _ => Lies::Within,
                };
                let date = NumericDate::from_json(quarters as f64 / 4.0).unwrap();
                let place = window.place(date, UnixTime::from_secs(now));
                assert_eq!(place, expected, "{quarters}/4 at {now}, from {back} back to {ahead} ahead");
            }
        }
    }

    #[test]
    fn two_windows_make_one_that_holds_both() {
        let leeway = |secs| Leeway::from_secs(secs).unwrap();
        let one = ProofWindow::new(40, leeway(10)).unwrap();
        let other = ProofWindow::new(20, leeway(60)).unwrap();
        assert_eq!(one.and(other), ProofWindow::new(40, leeway(60)).unwrap());
        assert_eq!(other.and(one), one.and(other));
        assert_eq!(one.and(ProofWindow::NARROWEST), one);
    }

    #[test]
    fn dates_beyond_all_bounds_have_a_place() {
        let window = ProofWindow::around(Leeway::from_secs(300).unwrap());
        for now in [i64::MIN, -1, 0, i64::MAX] {
            for issued in [f64::MIN, -1e300, 1e300, f64::MAX] {
                let date = NumericDate::from_json(issued).unwrap();
                let expected = if issued < 0.0 { Lies::Before } else { Lies::After };
                let place = window.place(date, UnixTime::from_secs(now));
                assert_eq!(place, expected, "{issued} at {now}");
            }
        }
        assert_eq!(ProofWindow::last_second_of(UnixTime::from_secs(i64::MAX)).secs(), i64::MAX);
    }
}
