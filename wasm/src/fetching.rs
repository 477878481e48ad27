//! The fetches that JavaScript makes: their requests and answers, and when the next one begins.
//!
//! In: answers to requests, the time.
//! Out: JSON texts: the next request, the end of a fetch, what is due.
//! Never: a decision about what is asked and what an answer means.

use oidc_spa_native::keys::key_ring::KeyRingPolicy;
use oidc_spa_native::time::Monotonic;
use oidc_spa_native_engine::exchange_wire::{ScriptAnswer, ScriptFailure, request_json};
use oidc_spa_native_engine::issuer_keys::{Newer, Refresh};
use oidc_spa_native_engine::moment::Moment;
use oidc_spa_native_engine::plan::FetchPlan;
use oidc_spa_native_engine::sharing::Shared;
use serde_json::json;

use crate::clocks::millis;
use crate::held::{Asked, Held};
use crate::input::{Fields, Malformed};
use crate::plan_keys::{Plan, PlanKeys, Progress};
use crate::table::Table;

/// The keys that the instance fetches, and the fetches that are under way.
#[derive(Default)]
pub(crate) struct Fetches {
    plans: Shared<(FetchPlan, KeyRingPolicy), PlanKeys>,
    last_plan: u32,
    under_way: Table<Plan>,
}

impl Fetches {
    /// The keys of a plan: those of another validator, or new ones.
    pub(crate) fn keys_of(&mut self, plan: FetchPlan, policy: KeyRingPolicy) -> Plan {
        let last_plan = &mut self.last_plan;
        Plan(self.plans.of((plan, policy), |(plan, policy)| {
            *last_plan += 1;
            PlanKeys::new(*last_plan, plan, policy)
        }))
    }

    fn begin(&mut self, plan: &Plan, at: Monotonic) -> u32 {
        let number = self.under_way.add(plan.clone());
        plan.0.begin(number, at);
        number
    }

    /// Ends the fetch of a plan whose JavaScript gives no answer any more.
    fn forget_lost(&mut self, plan: &Plan, at: Moment) {
        if let Some(lost) = plan.0.forget_lost(at) {
            self.under_way.remove(lost);
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
        let fetch = begins.then(|| self.begin(plan, at.steady));
        let held = Held::take(plan, ends, may_pass);
        (held.map_or(Asked::Over(Newer::Crowded), Asked::Held), fetch)
    }

    /// Begins the fetch that is waited for, if its time has come.
    pub(crate) fn wake(&mut self, held: &Held, at: Moment) -> Option<u32> {
        self.forget_lost(&held.plan, at);
        held.plan.0.keys().wake(at.steady).then(|| self.begin(&held.plan, at.steady))
    }

    /// The first request of a fetch.
    pub(crate) fn next(&mut self, fetch: u32, at: Moment) -> String {
        let progress = match self.under_way.get(fetch) {
            Some(plan) => plan.0.first_request(fetch, at),
            None => Progress::Stale,
        };
        self.progressed(fetch, progress, at)
    }

    /// Takes the answer to a fetch's request: its header fields as a JSON list of pairs, and its body.
    pub(crate) fn answered(
        &mut self,
        fetch: u32,
        status: u32,
        fields: &mut Fields,
        at: Moment,
    ) -> Result<String, Malformed> {
        let (pairs, body) = (fields.required()?, fields.bytes_of_next()?.unwrap_or_default().to_vec());
        let answer = ScriptAnswer::read(status, &pairs, body).ok_or(Malformed("this is no answer"))?;
        let progress = match self.under_way.get(fetch) {
            Some(plan) => plan.0.answered(fetch, Ok(answer), at),
            None => Progress::Stale,
        };
        Ok(self.progressed(fetch, progress, at))
    }

    /// Takes the failure of a fetch's request.
    pub(crate) fn failed(
        &mut self,
        fetch: u32,
        kind: u32,
        fields: &mut Fields,
        at: Moment,
    ) -> Result<String, Malformed> {
        let message = fields.text_or_null()?.unwrap_or_default();
        let failure = ScriptFailure::read(kind, &message).ok_or(Malformed("there is no such failure"))?;
        let progress = match self.under_way.get(fetch) {
            Some(plan) => plan.0.answered(fetch, Err(failure), at),
            None => Progress::Stale,
        };
        Ok(self.progressed(fetch, progress, at))
    }

    fn progressed(&mut self, fetch: u32, progress: Progress, at: Moment) -> String {
        let text = match progress {
            Progress::Ask(request) => {
                let network = self.under_way.get(fetch).map(|plan| &plan.0.keys().plan().network);
                network.map_or_else(
                    || json!({ "stale": true }),
                    |network| json!({ "request": request_json(&request, network) }),
                )
            }
            Progress::Stale => json!({ "stale": true }),
            Progress::Ended => {
                let plan = self.under_way.remove(fetch).map(|plan| plan.0.number);
                let (fetches, next) = self.begin_due(at);
                json!({ "done": true, "plan": plan, "fetches": fetches, "next": next })
            }
        };
        text.to_string()
    }

    /// Begins the fetches whose time has come, and says when the next one comes.
    pub(crate) fn due(&mut self, at: Moment) -> String {
        let (fetches, next) = self.begin_due(at);
        json!({ "fetches": fetches, "next": next }).to_string()
    }

    fn begin_due(&mut self, at: Moment) -> (Vec<u32>, Option<u64>) {
        let (mut begun, mut next): (Vec<u32>, Option<Monotonic>) = (Vec::new(), None);
        let plans: Vec<Plan> = self.plans.held().map(Plan).collect();
        for plan in plans {
            self.forget_lost(&plan, at);
            if !plan.0.is_used() {
                continue;
            }
            let stale_at = plan.0.keys().tell_if_stale(at.steady);
            if plan.0.keys().wake(at.steady) {
                begun.push(self.begin(&plan, at.steady));
            }
            next = next_of(&plan).into_iter().chain(stale_at).chain(next).min();
        }
        (begun, next.map(millis))
    }
}

/// When something happens to a plan without a request.
fn next_of(plan: &Plan) -> Option<Monotonic> {
    plan.0.keys().due().into_iter().chain(plan.0.forgotten_at()).min()
}
