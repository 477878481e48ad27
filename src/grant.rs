//! Makes a grant, once the proof has been remembered (RFC 9449 section 11.1).
//!
//! In: a request that passed every check except replay.
//! Out: `PendingGrant`, which becomes a `Grant` only after the answer of a replay memory.
//! Never: a memory of its own, a check.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::dpop::replay::{NotNew, ProofRecord, Remembered};
use crate::dpop::shares::Holder;
use crate::explanation::Admitted;
use crate::memory::{IssuerIndex, Learned, VerifiedToken};
use crate::rejection::{Code, Rejection};
use crate::scheme::{AcceptedSchemes, Scheme};
use crate::time::{UnixTime, Validity};

/// The content of a grant, before the replay memory has answered.
pub(crate) struct Admission {
    pub verified: Arc<VerifiedToken>,
    pub token: Range<usize>,
    pub scheme: Scheme,
    pub dpop_nonce: Option<String>,
    pub learned: Learned,
    pub is_recalled: bool,
}

/// A request that passed every check except one: it is not known yet whether its proof is new.
#[derive(Debug)]
pub struct PendingGrant {
    admission: Admission,
    record: Option<ProofRecord>,
    schemes: AcceptedSchemes,
    now: UnixTime,
}

impl PendingGrant {
    pub(crate) const fn new(
        admission: Admission,
        record: Option<ProofRecord>,
        schemes: AcceptedSchemes,
        now: UnixTime,
    ) -> Self {
        Self { admission, record, schemes, now }
    }

    /// The record that must be remembered before this becomes a grant, if there is a proof.
    pub const fn record(&self) -> Option<&ProofRecord> {
        self.record.as_ref()
    }

    /// The content of the grant.
    pub(crate) fn would_say(&self) -> Admitted {
        let Admission { verified, token, scheme, .. } = &self.admission;
        Admitted {
            claims: verified.token().claims().to_owned(),
            token: token.clone(),
            scheme: scheme.name(),
            issuer: verified.issuer(),
        }
    }

    /// When the request was judged.
    pub const fn now(&self) -> UnixTime {
        self.now
    }

    pub(crate) const fn scheme(&self) -> Scheme {
        self.admission.scheme
    }

    /// The schemes that the request might have used.
    pub(crate) const fn schemes(&self) -> AcceptedSchemes {
        self.schemes
    }

    /// The refusal that follows from this answer of a replay memory. Nothing is granted.
    pub(crate) fn would_be_refused(
        self,
        look_up: impl FnOnce(&ProofRecord) -> Remembered,
    ) -> Option<Result<(), Rejection>> {
        let record = self.record.as_ref()?;
        Some(look_up(record).map_err(why_not))
    }

    /// Asks the replay memory, if there is a proof to remember. This is the one place where a `Grant` is made.
    pub(crate) fn settle(
        self,
        remember: impl FnOnce(&ProofRecord) -> Remembered,
    ) -> Result<Grant, Rejection> {
        self.record.as_ref().map_or(Ok(()), remember).map_err(why_not)?;
        Ok(Grant { admission: self.admission })
    }
}

#[cold]
fn why_not(reason: NotNew) -> Rejection {
    match reason {
        NotNew::Seen => Code::ProofReplayed.because("DPoP proof replayed"),
        NotNew::Forgotten => {
            Code::ProofStale.because("DPoP proof is older than what the replay memory holds")
        }
        NotNew::Full => Code::ReplayMemoryUnavailable.because("The replay memory is full"),
        NotNew::ShareFull(holder) => Code::ReplayMemoryUnavailable.because(match holder {
            Holder::Key => "This key has used up its share of the replay memory; it sends very many proofs",
            Holder::Subject => {
                "This user has used up its share of the replay memory; its keys send very many proofs"
            }
            Holder::Client => {
                "This client has used up its share of the replay memory; its keys send very many proofs"
            }
        }),
        NotNew::Unavailable => Code::ReplayMemoryUnavailable
            .because("The replay store gave no answer; `health().replayMemory` says why"),
    }
}

/// The request may enter. A grant is made only after the answer of a replay memory.
pub struct Grant {
    admission: Admission,
}

/// The conditions under which the same credentials get the same grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeatable {
    /// In this time,
    pub validity: Validity,
    /// as long as their issuer has the key set with this number.
    pub key_set: u64,
}

impl Grant {
    /// The claims, as JSON text: the token's payload.
    pub fn claims(&self) -> &str {
        self.admission.verified.token().claims()
    }

    /// The access token's place in the `Authorization` field, in bytes.
    pub fn token(&self) -> Range<usize> {
        self.admission.token.clone()
    }

    /// How the token was presented.
    pub const fn scheme(&self) -> Scheme {
        self.admission.scheme
    }

    /// The issuer of the token.
    pub fn issuer(&self) -> IssuerIndex {
        self.admission.verified.issuer()
    }

    /// The nonce for the response, if the client does not have it yet.
    pub fn dpop_nonce(&self) -> Option<&str> {
        self.admission.dpop_nonce.as_deref()
    }

    /// The conditions under which the same credentials get the same grant. `None` if each request needs a new proof.
    pub fn repeatable(&self) -> Option<Repeatable> {
        let verified = &self.admission.verified;
        let is_unbound = verified.token().confirmation().is_none();
        is_unbound.then(|| Repeatable { validity: verified.validity(), key_set: verified.key_set() })
    }

    /// The results that a [`Memory`](crate::memory::Memory) may keep.
    pub const fn learned(&self) -> &Learned {
        &self.admission.learned
    }

    /// The number of the verified token, if it came from the memory: its claims are those of the grant before.
    pub fn recalled(&self) -> Option<u64> {
        self.admission.is_recalled.then(|| self.admission.verified.number())
    }
}

// Claims must not end up in a log.
impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Admission({} ..)", self.scheme.name())
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant({} ..)", self.scheme().name())
    }
}
