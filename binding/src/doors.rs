//! The functions that each request calls: its parts in, the answer out.
//!
//! In: calls of `ts/`. Out: `First`, or an answer in the inbox. Never: an `if` about OAuth.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{Object, Result};
use oidc_spa_native_host::Validator;

use crate::arguments::{Arguments, door, rules, time};
use crate::inbox::{Inbox, Ticket};
use crate::wait::{authorize, authorize_elsewhere, await_keys, explain};
use oidc_spa_native_engine::parts::{CredentialParts, Parts, RequestParts};

/// The doors of a validator. They are functions of their own rather than methods: napi-rs notes each borrow of a class's
/// value in one table of the process, behind one lock, and reads all arguments that a method may have.
///
/// - `authorizeRequest(now, rules, scopes, knownToken, ...parts)`: the verdict at once, or what must be waited for; `rules` are
///   those of `RequestRules::from_bits`; `scopes` are those that it will ask for, separated by spaces;
///   `knownToken` is the number of a token whose claims JavaScript has already, or zero
/// - `authorizeCredentials(now, knownToken, ...parts)`: the same for credentials that the application took from the request
/// - `submitRequest(ticket, now, rules, scopes, knownToken, ...parts)`, `submitCredentials(ticket, now, told, ...parts)`: the same
///   on another thread; the verdict comes to the inbox under the ticket
/// - `explainRequest(ticket, now, rules, scopes, knownToken, ...parts)`: every check of a request, under the ticket; nothing is
///   granted and nothing is remembered; `explainCredentials(ticket, now, knownToken, ...parts)`: the same for credentials
/// - `ready(ticket, timeoutMs, failFast)`: says null under the ticket when every issuer has keys; or a failure, at the first
///   one if `failFast`, else when the time is over
/// - `keysEpoch(issuer)`: the number of the keys with which an issuer's tokens are verified now; -1 for none
///
/// Arguments that are left out at the end count as null.
pub(crate) fn open<'env>(
    env: &'env Env,
    validator: &Arc<Validator>,
    inbox: &Arc<Inbox>,
) -> Result<Object<'env>> {
    let mut doors = Object::new(env)?;
    let (of, to) = (Arc::clone(validator), Arc::clone(inbox));
    door(env, &mut doors, "authorizeRequest", move |mut call| {
        let now = time(call.required()?);
        let parts = request(&mut call)?;
        Ok(authorize(&of, &to, parts, now))
    })?;
    let (of, to) = (Arc::clone(validator), Arc::clone(inbox));
    door(env, &mut doors, "authorizeCredentials", move |mut call| {
        let now = time(call.required()?);
        let parts = credentials(&mut call)?;
        Ok(authorize(&of, &to, parts, now))
    })?;
    let (of, to) = (Arc::clone(validator), Arc::clone(inbox));
    door(env, &mut doors, "submitRequest", move |mut call| {
        let (ticket, now) = (call.required()?, time(call.required()?));
        let parts = request(&mut call)?;
        authorize_elsewhere(Arc::clone(&of), to.ticket(ticket), parts, now);
        Ok(())
    })?;
    let (of, to) = (Arc::clone(validator), Arc::clone(inbox));
    door(env, &mut doors, "submitCredentials", move |mut call| {
        let (ticket, now) = (call.required()?, time(call.required()?));
        let parts = credentials(&mut call)?;
        authorize_elsewhere(Arc::clone(&of), to.ticket(ticket), parts, now);
        Ok(())
    })?;
    let (of, to) = (Arc::clone(validator), Arc::clone(inbox));
    door(env, &mut doors, "explainRequest", move |mut call| {
        let ticket = Ticket::of_long_wait(&to, call.required()?);
        let now = time(call.required()?);
        explain(Arc::clone(&of), ticket, request(&mut call)?, now);
        Ok(())
    })?;
    let (of, to) = (Arc::clone(validator), Arc::clone(inbox));
    door(env, &mut doors, "explainCredentials", move |mut call| {
        let ticket = Ticket::of_long_wait(&to, call.required()?);
        let now = time(call.required()?);
        explain(Arc::clone(&of), ticket, credentials(&mut call)?, now);
        Ok(())
    })?;
    let (of, to) = (Arc::clone(validator), Arc::clone(inbox));
    door(env, &mut doors, "ready", move |mut call| {
        let ticket = Ticket::of_long_wait(&to, call.required()?);
        await_keys(Arc::clone(&of), ticket, call.required()?, call.required()?);
        Ok(())
    })?;
    let of = Arc::clone(validator);
    door(env, &mut doors, "keysEpoch", move |mut call| {
        let issuer: u32 = call.required()?;
        Ok(of.key_set_number(issuer as usize).map_or(-1.0, |number| number as f64))
    })?;
    Ok(doors)
}

fn request(call: &mut Arguments<'_>) -> Result<Parts> {
    let rules = rules(call.required()?)?;
    let scopes = call.optional()?;
    let known_token = known_token(call)?;
    Ok(Parts::Request { parts: RequestParts::read(call)?, rules, scopes, known_token })
}

fn credentials(call: &mut Arguments<'_>) -> Result<Parts> {
    let known_token = known_token(call)?;
    Ok(Parts::Credentials { parts: CredentialParts::read(call)?, known_token })
}

/// The number of a token whose claims JavaScript has already, or zero. A double holds every such number.
fn known_token(call: &mut Arguments<'_>) -> Result<u64> {
    Ok(call.required::<f64>()? as u64)
}
