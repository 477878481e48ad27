//! A validator of the instance, shared with the requests that wait.
//!
//! In: the engine's validator.
//! Out: the same; whether its keys are fetched ahead.
//! Never: a decision.

use std::cell::Cell;

use oidc_spa_native_engine::validator::Validator;

use crate::memories::RecentMemories;
use crate::plan_keys::Plan;

/// A validator.
pub(crate) struct Guard {
    pub engine: Validator<Plan, RecentMemories>,
    uses_keys: Cell<bool>,
}

impl Guard {
    pub(crate) fn new(engine: Validator<Plan, RecentMemories>) -> Self {
        engine.fetched().for_each(|plan| plan.0.enter());
        Self { engine, uses_keys: Cell::new(true) }
    }

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
