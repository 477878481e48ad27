//! The `kid`s that a refresh has not found. For one cool-down no request fetches keys for them.
//!
//! In: a `kid` that a refresh has not found, the time.
//! Out: whether it is one of these.
//! Never: more than `MAX_UNKNOWN` of them, a key.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::crypto::SecretSet;
use crate::time::Monotonic;

/// Unknown `kid`s that are remembered. A further one replaces the oldest, which may then cause one more fetch.
pub(super) const MAX_UNKNOWN: usize = 1_000;

/// The `kid`s that a refresh has not found, each for one cool-down.
#[derive(Debug, Default)]
pub(super) struct UnknownKids {
    kids: SecretSet<Arc<str>>,
    /// When each is forgotten, in their order.
    ends: VecDeque<(Monotonic, Arc<str>)>,
}

impl UnknownKids {
    pub(super) fn forget_ended(&mut self, now: Monotonic) {
        while self.ends.front().is_some_and(|(end, _)| *end <= now)
            && let Some((_, kid)) = self.ends.pop_front()
        {
            self.kids.remove(&kid);
        }
    }

    pub(super) fn add(&mut self, kid: &str, end: Monotonic) {
        let kid: Arc<str> = Arc::from(kid);
        if !self.kids.insert(Arc::clone(&kid)) {
            return;
        }
        self.ends.push_back((end, kid));
        if self.ends.len() > MAX_UNKNOWN
            && let Some((_, oldest)) = self.ends.pop_front()
        {
            self.kids.remove(&oldest);
        }
    }

    pub(super) fn contains(&self, kid: &str) -> bool {
        self.kids.contains(kid)
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.kids.len(), self.ends.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kid_that_is_there_already_takes_no_second_place() {
        let at = Monotonic::from_millis;
        let mut unknown = UnknownKids::default();
        unknown.add("one", at(10));
        unknown.add("one", at(20));
        assert_eq!(unknown.counts(), (1, 1));
        unknown.forget_ended(at(9));
        assert!(unknown.contains("one"));
        unknown.forget_ended(at(10));
        assert_eq!(unknown.counts(), (0, 0));
    }
}
