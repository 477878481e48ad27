//! The corridor: passes a question through the rooms, in order, to a grant or a refusal.
//!
//! In: a `Question`, the issuers' keys, the time.
//! Out: `Decision`.
//! Never: a comparison of its own, I/O, a clock.

mod explaining;

use std::sync::Arc;

use crate::access_token::AccessToken;
use crate::access_token::signature::{self, KeyTrouble, SignedToken, TokenParts};
use crate::challenge::{Challenger, Demand, Refusal};
use crate::credentials::Credentials;
use crate::dpop::advice;
use crate::dpop::proof::{Proof, TokenDigest};
use crate::dpop::replay::{ProofRecord, Remembered};
use crate::dpop::target::ExpectedTarget;
use crate::explanation::{Check, Deciding, Reason, Watch};
use crate::grant::{Admission, Grant, PendingGrant};
use crate::keys::issuer_directory::IssuerDirectory;
use crate::memory::{BoundToken, IssuerIndex, Learned, Memory, TokenText, VerifiedToken};
use crate::policy::{AcceptedIssuer, Policy};
use crate::possession::{self, PossessionRules, Presented, dpop_disabled};
use crate::presentation::{RequestRules, RequiredBinding};
use crate::question::{Question, Request, Subject};
use crate::rejection::{Code, Rejection};
use crate::request::RequestHead;
use crate::scheme::{AcceptedSchemes, Scheme};
use crate::time::UnixTime;

/// The verdict on a request: a grant or a refusal.
pub type Verdict = Result<Grant, Refusal>;

/// The first answer to a question.
#[derive(Debug)]
pub enum Decision {
    /// Every check passed except replay.
    Pending(PendingGrant),
    /// It is refused.
    Refused(Refusal),
    /// It cannot be judged with the present keys. Nothing was written, so it may be judged again.
    KeysNeeded {
        /// Which keys.
        needed: KeysNeeded,
        /// The refusal if no other keys come.
        otherwise: Refusal,
    },
}

/// Keys that would make a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysNeeded {
    /// The issuer of the keys.
    pub issuer: IssuerIndex,
    /// The number of the searched key set, if there is one.
    pub key_set: Option<u64>,
    /// The `kid` that no key has, if a `kid` is missing.
    pub unknown_kid: Option<String>,
    /// The token's claims would pass if its signature were good. Requests with such tokens go first where many wait for keys.
    pub may_pass: bool,
    /// How the token was presented.
    pub scheme: Scheme,
}

/// An issuer that a token names, before anything of the token is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedIssuer {
    /// Its name: a StringOrURI of bounded length.
    pub name: String,
    /// Whether the token may be good: its unverified `exp` has not passed.
    pub may_pass: bool,
}

/// Greatest length in bytes of a name that is looked up.
const MAX_NAME_BYTES: usize = 512;

/// A resource server's rules, ready to judge.
#[derive(Debug)]
pub struct ResourceServer {
    policy: Policy,
    issuers: IssuerDirectory,
    challenger: Challenger,
}

impl ResourceServer {
    /// A resource server with these rules.
    pub fn new(policy: Policy) -> Self {
        let (dpop, nonces) = (policy.dpop, policy.nonces.clone());
        let challenger = Challenger::new(dpop.algorithms, policy.resource.as_ref(), nonces);
        let issuers = IssuerDirectory::of(policy.issuers.iter().map(|accepted| &accepted.issuer));
        Self { policy, issuers, challenger }
    }

    /// The rules.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The resource's metadata document, as JSON text (RFC 9728 section 2).
    pub fn resource_document(&self) -> Option<String> {
        let Policy { issuers, schemes, binding, dpop, .. } = &self.policy;
        let resource = self.policy.resource.as_ref()?;
        // Clients cannot fetch metadata from a template or from a name that is not an address.
        let issuers = issuers.iter().map(|accepted| &accepted.issuer).filter(|issuer| issuer.is_address());
        Some(resource.document(issuers.map(|issuer| issuer.as_str()), *schemes, *binding, dpop.algorithms))
    }

    /// Makes a refusal that the application or the host decided on. `rules` are those of the route.
    pub fn refuse(
        &self,
        rejection: Rejection,
        used: Option<Scheme>,
        rules: RequestRules,
        demand: &Demand,
        now: UnixTime,
    ) -> Refusal {
        self.challenger.refuse(rejection, used, rules.schemes(self.policy.schemes), demand, now)
    }

    /// Judges a question with the keys that are there now.
    pub fn decide(&self, question: &Question<'_>, memory: &impl Memory, now: UnixTime) -> Decision {
        let (used, walked) = self.walk(question, memory, now, &mut Deciding);
        let WalkRejection { rejection, needed } = match walked {
            Ok(pending) => return Decision::Pending(pending),
            Err(rejection) => rejection,
        };
        let schemes = question.rules.schemes(self.policy.schemes);
        let otherwise = self.challenger.refuse_request(rejection, used, schemes, question.scopes, now);
        match needed {
            Some(needed) => Decision::KeysNeeded { needed, otherwise },
            None => Decision::Refused(otherwise),
        }
    }

    /// The issuer that a request's token names, if the token is well formed, of the right kind and with a known
    /// algorithm, and if the name is valid for an issuer. The name chooses the rules for the request. The claim itself
    /// is compared after it is verified.
    pub fn named_issuer(&self, request: &Request<'_>, now: UnixTime) -> Option<NamedIssuer> {
        let policy = self.policy.access_token;
        let credentials = Credentials::parse(request.authorization, request.dpop).ok()?;
        let parts =
            TokenParts::parse(credentials.access_token, policy, self.policy.max_token_bytes, &mut Deciding)
                .ok()?;
        let signed = parts.signed();
        let name = signed.named_issuer().filter(|name| name.len() <= MAX_NAME_BYTES)?;
        let may_pass = signed.check_expiry(policy, now).is_ok();
        Some(NamedIssuer { name: name.to_owned(), may_pass })
    }

    /// Asks the replay memory, if there is a proof to remember, and makes a grant or a refusal from its answer.
    pub fn settle(
        &self,
        pending: PendingGrant,
        remember: impl FnOnce(&ProofRecord) -> Remembered,
    ) -> Verdict {
        let (scheme, schemes, now) = (pending.scheme(), pending.schemes(), pending.now());
        let refuse = |rejection| {
            let rejection = advice::advised(rejection, self.policy.dpop.as_oidc_spa);
            self.challenger.refuse(rejection, Some(scheme), schemes, &Demand::default(), now)
        };
        pending.settle(remember).map_err(refuse)
    }

    /// The credentials of a request, and the method and URI that its proof must name.
    fn read<'a>(
        &self,
        request: &Request<'a>,
        schemes: AcceptedSchemes,
        watch: &mut impl Watch,
    ) -> Result<(Credentials<'a>, Option<ExpectedTarget<'a>>), (Rejection, Option<Scheme>)> {
        let credentials = match Credentials::parse(request.authorization, request.dpop) {
            // If the scheme is not accepted, a fault of the proof does not matter.
            Err((_, Some(scheme))) if !schemes.accept(scheme) => Err((dpop_disabled(), Some(scheme))),
            read => read.map_err(|(rejection, used)| {
                (advice::advised(rejection, self.policy.dpop.as_oidc_spa), used)
            }),
        };
        let credentials = watch.check(Check::Credentials, credentials)?;
        let scheme = credentials.presentation.scheme();
        let head = request.head.map(|head| head.with_prefix_if(self.policy.reads_forwarded_prefix));
        let target = possession::target_of(scheme, head, schemes, &self.policy.proxy_trust);
        let target = watch.check(Check::Target, target.map_err(|rejection| (rejection, Some(scheme))))?;
        Ok((credentials, target))
    }

    /// The first part of the walk: the scheme that was used, if known, and the outcome of the checks.
    fn walk(
        &self,
        question: &Question<'_>,
        memory: &impl Memory,
        now: UnixTime,
        watch: &mut impl Watch,
    ) -> (Option<Scheme>, Result<PendingGrant, WalkRejection>) {
        let schemes = question.rules.schemes(self.policy.schemes);
        let binding = question.rules.binding(self.policy.binding);
        let read;
        let (credentials, target, head) = match &question.subject {
            Subject::Request(request) => match self.read(request, schemes, watch) {
                Ok(whole) => {
                    read = whole;
                    (&read.0, read.1.as_ref(), request.head)
                }
                Err((rejection, used)) => return (used, Err(rejection.into())),
            },
            Subject::Credentials(credentials, target) => (credentials, target.as_ref(), None),
        };
        let scheme = credentials.presentation.scheme();
        let case = Case { credentials, target, head, schemes, binding, memory, now };
        (Some(scheme), self.admit(&case, scheme, watch))
    }

    fn admit(
        &self,
        case: &Case<'_, impl Memory>,
        scheme: Scheme,
        watch: &mut impl Watch,
    ) -> Result<PendingGrant, WalkRejection> {
        let &Case { credentials, target, head, schemes, binding, memory, now } = case;
        let (text, presentation) = (credentials.access_token, credentials.presentation);
        let bound =
            (scheme == Scheme::DPoP && signature::fits(text, self.policy.max_token_bytes)).then_some(text);
        let recalled = bound.and_then(|text| memory.verified_token(text));
        let recalled = recalled.filter(|known| known.verified.validity().contains(now));
        let is_recalled = recalled.is_some();
        let (digest, verified) = match recalled {
            Some(BoundToken { digest, verified }) => (Some(digest), verified),
            None => (bound.map(TokenDigest::of), Arc::new(self.verify(text, scheme, memory, now, watch)?)),
        };
        let nonces = self.policy.nonces.as_ref();
        let proof = possession::prove(
            verified.token().confirmation(),
            &Presented { presentation, digest, target, head },
            &PossessionRules {
                schemes,
                binding,
                dpop: &self.policy.dpop,
                nonces,
                certificate_field: self.policy.certificate_field,
                proxy_trust: &self.policy.proxy_trust,
            },
            &|header| memory.proof_key(header),
            now,
            watch,
        )?;
        watch.end()?;
        let lacks_nonce = proof.as_ref().is_some_and(|proof| !proof.has_current_nonce());
        let new_token = digest.filter(|_| !is_recalled);
        let new_token = new_token
            .map(|digest| (TokenText::from(text), BoundToken { digest, verified: Arc::clone(&verified) }));
        let (record, proof_key) = proof.map(Proof::into_parts).unzip();
        let record = record.map(|record| match verified.token().presenter() {
            Some(presenter) => record.presented_by(presenter),
            None => record,
        });
        let admission = Admission {
            token: credentials.token_begin..credentials.token_begin + text.len(),
            scheme,
            dpop_nonce: nonces.filter(|_| lacks_nonce).map(|nonces| nonces.current(now)),
            learned: Learned { token: new_token, proof_key: proof_key.flatten() },
            is_recalled,
            verified,
        };
        Ok(PendingGrant::new(admission, record, schemes, now))
    }

    /// The token's header, its issuer's keys, its signature, its claims.
    fn verify(
        &self,
        token: &str,
        scheme: Scheme,
        memory: &impl Memory,
        now: UnixTime,
        watch: &mut impl Watch,
    ) -> Result<VerifiedToken, WalkRejection> {
        let policy = self.policy.access_token;
        let parts = TokenParts::parse(token, policy, self.policy.max_token_bytes, watch)?;
        let signed = parts.signed();
        let index = watch.check(Check::TokenIssuerKnown, self.choose_issuer(&signed, now))?;
        let accepted = self.issuer(index)?;
        let AcceptedIssuer { issuer, audience, algorithms, .. } = accepted;
        watch.go_on(Check::TokenAlgorithmAllowed, signed.check_algorithm(*algorithms, policy), || ())?;
        let set = memory.keys(index);
        let key_set = set.as_ref().map(|set| set.number());
        let needs_keys = |rejection, unknown_kid| {
            let may_pass = signed.claims_to_pass(issuer, audience, policy, now);
            let needed = KeysNeeded { issuer: index, key_set, unknown_kid, may_pass, scheme };
            WalkRejection { rejection, needed: Some(needed) }
        };
        let Some(set) = set else {
            // The issuer is not asked for the sake of a token that has expired: then nothing is known of its keys.
            watch.check(Check::TokenTimes, signed.check_expiry(policy, now))?;
            let message = "The issuer's keys are not available yet; the issuer is asked for them";
            let lacking = needs_keys(Code::KeysUnavailable.because(message), None);
            return watch.check(Check::IssuerKeys, Err(lacking));
        };
        watch.go_on(Check::IssuerKeys, Ok(()), || ())?;
        let verified = signed.verify(&set, policy, now);
        let verified = watch.check(Check::TokenSignature, verified);
        watch.facts(Check::TokenSignature, || signed.facts(&set));
        match verified {
            Ok(jws) => {
                let token = AccessToken::validate(jws, accepted.expected(), policy, now, watch)?;
                Ok(VerifiedToken::new(index, token, set.number()))
            }
            // Newer keys are requested only if they can change the result.
            Err(KeyTrouble::Outdated(rejection)) if signed.may_pass_later(issuer, policy, now) => {
                let is_unknown = rejection.code() == Code::KeyUnknown;
                let unknown_kid = signed.key_id().filter(|_| is_unknown).map(str::to_owned);
                Err(needs_keys(rejection, unknown_kid))
            }
            Err(KeyTrouble::Outdated(rejection) | KeyTrouble::Final(rejection)) => Err(rejection.into()),
        }
    }

    /// With one issuer there is no choice: its rules refuse the tokens of other issuers. With several, the unverified
    /// `iss` chooses the keys. The claim itself is compared after it is verified.
    fn choose_issuer(&self, signed: &SignedToken<'_>, now: UnixTime) -> Result<IssuerIndex, Rejection> {
        match self.policy.issuers.as_slice() {
            [_] => Ok(0),
            // The application's function knows no issuer of this name, or was not called: an expired token does not
            // cause a call.
            [] => signed
                .check_expiry(self.policy.access_token, now)
                .and_then(|()| signed.choose_issuer(&self.issuers)),
            _ => signed.choose_issuer(&self.issuers),
        }
    }

    fn issuer(&self, index: IssuerIndex) -> Result<&AcceptedIssuer, Rejection> {
        self.policy.issuers.get(index).ok_or_else(|| Code::IssuerMismatch.because("No issuer is accepted"))
    }
}

/// One question on its way.
struct Case<'c, M> {
    credentials: &'c Credentials<'c>,
    /// The method and URI that a proof must name.
    target: Option<&'c ExpectedTarget<'c>>,
    head: Option<RequestHead<'c>>,
    schemes: AcceptedSchemes,
    binding: RequiredBinding,
    memory: &'c M,
    now: UnixTime,
}

/// Why there is no grant, and which keys might change that.
struct WalkRejection {
    rejection: Rejection,
    needed: Option<KeysNeeded>,
}

impl Reason for WalkRejection {
    fn rejection(&self) -> &Rejection {
        &self.rejection
    }
}

impl From<Rejection> for WalkRejection {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, needed: None }
    }
}
