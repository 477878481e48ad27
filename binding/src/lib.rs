//! The native door: strings in, a small tagged verdict out, no rule of its own.
//!
//! In: calls of `ts/`. Out: `Told`. May use: host, the validator's types, napi. Never: an `if` about OAuth.

// Public, since in a test build nothing registers its functions with Node.js.
pub mod extraction;
mod inbox;
mod parts;
mod pending;
mod told;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use napi::Status;
use napi::bindgen_prelude::{Either, Either3, Error, Function, Result};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;
use oidc_spa_native::challenge::Demand;
use oidc_spa_native::credentials::{AcceptedSchemes, Scheme};
use oidc_spa_native::rejection::Code;
use oidc_spa_native::time::UnixTime;
use oidc_spa_native_host::{Denial, Validator, listen, run};

use inbox::NativeInbox;
use parts::{CredentialParts, Parts, RequestParts};
use pending::{First, NativePending, judge};
use told::{Told, tell};

/// Events that wait for an environment whose thread is busy.
const MAX_EVENTS: usize = 1024;

/// A validator, shared with the calls that are under way.
#[napi]
pub struct NativeValidator {
    validator: Arc<Validator>,
}

#[napi]
impl NativeValidator {
    /// Reads the options, a JSON text.
    #[napi(constructor, catch_unwind)]
    pub fn new(options: String) -> Result<Self> {
        let validator = Validator::new(&options).map_err(|error| Error::from_reason(error.to_string()))?;
        Ok(Self { validator: Arc::new(validator) })
    }

    /// The verdict at once, or what must be waited for.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments)]
    pub fn authorize_request(
        &self,
        now: f64,
        dpop_mode: Option<String>,
        flags: u32,
        authorization: Option<String>,
        dpop: Option<String>,
        method: Option<String>,
        url: Option<String>,
        connection_scheme: Option<String>,
        host: Option<String>,
        forwarded: Option<String>,
        x_forwarded_proto: Option<String>,
        x_forwarded_host: Option<String>,
        x_forwarded_port: Option<String>,
        x_forwarded_for: Option<String>,
        remote_address: Option<String>,
        x_forwarded_prefix: Option<String>,
        client_cert: Option<String>,
        peer_certificate: Option<&[u8]>,
    ) -> Result<First> {
        let parts = RequestParts {
            flags,
            authorization,
            dpop,
            method,
            url,
            connection_scheme,
            host,
            forwarded,
            x_forwarded_proto,
            x_forwarded_host,
            x_forwarded_port,
            x_forwarded_for,
            remote_address,
            x_forwarded_prefix,
            client_cert,
            peer_certificate: peer_certificate.map(<[u8]>::to_vec),
        };
        Ok(self.judge(now, Parts::Request(parts, schemes(dpop_mode.as_deref())?)))
    }

    /// The drop-in's door: credentials that the application took from the request, and what a proof must be for.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments)]
    pub fn authorize_credentials(
        &self,
        now: f64,
        scheme: String,
        access_token: String,
        reject_if_bound: bool,
        proof: Option<String>,
        expected_htm: Option<String>,
        expected_htu: Option<String>,
    ) -> First {
        self.judge(
            now,
            Parts::Credentials(CredentialParts {
                scheme,
                access_token,
                reject_if_bound,
                proof,
                expected_htm,
                expected_htu,
            }),
        )
    }

    /// As [`Self::authorize_request`], on another thread: the verdict comes to the inbox under the ticket.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments)]
    pub fn submit_request(
        &self,
        inbox: &NativeInbox,
        ticket: u32,
        now: f64,
        dpop_mode: Option<String>,
        flags: u32,
        authorization: Option<String>,
        dpop: Option<String>,
        method: Option<String>,
        url: Option<String>,
        connection_scheme: Option<String>,
        host: Option<String>,
        forwarded: Option<String>,
        x_forwarded_proto: Option<String>,
        x_forwarded_host: Option<String>,
        x_forwarded_port: Option<String>,
        x_forwarded_for: Option<String>,
        remote_address: Option<String>,
        x_forwarded_prefix: Option<String>,
        client_cert: Option<String>,
        peer_certificate: Option<&[u8]>,
    ) -> Result<()> {
        let parts = RequestParts {
            flags,
            authorization,
            dpop,
            method,
            url,
            connection_scheme,
            host,
            forwarded,
            x_forwarded_proto,
            x_forwarded_host,
            x_forwarded_port,
            x_forwarded_for,
            remote_address,
            x_forwarded_prefix,
            client_cert,
            peer_certificate: peer_certificate.map(<[u8]>::to_vec),
        };
        let parts = Parts::Request(parts, schemes(dpop_mode.as_deref())?);
        inbox.ticket(ticket).judge(Arc::clone(&self.validator), parts, time(now));
        Ok(())
    }

    /// As [`Self::authorize_credentials`], on another thread: the verdict comes to the inbox under the ticket.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments)]
    pub fn submit_credentials(
        &self,
        inbox: &NativeInbox,
        ticket: u32,
        now: f64,
        scheme: String,
        access_token: String,
        reject_if_bound: bool,
        proof: Option<String>,
        expected_htm: Option<String>,
        expected_htu: Option<String>,
    ) {
        let parts = Parts::Credentials(CredentialParts {
            scheme,
            access_token,
            reject_if_bound,
            proof,
            expected_htm,
            expected_htu,
        });
        inbox.ticket(ticket).judge(Arc::clone(&self.validator), parts, time(now));
    }

    /// The configured issuers, by their position.
    #[napi(catch_unwind)]
    pub fn issuer_uris(&self) -> Vec<String> {
        self.validator.issuer_uris()
    }

    /// The number of the keys with which an issuer's tokens are verified now; -1 for none.
    #[napi(catch_unwind)]
    pub fn keys_epoch(&self, issuer: u32) -> f64 {
        self.validator.keys_epoch(issuer as usize).map_or(-1.0, |epoch| epoch as f64)
    }

    /// A refusal that was decided outside, with its status and challenge.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments)]
    pub fn refuse(
        &self,
        now: f64,
        dpop_mode: Option<String>,
        code: String,
        scheme: Option<String>,
        debug_error_message: String,
        scopes: Vec<String>,
        acr_values: Vec<String>,
        max_age_seconds: Option<u32>,
    ) -> Result<Told> {
        let denial = Denial {
            code: Code::from_name(&code)
                .ok_or_else(|| Error::from_reason(format!("no such code: {code}")))?,
            message: debug_error_message,
            scheme: scheme.as_deref().and_then(Scheme::from_name),
            schemes: schemes(dpop_mode.as_deref())?,
            demand: Demand::new(&scopes, &acr_values, max_age_seconds)
                .ok_or_else(|| Error::from_reason("a scope or acr value holds a character it cannot have"))?,
        };
        Ok(tell(self.validator.refuse(denial, time(now)), 0))
    }

    /// What the resource tells of itself, as the JSON text of `ResourceMetadata`.
    #[napi(catch_unwind)]
    pub fn resource_metadata(&self) -> Option<String> {
        self.validator.resource_metadata()
    }

    /// What the application should be told of its options.
    #[napi(catch_unwind)]
    pub fn warnings(&self) -> Vec<String> {
        self.validator.warnings().to_vec()
    }

    /// Resolves when every issuer has keys, rejects with the reason: at the first failure if `failFast`, else when
    /// the time is over.
    #[napi]
    pub async fn ready(&self, timeout_ms: f64, fail_fast: bool) -> Result<()> {
        let validator = Arc::clone(&self.validator);
        let timeout = Duration::from_millis(timeout_ms.clamp(0.0, 86_400_000.0) as u64);
        let ready = guarded(async move { validator.ready(timeout, fail_fast).await });
        ready.await?.map_err(Error::from_reason)
    }

    /// How the validator stands, as the JSON text of `ValidatorHealth`.
    #[napi(catch_unwind)]
    pub fn health(&self) -> String {
        self.validator.health()
    }

    fn judge(&self, now: f64, parts: Parts) -> First {
        match judge(&self.validator, parts, time(now)) {
            Either::A(Either::A(told)) => Either3::A(told),
            Either::A(Either::B(unsettled)) => Either3::C(unsettled),
            Either::B(waits_for) => Either3::B(NativePending::new(&self.validator, waits_for)),
        }
    }
}

/// Has `listener` called with the JSON text of each `KeysEvent` of the process, for as long as the calling environment
/// lives. It keeps no process alive.
#[napi(catch_unwind)]
pub fn on_keys_event(listener: Function<'_, String, ()>) -> Result<()> {
    let call = listener
        .build_threadsafe_function::<String>()
        .weak::<true>()
        .max_queue_size::<MAX_EVENTS>()
        .build()?;
    listen(move |event| {
        // A full queue loses an event; an environment that is gone hears no more.
        !matches!(call.call(event.to_owned(), ThreadsafeFunctionCallMode::NonBlocking), Status::Closing)
    });
    Ok(())
}

/// Whether nobody in this process asked before: for notices that are given once, whatever the number of threads.
#[napi]
pub fn is_first_to_ask() -> bool {
    static WAS_ASKED: AtomicBool = AtomicBool::new(false);
    !WAS_ASKED.swap(true, Ordering::Relaxed)
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

/// The table of codes, so that the TypeScript union and the documentation can be held against it.
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

/// The schemes that a route accepts, by its mode of DPoP.
fn schemes(dpop_mode: Option<&str>) -> Result<Option<AcceptedSchemes>> {
    let named = |mode: &str| {
        let message = || format!("dpop: expected \"allowed\", \"required\" or \"disabled\"; got {mode:?}");
        AcceptedSchemes::from_dpop_mode(mode).ok_or_else(|| Error::from_reason(message()))
    };
    dpop_mode.map(named).transpose()
}

/// Milliseconds of JavaScript's clock.
fn time(millis: f64) -> UnixTime {
    UnixTime::from_millis(millis as i64)
}

/// Runs a future where a panic of it becomes an error, instead of a Promise that never settles.
async fn guarded<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Result<T> {
    run(future).await.map_err(Error::from_reason)
}
