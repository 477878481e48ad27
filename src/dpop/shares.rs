//! Counts the proofs in the replay memory by key, user and client, and decides which of these may add one more.
//!
//! In: a proof's key, and the client and user of its access token.
//! Out: whether there is a place for one more. A count may be too high, and never too low.
//! Never: a list of keys or clients, which an attacker could make long.

use std::hash::BuildHasher;

use crate::access_token::Presenter;
use crate::crypto::SecretHasher;

/// The holders of shares of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// One DPoP key.
    Key,
    /// One user of one issuer, with all its keys.
    Subject,
    /// One client of one issuer, with all its keys and users.
    Client,
}

const ROWS: usize = 4;
const CELLS: usize = 4096;

/// The cells of one holder, one in each row.
type Cells = [usize; ROWS];

/// The cells of the three holders of one proof.
#[derive(Clone, Copy)]
pub(super) struct Places {
    key: Cells,
    subject: Option<Cells>,
    client: Option<Cells>,
}

impl Places {
    /// The choice of the cells is a secret of the process, so an attacker cannot choose the cells of another holder.
    pub fn of(hasher: &SecretHasher, key: [u8; 16], presenter: Option<Presenter>) -> Self {
        let cells = |hash: u64| std::array::from_fn(|row| (hash >> (row * 12)) as usize % CELLS);
        Self {
            key: cells(hasher.hash_one(key)),
            subject: presenter.and_then(|by| by.subject).map(|subject| cells(hasher.hash_one(subject))),
            client: presenter.map(|by| cells(hasher.hash_one(by.client))),
        }
    }
}

/// How much of a memory one holder may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// A key: a tenth of all. A client: four times as much as is free. A user: as much as its client has left of that.
    ///
    /// So one client alone may use four fifths of the memory, and one user two thirds. A holder with few proofs finds a
    /// place even if others send very many: ten such clients leave a fortieth of the memory free, and ten such users of
    /// one client leave a fiftieth of their client's share.
    Fair,
    /// Each holder may use all of it.
    None,
}

/// The part of a memory that one key may use, as a divisor.
const KEY_SHARE: usize = 10;
/// A client may use the free part of the memory times this number.
const CLIENT_SHARE: usize = 4;

impl Rule {
    /// The holder whose share is used up, by the number of all places and of free places.
    pub(crate) fn used_up(
        self,
        counts: &Counts,
        places: Places,
        capacity: usize,
        free: usize,
    ) -> Option<Holder> {
        if self == Self::None {
            return None;
        }
        let has = |sketch: &Sketch, cells: Option<Cells>| cells.map_or(0, |cells| sketch.at(cells));
        if counts.keys.at(places.key) >= capacity.div_ceil(KEY_SHARE) {
            return Some(Holder::Key);
        }
        let of_client = has(&counts.clients, places.client);
        let left_to_client = free.saturating_mul(CLIENT_SHARE).saturating_sub(of_client);
        if left_to_client == 0 {
            return Some(Holder::Client);
        }
        (has(&counts.subjects, places.subject) >= left_to_client).then_some(Holder::Subject)
    }
}

/// The counts of proofs for each holder.
#[derive(Default)]
pub(super) struct Counts {
    keys: Sketch,
    subjects: Sketch,
    clients: Sketch,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, places: Places) {
        self.keys.add(places.key);
        if let Some(cells) = places.subject {
            self.subjects.add(cells);
        }
        if let Some(cells) = places.client {
            self.clients.add(cells);
        }
    }

    /// Subtracts the counts of `part`, which are all included here.
    pub fn subtract(&mut self, part: &Self) {
        self.keys.subtract(&part.keys);
        self.subjects.subtract(&part.subjects);
        self.clients.subtract(&part.clients);
    }
}

/// A count-min sketch: a count may be too high if holders share all their cells, and is never too low.
///
/// It allocates when it first counts: a process may have many memories and use few of them.
#[derive(Default)]
struct Sketch(Option<Box<[[u32; CELLS]; ROWS]>>);

impl Sketch {
    fn at(&self, cells: Cells) -> usize {
        let Some(rows) = &self.0 else { return 0 };
        let counts = rows.iter().zip(cells).map(|(row, cell)| row.get(cell).copied().unwrap_or(0));
        counts.min().unwrap_or(0) as usize
    }

    fn add(&mut self, cells: Cells) {
        let rows = self.0.get_or_insert_with(|| Box::new([[0; CELLS]; ROWS]));
        for (row, cell) in rows.iter_mut().zip(cells) {
            if let Some(count) = row.get_mut(cell) {
                *count = count.saturating_add(1);
            }
        }
    }

    fn subtract(&mut self, part: &Self) {
        let (Some(rows), Some(part)) = (&mut self.0, &part.0) else { return };
        for (count, less) in rows.iter_mut().flatten().zip(part.iter().flatten()) {
            *count = count.saturating_sub(*less);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(hasher: &SecretHasher, [key, subject, client]: [u8; 3]) -> Places {
        let subject = (subject > 0).then_some(u64::from(subject));
        let presenter = (client > 0).then_some(Presenter { client: u64::from(client), subject });
        Places::of(hasher, [key; 16], presenter)
    }

    #[test]
    fn a_count_is_never_too_low_and_what_is_taken_away_is_gone() {
        let hasher = SecretHasher::default();
        let (mut all, mut part) = (Counts::default(), Counts::default());
        for key in 1..=200 {
            for _ in 0..key {
                all.add(places(&hasher, [key, 7, 1 + key % 2]));
            }
            part.add(places(&hasher, [key, 7, 1 + key % 2]));
        }
        all.subtract(&part);
        for key in 1..=200 {
            let count = all.keys.at(places(&hasher, [key, 7, 1]).key);
            assert!(count >= usize::from(key) - 1, "{key}: {count}");
        }
        let user = places(&hasher, [1, 7, 1]).subject.map(|cells| all.subjects.at(cells));
        assert_eq!(user, Some((1..=200).sum::<usize>() - 200));
        let mut unnamed = Counts::default();
        unnamed.add(places(&hasher, [1, 0, 0]));
        assert!(unnamed.clients.0.is_none(), "nobody said who the client is");
    }

    #[test]
    fn each_holder_has_its_own_rule() {
        let hasher = SecretHasher::default();
        let mut counts = Counts::default();
        for n in 0..100 {
            counts.add(places(&hasher, [1, 1, 1]));
            assert_eq!(n < 99, Rule::Fair.used_up(&counts, places(&hasher, [1, 1, 1]), 1_000, 900).is_none());
        }
        let used_up = |who, free| Rule::Fair.used_up(&counts, places(&hasher, who), 1_000, free);
        assert_eq!(used_up([1, 1, 1], 900), Some(Holder::Key));
        // The client has 100, and may have 204: the user, who has 100, one more.
        assert_eq!(used_up([2, 1, 1], 51), None);
        assert_eq!(used_up([2, 1, 1], 50), Some(Holder::Subject));
        assert_eq!(used_up([2, 2, 1], 50), None, "another user of the same client");
        assert_eq!(used_up([2, 2, 1], 26), None);
        assert_eq!(used_up([2, 2, 1], 25), Some(Holder::Client));
        assert_eq!(used_up([2, 2, 2], 1), None, "whoever has nothing yet is let in to the last place");
        assert_eq!(used_up([2, 0, 0], 1), None);
        assert_eq!(Rule::None.used_up(&counts, places(&hasher, [1, 1, 1]), 1_000, 0), None);
    }
}
