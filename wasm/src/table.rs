//! Things under numbers, which JavaScript holds in their place.
//!
//! In: things.
//! Out: their numbers, above zero; the things again.
//! Never: a number that is given twice.

use std::collections::BTreeMap;

/// Things under numbers.
pub(crate) struct Table<T> {
    things: BTreeMap<u32, T>,
    last: u32,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { things: BTreeMap::new(), last: 0 }
    }
}

impl<T> Table<T> {
    /// A number for the next thing.
    pub(crate) fn next_number(&mut self) -> u32 {
        loop {
            // After four thousand million things the numbers begin again.
            self.last = self.last.wrapping_add(1);
            if self.last != 0 && !self.things.contains_key(&self.last) {
                return self.last;
            }
        }
    }

    pub(crate) fn add(&mut self, thing: T) -> u32 {
        let number = self.next_number();
        self.put(number, thing);
        number
    }

    pub(crate) fn put(&mut self, number: u32, thing: T) {
        self.things.insert(number, thing);
    }

    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        self.things.get(&number)
    }

    pub(crate) fn remove(&mut self, number: u32) -> Option<T> {
        self.things.remove(&number)
    }
}
