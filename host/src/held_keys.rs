//! The keys of one issuer, wherever they come from.
//!
//! In: keys that are known in advance, or fetched.
//! Out: those that may serve now, and their number.
//! May use: issuer_keys.
//! Never: a fetch of its own.

use std::sync::Arc;

use oidc_spa_native::keys::jwk_set::JwkSet;

use crate::issuer_keys::IssuerKeys;

/// The keys of one issuer.
#[derive(Debug)]
pub(crate) enum HeldKeys {
    Static(Arc<JwkSet>),
    Fetched(Arc<IssuerKeys>),
}

impl HeldKeys {
    pub(crate) fn current(&self) -> Option<Arc<JwkSet>> {
        match self {
            Self::Static(keys) => Some(Arc::clone(keys)),
            Self::Fetched(keys) => keys.current(),
        }
    }

    /// The number of the keys that may serve now. Those that never change all have the same.
    pub(crate) fn epoch(&self) -> Option<u64> {
        match self {
            Self::Static(_) => Some(0),
            Self::Fetched(keys) => keys.epoch(),
        }
    }

    /// The number of these very keys, if they are the ones that may serve now.
    pub(crate) fn epoch_of(&self, keys: &Arc<JwkSet>) -> Option<u64> {
        match self {
            Self::Static(_) => Some(0),
            Self::Fetched(current) => current.epoch_of(keys),
        }
    }

    /// Those that can become others.
    pub(crate) fn fetched(&self) -> Option<&Arc<IssuerKeys>> {
        match self {
            Self::Static(_) => None,
            Self::Fetched(keys) => Some(keys),
        }
    }
}
