//! Reports what happens to keys and to Redis to every listener in this process.
//!
//! In: changes of an issuer's keys; whether Redis answers.
//! Out: JSON texts, one an event.
//! Never: a label that a client or an issuer chose, other than in the text of an error and the `kid` of a skipped key.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde_json::{Value, json};

/// Hears of every event; answers whether it wants to hear more.
type Listener = Box<dyn Fn(&str) -> bool + Send>;

static LISTENERS: Mutex<Vec<Listener>> = Mutex::new(Vec::new());

/// Has a listener told of every event of every issuer of the process, until it returns `false`. It is called with a
/// lock held, and must return at once.
pub fn listen(listener: impl Fn(&str) -> bool + Send + 'static) {
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(listener));
}

/// What the end of a fetch means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    /// The issuer answered well.
    Fetched { was_failing: bool, rotated: bool },
    /// It did not.
    Failed,
}

/// What has happened to one issuer's keys, as far as it is reported or compared later.
#[derive(Debug, Default)]
pub(crate) struct KeysHistory {
    fetched_at: Option<SystemTime>,
    is_stale_reported: bool,
    clock_skew_secs: Option<i64>,
}

impl KeysHistory {
    /// When the issuer last answered well.
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

    /// Notes that another process fetched them, which told of it then.
    pub(crate) const fn note_carried(&mut self, fetched_at: SystemTime) {
        self.fetched_at = Some(fetched_at);
    }

    /// Notes the end of a fetch, and tells those who listen what it means.
    pub(crate) fn note(
        &mut self,
        issuer: &str,
        happened: Happened,
        error: Option<&str>,
        skipped: Vec<Value>,
    ) {
        match happened {
            Happened::Fetched { was_failing, rotated } => {
                self.fetched_at = Some(SystemTime::now());
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

    /// Tells that keys serve beyond their age, once until the issuer answers again.
    pub(crate) fn note_stale(&mut self, issuer: &str) {
        if !self.is_stale_reported {
            self.is_stale_reported = true;
            tell(issuer, "stale", None);
        }
    }
}

/// Tells that Redis gives no answer, and why; or that it answers again. It is no `KeysEvent`: JavaScript keeps it.
pub(crate) fn tell_of_store(trouble: Option<&str>) {
    match trouble {
        Some(trouble) => tell("", "store-failed", Some(("error", trouble.into()))),
        None => tell("", "store-recovered", None),
    }
}

/// Tells of an event; `more` is one further member of it.
fn tell(issuer: &str, name: &str, more: Option<(&str, Value)>) {
    let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
    if listeners.is_empty() {
        return;
    }
    let mut event = json!({ "type": name, "issuerUri": issuer });
    if let (Some(members), Some((name, value))) = (event.as_object_mut(), more) {
        members.insert(name.to_owned(), value);
    }
    let text = event.to_string();
    listeners.retain(|listener| listener(&text));
}
