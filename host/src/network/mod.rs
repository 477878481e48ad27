//! The HTTP clients: how servers are reached and trusted, and their time limits.
//!
//! In: the network options; a URL, and how near its host may be.
//! Out: a reqwest client.
//! Never: a redirect to another origin, a proxy for this machine, a private key or a header's value in a message.

pub(crate) mod authority;
pub(crate) mod resolver;
pub(crate) mod trust;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use oidc_spa_native::keys::secure_url::is_loopback;
use oidc_spa_native_engine::network_options::{NetworkOptions, ProxyChoice};
use oidc_spa_native_engine::options_error::OptionsError;
use oidc_spa_native_engine::reach::{Bound, Reach};
use oidc_spa_native_engine::redirect::check_redirect;
use reqwest::header::HeaderValue;
use reqwest::{Client, ClientBuilder, Proxy, redirect};
use rustls::ClientConfig;
use url::Url;

use resolver::BoundedResolver;

/// Header fields of an answer.
const MAX_FIELDS: usize = 100;

/// The clients of one network, made when they are needed.
#[derive(Debug)]
pub(crate) struct Network {
    options: NetworkOptions,
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
    /// Clients for these options.
    pub(crate) fn new(options: NetworkOptions) -> Self {
        Self { options, proxies: OnceLock::new(), tls: OnceLock::new(), clients: HashMap::new() }
    }

    /// Checks what can be checked without a connection.
    pub(crate) fn check(options: &NetworkOptions) -> Result<(), OptionsError> {
        check_proxy(options)?;
        trust::check(options.ca.as_deref(), options.client_certificate.as_ref())
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.options.timeout
    }

    /// The way to a URL.
    pub(crate) fn way_to(&mut self, url: &Url, bound: Bound) -> Result<Way, String> {
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
            let number = attempt.previous().len();
            let checked =
                attempt.previous().first().map(|first| check_redirect(first, attempt.url(), number));
            match checked {
                Some(Err(why)) => attempt.error(why),
                Some(Ok(())) | None => attempt.follow(),
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
            .build()
            .map_err(|error| format!("the HTTP client cannot be made: {error:?}"))
    }
}

fn direct(bound: Bound) -> ClientBuilder {
    Client::builder().no_proxy().dns_resolver(BoundedResolver { bound })
}

const PROXY_EXPECTED: &str = "an http or https URL such as \"http://proxy.example.com:3128\"";

fn check_proxy(options: &NetworkOptions) -> Result<(), OptionsError> {
    let ProxyChoice::Url(url) = &options.proxy else { return Ok(()) };
    let is_http = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if is_http && Proxy::all(url).is_ok() {
        Ok(())
    } else {
        Err(OptionsError::expected("proxy", PROXY_EXPECTED))
    }
}
