//! The authentication schemes under which an access token comes (RFC 6750, RFC 9449 section 7.1).
//!
//! In: a name.
//! Out: `Scheme`, `AcceptedSchemes`.
//! Never: a header field.

/// An authentication scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Scheme {
    Bearer,
    DPoP,
}

impl Scheme {
    /// The name, as a challenge writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::DPoP => "DPoP",
        }
    }

    /// The scheme of this name, in any case (RFC 9110 section 11.1).
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Bearer, Self::DPoP].into_iter().find(|scheme| name.eq_ignore_ascii_case(scheme.name()))
    }
}

/// The schemes that a server accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AcceptedSchemes {
    #[default]
    Both,
    Bearer,
    DPoP,
}

impl AcceptedSchemes {
    /// The schemes of a mode of DPoP, as options name it.
    pub fn from_dpop_mode(mode: &str) -> Option<Self> {
        match mode {
            "allowed" => Some(Self::Both),
            "required" => Some(Self::DPoP),
            "disabled" => Some(Self::Bearer),
            _ => None,
        }
    }

    /// Whether the scheme is among them.
    pub const fn accept(self, scheme: Scheme) -> bool {
        matches!(
            (self, scheme),
            (Self::Both, _) | (Self::Bearer, Scheme::Bearer) | (Self::DPoP, Scheme::DPoP)
        )
    }
}
