//! The memory of DPoP proofs that were accepted (RFC 9449 section 11.1). Exact: it forgets nothing that is still of use.
//!
//! In: what to remember, the time.
//! Out: whether it is new.
//! Never: an eviction of a live entry, a token, a proof.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::access_token::Presenter;
use crate::crypto::{SecretHasher, SecretSet, sha256};
use crate::jose::base64url_encode;
use crate::time::UnixTime;

use super::shares::{Counts, Holder, Places, Rule};
use super::window::ProofWindow;

/// What is remembered of a proof: a digest of its key and `jti`, when it was made (the first whole second that is not
/// before), and for whom it is counted. To find a second proof for a digest is out of reach, and would only have that
/// proof refused.
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
        // A thumbprint is a digest already: its first characters tell keys apart.
        let mut key = [0; 16];
        key.iter_mut().zip(jkt.bytes()).for_each(|(to, from)| *to = from);
        Self { digest: sha256(&text), key, presenter: None, issued }
    }

    /// The same, counted for the client and the user of the token that it came with, too.
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

    /// The last second in which any configuration accepts the proof. A memory that processes share keeps it for so long,
    /// whoever writes it: the others may have other options, or another version's defaults during a roll-out.
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

/// The answer of a replay memory: the proof was not there, and is now; or it is not taken for new.
pub type Remembered = Result<(), NotNew>;

/// Why a proof is not taken for new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNew {
    /// It was there.
    Seen,
    /// It may have been there: the clock has gone back behind what was already forgotten, or a validator with a longer
    /// window has begun since.
    Forgotten,
    /// There is no room. Nothing was forgotten to make some.
    Full,
    /// There is room, but the share of this holder is used up.
    ShareFull(Holder),
    /// The replay store gave no answer, so it is not known whether the proof is new.
    Unavailable,
}

/// The replay memory of one process.
///
/// Proofs lie in slices by the time at which they were made. A slice is dropped whole, once the last of its proofs is
/// too old to be accepted, so that forgetting costs nothing and a lookup asks a handful of sets. What was dropped is not
/// accepted any more, however long the window of a later validator is, and wherever the clock goes: no proof that was
/// made before the latest of the dropped ones is new.
pub struct ReplayMemory {
    entries: Mutex<Entries>,
    rule: Rule,
    hasher: SecretHasher,
}

struct Entries {
    /// By first second and number of seconds: the number changes when the window grows.
    slices: BTreeMap<(i64, i64), Slice>,
    len: usize,
    /// Of all slices.
    counts: Counts,
    /// Proofs that were made at or before this second may be gone.
    forgotten: Option<UnixTime>,
    /// Where the time of a proof may lie: the windows of all who share the memory.
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

    /// A memory of so many entries, for proofs that are accepted in this window.
    pub fn new(capacity: usize, window: ProofWindow) -> Self {
        let entries = Entries {
            slices: BTreeMap::new(),
            len: 0,
            counts: Counts::default(),
            forgotten: None,
            window,
            capacity,
        };
        Self { entries: Mutex::new(entries), rule: Rule::Fair, hasher: SecretHasher::default() }
    }

    /// The same memory, of which whoever comes may use all.
    #[must_use]
    pub fn without_shares(self) -> Self {
        Self { rule: Rule::None, ..self }
    }

    /// Has the memory keep proofs for as long as they are accepted in this window, too. Whoever accepts such proofs calls
    /// it first; the longest window counts for all who share the memory.
    pub fn cover(&self, window: ProofWindow) {
        let mut entries = self.lock();
        entries.window = entries.window.and(window);
    }

    /// Has the memory hold at least so many entries.
    pub fn hold(&self, capacity: usize) {
        let mut entries = self.lock();
        entries.capacity = entries.capacity.max(capacity);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // A panic elsewhere leaves the memory as exact as it was: a proof is in its set before anything else changes.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a proof, unless it is remembered already. It is one step: if two threads bring the same proof, one of them
    /// gets `Ok`.
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

    /// How many proofs it can hold.
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
    /// Slices that a window is divided into. More cost a lookup more; fewer keep proofs longer than they are of use.
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

    /// Proofs that are accepted at one time lie in as many slices, and one more, whatever the window.
    fn slice_of(&mut self, issued: UnixTime) -> &mut Slice {
        let span = self.window.back_secs() + self.window.ahead().secs();
        let secs = (span / Self::SLICES).max(1);
        let first = issued.secs().div_euclid(secs).saturating_mul(secs);
        self.slices.entry((first, secs)).or_default()
    }
}

#[cfg(test)]
mod tests;
