//! Nonces of this server (RFC 9449 sections 8 and 9): stateless, unpredictable, good for two periods.
//!
//! In: a secret, the time, a received nonce.
//! Out: the current nonce, and whether a received nonce is ours.
//! Never: a memory of nonces, the time inside one, another server's nonce.

use std::fmt;

use crate::crypto::{constant_time_eq, hmac_sha256};
use crate::jose::base64url_encode;
use crate::time::{Leeway, UnixTime};

/// The purpose of the nonce, so that another use of the same secret gives other texts.
const PURPOSE: &[u8] = b"oidc-spa-native DPoP nonce";

/// When a proof must hold a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceMode {
    /// If the proof is not fresh by its `iat`: the client's clock is wrong, or the proof is old.
    OnStaleProof,
    /// Always.
    Required,
}

/// When a nonce of this server was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// In this period; or in the next one, by a server whose clock is ahead.
    Lately,
    /// In the period before.
    Before,
}

/// The nonces of a resource server.
///
/// A nonce is the MAC of the number of its period. All servers that share the secret give the same ones.
///
/// ```
/// use oidc_spa_native::dpop::nonce::{Given, NonceMode, Nonces};
/// use oidc_spa_native::time::{Leeway, UnixTime};
///
/// let nonces = Nonces::new(NonceMode::Required, [7; 32], 60);
/// let at = UnixTime::from_secs;
/// let nonce = nonces.current(at(600));
/// assert_eq!(nonces.given(&nonce, at(659), Leeway::NONE), Some(Given::Lately));
/// assert_eq!(nonces.given(&nonce, at(719), Leeway::NONE), Some(Given::Before));
/// assert_eq!(nonces.given(&nonce, at(720), Leeway::NONE), None);
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

    /// When this server gave a nonce: in this period or the one before. Another server with the same secret may already
    /// be in the next period if its clock is ahead by at most `ahead`. Nonces of later periods are not accepted.
    pub fn given(&self, nonce: &str, now: UnixTime, ahead: Leeway) -> Option<Given> {
        let is_of = |period| constant_time_eq(self.of_period(period).as_bytes(), nonce.as_bytes());
        let this = self.period(now);
        if is_of(this) {
            return Some(Given::Lately);
        }
        if is_of(this.saturating_sub(1)) {
            return Some(Given::Before);
        }
        let ahead = ahead.secs().min(self.period_secs);
        let next = self.period(UnixTime::from_secs(now.secs().saturating_add(ahead)));
        (next > this && is_of(next)).then_some(Given::Lately)
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

    fn given(nonces: &Nonces, nonce: &str, now: i64, ahead: u16) -> Option<Given> {
        nonces.given(nonce, at(now), Leeway::from_secs(ahead).unwrap())
    }

    #[test]
    fn m03_this_period_and_the_one_before_are_good() {
        let nonce = nonces(1).current(at(600));
        for (now, expected) in [
            (600, Some(Given::Lately)),
            (659, Some(Given::Lately)),
            (660, Some(Given::Before)),
            (719, Some(Given::Before)),
            (720, None),
            (599, None),
            (60_000, None),
        ] {
            assert_eq!(given(&nonces(1), &nonce, now, 0), expected, "{now}");
        }
    }

    #[test]
    fn m07_a_nonce_of_a_server_whose_clock_is_ahead_is_good_within_the_leeway() {
        let nonce = nonces(1).current(at(600));
        for (now, ahead, expected) in [
            (595, 5, Some(Given::Lately)),
            (595, 4, None),
            (599, 1, Some(Given::Lately)),
            (590, 10, Some(Given::Lately)),
            (589, 10, None),
            // The next period alone, however long the leeway.
            (540, 300, Some(Given::Lately)),
            (539, 300, None),
            // No nonce is good for longer.
            (719, 300, Some(Given::Before)),
            (720, 300, None),
        ] {
            assert_eq!(given(&nonces(1), &nonce, now, ahead), expected, "{now} {ahead}");
        }
    }

    /// The rule in its own words, for every period of up to five seconds, every leeway of up to seven, and every pair of
    /// clocks around the epoch.
    #[test]
    fn m03_m07_each_nonce_is_given_as_the_rule_says_at_every_second() {
        for (period, ahead) in (1..6_u16).flat_map(|period| (0..8).map(move |ahead| (period, ahead))) {
            let nonces = Nonces::new(NonceMode::Required, [1; 32], period);
            let periods = |secs: i64| (secs + 100 * i64::from(period)) / i64::from(period);
            for made in -8..9 {
                let nonce = nonces.current(at(made));
                for now in -8..9 {
                    let by_a_clock_ahead =
                        (0..=i64::from(ahead)).any(|ahead| periods(now + ahead) == periods(made));
                    let expected = match periods(made) - periods(now) {
                        0 => Some(Given::Lately),
                        -1 => Some(Given::Before),
                        1 if by_a_clock_ahead => Some(Given::Lately),
                        _ => None,
                    };
                    let found = given(&nonces, &nonce, now, ahead);
                    assert_eq!(found, expected, "made at {made}, read at {now}, {period} s, {ahead} s ahead");
                }
            }
        }
    }

    #[test]
    fn at_the_ends_of_time_there_is_an_answer() {
        for now in [i64::MIN, i64::MIN + 1, -61, -1, 0, i64::MAX - 1, i64::MAX] {
            let nonce = nonces(1).current(at(now));
            assert_eq!(given(&nonces(1), &nonce, now, 300), Some(Given::Lately), "{now}");
            assert_eq!(given(&nonces(2), &nonce, now, 300), None, "{now}");
        }
    }

    #[test]
    fn m04_m05_another_secret_or_one_changed_character_is_not_ours() {
        let nonce = nonces(1).current(at(600));
        for (secret, text) in [
            (2, nonce.as_str()),
            (1, &nonce[1..]),
            (1, &format!("{nonce}A")),
            (1, &nonce.to_ascii_lowercase()),
            (1, ""),
        ] {
            assert_eq!(given(&nonces(secret), text, 600, 10), None, "{text}");
        }
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
