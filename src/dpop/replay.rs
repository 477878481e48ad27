//! The memory of DPoP proofs that were accepted (RFC 9449 section 11.1). Exact: it forgets nothing that is still of use.
//!
//! In: what to remember, the time.
//! Out: whether it is new.
//! May use: jose's digest and base64url, time.
//! Never: an eviction of a live entry, a token, a proof.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use crate::jose::base64url_encode;
use crate::jose::verification_key::sha256;
use crate::time::UnixTime;

/// 128 bits of a SHA-256 digest. To find a second proof for one of them is out of reach, and would only have that proof
/// refused.
type Digest = [u8; 16];

/// What is remembered of a proof: a digest of its key and `jti`, the key's own, and when it was made (the first whole
/// second that is not before).
#[derive(Clone, PartialEq, Eq)]
pub struct ProofRecord {
    whole: [u8; 32],
    digest: Digest,
    key: Digest,
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
        let mut key = Digest::default();
        key.iter_mut().zip(jkt.bytes()).for_each(|(to, from)| *to = from);
        let whole = sha256(&text);
        Self { whole, digest: half(whole), key, issued }
    }

    /// The name of the proof in a memory that processes share: the whole digest, as 43 characters of base64url.
    pub fn shared_name(&self) -> String {
        base64url_encode(&self.whole)
    }
}

impl fmt::Debug for ProofRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProofRecord(issued {})", self.issued.secs())
    }
}

fn half(digest: [u8; 32]) -> Digest {
    let mut half = Digest::default();
    half.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    half
}

/// The answer of a replay memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// It was not there, and is now.
    New,
    /// It was there.
    Seen,
    /// It may have been there: the clock has gone back behind what was already forgotten.
    Forgotten,
    /// There is no room. Nothing was forgotten to make some.
    Full,
    /// There is room, but this key has used up its share.
    KeyFull,
    /// A memory that is shared with others gave no answer: nobody knows.
    Unavailable,
}

/// The replay memory of one process.
///
/// Proofs lie in slices by the time at which they were made. A slice is dropped whole, once the last of its proofs is
/// too old to be accepted, so that forgetting costs nothing and a lookup asks a handful of sets.
pub struct ReplayMemory {
    entries: Mutex<Entries>,
    capacity: usize,
    share: usize,
    hasher: RandomState,
}

#[derive(Default)]
struct Entries {
    /// By first second and number of seconds: the number changes when the window grows.
    slices: BTreeMap<(i64, i64), Slice>,
    len: usize,
    /// Proofs that were made at or before this second may be gone.
    forgotten: Option<UnixTime>,
    /// How long a proof may be accepted, in seconds: the longest window of all who share the memory.
    window_secs: i64,
}

#[derive(Default)]
struct Slice {
    seen: HashSet<Digest>,
    of_keys: KeyCounts,
    /// When the latest of its proofs was made.
    latest: Option<UnixTime>,
}

impl ReplayMemory {
    /// Entries that a memory holds by default. A proof takes one for its window and up to an eighth more.
    pub const DEFAULT_CAPACITY: usize = 1_000_000;

    /// The part of a memory that one key may use, as a divisor.
    const SHARE: usize = 10;

    /// A memory of so many entries, for proofs that are accepted for so many seconds after they were made. One key may
    /// use a tenth of it.
    pub fn new(capacity: usize, window_secs: u16) -> Self {
        let entries = Entries { window_secs: i64::from(window_secs), ..Entries::default() };
        let share = capacity.div_ceil(Self::SHARE);
        Self { entries: Mutex::new(entries), capacity, share, hasher: RandomState::new() }
    }

    /// The same memory, of which one key may use so many entries.
    #[must_use]
    pub fn with_share(self, share: usize) -> Self {
        Self { share, ..self }
    }

    /// Has the memory keep each proof for at least so many seconds after it was made. Whoever accepts proofs of that
    /// age calls it first; the longest window counts for all who share the memory.
    pub fn cover(&self, window_secs: u16) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.window_secs = entries.window_secs.max(i64::from(window_secs));
    }

    /// Remembers a proof, unless it is remembered already. One step: of two threads with one proof, one is told `New`.
    pub fn remember(&self, record: &ProofRecord, now: UnixTime) -> Remembered {
        // A panic elsewhere leaves the memory as exact as it was: a proof is in its set before anything else changes.
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let cells = KeyCounts::cells(&self.hasher, record.key);
        let answer = self.answer(&mut entries, record, cells, now);
        if answer != Remembered::New {
            return answer;
        }
        let slice = entries.slice_of(record.issued);
        slice.seen.insert(record.digest);
        slice.latest = slice.latest.max(Some(record.issued));
        slice.of_keys.add(cells);
        entries.len += 1;
        Remembered::New
    }

    /// What [`Self::remember`] would answer now. Nothing is remembered.
    pub fn look_up(&self, record: &ProofRecord, now: UnixTime) -> Remembered {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        self.answer(&mut entries, record, KeyCounts::cells(&self.hasher, record.key), now)
    }

    fn answer(
        &self,
        entries: &mut Entries,
        record: &ProofRecord,
        cells: [usize; KeyCounts::ROWS],
        now: UnixTime,
    ) -> Remembered {
        entries.forget_ended(now);
        if entries.slices.values().any(|slice| slice.seen.contains(&record.digest)) {
            return Remembered::Seen;
        }
        if entries.forgotten.is_some_and(|forgotten| record.issued <= forgotten) {
            return Remembered::Forgotten;
        }
        if entries.len >= self.capacity {
            return Remembered::Full;
        }
        let of_key: usize = entries.slices.values().map(|slice| slice.of_keys.at(cells)).sum();
        if of_key >= self.share { Remembered::KeyFull } else { Remembered::New }
    }

    /// The last second in which the proof may be accepted by one of those who share the memory.
    pub fn good_until(&self, record: &ProofRecord) -> UnixTime {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        UnixTime::from_secs(record.issued.secs().saturating_add(entries.window_secs))
    }

    /// How many proofs are remembered.
    pub fn len(&self) -> usize {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).len
    }

    /// How many proofs it can hold.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether no proof is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for ReplayMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplayMemory({} of {})", self.len(), self.capacity)
    }
}

impl Entries {
    /// Slices that a window is divided into. More cost a lookup more; fewer keep proofs longer than they are of use.
    const SLICES: i64 = 8;

    fn forget_ended(&mut self, now: UnixTime) {
        let window_secs = self.window_secs;
        let (mut dropped, mut forgotten) = (0, None);
        self.slices.retain(|(first, secs), slice| {
            let last = first.saturating_add(secs - 1);
            let is_live = last.saturating_add(window_secs) >= now.secs();
            if !is_live {
                dropped += slice.seen.len();
                forgotten = forgotten.max(slice.latest);
            }
            is_live
        });
        self.len -= dropped;
        self.forgotten = self.forgotten.max(forgotten);
    }

    fn slice_of(&mut self, issued: UnixTime) -> &mut Slice {
        let secs = (self.window_secs / Self::SLICES).max(1);
        let first = issued.secs().div_euclid(secs).saturating_mul(secs);
        self.slices.entry((first, secs)).or_default()
    }
}

/// How many proofs of a slice are of one key, without a list of keys: a count-min sketch. It may say too many, where keys
/// share all their cells, and never too few.
struct KeyCounts(Box<[[u32; Self::CELLS]; Self::ROWS]>);

impl KeyCounts {
    const ROWS: usize = 4;
    const CELLS: usize = 4096;

    /// The cell of each row. Which they are is a secret of the process: nobody can aim at another's.
    fn cells(hasher: &RandomState, key: Digest) -> [usize; Self::ROWS] {
        let hash = hasher.hash_one(key);
        std::array::from_fn(|row| (hash >> (row * 12)) as usize % Self::CELLS)
    }

    fn at(&self, cells: [usize; Self::ROWS]) -> usize {
        self.0
            .iter()
            .zip(cells)
            .map(|(row, cell)| row.get(cell).map_or(0, |count| *count as usize))
            .min()
            .unwrap_or(0)
    }

    fn add(&mut self, cells: [usize; Self::ROWS]) {
        for (row, cell) in self.0.iter_mut().zip(cells) {
            if let Some(count) = row.get_mut(cell) {
                *count = count.saturating_add(1);
            }
        }
    }
}

impl Default for KeyCounts {
    fn default() -> Self {
        Self(Box::new([[0; Self::CELLS]; Self::ROWS]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: i64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    fn record(jti: &str, issued: i64) -> ProofRecord {
        ProofRecord::new(&format!("key of {jti}"), jti, at(issued))
    }

    fn memory(capacity: usize) -> ReplayMemory {
        ReplayMemory::new(capacity, 40)
    }

    #[test]
    fn l16_a_proof_is_remembered_through_its_last_second() {
        let memory = memory(10);
        assert_eq!(memory.remember(&record("a", 100), at(100)), Remembered::New);
        assert_eq!(memory.remember(&record("a", 100), at(140)), Remembered::Seen);
        assert_eq!(memory.len(), 1);
        // Its slice, from 100 to 104, is dropped as a whole.
        assert_eq!(memory.remember(&record("b", 144), at(144)), Remembered::New);
        assert_eq!(memory.len(), 2);
        assert_eq!(memory.remember(&record("c", 145), at(145)), Remembered::New);
        assert_eq!(memory.len(), 2);
    }

    #[test]
    fn l17_a_proof_from_the_future_is_remembered_from_its_own_time() {
        let memory = memory(10);
        assert_eq!(memory.remember(&record("a", 103), at(100)), Remembered::New);
        assert_eq!(memory.remember(&record("a", 103), at(143)), Remembered::Seen);
    }

    #[test]
    fn l16_the_longest_window_counts_for_all() {
        let memory = memory(10);
        memory.cover(300);
        memory.cover(40);
        assert_eq!(memory.remember(&record("a", 100), at(100)), Remembered::New);
        assert_eq!(memory.remember(&record("a", 100), at(400)), Remembered::Seen);
        assert_eq!(memory.good_until(&record("a", 100)), at(400));
    }

    #[test]
    fn l16_a_window_that_grows_makes_no_forgotten_proof_new() {
        let memory = memory(10);
        assert_eq!(memory.remember(&record("a", 100), at(100)), Remembered::New);
        assert_eq!(memory.remember(&record("b", 150), at(150)), Remembered::New);
        memory.cover(300);
        assert_eq!(memory.remember(&record("a", 100), at(150)), Remembered::Forgotten);
    }

    #[test]
    fn l18_a_clock_that_goes_back_finds_no_forgotten_proof_new() {
        let memory = memory(10);
        assert_eq!(memory.remember(&record("a", 100), at(100)), Remembered::New);
        assert_eq!(memory.remember(&record("b", 150), at(150)), Remembered::New);
        assert_eq!(memory.remember(&record("a", 100), at(100)), Remembered::Forgotten);
    }

    #[test]
    fn l19_a_full_memory_evicts_nothing() {
        let memory = memory(2);
        assert_eq!(memory.remember(&record("a", 100), at(100)), Remembered::New);
        assert_eq!(memory.remember(&record("b", 101), at(101)), Remembered::New);
        assert_eq!(memory.look_up(&record("c", 102), at(102)), Remembered::Full);
        assert_eq!(memory.remember(&record("c", 102), at(102)), Remembered::Full);
        assert_eq!(memory.remember(&record("a", 100), at(102)), Remembered::Seen);
        assert_eq!(memory.look_up(&record("c", 145), at(145)), Remembered::New, "it remembers nothing");
        assert_eq!(memory.remember(&record("c", 145), at(145)), Remembered::New);
    }

    #[test]
    fn l20_a_key_that_floods_uses_up_its_own_share_only() {
        let memory = memory(1_000);
        let of_key =
            |key: &str, jti: usize| ProofRecord::new(key, &jti.to_string(), at(100 + jti as i64 % 40));
        let flood: Vec<Remembered> =
            (0..200).map(|jti| memory.remember(&of_key("a", jti), at(139))).collect();
        assert_eq!(flood.iter().filter(|answer| **answer == Remembered::New).count(), 100);
        assert_eq!(flood.last(), Some(&Remembered::KeyFull));
        assert_eq!(memory.remember(&of_key("a", 7), at(139)), Remembered::Seen, "it forgets nothing for it");
        for jti in 0..100 {
            assert_eq!(memory.remember(&of_key("b", jti), at(139)), Remembered::New);
        }
    }

    #[test]
    fn l19_many_slices_hold_what_they_were_told() {
        let memory = memory(100_000);
        for second in 0..200 {
            for n in 0..20 {
                let record = record(&format!("{second}-{n}"), second);
                assert_eq!(memory.remember(&record, at(second)), Remembered::New);
            }
            let oldest = record(&format!("{}-0", (second - 40).max(0)), (second - 40).max(0));
            assert_eq!(memory.remember(&oldest, at(second)), Remembered::Seen);
            assert!(memory.len() <= 20 * (40 + 5 + 1), "{}", memory.len());
        }
    }

    #[test]
    fn l12_no_two_pairs_share_a_digest() {
        let digest = |jkt: &str, jti: &str| ProofRecord::new(jkt, jti, at(0)).shared_name();
        assert_eq!(digest("A", "x").len(), 43);
        assert_ne!(digest("A", "x:y"), digest("A:x", "y"));
        assert_ne!(digest("A\n", "x"), digest("A", "\nx"));
        assert_ne!(digest("", "ab"), digest("ab", ""));
    }

    #[test]
    fn l02_of_a_hundred_copies_at_once_one_is_new() {
        let memory = memory(1_000);
        let new = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..100)
                .map(|_| scope.spawn(|| memory.remember(&record("same", 100), at(100)) == Remembered::New))
                .collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|new| *new).count()
        });
        assert_eq!(new, 1);
    }
}
