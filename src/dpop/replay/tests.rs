//! Tests of the replay memory alone: windows, clocks, bounds and shares.
//!
//! In: records, the time.
//! Out: what the memory answers.
//! Never: a proof, a token.

use super::*;
use crate::time::Leeway;

const fn at(secs: i64) -> UnixTime {
    UnixTime::from_secs(secs)
}

fn record(jti: &str, issued: i64) -> ProofRecord {
    ProofRecord::new(&format!("key of {jti}"), jti, at(issued))
}

/// The window that reaches so many seconds back, and no second ahead.
fn back(secs: u16) -> ProofWindow {
    ProofWindow::new(secs, Leeway::NONE).unwrap()
}

fn memory(capacity: usize) -> ReplayMemory {
    ReplayMemory::new(capacity, back(40))
}

/// Who sends with this key, as this user, through this client.
fn sent_by(key: usize, user: u8, client: u8, jti: usize, issued: i64) -> ProofRecord {
    let presenter = Presenter { client: u64::from(client), subject: Some(u64::from(user)) };
    ProofRecord::new(&format!("{key:016}{:027}", 0), &jti.to_string(), at(issued)).presented_by(presenter)
}

#[test]
fn l16_a_proof_is_remembered_through_its_last_second() {
    let memory = memory(10);
    assert_eq!(memory.remember(&record("a", 100), at(100)), Ok(()));
    assert_eq!(memory.remember(&record("a", 100), at(140)), Err(NotNew::Seen));
    assert_eq!(memory.len(), 1);
    // Its slice, from 100 to 104, is dropped as a whole.
    assert_eq!(memory.remember(&record("b", 144), at(144)), Ok(()));
    assert_eq!(memory.len(), 2);
    assert_eq!(memory.remember(&record("c", 145), at(145)), Ok(()));
    assert_eq!(memory.len(), 2);
}

#[test]
fn l17_a_proof_from_the_future_is_remembered_from_its_own_time() {
    let memory = memory(10);
    assert_eq!(memory.remember(&record("a", 103), at(100)), Ok(()));
    assert_eq!(memory.remember(&record("a", 103), at(143)), Err(NotNew::Seen));
}

#[test]
fn l16_the_longest_window_counts_for_all() {
    let memory = memory(10);
    memory.cover(back(300));
    memory.cover(back(40));
    assert_eq!(memory.remember(&record("a", 100), at(100)), Ok(()));
    assert_eq!(memory.remember(&record("a", 100), at(400)), Err(NotNew::Seen));
}

#[test]
fn l16_a_window_that_grows_makes_no_forgotten_proof_new() {
    let memory = memory(10);
    assert_eq!(memory.remember(&record("a", 100), at(100)), Ok(()));
    assert_eq!(memory.remember(&record("b", 150), at(150)), Ok(()));
    memory.cover(back(300));
    assert_eq!(memory.remember(&record("a", 100), at(150)), Err(NotNew::Forgotten));
}

#[test]
fn l16_what_a_lost_memory_may_have_held_is_not_new() {
    let memory = ReplayMemory::new(10, ProofWindow::new(40, Leeway::from_secs(10).unwrap()).unwrap());
    memory.follow_lost(at(100));
    memory.follow_lost(at(90));
    for issued in [60, 100, 110] {
        assert_eq!(memory.remember(&record("a", issued), at(101)), Err(NotNew::Forgotten), "{issued}");
    }
    assert_eq!(memory.remember(&record("a", 111), at(101)), Ok(()), "it could not be accepted before");
    assert_eq!(memory.remember(&record("a", 111), at(102)), Err(NotNew::Seen));
}

#[test]
fn l18_a_clock_that_goes_back_finds_no_forgotten_proof_new() {
    let memory = memory(10);
    assert_eq!(memory.remember(&record("a", 100), at(100)), Ok(()));
    assert_eq!(memory.remember(&record("b", 150), at(150)), Ok(()));
    assert_eq!(memory.remember(&record("a", 100), at(100)), Err(NotNew::Forgotten));
}

#[test]
fn l19_a_full_memory_evicts_nothing() {
    let memory = memory(2);
    assert_eq!(memory.remember(&record("a", 100), at(100)), Ok(()));
    assert_eq!(memory.remember(&record("b", 101), at(101)), Ok(()));
    assert_eq!(memory.look_up(&record("c", 102), at(102)), Err(NotNew::Full));
    assert_eq!(memory.remember(&record("c", 102), at(102)), Err(NotNew::Full));
    assert_eq!(memory.remember(&record("a", 100), at(102)), Err(NotNew::Seen));
    assert_eq!(memory.look_up(&record("c", 145), at(145)), Ok(()), "it remembers nothing");
    assert_eq!(memory.remember(&record("c", 145), at(145)), Ok(()));
}

#[test]
fn l20_a_key_that_floods_uses_up_its_own_share_only() {
    let memory = memory(1_000);
    let of_key = |key: &str, jti: usize| ProofRecord::new(key, &jti.to_string(), at(100 + jti as i64 % 40));
    let flood: Vec<Remembered> = (0..200).map(|jti| memory.remember(&of_key("a", jti), at(139))).collect();
    assert_eq!(flood.iter().filter(|answer| **answer == Ok(())).count(), 100);
    assert_eq!(flood.last(), Some(&Err(NotNew::ShareFull(Holder::Key))));
    assert_eq!(memory.remember(&of_key("a", 7), at(139)), Err(NotNew::Seen), "it forgets nothing for it");
    for jti in 0..100 {
        assert_eq!(memory.remember(&of_key("b", jti), at(139)), Ok(()));
    }
}

#[test]
fn l19_many_slices_hold_what_they_were_told() {
    let memory = memory(100_000);
    for second in 0..200 {
        for n in 0..20 {
            let record = record(&format!("{second}-{n}"), second);
            assert_eq!(memory.remember(&record, at(second)), Ok(()));
        }
        let oldest = record(&format!("{}-0", (second - 40).max(0)), (second - 40).max(0));
        assert_eq!(memory.remember(&oldest, at(second)), Err(NotNew::Seen));
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
            .map(|_| scope.spawn(|| memory.remember(&record("same", 100), at(100)) == Ok(())))
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|new| *new).count()
    });
    assert_eq!(new, 1);
}

#[test]
fn l16_a_shared_memory_is_told_the_longest_time_whoever_tells_it() {
    assert_eq!(record("a", 100).last_second(), at(400));
    assert_eq!(record("a", -1_000).last_second(), at(-700));
    assert_eq!(record("a", i64::MAX).last_second(), at(i64::MAX));
}

#[test]
fn l20_ten_keys_of_one_user_leave_room_for_others_of_its_client_and_of_another() {
    let memory = memory(10_000);
    let flood = |user: u8, keys: usize| {
        let answers = (0..keys * 1_000).map(|jti| {
            memory.remember(&sent_by(usize::from(user) * 100 + jti % keys, user, 1, jti, 100), at(100))
        });
        answers.filter(|answer| *answer == Ok(())).count()
    };
    // A user alone may have two thirds.
    assert_eq!(flood(1, 10), 6_667);
    assert_eq!(
        memory.remember(&sent_by(199, 1, 1, 1, 100), at(100)),
        Err(NotNew::ShareFull(Holder::Subject)),
        "another key does not help"
    );
    // Another user of the same client has places; any number of its users, four fifths of all.
    assert_eq!(flood(2, 10), 1_111);
    let others = (3..60).map(|user| flood(user, 1)).sum::<usize>();
    assert!((8_000 - 10..=8_000).contains(&(7_778 + others)), "{others}");
    assert_eq!(
        memory.remember(&sent_by(9_000, 99, 1, 1, 100), at(100)),
        Err(NotNew::ShareFull(Holder::Client))
    );
    // Another client has places, and so has one that no token names.
    assert_eq!(memory.remember(&sent_by(9_001, 99, 2, 1, 100), at(100)), Ok(()));
    assert_eq!(memory.remember(&record("unnamed", 100), at(100)), Ok(()));
    // What was accepted is remembered all the same, and its places come back.
    assert_eq!(memory.remember(&sent_by(100, 1, 1, 0, 100), at(100)), Err(NotNew::Seen));
    assert_eq!(memory.remember(&sent_by(100, 1, 1, 7, 145), at(145)), Ok(()));
    assert_eq!(memory.len(), 1);
}

#[test]
fn l20_a_share_comes_back_with_the_proofs_that_it_counted() {
    let senders: [fn(usize, i64) -> ProofRecord; 3] = [
        |jti, issued| ProofRecord::new("one key", &jti.to_string(), at(issued)),
        |jti, issued| sent_by(jti, 1, 1, jti, issued),
        |jti, issued| sent_by(jti, (jti % 200) as u8, 1, jti, issued),
    ];
    for sender in senders {
        let memory = memory(1_000);
        let accepted = |issued: i64| {
            (0..1_000).filter(|jti| memory.remember(&sender(*jti, issued), at(issued)) == Ok(())).count()
        };
        let first = accepted(100);
        assert!((100..900).contains(&first), "{first}");
        assert_eq!([accepted(200), accepted(300)], [first, first]);
    }
}

#[test]
fn l20_ten_clients_that_flood_leave_a_fortieth_for_an_eleventh() {
    let memory = memory(10_000);
    for round in 0..2_000 {
        for client in 0..10 {
            let sender = usize::from(client) * 10_000 + round;
            let _ = memory.remember(&sent_by(sender, client, client, round, 100), at(100));
        }
    }
    assert!(memory.len() < 10_000 - 10_000 / 50, "{}", memory.len());
    for jti in 0..100 {
        let sender = sent_by(1_000_000 + jti, 200 + (jti % 50) as u8, 200, jti, 100);
        let answer = memory.remember(&sender, at(100));
        assert_eq!(answer, Ok(()), "{jti}");
    }
}

#[test]
fn l20_ten_users_that_flood_leave_places_for_the_other_users_of_their_client() {
    let memory = memory(10_000);
    for round in 0..2_000 {
        for user in 0..10 {
            let sender = usize::from(user) * 10_000 + round;
            let _ = memory.remember(&sent_by(sender, user, 1, round, 100), at(100));
        }
    }
    assert!(memory.len() > 7_500, "{}", memory.len());
    // Of the fiftieth that is left to their client, a fifth: with each place that is taken, four are less.
    for user in 100..130 {
        let sender = sent_by(1_000_000 + usize::from(user), user, 1, 0, 100);
        assert_eq!(memory.remember(&sender, at(100)), Ok(()), "{user}");
    }
    assert_eq!(
        memory.remember(&sent_by(7, 7, 1, 9_999, 100), at(100)),
        Err(NotNew::ShareFull(Holder::Subject)),
        "the ones who flood have no more"
    );
}

#[test]
fn the_size_is_the_largest_that_anybody_asked_for() {
    let memory = ReplayMemory::new(0, back(40));
    assert_eq!(memory.remember(&record("a", 100), at(100)), Err(NotNew::Full));
    for (asked, expected) in [(1_000, 1_000), (2_000, 2_000), (1_500, 2_000)] {
        memory.hold(asked);
        assert_eq!(memory.capacity(), expected);
    }
}

#[test]
fn a_lookup_asks_few_slices_however_far_ahead_proofs_may_lie() {
    for (back_secs, ahead) in [(1, 300), (40, 10), (300, 300), (8, 300), (0, 0)] {
        let window = ProofWindow::new(back_secs, Leeway::from_secs(ahead).unwrap()).unwrap();
        let memory = ReplayMemory::new(10_000, window).without_shares();
        for now in 0..700i64 {
            for issued in [now - i64::from(back_secs), now, now + i64::from(ahead)] {
                let _ = memory.remember(&record(&format!("{now} {issued}"), issued), at(now));
            }
        }
        let slices = memory.lock().slices.len();
        assert!(slices <= 11, "{slices} slices for {back_secs} and {ahead}");
    }
}

#[test]
fn times_before_1970_and_at_the_ends_of_time_are_remembered_too() {
    for issued in [i64::MIN, i64::MIN + 400, -1, 0, i64::MAX - 400, i64::MAX] {
        let memory = memory(10);
        let now = at(issued);
        assert_eq!(memory.remember(&record("a", issued), now), Ok(()), "{issued}");
        assert_eq!(memory.remember(&record("a", issued), now), Err(NotNew::Seen), "{issued}");
        let later = at(issued.saturating_add(40));
        assert_eq!(memory.remember(&record("a", issued), later), Err(NotNew::Seen), "{issued}");
        let _ = memory.remember(&record("b", issued), at(i64::MAX));
        let _ = memory.remember(&record("b", issued), at(i64::MIN));
        assert_ne!(memory.remember(&record("a", issued), now), Ok(()), "{issued}");
    }
}

/// Every sequence of three steps, each a second of the clock and a proof within the window. The window may grow before the
/// last step. Nothing is accepted twice, however the clock goes; while it does not go back and the
/// window does not grow, each new proof is accepted.
#[test]
fn l16_l18_no_sequence_of_clocks_proofs_and_windows_accepts_a_proof_twice_or_refuses_a_new_one() {
    let steps: Vec<(i64, i64)> =
        (0..5).flat_map(|now| (now - 2..=now + 1).map(move |issued| (now, issued))).collect();
    // A unit of 12 s makes slices of more than one second.
    for (unit, grows) in [(1, false), (12, false), (12, true)] {
        let names: Vec<ProofRecord> =
            (-2..6).map(|issued| record(&issued.to_string(), issued * unit)).collect();
        let window = |back: i64| {
            let ahead = Leeway::from_secs(unit as u16).unwrap();
            ProofWindow::new((back * unit) as u16, ahead).unwrap()
        };
        let count = steps.len();
        for sequence in 0..count.pow(3) {
            let memory = ReplayMemory::new(10, window(if grows { 1 } else { 2 })).without_shares();
            let (mut accepted, mut latest) = (Vec::new(), i64::MIN);
            for step in 0..3_u32 {
                if grows && step == 2 {
                    memory.cover(window(2));
                }
                let (now, issued) = steps[sequence / count.pow(step) % count];
                let answer = memory.remember(&names[(issued + 2) as usize], at(now * unit));
                let is_new = !accepted.contains(&issued);
                let went_back = now < latest;
                match answer {
                    Ok(()) => {
                        assert!(is_new, "accepted twice: {issued} at {now}, sequence {sequence}");
                        accepted.push(issued);
                    }
                    Err(NotNew::Forgotten) => {
                        let may_be_forgotten = !is_new || went_back || grows;
                        assert!(may_be_forgotten, "refused: {issued} at {now}, sequence {sequence}");
                    }
                    Err(NotNew::Seen) => {
                        assert!(!is_new, "never seen: {issued} at {now}, sequence {sequence}")
                    }
                    Err(other) => panic!("{other:?}"),
                }
                latest = latest.max(now);
            }
        }
    }
}
