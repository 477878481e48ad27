//! Whose word is taken for the URI that the client saw.
//!
//! In: the application's options. Out: `ProxyTrust`, and the option that may help if another URI was expected. Never: a
//! request.

use ipnet::IpNet;

use super::target_uri::TargetUri;

/// Whose word is taken for the URI that the client saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProxyTrust {
    /// No proxy is trusted: the connection and the `Host` field decide.
    #[default]
    Nobody,
    /// The first value of each forwarded field: every proxy in front of this server overwrites them.
    First,
    /// As [`First`](Self::First), in the drop-in for `oidc-spa/server`, which reads no prefix, and no scheme but http and
    /// https.
    OidcSpa {
        /// Otherwise no proxy is trusted, as with [`Nobody`](Self::Nobody).
        trusts_proxies: bool,
    },
    /// The value that the nth proxy wrote, counted from this server, if each proxy appends; for the scheme also a
    /// single value, if each proxy replaces it. At least 1.
    Hops(u8),
    /// The value that the outermost proxy of these networks wrote. The connection must come from one of them, and
    /// `X-Forwarded-For` says how many of them are in a row.
    Networks(Vec<IpNet>),
    /// A fixed URL from the application: clients see this server under it, and headers do not count.
    PublicBaseUrl(TargetUri),
}

impl ProxyTrust {
    /// The option that may help if a proof names another URI than the one found with this setting.
    pub(crate) const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Nobody => {
                Some("If a proxy stands in front of this server, set `publicBaseUrl` or `trustProxy`")
            }
            Self::First | Self::Hops(_) | Self::Networks(_) => Some(
                "The expected one follows from `trustProxy`: let the proxy send the host and scheme that the client \
                 used, and set `trustProxyPrefix` if it takes a prefix off, or set `publicBaseUrl`",
            ),
            Self::PublicBaseUrl(_) => Some("The expected one begins with `publicBaseUrl`"),
            Self::OidcSpa { .. } => None,
        }
    }

    pub(super) const fn is_of_oidc_spa(&self) -> bool {
        matches!(self, Self::OidcSpa { .. })
    }

    /// Whether the fields of any proxy are read.
    pub const fn believes_somebody(&self) -> bool {
        matches!(
            self,
            Self::First | Self::OidcSpa { trusts_proxies: true } | Self::Hops(_) | Self::Networks(_)
        )
    }
}
