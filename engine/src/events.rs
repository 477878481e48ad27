//! Reports what happens to keys and to Redis to every listener in this process.
//!
//! In: changes of an issuer's keys; whether Redis answers.
//! Out: JSON texts, one for each event.
//! Never: text from a client or an issuer, except in the text of an error and in the `kid` of a skipped key.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

/// A listener for every event. It returns whether it wants further events.
type Listener = Box<dyn Fn(&str) -> bool + Send>;

static LISTENERS: Mutex<Vec<Listener>> = Mutex::new(Vec::new());

/// Calls a listener with every event of every issuer of the process, until it returns `false`. It is called under a
/// lock, and must return at once.
pub fn listen(listener: impl Fn(&str) -> bool + Send + 'static) {
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(listener));
}

/// The result of a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    /// The issuer gave a good answer.
    Fetched { was_failing: bool, rotated: bool },
    /// It gave no good answer.
    Failed,
}

/// The history of one issuer's keys that later events need.
#[derive(Debug, Default)]
pub(crate) struct KeysHistory {
    fetched_at: Option<SystemTime>,
    is_stale_reported: bool,
    clock_skew_secs: Option<i64>,
    counts: FetchCounts,
}

/// How often an issuer was asked, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchCounts {
    /// Fetches that ended, well or badly.
    pub fetches: u64,
    /// Those that brought nothing.
    pub failures: u64,
    /// Those that brought other keys than before.
    pub rotations: u64,
    /// How long all of them took together.
    pub spent: Duration,
}

impl FetchCounts {
    /// Those of two sets that count together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            fetches: self.fetches + other.fetches,
            failures: self.failures + other.failures,
            rotations: self.rotations + other.rotations,
            spent: self.spent + other.spent,
        }
    }

    fn count(&mut self, happened: Happened, spent: Duration) {
        self.fetches += 1;
        self.spent += spent;
        match happened {
            Happened::Fetched { rotated, .. } => self.rotations += u64::from(rotated),
            Happened::Failed => self.failures += 1,
        }
    }
}

impl KeysHistory {
    /// Time of the issuer's last good answer.
    pub(crate) const fn fetched_at(&self) -> Option<SystemTime> {
        self.fetched_at
    }

    /// By how many seconds the issuer's clock was ahead when it last said what time it is.
    pub(crate) const fn clock_skew_secs(&self) -> Option<i64> {
        self.clock_skew_secs
    }

    /// Notes what an answer says of the issuer's clock.
    pub(crate) fn note_clock(&mut self, skew_secs: Option<i64>) {
        self.clock_skew_secs = skew_secs.or(self.clock_skew_secs);
    }

    /// How often the issuer was asked.
    pub(crate) const fn counts(&self) -> FetchCounts {
        self.counts
    }

    /// Notes that another process fetched them, which told of it then.
    pub(crate) const fn note_carried(&mut self, fetched_at: SystemTime) {
        self.fetched_at = Some(fetched_at);
    }

    /// Notes the end of a fetch, and publishes its events.
    pub(crate) fn note(
        &mut self,
        issuer: &str,
        (happened, spent): (Happened, Duration),
        error: Option<&str>,
        skipped: Vec<Value>,
        now: SystemTime,
    ) {
        self.counts.count(happened, spent);
        match happened {
            Happened::Fetched { was_failing, rotated } => {
                self.fetched_at = Some(now);
                self.is_stale_reported = false;
                tell(issuer, "refreshed", (!skipped.is_empty()).then(|| ("skippedKeys", skipped.into())));
                if rotated {
                    tell(issuer, "rotated", None);
                }
                if was_failing {
                    tell(issuer, "recovered", None);
                }
            }
            Happened::Failed => tell(issuer, "failed", error.map(|error| ("error", error.into()))),
        }
    }

    /// Publishes once that keys are used beyond their age, until the issuer answers again.
    pub(crate) fn note_stale(&mut self, issuer: &str) {
        if !self.is_stale_reported {
            self.is_stale_reported = true;
            tell(issuer, "stale", None);
        }
    }
}

/// Publishes that Redis gives no answer, and why; or that it answers again. It is no `KeysEvent`: JavaScript keeps it.
pub fn tell_of_store(trouble: Option<&str>) {
    match trouble {
        Some(trouble) => tell("", "store-failed", Some(("error", trouble.into()))),
        None => tell("", "store-recovered", None),
    }
}

/// Publishes an event; `more` is one further member of it.
fn tell(issuer: &str, name: &str, more: Option<(&str, Value)>) {
    let mut event = json!({ "type": name, "issuerUri": issuer });
    if let (Some(members), Some((name, value))) = (event.as_object_mut(), more) {
        members.insert(name.to_owned(), value);
    }
    tell_all(&event);
}

fn tell_all(event: &Value) {
    let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
    if listeners.is_empty() {
        return;
    }
    let text = event.to_string();
    listeners.retain(|listener| listener(&text));
}

/// One question to a server, told when it begins and when it ends: a dropped one ends too.
#[derive(Debug)]
pub(crate) struct FetchTrace {
    event: Value,
    outcome: Option<Value>,
}

impl FetchTrace {
    /// Tells that it begins. `kind` is what is asked for, `server` the origin that is asked.
    pub(crate) fn begin(kind: &'static str, issuer: &str, server: &str) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let event = json!({ "fetch": number, "kind": kind, "issuerUri": issuer, "server": server });
        tell_all(&event);
        Self { event, outcome: None }
    }

    /// It ended with a document of so many bytes; `None`: with the word that nothing has changed.
    pub(crate) fn succeeded(mut self, bytes: Option<usize>) {
        self.outcome = Some(match bytes {
            Some(bytes) => json!({ "status": 200, "bytes": bytes }),
            None => json!({ "status": 304 }),
        });
    }

    /// It did not, and why.
    pub(crate) fn failed(mut self, status: Option<u16>, error: &str) {
        self.outcome = Some(json!({ "status": status, "error": error }));
    }
}

impl Drop for FetchTrace {
    fn drop(&mut self) {
        let given_up = || json!({ "error": "the fetch was given up" });
        let outcome = self.outcome.take().unwrap_or_else(given_up);
        if let Some(members) = self.event.as_object_mut() {
            members.insert("outcome".to_owned(), outcome);
        }
        tell_all(&self.event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_fetches_go_on_beyond_what_32_and_53_bits_hold() {
        for before in [u64::from(u32::MAX), (1 << 53) - 1] {
            let spent = Duration::from_secs(before);
            let mut counts = FetchCounts { fetches: before, failures: before, rotations: before, spent };
            let second = Duration::from_secs(1);
            counts.count(Happened::Failed, second);
            counts.count(Happened::Fetched { was_failing: true, rotated: true }, second);
            let after = FetchCounts {
                fetches: before + 2,
                failures: before + 1,
                rotations: before + 1,
                spent: spent + 2 * second,
            };
            assert_eq!(counts, after);
            assert_eq!(counts.plus(FetchCounts::default()), after);
        }
    }
}
