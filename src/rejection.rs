//! Every reason to refuse a request: one table, one row a code.
//!
//! In: a code and a sentence for developers.
//! Out: `Rejection`.
//! Never: a token or a proof in a message, an attacker's text unescaped.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// The `error` of a challenge (RFC 6750 section 3.1, RFC 9449 sections 7.1 and 9, RFC 9470 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum OAuthError {
    InvalidRequest,
    InvalidToken,
    InvalidDpopProof,
    UseDpopNonce,
    InsufficientScope,
    InsufficientUserAuthentication,
}

impl OAuthError {
    /// The value of the challenge's `error`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InsufficientScope => "insufficient_scope",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
        }
    }
}

/// The causes that applications of `oidc-spa/server` tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCause {
    /// Anything but the two below.
    Validation,
    /// The access token is too old.
    Expired,
    /// The access token is not what its issuer signed, or not yet to be used.
    InvalidSignature,
}

impl ErrorCause {
    /// The text that applications compare with.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Validation => "validation error",
            Self::Expired => "validation error - access token expired",
            Self::InvalidSignature => "validation error - invalid signature",
        }
    }
}

/// What the table says of a code.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The name of the code: lower snake case, never renamed.
    pub name: &'static str,
    /// HTTP status of the response.
    pub status: u16,
    /// `error` of the challenge. `None`: a challenge without error for 401, no challenge for 503.
    pub error: Option<OAuthError>,
    /// The cause, unless the place that refuses says otherwise.
    pub cause: ErrorCause,
    /// What a client may read: `error_description` of the challenge. It holds nothing of the request.
    pub description: &'static str,
}

macro_rules! codes {
    ($($variant:ident, $name:literal, $status:literal, $error:expr, $cause:ident, $description:literal;)*) => {
        /// A reason to refuse a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[allow(missing_docs)]
        pub enum Code { $($variant),* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code's row of the table.
            pub const fn row(self) -> Row {
                match self {
                    $(Self::$variant => Row {
                        name: $name,
                        status: $status,
                        error: $error,
                        cause: ErrorCause::$cause,
                        description: $description,
                    },)*
                }
            }
        }
    };
}

use OAuthError::{
    InsufficientScope, InsufficientUserAuthentication, InvalidDpopProof, InvalidRequest, InvalidToken,
    UseDpopNonce,
};

codes! {
    CredentialsMissing, "credentials_missing", 401, None, Validation, "Credentials are required";
    SchemeUnsupported, "scheme_unsupported", 401, None, Validation, "The authentication scheme is not accepted";
    CredentialsMalformed, "credentials_malformed", 400, Some(InvalidRequest), Validation, "The Authorization field is malformed";
    CredentialsRepeated, "credentials_repeated", 400, Some(InvalidRequest), Validation, "More than one Authorization field";
    TokenMalformed, "token_malformed", 401, Some(InvalidToken), Validation, "The access token is malformed";
    TokenTypeUnexpected, "token_type_unexpected", 401, Some(InvalidToken), Validation, "The token is not an access token";
    AlgorithmNotAllowed, "algorithm_not_allowed", 401, Some(InvalidToken), Validation, "The access token's algorithm is not accepted";
    KeyUnknown, "key_unknown", 401, Some(InvalidToken), Validation, "The access token's key is unknown";
    SignatureInvalid, "signature_invalid", 401, Some(InvalidToken), InvalidSignature, "The access token's signature is invalid";
    TokenExpired, "token_expired", 401, Some(InvalidToken), Expired, "The access token expired";
    TokenNotYetValid, "token_not_yet_valid", 401, Some(InvalidToken), InvalidSignature, "The access token is not valid yet";
    ClaimMissing, "claim_missing", 401, Some(InvalidToken), Validation, "The access token lacks a claim";
    ClaimMalformed, "claim_malformed", 401, Some(InvalidToken), Validation, "A claim of the access token is malformed";
    IssuerMismatch, "issuer_mismatch", 401, Some(InvalidToken), Validation, "The access token's issuer is not accepted";
    AudienceMismatch, "audience_mismatch", 401, Some(InvalidToken), Validation, "The access token is for another audience";
    ClientMismatch, "client_mismatch", 401, Some(InvalidToken), Validation, "The access token is of another client";
    TokenBound, "token_bound", 401, Some(InvalidToken), Validation, "The access token is bound to a key that was not proved";
    CertificateMismatch, "certificate_mismatch", 401, Some(InvalidToken), Validation, "The access token is bound to another client certificate";
    TokenUnbound, "token_unbound", 401, Some(InvalidToken), Validation, "The access token is not bound to its client";
    ProofMissing, "proof_missing", 401, Some(InvalidDpopProof), Validation, "The DPoP proof is missing";
    ProofRepeated, "proof_repeated", 401, Some(InvalidDpopProof), Validation, "More than one DPoP proof";
    ProofMalformed, "proof_malformed", 401, Some(InvalidDpopProof), Validation, "The DPoP proof is malformed";
    ProofAlgorithmNotAllowed, "proof_algorithm_not_allowed", 401, Some(InvalidDpopProof), Validation, "The DPoP proof's algorithm is not accepted";
    ProofSignatureInvalid, "proof_signature_invalid", 401, Some(InvalidDpopProof), Validation, "The DPoP proof's signature is invalid";
    ProofKeyMismatch, "proof_key_mismatch", 401, Some(InvalidToken), Validation, "Invalid DPoP key binding";
    ProofMethodMismatch, "proof_method_mismatch", 401, Some(InvalidDpopProof), Validation, "The DPoP proof is for another method";
    ProofUriMismatch, "proof_uri_mismatch", 401, Some(InvalidDpopProof), Validation, "The DPoP proof is for another URI";
    ProofTokenMismatch, "proof_token_mismatch", 401, Some(InvalidDpopProof), Validation, "The DPoP proof is for another access token";
    ProofStale, "proof_stale", 401, Some(InvalidDpopProof), Validation, "The DPoP proof is too old";
    ProofNotYetValid, "proof_not_yet_valid", 401, Some(InvalidDpopProof), Validation, "The DPoP proof is dated in the future";
    ProofReplayed, "proof_replayed", 401, Some(InvalidDpopProof), Validation, "The DPoP proof was used before";
    ProofNonceRequired, "proof_nonce_required", 401, Some(UseDpopNonce), Validation, "The DPoP proof needs a nonce of this server";
    ClaimsRejected, "claims_rejected", 401, Some(InvalidToken), Validation, "The access token's claims are not accepted";
    ScopeInsufficient, "scope_insufficient", 403, Some(InsufficientScope), Validation, "The access token lacks a scope";
    RoleInsufficient, "role_insufficient", 403, Some(InsufficientScope), Validation, "The access token lacks a role";
    PermissionInsufficient, "permission_insufficient", 403, Some(InsufficientScope), Validation, "The access token does not permit this";
    AuthenticationInsufficient, "authentication_insufficient", 401, Some(InsufficientUserAuthentication), Validation, "A stronger or more recent authentication is required";
    KeysUnavailable, "keys_unavailable", 503, None, Validation, "The issuer's keys are not available";
    ReplayMemoryUnavailable, "replay_memory_unavailable", 503, None, Validation, "The replay memory is not available";
}

impl Code {
    /// The code of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.row().name == name)
    }

    /// A rejection for this reason.
    #[cold]
    pub fn because(self, message: impl Into<Cow<'static, str>>) -> Rejection {
        Rejection { code: self, cause: self.row().cause, message: message.into(), advice_at: None }
    }
}

/// A request that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    code: Code,
    cause: ErrorCause,
    message: Cow<'static, str>,
    /// Where in the message the advice begins.
    advice_at: Option<usize>,
}

impl Rejection {
    /// The same rejection under another cause than its row's.
    pub(crate) fn with_cause(self, cause: ErrorCause) -> Self {
        Self { cause, ..self }
    }

    /// The same rejection, whose message says more.
    #[must_use]
    pub fn explained(self, more: &str) -> Self {
        Self { message: format!("{}; {more}", self.message).into(), ..self }
    }

    /// The same rejection, whose message ends with what to do.
    #[cold]
    #[must_use]
    pub fn advising(self, advice: &str) -> Self {
        let joint = match advice.chars().next() {
            Some(_) if self.message.ends_with('.') => " ",
            Some(first) if first.is_uppercase() => ". ",
            _ => "; ",
        };
        let advice_at = Some(self.advice_at.unwrap_or(self.message.len() + joint.len()));
        Self { message: format!("{}{joint}{advice}", self.message).into(), advice_at, ..self }
    }

    /// What to do about it, where there is something to say. It is the end of the message.
    pub fn advice(&self) -> Option<&str> {
        self.message.get(self.advice_at?..)
    }

    /// The reason, for programs.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The cause as `oidc-spa/server` names it.
    pub const fn cause(&self) -> ErrorCause {
        self.cause
    }

    /// The reason, for developers. Not for clients.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.row().name, self.message)
    }
}

impl std::error::Error for Rejection {}

/// A text that came with the request, as a message may show it: control and formatting characters escaped, so that
/// it cannot forge a line of a log, and cut after [`Shown::MAX_CHARS`].
///
/// ```
/// use oidc_spa_native::rejection::Shown;
///
/// assert_eq!(Shown("key-1\r\n\u{202e}").to_string(), r"key-1\u{d}\u{a}\u{202e}");
/// ```
#[derive(Clone, Copy)]
pub struct Shown<'a>(pub &'a str);

impl Shown<'_> {
    /// Characters that are shown.
    pub const MAX_CHARS: usize = 256;
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.0.chars();
        for c in chars.by_ref().take(Self::MAX_CHARS) {
            if c.is_control() || reorders_text(c) {
                write!(f, "{}", c.escape_unicode())?;
            } else {
                f.write_char(c)?;
            }
        }
        if chars.next().is_some() { f.write_char('…') } else { Ok(()) }
    }
}

/// Characters that are invisible or change the direction of text, and line separators.
const fn reorders_text(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_7_descriptions_hold_only_characters_that_a_challenge_may_carry() {
        for code in Code::ALL {
            let row = code.row();
            assert!(
                row.description.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn every_name_is_lower_snake_and_stands_once() {
        for (i, code) in Code::ALL.iter().enumerate() {
            let name = code.row().name;
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert_eq!(Code::ALL.iter().position(|other| other.row().name == name), Some(i));
            assert_eq!(Code::from_name(name), Some(*code));
        }
    }

    #[test]
    fn b13_status_follows_the_error() {
        for code in Code::ALL {
            let row = code.row();
            let expected: &[u16] = match row.error {
                Some(OAuthError::InvalidRequest) => &[400],
                Some(OAuthError::InsufficientScope) => &[403],
                Some(_) => &[401],
                None => &[401, 503],
            };
            assert!(expected.contains(&row.status), "{}", row.name);
        }
    }

    #[test]
    fn the_advice_is_the_end_of_the_message() {
        let told = |message: &'static str, advice: &str| Code::KeyUnknown.because(message).advising(advice);
        for (message, advice, whole) in [
            ("It is wrong", "do this", "It is wrong; do this"),
            ("It is wrong", "Do this", "It is wrong. Do this"),
            ("It is wrong.", "Do this", "It is wrong. Do this"),
        ] {
            let rejection = told(message, advice);
            assert_eq!((rejection.message(), rejection.advice()), (whole, Some(advice)));
        }
        assert_eq!(told("A", "do b").advising("Then c").advice(), Some("do b. Then c"));
        assert_eq!(Code::KeyUnknown.because("A; do b").advice(), None);
    }

    #[test]
    fn o02_an_attackers_text_is_escaped_and_cut() {
        assert_eq!(Shown("a\n{\"level\":1}\u{1b}[31m").to_string(), "a\\u{a}{\"level\":1}\\u{1b}[31m");
        assert_eq!(Shown(&"x".repeat(10_000)).to_string().chars().count(), Shown::MAX_CHARS + 1);
    }
}
