//! An application that waits until every issuer has keys.
//!
//! In: the ends of fetches, the time.
//! Out: a JSON text: null, or which issuer has no keys and why.
//! Never: a wait beyond its deadline.

use oidc_spa_native::time::Monotonic;
use oidc_spa_native_engine::issuer_keys::Newer;
use oidc_spa_native_engine::moment::Moment;
use oidc_spa_native_engine::verdict_text::failure_text;

use crate::fetching::Fetches;
use crate::guard::Guard;
use crate::held::{Asked, Held, Pending};
use crate::plan_keys::Plan;

/// The longest wait.
const LONGEST_MILLIS: f64 = 86_400_000.0;

/// One wait for all issuers of a validator.
pub(crate) struct Readiness {
    deadline: Monotonic,
    fails_fast: bool,
    waiting: Vec<(Plan, Option<Held>)>,
    errors: Vec<String>,
}

impl Readiness {
    /// All issuers are asked at once. With `fails_fast`, the first failed fetch of an issuer ends its wait.
    pub(crate) fn new(guard: &Guard, timeout_millis: f64, fails_fast: bool, at: Monotonic) -> Self {
        let waiting: Vec<_> = guard.engine.fetched().map(|plan| (plan.clone(), None)).collect();
        // It does not wait for the whole pause after a failed attempt.
        waiting.iter().for_each(|(plan, _)| plan.0.keys().hurry(at));
        let deadline = at.plus_millis(timeout_millis.clamp(0.0, LONGEST_MILLIS) as u64);
        Self { deadline, fails_fast, waiting, errors: Vec::new() }
    }

    /// The answer, or what is still waited for.
    pub(crate) fn step(&mut self, fetches: &mut Fetches, at: Moment) -> Result<String, Pending> {
        let mut begun = Vec::new();
        let mut still_waiting = Vec::new();
        for (plan, held) in std::mem::take(&mut self.waiting) {
            match self.step_of(fetches, &plan, held, &mut begun, at) {
                Ok(()) => {}
                Err(Some(held)) => still_waiting.push((plan, Some(held))),
                Err(None) => self.errors.push(plan.0.keys().not_ready()),
            }
        }
        self.waiting = still_waiting;
        if self.waiting.is_empty() && begun.is_empty() {
            let errors = self.errors.join("; ");
            return Ok(if errors.is_empty() { "null".to_owned() } else { failure_text(&errors) });
        }
        let held = self.waiting.iter().filter_map(|(_, held)| held.as_ref());
        Err(Pending::of(begun, held, self.deadline, at.steady))
    }

    /// Whether one issuer has keys; if not, the fetch that is waited for, or nothing if the wait is over.
    fn step_of(
        &self,
        fetches: &mut Fetches,
        plan: &Plan,
        held: Option<Held>,
        begun: &mut Vec<u32>,
        at: Moment,
    ) -> Result<(), Option<Held>> {
        let has_keys = || plan.0.keys().current(at.steady).is_some();
        if has_keys() {
            return Ok(());
        }
        let held = match held {
            Some(held) => {
                begun.extend(fetches.wake(&held, at));
                if !held.has_ended() {
                    return Err((at.steady < self.deadline).then_some(held));
                }
                if self.fails_fast || at.steady >= self.deadline {
                    return Err(None);
                }
                fetches.refresh(plan, None, true, self.deadline, at)
            }
            None => fetches.refresh(plan, None, true, self.deadline, at),
        };
        let (asked, fetch) = held;
        begun.extend(fetch);
        match asked {
            Asked::Held(held) => Err(Some(held)),
            Asked::Over(Newer::Ended) if has_keys() => Ok(()),
            Asked::Over(_) => Err(None),
        }
    }
}
