//! The requests for keys that functions of one JavaScript environment make.
//!
//! In: requests of other threads. Out: the same, for that environment; its answers, for those who asked. Never: a
//! request without an answer, be it that its environment has ended; an `if` about OAuth.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::Env;
use napi::bindgen_prelude::{FnArgs, Function, Result, Uint8Array};
use napi_derive::napi;
use oidc_spa_native_engine::exchange_wire::{ScriptAnswer, ScriptFailure};
use oidc_spa_native_host::{ApplicationFetch, Got, Take};

use crate::notifier::Notifier;
use crate::panics::caught;

/// The environment, and the requests that it has not answered.
pub(crate) struct Functions {
    /// Takes a ticket and the JSON text of a request. One fetch is under way for each plan, so the queue has no limit.
    notifier: Notifier<FnArgs<(u32, String)>, 0>,
    unanswered: Arc<Mutex<Unanswered>>,
}

#[derive(Default)]
struct Unanswered {
    requests: HashMap<u32, Take>,
    last_ticket: u32,
    has_ended: bool,
}

fn locked(unanswered: &Mutex<Unanswered>) -> MutexGuard<'_, Unanswered> {
    unanswered.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Functions(..)")
    }
}

impl ApplicationFetch for Functions {
    fn ask(&self, request: String, take: Take) {
        let mut unanswered = locked(&self.unanswered);
        if unanswered.has_ended {
            return;
        }
        let ticket = unanswered.last_ticket.wrapping_add(1);
        unanswered.last_ticket = ticket;
        unanswered.requests.insert(ticket, take);
        drop(unanswered);
        if !self.notifier.notify((ticket, request).into()) {
            drop(locked(&self.unanswered).requests.remove(&ticket));
        }
    }
}

/// The functions of one environment that make requests for keys.
#[napi]
pub struct NativeFetches {
    functions: Arc<Functions>,
}

#[napi]
impl NativeFetches {
    /// `notify` is called with a ticket and the JSON text of a request, a `WantedRequest` of `ts/boundary/exchange.ts`.
    /// Each ticket gets one answer: `answered` or `failed`.
    #[napi(constructor)]
    pub fn new(env: &Env, notify: Function<'_, FnArgs<(u32, String)>, ()>) -> Result<Self> {
        caught(|| {
            let notifier = Notifier::new(env, &notify)?;
            let unanswered = Arc::<Mutex<Unanswered>>::default();
            env.add_env_cleanup_hook(Arc::clone(&unanswered), |unanswered: Arc<Mutex<Unanswered>>| {
                let mut unanswered = locked(&unanswered);
                unanswered.has_ended = true;
                let lost = std::mem::take(&mut unanswered.requests);
                drop(unanswered);
                drop(lost);
            })?;
            Ok(Self { functions: Arc::new(Functions { notifier, unanswered }) })
        })
    }

    /// What the function got: the status, the header fields as a JSON list of pairs, and the body.
    #[napi]
    pub fn answered(&self, ticket: u32, status: u32, fields: String, body: Uint8Array) -> Result<()> {
        caught(|| {
            let answer = ScriptAnswer::read(status, &fields, body.to_vec());
            let none = || ScriptFailure::NoAnswer("internal error: no answer".into());
            self.give(ticket, answer.ok_or_else(none));
            Ok(())
        })
    }

    /// Why the function got no answer: its number, and a message.
    #[napi]
    pub fn failed(&self, ticket: u32, kind: u32, message: String) -> Result<()> {
        caught(|| {
            let none = || ScriptFailure::NoAnswer("internal error: no failure".into());
            self.give(ticket, Err(ScriptFailure::read(kind, &message).unwrap_or_else(none)));
            Ok(())
        })
    }

    fn give(&self, ticket: u32, got: Got) {
        let take = locked(&self.functions.unanswered).requests.remove(&ticket);
        if let Some(take) = take {
            take(got);
        }
    }

    pub(crate) fn functions(&self) -> Arc<Functions> {
        Arc::clone(&self.functions)
    }
}

/// A number for a function of the application. The process gives each number once.
#[napi]
pub fn new_fetch_number() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
}
