//! The checks of a request, and the outcome of each, for developers who ask why it was refused.
//!
//! In: the outcome of each check, in the order of the walk.
//! Out: `Explanation`, which grants nothing.
//! Never: a check, a token, a claim about a person.

use std::fmt::{self, Display};
use std::ops::Range;

use crate::rejection::{Code, Rejection, Shown};

macro_rules! checks {
    ($($variant:ident, $id:literal, $clause:literal, $title:literal;)*) => {
        /// A check, in the order in which they are made.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Check {
            $($variant,)*
        }

        impl Check {
            /// All of them, in their order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name, for programs. It does not change.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// The clause of the standard that asks for it.
            pub const fn clause(self) -> &'static str {
                match self { $(Self::$variant => $clause,)* }
            }

            /// What it checks, as a sentence without its full stop.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

checks! {
    Credentials, "credentials", "RFC 9110 section 11.6.2, RFC 6750 section 2.1, RFC 9449 section 7.1", "The request carries credentials";
    Target, "target", "RFC 9449 section 4.3, RFC 7239", "The URI that the client called is known";
    TokenForm, "token.form", "RFC 7515 section 5.2, RFC 7519 section 7.2", "The access token is a signed JWT of a bounded size";
    TokenAlgorithm, "token.algorithm", "RFC 8725 section 3.1", "The access token's algorithm is asymmetric and known";
    TokenType, "token.type", "RFC 9068 section 4, RFC 8725 section 3.11", "The header's typ is the one of access tokens";
    TokenIssuerKnown, "token.issuer-known", "RFC 9068 section 4", "The access token names a configured issuer";
    TokenAlgorithmAllowed, "token.algorithm-allowed", "RFC 8725 section 3.1", "The issuer may sign with this algorithm";
    IssuerKeys, "issuer.keys", "RFC 7517 section 5, RFC 8414 section 2", "The issuer's keys are at hand";
    TokenSignature, "token.signature", "RFC 7515 section 5.2, RFC 8725 section 3.3", "A key of the issuer signed the access token";
    TokenTimes, "token.times", "RFC 7519 sections 4.1.4 to 4.1.6", "The access token is valid now";
    TokenKind, "token.kind", "RFC 8725 section 3.12", "It is an access token, and not another kind of JWT";
    TokenClaims, "token.claims", "RFC 9068 section 2.2", "The claims that decide are there and have their types";
    TokenIssuer, "token.issuer", "RFC 9068 section 4, RFC 9207", "The iss claim is the issuer whose key signed the token";
    TokenAudience, "token.audience", "RFC 9068 section 4, RFC 7519 section 4.1.3", "The access token is for this API";
    TokenClient, "token.client", "RFC 9068 section 2.2", "The access token was given to an expected client";
    TokenConfirmation, "token.confirmation", "RFC 7800 section 3.1", "The cnf claim can be read";
    Scheme, "presentation.scheme", "RFC 9449 section 7.1, RFC 6750 section 2.1", "The scheme is the one that the token is for";
    Binding, "presentation.binding", "RFC 9700 section 2.2.1", "The token is bound to its client as the rules ask";
    Certificate, "presentation.certificate", "RFC 8705 section 3", "The client certificate is the one that the token is bound to";
    SchemeAccepted, "presentation.accepted", "RFC 9449 section 7.1", "The rules accept this scheme";
    ProofForm, "proof.form", "RFC 9449 section 4.3, checks 1 and 2", "The DPoP proof is one signed JWT of a bounded size";
    ProofAlgorithm, "proof.algorithm", "RFC 9449 section 4.3, check 5", "The proof's algorithm is accepted";
    ProofType, "proof.type", "RFC 9449 section 4.3, check 4", "The proof's typ is dpop+jwt";
    ProofKey, "proof.key", "RFC 9449 section 4.3, check 7", "The proof's header holds a public key";
    ProofBinding, "proof.binding", "RFC 9449 section 4.3, check 12", "The proof's key is the one that the token is bound to";
    ProofSignature, "proof.signature", "RFC 9449 section 4.3, check 6", "The proof's key signed the proof";
    ProofTimes, "proof.times", "RFC 9449 section 4.3, checks 10 and 11", "The proof was made now, or holds a nonce of this server";
    ProofMethod, "proof.method", "RFC 9449 section 4.3, check 8", "The proof is for this method";
    ProofUri, "proof.uri", "RFC 9449 section 4.3, check 9", "The proof is for this URI";
    ProofToken, "proof.token", "RFC 9449 section 4.3, check 12", "The proof is for this access token";
    ProofIdentifier, "proof.identifier", "RFC 9449 section 4.3, check 3", "The proof has an identifier of its own";
    ProofReplay, "proof.replay", "RFC 9449 section 11.1", "The proof was not used before";
}

/// What was expected, and what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What was expected.
    pub expected: String,
    /// The value that came, escaped and cut.
    pub found: String,
}

impl Facts {
    /// Facts for a person to read. The value that came is always escaped and cut.
    pub(crate) fn new(expected: impl Display, found: impl Display) -> Self {
        Self { expected: expected.to_string(), found: Shown(&found.to_string()).to_string() }
    }
}

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It passed.
    Passed,
    /// It failed, with the refusal of this check alone.
    Failed(Rejection),
    /// It was not made, because an earlier check failed or because it is not required.
    Skipped,
}

/// One check, and its outcome.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which check.
    pub check: Check,
    /// Its outcome.
    pub ending: Ending,
    /// What was expected, and what came, where there is more to say than the check's title.
    pub facts: Option<Facts>,
    /// The value that came is unverified: no signature over it was verified.
    pub is_unverified: bool,
}

/// Every check of one request, in order. It is not a grant, and cannot become one.
#[derive(Clone)]
pub struct Explanation {
    rows: Vec<Row>,
    refusal: Option<Rejection>,
    admitted: Option<Admitted>,
}

/// The content of a grant, for the checks of the application. It is not a grant.
#[derive(Clone)]
pub struct Admitted {
    /// The claims, as JSON text.
    pub claims: String,
    /// The access token's place in the `Authorization` field, in bytes.
    pub token: Range<usize>,
    /// The scheme's name.
    pub scheme: &'static str,
    /// The issuer's position among those of the policy.
    pub issuer: usize,
}

impl Explanation {
    /// The content of a grant, if every check of the token and the proof passed.
    pub fn admitted(&self) -> Option<&Admitted> {
        self.admitted.as_ref()
    }

    /// The checks, each of them once.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The refusal that the request would get: the one of the first check that failed.
    pub fn refusal(&self) -> Option<&Rejection> {
        self.refusal.as_ref()
    }
}

// Claims must not end up in a log.
impl fmt::Debug for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explanation").field("rows", &self.rows).field("refusal", &self.refusal).finish()
    }
}

/// An error that holds a rejection.
pub(crate) trait Reason {
    fn rejection(&self) -> &Rejection;
}

impl Reason for Rejection {
    fn rejection(&self) -> &Rejection {
        self
    }
}

impl<T> Reason for (Rejection, T) {
    fn rejection(&self) -> &Rejection {
        &self.0
    }
}

/// The observer of a walk through the checks. One walk decides, another explains; the checks are the same.
pub(crate) trait Watch {
    /// A check that later checks depend on.
    fn check<T, E: Reason>(&mut self, check: Check, outcome: Result<T, E>) -> Result<T, E>;

    /// A check that later checks do not depend on. After its failure an explanation goes on, with the stand-in.
    fn go_on<T>(
        &mut self,
        check: Check,
        outcome: Result<T, Rejection>,
        stand_in: impl FnOnce() -> T,
    ) -> Result<T, Rejection>;

    /// The facts of a check. A walk that decides does not compute them.
    fn facts(&mut self, check: Check, facts: impl FnOnce() -> Facts);

    /// The end of the walk: an error if any check failed. A grant may be made only after it.
    fn end(&mut self) -> Result<(), Rejection>;
}

/// A walk that ends with the first failed check.
pub(crate) struct Deciding;

impl Watch for Deciding {
    #[inline(always)]
    fn check<T, E: Reason>(&mut self, _: Check, outcome: Result<T, E>) -> Result<T, E> {
        outcome
    }

    #[inline(always)]
    fn go_on<T>(
        &mut self,
        _: Check,
        outcome: Result<T, Rejection>,
        _: impl FnOnce() -> T,
    ) -> Result<T, Rejection> {
        outcome
    }

    #[inline(always)]
    fn facts(&mut self, _: Check, _: impl FnOnce() -> Facts) {}

    #[inline(always)]
    fn end(&mut self) -> Result<(), Rejection> {
        Ok(())
    }
}

/// A walk that notes the outcome of each check.
#[derive(Debug, Default)]
pub(crate) struct Explaining {
    rows: Vec<Row>,
    first: Option<Rejection>,
    is_unverified: bool,
}

impl Explaining {
    /// From now on, the values that came are unverified.
    pub(crate) fn go_on_unverified(&mut self) {
        self.is_unverified = true;
    }

    /// Whether this check was made.
    pub(crate) fn has_made(&self, check: Check) -> bool {
        self.rows.iter().any(|row| row.check == check)
    }

    /// Notes the outcome of a check. A check with several parts passes if each part passes.
    pub(crate) fn note(&mut self, check: Check, failure: Option<&Rejection>) {
        if self.first.is_none() {
            self.first = failure.cloned();
        }
        let ending = failure.map_or(Ending::Passed, |rejection| Ending::Failed(rejection.clone()));
        match self.rows.iter_mut().find(|row| row.check == check) {
            Some(row) if row.ending == Ending::Passed => row.ending = ending,
            Some(_) => {}
            None => self.rows.push(Row { check, ending, facts: None, is_unverified: self.is_unverified }),
        }
    }

    /// All checks, including those that were not made.
    pub(crate) fn finish(
        mut self,
        admitted: Option<Admitted>,
        replay: Option<Result<(), Rejection>>,
    ) -> Explanation {
        if let Some(outcome) = replay {
            self.is_unverified = false;
            self.note(Check::ProofReplay, outcome.err().as_ref());
        }
        let Self { rows, first, .. } = self;
        let row_of = |check: &Check| {
            let skipped = Row { check: *check, ending: Ending::Skipped, facts: None, is_unverified: false };
            rows.iter().find(|row| row.check == *check).cloned().unwrap_or(skipped)
        };
        Explanation { rows: Check::ALL.iter().map(row_of).collect(), refusal: first, admitted }
    }
}

impl Watch for Explaining {
    fn check<T, E: Reason>(&mut self, check: Check, outcome: Result<T, E>) -> Result<T, E> {
        self.note(check, outcome.as_ref().err().map(Reason::rejection));
        outcome
    }

    fn go_on<T>(
        &mut self,
        check: Check,
        outcome: Result<T, Rejection>,
        stand_in: impl FnOnce() -> T,
    ) -> Result<T, Rejection> {
        self.note(check, outcome.as_ref().err());
        Ok(outcome.unwrap_or_else(|_| stand_in()))
    }

    fn facts(&mut self, check: Check, facts: impl FnOnce() -> Facts) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.check == check && row.facts.is_none()) {
            row.facts = Some(facts());
        }
    }

    fn end(&mut self) -> Result<(), Rejection> {
        match &self.first {
            Some(rejection) => Err(rejection.clone()),
            None => Ok(()),
        }
    }
}

impl Explanation {
    /// The same, with the reason of the code that waited for keys: a more exact one, or that no keys could be had.
    #[must_use]
    pub fn explained(mut self, rejection: &Rejection) -> Self {
        let Some(before) = self.refusal.take() else { return self };
        let is_same = before.code() == rejection.code();
        if !is_same && rejection.code() != Code::KeysUnavailable {
            return Self { refusal: Some(before), ..self };
        }
        let before = Ending::Failed(before);
        let is_meant =
            |row: &Row| if is_same { row.ending == before } else { row.check == Check::IssuerKeys };
        if let Some(row) = self.rows.iter_mut().find(|row| is_meant(row)) {
            row.ending = Ending::Failed(rejection.clone());
        }
        Self { refusal: Some(rejection.clone()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_name_of_its_own_and_a_clause() {
        for (i, check) in Check::ALL.iter().enumerate() {
            assert_eq!(Check::ALL.iter().position(|other| other.id() == check.id()), Some(i));
            assert!(check.clause().starts_with("RFC "), "{}", check.id());
            assert!(!check.title().ends_with('.'), "{}", check.id());
        }
    }

    #[test]
    fn the_first_failure_is_the_refusal_and_a_walk_that_failed_does_not_end_well() {
        let mut watch = Explaining::default();
        let refused = |code: Code| Err::<(), _>(code.because("x"));
        assert!(watch.check(Check::TokenForm, Ok::<_, Rejection>(1)).is_ok());
        assert!(watch.end().is_ok());
        assert!(watch.go_on(Check::TokenTimes, refused(Code::TokenExpired), || ()).is_ok());
        assert!(watch.go_on(Check::TokenAudience, refused(Code::AudienceMismatch), || ()).is_ok());
        assert!(watch.end().is_err());
        let explanation = watch.finish(None, None);
        assert_eq!(explanation.refusal().map(Rejection::code), Some(Code::TokenExpired));
        assert_eq!(explanation.rows().len(), Check::ALL.len());
        let failed = explanation.rows().iter().filter(|row| matches!(row.ending, Ending::Failed(_)));
        assert_eq!(failed.count(), 2);
    }

    #[test]
    fn the_refusal_after_a_wait_for_keys_is_the_one_that_is_explained() {
        let failed = |code: Code| {
            let mut watch = Explaining::default();
            let keys = watch.go_on(Check::IssuerKeys, Ok(()), || ());
            let signature = watch.check(Check::TokenSignature, Err::<(), _>(code.because("before")));
            assert!(keys.is_ok() && signature.is_err());
            watch.finish(None, None)
        };
        let refusal = |explanation: &Explanation| explanation.refusal().cloned();
        let row_of = |explanation: &Explanation, check: Check| {
            explanation.rows().iter().find(|row| row.check == check).map(|row| row.ending.clone())
        };
        let exact = Code::KeyUnknown.because("after");
        let explained = failed(Code::KeyUnknown).explained(&exact);
        assert_eq!(refusal(&explained), Some(exact.clone()));
        assert_eq!(row_of(&explained, Check::TokenSignature), Some(Ending::Failed(exact.clone())));
        let crowded = Code::KeysUnavailable.because("too many wait");
        let explained = failed(Code::KeyUnknown).explained(&crowded);
        assert_eq!(refusal(&explained), Some(crowded.clone()));
        assert_eq!(row_of(&explained, Check::IssuerKeys), Some(Ending::Failed(crowded)));
        let explained = failed(Code::SignatureInvalid).explained(&exact);
        assert_eq!(refusal(&explained), Some(Code::SignatureInvalid.because("before")));
    }

    #[test]
    fn what_came_is_escaped() {
        assert_eq!(Facts::new("x", "a\r\nb").found, "a\\u{d}\\u{a}b");
    }
}
