//! Why keys were not fetched: one sentence that says which request failed, how, and what helps.
//!
//! In: the failures of requests.
//! Out: `FetchFailure`.
//! Never: a secret of a URL, the value of a header field, text of a server that is not escaped.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use oidc_spa_native::keys::jwk_set::SkippedKey;
use oidc_spa_native::keys::metadata::MetadataError;
use oidc_spa_native::rejection::Shown;

/// The advice where plain http meets a port for TLS.
pub const OF_TLS: &str = "if the server speaks TLS at this port, write an https URL";

/// Why a fetch failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchFailure {
    /// For developers.
    pub message: String,
    /// The pause that the issuer asks for, in milliseconds.
    pub retry_after_millis: Option<u64>,
    /// The keys of a JWK Set that has no usable one.
    pub skipped: Vec<SkippedKey>,
}

/// Why a request brought no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GetError {
    /// The answer has another status than 200; whether it came by plain http; the pause that it asks for.
    #[allow(missing_docs)]
    Status { status: StatusCode, is_plain: bool, retry_after_millis: Option<u64> },
    /// The document is longer than the limit, which this option raises.
    #[allow(missing_docs)]
    TooLong { limit: usize, option: &'static str },
    /// The content coding of the answer cannot be undone, and why.
    Coding(String),
    /// There was no complete answer within this time.
    Timeout(Duration),
    /// There was no answer, or the request was not made, and why. The text is escaped.
    NoAnswer(String),
}

impl GetError {
    /// The status of an answer that is no document.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(status.as_u16()),
            _ => None,
        }
    }

    /// How long the server asks to be left alone, in milliseconds.
    pub(crate) const fn retry_after_millis(&self) -> Option<u64> {
        match self {
            Self::Status { retry_after_millis, .. } => *retry_after_millis,
            _ => None,
        }
    }

    /// Whether the server answered, without such a document or with an unusable one.
    const fn is_answer(&self) -> bool {
        matches!(self, Self::Status { .. } | Self::TooLong { .. } | Self::Coding(_))
    }
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { status, is_plain, .. } => {
                write!(f, "expected HTTP status 200, got {status}")?;
                match *status {
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                        f.write_str("; `network.headers` are sent to the configured origin")
                    }
                    // The answer of nginx to plain http at a port for TLS.
                    StatusCode::BAD_REQUEST if *is_plain => write!(f, "; {OF_TLS}"),
                    _ => Ok(()),
                }
            }
            Self::TooLong { limit, option } => {
                write!(f, "the answer is longer than {limit} bytes (`{option}`)")
            }
            Self::Timeout(timeout) => {
                write!(f, "no complete answer within {} seconds (`network.timeoutMs`)", timeout.as_secs_f32())
            }
            Self::Coding(why) | Self::NoAnswer(why) => f.write_str(why),
        }
    }
}

/// Why one place of the metadata was of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MetadataFailure {
    #[error("{0}")]
    NotFetched(GetError),
    #[error("{0}")]
    NotUsable(#[from] MetadataError),
    #[error("answered that nothing has changed")]
    Unchanged,
}

impl MetadataFailure {
    /// Whether the server answered. If not, its other places are not asked.
    pub(crate) const fn is_answer(&self) -> bool {
        match self {
            Self::NotFetched(error) => error.is_answer(),
            Self::NotUsable(_) | Self::Unchanged => true,
        }
    }

    const fn retry_after_millis(&self) -> Option<u64> {
        match self {
            Self::NotFetched(error) => error.retry_after_millis(),
            Self::NotUsable(_) | Self::Unchanged => None,
        }
    }
}

impl FetchFailure {
    /// A failure for which the issuer asked for no pause.
    pub const fn new(message: String) -> Self {
        Self { message, retry_after_millis: None, skipped: Vec::new() }
    }

    /// Adds this failure after the earlier ones. The shortest requested pause counts.
    pub(crate) fn after(self, before: Option<Self>) -> Self {
        match before {
            None => self,
            Some(before) => Self {
                message: format!("{}; {}", before.message, self.message),
                retry_after_millis: before.retry_after_millis.min(self.retry_after_millis),
                skipped: [before.skipped, self.skipped].concat(),
            },
        }
    }

    /// Adds the failure of one place of the metadata. The longest requested pause counts, since all places are on one
    /// server.
    pub(crate) fn add(&mut self, url: &str, error: &MetadataFailure) {
        self.message.push_str(&format!("; {}: {error}", shown(url)));
        self.retry_after_millis = self.retry_after_millis.max(error.retry_after_millis());
    }
}

/// A URL as a message shows it: without its query, which may hold a secret, and cut, since an issuer may have chosen it.
pub(crate) fn shown(url: &str) -> Shown<'_> {
    Shown(url.split_once('?').map_or(url, |(before, _)| before))
}
