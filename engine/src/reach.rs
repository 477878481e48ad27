//! How near an address is: in the internet, in a private network, or this machine.
//!
//! In: the addresses of a name or of a connection.
//! Out: their `Reach`, and whether it is within a bound.
//! Never: a connection; a decision by the text of a name, `localhost` aside (RFC 6761 section 6.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use ipnet::IpNet;
use url::{Host, Url};

/// How near an address is, from far to near. A server at one of these may name addresses that are as near or farther.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// An address of the internet.
    Public,
    /// An address of a private network (RFC 1918, RFC 4193, RFC 6598), or another address that no host of the internet
    /// has.
    Private,
    /// An address of the machine's link (RFC 3927), where clouds serve the credentials of their machines, or a
    /// multicast group.
    Link,
    /// This machine.
    Loopback,
}

/// The networks outside the internet. If several hold an address, the nearest counts.
const NETWORKS: [(&str, Reach); 38] = [
    ("0.0.0.0/8", Reach::Loopback),
    ("127.0.0.0/8", Reach::Loopback),
    ("::/128", Reach::Loopback),
    ("::1/128", Reach::Loopback),
    ("169.254.0.0/16", Reach::Link),
    ("fe80::/10", Reach::Link),
    ("224.0.0.0/4", Reach::Link),
    ("255.255.255.255/32", Reach::Link),
    ("ff00::/8", Reach::Link),
    // Further addresses with the function of 169.254.169.254: Azure, Alibaba, Oracle, AWS and Google over IPv6.
    ("168.63.129.16/32", Reach::Link),
    ("100.100.100.200/32", Reach::Link),
    ("192.0.0.192/32", Reach::Link),
    ("fd00:ec2::/32", Reach::Link),
    ("fd20:ce::/32", Reach::Link),
    ("10.0.0.0/8", Reach::Private),
    ("172.16.0.0/12", Reach::Private),
    ("192.168.0.0/16", Reach::Private),
    ("100.64.0.0/10", Reach::Private),
    ("fc00::/7", Reach::Private),
    ("fec0::/10", Reach::Private),
    // Addresses that no host of the internet has (RFC 6890): special purposes, documentation, benchmarks, future use.
    ("192.0.0.0/24", Reach::Private),
    ("192.0.2.0/24", Reach::Private),
    ("192.88.99.0/24", Reach::Private),
    ("198.18.0.0/15", Reach::Private),
    ("198.51.100.0/24", Reach::Private),
    ("203.0.113.0/24", Reach::Private),
    ("240.0.0.0/4", Reach::Private),
    ("::/8", Reach::Private),
    ("64:ff9b:1::/48", Reach::Private),
    ("100::/64", Reach::Private),
    ("2001::/32", Reach::Private),
    ("2001:2::/48", Reach::Private),
    ("2001:10::/28", Reach::Private),
    ("2001:20::/28", Reach::Private),
    ("2001:db8::/32", Reach::Private),
    ("3fff::/20", Reach::Private),
    ("5f00::/16", Reach::Private),
    ("0100:0:0:1::/64", Reach::Private),
];

static PARSED: LazyLock<Vec<(IpNet, Reach)>> = LazyLock::new(|| {
    NETWORKS.iter().filter_map(|(network, reach)| Some((network.parse().ok()?, *reach))).collect()
});

impl Reach {
    /// The reach of an address. An IPv6 address that holds an IPv4 address has the reach of the latter.
    pub fn of(address: IpAddr) -> Self {
        let address = match address {
            IpAddr::V6(v6) => embedded(v6).map_or(address, IpAddr::V4),
            IpAddr::V4(_) => address,
        };
        let found = PARSED.iter().filter(|(network, _)| network.contains(&address));
        found.map(|(_, reach)| *reach).max().unwrap_or(Self::Public)
    }

    /// The reach of a URL whose host is an address. `None` for a name, which must be resolved first.
    pub fn of_literal(url: &Url) -> Option<Self> {
        match url.host()? {
            Host::Ipv4(address) => Some(Self::of(address.into())),
            Host::Ipv6(address) => Some(Self::of(address.into())),
            Host::Domain(_) => None,
        }
    }

    /// The reach of a URL by its text alone, where the address of the connection is not known. A name counts as public,
    /// `localhost` aside, so that its documents name no nearer address.
    pub fn by_text(url: &Url) -> Self {
        let name = url.domain().unwrap_or_default();
        // A name may end with the dot of the root.
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_local = name == "localhost" || name.ends_with(".localhost");
        Self::of_literal(url).unwrap_or(if is_local { Self::Loopback } else { Self::Public })
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "a public address",
            Self::Private => "a private address",
            Self::Link => "a link-local address",
            Self::Loopback => "an address of this very machine",
        })
    }
}

/// The IPv4 address to which packets for an IPv6 address are sent in the end: mapped and translated addresses (RFC 4291
/// section 2.5.5, RFC 2765), NAT64 (RFC 6052), 6to4 (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => Some(v4(high, low)),
        [0, 0, 0, 0, 0xffff, 0, high, low] => Some(v4(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

/// The source of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlSource {
    /// The application.
    Configured,
    /// An issuer that was reached at such an address.
    OfIssuerAt(Reach),
}

/// The nearest addresses that may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bound {
    /// Any address, for URLs of the application.
    Anywhere,
    /// Only public addresses, by the application's option.
    Public,
    /// Addresses as near as the issuer that names them, and no nearer.
    AsNearAs(Reach),
}

impl Bound {
    /// The bound of a URL, by its source and the option `network.privateAddresses`.
    pub const fn of(private_addresses: Option<bool>, source: UrlSource) -> Self {
        match (private_addresses, source) {
            (Some(false), _) => Self::Public,
            (None, UrlSource::OfIssuerAt(reach)) => Self::AsNearAs(reach),
            _ => Self::Anywhere,
        }
    }

    /// Whether an address of this reach is within the bound.
    pub fn admits(self, reach: Reach) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Public => reach == Reach::Public,
            Self::AsNearAs(bound) => reach <= bound,
        }
    }

    /// Checks a URL whose host is an address, since no resolver is called for it.
    pub fn check_literal(self, url: &Url) -> Result<(), TooNear> {
        Reach::of_literal(url).map_or(Ok(()), |reach| self.check(url, reach))
    }

    /// Checks a URL by its text alone, where the addresses of its name are not known.
    pub fn check_text(self, url: &Url) -> Result<(), TooNear> {
        self.check(url, Reach::by_text(url))
    }

    fn check(self, url: &Url, reach: Reach) -> Result<(), TooNear> {
        if self.admits(reach) {
            return Ok(());
        }
        let found = url.host_str().unwrap_or_default().to_owned();
        Err(TooNear { found, reach, bound: self })
    }
}

/// Why a host is not reached: the found addresses, and how near they may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooNear {
    /// The host, and its address.
    pub found: String,
    /// How near it is.
    pub reach: Reach,
    /// How near it may be.
    pub bound: Bound,
}

impl fmt::Display for TooNear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, reach, bound } = self;
        write!(f, "{found} is {reach} and is not asked, since ")?;
        match bound {
            Bound::AsNearAs(issuer) => write!(
                f,
                "the issuer that names it is itself at {issuer}. If this is right, write the URL of the keys as \
                 `jwksUri`, or `network.privateAddresses: true`"
            ),
            _ => f.write_str("`network.privateAddresses` is `false`"),
        }
    }
}

impl std::error::Error for TooNear {}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(text: &str) -> Reach {
        Reach::of(text.parse().unwrap())
    }

    #[test]
    fn every_network_of_the_table_is_one() {
        assert_eq!(PARSED.len(), NETWORKS.len());
    }

    #[test]
    fn addresses_lead_where_they_lead_however_they_are_written() {
        for (reached, addresses) in [
            (
                Reach::Loopback,
                "127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 ::1 :: ::ffff:127.0.0.1 ::127.0.0.1",
            ),
            (Reach::Loopback, "64:ff9b::7f00:1 2002:7f00:1:: ::ffff:0:127.0.0.1 ::ffff:0.0.0.0"),
            (
                Reach::Link,
                "169.254.169.254 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::1 fe80::1",
            ),
            (Reach::Link, "224.0.0.1 255.255.255.255 ff02::1 168.63.129.16 100.100.100.200 fd00:ec2::254"),
            (Reach::Link, "fd20:ce::254 192.0.0.192"),
            (Reach::Private, "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.127.255.255"),
            (Reach::Private, "fc00::1 fdff::1 fec0::1 ::ffff:10.0.0.1 64:ff9b::a00:1 2002:c0a8:101::1"),
            (Reach::Private, "64:ff9b:1::a00:1 198.18.0.1 240.0.0.1 192.0.2.1 2001:db8::1 2001::1 100::1"),
            (
                Reach::Public,
                "1.1.1.1 172.15.0.1 172.32.0.1 100.63.0.1 100.128.0.1 192.167.1.1 11.0.0.1 169.253.1.1",
            ),
            (Reach::Public, "2606:4700::1111 64:ff9b::101:101 ::ffff:8.8.8.8 2002:808:808::1 2a00:1450::1"),
        ] {
            for address in addresses.split(' ') {
                assert_eq!(reach(address), reached, "{address}");
            }
        }
    }

    #[test]
    fn a_literal_is_read_as_a_browser_reads_it() {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "127.0.0.1.",
            "[::1]",
            "[::ffff:7f00:1]",
            "0",
        ] {
            let url = Url::parse(&format!("https://{host}/jwks")).unwrap();
            assert_eq!(Reach::of_literal(&url), Some(Reach::Loopback), "{host}");
        }
        // A zone is no part of a URL's host.
        assert!(Url::parse("https://[fe80::1%25eth0]/jwks").is_err());
        let name = Url::parse("https://127.0.0.1.example/jwks").unwrap();
        assert_eq!(Reach::of_literal(&name), None);
    }
}
