//! Tests of the inbox alone: no order of events leaves an answer behind.
//!
//! In: tickets, answers, events in every order.
//! Out: how often the environment was called, and what it took.
//! Never: an environment.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// An inbox, and how often it was rung.
fn inbox() -> (Arc<Inbox>, Arc<AtomicUsize>) {
    inbox_beside(|| 0)
}

/// The same, where the threads have so many jobs to do.
fn inbox_beside(queued: fn() -> usize) -> (Arc<Inbox>, Arc<AtomicUsize>) {
    let rings = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&rings);
    let inbox = Inbox::new(queued, move || {
        counted.fetch_add(1, Ordering::SeqCst);
        true
    });
    (inbox, rings)
}

fn take(inbox: &Inbox) -> Vec<(u32, String)> {
    let texts = inbox.take().into_iter().map(|(number, answer)| match answer {
        Either::A(text) => (number, text),
        Either::B(_) => (number, "a question".to_owned()),
    });
    texts.collect()
}

#[test]
fn q09_a_ticket_that_is_dropped_answers_that_it_failed() {
    let (inbox, rings) = inbox();
    let ticket = inbox.ticket(7);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _ticket = ticket;
        std::panic::resume_unwind(Box::new("a panic while it is judged"));
    }));
    assert!(panicked.is_err());
    let [(number, Either::A(text))] = &inbox.take()[..] else { panic!("one answer") };
    assert_eq!((*number, rings.load(Ordering::SeqCst)), (7, 1));
    assert!(text.starts_with("[-2,null,") && text.contains("unexpectedly"), "{text}");
}

#[test]
fn q09_a_wait_that_panics_answers_that_it_failed_and_the_next_one_is_answered() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let sender = Mutex::new(sender);
    let inbox = Inbox::new(|| 0, move || sender.lock().unwrap().send(()).is_ok());
    for panics in [true, false] {
        let ticket = Ticket::of_long_wait(&inbox, 7);
        let begun = oidc_spa_native_host::spawn(async move {
            if panics {
                std::panic::resume_unwind(Box::new("a panic while it waits"));
            }
            ticket.answer(Either::A(failure_text("the answer")));
        });
        begun.unwrap();
        receiver.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
        let [(7, text)] = &take(&inbox)[..] else { panic!("one answer") };
        assert!(text.contains(if panics { "unexpectedly" } else { "the answer" }), "{text}");
    }
}

#[test]
fn an_answered_ticket_answers_once() {
    let (inbox, _) = inbox();
    inbox.ticket(u32::MAX).answer(Either::A(failure_text("the answer")));
    assert_eq!(take(&inbox), [(u32::MAX, failure_text("the answer"))]);
    assert_eq!(take(&inbox), []);
}

#[test]
fn the_bell_rings_once_until_somebody_comes() {
    let (inbox, rings) = inbox();
    for round in 1..=3 {
        for number in 0..100 {
            inbox.ticket(number).answer(Either::A(failure_text("")));
        }
        assert_eq!(rings.load(Ordering::SeqCst), round);
        assert_eq!(take(&inbox).len(), 100);
    }
}

#[test]
fn answers_wait_for_others_while_many_are_under_way() {
    let (inbox, rings) = inbox();
    let rung = || rings.load(Ordering::SeqCst);
    let mut tickets: Vec<_> = (0..64).map(|number| inbox.ticket(number)).collect();
    let mut answer = |count: usize| {
        tickets.drain(..count).for_each(|ticket| ticket.answer(Either::A(failure_text(""))));
    };
    answer(15);
    assert_eq!(rung(), 0);
    answer(1);
    assert_eq!((rung(), take(&inbox).len()), (1, 16), "a quarter of 64 has come");
    answer(12);
    assert_eq!((rung(), take(&inbox).len()), (2, 12), "a quarter of the 48 that were left");
    answer(36);
    assert_eq!((rung(), take(&inbox).len()), (3, 36), "nobody came meanwhile: one call brings all");
    // However many are under way, this many do not wait.
    let crowd: Vec<_> = (0..1_000).map(|number| inbox.ticket(number)).collect();
    let mut crowd = crowd.into_iter();
    crowd.by_ref().take(MAX_HELD - 1).for_each(|ticket| ticket.answer(Either::A(failure_text(""))));
    assert_eq!(rung(), 3);
    crowd.by_ref().take(1).for_each(|ticket| ticket.answer(Either::A(failure_text(""))));
    assert_eq!((rung(), take(&inbox).len()), (4, MAX_HELD));
}

#[test]
fn q09_no_answer_waits_behind_the_jobs_of_other_environments() {
    let rings_of_first = |queued: fn() -> usize| {
        let (inbox, rings) = inbox_beside(queued);
        let mut tickets: Vec<_> = (0..11).map(|number| inbox.ticket(number)).collect();
        tickets.remove(0).answer(Either::A(failure_text("")));
        rings.load(Ordering::SeqCst)
    };
    assert_eq!([rings_of_first(|| 10 * SHARE_QUEUED), rings_of_first(|| 10 * SHARE_QUEUED + 1)], [0, 1]);
}

#[test]
fn q09_no_answer_waits_for_one_that_is_long_in_coming_or_never_comes() {
    let leave: [fn(Ticket) -> Option<Ticket>; 2] = [
        |ticket| Some(ticket.waits_long()),
        |ticket| {
            ticket.answer(Either::A(failure_text("")));
            None
        },
    ];
    for leave in leave {
        let (inbox, rings) = inbox();
        let mut tickets: Vec<_> = (0..8).map(|number| inbox.ticket(number)).collect();
        tickets.remove(0).answer(Either::A(failure_text("")));
        assert_eq!(rings.load(Ordering::SeqCst), 0);
        let waiting: Vec<_> = tickets.into_iter().filter_map(leave).collect();
        assert_eq!(rings.load(Ordering::SeqCst), 1);
        let taken = take(&inbox).len();
        drop(waiting);
        assert_eq!(taken + take(&inbox).len(), 8, "each ticket is answered once");
    }
}

#[test]
fn a_ticket_of_a_long_wait_holds_nobody_up_and_is_answered_once() {
    let (inbox, rings) = inbox();
    let waiting = Ticket::of_long_wait(&inbox, 1);
    inbox.ticket(2).answer(Either::A(failure_text("")));
    assert_eq!((rings.load(Ordering::SeqCst), take(&inbox).len()), (1, 1));
    waiting.answer(Either::A(failure_text("late")));
    assert_eq!((rings.load(Ordering::SeqCst), take(&inbox)), (2, vec![(1, failure_text("late"))]));
    drop(Ticket::of_long_wait(&inbox, 3).waits_long());
    assert_eq!((rings.load(Ordering::SeqCst), take(&inbox).len()), (3, 1));
}

#[test]
fn answers_for_an_environment_that_is_gone_are_dropped() {
    for is_there in [true, false] {
        let inbox = Inbox::new(|| 0, move || is_there);
        let held = || inbox.queue().answers.len();
        let waiting = Ticket::of_long_wait(&inbox, 0);
        for number in 1..=3 {
            inbox.ticket(number).answer(Either::A(failure_text("")));
        }
        waiting.answer(Either::A(failure_text("")));
        assert_eq!(held(), if is_there { 4 } else { 0 });
        assert_eq!(take(&inbox).len(), if is_there { 4 } else { 0 });
        inbox.ticket(4).answer(Either::A(failure_text("")));
        assert_eq!(held(), usize::from(is_there), "and those that come later");
    }
}

/// Every order of a few steps: no answer lies in the queue with nobody called and nobody to come.
#[test]
fn in_no_order_of_events_is_an_answer_left_behind() {
    const STEPS: usize = 8;
    let queued: [fn() -> usize; 2] = [|| 0, || 1_000];
    for (queued, order) in
        queued.into_iter().flat_map(|queued| (0..5_usize.pow(STEPS as u32)).map(move |n| (queued, n)))
    {
        let (inbox, _) = inbox_beside(queued);
        let (mut under_way, mut waiting) = (Vec::new(), Vec::new());
        let (mut given, mut taken, mut rest) = (0, 0, order);
        for number in 0..STEPS as u32 {
            match rest % 5 {
                0 => {
                    under_way.push(inbox.ticket(number));
                    given += 1;
                }
                1 => {
                    under_way.pop().into_iter().for_each(|ticket| ticket.answer(Either::A(failure_text(""))))
                }
                2 => waiting.extend(under_way.pop().map(Ticket::waits_long)),
                3 => drop(waiting.pop()),
                _ => taken += inbox.take().len(),
            }
            rest /= 5;
            let queue = inbox.queue();
            let is_safe =
                queue.answers.is_empty() || queue.listener == Listener::Called || queue.under_way > 0;
            assert!(is_safe, "order {order}, step {number}");
            assert_eq!(queue.under_way, under_way.len(), "order {order}, step {number}");
        }
        drop((under_way, waiting));
        let called = inbox.queue().listener == Listener::Called;
        let left = inbox.take().len();
        assert!(called || left == 0, "order {order}");
        assert_eq!(taken + left, given, "order {order}");
    }
}

#[test]
fn q15_no_answer_is_left_behind_by_whoever_takes_while_it_comes() {
    const ROUNDS: u32 = 4_000;
    let (sender, receiver) = std::sync::mpsc::channel();
    let sender = Mutex::new(sender);
    let inbox = Inbox::new(|| 0, move || sender.lock().unwrap().send(()).is_ok());
    let begin = Arc::new(std::sync::Barrier::new(3));
    let bringing: Vec<_> = (0..2)
        .map(|thread| {
            let (inbox, begin) = (Arc::clone(&inbox), Arc::clone(&begin));
            std::thread::spawn(move || {
                for round in 0..ROUNDS {
                    begin.wait();
                    // The second comes a little later each time, so that it meets the taking of the first.
                    for _ in 0..thread * (round % 400) {
                        std::hint::spin_loop();
                    }
                    inbox.ticket(thread).answer(Either::A(failure_text("")));
                }
            })
        })
        .collect();
    for round in 0..ROUNDS {
        begin.wait();
        let mut taken = 0;
        while taken < 2 {
            let rung = receiver.recv_timeout(std::time::Duration::from_secs(10));
            assert!(rung.is_ok(), "{taken} of 2 answers came in round {round}");
            taken += take(&inbox).len();
        }
    }
    bringing.into_iter().for_each(|thread| thread.join().unwrap());
}
