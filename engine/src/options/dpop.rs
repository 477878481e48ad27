//! The options that concern DPoP: which schemes are accepted, when a proof is fresh, and whether this server gives
//! nonces.
//!
//! In: the members of the options.
//! Out: `AcceptedSchemes`, `ProofWindow`, `Nonces`.
//! Never: a secret in a message.

use std::sync::OnceLock;

use oidc_spa_native::crypto::{random_secret, sha256};
use oidc_spa_native::dpop::nonce::{NonceMode, Nonces};
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::scheme::AcceptedSchemes;
use oidc_spa_native::time::Leeway;

use super::reader::Reader;
use crate::options_error::OptionsError;
use crate::surroundings::Surroundings;

const WITHOUT_NONCES: &str = "is of no use with nonce \"off\"";

/// Options about proofs, which say nothing where none is taken.
const ABOUT_PROOFS: [&str; 7] = [
    "proofAlgorithms",
    "proofMaxAgeSeconds",
    "proofLeewaySeconds",
    "nonceLeewaySeconds",
    "noncePeriodSeconds",
    "nonceSecret",
    "replayStore",
];
const WITHOUT_DPOP: &str = "is of no use with dpop \"disabled\", which no route can open";

/// The schemes. Where DPoP is closed, nothing may be written that only proofs need: it would be thought to hold.
pub(super) fn schemes(options: &Reader<'_>, limits: &Reader<'_>) -> Result<AcceptedSchemes, OptionsError> {
    let schemes = mode(options)?;
    if schemes == AcceptedSchemes::Bearer {
        if let Some(name) = ABOUT_PROOFS.into_iter().find(|name| options.object.has(name)) {
            return Err(options.conflict(name, WITHOUT_DPOP));
        }
        if !matches!(options.string("nonce")?, None | Some("off")) {
            return Err(options.conflict("nonce", WITHOUT_DPOP));
        }
        if let Some(name) =
            ["replayMemoryEntries", "proofBytes"].into_iter().find(|name| limits.object.has(name))
        {
            return Err(limits.conflict(name, WITHOUT_DPOP));
        }
    }
    Ok(schemes)
}

fn mode(options: &Reader<'_>) -> Result<AcceptedSchemes, OptionsError> {
    let Some(mode) = options.one_of("dpop", &["allowed", "required", "disabled"])? else {
        return Ok(AcceptedSchemes::Both);
    };
    AcceptedSchemes::from_dpop_mode(mode).ok_or_else(|| options.unexpected("dpop", "a mode"))
}

/// Where the `iat` of a proof must lie. The drop-in keeps oidc-spa's 3 seconds ahead; FAPI 2.0 section 5.3.2.1 asks for 10.
pub(super) fn window(options: &Reader<'_>, drop_in: bool) -> Result<ProofWindow, OptionsError> {
    let longest = u64::from(ProofWindow::LONGEST_SECS);
    let back_secs = options.integer("proofMaxAgeSeconds", 40, 1, longest)? as u16;
    let ahead = options.leeway("proofLeewaySeconds", if drop_in { 3 } else { 10 }, Leeway::MAX_SECS)?;
    Ok(ProofWindow::new(back_secs, ahead).unwrap_or(ProofWindow::NARROWEST))
}

/// Where it must lie if the proof holds a good nonce.
pub(super) fn nonce_window(options: &Reader<'_>) -> Result<ProofWindow, OptionsError> {
    let name = "nonceLeewaySeconds";
    if options.object.has(name) && matches!(options.string("nonce")?, None | Some("off")) {
        return Err(options.conflict(name, WITHOUT_NONCES));
    }
    Ok(ProofWindow::around(options.leeway(name, u64::from(Leeway::MAX_SECS), Leeway::MAX_SECS)?))
}

pub(super) fn nonces(
    options: &Reader<'_>,
    surroundings: &dyn Surroundings,
) -> Result<Option<Nonces>, OptionsError> {
    let mode = match options.one_of("nonce", &["off", "on-stale-proof", "required"])? {
        Some("on-stale-proof") => Some(NonceMode::OnStaleProof),
        Some("required") => Some(NonceMode::Required),
        _ => None,
    };
    let period_secs = options.integer("noncePeriodSeconds", 60, 5, 600)? as u16;
    if mode.is_none() && options.object.has("noncePeriodSeconds") {
        return Err(options.conflict("noncePeriodSeconds", WITHOUT_NONCES));
    }
    let secret = match options.string("nonceSecret")? {
        Some(_) if mode.is_none() => {
            return Err(options.conflict("nonceSecret", WITHOUT_NONCES));
        }
        Some(text) if text.len() < 32 => {
            // The value may be a part of a secret, so the message does not repeat it.
            let expected = "at least 32 characters that nobody can guess";
            return Err(OptionsError::expected("nonceSecret", expected));
        }
        Some(text) => Some(sha256(text.as_bytes())),
        None => None,
    };
    let Some(mode) = mode else { return Ok(None) };
    let secret = match secret {
        Some(secret) => secret,
        None => {
            surroundings.check_own_secret()?;
            process_secret().ok_or_else(|| options.conflict("nonce", "this machine gives no randomness"))?
        }
    };
    Ok(Some(Nonces::new(mode, secret, period_secs)))
}

/// One random secret for all validators of the process without their own.
fn process_secret() -> Option<[u8; 32]> {
    static SECRET: OnceLock<Option<[u8; 32]>> = OnceLock::new();
    *SECRET.get_or_init(random_secret)
}

#[cfg(test)]
mod tests {
    use super::super::{Internals, Options};
    use super::*;
    use crate::surroundings::AnyProcess;

    fn parse(extra: &str) -> Result<Options, OptionsError> {
        let text = format!(r#"{{"issuerUri":"https://as.example","expectedAudience":"a"{extra}}}"#);
        Options::parse(&text, Internals::default(), &AnyProcess)
    }

    fn window_of(extra: &str) -> (ProofWindow, ProofWindow) {
        let dpop = parse(extra).unwrap().policy.dpop;
        (dpop.window, dpop.nonce_window)
    }

    fn window(back_secs: u16, ahead: u16) -> ProofWindow {
        ProofWindow::new(back_secs, Leeway::from_secs(ahead).unwrap()).unwrap()
    }

    #[test]
    fn h02_a_proof_may_lie_forty_seconds_back_and_ten_ahead_unless_the_options_say_otherwise() {
        assert_eq!(window_of(""), (window(40, 10), window(300, 300)));
        let drop_in = Internals { drop_in: true, ..Internals::default() };
        let text = r#"{"issuerUri":"https://as.example","expectedAudience":"a"}"#;
        assert_eq!(Options::parse(text, drop_in, &AnyProcess).unwrap().policy.dpop.window, window(40, 3));
        let most = r#","proofMaxAgeSeconds":300,"proofLeewaySeconds":300"#;
        assert_eq!(window_of(most), (window(300, 300), window(300, 300)));
        let nonce = r#","nonce":"required","nonceLeewaySeconds":60"#;
        assert_eq!(window_of(nonce), (window(40, 10), window(60, 60)));
    }

    /// A replay store keeps a proof for the longest window: no option may ask for a longer one.
    #[test]
    fn no_option_makes_a_window_longer_than_a_replay_store_keeps_proofs() {
        for name in ["proofMaxAgeSeconds", "nonceLeewaySeconds"] {
            let longest = (1..=u16::MAX).rev().find_map(|secs| {
                let options = parse(&format!(r#","nonce":"required","{name}":{secs}"#)).ok()?.policy.dpop;
                Some(options.window.and(options.nonce_window).back_secs())
            });
            assert_eq!(longest, Some(i64::from(ProofWindow::LONGEST_SECS)), "{name}");
        }
    }

    #[test]
    fn windows_and_sizes_that_make_no_sense_are_refused_with_a_reason() {
        for (extra, expected) in [
            (
                r#","proofMaxAgeSeconds":301"#,
                "proofMaxAgeSeconds: expected a whole number from 1 to 300; got 301",
            ),
            (
                r#","proofLeewaySeconds":301"#,
                "proofLeewaySeconds: expected a whole number from 0 to 300; got 301",
            ),
            (
                r#","nonce":"required","nonceLeewaySeconds":301"#,
                "nonceLeewaySeconds: expected a whole number from 0 to 300; got 301",
            ),
            (r#","nonceLeewaySeconds":60"#, "nonceLeewaySeconds: is of no use with nonce \"off\""),
            (
                r#","nonce":"off","nonceLeewaySeconds":60"#,
                "nonceLeewaySeconds: is of no use with nonce \"off\"",
            ),
            (
                r#","limits":{"replayMemoryEntries":999}"#,
                "limits.replayMemoryEntries: expected a whole number from 1000 to 100000000; got 999",
            ),
            (
                r#","dpop":"disabled","limits":{"replayMemoryEntries":1000}"#,
                "limits.replayMemoryEntries: is of no use with dpop \"disabled\", which no route can open",
            ),
            (
                r#","dpop":"disabled","nonce":"required""#,
                "nonce: is of no use with dpop \"disabled\", which no route can open",
            ),
            (
                r#","dpop":"disabled","proofMaxAgeSeconds":40"#,
                "proofMaxAgeSeconds: is of no use with dpop \"disabled\", which no route can open",
            ),
            (
                r#","dpop":"disabled","nonce":"required","nonceSecret":"0123456789abcdef0123456789abcdef""#,
                "nonceSecret: is of no use with dpop \"disabled\", which no route can open",
            ),
            (
                r#","dpop":"disabled","proofAlgorithms":["ES256"]"#,
                "proofAlgorithms: is of no use with dpop \"disabled\", which no route can open",
            ),
        ] {
            assert_eq!(
                parse(extra).err().map(|error| error.to_string()).as_deref(),
                Some(expected),
                "{extra}"
            );
        }
        for twin in [
            r#","dpop":"disabled""#,
            r#","dpop":"disabled","nonce":"off""#,
            r#","dpop":"required","nonce":"required","proofMaxAgeSeconds":40,"proofAlgorithms":["ES256"]"#,
        ] {
            assert!(parse(twin).is_ok(), "{twin}");
        }
        let entries = parse(r#","limits":{"replayMemoryEntries":1000}"#).unwrap().replay.entries;
        assert_eq!((entries, parse("").unwrap().replay.entries), (Some(1_000), None));
    }
}
