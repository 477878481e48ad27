//! What the program around the engine can do, where the options ask for it.
//!
//! In: the parts of the options that need I/O or a secret.
//! Out: texts; whether the program can do what an option asks.
//! Never: a decision about a request.

use crate::network_options::NetworkOptions;
use crate::options_error::OptionsError;
use crate::redis_options::RedisOptions;

/// The program around the engine, while it reads options. Each error names the option, says why this program cannot do
/// it, and what helps.
pub trait Surroundings {
    /// The content of a file of keys. The error is one of the option `file`.
    fn read_file(&self, path: &str) -> Result<String, OptionsError>;

    /// The value of an environment variable. The error is one of the option `env`.
    fn read_variable(&self, name: &str) -> Result<String, OptionsError>;

    /// Whether keys can be fetched by these options. The error is one of a member of `network`.
    fn check_network(&self, network: &NetworkOptions) -> Result<(), OptionsError>;

    /// Whether this Redis can be asked. The error is one of a member of `replayStore`.
    fn check_redis(&self, redis: &RedisOptions) -> Result<(), OptionsError>;

    /// Whether nonces may be made with a random secret of this process. The error is one of the option `nonce`.
    fn check_own_secret(&self) -> Result<(), OptionsError>;

    /// The option `verification` as this program carries it out. The error is one of it.
    fn verification(&self, asked: &'static str) -> Result<&'static str, OptionsError>;

    /// What is allowed and most likely a mistake in an environment that fetches keys.
    fn warning(&self) -> Option<String>;
}

/// A program that can do all of it, for the tests of the options.
#[cfg(test)]
pub(crate) struct AnyProcess;

#[cfg(test)]
impl Surroundings for AnyProcess {
    fn read_file(&self, path: &str) -> Result<String, OptionsError> {
        std::fs::read_to_string(path)
            .map_err(|error| OptionsError::invalid("file", &error).in_content_of(path))
    }

    fn read_variable(&self, name: &str) -> Result<String, OptionsError> {
        std::env::var(name).map_err(|error| OptionsError::invalid("env", &error))
    }

    fn check_network(&self, _: &NetworkOptions) -> Result<(), OptionsError> {
        Ok(())
    }

    fn check_redis(&self, _: &RedisOptions) -> Result<(), OptionsError> {
        Ok(())
    }

    fn check_own_secret(&self) -> Result<(), OptionsError> {
        Ok(())
    }

    fn verification(&self, asked: &'static str) -> Result<&'static str, OptionsError> {
        Ok(asked)
    }

    fn warning(&self) -> Option<String> {
        None
    }
}
