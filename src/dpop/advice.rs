//! Messages for developers about refused proofs: beside the sentences of `oidc-spa/server` they give ages and advice.
//!
//! In: what a proof says and what was expected; whether `oidc-spa/server`'s sentence is all that is to be said.
//! Out: rejections.
//! Never: a decision.

use crate::explanation::Facts;
use crate::jose::json::{Object, Value};
use crate::rejection::{Code, Rejection, Shown};
use crate::time::{Leeway, NumericDate, UnixTime};

use super::window::ProofWindow;

/// A proof that is no well-formed JWT, or lacks what one must have.
#[cold]
pub(super) fn malformed(error: &dyn std::fmt::Display) -> Rejection {
    Code::ProofMalformed.because(format!("DPoP proof signature/structure invalid: {error}"))
}

/// A proof whose `iat` lies too far back.
#[cold]
pub(super) fn too_old(
    issued: NumericDate,
    window: ProofWindow,
    as_oidc_spa: bool,
    now: UnixTime,
) -> Rejection {
    let sentence = "DPoP proof iat too old";
    if as_oidc_spa {
        return Code::ProofStale.because(sentence);
    }
    Code::ProofStale.because(format!(
        "{sentence}: it is {issued}, {} s before this server's time, {}; up to {} s are accepted. The client makes a fresh proof \
         for each request; if it does, check both clocks",
        issued.secs_apart(now),
        now.secs(),
        window.back_secs()
    ))
}

/// A proof whose `iat` lies too far ahead.
#[cold]
pub(super) fn dated_ahead(
    issued: NumericDate,
    window: ProofWindow,
    as_oidc_spa: bool,
    now: UnixTime,
) -> Rejection {
    let sentence = "DPoP proof iat is in the future";
    if as_oidc_spa {
        return Code::ProofNotYetValid.because(sentence);
    }
    let advice = if issued > NumericDate::LATEST_SENSIBLE {
        "It is counted in seconds, and this looks like milliseconds"
    } else {
        "Check both clocks; `proofLeewaySeconds` and `nonce` allow for clocks that differ"
    };
    Code::ProofNotYetValid.because(format!(
        "{sentence}: it is {issued}, {} s ahead of this server's time, {}; up to {} s are accepted. {advice}",
        issued.secs_apart(now),
        now.secs(),
        window.ahead().secs()
    ))
}

/// A proof for another method.
#[cold]
pub(super) fn another_method(htm: Option<&Value<'_>>, expected: Option<&str>) -> Rejection {
    Code::ProofMethodMismatch.because(format!(
        "DPoP proof htm claim does not match request method. htm: {}, expected htm: {}",
        shown(htm),
        Shown(expected.unwrap_or("undefined"))
    ))
}

/// A proof for another URI, and which option may help.
#[cold]
pub(super) fn another_uri(
    htu: Option<&Value<'_>>,
    expected: Option<&str>,
    advice: Option<&str>,
) -> Rejection {
    let message = format!(
        "DPoP proof htu claim does not match request url. htu: {}, expected htu: {}",
        shown(htu),
        Shown(expected.unwrap_or("undefined"))
    );
    Code::ProofUriMismatch.because(match advice {
        Some(advice) => format!("{message}. {advice}"),
        None => message,
    })
}

/// When a proof was made, beside what is accepted.
#[cold]
pub(super) fn times(claims: &Object<'_>, window: ProofWindow, has_nonces: bool, now: UnixTime) -> Facts {
    let nonce = if has_nonces { ", with a nonce of this server" } else { "" };
    let expected =
        format!("iat at most {} s back and {} s ahead{nonce}", window.back_secs(), window.ahead().secs());
    let issued = claims.get("iat").and_then(Value::as_number).and_then(NumericDate::from_json);
    let found = issued.map(|issued| {
        let side = if issued.is_after(now, Leeway::NONE) { "ahead of" } else { "before" };
        format!("iat {issued}, {} s {side} this server's time", issued.secs_apart(now))
    });
    let with = if claims.has("nonce") { ", with a nonce" } else { ", without a nonce" };
    Facts::new(expected, found.unwrap_or_else(|| "no iat".to_owned()) + if has_nonces { with } else { "" })
}

/// A claim as a message shows it: strings as they are, the rest by what it is.
pub(super) fn shown(claim: Option<&Value<'_>>) -> String {
    match claim {
        None => "undefined".to_owned(),
        Some(Value::String(text)) => Shown(text).to_string(),
        Some(other) => other.kind().to_owned(),
    }
}

/// The same refusal, with what to do about it where that follows from its code.
#[cold]
pub(super) fn advised(rejection: Rejection, as_oidc_spa: bool) -> Rejection {
    match advice(rejection.code()).filter(|_| !as_oidc_spa) {
        Some(more) => rejection.explained(more),
        None => rejection,
    }
}

const fn advice(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::ProofAlgorithmNotAllowed => {
            "`proofAlgorithms` says which are accepted, and the `algs` of the challenge tells the client"
        }
        Code::ProofSignatureInvalid => {
            "the proof was changed on its way, or the client signed it with another key than the `jwk` in its header"
        }
        Code::ProofKeyMismatch => {
            "the client signs its proofs with the key that it used when it got this access token, and has got a new token \
             since if it has made a new key"
        }
        Code::ProofMethodMismatch => {
            "the client makes a proof for each request, with its method in capitals as `htm`"
        }
        Code::ProofTokenMismatch => {
            "`ath` is the SHA-256 digest of the access token that is sent, in base64url; the client makes a new proof when it has \
             a new token"
        }
        Code::ProofNonceRequired => {
            "the client repeats the request with a proof that holds the nonce of the response's DPoP-Nonce field"
        }
        _ => return None,
    })
}
