//! The options that concern DPoP: which schemes are accepted, and whether this server gives nonces.
//!
//! In: the members of the options.
//! Out: `AcceptedSchemes`, `Nonces`.
//! May use: reader, the validator's DPoP types.
//! Never: a secret in a message.

use std::sync::OnceLock;

use oidc_spa_native::credentials::AcceptedSchemes;
use oidc_spa_native::dpop::nonce::{NonceMode, Nonces};
use oidc_spa_native::jose::verification_key::{random_secret, sha256};

use super::OptionsError;
use super::reader::Reader;

pub(super) fn schemes(options: &Reader<'_>) -> Result<AcceptedSchemes, OptionsError> {
    let Some(mode) = options.string("dpop")? else { return Ok(AcceptedSchemes::Both) };
    AcceptedSchemes::from_dpop_mode(mode)
        .ok_or_else(|| options.unexpected("dpop", "\"allowed\", \"required\" or \"disabled\""))
}

pub(super) fn nonces(options: &Reader<'_>) -> Result<Option<Nonces>, OptionsError> {
    let mode = match options.string("nonce")? {
        None | Some("off") => None,
        Some("on-stale-proof") => Some(NonceMode::OnStaleProof),
        Some("required") => Some(NonceMode::Required),
        Some(_) => {
            return Err(options.unexpected("nonce", "\"off\", \"on-stale-proof\" or \"required\""));
        }
    };
    let period_secs = options.integer("noncePeriodSeconds", 60, 5, 600)? as u16;
    let secret = match options.string("nonceSecret")? {
        Some(_) if mode.is_none() => {
            return Err(OptionsError("nonceSecret: is of no use with nonce \"off\"".into()));
        }
        Some(text) if text.len() < 32 => {
            // What was given may be most of a secret: it is not repeated.
            return Err(OptionsError(
                "nonceSecret: expected at least 32 characters that nobody can guess".into(),
            ));
        }
        Some(text) => Some(sha256(text.as_bytes())),
        None => None,
    };
    let Some(mode) = mode else { return Ok(None) };
    let secret = match secret {
        Some(secret) => secret,
        None => {
            process_secret().ok_or_else(|| OptionsError("nonce: this machine gives no randomness".into()))?
        }
    };
    Ok(Some(Nonces::new(mode, secret, period_secs)))
}

/// One secret for all validators of the process that are given none.
fn process_secret() -> Option<[u8; 32]> {
    static SECRET: OnceLock<Option<[u8; 32]>> = OnceLock::new();
    *SECRET.get_or_init(random_secret)
}
