//! What one instance of the module holds: validators, waits, keys, and one memory of proofs.
//!
//! In: options.
//! Out: validators, under their numbers.
//! Never: an object that two instances share.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::time::UnixTime;
use oidc_spa_native_engine::moment::Moment;
use oidc_spa_native_engine::options::replay::ReplayChoice;
use oidc_spa_native_engine::options::{Internals, Options};
use oidc_spa_native_engine::parts::Parts;
use oidc_spa_native_engine::replay::{Store, StoreQuestion, StoreState};
use oidc_spa_native_engine::troubles::Troubles;
use oidc_spa_native_engine::validator::{Answer, Means, Validator};
use oidc_spa_native_engine::verdict_text::verdict_text;
use serde_json::{Value, json};

use crate::clocks::{millis, unix_time};
use crate::fetching::Fetches;
use crate::guard::Guard;
use crate::held::Pending;
use crate::imports::answered;
use crate::isolate::Isolate;
use crate::memories::RecentMemories;
use crate::plan_keys::jitter;
use crate::readiness::Readiness;
use crate::table::Table;
use crate::waiting::{Ended, Purpose, WaitingRequest};

/// Proofs that the memory holds, if the options do not say. They take some 10 MB at most; an isolate has 128.
const REPLAY_ENTRIES: usize = 100_000;

/// What waits for keys, or for JavaScript's answers.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Wait {
    Request(WaitingRequest),
    Ready(Readiness),
}

/// A grant that waits for the answer of the application's replay store.
pub(crate) struct Unsettled {
    pub guard: Rc<Guard>,
    pub question: StoreQuestion,
    pub known_token: u64,
}

/// All of one instance.
pub(crate) struct Instance {
    pub validators: Table<Rc<Guard>>,
    pub waits: Table<Wait>,
    pub unsettled: Table<Unsettled>,
    pub troubles: Table<Rc<Troubles>>,
    pub fetches: Fetches,
    replay: Arc<ReplayMemory>,
    process_troubles: Rc<Troubles>,
}

thread_local! {
    static INSTANCE: RefCell<Option<Instance>> = const { RefCell::new(None) };
}

/// Reads or changes the instance.
pub(crate) fn with<T>(act: impl FnOnce(&mut Instance) -> T) -> T {
    INSTANCE.with_borrow_mut(|instance| act(instance.get_or_insert_with(Instance::new)))
}

impl Instance {
    fn new() -> Self {
        Self {
            validators: Table::default(),
            waits: Table::default(),
            unsettled: Table::default(),
            troubles: Table::default(),
            fetches: Fetches::default(),
            replay: Arc::new(new_replay_memory()),
            process_troubles: Rc::default(),
        }
    }

    /// Makes a validator: its number, or a sentence that says which option is wrong; `None` if JavaScript must first answer what
    /// it was asked about the keys of the options.
    pub(crate) fn new_validator(
        &mut self,
        options: &str,
        internals: &str,
        at: Moment,
    ) -> Option<Result<u32, String>> {
        let internals: Value = match serde_json::from_str(internals) {
            Ok(internals) => internals,
            Err(error) => return Some(Err(error.to_string())),
        };
        let is = |name: &str| internals.get(name).and_then(Value::as_bool).unwrap_or_default();
        let own_clock = is("ownClock");
        let read = Internals {
            drop_in: is("dropIn"),
            own_clock,
            application_store: is("applicationStore"),
            asks_for_issuers: is("asksForIssuers"),
            fetch: internals
                .get("fetch")
                .and_then(Value::as_u64)
                .and_then(|number| u32::try_from(number).ok()),
        };
        let options = match answered(|| Options::parse(options, read, &Isolate))? {
            Ok(options) => options,
            Err(error) => return Some(Err(error.to_string())),
        };
        let replay_memory = if own_clock { Arc::new(new_replay_memory()) } else { Arc::clone(&self.replay) };
        if let Some(lost_at) = internals.get("replayLostAt").and_then(Value::as_f64) {
            replay_memory.follow_lost(unix_time(lost_at));
        }
        let store = match options.replay.choice {
            ReplayChoice::Application => Store::Application(StoreState::default()),
            // `Isolate` refuses Redis.
            ReplayChoice::Process | ReplayChoice::Redis(_) => Store::None,
        };
        let means = Means {
            replay_memory,
            replay_entries: REPLAY_ENTRIES,
            store,
            memories: RecentMemories::new,
            keys_of: &mut |plan, policy| self.fetches.keys_of(plan, policy),
            jitter: &mut jitter,
        };
        let engine = Validator::new(options, means, at);
        Some(Ok(self.validators.add(Rc::new(Guard::new(engine)))))
    }

    /// The troubles of the instance, or new ones.
    pub(crate) fn new_troubles(&mut self, of_process: bool) -> u32 {
        let troubles = if of_process { Rc::clone(&self.process_troubles) } else { Rc::default() };
        self.troubles.add(troubles)
    }

    /// Judges a request: a step.
    pub(crate) fn authorize(&mut self, guard: Rc<Guard>, parts: Parts, now: UnixTime, at: Moment) -> String {
        let decided = answered(|| guard.engine.decide_now(&parts.question(), now, at.steady));
        let (wait, lacks_answers) = match decided {
            Some(Ok(decided)) => {
                let answer = guard.engine.settle(decided);
                return self.answer_text(guard, answer, parts.known_token());
            }
            Some(Err(wait)) => (wait, false),
            None => (guard.engine.wait(now, at.steady), true),
        };
        let request = WaitingRequest::new(guard, parts, Purpose::Verdict, wait);
        if lacks_answers {
            let number = self.waits.next_number();
            self.put_off(number, Wait::Request(request), &Pending::of_answers())
        } else {
            self.begin(request, at)
        }
    }

    /// Explains a request: a step.
    pub(crate) fn explain(&mut self, guard: Rc<Guard>, parts: Parts, now: UnixTime, at: Moment) -> String {
        let wait = guard.engine.wait(now, at.steady);
        self.begin(WaitingRequest::new(guard, parts, Purpose::Explanation, wait), at)
    }

    fn begin(&mut self, request: WaitingRequest, at: Moment) -> String {
        let number = self.waits.next_number();
        self.advance(number, Wait::Request(request), at)
    }

    /// The next step of a wait.
    pub(crate) fn advance(&mut self, number: u32, mut wait: Wait, at: Moment) -> String {
        let pending = match &mut wait {
            Wait::Request(request) => match request.step(&mut self.fetches, at) {
                Ok(Ended::Explanation(text)) => return text,
                Ok(Ended::Answer(answer)) => {
                    let (guard, known_token) = (Rc::clone(&request.guard), request.parts.known_token());
                    return self.answer_text(guard, answer, known_token);
                }
                Err(pending) => pending,
            },
            Wait::Ready(readiness) => match readiness.step(&mut self.fetches, at) {
                Ok(text) => return text,
                Err(pending) => pending,
            },
        };
        self.put_off(number, wait, &pending)
    }

    /// Keeps what waits, and says what it waits for.
    fn put_off(&mut self, number: u32, wait: Wait, pending: &Pending) -> String {
        self.waits.put(number, wait);
        let Pending { fetches, plans, until, lacks_answers } = pending;
        let (fetches, plans, until) = (json!(fetches), json!(plans), json!(until.map(millis)));
        // The order of the members is fixed: JavaScript looks at the beginning.
        format!(
            r#"{{"wait":{number},"fetches":{fetches},"plans":{plans},"until":{until},"lacksAnswers":{lacks_answers}}}"#
        )
    }

    fn answer_text(&mut self, guard: Rc<Guard>, answer: Answer, known_token: u64) -> String {
        match answer {
            Answer::Verdict(verdict) => verdict_text(&verdict, known_token),
            Answer::AskStore(question) => {
                let (key, expires_at) =
                    (json!(question.name()), question.until().secs().saturating_mul(1000));
                let number = self.unsettled.add(Unsettled { guard, question, known_token });
                format!(r#"{{"unsettled":{number},"key":{key},"expiresAt":{expires_at}}}"#)
            }
        }
    }
}

fn new_replay_memory() -> ReplayMemory {
    ReplayMemory::new(0, ProofWindow::NARROWEST)
}
