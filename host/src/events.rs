//! Reports what happens to keys to every listener in this process.
//!
//! In: changes of an issuer's keys.
//! Out: JSON texts, one for each event.
//! Never: text from a client or an issuer, except in the text of an error and in the `kid` of a skipped key.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

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
}

impl KeysHistory {
    /// Time of the issuer's last good answer.
    pub(crate) const fn fetched_at(&self) -> Option<SystemTime> {
        self.fetched_at
    }

    /// Notes that another process fetched the keys. That process has published the events of this fetch.
    pub(crate) const fn note_carried(&mut self, fetched_at: SystemTime) {
        self.fetched_at = Some(fetched_at);
    }

    /// Notes the end of a fetch, and publishes its events.
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

    /// Publishes once that keys are used beyond their age, until the issuer answers again.
    pub(crate) fn note_stale(&mut self, issuer: &str) {
        if !self.is_stale_reported {
            self.is_stale_reported = true;
            tell(issuer, "stale", None);
        }
    }
}

/// Publishes an event; `more` is one further member of it.
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
