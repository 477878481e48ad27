//! The end of the corridor: a grant, and what must be remembered before it is one (RFC 9449 section 11.1).
//!
//! In: a request that passed every check, that of replay aside.
//! Out: `Pending`, which only the word of a replay memory turns into a `Grant`.
//! May use: credentials, dpop::replay, dpop::shares, memory, rejection, time.
//! Never: a memory of its own, a check.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::credentials::{Refusal, Scheme};
use crate::dpop::replay::{ProofRecord, Remembered};
use crate::dpop::shares::Holder;
use crate::memory::{IssuerIndex, Learned, VerifiedToken};
use crate::rejection::Code;
use crate::time::Validity;

/// A grant that waits for the last word: whether its proof is new.
#[derive(Debug)]
pub struct Pending {
    grant: Grant,
    record: Option<ProofRecord>,
}

impl Pending {
    pub(crate) const fn new(grant: Grant, record: Option<ProofRecord>) -> Self {
        Self { grant, record }
    }

    /// What is to be remembered before this becomes a grant, if there is a proof.
    pub const fn record(&self) -> Option<&ProofRecord> {
        self.record.as_ref()
    }

    /// Asks the replay memory, if there is a proof to remember, and turns its answer into a grant or a refusal.
    pub fn settle(self, remember: impl FnOnce(&ProofRecord) -> Remembered) -> Result<Grant, Refusal> {
        let Some(record) = &self.record else { return Ok(self.grant) };
        let rejection = match remember(record) {
            Remembered::New => return Ok(self.grant),
            Remembered::Seen => Code::ProofReplayed.because("DPoP proof replayed"),
            Remembered::Forgotten => {
                Code::ProofStale.because("DPoP proof is older than what the replay memory holds")
            }
            Remembered::Full => Code::ReplayMemoryUnavailable.because("The replay memory is full"),
            Remembered::ShareFull(holder) => Code::ReplayMemoryUnavailable.because(match holder {
                Holder::Key => {
                    "This key has used up its share of the replay memory; it sends very many proofs"
                }
                Holder::Subject => {
                    "This user has used up its share of the replay memory; its keys send very many proofs"
                }
                Holder::Client => {
                    "This client has used up its share of the replay memory; its keys send very many proofs"
                }
            }),
            Remembered::Unavailable => Code::ReplayMemoryUnavailable
                .because("The shared replay memory gave no answer; `health().replayMemory` says why"),
        };
        Err((rejection, Some(self.grant.scheme)))
    }
}

/// The request may enter.
pub struct Grant {
    pub(crate) verified: Arc<VerifiedToken>,
    /// The access token's place in the `Authorization` field, in bytes.
    pub token: Range<usize>,
    /// How the token was presented.
    pub scheme: Scheme,
    /// Whose token it is.
    pub issuer: IssuerIndex,
    /// The nonce to give to the client with the response, where it does not hold it yet.
    pub dpop_nonce: Option<String>,
    /// For how long the same credentials are granted the same, as long as their issuer's keys stay. `None` where each
    /// request must prove something anew.
    pub repeatable: Option<Validity>,
    /// What a [`Memory`](crate::memory::Memory) may keep.
    pub learned: Learned,
    /// The number of the verified token, where it was recalled: its claims are those of the grant before.
    pub recalled: Option<u64>,
}

impl Grant {
    /// The claims, as JSON text: the token's payload.
    pub fn claims(&self) -> &str {
        self.verified.token().claims()
    }
}

// Claims must not end up in a log.
impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant({} ..)", self.scheme.name())
    }
}
