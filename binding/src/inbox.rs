//! Where answers of other threads wait for the JavaScript environment that asked.
//!
//! In: answers under tickets. Out: the same, many at a time. Never: an `if` about OAuth, a ticket without an answer, an
//! answer for an environment that is gone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::Env;
use napi::bindgen_prelude::{Either, Function, Result};
use napi_derive::napi;
use oidc_spa_native_host::queued_jobs;

use crate::answer::Answer;
use crate::notifier::Notifier;
use crate::verdict_text::failure_text;

/// The answers of one environment.
///
/// No answer is left behind. All that decides whether to call the environment is behind one lock. Whenever that lock is
/// free and there are answers in the queue, either the environment was called since they were last taken, or a ticket is
/// under way. When the answer of that ticket arrives, the decision is made anew. A ticket that is dropped arrives too.
pub(crate) struct Inbox {
    /// Tells the environment that there is something to take. Answers whether that environment still listens.
    notify: Box<dyn Fn() -> bool + Send + Sync>,
    /// How many jobs the threads have not begun, of every environment.
    queued: fn() -> usize,
    queue: Mutex<CompletionQueue>,
}

#[derive(Default)]
struct CompletionQueue {
    answers: Vec<(u32, Answer)>,
    /// Tickets that are with the threads, whose answers come soon.
    under_way: usize,
    listener: Listener,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Listener {
    #[default]
    NotCalled,
    /// The environment was called and has not come yet: one call brings all that has come by then.
    Called,
    /// The environment has ended.
    Gone,
}

/// Answers wait for others while so many times as many are under way: each call of the environment costs as much as
/// several answers. At most a quarter of what is under way waits, so the threads have something to do meanwhile.
const SHARE_UNDER_WAY: usize = 3;
/// Answers that wait, at most.
const MAX_HELD: usize = 32;
/// If the threads have this many times more jobs of other environments than of this one, an answer is not held back to
/// be delivered with others.
const SHARE_QUEUED: usize = 8;

impl CompletionQueue {
    /// Whether the answers that are here wait for more.
    fn waits_for_more(&self, queued: fn() -> usize) -> bool {
        let held = self.answers.len();
        let more_come_soon =
            self.under_way > SHARE_UNDER_WAY * held && queued() <= SHARE_QUEUED * self.under_way;
        held == 0 || (more_come_soon && held < MAX_HELD)
    }
}

impl Inbox {
    fn queue(&self) -> MutexGuard<'_, CompletionQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that is not under way any more, with its answer, or without if that will take a while.
    fn arrive(&self, answer: Option<(u32, Answer)>) {
        let mut queue = self.queue();
        queue.under_way = queue.under_way.saturating_sub(1);
        queue.answers.extend(answer);
        if !queue.waits_for_more(self.queued) {
            self.call(queue);
        }
    }

    /// An answer that was long in coming.
    fn put(&self, ticket: u32, answer: Answer) {
        let mut queue = self.queue();
        queue.answers.push((ticket, answer));
        self.call(queue);
    }

    /// Calls the environment to take the answers, or drops them if the environment has ended.
    fn call<'a>(&'a self, mut queue: MutexGuard<'a, CompletionQueue>) {
        if queue.listener == Listener::NotCalled {
            queue.listener = Listener::Called;
            drop(queue);
            if (self.notify)() {
                return;
            }
            queue = self.queue();
            queue.listener = Listener::Gone;
        }
        if queue.listener == Listener::Gone {
            let unheard = std::mem::take(&mut queue.answers);
            drop(queue);
            drop(unheard);
        }
    }

    /// A ticket for an answer that comes soon, from another thread.
    pub(crate) fn ticket(self: &Arc<Self>, number: u32) -> Ticket {
        self.queue().under_way += 1;
        Ticket { inbox: Arc::clone(self), number, state: State::UnderWay }
    }

    fn take(&self) -> Vec<(u32, Answer)> {
        let mut queue = self.queue();
        if queue.listener == Listener::Called {
            queue.listener = Listener::NotCalled;
        }
        std::mem::take(&mut queue.answers)
    }

    fn new(queued: fn() -> usize, notify: impl Fn() -> bool + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { notify: Box::new(notify), queued, queue: Mutex::default() })
    }
}

/// One environment's inbox. It does not keep the process alive; the JavaScript code that waits for an answer does.
#[napi]
pub struct NativeInbox {
    inbox: Arc<Inbox>,
}

#[napi]
impl NativeInbox {
    /// `notify` is called when there is something to take.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: &Env, notify: Function<'_, (), ()>) -> Result<Self> {
        // It is called once until somebody comes, so that its queue is never full.
        let notifier = Notifier::<(), 0>::new(env, &notify)?;
        Ok(Self { inbox: Inbox::new(queued_jobs, move || notifier.notify(())) })
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
    /// Keys, or a replay store, must be waited for.
    Waiting,
    Answered,
}

impl Ticket {
    /// A ticket whose answer is long in coming.
    pub(crate) fn of_long_wait(inbox: &Arc<Inbox>, number: u32) -> Self {
        Self { inbox: Arc::clone(inbox), number, state: State::Waiting }
    }

    /// The same ticket, whose answer turns out to be long in coming: none of the others waits for it.
    pub(crate) fn waits_long(mut self) -> Self {
        if self.state == State::UnderWay {
            self.state = State::Waiting;
            self.inbox.arrive(None);
        }
        self
    }

    pub(crate) fn answer(mut self, answer: Answer) {
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
            let failed = failure_text("internal error: a validation ended unexpectedly");
            self.give(Either::A(failed));
        }
    }
}

#[cfg(test)]
mod tests {
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

    /// Tries every order of a few steps: while an answer lies in the queue, the environment has been called, or a ticket
    /// is under way.
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
                    1 => under_way
                        .pop()
                        .into_iter()
                        .for_each(|ticket| ticket.answer(Either::A(failure_text("")))),
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
}
