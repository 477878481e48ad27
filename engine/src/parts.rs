//! The arguments of calls, as they came from JavaScript, and the question that they make.
//!
//! In: arguments. Out: `Question`. Never: an `if` about OAuth.

use oidc_spa_native::credentials::{Credentials, Field, Presentation};
use oidc_spa_native::dpop::target::ExpectedTarget;
use oidc_spa_native::presentation::RequestRules;
use oidc_spa_native::question::{Question, Request, Subject};
use oidc_spa_native::request::RequestHead;

/// The arguments of a call, one after the other, as the program around passes them.
pub trait Arguments {
    /// Why an argument cannot be read.
    type Error;

    /// A number.
    fn number(&mut self) -> Result<u32, Self::Error>;

    /// Yes or no.
    fn flag(&mut self) -> Result<bool, Self::Error>;

    /// A text.
    fn text(&mut self) -> Result<String, Self::Error>;

    /// A text that may be null, undefined or left out.
    fn optional_text(&mut self) -> Result<Option<String>, Self::Error>;

    /// Bytes that may be null, undefined or left out.
    fn bytes(&mut self) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// `Authorization` came more than once.
pub const AUTHORIZATION_REPEATED: u32 = 1;
/// `DPoP` came more than once.
pub const DPOP_REPEATED: u32 = 2;
/// `Host` came more than once.
pub const HOST_REPEATED: u32 = 4;

/// What is to be judged.
// On the stack, and for one call: a box would cost each request an allocation.
#[allow(clippy::large_enum_variant)]
pub enum Parts {
    /// A request.
    Request {
        /// Its arguments.
        parts: RequestParts,
        /// The rules of the route.
        rules: RequestRules,
        /// The scopes that the route will ask for, separated by spaces.
        scopes: Option<String>,
        /// The number of a token whose claims JavaScript has already, or zero.
        known_token: u64,
    },
    /// Credentials that the application took out of a request.
    Credentials {
        /// Their arguments.
        parts: CredentialParts,
        /// As above.
        known_token: u64,
    },
}

impl Parts {
    /// The question that they make.
    pub fn question(&self) -> Question<'_> {
        match self {
            Self::Request { parts, rules, scopes, .. } => Question {
                subject: Subject::Request(parts.request()),
                rules: *rules,
                scopes: scopes.as_deref(),
            },
            Self::Credentials { parts, .. } => parts.question(),
        }
    }

    /// The number of the token whose claims JavaScript has already, or zero.
    pub const fn known_token(&self) -> u64 {
        match self {
            Self::Request { known_token, .. } | Self::Credentials { known_token, .. } => *known_token,
        }
    }
}

/// Arguments in this order, how each is read, and their names. [`crate::wire`] gives them to the test that compares
/// `ts/boundary/interface.ts` with this order.
macro_rules! parts {
    ($(#[$about:meta])* $name:ident { $($part:ident: $type:ty = $how:ident,)* }) => {
        $(#[$about])*
        pub struct $name {
            $(#[allow(missing_docs)] pub $part: $type,)*
        }

        impl $name {
            /// Their names, in their order.
            pub const NAMES: &[&str] = &[$(stringify!($part)),*];

            /// Reads them.
            pub fn read<A: Arguments>(call: &mut A) -> Result<Self, A::Error> {
                Ok(Self { $($part: call.$how()?,)* })
            }
        }
    };
}

parts! {
    /// The arguments that describe a request, as they came from JavaScript.
    RequestParts {
        flags: u32 = number,
        authorization: Option<String> = optional_text,
        dpop: Option<String> = optional_text,
        method: Option<String> = optional_text,
        url: Option<String> = optional_text,
        connection_scheme: Option<String> = optional_text,
        host: Option<String> = optional_text,
        forwarded: Option<String> = optional_text,
        x_forwarded_proto: Option<String> = optional_text,
        x_forwarded_host: Option<String> = optional_text,
        x_forwarded_port: Option<String> = optional_text,
        x_forwarded_for: Option<String> = optional_text,
        remote_address: Option<String> = optional_text,
        x_forwarded_prefix: Option<String> = optional_text,
        client_cert: Option<String> = optional_text,
        peer_certificate: Option<Vec<u8>> = bytes,
    }
}

impl RequestParts {
    /// The request that they describe.
    pub fn request(&self) -> Request<'_> {
        let head = self.method.as_deref().zip(self.url.as_deref()).map(|(method, url)| RequestHead {
            method,
            url,
            connection_scheme: self.connection_scheme.as_deref(),
            host: self.host.as_deref(),
            host_repeated: self.flags & HOST_REPEATED != 0,
            forwarded: self.forwarded.as_deref(),
            x_forwarded_proto: self.x_forwarded_proto.as_deref(),
            x_forwarded_host: self.x_forwarded_host.as_deref(),
            x_forwarded_port: self.x_forwarded_port.as_deref(),
            x_forwarded_for: self.x_forwarded_for.as_deref(),
            remote_address: self.remote_address.as_deref(),
            x_forwarded_prefix: self.x_forwarded_prefix.as_deref(),
            client_cert: self.client_cert.as_deref(),
            peer_certificate: self.peer_certificate.as_deref(),
        });
        Request {
            authorization: field(self.authorization.as_deref(), self.flags & AUTHORIZATION_REPEATED),
            dpop: field(self.dpop.as_deref(), self.flags & DPOP_REPEATED),
            head,
        }
    }
}

/// A header field; `repeated` is not zero if it came more than once.
pub fn field(value: Option<&str>, repeated: u32) -> Field<'_> {
    match value {
        _ if repeated != 0 => Field::Repeated,
        Some(value) => Field::Once(value),
        None => Field::Absent,
    }
}

parts! {
    /// The arguments that describe credentials, as they came from JavaScript.
    CredentialParts {
        scheme: String = text,
        access_token: String = text,
        reject_if_bound: bool = flag,
        proof: Option<String> = optional_text,
        expected_htm: Option<String> = optional_text,
        expected_htu: Option<String> = optional_text,
    }
}

impl CredentialParts {
    /// The question that they make.
    pub fn question(&self) -> Question<'_> {
        // The type of the drop-in's parameter: it has a proof if and only if the scheme is DPoP.
        let presentation = match (self.scheme.as_str(), self.proof.as_deref()) {
            ("DPoP", proof) => Presentation::DPoP { proof: proof.unwrap_or_default() },
            _ => Presentation::Bearer { even_if_bound: !self.reject_if_bound },
        };
        let credentials = Credentials { presentation, access_token: &self.access_token, token_begin: 0 };
        let target =
            ExpectedTarget::of_application(self.expected_htm.as_deref(), self.expected_htu.as_deref());
        Question::of_credentials(credentials, Some(target))
    }
}
