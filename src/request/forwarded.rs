//! What the trusted proxies say of a request (RFC 7239, and the `X-Forwarded-*` fields that came before it).
//!
//! In: the forwarded fields, the connection's address, whom the application trusts.
//! Out: scheme, host, port and path prefix as the client used them.
//! May use: target_uri.
//! Never: a value that no trusted proxy can have written.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::target_uri::{Origin, UriScheme};
use super::{ProxyTrust, RequestHead};

/// What is forwarded, as far as anything is.
#[derive(Default)]
pub(super) struct Forwarded<'a> {
    pub(super) scheme: Option<UriScheme>,
    pub(super) host: Option<&'a str>,
    /// For a host without one.
    pub(super) port: Option<&'a str>,
    /// The prefixes of the path that the trusted proxies took off, as a list.
    pub(super) prefix: Option<&'a str>,
}

impl<'a> Forwarded<'a> {
    /// `Forwarded` goes before `X-Forwarded-*`, member by member.
    pub(super) fn of(head: &RequestHead<'a>, trust: &ProxyTrust) -> Self {
        let position = Position::of(head, trust);
        let (standard, common) = (Self::standard(head, position), Self::common(head, position));
        Self {
            scheme: standard.scheme.or(common.scheme),
            host: standard.host.or(common.host),
            port: if standard.host.is_some() { None } else { common.port },
            prefix: common.prefix,
        }
    }

    /// Whether the two kinds of fields tell of two schemes or two hosts. A proxy that writes `X-Forwarded-*` and no host
    /// among them leaves `Host` as it was.
    pub(super) fn is_disputed(head: &RequestHead<'a>, trust: &ProxyTrust) -> bool {
        let position = Position::of(head, trust);
        let (standard, mut common) = (Self::standard(head, position), Self::common(head, position));
        if common.host.is_none() && (head.x_forwarded_proto.is_some() || head.x_forwarded_for.is_some()) {
            common.host = head.host;
        }
        let scheme = standard.scheme.or(common.scheme).unwrap_or(UriScheme::Https);
        standard.scheme.zip(common.scheme).is_some_and(|(a, b)| a != b)
            || (standard.host.is_some()
                && common.host.is_some()
                && standard.origin(scheme) != common.origin(scheme))
    }

    fn origin(&self, scheme: UriScheme) -> Option<Origin> {
        let mut origin = Origin::parse(scheme, self.host?)?;
        if let Some(port) = self.port {
            origin.set_missing_port(port);
        }
        Some(origin)
    }

    /// RFC 7239.
    fn standard(head: &RequestHead<'a>, position: Position) -> Self {
        let Some(element) = head.forwarded.and_then(|list| position.value_of(list)) else {
            return Self::default();
        };
        Self {
            scheme: parameter(element, "proto").and_then(scheme),
            host: parameter(element, "host"),
            ..Self::default()
        }
    }

    /// The fields that are older than the RFC.
    fn common(head: &RequestHead<'a>, position: Position) -> Self {
        let value = |list: Option<&'a str>| list.and_then(|list| position.value_of(list));
        Self {
            scheme: value(head.x_forwarded_proto).and_then(scheme),
            host: value(head.x_forwarded_host),
            port: value(head.x_forwarded_port),
            prefix: head.x_forwarded_prefix.and_then(|list| position.tail_of(list)),
        }
    }
}

fn scheme(name: &str) -> Option<UriScheme> {
    UriScheme::from_name(name.trim_end_matches(':'))
}

/// How many proxies of these networks stand in front of this server, one behind the other. A client of such a network
/// counts as one: it is trusted.
pub(super) fn hops_through(head: &RequestHead<'_>, networks: &[IpNet]) -> usize {
    let is_trusted = |text: &str| {
        parse_address(text).is_some_and(|address| networks.iter().any(|network| network.contains(&address)))
    };
    if !head.remote_address.is_some_and(is_trusted) {
        return 0;
    }
    // Each proxy appends the address that its own connection came from: the last one is that of the next.
    let before = head.x_forwarded_for.into_iter().flat_map(|list| list.rsplit(','));
    1 + before.take_while(|text| is_trusted(text.trim())).count()
}

/// Which value of a list field the trusted proxy wrote.
#[derive(Clone, Copy)]
enum Position {
    None,
    First,
    /// Counted from the last, which is 1.
    FromLast(usize),
    /// The same, and the first where there are fewer.
    FromLastOrFirst(usize),
}

impl Position {
    fn of(head: &RequestHead<'_>, trust: &ProxyTrust) -> Self {
        match trust {
            ProxyTrust::First => Self::First,
            ProxyTrust::Hops(hops) => Self::FromLast(usize::from(*hops)),
            ProxyTrust::Networks(networks) => match hops_through(head, networks) {
                0 => Self::None,
                hops => Self::FromLastOrFirst(hops),
            },
            ProxyTrust::Nobody | ProxyTrust::PublicBaseUrl(_) => Self::None,
        }
    }

    fn value_of(self, list: &str) -> Option<&str> {
        // Empty elements are none (RFC 9110 section 5.6.1.2).
        let mut from_last = list.rsplit(',').map(str::trim).filter(|value| !value.is_empty());
        match self {
            Self::None => None,
            Self::First => from_last.next_back(),
            Self::FromLast(n) => from_last.nth(n.checked_sub(1)?),
            Self::FromLastOrFirst(n) => from_last.take(n).last(),
        }
    }

    /// The values of a field to which each proxy adds what it did itself: that of the outermost trusted proxy and all
    /// behind it. There may be fewer than proxies.
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

/// An address, with or without a port. An IPv4 address that came over IPv6 is an IPv4 address.
fn parse_address(text: &str) -> Option<IpAddr> {
    let address = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip())).ok();
    address.map(|address: IpAddr| address.to_canonical())
}

/// A parameter of one element of `Forwarded` (RFC 7239 section 4), quotes taken off.
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let value = element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })?;
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    (!value.is_empty()).then_some(value)
}
