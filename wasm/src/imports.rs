//! What JavaScript does for the module: signatures, names of hosts beyond ASCII, the reading of files and variables.
//!
//! In: keys, messages, signatures; names.
//! Out: yes or no, or that JavaScript has no answer yet; texts.
//! Never: a yes in case of doubt.

#![allow(unsafe_code)]

use std::cell::Cell;

use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::jose::verification_key::asked::SignatureHost;

use crate::input;

/// The module's imports.
mod host {
    // Safe to call: JavaScript gets numbers and reads the memory that they name during the call alone.
    #[link(wasm_import_module = "host")]
    unsafe extern "C" {
        pub safe fn import_key(jwk: *const u8, jwk_bytes: usize, algorithm: u32) -> u32;
        pub safe fn verify(
            key: u32,
            algorithm: u32,
            message: *const u8,
            message_bytes: usize,
            signature: *const u8,
            signature_bytes: usize,
        ) -> u32;
        pub safe fn forget(key: u32);
        pub safe fn jwk_of_der(der: *const u8, der_bytes: usize) -> i32;
        pub safe fn domain_to_ascii(name: *const u8, name_bytes: usize) -> i32;
        pub safe fn read_text(kind: u32, name: *const u8, name_bytes: usize) -> i32;
    }
}

thread_local! {
    /// Whether JavaScript had no answer yet to a question of the present walk.
    static LACKS_ANSWER: Cell<bool> = const { Cell::new(false) };
}

/// JavaScript does not know yet whether this is a key. A browser verifies signatures asynchronously.
const NO_KEY_YET: u32 = u32::MAX;
/// It does not know yet whether a signature is good.
const NO_VERDICT_YET: u32 = 2;

/// The result of a walk that writes nothing; `None` if JavaScript had no answer yet to one of its questions. A question without
/// an answer counts as a no, so the result of such a walk means nothing, and is dropped here.
pub(crate) fn answered<T>(walk: impl FnOnce() -> T) -> Option<T> {
    LACKS_ANSWER.set(false);
    let result = walk();
    (!LACKS_ANSWER.replace(false)).then_some(result)
}

/// The signatures of JavaScript's runtime.
pub(crate) struct JavaScript;

impl SignatureHost for JavaScript {
    fn import(&self, jwk: &str, algorithm: Algorithm) -> Option<u32> {
        let number = host::import_key(jwk.as_ptr(), jwk.len(), number_of(algorithm)?);
        if number == NO_KEY_YET {
            LACKS_ANSWER.set(true);
            return None;
        }
        (number != 0).then_some(number)
    }

    fn verify(&self, key: u32, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let Some(number) = number_of(algorithm) else { return false };
        let (at, bytes) = (signature.as_ptr(), signature.len());
        let verdict = host::verify(key, number, message.as_ptr(), message.len(), at, bytes);
        if verdict == NO_VERDICT_YET {
            LACKS_ANSWER.set(true);
        }
        verdict == 1
    }

    fn forget(&self, key: u32) {
        host::forget(key);
    }

    fn jwk_of_der(&self, der: &[u8]) -> Option<String> {
        read_answer(host::jwk_of_der(der.as_ptr(), der.len())).ok()
    }
}

/// The position of an algorithm among those that [`Algorithm::known`] lists.
fn number_of(algorithm: Algorithm) -> Option<u32> {
    let position = Algorithm::known().position(|known| known == algorithm)?;
    u32::try_from(position).ok()
}

/// The name of a host in ASCII; `None` if it is none.
pub(crate) fn domain_to_ascii(name: &str) -> Option<String> {
    read_answer(host::domain_to_ascii(name.as_ptr(), name.len())).ok()
}

/// Where keys may be kept outside of the options.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    File = 0,
    Variable = 1,
}

/// Why there is no text.
pub(crate) enum NoText {
    /// There is none of this name.
    Missing,
    /// The runtime has no such place.
    NoSuchPlace,
}

pub(crate) fn read_text(place: Place, name: &str) -> Result<String, NoText> {
    read_answer(host::read_text(place as u32, name.as_ptr(), name.len()))
}

/// What JavaScript wrote into the input during the call.
fn read_answer(length: i32) -> Result<String, NoText> {
    match usize::try_from(length) {
        Ok(length) => {
            let written = input::take();
            let text = written.get(..length).and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
            text.ok_or(NoText::Missing)
        }
        Err(_) if length == -1 => Err(NoText::Missing),
        Err(_) => Err(NoText::NoSuchPlace),
    }
}
