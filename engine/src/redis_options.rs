//! The options of a Redis that remembers proofs, as they were written.
//!
//! In: the members of `replayStore`.
//! Out: `RedisOptions`.
//! Never: a connection, a password in a message.

use std::fmt;
use std::time::Duration;

/// A Redis, and how it is asked. `Surroundings::check_redis` checks the texts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RedisOptions {
    /// Its URL, which may hold a password.
    pub url: String,
    /// Certificates of authorities, in PEM.
    pub ca: Option<String>,
    /// The client's certificate and its key, in PEM.
    pub client_certificate: Option<(String, String)>,
    /// The beginning of all keys.
    pub prefix: String,
    /// How long a request waits.
    pub timeout: Duration,
}

// Passwords and keys must not end up in a log.
impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisOptions(within {:?} ..)", self.timeout)
    }
}
