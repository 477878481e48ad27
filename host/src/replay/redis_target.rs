//! The address of a Redis, from one URL: a server, a master that Sentinels watch, or a Cluster.
//!
//! In: a URL, certificates.
//! Out: `RedisTarget`, and its client.
//! Never: a password in a message or in `Debug` output, a connection.

use std::fmt;
use std::time::Duration;

use redis::cluster::ClusterClient;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo,
    TlsCertificates, TlsMode,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use url::Url;

use crate::network::authority::is_authority;
use crate::network::trust::{built_in_pem, not_an_identity, not_certificates};
use oidc_spa_native_engine::options_error::OptionsError;

const EXPECTED: &str = "a URL such as \"redis://:password@host:6379/0\", \
                        \"redis-sentinel://host:26379,host2:26379/mymaster/0\" or \
                        \"redis-cluster://host:7001,host2:7002\", and `rediss` for `redis` with TLS";
/// The part of a request's time limit for connecting to one server of a Cluster, and its least value. The client
/// connects to all servers of the Cluster before it continues with any request, so one host that never answers would
/// delay all requests.
const CONNECT_SHARE: u32 = 8;
const LEAST_CONNECT: Duration = Duration::from_millis(60);

/// A Redis, with its login.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct RedisTarget {
    topology: Topology,
    /// The servers to begin with.
    hosts: Vec<(String, u16)>,
    login: Login,
    database: i64,
    tls: Option<Certificates>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Topology {
    Server,
    Sentinel { service: String, login: Login },
    Cluster,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Login {
    username: Option<String>,
    password: Option<String>,
}

/// Certificates for TLS, in PEM.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Certificates {
    /// The authorities to trust, in the place of the system's.
    pub ca: Option<String>,
    /// The client's certificate and its key.
    pub client: Option<(String, String)>,
}

// Passwords and keys must not end up in a log.
impl fmt::Debug for RedisTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.topology {
            Topology::Server => "server",
            Topology::Sentinel { .. } => "sentinel",
            Topology::Cluster => "cluster",
        };
        write!(f, "RedisTarget({kind} {:?} ..)", self.hosts)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

/// The client that makes connections.
pub(crate) enum Connector {
    Server(Box<Client>),
    Sentinel(Box<SentinelClient>),
    Cluster(Box<ClusterClient>),
}

impl RedisTarget {
    /// Reads a URL. The message says which option is wrong and never holds the URL.
    pub(crate) fn parse(text: &str, certificates: Certificates) -> Result<Self, OptionsError> {
        let wrong = || OptionsError::expected("redis", EXPECTED);
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let (base, kind) = scheme.split_once('-').unwrap_or((scheme, ""));
        let is_tls = match base {
            "redis" => false,
            "rediss" => true,
            _ => return Err(wrong()),
        };
        if !is_tls && certificates != Certificates::default() {
            let option = if certificates.ca.is_some() { "ca" } else { "clientCertificate" };
            return Err(OptionsError::conflict(option, "is of use with TLS only; write rediss in the URL"));
        }
        let (authority, path_and_query) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (userinfo, hosts) =
            authority.rsplit_once('@').map_or(("", authority), |(user, hosts)| (user, hosts));
        let default_port = if kind == "sentinel" { 26379 } else { 6379 };
        let hosts: Option<Vec<_>> = hosts.split(',').map(|host| parse_host(host, default_port)).collect();
        let hosts = hosts.ok_or_else(wrong)?;
        // With one host in the place of several, the rest is a URL as the url crate knows it.
        let url = Url::parse(&format!("redis://{userinfo}@h{path_and_query}")).map_err(|_| wrong())?;
        let login = Login { username: decode(Some(url.username()))?, password: decode(url.password())? };
        let mut segments: Vec<&str> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
        let topology = match kind {
            "" if hosts.len() == 1 => Topology::Server,
            "" => return Err(unfit("several hosts are for redis-sentinel:// and redis-cluster://")),
            "cluster" => Topology::Cluster,
            "sentinel" if segments.is_empty() => {
                let expected =
                    "the name of what the Sentinel watches, as in \"redis-sentinel://host:26379/mymaster\"";
                return Err(OptionsError::expected("redis", expected));
            }
            "sentinel" => {
                let service = decode(Some(segments.remove(0)))?.unwrap_or_default();
                Topology::Sentinel { service, login: sentinel_login(&url)? }
            }
            _ => return Err(wrong()),
        };
        if url.fragment().is_some() || (kind != "sentinel" && url.query().is_some()) {
            return Err(unfit("the URL has a query or a fragment, which say nothing here"));
        }
        let database = match (segments.as_slice(), kind) {
            ([], _) => 0,
            (_, "cluster") => return Err(unfit("a Cluster has no databases; leave the path out")),
            ([number], _) => {
                number.parse().ok().filter(|number| (0..=i64::from(u16::MAX)).contains(number)).ok_or_else(|| {
                    unfit(
                        "the path's end must be the number of a database, such as /0; a password with a \"/\" or \"#\" in it \
                         must be percent-encoded",
                    )
                })?
            }
            _ => return Err(wrong()),
        };
        let tls = is_tls.then_some(certificates);
        let target = Self { topology, hosts, login, database, tls };
        target.check_certificates()?;
        target.connector(Duration::from_secs(1)).map_err(|_| unfit("this URL cannot be used"))?;
        Ok(target)
    }

    pub(crate) const fn is_cluster(&self) -> bool {
        matches!(self.topology, Topology::Cluster)
    }

    pub(crate) const fn is_server(&self) -> bool {
        matches!(self.topology, Topology::Server)
    }

    /// A text without the secrets of this target.
    pub(crate) fn without_secrets(&self, mut text: String) -> String {
        let mut logins = vec![&self.login];
        if let Topology::Sentinel { login, .. } = &self.topology {
            logins.push(login);
        }
        for secret in logins.into_iter().filter_map(|login| login.password.as_deref()) {
            text = text.replace(secret, "***");
        }
        text
    }

    /// Makes the client. `timeout` is the time limit of a request, and the limit of each answer of a Cluster's server.
    pub(crate) fn connector(&self, timeout: Duration) -> redis::RedisResult<Connector> {
        let tls = self.certificates();
        match &self.topology {
            Topology::Server => {
                let [address, ..] =
                    self.addresses().try_into().unwrap_or_else(|_| [ConnectionAddr::Tcp(String::new(), 0)]);
                let info = self.connection_info(address)?;
                let client = match tls {
                    Some(certificates) => Client::build_with_tls(info, certificates)?,
                    None => Client::open(info)?,
                };
                Ok(Connector::Server(Box::new(client)))
            }
            Topology::Sentinel { service, login } => {
                let client = self.sentinel(service, login, tls)?;
                Ok(Connector::Sentinel(Box::new(client)))
            }
            Topology::Cluster => {
                let nodes = self.addresses().into_iter().map(|address| self.connection_info(address));
                let nodes = nodes.collect::<redis::RedisResult<Vec<_>>>()?;
                let mut builder = ClusterClient::builder(nodes)
                    .connection_timeout((timeout / CONNECT_SHARE).max(LEAST_CONNECT))
                    .response_timeout(timeout)
                    .retries(2)
                    .min_retry_wait(10)
                    .max_retry_wait(50);
                if let Some(certificates) = tls {
                    builder = builder.tls(TlsMode::Secure).certs(certificates);
                }
                Ok(Connector::Cluster(Box::new(builder.build()?)))
            }
        }
    }

    fn sentinel(
        &self,
        service: &str,
        sentinel_login: &Login,
        tls: Option<TlsCertificates>,
    ) -> redis::RedisResult<SentinelClient> {
        let mut builder = SentinelClientBuilder::new(self.addresses(), service, SentinelServerType::Master)?
            .set_client_to_redis_db(self.database);
        if let Some(username) = &self.login.username {
            builder = builder.set_client_to_redis_username(username);
        }
        if let Some(password) = &self.login.password {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(username) = &sentinel_login.username {
            builder = builder.set_client_to_sentinel_username(username);
        }
        if let Some(password) = &sentinel_login.password {
            builder = builder.set_client_to_sentinel_password(password);
        }
        if let Some(certificates) = tls {
            builder = builder
                .set_client_to_redis_tls_mode(TlsMode::Secure)
                .set_client_to_redis_certificates(certificates.clone())
                .set_client_to_sentinel_tls_mode(TlsMode::Secure)
                .set_client_to_sentinel_certificates(certificates);
        }
        builder.build()
    }

    fn addresses(&self) -> Vec<ConnectionAddr> {
        let address = |(host, port): &(String, u16)| {
            let (host, port) = (host.clone(), *port);
            match self.tls {
                Some(_) => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
                None => ConnectionAddr::Tcp(host, port),
            }
        };
        self.hosts.iter().map(address).collect()
    }

    fn connection_info(&self, address: ConnectionAddr) -> redis::RedisResult<ConnectionInfo> {
        let mut settings = RedisConnectionInfo::default()
            .set_db(self.database)
            .set_lib_name("oidc-spa-native", env!("CARGO_PKG_VERSION"));
        if let Some(username) = &self.login.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &self.login.password {
            settings = settings.set_password(password);
        }
        Ok(address.into_connection_info()?.set_redis_settings(settings))
    }

    fn certificates(&self) -> Option<TlsCertificates> {
        let Certificates { ca, client } = self.tls.clone()?;
        let client_tls = client.map(|(cert, key)| ClientTlsConfig {
            client_cert: cert.into_bytes(),
            client_key: key.into_bytes(),
        });
        // Without any authorities TLS could not begin.
        let ca = ca.or_else(built_in_pem);
        Some(TlsCertificates { client_tls, root_cert: ca.map(String::into_bytes) })
    }

    fn check_certificates(&self) -> Result<(), OptionsError> {
        let Some(Certificates { ca, client }) = &self.tls else { return Ok(()) };
        if let Some(ca) = ca {
            let given = certificates_in(ca).ok_or_else(not_certificates)?;
            // All of them are anchors of the client's, and a server's own as an anchor would let it sign for any other.
            if !given.iter().all(|certificate| is_authority(certificate)) {
                let expected =
                    "certificates of authorities (CA:TRUE), in PEM, and none that is a server's own";
                return Err(OptionsError::expected("ca", expected));
            }
        }
        match client {
            Some((cert, key))
                if certificates_in(cert).is_none()
                    || rustls_pki_types::PrivateKeyDer::from_pem_slice(key.as_bytes()).is_err() =>
            {
                Err(not_an_identity())
            }
            _ => Ok(()),
        }
    }
}

/// The certificates in a PEM; `None` where there are none, or something else that calls itself one.
fn certificates_in(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    read.ok().filter(|certificates| !certificates.is_empty())
}

/// A valid URL that cannot be used. The message does not repeat it, since it may hold a password.
fn unfit(rule: &'static str) -> OptionsError {
    OptionsError::conflict("redis", rule)
}

fn parse_host(text: &str, default_port: u16) -> Option<(String, u16)> {
    let url = Url::parse(&format!("redis://{text}")).ok()?;
    let is_host = matches!(url.path(), "" | "/") && url.username().is_empty() && url.query().is_none();
    let host = url.host_str().filter(|host| is_host && !host.is_empty())?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some((host.to_owned(), url.port().unwrap_or(default_port)))
}

/// Sentinels may have a login of their own.
fn sentinel_login(url: &Url) -> Result<Login, OptionsError> {
    let mut login = Login::default();
    for (name, value) in url.query_pairs() {
        match &*name {
            "sentinelUsername" => login.username = Some(value.into_owned()),
            "sentinelPassword" => login.password = Some(value.into_owned()),
            _ => {
                let rule = "the query of a redis-sentinel:// URL takes sentinelUsername and sentinelPassword";
                return Err(unfit(rule));
            }
        }
    }
    Ok(login)
}

fn decode(text: Option<&str>) -> Result<Option<String>, OptionsError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map(|text| Some(text.into_owned())).map_err(|_| unfit("the URL is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<RedisTarget, OptionsError> {
        RedisTarget::parse(url, Certificates::default())
    }

    #[test]
    fn urls_say_which_servers_and_who_asks() {
        let target =
            parse("rediss-sentinel://us%40er:p%2Fw@h1,h2:26380/my%20master/3?sentinelPassword=w%26w");
        let target = target.unwrap();
        assert_eq!(target.hosts, [("h1".to_owned(), 26379), ("h2".to_owned(), 26380)]);
        assert_eq!(target.login.username.as_deref(), Some("us@er"));
        assert_eq!(target.login.password.as_deref(), Some("p/w"));
        assert_eq!((target.database, target.tls.is_some()), (3, true));
        let Topology::Sentinel { service, login } = &target.topology else { panic!("{target:?}") };
        assert_eq!((service.as_str(), login.password.as_deref()), ("my master", Some("w&w")));
        let target = parse("redis://[::1]").unwrap();
        assert_eq!(target.hosts, [("::1".to_owned(), 6379)]);
        assert!(parse("redis-cluster://a:1,b:2").unwrap().is_cluster());
    }

    #[test]
    fn passwords_are_in_no_debug_output_and_no_error() {
        let target = parse("redis-sentinel://user:sEcReT@h/m?sentinelPassword=wAtCh").unwrap();
        let shown = format!("{target:?} {:?} {:?}", target.login, target.topology);
        assert!(!shown.contains("sEcReT") && !shown.contains("wAtCh"), "{shown}");
        let text = target.without_secrets("the server said sEcReT and wAtCh".to_owned());
        assert_eq!(text, "the server said *** and ***");
        for url in [
            "redis://:sEcReT@a,b",
            "redis://:sEcReT@a/x",
            "sEcReT",
            "redis://sEcReT/sEcReT@a",
            "redis://a:sEcReT",
        ] {
            let error = parse(url).unwrap_err().to_string();
            assert!(!error.contains("sEcReT"), "{error}");
        }
    }
}
