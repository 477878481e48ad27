//! The memory of DPoP proofs that were accepted (RFC 9449 section 11.1). Exact: it forgets nothing that is still of use.
//!
//! In: what to remember, the time.
//! Out: whether it is new.
//! May use: jose's digest, rejection, time.
//! Never: an eviction of a live entry, a token, a proof.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::jose::verification_key::sha256;
use crate::time::UnixTime;

/// What is remembered of a proof: a digest, and when it was made (the first whole second that is not before).
#[derive(Clone, PartialEq, Eq)]
pub struct ProofRecord {
    digest: [u8; 32],
    issued: UnixTime,
}

impl ProofRecord {
    /// The record of the proof `jti` of the key `jkt`. Lengths are part of the digest, so that no two pairs share one.
    pub(crate) fn new(jkt: &str, jti: &str, issued: UnixTime) -> Self {
        let mut text = Vec::with_capacity(jkt.len() + jti.len() + 8);
        for part in [jkt, jti] {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part.as_bytes());
        }
        Self { digest: sha256(&text), issued }
    }
}

impl fmt::Debug for ProofRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProofRecord(issued {})", self.issued.secs())
    }
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
}

/// The replay memory of one process.
pub struct ReplayMemory {
    entries: Mutex<Entries>,
    capacity: usize,
}

#[derive(Default)]
struct Entries {
    seen: HashSet<[u8; 32]>,
    /// The digests by the second at which their proofs were made.
    by_issue: BTreeMap<UnixTime, Vec<[u8; 32]>>,
    /// Proofs that were made at or before this second may be gone.
    forgotten: Option<UnixTime>,
    /// How long a proof may be accepted, in seconds: the longest window of all who share the memory.
    window_secs: i64,
}

impl ReplayMemory {
    /// Entries that a memory holds by default.
    pub const DEFAULT_CAPACITY: usize = 1_000_000;

    /// A memory of so many entries, for proofs that are accepted for so many seconds after they were made.
    pub fn new(capacity: usize, window_secs: u16) -> Self {
        let entries = Entries { window_secs: i64::from(window_secs), ..Entries::default() };
        Self { entries: Mutex::new(entries), capacity }
    }

    /// Has the memory keep each proof for at least so many seconds after it was made. Whoever accepts proofs of that
    /// age calls it first; the longest window counts for all who share the memory.
    pub fn cover(&self, window_secs: u16) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.window_secs = entries.window_secs.max(i64::from(window_secs));
    }

    /// Remembers a proof, unless it is remembered already. One step: of two threads with one proof, one is told `New`.
    pub fn remember(&self, record: &ProofRecord, now: UnixTime) -> Remembered {
        // A panic elsewhere leaves the memory as exact as it was: every change below is complete before the next.
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.forget_ended(now);
        if entries.seen.contains(&record.digest) {
            return Remembered::Seen;
        }
        if entries.forgotten.is_some_and(|forgotten| record.issued <= forgotten) {
            return Remembered::Forgotten;
        }
        if entries.seen.len() >= self.capacity {
            return Remembered::Full;
        }
        entries.seen.insert(record.digest);
        entries.by_issue.entry(record.issued).or_default().push(record.digest);
        Remembered::New
    }

    /// How many proofs are remembered.
    pub fn len(&self) -> usize {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).seen.len()
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
    fn forget_ended(&mut self, now: UnixTime) {
        while let Some(first) = self.by_issue.first_entry()
            && first.key().secs().saturating_add(self.window_secs) < now.secs()
        {
            self.forgotten = self.forgotten.max(Some(*first.key()));
            for digest in first.remove() {
                self.seen.remove(&digest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: i64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    fn record(jti: &str, issued: i64) -> ProofRecord {
        ProofRecord::new("key", jti, at(issued))
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
        assert_eq!(memory.remember(&record("b", 141), at(141)), Remembered::New);
        assert_eq!(memory.len(), 1);
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
        assert_eq!(memory.remember(&record("c", 102), at(102)), Remembered::Full);
        assert_eq!(memory.remember(&record("a", 100), at(102)), Remembered::Seen);
        assert_eq!(memory.remember(&record("c", 102), at(141)), Remembered::New);
    }

    #[test]
    fn l12_no_two_pairs_share_a_digest() {
        let digest = |jkt: &str, jti: &str| ProofRecord::new(jkt, jti, at(0)).digest;
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
