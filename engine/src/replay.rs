//! The replay check of a validator: in the process's own memory, and also in a replay store of the fleet if the options
//! name one.
//!
//! In: a request that passed every other check.
//! Out: its grant or refusal, or the question for a replay store.
//! Never: a grant for a proof if a required memory has not answered that it is new.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use oidc_spa_native::dpop::replay::{NotNew, ProofRecord, Remembered, ReplayMemory};
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::grant::PendingGrant;
use oidc_spa_native::resource_server::{ResourceServer, Verdict};
use oidc_spa_native::time::UnixTime;
use serde_json::{Value, json};

/// How far the clocks of a fleet may be apart. A replay store keeps a proof for this much longer than any process would
/// accept it by this process's clock.
const CLOCK_MARGIN_SECS: i64 = 60;

/// Until when a replay store must keep a proof. A proof that looks old is not kept shorter, since this clock may be the
/// wrong one.
fn kept_until(record: &ProofRecord, now: UnixTime) -> UnixTime {
    let last = record.last_second().max(ProofWindow::last_second_of(now));
    UnixTime::from_secs(last.secs().saturating_add(1 + CLOCK_MARGIN_SECS))
}

/// The decision if the replay store gives no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnavailable {
    /// Every request with a proof is refused.
    #[default]
    Refuse,
    /// The memory of this process decides.
    ProcessMemory,
}

/// The replay store beside the process's own memory, with the state that it had when it was last asked.
#[derive(Debug)]
pub enum Store {
    /// None.
    None,
    /// A Redis, which the program around asks, and whose state it notes.
    Redis(Arc<StoreState>),
    /// A store that the application asks itself.
    Application(StoreState),
}

/// The answer of a replay store for a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreWord {
    /// It was not stored before, and is stored now.
    New,
    /// It was stored already.
    Seen,
    /// There is no answer.
    Unavailable,
}

/// A grant that waits for the answer of a replay store.
#[derive(Debug)]
pub struct StoreQuestion {
    pending: PendingGrant,
    name: String,
    until: UnixTime,
}

impl StoreQuestion {
    /// The proof's name in the store.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The time until which the store must keep it.
    pub const fn until(&self) -> UnixTime {
        self.until
    }

    /// How long the store must keep it, in milliseconds.
    pub fn lifetime_millis(&self) -> u64 {
        let secs = self.until.secs().saturating_sub(self.now().secs());
        u64::try_from(secs).unwrap_or_default().saturating_mul(1000)
    }

    /// When the request was judged.
    pub const fn now(&self) -> UnixTime {
        self.pending.now()
    }
}

/// The first answer for a proof.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Settlement {
    Done(Verdict),
    Asked(StoreQuestion),
}

/// The memories with which a validator remembers proofs.
#[derive(Debug)]
pub(crate) struct ReplayGuard {
    memory: Arc<ReplayMemory>,
    store: Store,
    on_unavailable: OnUnavailable,
}

impl ReplayGuard {
    pub(crate) const fn new(memory: Arc<ReplayMemory>, store: Store, on_unavailable: OnUnavailable) -> Self {
        Self { memory, store, on_unavailable }
    }

    /// What this process's own memory would answer for a proof. It does not remember the proof, and no store is asked.
    pub(crate) fn look_up(&self, record: &ProofRecord, now: UnixTime) -> Remembered {
        self.memory.look_up(record, now)
    }

    /// Decides alone if it can: a proof that this process has seen, or for which it has no room, is refused before a
    /// store is asked.
    pub(crate) fn settle(&self, server: &ResourceServer, pending: PendingGrant) -> Settlement {
        let now = pending.now();
        let Some(record) = pending.record().filter(|_| !matches!(self.store, Store::None)) else {
            return Settlement::Done(server.settle(pending, |record| self.memory.remember(record, now)));
        };
        let known = self.memory.look_up(record, now);
        if known.is_err() {
            return Settlement::Done(server.settle(pending, |_| known));
        }
        let (name, until) = (record.shared_name(), kept_until(record, now));
        Settlement::Asked(StoreQuestion { pending, name, until })
    }

    /// Ends the check with the answer of the application's store: whether the proof is new, or why there is no answer.
    pub(crate) fn finish_of_application(
        &self,
        server: &ResourceServer,
        question: StoreQuestion,
        is_new: Result<bool, String>,
    ) -> Verdict {
        if let Store::Application(state) = &self.store {
            state.note(is_new.as_ref().err().map(String::as_str));
        }
        let word = match is_new {
            Ok(true) => StoreWord::New,
            Ok(false) => StoreWord::Seen,
            Err(_) => StoreWord::Unavailable,
        };
        self.finish(server, question, word)
    }

    /// Ends the check with the answer of a store. This process's own memory is written last, and must agree that the proof is new. So this process accepts no
    /// proof twice, even if the store loses data.
    pub(crate) fn finish(
        &self,
        server: &ResourceServer,
        StoreQuestion { pending, .. }: StoreQuestion,
        word: StoreWord,
    ) -> Verdict {
        let now = pending.now();
        server.settle(pending, |record| match (word, self.on_unavailable) {
            (StoreWord::New, _) | (StoreWord::Unavailable, OnUnavailable::ProcessMemory) => {
                self.memory.remember(record, now)
            }
            (StoreWord::Seen, _) => Err(NotNew::Seen),
            (StoreWord::Unavailable, OnUnavailable::Refuse) => Err(NotNew::Unavailable),
        })
    }

    /// What the memory holds, and how often the replay store was asked and gave no answer: `ReplayMemoryMetrics` of
    /// `index.d.ts`.
    pub(crate) fn metrics(&self) -> Value {
        let (_, state) = self.store_state();
        let read = |count: fn(&StoreState) -> &AtomicU64| {
            state.map_or(0, |state| count(state).load(Ordering::Relaxed))
        };
        json!({
            "entries": self.memory.len(),
            "capacity": self.memory.capacity(),
            "storeQuestions": read(|state| &state.questions),
            "storeUnanswered": read(|state| &state.unanswered),
        })
    }

    /// What decides, and how it stood when it was last asked.
    fn store_state(&self) -> (&'static str, Option<&StoreState>) {
        match &self.store {
            Store::None => ("process", None),
            Store::Redis(store) => ("redis", Some(store.as_ref())),
            Store::Application(state) => ("custom", Some(state)),
        }
    }

    /// `ReplayMemoryHealth` of `index.d.ts`.
    pub(crate) fn health(&self) -> Value {
        let (kind, state) = self.store_state();
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

/// The state of a replay store at its last answer.
#[derive(Debug, Default)]
pub struct StoreState {
    last: Mutex<Option<Result<(), Arc<str>>>>,
    questions: AtomicU64,
    unanswered: AtomicU64,
}

impl StoreState {
    /// Notes the last answer. Returns whether it ends a trouble.
    pub fn note(&self, trouble: Option<&str>) -> bool {
        self.questions.fetch_add(1, Ordering::Relaxed);
        if trouble.is_some() {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let ends_trouble = trouble.is_none() && matches!(&*last, Some(Err(_)));
        match (trouble, &*last) {
            (None, Some(Ok(()))) => {}
            (None, _) => *last = Some(Ok(())),
            (Some(trouble), _) => *last = Some(Err(Arc::from(trouble))),
        }
        ends_trouble
    }

    /// Whether it answered when it was last asked, and why not.
    pub fn read(&self) -> (Option<bool>, Option<Arc<str>>) {
        match &*self.last.lock().unwrap_or_else(PoisonError::into_inner) {
            None => (None, None),
            Some(Ok(())) => (Some(true), None),
            Some(Err(trouble)) => (Some(false), Some(Arc::clone(trouble))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JavaScript reads these as doubles, which are exact up to 2^53.
    #[test]
    fn counts_go_on_beyond_what_32_and_53_bits_hold() {
        for before in [u64::from(u32::MAX), (1 << 53) - 1] {
            let (questions, unanswered) = (AtomicU64::new(before), AtomicU64::new(before));
            let state = StoreState { questions, unanswered, ..StoreState::default() };
            state.note(Some("no answer"));
            state.note(None);
            let memory = Arc::new(ReplayMemory::new(1, ProofWindow::NARROWEST));
            let guard = ReplayGuard::new(memory, Store::Application(state), OnUnavailable::Refuse);
            let metrics = guard.metrics();
            assert_eq!(metrics["storeQuestions"].to_string(), (before + 2).to_string());
            assert_eq!(metrics["storeUnanswered"].to_string(), (before + 1).to_string());
        }
    }

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
