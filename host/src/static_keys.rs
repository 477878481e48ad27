//! Keys that are known in advance: a JWK Set or PEM, from the options, a file or the environment.
//!
//! In: the option `keys`.
//! Out: a `JwkSet`, or a sentence that says what was expected.
//! Never: the network, a private key.

use oidc_spa_native::jose::json::Object;
use oidc_spa_native::jose::verification_key::VerificationKey;
use oidc_spa_native::keys::jwk_set::JwkSet;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

/// Where static keys are.
pub(crate) enum StaticKeys<'o> {
    JwkSet(&'o Object<'o>),
    Pem(&'o str),
    File(&'o str),
    Environment(&'o str),
}

impl StaticKeys<'_> {
    /// Reads them, once.
    pub(crate) fn read(&self) -> Result<JwkSet, String> {
        match self {
            Self::JwkSet(object) => JwkSet::from_object(object).map_err(|error| format!("jwks: {error}")),
            Self::Pem(pem) => read_pem(pem).map_err(|error| format!("pem: {error}")),
            Self::File(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| format!("file: {path}: {error}"))?;
                read_either(&text).map_err(|error| format!("file: {path}: {error}"))
            }
            Self::Environment(name) => {
                let text = std::env::var(name).map_err(|_| format!("env: {name} is not set"))?;
                read_either(&text).map_err(|error| format!("env: {name}: {error}"))
            }
        }
    }
}

fn read_either(text: &str) -> Result<JwkSet, String> {
    if text.trim_start().starts_with('{') {
        JwkSet::parse(text.as_bytes()).map_err(|error| error.to_string())
    } else {
        read_pem(text)
    }
}

fn read_pem(text: &str) -> Result<JwkSet, String> {
    let expected = "expected public keys in PEM (BEGIN PUBLIC KEY): RSA of 2048 to 8192 bits, EC P-256, P-384, P-521 or Ed25519";
    // As variables of an environment hold it that take one line only: PEM itself has no backslash.
    let text = text.replace("\\r", "").replace("\\n", "\n");
    for (mark, found) in [
        ("PRIVATE KEY-----", "a private key, which only the issuer may have"),
        ("BEGIN CERTIFICATE-----", "a certificate; `openssl x509 -pubkey -noout` gives the public key in it"),
        (
            "BEGIN RSA PUBLIC KEY-----",
            "an RSA key in PKCS #1; `openssl rsa -RSAPublicKey_in -pubout` writes it as is expected",
        ),
    ] {
        if text.contains(mark) {
            return Err(format!("it holds {found}; expected public keys (BEGIN PUBLIC KEY)"));
        }
    }
    let keys = SubjectPublicKeyInfoDer::pem_slice_iter(text.as_bytes())
        .map(|der| VerificationKey::from_der(&der.map_err(|_| expected)?).map_err(|_| expected))
        .collect::<Result<Vec<_>, _>>()?;
    JwkSet::of_unnamed(keys).map_err(|_| expected.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";

    fn block(label: &str) -> String {
        format!("-----BEGIN {label}-----\n{ED25519}\n-----END {label}-----\n")
    }

    fn error(pem: &str) -> String {
        StaticKeys::Pem(pem).read().err().unwrap_or_default()
    }

    #[test]
    fn line_ends_may_be_written_in_two_characters() {
        let good = block("PUBLIC KEY");
        for pem in [
            good.clone(),
            good.replace('\n', "\r\n"),
            good.replace('\n', "\\n"),
            good.replace('\n', "\\r\\n"),
            good.repeat(3).replace('\n', "\\n"),
        ] {
            assert_eq!(error(&pem), "", "{pem}");
        }
        assert!(error(&good.replace('\n', "\\t")).starts_with("pem: expected public keys in PEM"));
        assert!(error(&good.replace('\n', " ")).starts_with("pem: expected public keys in PEM"));
    }

    #[test]
    fn what_is_no_public_key_is_called_by_its_name() {
        for (label, found) in [
            ("CERTIFICATE", "pem: it holds a certificate; `openssl x509 -pubkey -noout`"),
            ("PRIVATE KEY", "pem: it holds a private key"),
            ("EC PRIVATE KEY", "pem: it holds a private key"),
            ("RSA PUBLIC KEY", "pem: it holds an RSA key in PKCS #1"),
        ] {
            for pem in [block(label), block("PUBLIC KEY") + &block(label), block(label).replace('\n', "\\n")]
            {
                assert!(error(&pem).starts_with(found), "{pem}: {}", error(&pem));
            }
        }
    }
}
