//! Nonces of this server (RFC 9449 sections 8 and 9): stateless, unpredictable, good for two periods.
//!
//! In: a secret, the time, a nonce that came.
//! Out: the nonce of now, and whether one that came is ours.
//! May use: jose's MAC, time.
//! Never: a memory of nonces, the time inside one, another server's nonce.

use std::fmt;

use crate::jose::base64url_encode;
use crate::jose::verification_key::{constant_time_eq, hmac_sha256};
use crate::time::UnixTime;

/// What the nonce is for, so that another use of the same secret gives other texts.
const PURPOSE: &[u8] = b"oidc-spa-native DPoP nonce";

/// When a proof must hold a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceMode {
    /// Where its own time does not say that it is fresh: the client's clock is wrong, or the proof is old.
    OnStaleProof,
    /// Always.
    Required,
}

/// The nonces of a resource server.
///
/// A nonce is the MAC of the number of its period. All servers that share the secret give the same ones.
///
/// ```
/// use oidc_spa_native::dpop::nonce::{NonceMode, Nonces};
/// use oidc_spa_native::time::UnixTime;
///
/// let nonces = Nonces::new(NonceMode::Required, [7; 32], 60);
/// let at = UnixTime::from_secs;
/// let nonce = nonces.current(at(600));
/// assert!(nonces.period_of(&nonce, at(659)).is_some());
/// assert!(nonces.period_of(&nonce, at(719)).is_some());
/// assert!(nonces.period_of(&nonce, at(720)).is_none());
/// ```
#[derive(Clone)]
pub struct Nonces {
    mode: NonceMode,
    secret: [u8; 32],
    period_secs: i64,
}

impl Nonces {
    /// Nonces that change every `period_secs` seconds (at least 1).
    pub fn new(mode: NonceMode, secret: [u8; 32], period_secs: u16) -> Self {
        Self { mode, secret, period_secs: i64::from(period_secs.max(1)) }
    }

    /// When a proof must hold one.
    pub const fn mode(&self) -> NonceMode {
        self.mode
    }

    /// The nonce to give to clients now.
    pub fn current(&self, now: UnixTime) -> String {
        self.of_period(self.period(now))
    }

    /// The time at which the period of a nonce began, if the nonce is of this period or of the one before.
    pub fn period_of(&self, nonce: &str, now: UnixTime) -> Option<UnixTime> {
        let now = self.period(now);
        [now, now.saturating_sub(1)]
            .into_iter()
            .find(|period| constant_time_eq(self.of_period(*period).as_bytes(), nonce.as_bytes()))
            .map(|period| UnixTime::from_secs(period.saturating_mul(self.period_secs)))
    }

    /// How long a nonce is good, in seconds from the beginning of its period.
    pub const fn lifetime_secs(&self) -> i64 {
        self.period_secs * 2
    }

    const fn period(&self, now: UnixTime) -> i64 {
        now.secs().div_euclid(self.period_secs)
    }

    fn of_period(&self, period: i64) -> String {
        base64url_encode(&hmac_sha256(&self.secret, &[PURPOSE, &period.to_be_bytes()].concat()))
    }
}

// The secret must not end up in a log.
impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nonces({:?}, every {} s)", self.mode, self.period_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: i64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    fn nonces(secret: u8) -> Nonces {
        Nonces::new(NonceMode::Required, [secret; 32], 60)
    }

    #[test]
    fn m03_this_period_and_the_one_before_are_good() {
        let nonce = nonces(1).current(at(600));
        for (now, expected) in [(600, true), (719, true), (720, false), (599, false), (60_000, false)] {
            assert_eq!(nonces(1).period_of(&nonce, at(now)).is_some(), expected, "{now}");
        }
        assert_eq!(nonces(1).period_of(&nonce, at(700)), Some(at(600)));
    }

    #[test]
    fn m04_m05_another_secret_or_one_changed_character_is_not_ours() {
        let nonce = nonces(1).current(at(600));
        assert_eq!(nonces(2).period_of(&nonce, at(600)), None);
        assert_eq!(nonces(1).period_of(&nonce[1..], at(600)), None);
        assert_eq!(nonces(1).period_of(&format!("{nonce}A"), at(600)), None);
        assert_eq!(nonces(1).period_of(&nonce.to_ascii_lowercase(), at(600)), None);
        assert_eq!(nonces(1).period_of("", at(600)), None);
    }

    #[test]
    fn b2_33_m16_a_nonce_is_of_nqchar_and_tells_nothing() {
        let nonce = nonces(1).current(at(600));
        assert!(nonce.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
        assert_eq!(nonce.len(), 43);
        assert_ne!(nonce, nonces(1).current(at(660)));
        assert!(!format!("{:?}", nonces(1)).contains("[1, 1"));
    }
}
