//! The name of an issuer in the `iss` of its tokens; it need not be an address (RFC 7519 section 2).
//!
//! In: configuration, the `issuer` member of a JWK; a token's `iss` and `tid`.
//! Out: `IssuerName`, and whether a token holds it.
//! Never: a name that fits every issuer, a tenant that changes the rest of a name.

use std::borrow::Cow;

/// The placeholder of the tenant in a name.
pub(super) const TENANT: &str = "{tenantid}";

/// The two names in Google's ID tokens; Google's documentation asks to accept both.
const GOOGLE: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

/// A name of an issuer. `{tenantid}` in it stands for the `tid` claim of a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IssuerName(String);

/// How two names are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Exactly (RFC 7519 section 2).
    Letter,
    /// One trailing slash on either side aside: issuers and their documentation differ in this.
    SlashAside,
}

impl IssuerName {
    /// Any text as a name. A text that is not a name of an issuer equals no `iss`.
    pub(super) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Reads a StringOrURI (RFC 7519 section 2): any text, which must be a URI if it holds a colon. `None` for other
    /// texts, and for texts with invisible characters.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_plain = !text.is_empty() && text.trim() == text && !text.contains(char::is_control);
        let is_uri = || {
            let scheme = text.split(':').next().unwrap_or_default().as_bytes();
            scheme.first().is_some_and(u8::is_ascii_alphabetic)
                && scheme.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
                && !text.contains(char::is_whitespace)
        };
        (is_plain && (!text.contains(':') || is_uri())).then(|| Self::of(text))
    }

    /// Whether the text is the name of one issuer: what a token may hold in `iss`.
    pub(crate) fn is_one(text: &str) -> bool {
        Self::parse(text).is_some_and(|name| !name.is_template())
    }

    /// The other well-known names of an issuer of this name.
    pub fn well_known_aliases(&self) -> impl Iterator<Item = &'static str> {
        let is_google = GOOGLE.iter().any(|name| self.is(name));
        GOOGLE.into_iter().filter(move |name| is_google && !self.is(name))
    }

    /// The name, as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The compared part of the name: two names with the same part are the same name.
    pub fn compared(&self) -> &str {
        without_slash(&self.0)
    }

    /// Whether it stands for many names, one for each tenant.
    pub(crate) fn is_template(&self) -> bool {
        self.0.contains(TENANT)
    }

    /// Whether the text is this name, one trailing slash on either side aside.
    pub fn is(&self, text: &str) -> bool {
        without_slash(text) == self.compared()
    }

    /// Whether the text may be the `iss` of a token of this issuer: its name, with any tenant in the place of the template.
    pub(crate) fn may_be(&self, iss: &str) -> bool {
        match self.0.split_once(TENANT) {
            None => self.is(iss),
            Some((before, after)) => iss
                .strip_prefix(before)
                .and_then(|rest| without_slash(rest).strip_suffix(without_slash(after)))
                .is_some_and(is_tenant),
        }
    }

    /// Whether a token with this `iss` and `tid` names it: the template filled in, or the name itself. A template needs a
    /// tenant.
    pub(crate) fn names(&self, iss: &str, tid: Option<&str>, comparison: Comparison) -> bool {
        let Some(expected) = self.for_tenant(tid) else { return false };
        match comparison {
            Comparison::Letter => iss == expected,
            Comparison::SlashAside => without_slash(iss) == without_slash(&expected),
        }
    }

    fn for_tenant(&self, tid: Option<&str>) -> Option<Cow<'_, str>> {
        if !self.is_template() {
            return Some(Cow::Borrowed(&self.0));
        }
        tid.filter(|tid| is_tenant(tid)).map(|tid| Cow::Owned(self.0.replace(TENANT, tid)))
    }
}

/// A tenant's identifier. No character of it can change the rest of a URL.
fn is_tenant(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// The form in which names are compared if a slash at the end does not count.
pub(super) fn without_slash(text: &str) -> &str {
    text.strip_suffix('/').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_texts_and_uris() {
        for good in [
            "accounts.google.com",
            "http://adfs.example.com/adfs/services/trust",
            "urn:example:issuer",
            "https://as.example?x#f",
            "My Company",
            "did:web:as.example",
            "x-a+1.b:issuer",
            "https://login.example/{tenantid}/v2.0",
        ] {
            assert!(IssuerName::parse(good).is_some(), "{good}");
        }
        for bad in
            ["", " ", " a", "a ", "a\n", "a\u{0}b", "urn:a b", "127.0.0.1:8080", ":a", "a b:c", "a_b:c"]
        {
            assert!(IssuerName::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_template_is_filled_with_the_tokens_own_tenant() {
        let name = IssuerName::of("https://login.example/{tenantid}/v2.0");
        let names = |iss: &str, tid| name.names(iss, tid, Comparison::Letter);
        assert!(names("https://login.example/t-1/v2.0", Some("t-1")));
        for (iss, tid) in [
            ("https://login.example/t-1/v2.0", Some("t-2")),
            ("https://login.example/t-1/v2.0", None),
            ("https://login.example//v2.0", Some("")),
            ("https://login.example/a/b/v2.0", Some("a/b")),
            ("https://login.example/{tenantid}/v2.0", Some("{tenantid}")),
            ("https://login.example/t-1/v2.0/", Some("t-1")),
        ] {
            assert!(!names(iss, tid), "{iss} {tid:?}");
        }
        assert!(name.names("https://login.example/t-1/v2.0/", Some("t-1"), Comparison::SlashAside));
    }

    #[test]
    fn google_has_two_names_and_nobody_else_has() {
        let aliases = |text: &str| IssuerName::of(text).well_known_aliases().collect::<Vec<_>>();
        assert_eq!(aliases("https://accounts.google.com"), ["accounts.google.com"]);
        assert_eq!(aliases("https://accounts.google.com/"), ["accounts.google.com"]);
        assert_eq!(aliases("accounts.google.com"), ["https://accounts.google.com"]);
        for other in ["http://accounts.google.com", "https://accounts.google.com.example", "google.com"] {
            assert!(aliases(other).is_empty(), "{other}");
        }
    }
}
