//! Panics on purpose, at a place that a test names. Only a build with the feature `fault` has this, and no published one.
//!
//! In: the name of a place, from a test.
//! Out: panics there, until another name comes.
//! Never: a part of a build for users.

use std::sync::{Mutex, PoisonError};

/// The place that panics now.
static ARMED: Mutex<Option<String>> = Mutex::new(None);

/// Lets the place of this name panic from now on; `None`: no place.
pub fn inject(place: Option<String>) {
    *ARMED.lock().unwrap_or_else(PoisonError::into_inner) = place;
}

/// A place of this name.
pub(crate) fn strike(place: &str) {
    let is_armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(place);
    assert!(!is_armed, "a fault that a test asked for: {place}");
}
