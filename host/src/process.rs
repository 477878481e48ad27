//! What this process can do, where the options ask for it: files, variables, TLS, Redis.
//!
//! In: the parts of the options that need it.
//! Out: texts; whether they make sense.
//! Never: a connection.

use std::sync::atomic::{AtomicBool, Ordering};

use oidc_spa_native_engine::network_options::NetworkOptions;
use oidc_spa_native_engine::options_error::{Found, OptionsError};
use oidc_spa_native_engine::redis_options::RedisOptions;
use oidc_spa_native_engine::surroundings::Surroundings;

use crate::network::Network;
use crate::replay::redis_store::RedisSettings;

/// This process.
pub(crate) struct Process;

impl Surroundings for Process {
    fn read_file(&self, path: &str) -> Result<String, OptionsError> {
        std::fs::read_to_string(path)
            .map_err(|error| OptionsError::invalid("file", &error).in_content_of(path))
    }

    fn read_variable(&self, name: &str) -> Result<String, OptionsError> {
        std::env::var(name).map_err(|_| {
            let expected = "the name of an environment variable that is set";
            OptionsError::expected("env", expected).found(Found::text(name))
        })
    }

    fn check_network(&self, network: &NetworkOptions) -> Result<(), OptionsError> {
        Network::check(network)
    }

    fn check_redis(&self, redis: &RedisOptions) -> Result<(), OptionsError> {
        RedisSettings::of(redis).map(drop)
    }

    fn check_own_secret(&self) -> Result<(), OptionsError> {
        Ok(())
    }

    fn verification(&self, asked: &'static str) -> Result<&'static str, OptionsError> {
        Ok(asked)
    }

    /// The warning for an application that tells Node.js not to verify certificates.
    fn warning(&self) -> Option<String> {
        static IS_WARNED: AtomicBool = AtomicBool::new(false);
        let is_asked = std::env::var_os("NODE_TLS_REJECT_UNAUTHORIZED").is_some_and(|value| value == "0");
        (is_asked && !IS_WARNED.swap(true, Ordering::Relaxed)).then(|| {
            "NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored: keys are fetched from servers whose certificate is verified, and from \
             no others. Give the certificate of your issuer, or of its authority, as network.ca or in the file that \
             NODE_EXTRA_CA_CERTS names"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use oidc_spa_native_engine::options::{Internals, Options};

    use super::*;

    fn error(extra: &str) -> String {
        let text = format!(r#"{{"issuerUri":"https://as.example","expectedAudience":"a"{extra}}}"#);
        let parsed = Options::parse(&text, Internals::default(), &Process);
        parsed.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn options_that_this_process_cannot_carry_out_are_refused_with_a_reason() {
        for (extra, expected) in [
            (r#","keys":{"file":"/nowhere/at/all"}"#, "keys.file: /nowhere/at/all: "),
            (
                r#","keys":{"env":"OIDC_SPA_NATIVE_UNSET"}"#,
                "keys.env: expected the name of an environment variable that is set; got \"OIDC_SPA_NATIVE_UNSET\"",
            ),
            (r#","network":{"ca":"x"}"#, "network.ca: expected certificates in PEM"),
            (
                r#","network":{"clientCertificate":{"cert":"x","key":"y"}}"#,
                "network.clientCertificate: expected a certificate",
            ),
            (r#","network":{"proxy":"x"}"#, "network.proxy: expected an http or https URL"),
            (r#","replayStore":{"redis":"x"}"#, "replayStore.redis: expected a URL such as"),
        ] {
            let message = error(extra);
            assert!(message.starts_with(expected), "{extra}: {message}");
        }
        for twin in [
            r#","network":{"proxy":"http://proxy.example:3128"}"#,
            r#","network":{"proxy":false}"#,
            r#","replayStore":{"redis":"redis://localhost"}"#,
            r#","nonce":"required""#,
        ] {
            assert_eq!(error(twin), "", "{twin}");
        }
    }
}
