//! The events of the instance, until JavaScript takes them.
//!
//! In: JSON texts.
//! Out: the same, as one list.
//! Never: more of them than a limit.

use std::cell::RefCell;
use std::collections::VecDeque;

/// Events that are kept. A further one replaces the oldest.
const MAX_EVENTS: usize = 1024;

thread_local! {
    static EVENTS: RefCell<VecDeque<String>> = const { RefCell::new(VecDeque::new()) };
}

/// Keeps an event.
pub(crate) fn keep(event: &str) {
    EVENTS.with_borrow_mut(|events| {
        if events.len() >= MAX_EVENTS {
            events.pop_front();
        }
        events.push_back(event.to_owned());
    });
}

/// The events since they were last taken, as a JSON list.
pub(crate) fn take() -> String {
    format!("[{}]", Vec::from(EVENTS.take()).join(","))
}
