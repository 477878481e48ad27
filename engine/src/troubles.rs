//! Decides which troubles are reported: once when a trouble begins and once when it ends.
//!
//! In: the beginning and the end of troubles.
//! Out: whether to report them.
//! Never: more reports than the limits, however often and however many things fail; the text of a report.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use oidc_spa_native::crypto::SecretMap;
use oidc_spa_native::time::Monotonic;

/// The least time between two reports of the same trouble, and the time in which all reports are counted.
const PERIOD_MILLIS: u64 = 600_000;
/// Troubles that are reported within a period. The end of each may be reported too.
const MAX_REPORTED: usize = 20;
/// Things that are remembered. Beyond it the oldest trouble is forgotten.
const MAX_THINGS: usize = 4096;

/// What to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Nothing: it was reported, or must wait.
    Nothing,
    /// This trouble, or its end.
    This,
    /// This trouble, and that further ones of this period are not reported.
    ThisAndNoMore,
}

/// What was reported of one thing.
#[derive(Debug)]
struct Reported {
    at: Monotonic,
    is_in_trouble: bool,
}

/// What was reported, of all things.
#[derive(Debug, Default)]
pub struct Troubles(Mutex<Ledger>);

#[derive(Debug, Default)]
struct Ledger {
    things: SecretMap<String, Reported>,
    counted_since: Option<Monotonic>,
    count: usize,
}

impl Troubles {
    /// The troubles of the process.
    pub fn of_process() -> Arc<Self> {
        static OF_PROCESS: LazyLock<Arc<Troubles>> = LazyLock::new(Arc::default);
        Arc::clone(&OF_PROCESS)
    }

    /// Notes that something is in trouble. May be called each time it fails.
    pub fn begin(&self, thing: &str, now: Monotonic) -> Report {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).begin(thing, now)
    }

    /// Notes that it works again. Its end is reported only if its trouble was.
    pub fn end(&self, thing: &str) -> Report {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).end(thing)
    }
}

impl Ledger {
    fn begin(&mut self, thing: &str, now: Monotonic) -> Report {
        let is_recent = |reported: &Reported| reported.at.millis_until(now) < PERIOD_MILLIS;
        if self.things.get(thing).is_some_and(|reported| reported.is_in_trouble || is_recent(reported)) {
            return Report::Nothing;
        }
        if self.counted_since.is_none_or(|since| since.millis_until(now) >= PERIOD_MILLIS) {
            (self.counted_since, self.count) = (Some(now), 0);
        }
        if self.count >= MAX_REPORTED {
            return Report::Nothing;
        }
        if self.things.len() >= MAX_THINGS {
            self.things.retain(|_, reported| reported.is_in_trouble || is_recent(reported));
            self.forget_oldest();
        }
        self.count += 1;
        self.things.insert(thing.to_owned(), Reported { at: now, is_in_trouble: true });
        if self.count == MAX_REPORTED { Report::ThisAndNoMore } else { Report::This }
    }

    /// Makes room where too many things are in trouble. The end of the oldest trouble is not reported then: it may be of a
    /// tenant that is gone, whose trouble never ends.
    fn forget_oldest(&mut self) {
        if self.things.len() >= MAX_THINGS {
            let oldest =
                self.things.iter().min_by_key(|(_, reported)| reported.at).map(|(thing, _)| thing.clone());
            oldest.and_then(|thing| self.things.remove(&thing));
        }
    }

    fn end(&mut self, thing: &str) -> Report {
        match self.things.get_mut(thing) {
            Some(reported) if reported.is_in_trouble => {
                reported.is_in_trouble = false;
                Report::This
            }
            _ => Report::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_warning_where_it_begins_and_one_where_it_ends() {
        let (mut ledger, now) = (Ledger::default(), Monotonic::from_millis(0));
        assert_eq!(ledger.end("a"), Report::Nothing, "it was never in trouble");
        assert_eq!(ledger.begin("a", now), Report::This);
        for _ in 0..1000 {
            assert_eq!(ledger.begin("a", now.plus_millis(2 * PERIOD_MILLIS)), Report::Nothing);
        }
        assert_eq!(ledger.begin("b", now), Report::This, "another one");
        assert_eq!([ledger.end("a"), ledger.end("a")], [Report::This, Report::Nothing]);
    }

    #[test]
    fn what_flaps_is_reported_once_a_period_and_at_last_where_it_stays() {
        let (mut ledger, begun) = (Ledger::default(), Monotonic::from_millis(0));
        let mut reported = 0;
        for second in 0..1200 {
            let now = begun.plus_millis(1000 * second);
            reported += usize::from(ledger.begin("a", now) != Report::Nothing);
            reported += usize::from(ledger.end("a") != Report::Nothing);
        }
        assert_eq!(reported, 4);
        assert_eq!(ledger.begin("a", begun.plus_millis(1_199_000)), Report::Nothing);
        assert_eq!(ledger.begin("a", begun.plus_millis(1_201_000)), Report::This);
    }

    #[test]
    fn a_thousand_at_once_are_as_many_as_the_bound_and_the_last_says_so() {
        let (mut ledger, now) = (Ledger::default(), Monotonic::from_millis(0));
        let reported: Vec<Report> = (0..1000).map(|i| ledger.begin(&i.to_string(), now)).collect();
        assert_eq!(reported.iter().filter(|tell| **tell != Report::Nothing).count(), MAX_REPORTED);
        assert_eq!(reported.iter().position(|tell| *tell == Report::ThisAndNoMore), Some(MAX_REPORTED - 1));
        let ended = (0..1000).filter(|i| ledger.end(&i.to_string()) != Report::Nothing).count();
        assert_eq!(ended, MAX_REPORTED, "the end of a trouble that was not reported");
        assert_eq!(ledger.begin("later", now.plus_millis(PERIOD_MILLIS)), Report::This);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let (mut ledger, mut now) = (Ledger::default(), Monotonic::from_millis(0));
        for i in 0..MAX_THINGS + 100 {
            now = now.plus_millis(PERIOD_MILLIS);
            ledger.begin(&i.to_string(), now);
        }
        assert_eq!(ledger.things.len(), MAX_THINGS);
        assert_eq!(
            ledger.begin("new", now.plus_millis(PERIOD_MILLIS)),
            Report::This,
            "troubles that never end keep no other one back"
        );
        assert_eq!(ledger.things.len(), MAX_THINGS);
        assert_eq!(
            [ledger.end("0"), ledger.end("new")],
            [Report::Nothing, Report::This],
            "the oldest is forgotten"
        );
    }
}
