//! Decides which troubles are worth a warning, so that there is one where a trouble begins and one where it ends.
//!
//! In: that something is in trouble, or is well again.
//! Out: whether people are to be told.
//! Never: more warnings than the bounds, whatever flaps and however much fails at once; a sentence.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time between two warnings that the same thing is in trouble, and the one in which all of them are counted.
const PERIOD: Duration = Duration::from_secs(600);
/// Troubles that are told within a period, whatever they are of. Each may be followed by one warning that it has ended.
const MAX_TOLD: usize = 20;
/// Things that are remembered. Beyond it the oldest trouble is forgotten.
const MAX_THINGS: usize = 4096;

/// What is to be done about a trouble, or its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell {
    /// Nothing: it was told, or must wait.
    Nothing,
    /// People are told.
    This,
    /// People are told, and that further troubles of this period are not.
    ThisAndNoMore,
}

/// What was told of one thing.
#[derive(Debug)]
struct Told {
    at: Instant,
    is_in_trouble: bool,
}

/// What was told, of everything.
#[derive(Debug, Default)]
pub struct Troubles(Mutex<Ledger>);

#[derive(Debug, Default)]
struct Ledger {
    things: HashMap<String, Told>,
    counted_since: Option<Instant>,
    count: usize,
}

impl Troubles {
    /// Those of which the process warns.
    pub fn of_process() -> Arc<Self> {
        static OF_PROCESS: LazyLock<Arc<Troubles>> = LazyLock::new(Arc::default);
        Arc::clone(&OF_PROCESS)
    }

    /// Notes that something is in trouble. It may be said as often as it is seen.
    pub fn begin(&self, thing: &str) -> Tell {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).begin(thing, Instant::now())
    }

    /// Notes that it is well again. Told only where its trouble was.
    pub fn end(&self, thing: &str) -> Tell {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).end(thing)
    }
}

impl Ledger {
    fn begin(&mut self, thing: &str, now: Instant) -> Tell {
        let is_recent = |told: &Told| now.duration_since(told.at) < PERIOD;
        if self.things.get(thing).is_some_and(|told| told.is_in_trouble || is_recent(told)) {
            return Tell::Nothing;
        }
        if self.counted_since.is_none_or(|since| now.duration_since(since) >= PERIOD) {
            (self.counted_since, self.count) = (Some(now), 0);
        }
        if self.count >= MAX_TOLD {
            return Tell::Nothing;
        }
        if self.things.len() >= MAX_THINGS {
            self.things.retain(|_, told| told.is_in_trouble || is_recent(told));
            self.forget_oldest();
        }
        self.count += 1;
        self.things.insert(thing.to_owned(), Told { at: now, is_in_trouble: true });
        if self.count == MAX_TOLD { Tell::ThisAndNoMore } else { Tell::This }
    }

    /// Makes room where too many things are in trouble. The end of the oldest trouble is not reported then: it may be of a
    /// tenant that is gone, whose trouble never ends.
    fn forget_oldest(&mut self) {
        if self.things.len() >= MAX_THINGS {
            let oldest = self.things.iter().min_by_key(|(_, told)| told.at).map(|(thing, _)| thing.clone());
            oldest.and_then(|thing| self.things.remove(&thing));
        }
    }

    fn end(&mut self, thing: &str) -> Tell {
        match self.things.get_mut(thing) {
            Some(told) if told.is_in_trouble => {
                told.is_in_trouble = false;
                Tell::This
            }
            _ => Tell::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_warning_where_it_begins_and_one_where_it_ends() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        assert_eq!(ledger.end("a"), Tell::Nothing, "it was never in trouble");
        assert_eq!(ledger.begin("a", now), Tell::This);
        for _ in 0..1000 {
            assert_eq!(ledger.begin("a", now + 2 * PERIOD), Tell::Nothing);
        }
        assert_eq!(ledger.begin("b", now), Tell::This, "another one");
        assert_eq!([ledger.end("a"), ledger.end("a")], [Tell::This, Tell::Nothing]);
    }

    #[test]
    fn what_flaps_is_told_once_a_period_and_told_at_last_where_it_stays() {
        let (mut ledger, begun) = (Ledger::default(), Instant::now());
        let mut told = 0;
        for second in 0..1200 {
            let now = begun + Duration::from_secs(second);
            told += usize::from(ledger.begin("a", now) != Tell::Nothing);
            told += usize::from(ledger.end("a") != Tell::Nothing);
        }
        assert_eq!(told, 4);
        assert_eq!(ledger.begin("a", begun + Duration::from_secs(1199)), Tell::Nothing);
        assert_eq!(ledger.begin("a", begun + Duration::from_secs(1201)), Tell::This);
    }

    #[test]
    fn a_thousand_at_once_are_as_many_as_the_bound_and_the_last_says_so() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        let told: Vec<Tell> = (0..1000).map(|i| ledger.begin(&i.to_string(), now)).collect();
        assert_eq!(told.iter().filter(|tell| **tell != Tell::Nothing).count(), MAX_TOLD);
        assert_eq!(told.iter().position(|tell| *tell == Tell::ThisAndNoMore), Some(MAX_TOLD - 1));
        let ended = (0..1000).filter(|i| ledger.end(&i.to_string()) != Tell::Nothing).count();
        assert_eq!(ended, MAX_TOLD, "no end is told of what was not told");
        assert_eq!(ledger.begin("later", now + PERIOD), Tell::This);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let (mut ledger, mut now) = (Ledger::default(), Instant::now());
        for i in 0..MAX_THINGS + 100 {
            now += PERIOD;
            ledger.begin(&i.to_string(), now);
        }
        assert_eq!(ledger.things.len(), MAX_THINGS);
        assert_eq!(
            ledger.begin("new", now + PERIOD),
            Tell::This,
            "troubles that never end keep no other one back"
        );
        assert_eq!(ledger.things.len(), MAX_THINGS);
        assert_eq!(
            [ledger.end("0"), ledger.end("new")],
            [Tell::Nothing, Tell::This],
            "the oldest is forgotten"
        );
    }
}
