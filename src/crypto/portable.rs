//! Digests, MACs and comparison in constant time, in pure Rust; secrets derived from a seed that the host gives.
//!
//! In: bytes; one seed.
//! Out: bytes; yes or no.
//! Never: a signature, a key that was published, a clock.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher13;
use subtle::ConstantTimeEq;

static SEED: OnceLock<[u8; 32]> = OnceLock::new();

/// Gives the process its secret: 32 random bytes. `false` if it has one already.
///
/// Call it before anything else here: the standard library's `RandomState` is constant in WebAssembly.
pub fn seed(secret: [u8; 32]) -> bool {
    SEED.set(secret).is_ok()
}

/// A random secret of 32 bytes, a new one at each call; `None` if no seed was given.
pub fn random_secret() -> Option<[u8; 32]> {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let seed = SEED.get()?;
    Some(hmac_sha256(seed, &CALLS.fetch_add(1, Ordering::Relaxed).to_be_bytes()))
}

/// Where numbers begin that are never given twice, above zero and below 2^48. It comes from the seed: an instance that
/// takes the place of another one must not give its numbers again.
pub(crate) fn first_number() -> u64 {
    match random_secret() {
        Some([a, b, c, d, e, f, ..]) => u64::from_be_bytes([0, 0, a, b, c, d, e, f]).max(1),
        None => 1,
    }
}

/// The HMAC-SHA-256 of a message (RFC 2104).
pub fn hmac_sha256(secret: &[u8; 32], message: &[u8]) -> [u8; 32] {
    // A block of SHA-256 has 64 bytes; RFC 2104 section 2 fills a shorter secret with zeros.
    let mut block = [0; 64];
    let (filled, _) = block.split_at_mut(secret.len());
    filled.copy_from_slice(secret);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Whether two texts are equal, in a time that does not depend on where they differ.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// The SHA-256 digest of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The SHA-1 digest of some bytes, only for `x5t` (RFC 7515 section 4.1.7): it chooses a key, and proves nothing.
pub(crate) fn sha1_of_certificate(der: &[u8]) -> [u8; 20] {
    Sha1::digest(der).into()
}

/// Hashes with a secret of the process, so that an attacker cannot choose names that collide.
#[derive(Clone)]
pub struct SecretHasher {
    keys: [u64; 2],
}

impl Default for SecretHasher {
    /// Derives the keys once, and gives each hasher others, as the standard library does: each JSON object that is read has
    /// a hasher, and a derivation takes as long as reading some of them.
    fn default() -> Self {
        static KEYS: OnceLock<[u64; 2]> = OnceLock::new();
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let derived = KEYS.get().copied().or_else(|| {
            let secret = random_secret()?;
            let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = secret;
            let keys =
                [u64::from_be_bytes([a, b, c, d, e, f, g, h]), u64::from_be_bytes([i, j, k, l, m, n, o, p])];
            Some(*KEYS.get_or_init(|| keys))
        });
        let [first, second] =
            derived.unwrap_or_else(|| [RandomState::new().hash_one(0), RandomState::new().hash_one(1)]);
        Self { keys: [first.wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed)), second] }
    }
}

impl BuildHasher for SecretHasher {
    type Hasher = SecretState;

    fn build_hasher(&self) -> SecretState {
        let [first, second] = self.keys;
        SecretState(SipHasher13::new_with_keys(first, second))
    }
}

/// The state of one hash.
pub struct SecretState(SipHasher13);

impl Hasher for SecretState {
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }
}
