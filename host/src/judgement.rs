//! The result of a validator for a question.
//!
//! In: grants and refusals; the keys or the store to wait for.
//! Out: `Judgement`, which is an answer, or a wait that ends in an answer.
//! Never: a decision.

use oidc_spa_native::resource_server::Verdict;

use crate::replay::{AskedStore, StoreQuestion};

/// The answer to a question.
#[derive(Debug)]
pub enum Answer {
    /// The final verdict.
    Verdict(Verdict),
    /// The application's own replay store must be asked first: [`Validator::conclude`](crate::Validator::conclude)
    /// takes its answer.
    AskStore(StoreQuestion),
}

/// The first result for a question.
#[derive(Debug)]
pub enum Judgement {
    /// The answer.
    Answer(Answer),
    /// There is no answer yet: [`Validator::answer`](crate::Validator::answer) waits for it.
    Waits(Wait),
}

/// The reason of a wait.
#[derive(Debug)]
pub struct Wait(pub(crate) WaitsFor);

// It lives on the stack, for one call: a box would cost each request an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub(crate) enum WaitsFor {
    /// The issuer's keys.
    Keys,
    /// The answer of a replay store that this process asks.
    Store(AskedStore),
}

/// The result when the keys are there.
pub(crate) enum Judged {
    Answer(Answer),
    Store(AskedStore),
}

impl From<Verdict> for Judged {
    fn from(verdict: Verdict) -> Self {
        Self::Answer(Answer::Verdict(verdict))
    }
}

impl From<Judged> for Judgement {
    fn from(judged: Judged) -> Self {
        match judged {
            Judged::Answer(answer) => Self::Answer(answer),
            Judged::Store(asked) => Self::Waits(Wait(WaitsFor::Store(asked))),
        }
    }
}
