//! The certificates that TLS trusts: the system's authorities (those of Node.js if the system has none), and those of
//! the options.
//!
//! In: certificates in PEM.
//! Out: the TLS settings of a client; advice about a refused certificate.
//! Never: a server that is not verified, a private key in a message.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::authority::is_authority;
use oidc_spa_native_engine::options_error::OptionsError;

/// The error of an option `ca` that holds no certificates.
pub(crate) fn not_certificates() -> OptionsError {
    OptionsError::expected("ca", "certificates in PEM (BEGIN CERTIFICATE): the text, not the path of a file")
}

/// The error of an option `clientCertificate` that holds no certificate and key.
pub(crate) fn not_an_identity() -> OptionsError {
    let expected = "a certificate (BEGIN CERTIFICATE) and its own private key, both in PEM";
    OptionsError::expected("clientCertificate", expected)
}

/// The authorities of Node.js, in PEM. JavaScript hands them over if the system has none.
static BUILT_IN: OnceLock<Vec<String>> = OnceLock::new();

/// Sets the authorities to trust if the system has none. Only the first call has an effect.
pub fn trust_where_the_system_has_no_authorities(authorities: Vec<String>) {
    let _those_before_stay = BUILT_IN.set(authorities);
}

/// Whether the system has no certificates of authorities, and no others were set yet. Files are read only at the first
/// call of the process.
pub fn lacks_authorities() -> bool {
    static SYSTEM_HAS_NONE: OnceLock<bool> = OnceLock::new();
    BUILT_IN.get().is_none() && *SYSTEM_HAS_NONE.get_or_init(system_has_none)
}

/// The file in which most Linux systems have the certificates of all authorities.
#[cfg(all(unix, not(target_vendor = "apple"), not(target_os = "android")))]
const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// On these systems the certificates are files. Other systems ask the operating system.
#[cfg(all(unix, not(target_vendor = "apple"), not(target_os = "android")))]
fn system_has_none() -> bool {
    let is_filled = |path: &std::ffi::OsStr| std::fs::metadata(path).is_ok_and(|found| found.len() > 0);
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(std::env::var_os);
    let is_one_file_enough = match &named {
        [Some(file), _] => is_filled(file),
        [None, Some(_)] => false,
        [None, None] => BUNDLES.iter().any(|path| is_filled(path.as_ref())),
    };
    // The usual case checks one file. The other cases read all certificates.
    !is_one_file_enough && rustls_native_certs::load_native_certs().certs.is_empty()
}

#[cfg(not(all(unix, not(target_vendor = "apple"), not(target_os = "android"))))]
fn system_has_none() -> bool {
    false
}

/// TLS settings that trust no certificate, for a client that speaks plain http only.
pub(super) fn nobody() -> ClientConfig {
    let config = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
    config.with_no_client_auth()
}

/// TLS settings that trust the system's authorities and the given certificates, and use this client certificate.
pub(super) fn trusting(
    ca: Option<&str>,
    client_certificate: Option<&(String, String)>,
) -> Result<ClientConfig, String> {
    let given = authorities(ca).map_err(|error| error.to_string())?;
    let given = given.into_iter().chain(parsable(extra_authorities())).collect();
    let builder = ClientConfig::builder();
    let provider = Arc::clone(builder.crypto_provider());
    let verifier = GivenOrSystem::new(given, &provider)?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match client_certificate {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let (chain, key) = identity(chain, key).map_err(|error| error.to_string())?;
            builder.with_client_auth_cert(chain, key).map_err(|_| not_an_identity().to_string())?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Checks the options without reading the system's certificates.
pub(super) fn check(
    ca: Option<&str>,
    client_certificate: Option<&(String, String)>,
) -> Result<(), OptionsError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities(ca)? {
        roots.add(authority).map_err(|_| not_certificates())?;
    }
    let builder = ClientConfig::builder().with_root_certificates(roots);
    if let Some((chain, key)) = client_certificate {
        let (chain, key) = identity(chain, key)?;
        builder.with_client_auth_cert(chain, key).map_err(|_| not_an_identity())?;
    }
    Ok(())
}

fn authorities(ca: Option<&str>) -> Result<Vec<CertificateDer<'static>>, OptionsError> {
    let Some(pem) = ca else { return Ok(Vec::new()) };
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    read.ok().filter(|found| !found.is_empty()).ok_or_else(not_certificates)
}

fn identity(
    chain: &str,
    key: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), OptionsError> {
    let chain: Option<Vec<_>> =
        CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().ok();
    let chain = chain.filter(|chain| !chain.is_empty()).ok_or_else(not_an_identity)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| not_an_identity())?;
    Ok((chain, key))
}

/// Node.js' own variable for certificates beyond the system's. A certificate that cannot be read is skipped, as in
/// Node.js, which warns about it.
fn extra_authorities() -> Vec<CertificateDer<'static>> {
    let path = std::env::var_os("NODE_EXTRA_CA_CERTS").filter(|path| !path.is_empty());
    let pem = path.and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
    CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect()
}

/// The certificates that can be an authority. One that cannot must not prevent trust in the others.
fn parsable(certificates: Vec<CertificateDer<'static>>) -> impl Iterator<Item = CertificateDer<'static>> {
    let mut roots = RootCertStore::empty();
    certificates.into_iter().filter(move |certificate| roots.add(certificate.clone()).is_ok())
}

/// `None`: there is no certificate that can be an authority.
fn trusting_only(
    certificates: impl Iterator<Item = CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<WebPkiServerVerifier>>, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        return Ok(None);
    }
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    builder.build().map(Some).map_err(|error| format!("certificates cannot be verified: {error}"))
}

/// The authorities to trust if the system has none, in PEM.
pub(crate) fn built_in_pem() -> Option<String> {
    BUILT_IN.get().map(|authorities| authorities.join("\n")).filter(|pem| !pem.is_empty())
}

fn built_in_authorities() -> Vec<CertificateDer<'static>> {
    let built_in = BUILT_IN.get().into_iter().flatten();
    built_in.filter_map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).ok()).collect()
}

/// Verifies a server by the given authorities, by the system's, or else by a given certificate as the server's own.
#[derive(Debug)]
struct GivenOrSystem {
    /// Trusts only the given authorities; `None` where there is none. Not the system's verifier, with these beside its own:
    /// what that takes for an authority differs between systems.
    by_authorities: Option<Arc<WebPkiServerVerifier>>,
    /// `None` where the system has no authority.
    by_system: Option<Verifier>,
    algorithms: WebPkiSupportedAlgorithms,
    given: Vec<CertificateDer<'static>>,
    /// Trusts only the given certificates.
    by_given: Option<Arc<WebPkiServerVerifier>>,
}

impl GivenOrSystem {
    fn new(given: Vec<CertificateDer<'static>>, provider: &Arc<CryptoProvider>) -> Result<Self, String> {
        let by_given = trusting_only(given.iter().cloned(), provider)?;
        // A server's own certificate must not sign others. As an anchor it could, even if its extensions forbid it.
        let authorities = given.iter().filter(|certificate| is_authority(certificate)).cloned();
        let by_authorities = trusting_only(built_in_authorities().into_iter().chain(authorities), provider)?;
        let by_system = match Verifier::new(Arc::clone(provider)) {
            Ok(verifier) => Some(verifier),
            // What was given is enough.
            Err(_) if by_authorities.is_some() || by_given.is_some() => None,
            Err(error) => {
                return Err(format!(
                    "there is no authority to trust: the system has no certificates, and nobody gave others ({error}). \
                     Install the package ca-certificates, or give `network.ca` or NODE_EXTRA_CA_CERTS"
                ));
            }
        };
        let algorithms = provider.signature_verification_algorithms;
        Ok(Self { by_authorities, by_system, algorithms, given, by_given })
    }

    /// Verifies a server whose own certificate is one of the given ones, by its name and its time. `None`: it is not
    /// one of them.
    fn verify_given(
        &self,
        server: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Option<Result<ServerCertVerified, Error>> {
        let by_given = self.by_given.as_ref().filter(|_| self.given.iter().any(|one| one == server))?;
        let named = || {
            verify_server_name(&ParsedCertificate::try_from(server)?, name)?;
            Ok(ServerCertVerified::assertion())
        };
        Some(match by_given.verify_server_cert(server, &[], name, &[], now) {
            // Its time has been checked already when it turns out that another certificate signed it, or that it is an
            // authority.
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => named(),
            Err(error) if is_of_authority(&error) => named(),
            verified => verified,
        })
    }
}

/// Whether a server was refused because its certificate is an authority's.
fn is_of_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
    matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

impl ServerCertVerifier for GivenOrSystem {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let by_authorities = self
            .by_authorities
            .as_ref()
            .map(|verifier| verifier.verify_server_cert(server, intermediates, name, ocsp_response, now));
        let by_system = || match &self.by_system {
            Some(verifier) => verifier.verify_server_cert(server, intermediates, name, ocsp_response, now),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        let verified = match by_authorities {
            Some(Ok(verified)) => return Ok(verified),
            None | Some(Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))) => by_system(),
            // A given authority signed it, so this error says more than the system's.
            Some(Err(error)) => by_system().map_err(|_| error),
        };
        verified.or_else(|error| self.verify_given(server, name, now).unwrap_or(Err(error)))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The advice for a failure of TLS. `None` if no option helps.
pub(crate) fn remedy(error: &Error) -> Option<&'static str> {
    let certificate = match error {
        Error::InvalidCertificate(certificate) => certificate,
        Error::InvalidMessage(_) => {
            return Some(
                "the server does not speak TLS at this port: if it speaks plain http, write an http URL and \
                 `network.allowHttp: true`",
            );
        }
        _ => return None,
    };
    match certificate {
        _ if is_of_authority(error) => Some(
            "it is self-signed: give this very certificate as `network.ca` or in the file that NODE_EXTRA_CA_CERTS names",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Some("the URL must bear a name of the certificate")
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. }
        | CertificateError::Revoked => None,
        _ => Some(
            "it is not trusted: give the certificate of its authority, or the server's own where it is self-signed, as \
             `network.ca` or in the file that NODE_EXTRA_CA_CERTS names; one that is no authority's (CA:TRUE) vouches for itself \
             alone",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// `openssl req -x509` with `CA:TRUE`, of `localhost`, for ten years from November 2026.
    const OWN: &str = "-----BEGIN CERTIFICATE-----\n\
        MIIBlDCCATmgAwIBAgIUMfZ7j5AjkuDj3OWgkrn6993xkRQwCgYIKoZIzj0EAwIw\n\
        FDESMBAGA1UEAwwJbG9jYWxob3N0MB4XDTI2MTEyNjE4MDg0NloXDTM2MTEyMzE4\n\
        MDg0NlowFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0D\n\
        AQcDQgAESN7d2YlA8JJdpCBqP24pQKxQLdRgFg/PR4BnQwT/c82q1auLt4UUeS7j\n\
        njIsr5GWzAgOP2oygJVB0bL+VgnQD6NpMGcwHQYDVR0OBBYEFJnFb4o0MrE8016v\n\
        PFIAdfDm3Kq3MB8GA1UdIwQYMBaAFJnFb4o0MrE8016vPFIAdfDm3Kq3MA8GA1Ud\n\
        EwEB/wQFMAMBAf8wFAYDVR0RBA0wC4IJbG9jYWxob3N0MAoGCCqGSM49BAMCA0kA\n\
        MEYCIQDs8PprI6/BE6107+q2rPIi7Wr71+Hq40nKgk6iEldohQIhAPVlsbelJBqZ\n\
        c6BHadR4W00DdGh3GFaRU/KNxHiwiHz6\n\
        -----END CERTIFICATE-----";
    const OTHER: &str = "-----BEGIN CERTIFICATE-----\n\
        MIIBkzCCATmgAwIBAgIUcKQEtFktjHsrRB5ZGp/nahUi5IIwCgYIKoZIzj0EAwIw\n\
        FDESMBAGA1UEAwwJbG9jYWxob3N0MB4XDTI2MTEyNjE4MDg0NloXDTM2MTEyMzE4\n\
        MDg0NlowFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0D\n\
        AQcDQgAEkJ9W0ASORVFpc7/hIRApshhNspxsI6vLz4Q73Ve6QYbEWJkI7AO6QHcJ\n\
        qJE3TDUjaN0VhkILbWSiFBAGiqhc0aNpMGcwHQYDVR0OBBYEFHk2U5MZUQizNINr\n\
        lA2mfdIh3EZqMB8GA1UdIwQYMBaAFHk2U5MZUQizNINrlA2mfdIh3EZqMA8GA1Ud\n\
        EwEB/wQFMAMBAf8wFAYDVR0RBA0wC4IJbG9jYWxob3N0MAoGCCqGSM49BAMCA0gA\n\
        MEUCIQCQRzDqfi1W9lpzYetGsAQuVOa1lxY1Hp9COxFQ7cLyawIgRCNB8XZTK6EV\n\
        oZY+lL7B8Fl2CI4RP/ls3WcRZJppO7I=\n\
        -----END CERTIFICATE-----";

    const IN_2027: u64 = 1_800_000_000;

    fn verified(given: &str, server: &str, name: &str, secs: u64) -> bool {
        let provider = Arc::clone(ClientConfig::builder().crypto_provider());
        let verifier = GivenOrSystem::new(authorities(Some(given)).unwrap(), &provider).unwrap();
        let server = CertificateDer::from_pem_slice(server.as_bytes()).unwrap();
        let (name, now) =
            (ServerName::try_from(name).unwrap(), UnixTime::since_unix_epoch(Duration::from_secs(secs)));
        verifier.verify_server_cert(&server, &[], &name, &[], now).is_ok()
    }

    #[test]
    fn a_given_certificate_that_is_the_servers_own_is_enough_with_its_name_and_in_its_time() {
        assert!(verified(OWN, OWN, "localhost", IN_2027));
        assert!(verified(&format!("{OTHER}\n{OWN}"), OWN, "localhost", IN_2027));
        for (given, server, name, secs) in [
            (OTHER, OWN, "localhost", IN_2027),
            (OWN, OTHER, "localhost", IN_2027),
            (OWN, OWN, "auth.example.com", IN_2027),
            (OWN, OWN, "127.0.0.1", IN_2027),
            (OWN, OWN, "localhost", IN_2027 - 100_000_000),
            (OWN, OWN, "localhost", IN_2027 + 400_000_000),
        ] {
            assert!(!verified(given, server, name, secs), "{name} {secs}");
        }
    }
}
