//! The memory of DPoP proofs that were accepted (RFC 9449 section 11.1). It is exact: it forgets no proof that could
//! still be accepted.
//!
//! In: the record of a proof, the time.
//! Out: whether it is new.
//! Never: an eviction of a live entry, a token, a proof.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::PoisonError;
#[cfg(not(feature = "loom"))]
use std::sync::{Mutex, MutexGuard};

#[cfg(feature = "loom")]
use loom::sync::{Mutex, MutexGuard};

use crate::access_token::Presenter;
use crate::crypto::{SecretHasher, SecretSet, sha256};
use crate::jose::base64url_encode;
use crate::time::UnixTime;

use super::shares::{Counts, Holder, Places, Rule};
use super::window::ProofWindow;

/// The record of a proof: a digest of its key and `jti`, its time (the first whole second that is not before its
/// `iat`), and the holders whose counts it raises. An attacker cannot find a second proof with the same digest, and
/// such a proof would only be refused.
#[derive(Clone, PartialEq, Eq)]
pub struct ProofRecord {
    digest: [u8; 32],
    key: [u8; 16],
    presenter: Option<Presenter>,
    issued: UnixTime,
}

impl ProofRecord {
    /// The record of the proof `jti` of the key `jkt`. Lengths are part of the digest, so that no two pairs share one.
    pub fn new(jkt: &str, jti: &str, issued: UnixTime) -> Self {
        let mut text = Vec::with_capacity(jkt.len() + jti.len() + 16);
        for part in [jkt, jti] {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part.as_bytes());
        }
        // A thumbprint is a digest already, so its first characters differ for different keys.
        let mut key = [0; 16];
        key.iter_mut().zip(jkt.bytes()).for_each(|(to, from)| *to = from);
        Self { digest: sha256(&text), key, presenter: None, issued }
    }

    /// The same record, counted also for the client and the user of its token.
    #[must_use]
    pub fn presented_by(self, presenter: Presenter) -> Self {
        Self { presenter: Some(presenter), ..self }
    }

    /// The name of the proof in a memory that processes share: the whole digest, as 43 characters of base64url.
    pub fn shared_name(&self) -> String {
        base64url_encode(&self.digest)
    }

    fn half(&self) -> Half {
        let mut half = Half::default();
        half.iter_mut().zip(self.digest).for_each(|(to, from)| *to = from);
        half
    }

    fn places(&self, hasher: &SecretHasher) -> Places {
        Places::of(hasher, self.key, self.presenter)
    }

    /// The last second in which any configuration accepts the proof. A shared store keeps every proof until then: other
    /// processes may have other options, or the defaults of another version during a roll-out.
    pub const fn last_second(&self) -> UnixTime {
        ProofWindow::last_second_of(self.issued)
    }
}

impl fmt::Debug for ProofRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProofRecord(issued {})", self.issued.secs())
    }
}

/// What this process keeps of a proof: the half of its digest.
type Half = [u8; 16];

/// The answer of a replay memory: the proof is new and was stored, or it does not count as new.
pub type Remembered = Result<(), NotNew>;

/// Why a proof does not count as new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNew {
    /// It was stored already.
    Seen,
    /// It may have been stored: the clock was set back to a time that is already forgotten, or a validator with a
    /// longer window was made later.
    Forgotten,
    /// The memory is full. No proof was removed to make room.
    Full,
    /// There is room, but this holder has used up its share.
    ShareFull(Holder),
    /// The replay store gave no answer, so it is not known whether the proof is new.
    Unavailable,
}

/// The replay memory of one process.
///
/// Proofs lie in slices by the time at which they were made. A slice is dropped whole, once the last of its proofs is
/// too old to be accepted, so that forgetting is cheap and a lookup searches only a few sets. A dropped proof is never
/// accepted again: no proof that is older than the latest dropped one counts as new. This holds for later validators
/// with longer windows, and after a change of the clock.
pub struct ReplayMemory {
    entries: Mutex<Entries>,
    rule: Rule,
    hasher: SecretHasher,
}

struct Entries {
    /// By first second and number of seconds: the number changes when the window grows.
    slices: BTreeMap<(i64, i64), Slice>,
    len: usize,
    /// The number of proofs in all slices.
    counts: Counts,
    /// Proofs made at or before this second may have been dropped.
    forgotten: Option<UnixTime>,
    /// When an earlier memory was lost: proofs of which the clock of that time allowed may have been in it.
    lost_at: Option<UnixTime>,
    /// The times in which a proof may lie: the union of the windows of all validators.
    window: ProofWindow,
    capacity: usize,
}

#[derive(Default)]
struct Slice {
    seen: SecretSet<Half>,
    counts: Counts,
    /// When the latest of its proofs was made.
    latest: Option<UnixTime>,
}

impl ReplayMemory {
    /// Entries that a memory holds by default. A proof takes one for its window and up to an eighth more.
    pub const DEFAULT_CAPACITY: usize = 1_000_000;

    /// A memory with this many entries, for proofs that are accepted in this window.
    pub fn new(capacity: usize, window: ProofWindow) -> Self {
        let entries = Entries {
            slices: BTreeMap::new(),
            len: 0,
            counts: Counts::default(),
            forgotten: None,
            lost_at: None,
            window,
            capacity,
        };
        Self { entries: Mutex::new(entries), rule: Rule::Fair, hasher: SecretHasher::default() }
    }

    /// The same memory without shares: each holder may use all of it.
    #[must_use]
    pub fn without_shares(self) -> Self {
        Self { rule: Rule::None, ..self }
    }

    /// Makes the memory also keep proofs for this window. A validator calls it before it accepts such proofs. The
    /// longest window counts for all validators of the memory.
    pub fn cover(&self, window: ProofWindow) {
        let mut entries = self.lock();
        entries.window = entries.window.and(window);
    }

    /// An earlier memory was lost at this time, with all its proofs. Proofs that it may have held do not count as new:
    /// those that were made up to then, and those that could be accepted then although they are dated ahead.
    pub fn follow_lost(&self, lost_at: UnixTime) {
        let mut entries = self.lock();
        entries.lost_at = entries.lost_at.max(Some(lost_at));
    }

    /// Makes the memory hold at least this many entries.
    pub fn hold(&self, capacity: usize) {
        let mut entries = self.lock();
        entries.capacity = entries.capacity.max(capacity);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // A panic elsewhere leaves the memory as exact as it was: a proof is in its set before anything else changes.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a proof, unless it is remembered already. It is one atomic step: if two threads call it with the same
    /// proof, only one of them gets `Ok`.
    pub fn remember(&self, record: &ProofRecord, now: UnixTime) -> Remembered {
        let places = record.places(&self.hasher);
        let mut entries = self.lock();
        self.answer(&mut entries, record, places, now)?;
        let slice = entries.slice_of(record.issued);
        slice.seen.insert(record.half());
        slice.latest = slice.latest.max(Some(record.issued));
        slice.counts.add(places);
        entries.counts.add(places);
        entries.len += 1;
        Ok(())
    }

    /// What [`Self::remember`] would answer now. Nothing is remembered.
    pub fn look_up(&self, record: &ProofRecord, now: UnixTime) -> Remembered {
        let places = record.places(&self.hasher);
        self.answer(&mut self.lock(), record, places, now)
    }

    fn answer(
        &self,
        entries: &mut Entries,
        record: &ProofRecord,
        places: Places,
        now: UnixTime,
    ) -> Remembered {
        entries.forget_ended(now);
        let half = record.half();
        if entries.slices.values().any(|slice| slice.seen.contains(&half)) {
            return Err(NotNew::Seen);
        }
        if entries.forgotten.is_some_and(|forgotten| record.issued <= forgotten) {
            return Err(NotNew::Forgotten);
        }
        let ahead_secs = entries.window.ahead().secs();
        let may_be_lost =
            |lost_at: UnixTime| record.issued.secs() <= lost_at.secs().saturating_add(ahead_secs);
        if entries.lost_at.is_some_and(may_be_lost) {
            return Err(NotNew::Forgotten);
        }
        let free = entries.capacity.saturating_sub(entries.len);
        if free == 0 {
            return Err(NotNew::Full);
        }
        let used_up = self.rule.used_up(&entries.counts, places, entries.capacity, free);
        used_up.map_or(Ok(()), |holder| Err(NotNew::ShareFull(holder)))
    }

    /// How many proofs are remembered.
    pub fn len(&self) -> usize {
        self.lock().len
    }

    /// How many proofs the memory can hold.
    pub fn capacity(&self) -> usize {
        self.lock().capacity
    }

    /// Whether no proof is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for ReplayMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplayMemory({} of {})", self.len(), self.capacity())
    }
}

impl Entries {
    /// Slices that a window is divided into. With more slices a lookup costs more; with fewer slices proofs are kept
    /// longer than needed.
    const SLICES: i64 = 8;

    fn forget_ended(&mut self, now: UnixTime) {
        let back_secs = self.window.back_secs();
        let Self { slices, len, counts, forgotten, .. } = self;
        slices.retain(|(first, secs), slice| {
            let last = first.saturating_add(secs - 1);
            let is_live = last.saturating_add(back_secs) >= now.secs();
            if !is_live {
                *len -= slice.seen.len();
                counts.subtract(&slice.counts);
                *forgotten = (*forgotten).max(slice.latest);
            }
            is_live
        });
    }

    /// Proofs that are accepted at one time lie in this number of slices plus one, for every window.
    fn slice_of(&mut self, issued: UnixTime) -> &mut Slice {
        let span = self.window.back_secs() + self.window.ahead().secs();
        let secs = (span / Self::SLICES).max(1);
        let first = issued.secs().div_euclid(secs).saturating_mul(secs);
        self.slices.entry((first, secs)).or_default()
    }
}

#[cfg(test)]
mod tests;

#[cfg(all(test, feature = "loom"))]
mod interleavings;
