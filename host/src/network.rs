//! The HTTP clients: how servers are reached, trusted and given up.
//!
//! In: what the application says of its network; a URL.
//! Out: a reqwest client.
//! May use: reqwest, the environment variables of proxies and certificates.
//! Never: a redirect to another origin, a proxy for this very machine, a private key in a message.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use oidc_spa_native::keys::metadata::{Transport, is_loopback};
use reqwest::{Certificate, Client, ClientBuilder, Identity, Proxy, redirect};
use url::Url;

/// Redirects that are followed, all within one origin.
const MAX_REDIRECTS: usize = 3;

const NOT_CERTIFICATES: &str = "ca: expected certificates in PEM (BEGIN CERTIFICATE)";
const NOT_AN_IDENTITY: &str =
    "clientCertificate: expected a certificate (BEGIN CERTIFICATE) and its own private key, both in PEM";

/// What the application says of its network.
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
}

/// Which proxy leads to issuers.
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
        }
    }
}

// A client's key must not end up in a log.
impl fmt::Debug for NetworkOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkOptions(within {:?} ..)", self.timeout)
    }
}

/// The clients of one network, made when they are needed.
#[derive(Debug)]
pub(crate) struct Network {
    options: NetworkOptions,
    /// For plain http.
    plain: OnceLock<Result<Client, String>>,
    /// For https to this very machine, where no proxy leads.
    local: OnceLock<Result<Client, String>>,
    /// For https to others.
    remote: OnceLock<Result<Client, String>>,
}

impl Network {
    /// Checks what can be checked without a connection.
    pub(crate) fn new(options: NetworkOptions) -> Result<Self, String> {
        options.proxy()?;
        let network =
            Self { options, plain: OnceLock::new(), local: OnceLock::new(), remote: OnceLock::new() };
        // Certificates are looked at when a client is made of them.
        let authorities = network.options.authorities()?;
        if !authorities.is_empty() {
            let builder = Client::builder().no_proxy().tls_certs_only(authorities);
            network.build(builder).map_err(|_| NOT_CERTIFICATES)?;
        }
        if let Some(identity) = network.options.identity()? {
            let builder = Client::builder().no_proxy().identity(identity);
            network.build(builder).map_err(|_| NOT_AN_IDENTITY)?;
        }
        Ok(network)
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.options.timeout
    }

    /// The client for a URL.
    pub(crate) fn client_for(&self, url: &str) -> Result<&Client, String> {
        let client = if url.starts_with("http:") {
            self.plain.get_or_init(|| self.build(Client::builder().no_proxy()))
        } else if Url::parse(url).is_ok_and(|url| is_loopback(&url)) {
            self.local.get_or_init(|| self.build(self.trusting(Client::builder().no_proxy())?))
        } else {
            self.remote.get_or_init(|| self.build(self.trusting(self.proxied()?)?))
        };
        client.as_ref().map_err(Clone::clone)
    }

    fn proxied(&self) -> Result<ClientBuilder, String> {
        Ok(match (&self.options.proxy, self.options.proxy()?) {
            (ProxyChoice::Direct, _) => Client::builder().no_proxy(),
            (_, Some(proxy)) => Client::builder().proxy(proxy),
            (_, None) => Client::builder(),
        })
    }

    fn trusting(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, String> {
        let mut certificates = extra_authorities();
        certificates.extend(self.options.authorities()?);
        if !certificates.is_empty() {
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(match self.options.identity()? {
            Some(identity) => builder.identity(identity),
            None => builder,
        })
    }

    fn build(&self, builder: ClientBuilder) -> Result<Client, String> {
        let same_origin = redirect::Policy::custom(|attempt| {
            let first = attempt.previous().first().map(Url::origin);
            if first != Some(attempt.url().origin()) {
                attempt.error("a redirect to another origin is not followed")
            } else if attempt.previous().len() > MAX_REDIRECTS {
                attempt.error("too many redirects")
            } else {
                attempt.follow()
            }
        });
        builder
            .redirect(same_origin)
            .connect_timeout(self.options.connect_timeout)
            .timeout(self.options.timeout)
            .user_agent(concat!("oidc-spa-native/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("the HTTP client cannot be made: {error:?}"))
    }
}

impl NetworkOptions {
    fn authorities(&self) -> Result<Vec<Certificate>, String> {
        let Some(pem) = &self.ca else { return Ok(Vec::new()) };
        match Certificate::from_pem_bundle(pem.as_bytes()) {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            _ => Err(NOT_CERTIFICATES.into()),
        }
    }

    fn identity(&self) -> Result<Option<Identity>, String> {
        let Some((certificate, key)) = &self.client_certificate else { return Ok(None) };
        let pem = format!("{certificate}\n{key}");
        Identity::from_pem(pem.as_bytes()).map(Some).map_err(|_| NOT_AN_IDENTITY.into())
    }

    fn proxy(&self) -> Result<Option<Proxy>, String> {
        let ProxyChoice::Url(url) = &self.proxy else { return Ok(None) };
        let is_http = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        let proxy = Proxy::all(url).ok().filter(|_| is_http);
        let expected = "proxy: expected an http or https URL such as \"http://proxy.example.com:3128\"";
        proxy.map(Some).ok_or_else(|| expected.into())
    }
}

/// Node.js' own variable for certificates beyond the system's. What cannot be read is passed over, as Node.js does, which
/// warns of it.
fn extra_authorities() -> Vec<Certificate> {
    let path = std::env::var_os("NODE_EXTRA_CA_CERTS").filter(|path| !path.is_empty());
    let pem = path.and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
    Certificate::from_pem_bundle(&pem).unwrap_or_default()
}
