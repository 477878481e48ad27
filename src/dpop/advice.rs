//! Messages for developers about refused proofs: beside the sentences of `oidc-spa/server` they give ages and advice.
//!
//! In: what a proof says and what was expected; whether to use only the sentence of `oidc-spa/server`.
//! Out: rejections.
//! Never: a decision.

use crate::explanation::Facts;
use crate::jose::algorithm::AlgorithmSet;
use crate::jose::json::{Object, Value};
use crate::jose::jws::JwsError;
use crate::rejection::{Code, Rejection, Shown};
use crate::time::{Leeway, NumericDate, UnixTime};

use super::window::ProofWindow;

/// A proof that is not a well-formed JWT, or lacks a required member.
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
    let rejection = Code::ProofStale.because(format!(
        "{sentence}: it is {issued}, {} s before this server's time, {}; up to {} s are accepted",
        issued.secs_apart(now),
        now.secs(),
        window.back_secs()
    ));
    rejection.advising("The client makes a fresh proof for each request; if it does, check both clocks")
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
    let rejection = Code::ProofNotYetValid.because(format!(
        "{sentence}: it is {issued}, {} s ahead of this server's time, {}; up to {} s are accepted",
        issued.secs_apart(now),
        now.secs(),
        window.ahead().secs()
    ));
    rejection.advising(advice)
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
    advice: Option<(&str, Option<String>)>,
) -> Rejection {
    let message = format!(
        "DPoP proof htu claim does not match request url. htu: {}, expected htu: {}",
        shown(htu),
        Shown(expected.unwrap_or("undefined"))
    );
    let rejection = Code::ProofUriMismatch.because(message);
    match advice {
        Some((option, Some(base))) => rejection.advising(&format!(
            "{option}. Where clients call this server there, the line is `publicBaseUrl: \"{}\"`",
            Shown(&base)
        )),
        Some((option, None)) => rejection.advising(option),
        None => rejection,
    }
}

/// The time of a proof, and the accepted times.
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

/// A claim as a message shows it: a string as it is, any other value by its type.
pub(super) fn shown(claim: Option<&Value<'_>>) -> String {
    match claim {
        None => "undefined".to_owned(),
        Some(Value::String(text)) => Shown(text).to_string(),
        Some(other) => other.kind().to_owned(),
    }
}

/// A bound token that came as a bearer token.
#[cold]
pub(crate) fn bound_without_proof(accepts_dpop: bool, as_oidc_spa: bool) -> Rejection {
    let sentence = "access token is DPoP bound (cnf.jkt claim present) but used with bearer scheme";
    let rejection = Code::TokenBound.because(sentence);
    match (as_oidc_spa, accepts_dpop) {
        (true, _) => rejection,
        (false, true) => rejection.advising(
            "The client sends it as \"Authorization: DPoP\" and the token, with a fresh proof in the field \"DPoP\"",
        ),
        (false, false) => rejection.advising(
            "This server takes no proofs (`dpop: \"disabled\"`): allow them, or have the client ask the issuer for a token that is \
             not bound",
        ),
    }
}

/// A token that came with a proof, and is not bound to a DPoP key.
#[cold]
pub(crate) fn proof_without_bound(code: Code, accepts_bearer: bool, as_oidc_spa: bool) -> Rejection {
    if as_oidc_spa {
        // `jtk` is misspelt in `oidc-spa/server`, whose sentences the drop-in keeps.
        return code.because("DPoP validation error, missing cnf.jtk claim in the access token payload");
    }
    let otherwise = if accepts_bearer {
        ". Or the client sends this one as \"Authorization: Bearer\" and the token"
    } else {
        ""
    };
    let message = "DPoP validation error, missing cnf.jkt claim in the access token payload: the issuer did not bind the token to a \
                   DPoP key";
    code.because(message).advising(&format!(
        "The client sends a proof when it asks the issuer for the token, and the issuer has DPoP switched on for this client\
         {otherwise}"
    ))
}

/// A proof that is signed in a way that is not accepted.
#[cold]
pub(super) fn algorithm_not_allowed(name: &str, accepted: AlgorithmSet, as_oidc_spa: bool) -> Rejection {
    let sentence = format!("Unsupported or too weak DPoP algorithm {}", Shown(name));
    let rejection = Code::ProofAlgorithmNotAllowed.because(sentence);
    if as_oidc_spa {
        return rejection;
    }
    rejection.advising(&format!(
        "accepted are {}, by `proofAlgorithms`, and the `algs` of the challenge tells the client",
        accepted.names()
    ))
}

/// A proof whose header cannot be read. The message does not repeat it, since it may be a token.
#[cold]
pub(super) fn unreadable(proof: &str, error: &JwsError, as_oidc_spa: bool) -> Rejection {
    let sentence = "Failed to decode DPoP proof header";
    Code::ProofMalformed.because(match proof.split('.').count() {
        _ if as_oidc_spa => sentence.to_owned(),
        3 => format!("{sentence}: {error}"),
        parts => format!("{sentence}: expected three parts between dots, got {parts}"),
    })
}

/// A proof that is not valid at this time by its own `nbf` or `exp`.
#[cold]
pub(super) fn outside_validity(
    code: Code,
    name: &str,
    date: NumericDate,
    as_oidc_spa: bool,
    now: UnixTime,
) -> Rejection {
    let sentence = format!("DPoP proof signature/structure invalid: \"{name}\" claim timestamp check failed");
    if as_oidc_spa {
        return code.because(sentence);
    }
    let rejection = code.because(format!(
        "{sentence}: it is {date}, and this server's time is {}, {} s apart",
        now.secs(),
        date.secs_apart(now)
    ));
    rejection.advising("If the client has just made the proof, check both clocks")
}

/// The same refusal, with advice if the code allows one.
#[cold]
pub(crate) fn advised(rejection: Rejection, as_oidc_spa: bool) -> Rejection {
    match advice(rejection.code()).filter(|_| !as_oidc_spa) {
        Some(advice) => rejection.advising(advice),
        None => rejection,
    }
}

const fn advice(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::ProofMalformed => {
            "the field \"DPoP\" holds the proof, a JWT that the client makes and signs for each request (RFC 9449 section 4.2); \
             the access token stands in \"Authorization\""
        }
        Code::ProofMissing => {
            "the client makes a proof for each request, with its method, its URL and this access token, and sends it in the \
             field \"DPoP\""
        }
        Code::ProofReplayed => {
            "the client makes a new proof, with a new `jti`, for each request, also when it repeats one; and one guard judges a \
             request, not two"
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
