//! What a wait for keys holds: the sets whose fetch it waits for, each with its place.
//!
//! In: plans.
//! Out: whether a fetch ended, and until when to wait.
//! Never: a fetch that begins.

use oidc_spa_native::time::Monotonic;
use oidc_spa_native_engine::issuer_keys::{Newer, Place};

use crate::plan_keys::Plan;

/// A set whose fetch is waited for.
pub(crate) struct Held {
    pub plan: Plan,
    /// How many of its fetches had ended when the wait began.
    ends: u64,
    _place: Place<Plan>,
}

/// What a set answers to a request for newer keys.
pub(crate) enum Asked {
    Over(Newer),
    Held(Held),
}

/// What is not over yet: the fetches that begin, the plans that are waited for, and until when.
pub(crate) struct Pending {
    pub fetches: Vec<u32>,
    pub plans: Vec<u32>,
    pub until: Option<Monotonic>,
    /// Whether JavaScript must first answer what it was asked about keys and signatures. Then nothing else is waited for.
    pub lacks_answers: bool,
}

impl Held {
    /// A place among those that wait for this plan, if one is free.
    pub(crate) fn take(plan: &Plan, ends: u64, may_pass: bool) -> Option<Self> {
        let place = Place::take(plan.clone(), may_pass)?;
        Some(Self { plan: plan.clone(), ends, _place: place })
    }

    /// Whether a fetch ended since the wait began.
    pub(crate) fn has_ended(&self) -> bool {
        self.plan.0.ends() != self.ends
    }
}

impl Pending {
    /// JavaScript is asked about keys and signatures, and had no answer yet.
    pub(crate) const fn of_answers() -> Self {
        Self { fetches: Vec::new(), plans: Vec::new(), until: None, lacks_answers: true }
    }

    /// Without a set to wait for, the next step is due at once: it only waits for the fetches to begin.
    pub(crate) fn of<'h>(
        fetches: Vec<u32>,
        held: impl Iterator<Item = &'h Held>,
        deadline: Monotonic,
        at: Monotonic,
    ) -> Self {
        let held: Vec<&Held> = held.collect();
        let plans = held.iter().map(|held| held.plan.0.number).collect();
        let times = held.iter().flat_map(|held| {
            let Plan(plan) = &held.plan;
            plan.keys().due().into_iter().chain(plan.forgotten_at().map(|at| at.plus_millis(1)))
        });
        let until = if held.is_empty() { Some(at) } else { times.chain([deadline]).min() };
        Self { fetches, plans, until, lacks_answers: false }
    }
}
