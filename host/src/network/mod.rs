//! The HTTP clients: how servers are reached and trusted, and their time limits.
//!
//! In: the network options; a URL, and how near its host may be.
//! Out: a reqwest client.
//! Never: a redirect to another origin, a proxy for this machine, a private key or a header's value in a message.

pub(crate) mod authority;
pub(crate) mod reach;
pub(crate) mod trust;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use oidc_spa_native::keys::secure_url::{Transport, is_loopback};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, Proxy, redirect};
use rustls::ClientConfig;
use url::Url;

use crate::options_error::{Found, OptionsError};

use reach::{Bound, BoundedResolver, Reach};

/// Redirects that are followed, all within one origin.
const MAX_REDIRECTS: usize = 3;

/// Header fields of an answer.
const MAX_FIELDS: usize = 100;

/// Fields that the HTTP client writes itself (RFC 9110, RFC 9112): another value would change the meaning of the
/// request.
const OWN_FIELDS: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "proxy-authorization",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The network options of the application.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct NetworkOptions {
    pub connect_timeout: Duration,
    /// Time for a whole exchange, a slow body included.
    pub timeout: Duration,
    pub transport: Transport,
    /// Certificates of authorities, in PEM.
    pub ca: Option<String>,
    /// The client's certificate and its key, in PEM.
    pub client_certificate: Option<(String, String)>,
    pub proxy: ProxyChoice,
    /// Whether private addresses may be reached; `None`: as near as the issuer's own address.
    pub private_addresses: Option<bool>,
    /// Fields that each request to the configured origin carries.
    pub headers: Vec<(String, String)>,
}

/// The proxy for requests to issuers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum ProxyChoice {
    /// `HTTPS_PROXY` and `NO_PROXY`.
    #[default]
    Environment,
    /// None.
    Direct,
    /// This one.
    Url(String),
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
            transport: Transport::Https,
            ca: None,
            client_certificate: None,
            proxy: ProxyChoice::Environment,
            private_addresses: None,
            headers: Vec::new(),
        }
    }
}

// A client's key and a header's value must not end up in a log.
impl fmt::Debug for NetworkOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkOptions(within {:?} ..)", self.timeout)
    }
}

/// The clients of one network, made when they are needed.
#[derive(Debug)]
pub(crate) struct Network {
    options: NetworkOptions,
    headers: HeaderMap,
    proxies: OnceLock<Matcher>,
    /// Made with the first https URL: reading the authorities takes a while.
    tls: OnceLock<Result<ClientConfig, String>>,
    clients: HashMap<Route, Client>,
}

/// How a server is reached. Each has a client of its own, so that no connection of one is used by another.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Route {
    /// Plain http, to addresses within the bound.
    Plain(Bound),
    /// TLS, to addresses within the bound.
    Direct(Bound),
    /// TLS through a proxy, which resolves the server's name. The application names the address of the proxy.
    Proxied { proxy: String, login: Option<HeaderValue> },
}

// A proxy's password must not end up in a log.
impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain(..)",
            Self::Direct(_) => "Direct(..)",
            Self::Proxied { .. } => "Proxied(..)",
        })
    }
}

/// The source of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The application.
    Configured,
    /// An issuer that was reached at such an address.
    OfIssuerAt(Reach),
}

/// A client for a URL, and the values that interpret the address of its answer.
pub(crate) struct Way {
    pub client: Client,
    /// The host, if it is an address.
    literal: Option<Reach>,
    is_proxied: bool,
}

impl Way {
    /// The reach of an answer from this address. With a proxy it is not known.
    pub(crate) fn reach(&self, answered: Option<SocketAddr>) -> Reach {
        let connected = answered.filter(|_| !self.is_proxied).map(|at| Reach::of(at.ip()));
        self.literal.or(connected).unwrap_or(Reach::Public)
    }
}

impl Network {
    /// Checks what can be checked without a connection.
    pub(crate) fn new(options: NetworkOptions) -> Result<Self, OptionsError> {
        options.proxy()?;
        trust::check(options.ca.as_deref(), options.client_certificate.as_ref())?;
        let headers = options.headers()?;
        let (proxies, tls) = (OnceLock::new(), OnceLock::new());
        Ok(Self { options, headers, proxies, tls, clients: HashMap::new() })
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.options.timeout
    }

    /// The application's own fields, for a URL of its own origin.
    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The way to a URL, unless its host is an address that may not be reached.
    pub(crate) fn way_to(&mut self, url: &Url, word: Word) -> Result<Way, String> {
        let bound = match (self.options.private_addresses, word) {
            (Some(false), _) => Bound::Public,
            (None, Word::OfIssuerAt(reach)) => Bound::AsNearAs(reach),
            _ => Bound::Anywhere,
        };
        bound.check_literal(url).map_err(|refused| refused.to_string())?;
        let route = self.route(url, bound);
        let is_proxied = matches!(route, Route::Proxied { .. });
        let client = match self.clients.get(&route) {
            Some(client) => client.clone(),
            None => {
                let client = self.client(&route)?;
                self.clients.insert(route, client.clone());
                client
            }
        };
        Ok(Way { client, literal: Reach::of_literal(url), is_proxied })
    }

    fn route(&self, url: &Url, bound: Bound) -> Route {
        if url.scheme() == "http" {
            return Route::Plain(bound);
        }
        if is_loopback(url) {
            return Route::Direct(bound);
        }
        match &self.options.proxy {
            ProxyChoice::Direct => Route::Direct(bound),
            ProxyChoice::Url(proxy) => Route::Proxied { proxy: proxy.clone(), login: None },
            ProxyChoice::Environment => self.intercept(url).map_or(Route::Direct(bound), |found| {
                Route::Proxied { proxy: found.uri().to_string(), login: found.basic_auth().cloned() }
            }),
        }
    }

    fn intercept(&self, url: &Url) -> Option<Intercept> {
        let proxies = self.proxies.get_or_init(Matcher::from_system);
        proxies.intercept(&url.as_str().parse().ok()?)
    }

    fn client(&self, route: &Route) -> Result<Client, String> {
        let builder = match route {
            Route::Plain(bound) => direct(*bound).tls_backend_preconfigured(trust::nobody()),
            Route::Direct(bound) => direct(*bound).tls_backend_preconfigured(self.tls()?),
            Route::Proxied { proxy, login } => {
                let proxy = Proxy::all(proxy).map_err(|_| PROXY_EXPECTED)?;
                let proxy = match login {
                    Some(login) => proxy.custom_http_auth(login.clone()),
                    None => proxy,
                };
                Client::builder().proxy(proxy).tls_backend_preconfigured(self.tls()?)
            }
        };
        self.build(builder)
    }

    fn tls(&self) -> Result<ClientConfig, String> {
        let make = || trust::trusting(self.options.ca.as_deref(), self.options.client_certificate.as_ref());
        self.tls.get_or_init(make).clone()
    }

    fn build(&self, builder: ClientBuilder) -> Result<Client, String> {
        let same_origin = redirect::Policy::custom(|attempt| {
            let first = attempt.previous().first().map(Url::origin);
            if first != Some(attempt.url().origin()) {
                attempt.error(
                    "a redirect to another origin is not followed: write the URL where it leads as `jwksUri`",
                )
            } else if !attempt.url().username().is_empty() || attempt.url().password().is_some() {
                attempt.error("a redirect that names a user or a password is not followed")
            } else if attempt.previous().len() > MAX_REDIRECTS {
                attempt.error("too many redirects")
            } else {
                attempt.follow()
            }
        });
        builder
            .redirect(same_origin)
            .referer(false)
            .connect_timeout(self.options.connect_timeout)
            .timeout(self.options.timeout)
            .http1_max_headers(MAX_FIELDS)
            // Documents are fetched minutes apart. A kept connection would be closed by then, or its server would have
            // another address.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("oidc-spa-native/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("the HTTP client cannot be made: {error:?}"))
    }
}

fn direct(bound: Bound) -> ClientBuilder {
    Client::builder().no_proxy().dns_resolver(BoundedResolver { bound })
}

const PROXY_EXPECTED: &str = "an http or https URL such as \"http://proxy.example.com:3128\"";

impl NetworkOptions {
    fn proxy(&self) -> Result<(), OptionsError> {
        let ProxyChoice::Url(url) = &self.proxy else { return Ok(()) };
        let is_http = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if is_http && Proxy::all(url).is_ok() {
            Ok(())
        } else {
            Err(OptionsError::expected("proxy", PROXY_EXPECTED))
        }
    }

    fn headers(&self) -> Result<HeaderMap, OptionsError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let known = HeaderName::from_bytes(name.as_bytes());
            let known = known.map_err(|_| {
                OptionsError::expected("headers", "names of header fields").found(Found::text(name))
            })?;
            let path = format!("headers.{name}");
            if OWN_FIELDS.contains(&known.as_str()) {
                return Err(OptionsError::conflict(path, "is written by the request itself"));
            }
            // The value is a secret: no message shows it.
            let mut value = HeaderValue::from_str(value)
                .ok()
                .filter(|value| !value.is_empty() && value.to_str().is_ok())
                .ok_or_else(|| {
                    OptionsError::expected(path.as_str(), "a value of visible ASCII characters")
                })?;
            value.set_sensitive(true);
            if headers.insert(known, value).is_some() {
                return Err(OptionsError::conflict(path, "stands twice, in capitals and small letters"));
            }
        }
        Ok(headers)
    }
}
