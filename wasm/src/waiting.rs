//! Requests that wait for keys or for JavaScript's answers about signatures, and their next steps.
//!
//! In: requests, the ends of fetches, the time.
//! Out: the answer, or what is still waited for.
//! Never: a decision about a request, a wait without an end, an effect of a walk that lacked an answer.

use std::rc::Rc;

use oidc_spa_native::time::Monotonic;
use oidc_spa_native_engine::issuer_keys::Newer;
use oidc_spa_native_engine::keys_wait::KeysWait;
use oidc_spa_native_engine::moment::Moment;
use oidc_spa_native_engine::parts::Parts;
use oidc_spa_native_engine::validator::{Answer, Decided};

use crate::fetching::Fetches;
use crate::guard::Guard;
use crate::held::{Asked, Held, Pending};
use crate::imports::answered;
use crate::plan_keys::Plan;

/// A request that waits.
pub(crate) struct WaitingRequest {
    pub guard: Rc<Guard>,
    pub parts: Parts,
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

/// The end of a wait.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Ended {
    Answer(Answer),
    Explanation(String),
}

impl WaitingRequest {
    pub(crate) fn new(guard: Rc<Guard>, parts: Parts, purpose: Purpose, wait: KeysWait) -> Self {
        Self { guard, parts, purpose, wait, held: Vec::new(), others: Newer::NotNow }
    }

    /// The answer, or what is still waited for.
    pub(crate) fn step(&mut self, fetches: &mut Fetches, at: Moment) -> Result<Ended, Pending> {
        let mut newer = self.outcome(at.steady);
        if newer.is_none() && !self.held.is_empty() {
            let begun = self.held.iter().filter_map(|held| fetches.wake(held, at)).collect();
            // A fetch that was lost has ended.
            newer = self.outcome(at.steady);
            if newer.is_none() {
                return Err(self.pending(begun, at.steady));
            }
        }
        let guard = Rc::clone(&self.guard);
        let decided = loop {
            // Nothing is kept of a walk that lacked an answer: the next step is the same one again. It is large as in `decide`.
            #[allow(clippy::result_large_err)]
            let walk = || guard.engine.decide(&self.parts.question(), &self.wait, at.steady);
            let lacking = match answered(walk).ok_or_else(Pending::of_answers)? {
                Ok(decided) => break decided,
                Err(lacking) => lacking,
            };
            let over = match newer.take() {
                Some(newer) => newer,
                None => match lacking.keys().asked_of(lacking.key_set(), at.steady) {
                    None => Newer::Ended,
                    Some(asked) => match self.ask(fetches, asked, lacking.may_pass(), at) {
                        Ok(newer) => newer,
                        Err(begun) => {
                            return Err(self.pending(begun, at.steady));
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
        self.finish(decided, at)
    }

    fn pending(&self, fetches: Vec<u32>, at: Monotonic) -> Pending {
        Pending::of(fetches, self.held.iter(), self.wait.deadline(), at)
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
        fetches: &mut Fetches,
        asked: Vec<(&Plan, Option<u64>)>,
        may_pass: bool,
        at: Moment,
    ) -> Result<Newer, Vec<u32>> {
        let (mut held, mut begun, mut others) = (Vec::new(), Vec::new(), Newer::NotNow);
        for (plan, key_set) in asked {
            let (asked, fetch) = fetches.refresh(plan, key_set, may_pass, self.wait.deadline(), at);
            begun.extend(fetch);
            match asked {
                Asked::Over(newer) => others = others.beside(newer),
                Asked::Held(one) => held.push(one),
            }
        }
        if begun.is_empty() && (held.is_empty() || others == Newer::Ended) {
            return Ok(others);
        }
        if others == Newer::Ended {
            held.clear();
        }
        (self.held, self.others) = (held, others);
        Err(begun)
    }

    fn finish(&self, decided: Decided, at: Moment) -> Result<Ended, Pending> {
        let Self { guard, parts, purpose, wait, .. } = self;
        match purpose {
            Purpose::Verdict => Ok(Ended::Answer(guard.engine.settle(decided))),
            Purpose::Explanation => {
                // It goes on after a failed check, so it may ask more than the walk that decided.
                let walk = || guard.engine.explain(&parts.question(), decided, wait, at.steady);
                answered(walk).map(Ended::Explanation).ok_or_else(Pending::of_answers)
            }
        }
    }
}
