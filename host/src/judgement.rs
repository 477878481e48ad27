//! The result of a validator for a question.
//!
//! In: answers of the engine; the keys or the store to wait for.
//! Out: `Judgement`, which is an answer, or a wait that ends in an answer.
//! Never: a decision.

use oidc_spa_native_engine::keys_wait::KeysWait;
use oidc_spa_native_engine::replay::StoreQuestion;
use oidc_spa_native_engine::validator::Answer;

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
    Keys(KeysWait),
    /// The answer of a replay store that this process asks.
    Store(StoreQuestion),
}
