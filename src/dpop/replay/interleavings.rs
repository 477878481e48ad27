//! The replay memory in every order in which two or three threads may use it.
//!
//! In: the same proof at once, a proof beside a wider window, the last free place.
//! Out: what each thread is told.
//! Never: a clock, a thread of the system.

use std::sync::Arc;

use loom::thread;

use crate::time::Leeway;

use super::*;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn proof(jti: &str) -> ProofRecord {
    ProofRecord::new("key", jti, NOW)
}

/// Digests and randomness need more than a thread of loom has.
const STACK: usize = 0x4_0000;

fn spawned<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> thread::JoinHandle<T> {
    thread::Builder::new().stack_size(STACK).spawn(run).unwrap()
}

/// Every order. The first thread of loom has no stack of our choice, so the test is a second one.
fn model(test: fn()) {
    loom::model(move || spawned(test).join().unwrap());
}

fn memory(capacity: usize) -> Arc<ReplayMemory> {
    Arc::new(ReplayMemory::new(capacity, ProofWindow::NARROWEST).without_shares())
}

/// Remembers each proof on a thread of its own, and this one here.
fn at_once(memory: &Arc<ReplayMemory>, own: &str, others: &[&'static str]) -> Vec<Remembered> {
    let theirs = others.iter().map(|&jti| {
        let memory = Arc::clone(memory);
        spawned(move || memory.remember(&proof(jti), NOW))
    });
    let theirs: Vec<_> = theirs.collect();
    let own = memory.remember(&proof(own), NOW);
    theirs.into_iter().map(|other| other.join().unwrap()).chain([own]).collect()
}

#[test]
fn of_threads_with_the_same_proof_one_is_told_that_it_is_new() {
    model(|| {
        let memory = memory(8);
        let told = at_once(&memory, "one", &["one", "one"]);
        assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1, "{told:?}");
        assert!(told.iter().all(|told| matches!(told, Ok(()) | Err(NotNew::Seen))), "{told:?}");
        assert_eq!(memory.len(), 1);
    });
}

#[test]
fn the_last_place_is_given_once() {
    model(|| {
        let memory = memory(1);
        let told = at_once(&memory, "one", &["two"]);
        assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1, "{told:?}");
        assert!(told.contains(&Err(NotNew::Full)), "{told:?}");
        assert_eq!(memory.len(), 1);
    });
}

/// A validator with a wider window is made, a time passes that ends the narrow one, and both meet a remembered proof.
#[test]
fn a_proof_counts_as_new_once_while_the_window_grows() {
    model(|| {
        let memory = memory(8);
        assert_eq!(memory.remember(&proof("one"), NOW), Ok(()));
        let wider = {
            let memory = Arc::clone(&memory);
            spawned(move || {
                memory.cover(ProofWindow::new(ProofWindow::LONGEST_SECS, Leeway::NONE).unwrap());
                memory.hold(16);
                memory.remember(&proof("one"), NOW)
            })
        };
        let much_later = UnixTime::from_secs(NOW.secs() + 100_000);
        let now = memory.remember(&ProofRecord::new("key", "two", much_later), much_later);
        assert_eq!(now, Ok(()));
        assert_ne!(wider.join().unwrap(), Ok(()));
        assert_ne!(memory.remember(&proof("one"), NOW), Ok(()));
    });
}
