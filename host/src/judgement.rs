//! What a validator says of a question.
//!
//! In: grants and refusals; what must be waited for.
//! Out: `Judgement`, which is an answer or a wait that can only end in one.
//! Never: a decision.

use oidc_spa_native::resource_server::Verdict;

use crate::replay::{AskedStore, StoreQuestion};

/// The answer to a question.
#[derive(Debug)]
pub enum Answer {
    /// The last word.
    Verdict(Verdict),
    /// The application's own replay store must be asked first: [`Validator::conclude`](crate::Validator::conclude) takes
    /// its word.
    AskStore(StoreQuestion),
}

/// What is said of a question at first.
#[derive(Debug)]
pub enum Judgement {
    /// The answer.
    Answer(Answer),
    /// There is no answer yet: [`Validator::answer`](crate::Validator::answer) waits for it.
    Waits(Wait),
}

/// What an answer waits for.
#[derive(Debug)]
pub struct Wait(pub(crate) WaitsFor);

// On the stack, and for one call: a box would cost each request an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub(crate) enum WaitsFor {
    /// The issuer's keys.
    Keys,
    /// The word of a replay store that this process asks.
    Store(AskedStore),
}

/// What is said where the keys are there.
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
