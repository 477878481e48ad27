//! What is fetched for one issuer, and from where.
//!
//! In: the options of an issuer.
//! Out: `FetchPlan`.
//! Never: a request.

use oidc_spa_native::keys::issuer::Issuer;
use url::{Origin, Url};

use crate::network_options::NetworkOptions;

/// Size limit of each document in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FetchLimits {
    /// The metadata of an issuer.
    pub metadata_bytes: usize,
    /// A JWK Set.
    pub jwk_set_bytes: usize,
}

/// The URLs and settings of the fetches. Validators that name the same plan share the keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FetchPlan {
    /// Whose keys.
    pub issuer: Issuer,
    /// The URLs of the JWK Set; `None`: the URL in the metadata.
    pub jwk_set_urls: Option<Vec<String>>,
    /// How long documents may be.
    pub limits: FetchLimits,
    /// How servers are reached.
    pub network: NetworkOptions,
}

impl FetchPlan {
    /// The servers that the application names. Each gets the application's own header fields.
    pub(crate) fn configured_origins(&self) -> Vec<Origin> {
        match &self.jwk_set_urls {
            Some(urls) => urls.iter().filter_map(|url| origin_of(url)).collect(),
            None => self.issuer.metadata_urls().first().and_then(|url| origin_of(url)).into_iter().collect(),
        }
    }
}

/// The origin of a URL.
pub(crate) fn origin_of(url: &str) -> Option<Origin> {
    Url::parse(url).ok().map(|url| url.origin())
}
