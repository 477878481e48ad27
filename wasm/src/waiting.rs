//! Requests that wait for keys or for a replay store, and their next steps.
//!
//! In: requests, the ends of fetches, the time.
//! Out: JSON texts: what is waited for, or the answer.
//! Never: a decision about a request, a wait without an end.

use std::rc::Rc;

use oidc_spa_native::time::{Monotonic, UnixTime};
use oidc_spa_native_engine::issuer_keys::{Newer, Place, Refresh};
use oidc_spa_native_engine::keys_wait::KeysWait;
use oidc_spa_native_engine::moment::Moment;
use oidc_spa_native_engine::parts::Parts;
use oidc_spa_native_engine::replay::StoreQuestion;
use oidc_spa_native_engine::validator::{Answer, Decided};
use oidc_spa_native_engine::verdict_text::verdict_text;
use serde_json::json;

use crate::fetching::millis;
use crate::instance::{Guard, Instance};
use crate::plan_keys::Plan;
use crate::readiness::Readiness;
use crate::table::Table;

/// What waits.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Wait {
    Request(WaitingRequest),
    Ready(Readiness),
}

/// A request that waits for keys.
pub(crate) struct WaitingRequest {
    guard: Rc<Guard>,
    parts: Parts,
    purpose: Purpose,
    wait: KeysWait,
    held: Vec<Held>,
    /// What came of the sets that are not waited for.
    others: Newer,
}

/// What is answered in the end.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Purpose {
    Verdict,
    Explanation,
}

/// A set whose fetch is waited for.
pub(crate) struct Held {
    plan: Plan,
    /// How many of its fetches had ended when the wait began.
    ends: u64,
    _place: Place<Plan>,
}

/// A grant that waits for the answer of the application's replay store.
pub(crate) struct Unsettled {
    pub guard: Rc<Guard>,
    pub question: StoreQuestion,
    pub known_token: u64,
}

/// What a set answers to a request for newer keys.
pub(crate) enum Asked {
    Over(Newer),
    Held(Held),
}

/// What is not over yet: the fetches that begin, the plans that are waited for, and until when.
#[derive(Default)]
pub(crate) struct Pending {
    fetches: Vec<u32>,
    plans: Vec<u32>,
    until: Option<Monotonic>,
}

impl Pending {
    /// Without a set to wait for, the next step is due at once: it only waits for the fetches to begin.
    pub(crate) fn of(fetches: Vec<u32>, held: &[&Held], deadline: Monotonic, at: Monotonic) -> Self {
        let plans = held.iter().map(|held| held.plan.0.number).collect();
        let times = held.iter().flat_map(|held| {
            let Plan(plan) = &held.plan;
            plan.keys().due().into_iter().chain(plan.forgotten_at().map(|at| at.plus_millis(1)))
        });
        let until = if held.is_empty() { Some(at) } else { times.chain([deadline]).min() };
        Self { fetches, plans, until }
    }
}

/// A fetch of this plan begins.
pub(crate) fn begin_fetch(fetches: &mut Table<Plan>, plan: &Plan, at: Monotonic) -> u32 {
    let number = fetches.add(plan.clone());
    plan.0.begin(number, at);
    number
}

impl Held {
    /// Whether a fetch ended since the wait began.
    pub(crate) fn has_ended(&self) -> bool {
        self.plan.0.ends() != self.ends
    }

    /// Begins the fetch that is waited for, if its time has come.
    pub(crate) fn wake(&self, instance: &mut Instance, at: Moment) -> Option<u32> {
        instance.forget_lost(&self.plan, at);
        let wakes = self.plan.0.keys().wake(at.steady);
        wakes.then(|| begin_fetch(&mut instance.fetches, &self.plan, at.steady))
    }
}

impl Instance {
    fn forget_lost(&mut self, plan: &Plan, at: Moment) {
        if let Some(lost) = plan.0.forget_lost(at) {
            self.fetches.remove(lost);
        }
    }

    /// Requests newer keys of a plan than those with this number. Returns also the fetch that begins.
    pub(crate) fn refresh(
        &mut self,
        plan: &Plan,
        key_set: Option<u64>,
        may_pass: bool,
        deadline: Monotonic,
        at: Moment,
    ) -> (Asked, Option<u32>) {
        self.forget_lost(plan, at);
        let ends = plan.0.ends();
        let begins = match plan.0.keys().refresh(key_set, deadline, at.steady) {
            Refresh::Over(newer) => return (Asked::Over(newer), None),
            Refresh::Begin => true,
            Refresh::UnderWay => plan.0.keys().wake(at.steady),
        };
        let fetch = begins.then(|| begin_fetch(&mut self.fetches, plan, at.steady));
        match Place::take(plan.clone(), may_pass) {
            Some(place) => (Asked::Held(Held { plan: plan.clone(), ends, _place: place }), fetch),
            None => (Asked::Over(Newer::Crowded), fetch),
        }
    }

    /// Judges a request: a step.
    pub(crate) fn authorize(&mut self, guard: Rc<Guard>, parts: Parts, now: UnixTime, at: Moment) -> String {
        match guard.engine.judge(&parts.question(), now, at.steady) {
            Ok(answer) => self.answer_text(&guard, answer, parts.known_token()),
            Err(wait) => self.begin_wait(guard, parts, Purpose::Verdict, wait, at),
        }
    }

    /// Explains a request: a step.
    pub(crate) fn explain(&mut self, guard: Rc<Guard>, parts: Parts, now: UnixTime, at: Moment) -> String {
        let wait = guard.engine.wait(now, at.steady);
        self.begin_wait(guard, parts, Purpose::Explanation, wait, at)
    }

    fn begin_wait(
        &mut self,
        guard: Rc<Guard>,
        parts: Parts,
        purpose: Purpose,
        wait: KeysWait,
        at: Moment,
    ) -> String {
        let request = WaitingRequest { guard, parts, purpose, wait, held: Vec::new(), others: Newer::NotNow };
        let number = self.waits.next_number();
        self.advance(number, Wait::Request(request), at)
    }

    /// The next step of a wait.
    pub(crate) fn advance(&mut self, number: u32, mut wait: Wait, at: Moment) -> String {
        let step = match &mut wait {
            Wait::Request(request) => request.step(self, at),
            Wait::Ready(readiness) => readiness.step(self, at),
        };
        match step {
            Ok(answer) => answer,
            Err(Pending { fetches, plans, until }) => {
                self.waits.put(number, wait);
                let until = until.map(millis);
                // The order of the members is fixed: JavaScript looks at the beginning.
                format!(
                    "{{\"wait\":{number},\"fetches\":{},\"plans\":{},\"until\":{}}}",
                    json!(fetches),
                    json!(plans),
                    json!(until)
                )
            }
        }
    }

    fn answer_text(&mut self, guard: &Rc<Guard>, answer: Answer, known_token: u64) -> String {
        match answer {
            Answer::Verdict(verdict) => verdict_text(&verdict, known_token),
            Answer::AskStore(question) => {
                let (key, expires_at) =
                    (json!(question.name()), question.until().secs().saturating_mul(1000));
                let guard = Rc::clone(guard);
                let number = self.unsettled.add(Unsettled { guard, question, known_token });
                format!("{{\"unsettled\":{number},\"key\":{key},\"expiresAt\":{expires_at}}}")
            }
        }
    }
}

impl WaitingRequest {
    /// The answer, or what is still waited for.
    fn step(&mut self, instance: &mut Instance, at: Moment) -> Result<String, Pending> {
        let mut newer = self.outcome(at.steady);
        if newer.is_none() && !self.held.is_empty() {
            let fetches = self.held.iter().filter_map(|held| held.wake(instance, at)).collect();
            // A fetch that was lost has ended.
            newer = self.outcome(at.steady);
            if newer.is_none() {
                return Err(self.pending(fetches, at.steady));
            }
        }
        let guard = Rc::clone(&self.guard);
        let decided = loop {
            let lacking = match guard.engine.decide(&self.parts.question(), &self.wait, at.steady) {
                Ok(decided) => break decided,
                Err(lacking) => lacking,
            };
            let over = match newer.take() {
                Some(newer) => newer,
                None => match lacking.keys().asked_of(lacking.key_set(), at.steady) {
                    None => Newer::Ended,
                    Some(asked) => match self.ask(instance, asked, lacking.may_pass(), at) {
                        Ok(newer) => newer,
                        Err(fetches) => {
                            return Err(self.pending(fetches, at.steady));
                        }
                    },
                },
            };
            self.held.clear();
            let rules = self.parts.question().rules;
            if let Some(refusal) = guard.engine.after(lacking, over, &mut self.wait, rules, at.steady) {
                break Err(refusal);
            }
        };
        Ok(self.finish(instance, decided, at))
    }

    fn pending(&self, fetches: Vec<u32>, at: Monotonic) -> Pending {
        let held: Vec<&Held> = self.held.iter().collect();
        Pending::of(fetches, &held, self.wait.deadline(), at)
    }

    /// What came of the fetches that are waited for, if it is known.
    fn outcome(&self, at: Monotonic) -> Option<Newer> {
        if self.held.iter().any(Held::has_ended) {
            return Some(Newer::Ended);
        }
        let is_over = !self.held.is_empty() && at >= self.wait.deadline();
        is_over.then(|| Newer::TimedOut.beside(self.others))
    }

    /// Requests newer keys of each set: what came of it, or the fetches that begin.
    fn ask(
        &mut self,
        instance: &mut Instance,
        asked: Vec<(&Plan, Option<u64>)>,
        may_pass: bool,
        at: Moment,
    ) -> Result<Newer, Vec<u32>> {
        let (mut held, mut fetches, mut others) = (Vec::new(), Vec::new(), Newer::NotNow);
        for (plan, key_set) in asked {
            let (asked, fetch) = instance.refresh(plan, key_set, may_pass, self.wait.deadline(), at);
            fetches.extend(fetch);
            match asked {
                Asked::Over(newer) => others = others.beside(newer),
                Asked::Held(one) => held.push(one),
            }
        }
        if fetches.is_empty() && (held.is_empty() || others == Newer::Ended) {
            return Ok(others);
        }
        if others == Newer::Ended {
            held.clear();
        }
        (self.held, self.others) = (held, others);
        Err(fetches)
    }

    fn finish(&self, instance: &mut Instance, decided: Decided, at: Moment) -> String {
        let Self { guard, parts, purpose, wait, .. } = self;
        match purpose {
            Purpose::Verdict => {
                instance.answer_text(guard, guard.engine.settle(decided), parts.known_token())
            }
            Purpose::Explanation => guard.engine.explain(&parts.question(), decided, wait, at.steady),
        }
    }
}
