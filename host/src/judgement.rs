//! What is asked of a validator, and what it says.
//!
//! In: requests, credentials.
//! Out: `Question`, `Judgement`, `Verdict`.
//! May use: replay, the validator's types.
//! Never: a decision.

use std::sync::Arc;

use oidc_spa_native::challenge::{Challenge, Demand};
use oidc_spa_native::credentials::{Credentials, Scheme};
use oidc_spa_native::dpop::proof::ExpectedTarget;
use oidc_spa_native::grant::Grant;
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::presentation::RequestRules;
use oidc_spa_native::rejection::{Code, Rejection};
use oidc_spa_native::resource_server::Request;
use oidc_spa_native::time::{UnixTime, Validity};

use crate::replay::Unsettled;

/// What is asked of a validator.
#[derive(Debug)]
pub enum Question<'a> {
    /// May this request enter, by the rules of its route?
    Request(Request<'a>, RequestRules),
    /// Are these credentials good for this target?
    Credentials(Credentials<'a>, Option<ExpectedTarget<'a>>),
}

impl Question<'_> {
    pub(crate) fn rules(&self) -> RequestRules {
        match self {
            Self::Request(_, rules) => *rules,
            Self::Credentials(..) => RequestRules::default(),
        }
    }
}

/// A refusal that the application decided on.
#[derive(Debug)]
pub struct Denial {
    /// Why.
    pub code: Code,
    /// Why, for developers.
    pub message: String,
    /// The scheme that the client used, if it is known.
    pub scheme: Option<Scheme>,
    /// The rules of the route.
    pub rules: RequestRules,
    /// What the client is told that it would need.
    pub demand: Demand,
}

/// The answer.
#[derive(Debug)]
pub enum Verdict {
    /// Yes; and whether the same credentials need not be asked about again.
    Granted(Grant, Option<Repeatable>),
    /// No; why, and what the client is told.
    Refused(Rejection, Challenge),
}

/// What is said of a request at first.
#[derive(Debug)]
pub enum Judgement {
    /// The answer.
    Verdict(Verdict),
    /// Keys must be waited for: [`Validator::judge_with_keys`](crate::Validator::judge_with_keys).
    NeedsKeys,
    /// A memory of proofs must be asked: [`Validator::ask_store`](crate::Validator::ask_store), or by the application, which tells
    /// [`Validator::conclude`](crate::Validator::conclude).
    Unsettled(Unsettled),
}

impl From<Verdict> for Judgement {
    fn from(verdict: Verdict) -> Self {
        Self::Verdict(verdict)
    }
}

/// Under which circumstances a request is judged.
#[derive(Clone, Debug)]
pub(crate) struct Circumstances {
    pub now: UnixTime,
    /// The rules of its route.
    pub rules: RequestRules,
    /// The keys that its token was verified with.
    pub seen: Option<Arc<JwkSet>>,
}

/// When the same credentials are granted the same.
#[derive(Clone, Copy, Debug)]
pub struct Repeatable {
    /// In this time.
    pub validity: Validity,
    /// As long as [`Validator::keys_epoch`](crate::Validator::keys_epoch) of their issuer is this.
    pub keys_epoch: u64,
}
