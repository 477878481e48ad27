//! A received request to the URI that the client saw (RFC 9110 section 7.1, RFC 7239).
//!
//! In: method, request target, connection, `Host` and forwarded fields; the proxies that the application trusts. Out:
//! `TargetUri`. Never: a token, a forwarded field of a sender that is not trusted.

mod forwarded;
mod proxy_trust;
mod target_uri;
pub(crate) mod white_space;

pub use proxy_trust::ProxyTrust;
pub use target_uri::TargetUri;

use forwarded::Forwarded;
use target_uri::{Origin, UriScheme};

use crate::rejection::{Code, Rejection, Shown};

/// A request as it arrived.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestHead<'a> {
    /// The method, in its original case.
    pub method: &'a str,
    /// The request target (RFC 9112 section 3.2), or the absolute URL that the program or its framework made.
    pub url: &'a str,
    /// `http` or `https`, by the connection; `None` if the caller does not know it. If it is known, the client wrote
    /// `url`.
    pub connection_scheme: Option<&'a str>,
    /// `Host` or `:authority`.
    pub host: Option<&'a str>,
    /// More than one `Host` came.
    pub host_repeated: bool,
    /// `Forwarded` (RFC 7239).
    pub forwarded: Option<&'a str>,
    /// `X-Forwarded-Proto`.
    pub x_forwarded_proto: Option<&'a str>,
    /// `X-Forwarded-Host`.
    pub x_forwarded_host: Option<&'a str>,
    /// `X-Forwarded-Port`.
    pub x_forwarded_port: Option<&'a str>,
    /// `X-Forwarded-For`.
    pub x_forwarded_for: Option<&'a str>,
    /// The address that the connection comes from.
    pub remote_address: Option<&'a str>,
    /// `X-Forwarded-Prefix`: the prefixes that the proxies removed from the path, outermost first.
    pub x_forwarded_prefix: Option<&'a str>,
    /// The client's certificate, in DER, from the server or program that ended its TLS.
    pub peer_certificate: Option<&'a [u8]>,
    /// `Client-Cert` (RFC 9440).
    pub client_cert: Option<&'a str>,
}

impl RequestHead<'_> {
    /// The same, without `X-Forwarded-Prefix` unless the application says that its proxies write it: many proxies pass
    /// on the client's field.
    #[must_use]
    pub(crate) fn with_prefix_if(self, is_written_by_proxies: bool) -> Self {
        let x_forwarded_prefix = self.x_forwarded_prefix.filter(|_| is_written_by_proxies);
        Self { x_forwarded_prefix, ..self }
    }

    /// The URI that the client saw. Refused if trusted sources name two different ones.
    pub fn target_uri(&self, trust: &ProxyTrust) -> Result<TargetUri, Rejection> {
        let Url { authority, path } = self.split_url()?;
        if let ProxyTrust::PublicBaseUrl(base) = trust {
            self.check_absolute_form(authority, base.origin())?;
            return base.join(path).ok_or_else(|| self.unusable("path"));
        }
        let forwarded = Forwarded::of(self, authority.map(|(_, authority)| authority), trust).ok_or_else(|| {
            Code::ProofUriMismatch.because(
                "Forwarded contradicts itself, X-Forwarded-Host or -Proto, or Host where only the others came: let the \
                 proxy remove the fields that it does not write",
            )
        })?;
        let origin = self.origin(&forwarded, authority, trust)?;
        self.check_absolute_form(authority, &origin)?;
        let prefix = match forwarded.prefix.map(target_uri::join_prefixes) {
            None => String::new(),
            Some(Some(prefix)) => prefix,
            Some(None) => return Err(self.unusable("X-Forwarded-Prefix, which is not a path,")),
        };
        TargetUri::under(origin, &(prefix + "/"), path).ok_or_else(|| self.unusable("path"))
    }

    /// Scheme, host and port, from the most trusted source.
    fn origin(
        &self,
        forwarded: &Forwarded<'_>,
        authority: Option<(UriScheme, &str)>,
        trust: &ProxyTrust,
    ) -> Result<Origin, Rejection> {
        let scheme = forwarded
            .scheme
            .or_else(|| self.connection_scheme.and_then(UriScheme::from_name))
            .or_else(|| authority.map(|(scheme, _)| scheme))
            .ok_or_else(|| {
                Code::ProofUriMismatch.because(
                    "The URL of the request is not known: pass an absolute `url`, or set `publicBaseUrl`",
                )
            })?;
        // An absolute-form target of a client must name the host that is known without it. A URL of the program decides
        // the host.
        let of_program =
            authority.filter(|_| self.connection_scheme.is_none()).map(|(_, authority)| authority);
        let host = match (forwarded.host, of_program, self.host) {
            (Some(host), ..) | (None, Some(host), _) => host,
            (None, None, _) if self.host_repeated => {
                return Err(self.unusable("Host header, which came twice,"));
            }
            (None, None, host) => host.ok_or_else(|| self.unusable("missing Host header"))?,
        };
        let parse = |host| {
            Origin::parse(scheme, host).ok_or_else(|| {
                Code::ProofUriMismatch.because(format!("The Host \"{}\" is not a host", Shown(host)))
            })
        };
        let mut origin = parse(host)?;
        // A framework builds its URL from Host or from its own settings. oidc-spa reads the URL alone.
        let beside_url = self.host.filter(|_| forwarded.host.is_none() && of_program.is_some());
        if beside_url
            .filter(|_| !trust.is_of_oidc_spa())
            .map(parse)
            .transpose()?
            .is_some_and(|other| other != origin)
        {
            return Err(Code::ProofUriMismatch.because(
                "The URL of the request names another host than its Host header: set `publicBaseUrl`",
            ));
        }
        if !trust.is_of_oidc_spa() && forwarded.scheme.is_some() {
            origin.drop_port_of_other_scheme();
        }
        if let (Some(_), Some(port)) = (forwarded.host, forwarded.port) {
            origin.set_missing_port(port);
        }
        Ok(origin)
    }

    /// Refuses an absolute-form request target (RFC 9112 section 3.2.2) that names another origin. Only a target that
    /// the client wrote counts: a program may pass its internal URL.
    fn check_absolute_form(
        &self,
        authority: Option<(UriScheme, &str)>,
        origin: &Origin,
    ) -> Result<(), Rejection> {
        match authority {
            Some((scheme, authority))
                if self.connection_scheme.is_some()
                    && Origin::parse(scheme, authority).as_ref() != Some(origin) =>
            {
                Err(Code::ProofUriMismatch.because(format!(
                    "The request target names another origin, \"{}\", than this server has",
                    Shown(authority)
                )))
            }
            _ => Ok(()),
        }
    }

    /// Whether the application trusts the peer of the connection, so that fields of a proxy count.
    pub(crate) fn is_from_trusted_proxy(&self, trust: &ProxyTrust) -> bool {
        match trust {
            ProxyTrust::Networks(networks) => forwarded::hops_through(self, networks) > 0,
            trust => trust.believes_somebody(),
        }
    }

    fn split_url(&self) -> Result<Url<'_>, Rejection> {
        // A target that begins with a slash is a path, also with two slashes: it names no host.
        if self.url.starts_with('/') {
            return Ok(Url { authority: None, path: target_uri::path_of(self.url) });
        }
        let (scheme, authority, path) =
            target_uri::split_absolute(self.url).ok_or_else(|| self.unusable("request target"))?;
        Ok(Url { authority: Some((scheme, authority)), path })
    }

    #[cold]
    fn unusable(&self, what: &str) -> Rejection {
        Code::ProofUriMismatch.because(format!("The URI of the request cannot be read from its {what}"))
    }
}

/// The parts of a request target or URL.
struct Url<'a> {
    /// Scheme and authority, if it is absolute.
    authority: Option<(UriScheme, &'a str)>,
    path: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(url: &'static str, host: &'static str) -> RequestHead<'static> {
        RequestHead {
            method: "GET",
            url,
            host: Some(host),
            connection_scheme: Some("https"),
            ..RequestHead::default()
        }
    }

    fn uri(head: RequestHead<'_>, trust: &ProxyTrust) -> Option<String> {
        head.target_uri(trust).ok().map(|uri| uri.to_string())
    }

    const ITEMS: &str = "https://api.example/v1/items";

    #[test]
    fn k06_the_target_is_rebuilt_from_connection_host_and_path() {
        assert_eq!(uri(head("/v1/items?x=1#f", "api.example"), &ProxyTrust::Nobody).as_deref(), Some(ITEMS));
        assert_eq!(uri(head("/v1/items", "API.example:443"), &ProxyTrust::Nobody).as_deref(), Some(ITEMS));
        let plain = RequestHead { connection_scheme: Some("http"), ..head("/v1/items", "api.example:8080") };
        assert_eq!(uri(plain, &ProxyTrust::Nobody).as_deref(), Some("http://api.example:8080/v1/items"));
    }

    #[test]
    fn k37_k38_a_host_that_is_none_is_refused() {
        for host in [
            "a@b",
            "api.example/x",
            "api.example?x",
            "",
            "a b",
            "api.example:",
            "[::1",
            "é.example",
            "a:b:c",
            "a:99999",
        ] {
            let found = uri(head("/v1/items", host), &ProxyTrust::Nobody);
            // An empty port is allowed by the grammar and means the default (RFC 3986 section 3.2.3).
            let expected = (host == "api.example:").then_some(ITEMS);
            assert_eq!(found.as_deref(), expected, "{host}");
        }
        assert_eq!(uri(RequestHead { host: None, ..head("/v1/items", "") }, &ProxyTrust::Nobody), None);
        let twice = RequestHead { host_repeated: true, ..head("/v1/items", "api.example") };
        assert_eq!(uri(twice, &ProxyTrust::Nobody), None);
    }

    #[test]
    fn k39_forwarded_fields_count_only_when_trusted() {
        let spoofed = RequestHead {
            x_forwarded_host: Some("other.example"),
            x_forwarded_proto: Some("http"),
            forwarded: Some("host=third.example;proto=http"),
            ..head("/v1/items", "api.example")
        };
        assert_eq!(uri(spoofed, &ProxyTrust::Nobody).as_deref(), Some(ITEMS));
        assert_eq!(uri(spoofed, &ProxyTrust::First), None, "two kinds of fields that contradict each other");
        let standard = RequestHead { x_forwarded_host: None, x_forwarded_proto: None, ..spoofed };
        assert_eq!(uri(standard, &ProxyTrust::First).as_deref(), Some("http://third.example/v1/items"));
    }

    #[test]
    fn k41_a_forwarded_host_brings_its_own_port() {
        let inner = head("/v1/items", "10.0.0.5:3000");
        let inner =
            RequestHead { connection_scheme: Some("http"), x_forwarded_proto: Some("https"), ..inner };
        let host = RequestHead { x_forwarded_host: Some("api.example"), ..inner };
        assert_eq!(uri(host, &ProxyTrust::First).as_deref(), Some(ITEMS));
        let port = RequestHead { x_forwarded_port: Some("8443"), ..host };
        assert_eq!(uri(port, &ProxyTrust::First).as_deref(), Some("https://api.example:8443/v1/items"));
        let both = RequestHead { x_forwarded_host: Some("api.example:9443"), ..port };
        assert_eq!(uri(both, &ProxyTrust::First).as_deref(), Some("https://api.example:9443/v1/items"));
        let bad = RequestHead { x_forwarded_host: Some("a@b"), ..inner };
        assert_eq!(uri(bad, &ProxyTrust::First), None);
    }

    #[test]
    fn k40_the_hop_count_picks_the_value_of_the_nth_proxy() {
        let chain = RequestHead {
            x_forwarded_host: Some("spoofed.example, api.example, inner.example"),
            x_forwarded_proto: Some("http, https, http"),
            ..head("/v1/items", "10.0.0.5")
        };
        assert_eq!(uri(chain, &ProxyTrust::Hops(2)).as_deref(), Some(ITEMS));
        assert_eq!(uri(chain, &ProxyTrust::Hops(9)).as_deref(), Some("https://10.0.0.5/v1/items"));
    }

    #[test]
    fn k40_only_the_proxies_of_trusted_networks_are_believed() {
        let networks = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let trust = ProxyTrust::Networks(networks.to_vec());
        let spoofed = RequestHead {
            x_forwarded_host: Some("spoofed.example, api.example"),
            x_forwarded_proto: Some("http, https"),
            ..head("/v1/items", "inner.example")
        };
        let from = |address: Option<&'static str>, list: Option<&'static str>| {
            uri(RequestHead { remote_address: address, x_forwarded_for: list, ..spoofed }, &trust)
        };
        let inner = Some("https://inner.example/v1/items");
        // One proxy that appends: its value is the last.
        assert_eq!(from(Some("10.0.0.1"), Some("203.0.113.7")).as_deref(), Some(ITEMS));
        assert_eq!(from(Some("::ffff:10.0.0.1"), None).as_deref(), Some(ITEMS));
        assert_eq!(from(Some("fd00::1"), Some("nonsense")).as_deref(), Some(ITEMS));
        // A client cannot pretend to be behind trusted proxies: the proxy appends the client's own address.
        assert_eq!(from(Some("10.0.0.1"), Some("10.0.0.9, 10.0.0.8, 203.0.113.7")).as_deref(), Some(ITEMS));
        // Two proxies.
        let two = from(Some("10.0.0.1"), Some("203.0.113.7, 10.0.0.2:4711"));
        assert_eq!(two.as_deref(), Some("http://spoofed.example/v1/items"));
        // Other senders are not trusted.
        for address in [Some("203.0.113.7"), Some("11.0.0.1"), Some(""), Some("10.0.0.1.evil"), None] {
            assert_eq!(from(address, Some("10.0.0.2")).as_deref(), inner, "{address:?}");
        }
    }

    #[test]
    fn k36_k42_a_public_base_url_overrules_every_header() {
        let Some(base) = TargetUri::parse("https://api.example/api/") else { unreachable!() };
        let trust = ProxyTrust::PublicBaseUrl(base);
        let spoofed = RequestHead { x_forwarded_host: Some("x.example"), ..head("/v1/items", "evil@host") };
        assert_eq!(uri(spoofed, &trust).as_deref(), Some("https://api.example/api/v1/items"));
    }

    #[test]
    fn k24_dot_segments_lead_out_of_no_base() {
        let Some(base) = TargetUri::parse("https://api.example/api") else { unreachable!() };
        let trust = ProxyTrust::PublicBaseUrl(base);
        for path in ["/../admin", "/%2e%2e/admin", "/./x/../../admin"] {
            let found = uri(head(path, "api.example"), &trust);
            assert_eq!(found.as_deref(), Some("https://api.example/api/admin"), "{path}");
            let prefixed = RequestHead { x_forwarded_prefix: Some("/api"), ..head(path, "api.example") };
            let found = uri(prefixed, &ProxyTrust::First);
            assert_eq!(found.as_deref(), Some("https://api.example/api/admin"), "{path}");
        }
    }

    #[test]
    fn k36_k39_forwarded_of_a_client_beside_what_a_proxy_writes() {
        let judged = |head: RequestHead<'_>| head.target_uri(&ProxyTrust::Hops(1)).is_ok();
        let behind = RequestHead {
            forwarded: Some("host=other.example"),
            x_forwarded_for: Some("203.0.113.7"),
            ..head("/v1/items", "api.example")
        };
        assert!(!judged(behind));
        assert!(!judged(RequestHead { x_forwarded_for: None, x_forwarded_proto: Some("https"), ..behind }));
        assert!(judged(RequestHead { forwarded: Some("host=api.example"), ..behind }));
        assert!(judged(RequestHead { forwarded: Some("for=203.0.113.7"), ..behind }));
        // A proxy that writes only `Forwarded`, with the host that it replaced.
        assert!(judged(RequestHead { x_forwarded_for: None, ..behind }));
        assert!(judged(RequestHead { x_forwarded_host: Some("other.example"), ..behind }));
    }

    #[test]
    fn k45_k46_odd_request_targets() {
        let nobody = &ProxyTrust::Nobody;
        let twice = uri(head("//evil.example/x", "api.example"), nobody);
        assert_eq!(twice.as_deref(), Some("https://api.example//evil.example/x"));
        assert_eq!(uri(head("*", "api.example"), nobody), None);
        assert_eq!(uri(head("api.example:443", "api.example"), nobody), None);
        assert_eq!(uri(head("", "api.example"), nobody), None);
        let unknown = RequestHead { connection_scheme: None, ..head("/x", "api.example") };
        assert_eq!(uri(unknown, nobody), None);
        let fetch = RequestHead { url: "https://api.example/v1/items?y", host: None, ..unknown };
        assert_eq!(uri(fetch, nobody).as_deref(), Some(ITEMS));
    }
}
