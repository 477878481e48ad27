//! Keys that are known in advance: a JWK Set or PEM, from the options, a file or the environment.
//!
//! In: the option `keys`.
//! Out: a `JwkSet`, or a sentence that says what was expected.
//! May use: the validator's key sets, rustls-pki-types for PEM.
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
    if text.contains("PRIVATE KEY-----") {
        return Err(
            "it holds a private key, which only the issuer may have; expected public keys (BEGIN PUBLIC KEY)"
                .into(),
        );
    }
    let keys = SubjectPublicKeyInfoDer::pem_slice_iter(text.as_bytes())
        .map(|der| VerificationKey::from_der(&der.map_err(|_| expected)?).map_err(|_| expected))
        .collect::<Result<Vec<_>, _>>()?;
    JwkSet::of_unnamed(keys).map_err(|_| expected.to_owned())
}
