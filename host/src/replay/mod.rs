//! How a validator remembers proofs: in the process's own memory, and where the application says so in one that is
//! shared by a fleet.
//!
//! In: a request that passed every other check.
//! Out: its grant or refusal, or what a shared memory must be asked first.
//! May use: redis_store, the validator's replay memory, judgement, serde_json.
//! Never: a grant for a proof that a memory which must be asked has not called new.

pub(crate) mod redis_link;
pub(crate) mod redis_store;
pub(crate) mod redis_target;

use std::sync::{Arc, Mutex, PoisonError};

use oidc_spa_native::credentials::Refusal;
use oidc_spa_native::dpop::replay::{ProofRecord, Remembered, ReplayMemory};
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::grant::{Grant, Pending};
use oidc_spa_native::time::UnixTime;
use serde_json::{Value, json};

use crate::judgement::Circumstances;
use redis_store::RedisStore;

/// How far the clocks of a fleet may be apart: a shared memory keeps a proof for so much longer than any process would
/// accept it by this one's clock.
const CLOCK_MARGIN_SECS: i64 = 60;

/// Until when a shared memory must keep a proof. It is not kept shorter for being old by this clock, which may be the one
/// that is wrong.
fn kept_until(record: &ProofRecord, now: UnixTime) -> UnixTime {
    let last = record.last_second().max(ProofWindow::last_second_of(now));
    UnixTime::from_secs(last.secs().saturating_add(1 + CLOCK_MARGIN_SECS))
}

/// What is decided where the shared memory gives no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnUnavailable {
    /// Nobody enters with a proof.
    #[default]
    Refuse,
    /// The memory of this process decides.
    ProcessMemory,
}

/// The memory that is asked beside the process's own.
#[derive(Debug)]
pub(crate) enum Shared {
    None,
    Redis(Arc<RedisStore>),
    /// One that the application asks itself.
    Application(StoreState),
}

/// What a shared memory says of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreAnswer {
    /// It was not there, and is now.
    New,
    /// It was there.
    Seen,
    /// There is no answer.
    Unavailable,
}

/// A grant that waits for the word of a shared memory. There is no other way to it than [`StoreAnswer`].
#[derive(Debug)]
pub struct Unsettled {
    waiting: Waiting,
    circumstances: Circumstances,
}

/// The same, wherever it came from.
#[derive(Debug)]
pub(crate) struct Waiting {
    pending: Pending,
    name: String,
    until: UnixTime,
}

impl Waiting {
    pub(crate) const fn under(self, circumstances: Circumstances) -> Unsettled {
        Unsettled { waiting: self, circumstances }
    }
}

impl Unsettled {
    /// The proof's name in the shared memory.
    pub fn name(&self) -> &str {
        &self.waiting.name
    }

    /// Under which circumstances the request was judged.
    pub(crate) const fn circumstances(&self) -> &Circumstances {
        &self.circumstances
    }

    /// The time until which the shared memory must keep it.
    pub const fn until(&self) -> UnixTime {
        self.waiting.until
    }

    /// For how long from now on that is.
    fn millis(&self) -> u64 {
        let secs = self.until().secs().saturating_sub(self.circumstances.now.secs());
        u64::try_from(secs).unwrap_or_default().saturating_mul(1000)
    }
}

/// The first word on a proof.
pub(crate) enum Settlement {
    Done(Result<Grant, Refusal>),
    Waits(Waiting),
}

/// What a validator remembers proofs with.
#[derive(Debug)]
pub(crate) struct ReplayGuard {
    memory: Arc<ReplayMemory>,
    shared: Shared,
    on_unavailable: OnUnavailable,
}

impl ReplayGuard {
    pub(crate) const fn new(
        memory: Arc<ReplayMemory>,
        shared: Shared,
        on_unavailable: OnUnavailable,
    ) -> Self {
        Self { memory, shared, on_unavailable }
    }

    /// Decides what this process can decide alone. A proof that it has seen itself, and one for which it has no room,
    /// is refused before anybody else is asked.
    pub(crate) fn settle(&self, pending: Pending, now: UnixTime) -> Settlement {
        let Some(record) = pending.record().filter(|_| !matches!(self.shared, Shared::None)) else {
            return Settlement::Done(pending.settle(|record| self.memory.remember(record, now)));
        };
        match self.memory.look_up(record, now) {
            Remembered::New => {
                let until = kept_until(record, now);
                let name = record.shared_name();
                Settlement::Waits(Waiting { pending, name, until })
            }
            known => Settlement::Done(pending.settle(|_| known)),
        }
    }

    /// Asks Redis. Where the application asks, there is no answer here.
    pub(crate) async fn ask(&self, unsettled: &Unsettled) -> StoreAnswer {
        match &self.shared {
            Shared::Redis(store) => store.check_and_store(unsettled.name(), unsettled.millis()).await,
            Shared::None | Shared::Application(_) => StoreAnswer::Unavailable,
        }
    }

    /// The last word. This process's own memory is written last, and must agree that the proof is new: whatever the
    /// shared one has lost, this process accepts no proof twice.
    pub(crate) fn finish(&self, unsettled: Unsettled, answer: StoreAnswer) -> Result<Grant, Refusal> {
        let now = unsettled.circumstances.now;
        unsettled.waiting.pending.settle(|record| match (answer, self.on_unavailable) {
            (StoreAnswer::New, _) | (StoreAnswer::Unavailable, OnUnavailable::ProcessMemory) => {
                self.memory.remember(record, now)
            }
            (StoreAnswer::Seen, _) => Remembered::Seen,
            (StoreAnswer::Unavailable, OnUnavailable::Refuse) => Remembered::Unavailable,
        })
    }

    /// Whether the application asks the shared memory itself.
    pub(crate) const fn is_asked_by_application(&self) -> bool {
        matches!(self.shared, Shared::Application(_))
    }

    /// Notes how the application's own memory answered: well, or why not.
    pub(crate) fn note_application(&self, trouble: Option<&str>) {
        if let Shared::Application(state) = &self.shared {
            state.note(trouble);
        }
    }

    /// `ReplayMemoryHealth` of `index.d.ts`.
    pub(crate) fn health(&self) -> Value {
        let (kind, state) = match &self.shared {
            Shared::None => ("process", None),
            Shared::Redis(store) => ("redis", Some(store.state())),
            Shared::Application(state) => ("custom", Some(state)),
        };
        let (reachable, last_error) = state.map_or((None, None), StoreState::read);
        json!({
            "kind": kind,
            "reachable": reachable,
            "lastError": last_error.as_deref(),
            "entries": self.memory.len(),
            "capacity": self.memory.capacity(),
        })
    }
}

/// How a shared memory stood when it was last asked.
#[derive(Debug, Default)]
pub(crate) struct StoreState(Mutex<Option<Result<(), Arc<str>>>>);

impl StoreState {
    pub(crate) fn note(&self, trouble: Option<&str>) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (trouble, &*last) {
            (None, Some(Ok(()))) => {}
            (None, _) => *last = Some(Ok(())),
            (Some(trouble), _) => *last = Some(Err(Arc::from(trouble))),
        }
    }

    fn read(&self) -> (Option<bool>, Option<Arc<str>>) {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            None => (None, None),
            Some(Ok(())) => (Some(true), None),
            Some(Err(trouble)) => (Some(false), Some(Arc::clone(trouble))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l16_a_shared_memory_keeps_a_proof_for_the_longest_window_whatever_this_clock_says() {
        let until = |issued: i64, now: i64| {
            let record = ProofRecord::new("key", "jti", UnixTime::from_secs(issued));
            kept_until(&record, UnixTime::from_secs(now)).secs()
        };
        assert_eq!(until(1_000, 1_000), 1_361);
        assert_eq!(until(1_300, 1_000), 1_661, "a proof that is dated ahead");
        assert_eq!(until(750, 1_000), 1_361, "an old one, or a clock that is ahead");
        for (issued, now) in [(i64::MAX, 0), (0, i64::MAX), (i64::MIN, i64::MIN)] {
            assert!(until(issued, now) >= issued.max(now));
        }
    }
}
