//! Takes the place of the crate `idna` under the crate `url`, without the 130 KB of Unicode's tables.
//!
//! In: the name of a host. Out: the name in ASCII, as the URL Standard has it ("domain to ASCII").
//! Never: an own rule about Unicode. A name beyond ASCII, or with Punycode in it, goes to the program around, whose URL parser
//! follows the same standard. Without an answer there is no name.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

/// Gives a name in ASCII, or `None` for what is no name of a host.
pub type ToAscii = fn(&str) -> Option<String>;

static TO_ASCII: OnceLock<ToAscii> = OnceLock::new();

/// Says who knows Unicode. The first one stays.
pub fn install(to_ascii: ToAscii) {
    // A second one would say the same.
    let _ = TO_ASCII.set(to_ascii);
}

/// This is no name of a host.
#[derive(Debug)]
pub struct Errors;

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no name of a host")
    }
}

impl std::error::Error for Errors {}

/// The characters of ASCII that a name cannot have.
pub struct AsciiDenyList(());

impl AsciiDenyList {
    /// The forbidden domain code points of the URL Standard.
    pub const URL: Self = Self(());

    const fn denies(byte: u8) -> bool {
        byte <= b' '
            || byte == 0x7F
            || matches!(
                byte,
                b'%' | b'#' | b'/' | b':' | b'<' | b'>' | b'?' | b'@' | b'[' | b'\\' | b']' | b'^' | b'|'
            )
    }
}

/// "Domain to ASCII" of the URL Standard.
///
/// # Errors
///
/// The text is no name of a host.
pub fn domain_to_ascii_from_cow(domain: Cow<'_, [u8]>, _: AsciiDenyList) -> Result<Cow<'_, str>, Errors> {
    let text = match domain {
        Cow::Borrowed(bytes) => Cow::Borrowed(str::from_utf8(bytes).map_err(|_| Errors)?),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).map_err(|_| Errors)?),
    };
    // Also what goes to the program around has none of these: its parser would read more than a name there.
    if text.bytes().any(AsciiDenyList::denies) {
        return Err(Errors);
    }
    if text.is_ascii() && !text.split('.').any(is_punycode) {
        return Ok(if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            text
        });
    }
    let to_ascii = TO_ASCII.get().ok_or(Errors)?;
    let name = to_ascii(&text).ok_or(Errors)?;
    if name.is_ascii() && !name.bytes().any(AsciiDenyList::denies) {
        Ok(Cow::Owned(name))
    } else {
        Err(Errors)
    }
}

fn is_punycode(label: &str) -> bool {
    label.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn--"))
}

/// The name as it is: nobody here shows a name in Unicode.
pub fn domain_to_unicode(domain: &str) -> (String, Result<(), Errors>) {
    (domain.to_owned(), Ok(()))
}
