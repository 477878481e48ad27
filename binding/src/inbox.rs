//! Where verdicts of other threads wait for the JavaScript environment that asked.
//!
//! In: requests with a ticket. Out: verdicts under their tickets, many at a time. May use: host, napi. Never: an `if`
//! about OAuth, a ticket without an answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::bindgen_prelude::{Either, Function, Result};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use oidc_spa_native::time::UnixTime;
use oidc_spa_native_host::{Validator, queued_jobs, spawn, submit};

use crate::parts::Parts;
use crate::pending::{Answer, WaitsFor, judge};
use crate::told::fail;

type Bell = ThreadsafeFunction<(), (), (), napi::Status, false, true, 0>;

/// The answers of one environment.
pub(crate) struct Inbox {
    /// Tells the environment that there is something to take.
    ring: Box<dyn Fn() + Send + Sync>,
    /// The bell was rung and nobody has come yet: one call brings all that has come by then.
    is_rung: AtomicBool,
    /// How many jobs the threads have not begun, of every environment.
    queued: fn() -> usize,
    tray: Mutex<Tray>,
}

#[derive(Default)]
struct Tray {
    answers: Vec<(u32, Answer)>,
    /// Tickets that are with the threads, whose answers come soon.
    under_way: usize,
}

/// Answers wait for others while so many times as many are under way: each call of the environment costs as much as
/// several answers. At most a quarter of what is under way waits, so the threads have something to do meanwhile.
const SHARE_UNDER_WAY: usize = 3;
/// Answers that wait, at most.
const MAX_HELD: usize = 32;
/// Where the threads have so many times more to do for others, ours may be long in coming: nobody waits for them.
const SHARE_QUEUED: usize = 8;

impl Inbox {
    fn tray(&self) -> MutexGuard<'_, Tray> {
        self.tray.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn await_one_more(&self) {
        self.tray().under_way += 1;
    }

    /// One that is not under way any more, with its answer, or without if that will take a while.
    fn arrive(&self, answer: Option<(u32, Answer)>) {
        let mut tray = self.tray();
        tray.under_way = tray.under_way.saturating_sub(1);
        tray.answers.extend(answer);
        let (held, under_way) = (tray.answers.len(), tray.under_way);
        drop(tray);
        let more_come_soon =
            under_way > SHARE_UNDER_WAY * held && (self.queued)() <= SHARE_QUEUED * under_way;
        if held == 0 || (more_come_soon && held < MAX_HELD) {
            return;
        }
        self.call();
    }

    /// An answer that was long in coming.
    fn put(&self, ticket: u32, answer: Answer) {
        self.tray().answers.push((ticket, answer));
        self.call();
    }

    fn call(&self) {
        if !self.is_rung.swap(true, Ordering::AcqRel) {
            (self.ring)();
        }
    }

    pub(crate) fn ticket(self: &Arc<Self>, number: u32) -> Ticket {
        Ticket::new(self, number)
    }

    fn take(&self) -> Vec<(u32, Answer)> {
        // Before they are taken: what comes in between rings once more.
        self.is_rung.store(false, Ordering::Release);
        std::mem::take(&mut self.tray().answers)
    }

    fn new(queued: fn() -> usize, ring: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            ring: Box::new(ring),
            is_rung: AtomicBool::new(false),
            queued,
            tray: Mutex::default(),
        })
    }
}

/// One environment's inbox. It keeps no process alive: whoever waits for a verdict does.
#[napi]
pub struct NativeInbox {
    inbox: Arc<Inbox>,
}

#[napi]
impl NativeInbox {
    /// `bell` is called when there is something to take.
    #[napi(constructor, catch_unwind)]
    pub fn new(bell: Function<'_, (), ()>) -> Result<Self> {
        let bell: Bell = bell.build_threadsafe_function::<()>().weak::<true>().build()?;
        let inbox = Inbox::new(queued_jobs, move || {
            // An environment that is gone hears nothing; then nobody waits either.
            bell.call((), ThreadsafeFunctionCallMode::NonBlocking);
        });
        Ok(Self { inbox })
    }

    /// Takes all answers that have come: their tickets, and at the same places the answers.
    #[napi(catch_unwind)]
    pub fn take(&self) -> (Vec<u32>, Vec<Answer>) {
        self.inbox.take().into_iter().unzip()
    }

    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }
}

/// The promise of one answer. Dropped without one, by a panic, it answers that it failed.
pub(crate) struct Ticket {
    inbox: Arc<Inbox>,
    number: u32,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// With the threads.
    UnderWay,
    /// Its keys, or a shared memory, must be waited for.
    Waiting,
    Answered,
}

impl Ticket {
    fn new(inbox: &Arc<Inbox>, number: u32) -> Self {
        inbox.await_one_more();
        Self { inbox: Arc::clone(inbox), number, state: State::UnderWay }
    }

    /// Has a request judged on another thread.
    pub(crate) fn judge(self, validator: Arc<Validator>, parts: Parts, now: UnixTime) {
        let job = submit(Box::new(move || match judge(&validator, parts, now) {
            Either::A(answer) => self.answer(answer),
            Either::B(waits_for) => self.wait(waits_for, validator),
        }));
        // Without other threads, this one does it.
        if let Err(job) = job {
            job();
        }
    }

    fn wait(mut self, waits_for: WaitsFor, validator: Arc<Validator>) {
        self.leave();
        // Where there is no runtime, the future is dropped, and the ticket with it; so is it where the wait fails.
        let _no_runtime = spawn(async move {
            if let Ok(answer) = waits_for.answer(validator).await {
                self.answer(answer);
            }
        });
    }

    /// Nobody is to wait for this one.
    fn leave(&mut self) {
        self.state = State::Waiting;
        self.inbox.arrive(None);
    }

    fn answer(mut self, answer: Answer) {
        self.give(answer);
    }

    fn give(&mut self, answer: Answer) {
        match std::mem::replace(&mut self.state, State::Answered) {
            State::UnderWay => self.inbox.arrive(Some((self.number, answer))),
            State::Waiting => self.inbox.put(self.number, answer),
            State::Answered => {}
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.state != State::Answered {
            let failed = fail("internal error: a validation ended unexpectedly");
            self.give(Either::A(failed));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

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
        });
        (inbox, rings)
    }

    fn take(inbox: &Inbox) -> Vec<(u32, String)> {
        let texts = inbox.take().into_iter().map(|(number, answer)| match answer {
            Either::A(told) => (number, told),
            Either::B(_) => (number, "a question".to_owned()),
        });
        texts.collect()
    }

    #[test]
    fn q09_a_ticket_that_is_dropped_answers_that_it_failed() {
        let (inbox, rings) = inbox();
        let ticket = Ticket::new(&inbox, 7);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _ticket = ticket;
            std::panic::resume_unwind(Box::new("a panic while it is judged"));
        }));
        assert!(panicked.is_err());
        let [(number, Either::A(told))] = &inbox.take()[..] else { panic!("one answer") };
        assert_eq!((*number, rings.load(Ordering::SeqCst)), (7, 1));
        assert!(told.starts_with("[-2,null,") && told.contains("unexpectedly"), "{told}");
    }

    #[test]
    fn an_answered_ticket_answers_once() {
        let (inbox, _) = inbox();
        Ticket::new(&inbox, u32::MAX).answer(Either::A(fail("the answer")));
        assert_eq!(take(&inbox), [(u32::MAX, fail("the answer"))]);
        assert_eq!(take(&inbox), []);
    }

    #[test]
    fn the_bell_rings_once_until_somebody_comes() {
        let (inbox, rings) = inbox();
        for round in 1..=3 {
            for number in 0..100 {
                Ticket::new(&inbox, number).answer(Either::A(fail("")));
            }
            assert_eq!(rings.load(Ordering::SeqCst), round);
            assert_eq!(take(&inbox).len(), 100);
        }
    }

    #[test]
    fn answers_wait_for_others_while_many_are_under_way() {
        let (inbox, rings) = inbox();
        let rung = || rings.load(Ordering::SeqCst);
        let mut tickets: Vec<_> = (0..64).map(|number| Ticket::new(&inbox, number)).collect();
        let mut answer = |count: usize| {
            tickets.drain(..count).for_each(|ticket| ticket.answer(Either::A(fail(""))));
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
        let crowd: Vec<_> = (0..1_000).map(|number| Ticket::new(&inbox, number)).collect();
        let mut crowd = crowd.into_iter();
        crowd.by_ref().take(MAX_HELD - 1).for_each(|ticket| ticket.answer(Either::A(fail(""))));
        assert_eq!(rung(), 3);
        crowd.by_ref().take(1).for_each(|ticket| ticket.answer(Either::A(fail(""))));
        assert_eq!((rung(), take(&inbox).len()), (4, MAX_HELD));
    }

    #[test]
    fn q09_no_answer_waits_behind_the_jobs_of_other_environments() {
        let rings_of_first = |queued: fn() -> usize| {
            let (inbox, rings) = inbox_beside(queued);
            let mut tickets: Vec<_> = (0..11).map(|number| Ticket::new(&inbox, number)).collect();
            tickets.remove(0).answer(Either::A(fail("")));
            rings.load(Ordering::SeqCst)
        };
        assert_eq!([rings_of_first(|| 10 * SHARE_QUEUED), rings_of_first(|| 10 * SHARE_QUEUED + 1)], [0, 1]);
    }

    #[test]
    fn q09_no_answer_waits_for_one_that_is_long_in_coming_or_never_comes() {
        for leave in
            [|ticket: &mut Ticket| ticket.leave(), |ticket: &mut Ticket| ticket.give(Either::A(fail("")))]
        {
            let (inbox, rings) = inbox();
            let mut tickets: Vec<_> = (0..8).map(|number| Ticket::new(&inbox, number)).collect();
            tickets.remove(0).answer(Either::A(fail("")));
            assert_eq!(rings.load(Ordering::SeqCst), 0);
            tickets.iter_mut().for_each(leave);
            assert_eq!(rings.load(Ordering::SeqCst), 1);
            let taken = take(&inbox).len();
            drop(tickets);
            assert_eq!(taken + take(&inbox).len(), 8, "each ticket is answered once");
        }
    }

    #[test]
    fn q15_no_answer_is_left_behind_by_whoever_takes_while_it_comes() {
        const ROUNDS: u32 = 4_000;
        let (sender, receiver) = std::sync::mpsc::channel();
        let sender = Mutex::new(sender);
        let inbox = Inbox::new(|| 0, move || sender.lock().unwrap().send(()).unwrap());
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
                        Ticket::new(&inbox, thread).answer(Either::A(fail("")));
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
}
