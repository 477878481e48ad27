//! The native door: strings in, a small tagged verdict out. It has no rule of its own.
//!
//! In: calls of `ts/`. Out: `VerdictText`. Never: an `if` about OAuth.

mod answer;
mod arguments;
mod doors;
mod notifier;
mod panics;
// These are public, since a test build does not register their functions with Node.js, and would report them as unused.
pub mod extraction;
pub mod fetches;
mod inbox;
mod wait;
pub mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::Env;
use napi::bindgen_prelude::{Error, Function, Object, Result};
use napi_derive::napi;
use oidc_spa_native::challenge::Demand;
use oidc_spa_native::question::Request;
use oidc_spa_native::rejection::Code;
use oidc_spa_native::resource_server::NamedIssuer;
use oidc_spa_native::scheme::Scheme;
use oidc_spa_native::shadow::GrantedToken;
use oidc_spa_native_engine::parts;
use oidc_spa_native_engine::verdict_text::{VerdictText, refusal_text};
use oidc_spa_native_host::{
    ApplicationFetch, Internals, Report, Troubles, Validator, listen, steady,
    trust_where_the_system_has_no_authorities,
};

use arguments::{rules, time};
use fetches::NativeFetches;
use inbox::NativeInbox;
use notifier::Notifier;
use panics::{caught, report_places_only};

/// Events that wait for an environment whose thread is busy.
const MAX_EVENTS: usize = 1024;

/// Internal settings, which the public options do not have.
#[napi(object)]
#[derive(Default)]
pub struct NativeInternals {
    /// The rules are those of `oidc-spa/server`.
    pub drop_in: Option<bool>,
    /// The validator has a clock of its own.
    pub own_clock: Option<bool>,
    /// The application asks its replay store itself.
    pub application_store: Option<bool>,
    /// The options name no issuer: the application is asked for an issuer when a token names it.
    pub asks_for_issuers: Option<bool>,
    /// The application's function that makes the requests for keys, by its number.
    pub fetch: Option<u32>,
}

/// A validator, shared with the calls that are under way.
#[napi]
pub struct NativeValidator {
    validator: Arc<Validator>,
}

#[napi]
impl NativeValidator {
    /// Reads the options, a JSON text, and the internal settings. If these name a function of the application, it is one
    /// of `fetches`.
    #[napi(constructor)]
    pub fn new(
        options: String,
        internals: Option<NativeInternals>,
        fetches: Option<&NativeFetches>,
    ) -> Result<Self> {
        let internals = internals.unwrap_or_default();
        let internals = Internals {
            drop_in: internals.drop_in.unwrap_or_default(),
            own_clock: internals.own_clock.unwrap_or_default(),
            application_store: internals.application_store.unwrap_or_default(),
            asks_for_issuers: internals.asks_for_issuers.unwrap_or_default(),
            fetch: internals.fetch,
        };
        let functions = fetches.map(|fetches| fetches.functions() as Arc<dyn ApplicationFetch>);
        report_places_only();
        caught(|| {
            let validator = Validator::new(&options, internals, functions)
                .map_err(|error| Error::from_reason(error.to_string()))?;
            Ok(Self { validator: Arc::new(validator) })
        })
    }

    /// The functions that each request calls, as `doors.rs` lists them. Verdicts of other threads come to the inbox.
    #[napi(ts_return_type = "object")]
    pub fn doors<'env>(&self, env: &'env Env, inbox: &NativeInbox) -> Result<Object<'env>> {
        caught(|| doors::open(env, &self.validator, inbox.inbox()))
    }

    /// The options as JavaScript needs them: the JSON text of `Settings`.
    #[napi]
    pub fn settings(&self) -> Result<String> {
        caught(|| Ok(self.validator.settings()))
    }

    /// A refusal that JavaScript decided, with its status and challenge.
    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn refuse(
        &self,
        now: f64,
        rules: u32,
        code: String,
        scheme: Option<String>,
        debug_error_message: String,
        scopes: Vec<String>,
        acr_values: Vec<String>,
        max_age_seconds: Option<u32>,
    ) -> Result<VerdictText> {
        let code =
            Code::from_name(&code).ok_or_else(|| Error::from_reason(format!("no such code: {code}")))?;
        let demand = Demand::new(&scopes, &acr_values, max_age_seconds)
            .ok_or_else(|| Error::from_reason("a scope or acr value holds a character it cannot have"))?;
        let (used, rules) = (scheme.as_deref().and_then(Scheme::from_name), self::rules(rules)?);
        caught(|| {
            let rejection = code.because(debug_error_message);
            Ok(refusal_text(&self.validator.refuse(rejection, used, rules, &demand, time(now))))
        })
    }

    /// The issuer that a request's unverified token names, if the name is valid, and whether the token may be good. It
    /// only chooses the validator that judges the request.
    #[napi]
    pub fn named_issuer(
        &self,
        now: f64,
        flags: u32,
        authorization: Option<String>,
        dpop: Option<String>,
    ) -> Result<Option<(String, bool)>> {
        let field = |value, repeated| parts::field(value, flags & repeated);
        let request = Request {
            authorization: field(authorization.as_deref(), parts::AUTHORIZATION_REPEATED),
            dpop: field(dpop.as_deref(), parts::DPOP_REPEATED),
            head: None,
        };
        caught(|| {
            let named = self.validator.named_issuer(&request, time(now));
            Ok(named.map(|NamedIssuer { name, may_pass }| (name, may_pass)))
        })
    }

    /// Whether an issuer of the options has this name, which may be that of a request's token.
    #[napi]
    pub fn accepts_issuer(&self, name: String) -> Result<bool> {
        caught(|| Ok(self.validator.accepts_issuer(&name)))
    }

    /// Retires the validator: it gets no more requests, and keys that no other validator uses are no longer fetched.
    #[napi]
    pub fn retire(&self) -> Result<()> {
        caught(|| {
            self.validator.retire();
            Ok(())
        })
    }

    /// The fetched keys that are in use now, as a text for the option `keysSnapshot`.
    #[napi]
    pub fn snapshot(&self) -> Result<String> {
        caught(|| Ok(self.validator.snapshot()))
    }

    /// The state of the validator, as the JSON text of `ValidatorHealth`.
    #[napi]
    pub fn health(&self) -> Result<String> {
        caught(|| Ok(self.validator.health()))
    }

    /// Why the rules that are tried would refuse a token that was granted a moment ago: the code, and the message for
    /// developers.
    #[napi]
    pub fn objection(
        &self,
        now: f64,
        rules: u32,
        issuer: u32,
        scheme: String,
        access_token: String,
    ) -> Result<Option<(String, String)>> {
        let scheme = Scheme::from_name(&scheme).ok_or_else(|| Error::from_reason("no such scheme"))?;
        let token = GrantedToken { text: &access_token, issuer: issuer as usize, scheme };
        let rules = self::rules(rules)?;
        caught(|| {
            let objection = self.validator.objection(token, rules, time(now));
            Ok(objection
                .map(|rejection| (rejection.code().row().name.to_owned(), rejection.message().to_owned())))
        })
    }

    /// What the validator counts of keys and of the replay memory, as the JSON text of `NativeMetrics`.
    #[napi]
    pub fn metrics(&self) -> Result<String> {
        caught(|| Ok(self.validator.metrics()))
    }
}

/// Decides which troubles are reported, for the whole process with all its threads, or for one validator.
#[napi]
pub struct NativeTroubles {
    troubles: Arc<Troubles>,
}

#[napi]
impl NativeTroubles {
    /// The troubles of the process, or a new set.
    #[napi(constructor)]
    pub fn new(of_process: bool) -> Result<Self> {
        caught(|| Ok(Self { troubles: if of_process { Troubles::of_process() } else { Arc::default() } }))
    }

    /// A trouble begins. 0: no warning; 1: a warning; 2: a warning that says that there are no more for now.
    #[napi]
    pub fn begin(&self, thing: String) -> Result<u32> {
        caught(|| {
            Ok(match self.troubles.begin(&thing, steady()) {
                Report::Nothing => 0,
                Report::This => 1,
                Report::ThisAndNoMore => 2,
            })
        })
    }

    /// The trouble ends. Returns whether this is reported.
    #[napi]
    pub fn end(&self, thing: String) -> Result<bool> {
        caught(|| Ok(self.troubles.end(&thing) != Report::Nothing))
    }
}

/// Calls `listener` with the JSON text of each `KeysEvent` of the process, while the calling environment lives. It does
/// not keep the process alive.
#[napi]
pub fn on_keys_event(env: &Env, listener: Function<'_, String, ()>) -> Result<()> {
    caught(|| {
        let notifier = Notifier::<String, MAX_EVENTS>::new(env, &listener)?;
        listen(move |event| notifier.notify(event.to_owned()));
        Ok(())
    })
}

/// Whether this is the first call in the process. Notices that are given once in a process use it.
#[napi]
pub fn is_first_to_ask() -> bool {
    static WAS_ASKED: AtomicBool = AtomicBool::new(false);
    !WAS_ASKED.swap(true, Ordering::Relaxed)
}

/// Whether the system has no certificates of authorities, so that those of Node.js are needed.
#[napi]
pub fn lacks_authorities() -> Result<bool> {
    caught(|| Ok(oidc_spa_native_host::lacks_authorities()))
}

/// Sets the authorities to trust if the system has none, in PEM.
#[napi]
pub fn trust_authorities(authorities: Vec<String>) -> Result<()> {
    caught(|| {
        trust_where_the_system_has_no_authorities(authorities);
        Ok(())
    })
}

/// Lets a place in the host panic, until the next call; `null` ends it.
#[cfg(feature = "fault")]
#[napi]
pub fn inject_fault(place: Option<String>) {
    oidc_spa_native_host::fault::inject(place);
}

/// One row of the table of codes.
#[napi(object)]
pub struct NativeErrorRow {
    /// The code.
    pub code: String,
    /// HTTP status.
    pub status: u32,
    /// `error` of the challenge.
    pub error: Option<String>,
    /// The cause as `oidc-spa/server` names it.
    pub error_cause: String,
    /// `error_description` of the challenge.
    pub description: String,
}

/// The table of codes, so that a test can compare the TypeScript union and the documentation with it.
#[napi]
pub fn error_table() -> Vec<NativeErrorRow> {
    let rows = Code::ALL.iter().map(|code| code.row());
    rows.map(|row| NativeErrorRow {
        code: row.name.to_owned(),
        status: u32::from(row.status),
        error: row.error.map(|error| error.name().to_owned()),
        error_cause: row.cause.name().to_owned(),
        description: row.description.to_owned(),
    })
    .collect()
}
