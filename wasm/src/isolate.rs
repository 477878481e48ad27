//! What a WebAssembly module can do where the options ask for it, and what it refuses.
//!
//! In: the parts of the options that need I/O, threads or a secret of the process.
//! Out: texts; or one sentence that names the option, the engine, and what to do.
//! Never: an option that is read and not carried out.

use oidc_spa_native_engine::network_options::{NetworkOptions, ProxyChoice};
use oidc_spa_native_engine::options_error::{Found, OptionsError};
use oidc_spa_native_engine::redis_options::RedisOptions;
use oidc_spa_native_engine::surroundings::Surroundings;

use crate::imports::{NoText, Place, read_text};

/// A module in a JavaScript runtime.
pub(crate) struct Isolate;

impl Surroundings for Isolate {
    fn read_file(&self, path: &str) -> Result<String, OptionsError> {
        read_text(Place::File, path).map_err(|error| match error {
            NoText::Missing => {
                OptionsError::expected("file", "the path of a file that can be read").found(Found::text(path))
            }
            NoText::NoSuchPlace => OptionsError::conflict(
                "file",
                "the WebAssembly engine reads no files in this runtime; write the keys as `jwks` or `pem`",
            ),
        })
    }

    fn read_variable(&self, name: &str) -> Result<String, OptionsError> {
        read_text(Place::Variable, name).map_err(|error| match error {
            NoText::Missing => {
                let expected = "the name of an environment variable that is set";
                OptionsError::expected("env", expected).found(Found::text(name))
            }
            NoText::NoSuchPlace => OptionsError::conflict(
                "env",
                "the WebAssembly engine reads no environment variables in this runtime; write the keys as `jwks` or `pem`",
            ),
        })
    }

    fn check_network(&self, network: &NetworkOptions) -> Result<(), OptionsError> {
        if network.ca.is_some() {
            return Err(OptionsError::conflict(
                "ca",
                "the WebAssembly engine fetches keys with JavaScript's fetch, which trusts the runtime's own authorities; \
                 on Node.js write the file of the authority into NODE_EXTRA_CA_CERTS, or run the native engine",
            ));
        }
        if network.client_certificate.is_some() {
            return Err(OptionsError::conflict(
                "clientCertificate",
                "the WebAssembly engine fetches keys with JavaScript's fetch, which shows no certificate; run the native \
                 engine, or write the keys as `keys`",
            ));
        }
        if matches!(network.proxy, ProxyChoice::Url(_)) {
            return Err(OptionsError::conflict(
                "proxy",
                "the WebAssembly engine fetches keys with JavaScript's fetch, which takes no proxy; run the native engine, \
                 or write the keys as `keys`",
            ));
        }
        Ok(())
    }

    fn check_redis(&self, _: &RedisOptions) -> Result<(), OptionsError> {
        Err(OptionsError::conflict(
            "redis",
            "the WebAssembly engine speaks no Redis; write an object with a function checkAndStore, or run the native engine",
        ))
    }

    fn check_own_secret(&self) -> Result<(), OptionsError> {
        Err(OptionsError::conflict(
            "nonce",
            "the WebAssembly engine needs `nonceSecret` for it, since isolates and worker threads share no secret of their \
             own; write a `nonceSecret` of at least 32 characters",
        ))
    }

    fn verification(&self, asked: &'static str) -> Result<&'static str, OptionsError> {
        match asked {
            "threads" => Err(OptionsError::conflict(
                "verification",
                "the WebAssembly engine has no threads; leave the option out, or run the native engine",
            )),
            _ => Ok("inline"),
        }
    }

    fn warning(&self) -> Option<String> {
        None
    }
}
