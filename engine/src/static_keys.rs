//! Keys that are known in advance: a JWK Set or PEM, from the options, a file or the environment.
//!
//! In: the option `keys`.
//! Out: a `JwkSet`, or an error that says what was expected.
//! Never: the network, a private key.

use oidc_spa_native::jose::json::Object;
use oidc_spa_native::jose::verification_key::VerificationKey;
use oidc_spa_native::keys::jwk_set::JwkSet;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

use crate::options_error::{Found, OptionsError};
use crate::surroundings::Surroundings;

const PUBLIC_KEYS: &str =
    "public keys in PEM (BEGIN PUBLIC KEY): RSA of 2048 to 8192 bits, EC P-256, P-384, P-521 or Ed25519";

/// The source of static keys.
pub(crate) enum StaticKeys<'o> {
    JwkSet(&'o Object<'o>),
    Pem(&'o str),
    File(&'o str),
    Environment(&'o str),
}

impl StaticKeys<'_> {
    /// Reads them, once.
    pub(crate) fn read(&self, surroundings: &dyn Surroundings) -> Result<JwkSet, OptionsError> {
        match self {
            Self::JwkSet(object) => {
                JwkSet::from_object(object).map_err(|error| OptionsError::invalid("jwks", &error))
            }
            Self::Pem(pem) => read_pem("pem", pem),
            Self::File(path) => {
                let text = surroundings.read_file(path)?;
                read_either("file", &text).map_err(|error| error.in_content_of(path))
            }
            Self::Environment(name) => {
                let text = surroundings.read_variable(name)?;
                read_either("env", &text).map_err(|error| error.in_content_of(name))
            }
        }
    }
}

fn read_either(option: &str, text: &str) -> Result<JwkSet, OptionsError> {
    if text.trim_start().starts_with('{') {
        JwkSet::parse(text.as_bytes()).map_err(|error| OptionsError::invalid(option, &error))
    } else {
        read_pem(option, text)
    }
}

fn read_pem(option: &str, text: &str) -> Result<JwkSet, OptionsError> {
    let expected = || OptionsError::expected(option, PUBLIC_KEYS);
    // Some environment variables hold only one line, with `\n` as two characters. PEM itself has no backslash.
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
            return Err(expected().found(Found::kind(found)));
        }
    }
    let keys = SubjectPublicKeyInfoDer::pem_slice_iter(text.as_bytes())
        .map(|der| VerificationKey::from_der(&der.map_err(|_| expected())?).map_err(|_| expected()))
        .collect::<Result<Vec<_>, _>>()?;
    JwkSet::of_unnamed(keys).map_err(|_| expected())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";

    fn block(label: &str) -> String {
        format!("-----BEGIN {label}-----\n{ED25519}\n-----END {label}-----\n")
    }

    fn error(pem: &str) -> String {
        read_pem("pem", pem).err().map(|error| error.to_string()).unwrap_or_default()
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
    fn a_file_holds_a_jwk_set_or_pem() {
        let set =
            r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE"}]}"#;
        for text in [
            set.to_owned(),
            format!("\n {set}\n"),
            block("PUBLIC KEY"),
            format!(" \n{}", block("PUBLIC KEY")),
        ] {
            let read = read_either("file", &text);
            assert!(read.is_ok_and(|keys| keys.usable().count() == 1), "{text}");
        }
    }

    #[test]
    fn what_is_no_public_key_is_called_by_its_name() {
        for (label, found) in [
            ("CERTIFICATE", "; got a certificate; `openssl x509 -pubkey -noout`"),
            ("PRIVATE KEY", "; got a private key"),
            ("EC PRIVATE KEY", "; got a private key"),
            ("RSA PUBLIC KEY", "; got an RSA key in PKCS #1"),
        ] {
            for pem in [block(label), block("PUBLIC KEY") + &block(label), block(label).replace('\n', "\\n")]
            {
                let message = error(&pem);
                let is_named = message.starts_with("pem: expected public keys in PEM (BEGIN PUBLIC KEY)");
                assert!(is_named && message.contains(found), "{pem}: {message}");
            }
        }
    }
}
