//! The corridor: a request through the rooms, in order, to a grant or a refusal.
//!
//! In: a request, the issuers' keys, the time.
//! Out: `Decision`.
//! May use: every room.
//! Never: a comparison of its own, I/O, a clock.

use std::sync::Arc;

use crate::access_token::signature::{KeyTrouble, SignedToken};
use crate::access_token::{AccessToken, AccessTokenPolicy, Audience, Clients};
use crate::challenge::{Challenge, Challenger, Demand};
use crate::client_certificate::CertificateField;
use crate::credentials::{AcceptedSchemes, Credentials, Field, Presentation, Refusal, Scheme};
use crate::dpop::nonce::Nonces;
use crate::dpop::proof::{DpopPolicy, ExpectedTarget, Proof, TokenDigest, header_of};
use crate::grant::{Grant, Pending};
use crate::jose::algorithm::AlgorithmSet;
use crate::keys::issuer_directory::IssuerDirectory;
use crate::keys::metadata::Issuer;
use crate::memory::{BoundToken, IssuerIndex, Learned, Memory, TokenText, VerifiedToken};
use crate::possession::{self, PossessionRules, Presented, dpop_disabled};
use crate::presentation::{RequestRules, RequiredBinding};
use crate::rejection::{Code, Rejection};
use crate::request::{ProxyTrust, RequestHead};
use crate::resource_metadata::ProtectedResource;
use crate::time::UnixTime;

/// One issuer whose tokens are accepted.
#[derive(Clone, Debug)]
pub struct AcceptedIssuer {
    /// Its identifier.
    pub issuer: Issuer,
    /// Whom its tokens must be for.
    pub audience: Audience,
    /// Whose tokens they must be.
    pub clients: Clients,
    /// The algorithms that it may sign with.
    pub algorithms: AlgorithmSet,
}

/// The rules of a resource server.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The issuers whose tokens are accepted. At least one.
    pub issuers: Vec<AcceptedIssuer>,
    /// The rules for access tokens.
    pub access_token: AccessTokenPolicy,
    /// Bytes of an access token.
    pub max_token_bytes: usize,
    /// The rules for proofs.
    pub dpop: DpopPolicy,
    /// The nonces that this server gives, if any.
    pub nonces: Option<Nonces>,
    /// The schemes that are accepted.
    pub schemes: AcceptedSchemes,
    /// What every token must be bound to.
    pub binding: RequiredBinding,
    /// Whose word is taken for the URI that the client saw.
    pub proxy_trust: ProxyTrust,
    /// What it tells of itself, if anything.
    pub resource: Option<ProtectedResource>,
    /// Whether `X-Forwarded-Prefix` is read of whom `proxy_trust` names. Many proxies pass on a client's.
    pub reads_forwarded_prefix: bool,
    /// Whether a client's certificate may come from a header field.
    pub certificate_field: CertificateField,
}

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

/// What the corridor says of a request.
#[derive(Debug)]
pub enum Decision {
    /// Every check passed, that of replay aside.
    Pending(Pending),
    /// It is refused.
    Rejected(Refusal),
    /// It cannot be judged with the keys that are there. Nothing was written: it may be judged again.
    KeysNeeded {
        /// Whose keys.
        issuer: IssuerIndex,
        /// The `kid` that no key bears, if that is what is missing.
        unknown_kid: Option<String>,
        /// By its own word the token would pass with the right key. Whoever waits for others waits behind those.
        may_pass: bool,
        /// The refusal, if no other keys come.
        otherwise: Refusal,
    },
}

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
        let challenger = Challenger::new(policy.dpop.algorithms, policy.resource.as_ref());
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
        // A template and a mere name are no identifiers that a client could ask.
        let issuers = issuers.iter().map(|accepted| &accepted.issuer).filter(|issuer| issuer.is_address());
        Some(resource.document(issuers.map(|issuer| issuer.as_str()), *schemes, *binding, dpop.algorithms))
    }

    /// The response to a refused request.
    pub fn challenge(&self, code: Code, used: Option<Scheme>, now: UnixTime) -> Challenge {
        self.challenge_for(code, used, self.policy.schemes, &Demand::default(), now)
    }

    /// The response to a refused request, where these schemes are accepted and the application asks for more.
    pub fn challenge_for(
        &self,
        code: Code,
        used: Option<Scheme>,
        schemes: AcceptedSchemes,
        demand: &Demand,
        now: UnixTime,
    ) -> Challenge {
        // Whoever comes with DPoP is given a nonce whatever went wrong, so that the next try has one.
        let nonces = self.policy.nonces.as_ref().filter(|_| used == Some(Scheme::DPoP));
        let dpop_nonce = nonces.map(|nonces| nonces.current(now));
        Challenge { dpop_nonce, ..self.challenger.challenge(code, used, schemes, demand) }
    }

    /// Judges a request with the keys that are there now.
    pub fn authorize(&self, request: &Request<'_>, memory: &impl Memory, now: UnixTime) -> Decision {
        self.authorize_by(request, RequestRules::default(), memory, now)
    }

    /// As [`Self::authorize`], where the request's route has rules of its own.
    pub fn authorize_by(
        &self,
        request: &Request<'_>,
        rules: RequestRules,
        memory: &impl Memory,
        now: UnixTime,
    ) -> Decision {
        let (schemes, binding) = (rules.schemes(self.policy.schemes), rules.binding(self.policy.binding));
        let credentials = match Credentials::parse(request.authorization, request.dpop) {
            Ok(credentials) => credentials,
            // What is wrong with a proof is of no interest where the scheme is not accepted.
            Err((_, Some(scheme))) if !schemes.accept(scheme) => {
                return Decision::Rejected((dpop_disabled(), Some(scheme)));
            }
            Err(refusal) => return Decision::Rejected(refusal),
        };
        let scheme = credentials.presentation.scheme();
        let head = request.head.map(|head| self.without_unread_fields(head));
        let target = possession::target_of(scheme, head, schemes, &self.policy.proxy_trust);
        match target {
            Ok(target) => {
                let target = target.as_ref();
                self.decide(&Case { credentials: &credentials, target, head, schemes, binding, memory, now })
            }
            Err(rejection) => Decision::Rejected((rejection, Some(scheme))),
        }
    }

    fn without_unread_fields<'a>(&self, head: RequestHead<'a>) -> RequestHead<'a> {
        let prefix = head.x_forwarded_prefix.filter(|_| self.policy.reads_forwarded_prefix);
        RequestHead { x_forwarded_prefix: prefix, ..head }
    }

    /// Judges credentials. `target` is what a proof must be for. A token that is bound to a certificate is refused.
    pub fn authorize_credentials(
        &self,
        credentials: &Credentials<'_>,
        target: Option<&ExpectedTarget<'_>>,
        memory: &impl Memory,
        now: UnixTime,
    ) -> Decision {
        let Policy { schemes, binding, .. } = self.policy;
        self.decide(&Case { credentials, target, head: None, schemes, binding, memory, now })
    }

    fn decide(&self, case: &Case<'_, impl Memory>) -> Decision {
        let scheme = case.credentials.presentation.scheme();
        match self.walk(case) {
            Ok(pending) => Decision::Pending(pending),
            Err(Halt::Rejected(rejection)) => Decision::Rejected((rejection, Some(scheme))),
            Err(Halt::KeysNeeded { issuer, unknown_kid, may_pass, otherwise }) => {
                Decision::KeysNeeded { issuer, unknown_kid, may_pass, otherwise: (otherwise, Some(scheme)) }
            }
        }
    }

    fn walk(&self, case: &Case<'_, impl Memory>) -> Result<Pending, Halt> {
        let &Case { credentials, target, head, schemes, binding, memory, now } = case;
        let (token, presentation) = (credentials.access_token, credentials.presentation);
        let is_in_bounds = token.len() <= self.policy.max_token_bytes;
        let bound = (presentation.scheme() == Scheme::DPoP && is_in_bounds).then_some(token);
        let recalled = bound.and_then(|text| memory.verified_token(text));
        let recalled = recalled.filter(|known| known.verified.validity().contains(now));
        let is_recalled = recalled.is_some();
        let (digest, verified) = match recalled {
            Some(BoundToken { digest, verified }) => (Some(digest), verified),
            None => (bound.map(TokenDigest::of), Arc::new(self.verify(token, memory, now)?)),
        };
        let access_token = verified.token();
        let presented = Presented { presentation, digest, target, head };
        let rules = PossessionRules {
            schemes,
            binding,
            dpop: &self.policy.dpop,
            nonces: self.policy.nonces.as_ref(),
            certificate_field: self.policy.certificate_field,
            proxy_trust: &self.policy.proxy_trust,
        };
        let known_key = |header: &str| memory.proof_key(header);
        let proof = possession::prove(access_token.confirmation(), &presented, &rules, &known_key, now)?;
        let nonces = self.policy.nonces.as_ref();
        let lacks_nonce = proof.as_ref().is_some_and(|proof| !proof.has_current_nonce());
        let (record, proof_key) = proof.map(Proof::into_parts).unzip();
        let record = record.map(|record| match access_token.presenter() {
            Some(presenter) => record.presented_by(presenter),
            None => record,
        });
        let proof_header = match presentation {
            Presentation::DPoP { proof } => header_of(proof),
            Presentation::Bearer { .. } => None,
        };
        let grant = Grant {
            token: credentials.token_begin..credentials.token_begin + token.len(),
            scheme: presentation.scheme(),
            issuer: verified.issuer(),
            dpop_nonce: nonces.filter(|_| lacks_nonce).map(|nonces| nonces.current(now)),
            repeatable: access_token.confirmation().is_none().then(|| access_token.validity()),
            learned: Learned {
                token: digest.filter(|_| !is_recalled).map(|digest| {
                    (TokenText::from(token), BoundToken { digest, verified: Arc::clone(&verified) })
                }),
                proof_key: proof_header.map(str::to_owned).zip(proof_key.flatten()),
            },
            recalled: is_recalled.then(|| verified.number()),
            verified,
        };
        Ok(Pending::new(grant, record))
    }

    /// The token's header, its issuer's keys, its signature, its claims.
    fn verify(&self, token: &str, memory: &impl Memory, now: UnixTime) -> Result<VerifiedToken, Halt> {
        let policy = self.policy.access_token;
        let signed = SignedToken::parse(token, policy, self.policy.max_token_bytes)?;
        let index = self.choose_issuer(&signed)?;
        let AcceptedIssuer { issuer, audience, clients, algorithms } = self.issuer(index)?;
        signed.check_algorithm(*algorithms, policy)?;
        let may_pass = || signed.claims_to_pass(issuer, audience, policy, now);
        let Some(set) = memory.keys(index) else {
            signed.check_expiry(policy, now)?;
            let message = "The issuer's keys are not available yet; the issuer is asked for them";
            let otherwise = Code::KeysUnavailable.because(message);
            return Err(Halt::KeysNeeded {
                issuer: index,
                unknown_kid: None,
                may_pass: may_pass(),
                otherwise,
            });
        };
        match signed.verify(&set, policy, now) {
            Ok(jws) => {
                let token = AccessToken::validate(jws, issuer, audience, clients, policy, now)?;
                Ok(VerifiedToken::new(index, token))
            }
            // Newer keys are asked for only where they can make a difference.
            Err(KeyTrouble::Outdated(otherwise)) if signed.may_pass_later(issuer, policy, now) => {
                let is_unknown = otherwise.code() == Code::KeyUnknown;
                let unknown_kid = signed.key_id().filter(|_| is_unknown).map(str::to_owned);
                Err(Halt::KeysNeeded { issuer: index, unknown_kid, may_pass: may_pass(), otherwise })
            }
            Err(KeyTrouble::Outdated(rejection) | KeyTrouble::Final(rejection)) => Err(rejection.into()),
        }
    }

    /// With one issuer there is nothing to choose: its rules refuse the tokens of others. With several, the token's
    /// own word chooses whose keys are looked up; the claim itself is compared once it is verified.
    fn choose_issuer(&self, signed: &SignedToken<'_>) -> Result<IssuerIndex, Rejection> {
        match self.policy.issuers.as_slice() {
            [_] => Ok(0),
            _ => signed.choose_issuer(&self.issuers),
        }
    }

    fn issuer(&self, index: IssuerIndex) -> Result<&AcceptedIssuer, Rejection> {
        self.policy.issuers.get(index).ok_or_else(|| Code::IssuerMismatch.because("No issuer is accepted"))
    }
}

/// One request on its way through the corridor.
struct Case<'c, M> {
    credentials: &'c Credentials<'c>,
    /// What a proof must be for.
    target: Option<&'c ExpectedTarget<'c>>,
    head: Option<RequestHead<'c>>,
    schemes: AcceptedSchemes,
    binding: RequiredBinding,
    memory: &'c M,
    now: UnixTime,
}

enum Halt {
    Rejected(Rejection),
    KeysNeeded { issuer: IssuerIndex, unknown_kid: Option<String>, may_pass: bool, otherwise: Rejection },
}

impl From<Rejection> for Halt {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}
