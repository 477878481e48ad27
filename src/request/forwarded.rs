//! The fields of trusted proxies (RFC 7239, and the older `X-Forwarded-*` fields).
//!
//! In: the forwarded fields, the connection's address, the proxies that the application trusts.
//! Out: scheme, host, port and path prefix as the client used them.
//! Never: a value that a trusted proxy cannot have written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::target_uri::{Origin, UriScheme};
use super::{ProxyTrust, RequestHead, white_space};

/// The forwarded values; each may be absent.
#[derive(Default)]
pub(super) struct Forwarded<'a> {
    pub(super) scheme: Option<UriScheme>,
    pub(super) host: Option<&'a str>,
    /// The port for a host without a port.
    pub(super) port: Option<&'a str>,
    /// The prefixes of the path that the trusted proxies removed, as a list.
    pub(super) prefix: Option<&'a str>,
}

impl<'a> Forwarded<'a> {
    /// `Forwarded` has priority over `X-Forwarded-*`, for each member. `None` if they name two schemes or two hosts:
    /// many proxies write one kind of fields and pass on the client's fields of the other kind. `authority` is that of
    /// the URL.
    pub(super) fn of(head: &RequestHead<'a>, authority: Option<&'a str>, trust: &ProxyTrust) -> Option<Self> {
        let position = Position::of(head, trust);
        let standard = Self::standard(head, position, trust)?;
        let common = Self::common(head, position, trust);
        if Self::are_disputed(head, authority, &standard, &common) {
            return None;
        }
        Some(Self {
            scheme: standard.scheme.or(common.scheme),
            host: standard.host.or(common.host),
            port: if standard.host.is_some() { None } else { common.port },
            prefix: common.prefix.filter(|_| !trust.is_of_oidc_spa()),
        })
    }

    /// A proxy that writes `X-Forwarded-*` without a host leaves `Host` unchanged. A framework may have made its URL
    /// from `Host`.
    fn are_disputed(
        head: &RequestHead<'a>,
        authority: Option<&'a str>,
        standard: &Self,
        common: &Self,
    ) -> bool {
        let written = [head.x_forwarded_proto, head.x_forwarded_for, head.x_forwarded_port];
        let writes_common = written.iter().any(Option::is_some);
        let host = common.host.or(head.host.or(authority).filter(|_| writes_common));
        let scheme = standard.scheme.or(common.scheme).unwrap_or(UriScheme::Https);
        standard.scheme.zip(common.scheme).is_some_and(|(a, b)| a != b)
            || (standard.host.is_some()
                && host.is_some()
                && standard.origin(scheme) != Self { host, ..*common }.origin(scheme))
    }

    fn origin(&self, scheme: UriScheme) -> Option<Origin> {
        let mut origin = Origin::parse(scheme, self.host?)?;
        if let Some(port) = self.port {
            origin.set_missing_port(port);
        }
        Some(origin)
    }

    /// RFC 7239. `None` if the field cannot be parsed, or has one parameter twice.
    fn standard(head: &RequestHead<'a>, position: Position, trust: &ProxyTrust) -> Option<Self> {
        let Some(list) = head.forwarded.filter(|_| !matches!(position, Position::None)) else {
            return Some(Self::default());
        };
        let elements = split_unquoted(list, ',')?;
        let read = |element: Option<&'a str>, name| element.map_or(Some(None), |text| parameter(text, name));
        let proto = read(position.scheme_among(elements.iter().copied()), "proto")?;
        Some(Self {
            scheme: proto.and_then(|name| scheme(name, trust)),
            host: read(position.value_among(elements.iter().copied()), "host")?,
            ..Self::default()
        })
    }

    /// The `X-Forwarded-*` fields, which are older than the RFC.
    fn common(head: &RequestHead<'a>, position: Position, trust: &ProxyTrust) -> Self {
        let value = |list: Option<&'a str>| position.value_among(list?.split(','));
        let proto = head.x_forwarded_proto.and_then(|list| position.scheme_among(list.split(',')));
        Self {
            scheme: proto.and_then(|name| scheme(name, trust)),
            host: value(head.x_forwarded_host),
            port: value(head.x_forwarded_port),
            prefix: head.x_forwarded_prefix.and_then(|list| position.tail_of(list)),
        }
    }
}

/// The scheme of this name. Some proxies write the scheme of the WebSocket for an upgrade (RFC 6455 section 3); it
/// means the same port of the same host. oidc-spa does not know these names.
fn scheme(name: &str, trust: &ProxyTrust) -> Option<UriScheme> {
    let name = name.trim_end_matches(':');
    match name {
        _ if trust.is_of_oidc_spa() => UriScheme::from_name(name),
        _ if name.eq_ignore_ascii_case("wss") => Some(UriScheme::Https),
        _ if name.eq_ignore_ascii_case("ws") => Some(UriScheme::Http),
        _ => UriScheme::from_name(name),
    }
}

/// The number of proxies of these networks in front of this server, in a row. A client of such a network counts as a
/// proxy: it is trusted.
pub(super) fn hops_through(head: &RequestHead<'_>, networks: &[IpNet]) -> usize {
    let is_trusted = |text: &str| {
        parse_address(text).is_some_and(|address| networks.iter().any(|network| network.contains(&address)))
    };
    if !head.remote_address.is_some_and(is_trusted) {
        return 0;
    }
    // Each proxy appends the address that its own connection came from: the last one is that of the next.
    let before = head.x_forwarded_for.into_iter().flat_map(|list| list.rsplit(','));
    1 + before.take_while(|text| is_trusted(white_space::trim(text))).count()
}

/// The position of the trusted proxy's value in a list field.
#[derive(Clone, Copy)]
enum Position {
    None,
    First,
    /// Counted from the last, which is 1.
    FromLast(usize),
    /// The same; the first value if there are fewer.
    FromLastOrFirst(usize),
}

impl Position {
    fn of(head: &RequestHead<'_>, trust: &ProxyTrust) -> Self {
        match trust {
            ProxyTrust::First | ProxyTrust::OidcSpa { trusts_proxies: true } => Self::First,
            ProxyTrust::Hops(hops) => Self::FromLast(usize::from(*hops)),
            ProxyTrust::Networks(networks) => match hops_through(head, networks) {
                0 => Self::None,
                hops => Self::FromLastOrFirst(hops),
            },
            ProxyTrust::Nobody | ProxyTrust::OidcSpa { .. } | ProxyTrust::PublicBaseUrl(_) => Self::None,
        }
    }

    /// Empty elements do not count (RFC 9110 section 5.6.1.2).
    fn value_among<'a>(self, elements: impl DoubleEndedIterator<Item = &'a str>) -> Option<&'a str> {
        let mut from_last = elements.rev().map(white_space::trim).filter(|value| !value.is_empty());
        match self {
            Self::None => None,
            Self::First => from_last.next_back(),
            Self::FromLast(n) => from_last.nth(n.checked_sub(1)?),
            Self::FromLastOrFirst(n) => from_last.take(n).last(),
        }
    }

    /// The same for a scheme. A single scheme counts for every proxy, since load balancers replace the scheme and
    /// append to other fields. A single host does not count: a client may have written it, and no proxy changed it.
    fn scheme_among<'a>(self, elements: impl DoubleEndedIterator<Item = &'a str> + Clone) -> Option<&'a str> {
        let is_alone = elements.clone().nth(1).is_none();
        match self {
            Self::FromLast(n) if is_alone => Self::FromLast(n.min(1)).value_among(elements),
            _ => self.value_among(elements),
        }
    }

    /// The values of a field to which each proxy adds its own value: that of the outermost trusted proxy and all later
    /// ones. There may be fewer values than proxies.
    fn tail_of(self, list: &str) -> Option<&str> {
        match self {
            Self::None | Self::FromLast(0) | Self::FromLastOrFirst(0) => None,
            Self::First => Some(list),
            Self::FromLast(n) | Self::FromLastOrFirst(n) => {
                let start = list.rmatch_indices(',').nth(n - 1).map_or(0, |(comma, _)| comma + 1);
                list.get(start..)
            }
        }
    }
}

/// An address as proxies and Node.js write one: with a port or without, an IPv6 address in brackets or without, with
/// the zone of a link-local address or without. An IPv4 address in IPv6 form counts as an IPv4 address.
fn parse_address(text: &str) -> Option<IpAddr> {
    let address: IpAddr = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
            is_port.then(|| without_zone(address).parse::<Ipv6Addr>().ok())??.into()
        }
        None => match text.split_once(':') {
            Some((address, port)) if is_port(port) => address.parse::<Ipv4Addr>().ok()?.into(),
            _ => without_zone(text).parse().ok()?,
        },
    };
    Some(address.to_canonical())
}

fn is_port(text: &str) -> bool {
    text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit())
}

/// An IPv6 address without its zone (RFC 4007 section 11), which says through which interface it is reached.
fn without_zone(address: &str) -> &str {
    address
        .split_once('%')
        .filter(|(address, _)| address.contains(':'))
        .map_or(address, |(address, _)| address)
}

/// A parameter of one element of `Forwarded` (RFC 7239 section 4), without quotes. `None` if it came twice, or if the
/// element cannot be parsed.
fn parameter<'a>(element: &'a str, name: &str) -> Option<Option<&'a str>> {
    let pairs = split_unquoted(element, ';')?;
    let mut values = pairs.iter().filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        white_space::trim(key).eq_ignore_ascii_case(name).then_some(white_space::trim(value))
    });
    let value = values.next();
    if values.next().is_some() {
        return None;
    }
    let unquoted =
        |value: &'a str| value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    Some(value.map(unquoted).filter(|value| !value.is_empty()))
}

/// The texts between separators outside quoted strings (RFC 9110 section 5.6.4). `None` if a quoted string does not
/// end: a client may have begun it, so that the proxy's value becomes a part of it.
fn split_unquoted(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = text.split(|c: char| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match c {
            _ if was_escaped => false,
            '\\' => {
                is_escaped = is_quoted;
                false
            }
            '"' => {
                is_quoted = !is_quoted;
                false
            }
            c => c == separator && !is_quoted,
        }
    });
    let parts: Vec<&str> = parts.collect();
    (!is_quoted).then_some(parts)
}
