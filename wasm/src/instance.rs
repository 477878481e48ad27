//! What one instance of the module holds: validators, waits, keys, and one memory of proofs.
//!
//! In: options.
//! Out: validators, under their numbers.
//! Never: an object that two instances share.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::keys::key_ring::KeyRingPolicy;
use oidc_spa_native::time::{Monotonic, UnixTime};
use oidc_spa_native_engine::moment::Moment;
use oidc_spa_native_engine::options::replay::ReplayChoice;
use oidc_spa_native_engine::options::{Internals, Options};
use oidc_spa_native_engine::plan::FetchPlan;
use oidc_spa_native_engine::replay::{Store, StoreState};
use oidc_spa_native_engine::sharing::Shared;
use oidc_spa_native_engine::troubles::Troubles;
use oidc_spa_native_engine::validator::{Means, Validator};
use serde_json::Value;

use crate::isolate::Isolate;
use crate::memories::RecentMemories;
use crate::plan_keys::{Plan, PlanKeys, jitter};
use crate::table::Table;
use crate::waiting::{Unsettled, Wait};

/// Proofs that the memory holds, if the options do not say. They take some 10 MB at most; an isolate has 128.
const REPLAY_ENTRIES: usize = 100_000;

/// Events that are kept until JavaScript takes them. A further one replaces the oldest.
const MAX_EVENTS: usize = 1024;

/// A validator, shared with the requests that wait.
pub(crate) struct Guard {
    pub engine: Validator<Plan, RecentMemories>,
    uses_keys: Cell<bool>,
}

impl Guard {
    /// The validator gets no more requests: its keys are not fetched ahead any more.
    pub(crate) fn retire(&self) {
        if self.uses_keys.replace(false) {
            self.engine.fetched().for_each(|plan| plan.0.leave());
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.retire();
    }
}

/// All of one instance.
pub(crate) struct Instance {
    pub validators: Table<Rc<Guard>>,
    pub waits: Table<Wait>,
    pub unsettled: Table<Unsettled>,
    pub troubles: Table<Rc<Troubles>>,
    pub fetches: Table<Plan>,
    plans: Shared<(FetchPlan, KeyRingPolicy), PlanKeys>,
    last_plan: u32,
    replay: Arc<ReplayMemory>,
    process_troubles: Rc<Troubles>,
}

thread_local! {
    static INSTANCE: RefCell<Option<Instance>> = const { RefCell::new(None) };
    static EVENTS: RefCell<VecDeque<String>> = const { RefCell::new(VecDeque::new()) };
}

/// Reads or changes the instance.
pub(crate) fn with<T>(act: impl FnOnce(&mut Instance) -> T) -> T {
    INSTANCE.with_borrow_mut(|instance| act(instance.get_or_insert_with(Instance::new)))
}

/// Keeps an event until JavaScript takes it.
pub(crate) fn keep_event(event: &str) {
    EVENTS.with_borrow_mut(|events| {
        if events.len() >= MAX_EVENTS {
            events.pop_front();
        }
        events.push_back(event.to_owned());
    });
}

/// The events since they were last taken, as a JSON list.
pub(crate) fn take_events() -> String {
    let events = EVENTS.take();
    format!("[{}]", Vec::from(events).join(","))
}

/// The steady clock of JavaScript, in milliseconds.
pub(crate) fn steady(millis: f64) -> Monotonic {
    Monotonic::from_millis(millis as u64)
}

/// Both clocks of JavaScript, in milliseconds.
pub(crate) fn moment(wall: f64, steady_millis: f64) -> Moment {
    // Up to the year 9999, so that no sum of times overflows.
    let wall = wall.clamp(0.0, 253_402_300_799_000.0) as u64;
    Moment { steady: steady(steady_millis), wall: UNIX_EPOCH + Duration::from_millis(wall) }
}

/// Milliseconds of the wall clock.
pub(crate) fn unix_time(millis: f64) -> UnixTime {
    UnixTime::from_millis(millis as i64)
}

impl Instance {
    fn new() -> Self {
        Self {
            validators: Table::default(),
            waits: Table::default(),
            unsettled: Table::default(),
            troubles: Table::default(),
            fetches: Table::default(),
            plans: Shared::default(),
            last_plan: 0,
            replay: Arc::new(new_replay_memory()),
            process_troubles: Rc::default(),
        }
    }

    /// Makes a validator: its number, or a sentence that says which option is wrong.
    pub(crate) fn new_validator(
        &mut self,
        options: &str,
        internals: &str,
        at: Moment,
    ) -> Result<u32, String> {
        let internals: Value = serde_json::from_str(internals).map_err(|error| error.to_string())?;
        let is = |name: &str| internals.get(name).and_then(Value::as_bool).unwrap_or_default();
        let own_clock = is("ownClock");
        let read = Internals {
            drop_in: is("dropIn"),
            own_clock,
            application_store: is("applicationStore"),
            asks_for_issuers: is("asksForIssuers"),
        };
        let options = Options::parse(options, read, &Isolate).map_err(|error| error.to_string())?;
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
            keys_of: &mut |plan, policy| {
                let last_plan = &mut self.last_plan;
                Plan(self.plans.of((plan, policy), |(plan, policy)| {
                    *last_plan += 1;
                    PlanKeys::new(*last_plan, plan, policy)
                }))
            },
            jitter: &mut jitter,
        };
        let engine = Validator::new(options, means, at);
        engine.fetched().for_each(|plan| plan.0.enter());
        Ok(self.validators.add(Rc::new(Guard { engine, uses_keys: Cell::new(true) })))
    }

    /// The troubles of the instance, or new ones.
    pub(crate) fn new_troubles(&mut self, of_process: bool) -> u32 {
        let troubles = if of_process { Rc::clone(&self.process_troubles) } else { Rc::default() };
        self.troubles.add(troubles)
    }

    /// The plans that somebody holds.
    pub(crate) fn plans(&self) -> Vec<Plan> {
        self.plans.held().map(Plan).collect()
    }
}

fn new_replay_memory() -> ReplayMemory {
    ReplayMemory::new(0, ProofWindow::NARROWEST)
}
