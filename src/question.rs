//! What is asked of a resource server.
//!
//! In: a request, or credentials that the application took out of one; what the route says.
//! Out: `Question`.
//! Never: a decision.

use crate::credentials::{Credentials, Field};
use crate::dpop::target::ExpectedTarget;
use crate::presentation::RequestRules;
use crate::request::RequestHead;

/// A request, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The `Authorization` field.
    pub authorization: Field<'a>,
    /// The `DPoP` field.
    pub dpop: Field<'a>,
    /// What the request was for; without it DPoP is not accepted.
    pub head: Option<RequestHead<'a>>,
}

/// What is to be judged.
#[derive(Debug)]
pub enum Subject<'a> {
    /// May this request enter?
    Request(Request<'a>),
    /// Are these credentials good for this target? A token that is bound to a certificate is refused.
    Credentials(Credentials<'a>, Option<ExpectedTarget<'a>>),
}

/// All that is asked at once.
#[derive(Debug)]
pub struct Question<'a> {
    /// What is to be judged.
    pub subject: Subject<'a>,
    /// The rules of the route.
    pub rules: RequestRules,
    /// The scopes that the route will ask for, separated by spaces. The challenge of an anonymous request names them.
    pub scopes: Option<&'a str>,
}

impl<'a> Question<'a> {
    /// A request, by the rules of the server.
    pub fn of_request(request: Request<'a>) -> Self {
        Self { subject: Subject::Request(request), rules: RequestRules::default(), scopes: None }
    }

    /// Credentials, by the rules of the server. `target` is what a proof must be for.
    pub fn of_credentials(credentials: Credentials<'a>, target: Option<ExpectedTarget<'a>>) -> Self {
        let subject = Subject::Credentials(credentials, target);
        Self { subject, rules: RequestRules::default(), scopes: None }
    }
}
