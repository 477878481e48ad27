//! The TLS client certificate that an access token is bound to (RFC 8705 section 3, RFC 9440).
//!
//! In: a `cnf["x5t#S256"]`; the certificate of a connection, or the `Client-Cert` field of a trusted proxy.
//! Out: `CertificateThumbprint`; whether the certificate that came is the one that is meant.
//! Never: a certificate's content. Possession was proved by the TLS handshake, and who signed it does not matter here.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::crypto::{constant_time_eq, sha256};
use crate::jose::{base64url_decode, base64url_encode};
use crate::rejection::{Code, Rejection};
use crate::request::{ProxyTrust, RequestHead, white_space};

/// Bytes of a `Client-Cert` field that are read. A certificate has one or two KiB.
const MAX_FIELD_BYTES: usize = 16 * 1024;

/// As a structured field is to be read (RFC 8941 section 4.2.7): padding may be missing.
const FIELD_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The SHA-256 digest of a certificate in DER (RFC 8705 section 3.1).
///
/// ```
/// use oidc_spa_native::client_certificate::CertificateThumbprint;
///
/// let claim = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";
/// assert_eq!(CertificateThumbprint::of_der(b"abc").to_string(), claim);
/// assert_eq!(CertificateThumbprint::from_claim(claim), Some(CertificateThumbprint::of_der(b"abc")));
/// assert_eq!(CertificateThumbprint::from_claim(&format!("{claim}=")), None);
/// ```
#[derive(Clone, Copy)]
pub struct CertificateThumbprint([u8; 32]);

impl CertificateThumbprint {
    /// Reads the claim: base64url of 32 bytes, in its one spelling.
    pub fn from_claim(text: &str) -> Option<Self> {
        base64url_decode(text)?.try_into().ok().map(Self)
    }

    /// The thumbprint of a certificate.
    pub fn of_der(der: &[u8]) -> Self {
        Self(sha256(der))
    }
}

impl PartialEq for CertificateThumbprint {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(&self.0, &other.0)
    }
}

impl Eq for CertificateThumbprint {}

impl fmt::Display for CertificateThumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url_encode(&self.0))
    }
}

impl fmt::Debug for CertificateThumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateThumbprint({self})")
    }
}

/// Where the certificate of a client may come from, its own connection aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateField {
    /// From nowhere.
    #[default]
    Ignored,
    /// From the `Client-Cert` field of a proxy that the application trusts.
    OfTrustedProxy,
}

/// Refuses a request that did not come with the certificate that its token is bound to.
pub(crate) fn check(
    expected: CertificateThumbprint,
    head: Option<RequestHead<'_>>,
    field: CertificateField,
    trust: &ProxyTrust,
) -> Result<(), Rejection> {
    let Some(der) = certificate_of(head, field, trust)? else {
        let (message, advice) = match field {
            CertificateField::Ignored => (
                "no client certificate is known of this request",
                "Have this server's connection ask for one (`requestCert`); where a proxy ends TLS, write \
                 `clientCertificate: \"header\"`",
            ),
            CertificateField::OfTrustedProxy => (
                "no Client-Cert field of a trusted proxy came",
                "The client connects with its certificate, and the proxy writes it there",
            ),
        };
        let message =
            format!("The access token is bound to a client certificate (cnf.x5t#S256), and {message}");
        return Err(Code::TokenBound.because(message).advising(advice));
    };
    let found = CertificateThumbprint::of_der(&der);
    if found == expected {
        return Ok(());
    }
    let message = format!(
        "The access token is bound to the client certificate with thumbprint {expected}, got one with {found}"
    );
    let advice =
        "The client connects with the certificate that it used when it asked the issuer for the token";
    Err(Code::CertificateMismatch.because(message).advising(advice))
}

fn certificate_of<'a>(
    head: Option<RequestHead<'a>>,
    field: CertificateField,
    trust: &ProxyTrust,
) -> Result<Option<Cow<'a, [u8]>>, Rejection> {
    let Some(head) = head else { return Ok(None) };
    match (head.peer_certificate, head.client_cert) {
        // What was taken away, such as the memory of a buffer, is no certificate, and nothing takes its place.
        (Some([]), _) => Ok(None),
        (Some(der), _) => Ok(Some(Cow::Borrowed(der))),
        (None, Some(text))
            if field == CertificateField::OfTrustedProxy && head.is_from_trusted_proxy(trust) =>
        {
            let not_one = || {
                Code::TokenBound
                    .because("The Client-Cert field is not one byte sequence (RFC 9440 section 2)")
                    .advising("Have the proxy write the certificate in DER as base64 between two colons: \":MIIB...:\"")
            };
            let der = decode_field(text).ok_or_else(not_one)?;
            Ok(Some(Cow::Owned(der)))
        }
        (None, _) => Ok(None),
    }
}

/// A byte sequence (RFC 8941 section 3.3.5), alone: no parameter, no second value.
fn decode_field(text: &str) -> Option<Vec<u8>> {
    let base64 = white_space::trim(text).strip_prefix(':')?.strip_suffix(':')?;
    let bytes = (base64.len() <= MAX_FIELD_BYTES).then(|| FIELD_BASE64.decode(base64).ok())??;
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n13_a_client_cert_field_is_one_byte_sequence() {
        for text in [":YWJj:", " :YWJj: ", ":YWJjZA==:", ":YWJjZA:"] {
            assert!(decode_field(text).is_some_and(|bytes| bytes.starts_with(b"abc")), "{text}");
        }
        for text in [
            "",
            ":",
            "::",
            "YWJj",
            ":YWJj",
            "YWJj:",
            "\"YWJj\"",
            ":YWJj:;a=1",
            ":YWJj:, :YWJj:",
            ":YW Jj:",
            ":YWJ_:",
            ":%59WJj:",
            "-----BEGIN CERTIFICATE-----",
        ] {
            assert_eq!(decode_field(text), None, "{text}");
        }
        let of_bytes = |length: usize| format!(":{}:", "A".repeat(length));
        assert!(decode_field(&of_bytes(MAX_FIELD_BYTES)).is_some());
        assert_eq!(decode_field(&of_bytes(MAX_FIELD_BYTES + 4)), None);
    }
}
