//! The first step of the drop-in: credentials and target URI out of a request, as `oidc-spa/server` reads them.
//!
//! In: the `Authorization` and `DPoP` fields, the request's head.
//! Out: `Extracted`, which the application hands back to have it judged.
//! Never: a token that is judged; that is the second step.

use crate::credentials::{Field, proof_missing, proof_repeated};
use crate::rejection::{Code, Rejection};
use crate::request::{ProxyTrust, RequestHead, TargetUri};
use crate::scheme::Scheme;

/// What an application of the drop-in takes out of a request, to have it judged in a second step.
#[derive(Debug)]
pub struct Extracted<'a> {
    /// The scheme.
    pub scheme: Scheme,
    /// What follows the scheme. The second step says whether it is a token.
    pub access_token: &'a str,
    /// Where it begins in the `Authorization` field, in bytes.
    pub token_begin: usize,
    /// What the proof must be for, where the scheme is DPoP.
    pub target: Option<TargetUri>,
}

impl<'a> Extracted<'a> {
    /// Takes credentials and target URI out of a request, as oidc-spa reads them. `None` where there is no `Authorization`
    /// field.
    pub fn from_request(
        authorization: Field<'a>,
        dpop: Field<'a>,
        head: Option<RequestHead<'a>>,
        trust: &ProxyTrust,
    ) -> Option<Result<Self, Rejection>> {
        let value = match authorization {
            Field::Absent => return None,
            Field::Repeated => "",
            Field::Once(value) => value.trim_end_matches(is_ecmascript_white_space),
        };
        let malformed = || Code::CredentialsMalformed.because("Malformed Authorization header");
        let credentials = value.trim_start_matches(is_ecmascript_white_space);
        let Some((name, rest)) = credentials.split_once(is_ecmascript_white_space) else {
            return Some(Err(malformed()));
        };
        let access_token = rest.trim_start_matches(is_ecmascript_white_space);
        let token_begin = value.len() - access_token.len();
        // What ends a line in JavaScript is no part of a field.
        if access_token.contains(['\n', '\r', '\u{2028}', '\u{2029}']) {
            return Some(Err(malformed()));
        }
        Some(match (Scheme::from_name(name), dpop) {
            (None, _) => Err(malformed()),
            (Some(scheme @ Scheme::Bearer), _) => {
                Ok(Self { scheme, access_token, token_begin, target: None })
            }
            (Some(Scheme::DPoP), Field::Absent) => Err(proof_missing()),
            (Some(Scheme::DPoP), Field::Repeated) => Err(proof_repeated()),
            (Some(Scheme::DPoP), Field::Once(proof)) if proof.contains(',') => Err(proof_repeated()),
            (Some(scheme @ Scheme::DPoP), Field::Once(_)) => {
                let target = head.map(|head| head.target_uri(trust)).transpose();
                target.map(|target| Self { scheme, access_token, token_begin, target })
            }
        })
    }
}

/// What oidc-spa takes for white space: ECMAScript's, in `trim` and in `\s`.
const fn is_ecmascript_white_space(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}')
}
