//! How an access token must be presented: the rules of a server, and what one request's route says instead.
//!
//! In: what the configuration asks for, a token's confirmation.
//! Out: `RequiredBinding`, `RequestRules`; nothing, or a refusal.
//! Never: a proof, a certificate. Whether what a token is bound to was proved is seen elsewhere.

use crate::access_token::Confirmation;
use crate::rejection::{Code, Rejection};
use crate::scheme::AcceptedSchemes;

/// What every token must be bound to, whatever its scheme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequiredBinding {
    /// To a TLS client certificate (RFC 8705 section 3).
    pub certificate: bool,
    /// To a DPoP key or a certificate: sender-constrained, as FAPI 2.0 Security Profile section 5.3.2.1 asks.
    pub any: bool,
}

impl RequiredBinding {
    pub(crate) fn check(self, confirmation: &Confirmation) -> Result<(), Rejection> {
        let has_certificate = confirmation.certificate.is_some();
        if self.certificate && !has_certificate {
            let message = "The access token is not bound to a client certificate (cnf.x5t#S256), and only such tokens are \
                           accepted";
            let advice = "The client connects with its certificate when it asks the issuer for the token";
            return Err(Code::TokenUnbound.because(message).advising(advice));
        }
        if self.any && !has_certificate && confirmation.jkt.is_none() {
            let message = "The access token is bound neither to a DPoP key (cnf.jkt) nor to a client certificate \
                           (cnf.x5t#S256), and only sender-constrained tokens are accepted";
            let advice = "The client asks the issuer for the token with a DPoP proof or with its certificate";
            return Err(Code::TokenUnbound.because(message).advising(advice));
        }
        Ok(())
    }
}

/// What a route says of its requests; what it does not say is the server's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestRules {
    schemes: Option<AcceptedSchemes>,
    certificate: Option<bool>,
    sender_constrained: Option<bool>,
}

impl RequestRules {
    /// Reads the rules from a number, two bits a rule, zero where a rule is not said: the mode of DPoP (allowed, required,
    /// disabled), the certificate, being sender-constrained (allowed, required).
    ///
    /// ```
    /// use oidc_spa_native::presentation::RequestRules;
    ///
    /// assert_eq!(RequestRules::from_bits(0), Some(RequestRules::default()));
    /// assert_eq!(RequestRules::from_bits(0b11_00_00), None);
    /// assert_eq!(RequestRules::from_bits(1 << 6), None);
    /// ```
    pub const fn from_bits(bits: u32) -> Option<Self> {
        let schemes = match bits & 3 {
            0 => None,
            1 => Some(AcceptedSchemes::Both),
            2 => Some(AcceptedSchemes::DPoP),
            _ => Some(AcceptedSchemes::Bearer),
        };
        let (Some(certificate), Some(sender_constrained)) = (is_required(bits >> 2), is_required(bits >> 4))
        else {
            return None;
        };
        if bits >> 6 == 0 { Some(Self { schemes, certificate, sender_constrained }) } else { None }
    }

    /// The schemes that are accepted, where these are the server's.
    pub fn schemes(self, of_server: AcceptedSchemes) -> AcceptedSchemes {
        self.schemes.unwrap_or(of_server)
    }

    /// What a token must be bound to, where this is what the server asks for.
    pub fn binding(self, of_server: RequiredBinding) -> RequiredBinding {
        RequiredBinding {
            certificate: self.certificate.unwrap_or(of_server.certificate),
            any: self.sender_constrained.unwrap_or(of_server.any),
        }
    }
}

/// The outer `None` is for a number that means nothing.
const fn is_required(bits: u32) -> Option<Option<bool>> {
    match bits & 3 {
        0 => Some(None),
        1 => Some(Some(false)),
        2 => Some(Some(true)),
        _ => None,
    }
}
