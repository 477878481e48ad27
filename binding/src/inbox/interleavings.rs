//! The inbox in every order in which its threads and its environment may use it.
//!
//! In: tickets that are answered, dropped or kept waiting on other threads, while the environment takes answers.
//! Out: what was taken after the last call.
//! Never: an environment.

use std::sync::atomic::{AtomicUsize, Ordering};

use loom::thread;

use super::*;

/// Ends these tickets on threads of their own, while the environment takes answers once. In the end the environment
/// comes once for each call that it has not followed yet.
fn no_answer_is_left(ends: &'static [fn(Ticket)]) {
    loom::model(move || {
        let rings = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&rings);
        let ring = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            true
        };
        let inbox = Inbox::new(|| 0, ring);
        let tickets: Vec<_> = (0..).zip(ends).map(|(number, end)| (inbox.ticket(number), end)).collect();
        let threads: Vec<_> =
            tickets.into_iter().map(|(ticket, end)| thread::spawn(move || end(ticket))).collect();
        thread::yield_now();
        let mut followed = rings.load(Ordering::SeqCst);
        let mut taken = if followed > 0 { inbox.take().len() } else { 0 };
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        while followed < rings.load(Ordering::SeqCst) {
            followed += 1;
            taken += inbox.take().len();
        }
        assert_eq!(taken, ends.len());
    });
}

fn answers(ticket: Ticket) {
    ticket.answer(Either::A(String::new()));
}

fn waits_long(ticket: Ticket) {
    ticket.waits_long().answer(Either::A(String::new()));
}

#[test]
fn two_threads_that_answer_while_the_environment_takes_leave_nothing_behind() {
    no_answer_is_left(&[answers, answers]);
}

#[test]
fn nor_if_one_takes_long_after_all_or_is_dropped() {
    no_answer_is_left(&[answers, waits_long]);
    no_answer_is_left(&[waits_long, drop]);
}
