//! The options for proxies: which proxies are trusted, and which of their fields are read.
//!
//! In: the members of the options.
//! Out: `ProxyTrust`, `CertificateField`.
//! Never: a forwarded field that is read although no proxy is trusted.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use oidc_spa_native::client_certificate::CertificateField;
use oidc_spa_native::jose::json::Value;
use oidc_spa_native::request::{ProxyTrust, TargetUri};

use super::reader::Reader;
use crate::options_error::OptionsError;

/// Bits before the IPv4 address in an IPv6 address that holds one (RFC 4291 section 2.5.5.2): `::ffff:10.0.0.1`.
const MAPPED_BITS: u8 = 96;

/// A network, or a single address as a network. A network of IPv4 addresses in IPv6 form counts as an IPv4 network,
/// like the addresses of connections. `None` for a network that holds all IPv4 addresses in IPv6 form and further IPv6
/// addresses, since this is a mistake. `::/0` is every IPv6 address.
fn network(text: &str) -> Option<IpNet> {
    let network: IpNet = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?;
    let IpNet::V6(v6) = network else { return Some(network) };
    match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(MAPPED_BITS)) {
        (Some(address), Some(bits)) => Ipv4Net::new(address, bits).ok().map(IpNet::V4),
        _ if v6.prefix_len() > 0 && v6.contains(&Ipv4Addr::UNSPECIFIED.to_ipv6_mapped()) => None,
        _ => Some(network),
    }
}

pub(super) fn proxy_trust(options: &Reader<'_>) -> Result<ProxyTrust, OptionsError> {
    let expected = "`true`, `false`, the number of proxies in front of this server, from 1 to 16, or a list of their \
                    addresses and networks, such as [\"10.0.0.0/8\"], without port, brackets or zone";
    let trust = match options.object.get("trustProxy") {
        None | Some(Value::Bool(false)) => ProxyTrust::Nobody,
        Some(Value::Bool(true)) => ProxyTrust::First,
        Some(Value::Number(hops)) if hops.fract() == 0.0 && (1.0..=16.0).contains(hops) => {
            ProxyTrust::Hops(*hops as u8)
        }
        Some(Value::Array(items)) => {
            let networks: Option<Vec<IpNet>> = items.iter().map(|item| network(item.as_str()?)).collect();
            let networks = networks.filter(|networks| !networks.is_empty());
            ProxyTrust::Networks(networks.ok_or_else(|| {
                let is_network = |item: &Value<'_>| item.as_str().and_then(network).is_some();
                options.unexpected_in("trustProxy", expected, is_network)
            })?)
        }
        Some(_) => return Err(options.unexpected("trustProxy", expected)),
    };
    match options.string("publicBaseUrl")? {
        None => Ok(trust),
        Some(_) if trust != ProxyTrust::Nobody => {
            Err(options.conflict("publicBaseUrl", "with it no forwarded field is read; leave trustProxy out"))
        }
        Some(url) => match TargetUri::parse(url).filter(|_| !url.contains(['?', '#'])) {
            Some(base) => Ok(ProxyTrust::PublicBaseUrl(base)),
            None => {
                let expected = "an absolute URL without query, such as \"https://api.example.com\"";
                Err(options.unexpected("publicBaseUrl", expected))
            }
        },
    }
}

pub(super) fn reads_forwarded_prefix(options: &Reader<'_>) -> Result<bool, OptionsError> {
    let reads = options.boolean("trustProxyPrefix", false)?;
    if reads && !proxy_trust(options)?.believes_somebody() {
        let conflict = options.conflict("trustProxyPrefix", "is of no use without `trustProxy`");
        return Err(conflict.hint("a `publicBaseUrl` holds the prefix itself"));
    }
    Ok(reads)
}

/// Whether the certificate of a connection is the client's. The option was checked before.
pub(super) fn reads_peer_certificate(options: &Reader<'_>) -> Result<bool, OptionsError> {
    certificate_field(options)?;
    Ok(options.object.get("clientCertificate").is_none_or(|value| value.as_str() == Some("socket")))
}

/// The source of client certificates. JavaScript reads the socket's certificate; only the field concerns the validator.
pub(super) fn certificate_field(options: &Reader<'_>) -> Result<CertificateField, OptionsError> {
    match options.object.get("clientCertificate") {
        None | Some(Value::Bool(false)) => Ok(CertificateField::Ignored),
        Some(value) => match value.as_str() {
            Some("socket") => Ok(CertificateField::Ignored),
            Some("header") if proxy_trust(options)?.believes_somebody() => {
                Ok(CertificateField::OfTrustedProxy)
            }
            Some("header") => {
                let rule = "\"header\" needs `trustProxy`, since any client can write the field";
                Err(options.conflict("clientCertificate", rule))
            }
            _ => Err(options.unexpected("clientCertificate", "\"socket\", \"header\" or `false`")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_network_is_one_of_ipv4() {
        for (text, expected) in [
            ("10.0.0.1", "10.0.0.1/32"),
            ("::ffff:10.0.0.1", "10.0.0.1/32"),
            ("::FFFF:a00:1", "10.0.0.1/32"),
            ("::ffff:10.0.0.1/128", "10.0.0.1/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("::1", "::1/128"),
            ("fd00::/8", "fd00::/8"),
            ("::10.0.0.1", "::a00:1/128"),
        ] {
            assert_eq!(network(text).map(|network| network.to_string()).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_would_be_believed_of_nobody_is_no_network() {
        for text in [
            "::ffff:0:0/95",
            "::ffff:10.0.0.0/8",
            "::/64",
            "::ffff:10.0.0.1/129",
            "10.0.0.1:80",
            "[::1]",
            "[fd00::1]:80",
            "fe80::1%eth0",
            "fe80::%eth0/10",
            "010.0.0.1",
            "10.0.0",
            " 10.0.0.1",
            "",
            "loopback",
        ] {
            assert_eq!(network(text), None, "{text}");
        }
    }
}
