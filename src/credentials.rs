//! Header fields to credentials (RFC 9110 section 11, RFC 6750 section 2.1, RFC 9449 section 7.1).
//!
//! In: the `Authorization` and `DPoP` fields.
//! Out: `Credentials`.
//! Never: decoding a token, the form body or the query string as a source of one.

use std::fmt;

use crate::rejection::{Code, Rejection};
use crate::request::white_space;
use crate::scheme::Scheme;

/// A header field that may come once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// It did not come.
    Absent,
    /// It came once.
    Once(&'a str),
    /// It came more than once.
    Repeated,
}

/// The credentials of a client: an access token, and for DPoP a proof.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// How the token was presented, with the proof if the scheme needs one.
    pub presentation: Presentation<'a>,
    /// The access token, as sent.
    pub access_token: &'a str,
    /// Its position in the `Authorization` field, in bytes; zero if it came without the field.
    pub token_begin: usize,
}

/// How an access token was presented.
#[derive(Clone, Copy)]
pub enum Presentation<'a> {
    /// As a bearer token (RFC 6750).
    Bearer {
        /// Accept a token that is bound to a DPoP key. Only an application of the drop-in can ask for this, never a
        /// header field.
        even_if_bound: bool,
    },
    /// With a proof of possession (RFC 9449).
    DPoP {
        /// The proof, as sent.
        proof: &'a str,
    },
}

impl Presentation<'_> {
    /// The scheme that was used.
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::Bearer { .. } => Scheme::Bearer,
            Self::DPoP { .. } => Scheme::DPoP,
        }
    }
}

impl<'a> Credentials<'a> {
    /// Reads the credentials of a request. A field without a value counts as absent, for every kind of request. For
    /// malformed fields it returns the reason, and the client's scheme if it is known.
    pub fn parse(authorization: Field<'a>, dpop: Field<'a>) -> Result<Self, (Rejection, Option<Scheme>)> {
        let value = match authorization {
            Field::Absent => {
                let rejection = credentials_missing("No Authorization header").advising(
                    "The client sends its access token as \"Authorization: Bearer\" and the token; if it did, a proxy in front of \
                     this server takes the header off",
                );
                return Err((rejection, None));
            }
            Field::Repeated => {
                let message = "More than one Authorization header; a request carries one";
                return Err((Code::CredentialsRepeated.because(message), None));
            }
            Field::Once(value) => white_space::trim_end(value),
        };
        let credentials = white_space::trim(value);
        if credentials.is_empty() {
            let advice = "The client sends its access token in it, as \"Bearer\" and the token";
            return Err((credentials_missing("The Authorization header is empty").advising(advice), None));
        }
        let malformed = |token: &str| (Code::CredentialsMalformed.because(what_is_malformed(token)), None);
        let (name, rest) = credentials.split_once(' ').unwrap_or((credentials, ""));
        if name.is_empty() || !name.bytes().all(is_token_char) {
            return Err(malformed(rest));
        }
        let Some(scheme) = Scheme::from_name(name) else {
            return Err((unsupported_scheme(name, rest), None));
        };
        // 1*SP between the scheme and its token68 (RFC 9110 section 11.4); a tab is not a space.
        let access_token = rest.trim_start_matches(' ');
        if !is_token68(access_token) {
            return Err(malformed(access_token));
        }
        let presentation = match scheme {
            Scheme::Bearer => Presentation::Bearer { even_if_bound: false },
            Scheme::DPoP => match dpop {
                Field::Absent => return Err((proof_missing(), Some(scheme))),
                Field::Repeated => return Err((proof_repeated(), Some(scheme))),
                Field::Once(proof) => Presentation::DPoP { proof },
            },
        };
        Ok(Self { presentation, access_token, token_begin: value.len() - access_token.len() })
    }
}

#[cold]
fn credentials_missing(message: &'static str) -> Rejection {
    Code::CredentialsMissing.because(message)
}

/// The text in the place of the scheme. A text that is longer than the names of schemes is not shown, since it may be a
/// token.
#[cold]
fn unsupported_scheme(name: &str, rest: &str) -> Rejection {
    let sentence = "Unsupported scheme, expected Bearer or DPoP";
    if rest.is_empty() {
        Code::SchemeUnsupported
            .because(format!("{sentence}: the client sent a token without its scheme"))
            .advising("write \"Bearer \" and the token")
    } else if name.len() <= MAX_SHOWN_SCHEME && name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        Code::SchemeUnsupported
            .because(format!("{sentence}, got {name}"))
            .advising("write \"Bearer \" and the access token")
    } else {
        Code::SchemeUnsupported
            .because(sentence)
            .advising("write \"Bearer \" and the token, and nothing before or behind it")
    }
}

/// `Negotiate` and `SCRAM-SHA-256` are among the longest.
const MAX_SHOWN_SCHEME: usize = 9;

/// Describes the common mistakes of clients in the place of the token. The text itself is not shown, since it may hold
/// a token.
#[cold]
fn what_is_malformed(found: &str) -> &'static str {
    let names_a_scheme = found.split_once(' ').is_some_and(|(name, _)| Scheme::from_name(name).is_some());
    match found.chars().next() {
        None => "Malformed Authorization header: no access token follows the scheme",
        _ if names_a_scheme => {
            "Malformed Authorization header: the scheme stands twice in it, as in \"Bearer Bearer\"; what the client takes for \
             its access token begins with a scheme already"
        }
        _ if found.starts_with("[object ") => {
            "Malformed Authorization header: the client sent a JavaScript object in the place of an access token; it may have \
             forgotten to await it, or to take the text out of it"
        }
        Some('"' | '\'' | '<' | '{' | '$') => {
            "Malformed Authorization header: the access token stands in quotes or brackets, or a template was not filled in"
        }
        Some(_) => {
            "Malformed Authorization header: expected a scheme, one space and one access token, and nothing behind it"
        }
    }
}

/// Several proofs (RFC 9449 section 4.3, check 1), in several fields or joined in one.
pub(crate) fn proof_repeated() -> Rejection {
    Code::ProofRepeated.because("More than one DPoP proof; a request carries one")
}

pub(crate) fn proof_missing() -> Rejection {
    Code::ProofMissing.because("Scheme DPoP was specified but the DPoP header is missing")
}

/// RFC 9110 section 5.6.2.
const fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

/// RFC 9110 section 11.2.
fn is_token68(text: &str) -> bool {
    let unpadded = text.trim_end_matches('=').as_bytes();
    // Without an early return: tokens are long, and nearly all are well formed.
    let (words, rest) = unpadded.as_chunks();
    let words =
        words.iter().fold(HIGH_BITS, |all, word| all & high_bits_of_token68(u64::from_ne_bytes(*word)));
    !unpadded.is_empty() & (words == HIGH_BITS) & rest.iter().copied().all(is_token68_char)
}

const fn is_token68_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

const HIGH_BITS: u64 = each(0x80);

/// The same byte eight times.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// [`is_token68_char`] of eight bytes at once, in the highest bit of each: WebAssembly has no vectors here, and a comparison
/// for each byte took it 6 % of a verdict. No sum carries into the next byte.
const fn high_bits_of_token68(bytes: u64) -> u64 {
    const fn is_from(bytes: u64, least: u8) -> u64 {
        bytes + each(0x80 - least)
    }
    const fn is_not(bytes: u64, byte: u8) -> u64 {
        (bytes ^ each(byte)) + each(0x7f)
    }
    let ascii = bytes & each(0x7f);
    let lower = ascii | each(0x20);
    let letters = is_from(lower, b'a') & !is_from(lower, b'z' + 1);
    // In ASCII these stand in a row: - . / 0 to 9.
    let row = is_from(ascii, b'-') & !is_from(ascii, b'9' + 1);
    let others = !(is_not(ascii, b'_') & is_not(ascii, b'~') & is_not(ascii, b'+'));
    (letters | row | others) & !bytes & HIGH_BITS
}

// Credentials must not end up in a log.
impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Once(_) => "Once(..)",
            Self::Repeated => "Repeated",
        })
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({} ..)", self.presentation.scheme().name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(value: &str) -> Option<Code> {
        Credentials::parse(Field::Once(value), Field::Absent).err().map(|(rejection, _)| rejection.code())
    }

    #[test]
    fn b3_5_b4_1_the_scheme_is_read_in_any_case() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c", " Bearer   a.b.c ", "Bearer a.b.c=="] {
            assert_eq!(code(value), None, "{value}");
        }
    }

    #[test]
    fn i05_i07_i08_i09_i18_i19_b18_b19_malformed_credentials() {
        for value in [
            "Bearer",
            "Bearer ",
            "Bearer a.b.c\u{a0}",
            "\u{a0}Bearer a.b.c",
            "\u{a0}",
            "Bearer a.b.c\u{85}",
            "Bearer a.b.c\u{b}",
            "Bearer a.b.c,",
            ", Bearer a.b.c",
            ", ",
            "Bearer\ta.b.c",
            "Bearer\u{a0}a",
            "Bearer \ta",
            "Bearer a, DPoP b",
            "Bearer a;x",
            "Bearer a b",
            "Bearer \"a\"",
            "Bearer Bearer a",
            "Bearer \u{feff}a",
            "Bearer é",
            "Bearer a\r\nX: y",
            "Bearer a\0",
            "Bearer =",
            "Bearer a=b",
            "(",
            "Bearer a, Bearer b",
        ] {
            assert_eq!(code(value), Some(Code::CredentialsMalformed), "{value:?}");
        }
    }

    /// Eight characters are looked at together, so each one is tried in each place, and behind the last eight.
    #[test]
    fn a_token_has_the_characters_of_rfc_9110_and_no_others_wherever_they_stand() {
        for c in ('\0'..='\u{ff}').chain(['\u{100}', '\u{feff}', '\u{10ffff}']).filter(|c| *c != ' ') {
            let is_allowed = c.is_ascii_alphanumeric() || "-._~+/".contains(c);
            for before in 1..=18 {
                let value = format!("Bearer {}{c}{}", "a".repeat(before), "z".repeat(19 - before));
                let expected = (!is_allowed).then_some(Code::CredentialsMalformed);
                assert_eq!(code(&value), expected, "{c:?} behind {before} others");
            }
        }
    }

    #[test]
    fn a_token_without_its_scheme_is_told_without_repeating_it() {
        let message = |value: &str| {
            let refusal = Credentials::parse(Field::Once(value), Field::Absent).err();
            refusal.map(|(rejection, _)| rejection.message().to_owned()).unwrap_or_default()
        };
        let sentence = "Unsupported scheme, expected Bearer or DPoP";
        let text = message("secretsecret.b.c");
        assert!(text.starts_with(sentence) && text.contains("write \"Bearer \" and the token"), "{text}");
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(
            message("Basic c2VjcmV0"),
            format!("{sentence}, got Basic; write \"Bearer \" and the access token")
        );
        assert!(!message("secretsecret x").contains("secret"));
        assert!(!message("secret.b x").contains("secret"));
    }

    #[test]
    fn what_clients_send_by_mistake_is_told_without_repeating_it() {
        let message = |value: &str| {
            let refusal = Credentials::parse(Field::Once(value), Field::Absent).err();
            refusal.map(|(rejection, _)| rejection.message().to_owned()).unwrap_or_default()
        };
        for (value, part) in [
            ("Bearer ", "no access token follows"),
            ("Bearer", "no access token follows"),
            ("Bearer Bearer a.b.c", "the scheme stands twice"),
            ("bearer DPoP a.b.c", "the scheme stands twice"),
            ("Bearer [object Object]", "a JavaScript object"),
            ("Bearer [object Promise]", "a JavaScript object"),
            ("Bearer \"secret.b.c\"", "in quotes"),
            ("Bearer {{secret}}", "in quotes or brackets"),
            ("Bearer ${secret}", "in quotes or brackets"),
            ("Bearer secret.b.c, DPoP d", "nothing behind it"),
            ("Bearer secret.b.c d", "nothing behind it"),
        ] {
            let message = message(value);
            assert!(
                message.starts_with("Malformed Authorization header: ") && message.contains(part),
                "{message}"
            );
            assert!(!message.contains("secret"), "{message}");
        }
        // A single word may be a token: the parser of tokens reports its fault.
        assert_eq!(message("Bearer undefined"), "");
    }

    #[test]
    fn i02_another_scheme_is_challenged_without_error() {
        for value in
            ["Basic dXNlcjpwYXNz", "Negotiate", "Bearerx a.b.c", "Digest username=\"x\", realm=\"y\""]
        {
            assert_eq!(code(value), Some(Code::SchemeUnsupported), "{value}");
        }
    }

    #[test]
    fn i10_b3_1_two_authorization_fields() {
        let result = Credentials::parse(Field::Repeated, Field::Absent);
        assert_eq!(result.err().map(|(r, _)| r.code()), Some(Code::CredentialsRepeated));
    }

    #[test]
    fn an_empty_field_is_no_credentials() {
        for value in ["", " ", "\t", " \t "] {
            assert_eq!(code(value), Some(Code::CredentialsMissing), "{value:?}");
        }
        let repeated = Credentials::parse(Field::Repeated, Field::Absent).err();
        assert_eq!(repeated.map(|(rejection, _)| rejection.code()), Some(Code::CredentialsRepeated));
    }

    #[test]
    fn white_space_around_a_field_is_none_of_it() {
        for value in ["Bearer a.b.c", "\tBearer a.b.c", " \t Bearer  a.b.c\t ", "Bearer a.b.c "] {
            let Ok(credentials) = Credentials::parse(Field::Once(value), Field::Absent) else {
                panic!("{value:?}")
            };
            assert_eq!(credentials.access_token, "a.b.c");
            assert_eq!(
                value.get(credentials.token_begin..credentials.token_begin + 5),
                Some("a.b.c"),
                "{value:?}"
            );
        }
    }

    #[test]
    fn b2_6_b2_20_dpop_takes_exactly_one_proof() {
        let parse = |dpop| Credentials::parse(Field::Once("DPoP a.b.c"), dpop);
        assert_eq!(parse(Field::Absent).err().map(|(r, _)| r.code()), Some(Code::ProofMissing));
        assert_eq!(parse(Field::Repeated).err().map(|(r, _)| r.code()), Some(Code::ProofRepeated));
        assert!(parse(Field::Once("p.q.r")).is_ok());
    }

    #[test]
    fn n04_a_stray_proof_beside_a_bearer_token_is_ignored() {
        assert!(Credentials::parse(Field::Once("Bearer a.b.c"), Field::Repeated).is_ok());
    }

    #[test]
    fn o11_debug_shows_no_token() {
        let credentials = Credentials::parse(Field::Once("Bearer secret"), Field::Absent);
        assert!(!format!("{credentials:?} {:?}", Field::Once("secret")).contains("secret"));
    }
}
