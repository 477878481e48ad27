//! An http(s) URI without query and fragment, normalised by RFC 3986 sections 6.2.2 and 6.2.3.
//!
//! In: text: an `htu`, or the parts of a request.
//! Out: `TargetUri`, which compares as RFC 9449 section 4.3 says.
//! Never: a more lenient reading than the RFC, as WHATWG `URL` parsers have, which rewrite their input.

use std::fmt;

use super::white_space;

/// Bytes of a URI that are read.
const MAX_BYTES: usize = 8 * 1024;

/// The URI that a request went to, normalised.
///
/// ```
/// use oidc_spa_native::request::TargetUri;
///
/// let a = TargetUri::parse("HTTPS://API.example:443/v1/%69tems?x=1#top");
/// assert!(a.is_some());
/// assert_eq!(a, TargetUri::parse("https://api.example/v1/./items"));
/// assert_ne!(a, TargetUri::parse("https://api.example/v1/items/"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetUri {
    origin: Origin,
    path: String,
}

impl TargetUri {
    /// Reads an absolute http(s) URI; query and fragment are dropped. `None` if the text is not such a URI.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority, path) = split_absolute(text)?;
        Self::from_parts(Origin::parse(scheme, authority)?, path)
    }

    pub(super) fn from_parts(origin: Origin, path: &str) -> Option<Self> {
        Self::under(origin, "/", path)
    }

    /// Whether a proxy may have changed that URI into this one: it has another address, or it removes a prefix from the
    /// path.
    pub(crate) fn may_be_behind(&self, public: &Self) -> bool {
        public.path.ends_with(&self.path) && self != public
    }

    /// What stands before this URI's path in the one that a proxy made of it: what clients call this server. No proxy makes
    /// https of what clients call by http.
    pub(crate) fn base_behind(&self, public: &Self) -> Option<String> {
        if self.origin.scheme == UriScheme::Https && public.origin.scheme == UriScheme::Http {
            return None;
        }
        let prefix = public.path.strip_suffix(&self.path)?;
        Some(format!("{}{prefix}", public.origin))
    }

    pub(super) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// This URI as a base, followed by a path.
    pub(super) fn join(&self, path: &str) -> Option<Self> {
        Self::under(self.origin.clone(), &self.path, path)
    }

    /// A path after another one, which is in normal form. Dot segments cannot leave that one.
    pub(super) fn under(origin: Origin, base: &str, path: &str) -> Option<Self> {
        let path = match path {
            "" => base.to_owned(),
            path => base.trim_end_matches('/').to_owned() + &remove_dot_segments(&normalise_percent(path)?),
        };
        Some(Self { origin, path })
    }
}

impl fmt::Display for TargetUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UriScheme {
    Http,
    Https,
}

impl UriScheme {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            _ if name.eq_ignore_ascii_case("http") => Some(Self::Http),
            _ if name.eq_ignore_ascii_case("https") => Some(Self::Https),
            _ => None,
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Http => Self::Https,
            Self::Https => Self::Http,
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Scheme, host and port. The default port is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    scheme: UriScheme,
    host: String,
    port: Option<u16>,
}

impl Origin {
    /// Reads `host [":" port]`. No userinfo, no path, no percent-encoding, ASCII only (an IDN as its A-label).
    pub(super) fn parse(scheme: UriScheme, authority: &str) -> Option<Self> {
        let (host, port) = if authority.starts_with('[') {
            let end = authority.find(']')?;
            let (host, rest) = authority.split_at(end + 1);
            let address = host.trim_start_matches('[').trim_end_matches(']');
            address.parse::<std::net::Ipv6Addr>().ok()?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return None,
            }
        } else {
            let (host, port) = match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            };
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
            if host.is_empty() || host.len() > 255 || !host.bytes().all(allowed) {
                return None;
            }
            (host, port)
        };
        let port = match port {
            None | Some("") => None,
            Some(digits) => Some(parse_port(digits)?),
        };
        let port = port.filter(|port| *port != scheme.default_port());
        Some(Self { scheme, host: host.to_ascii_lowercase(), port })
    }

    /// Uses the port of a separate field if the host has no port.
    pub(super) fn set_missing_port(&mut self, port: &str) {
        if self.port.is_none() {
            self.port = parse_port(port).filter(|port| *port != self.scheme.default_port());
            self.drop_port_of_other_scheme();
        }
    }

    /// Port 80 beside https, and 443 beside http, count as the default port. A proxy that got the scheme from an outer
    /// proxy writes its own port, and servers do not use https on port 80.
    pub(super) fn drop_port_of_other_scheme(&mut self) {
        self.port = self.port.filter(|port| *port != self.scheme.other().default_port());
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            UriScheme::Http => "http",
            UriScheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// A port in its one spelling: no sign, no leading zero.
fn parse_port(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok() } else { None }
}

/// Scheme, authority and path of an absolute http(s) URI.
pub(super) fn split_absolute(text: &str) -> Option<(UriScheme, &str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = UriScheme::from_name(scheme)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    Some((scheme, authority, path_of(rest)))
}

/// The text before the query and the fragment.
pub(super) fn path_of(text: &str) -> &str {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    text.split_at(end).0
}

/// Joins the prefixes of a list. Each must be an absolute path without an empty or a dot segment, query or fragment.
/// One slash at its end is removed; an empty prefix does not count.
pub(super) fn join_prefixes(list: &str) -> Option<String> {
    let mut joined = String::new();
    for prefix in list.split(',').map(white_space::trim) {
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if prefix.is_empty() {
            continue;
        }
        let normal = normalise_percent(prefix.strip_prefix('/')?)?;
        if normal.contains(['?', '#']) || normal.split('/').any(|segment| matches!(segment, "" | "." | ".."))
        {
            return None;
        }
        joined.push('/');
        joined.push_str(&normal);
    }
    Some(joined)
}

/// Decodes the percent-encoded characters that need no encoding and writes the others with upper-case digits (RFC 3986
/// sections 6.2.2.1 and 6.2.2.2). `None` for characters that no URI can hold.
fn normalise_percent(path: &str) -> Option<String> {
    if path.len() > MAX_BYTES {
        return None;
    }
    let mut out = String::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                let decoded = u8::try_from(high * 16 + low).ok()?;
                if decoded.is_ascii_alphanumeric() || matches!(decoded, b'-' | b'.' | b'_' | b'~') {
                    out.push(char::from(decoded));
                } else {
                    out.push_str(&format!("%{decoded:02X}"));
                }
            }
            b'\\' => return None,
            0x21..=0x7e => out.push(char::from(byte)),
            _ => return None,
        }
    }
    Some(out)
}

/// RFC 3986 section 5.2.4, for a path that begins with a slash.
fn remove_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => {
                kept.push(segment);
                continue;
            }
        }
        if last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(htu: &str) -> bool {
        let expected = TargetUri::parse("https://api.example/v1/items");
        expected.is_some() && TargetUri::parse(htu) == expected
    }

    #[test]
    fn b2_14_equivalent_uris_compare_equal() {
        for htu in [
            "https://api.example/v1/items",
            "HTTPS://API.EXAMPLE/v1/items",
            "https://api.example:443/v1/items",
            "https://api.example:/v1/items",
            "https://api.example/v1/%69tems",
            "https://api.example/v1/./items",
            "https://api.example/v1/x/../items",
            "https://api.example/../v1/items",
            "https://api.example/v1/x/%2e%2E/items",
            "https://api.example/v1/items?x=1",
            "https://api.example/v1/items#f",
        ] {
            assert!(same(htu), "{htu}");
        }
    }

    #[test]
    fn k10_to_k35_other_uris_do_not() {
        for htu in [
            "https://api.example:0443/v1/items",
            "https://api.example:8443/v1/items",
            "http://api.example/v1/items",
            "https://api.example/v1/items/",
            "https://api.example/v1//items",
            "https://api.example//v1/items",
            "https://api.example/V1/items",
            "https://api.example/v1%2Fitems",
            "https://api.example/v1/%2569tems",
            "https://api.example/v1/%GG",
            "https://api.example/v1/items%",
            "https://api.example/v1/items%2",
            "https://u:p@api.example/v1/items",
            "https://api.example@evil.example/v1/items",
            "https:\\\\api.example\\v1\\items",
            "https://api.example/v1\\items",
            "https://api.example/v1/\titems",
            " https://api.example/v1/items",
            "https://api.example/v1/items ",
            "/v1/items",
            "//api.example/v1/items",
            "https:///v1/items",
            "https://api.example./v1/items",
            "ftp://api.example/v1/items",
            "https://bücher.example/v1/items",
            "",
        ] {
            assert!(!same(htu), "{htu}");
        }
        assert_eq!(TargetUri::parse(&format!("https://api.example/{}", "x".repeat(65_536))), None);
    }

    #[test]
    fn k12_k16_k17_k19_k30_k31_paths_and_hosts() {
        let parse = TargetUri::parse;
        assert_eq!(parse("https://api.example"), parse("https://api.example/"));
        assert_eq!(parse("https://a/%7Euser/%2f"), parse("https://a/~user/%2F"));
        assert_ne!(parse("https://a/x%3Ay"), parse("https://a/x:y"));
        assert_ne!(parse("https://a/x%40y"), parse("https://a/x@y"));
        assert_ne!(parse("https://127.0.0.1/"), parse("https://0x7f.1/"));
        assert_ne!(parse("https://127.0.0.1/"), parse("https://2130706433/"));
        assert_ne!(parse("https://[::1]/"), parse("https://[0:0:0:0:0:0:0:1]/"));
        assert!(parse("https://[::1]:8443/x").is_some_and(|uri| uri.to_string() == "https://[::1]:8443/x"));
        assert_eq!(parse("https://[evil]/"), None);
        assert_eq!(parse("https://[::1]x/"), None);
    }

    #[test]
    fn k42_prefixes_are_joined_where_each_is_a_path() {
        let joined = join_prefixes;
        for (list, expected) in [
            ("/api", "/api"),
            ("/api/", "/api"),
            (" /a , /b/c,", "/a/b/c"),
            ("/%61%2f", "/a%2F"),
            ("/...", "/..."),
            ("", ""),
            ("/", ""),
        ] {
            assert_eq!(joined(list).as_deref(), Some(expected), "{list}");
        }
        for list in [
            "api", "//a", "/a//b", "/a?x", "/a#x", "/a/../b", "/.", "/%2E%2e", "/a b", "/%", "\\a", "/a,b",
            "/é",
        ] {
            assert_eq!(joined(list), None, "{list}");
        }
    }

    #[test]
    fn k22_dot_segments_at_the_end_leave_a_slash() {
        let path = |text: &str| TargetUri::parse(text).map(|uri| uri.path);
        assert_eq!(path("https://a/b/c/.").as_deref(), Some("/b/c/"));
        assert_eq!(path("https://a/b/c/..").as_deref(), Some("/b/"));
        assert_eq!(path("https://a/..").as_deref(), Some("/"));
        assert_eq!(path("https://a/b/../../..").as_deref(), Some("/"));
        assert_eq!(path("https://a/...").as_deref(), Some("/..."));
    }
}
