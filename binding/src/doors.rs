//! The functions that each request goes through: its parts in, what is said of it out.
//!
//! In: calls of `ts/`. Out: `First`, or an answer in the inbox. May use: inbox, parts, pending, host, napi. Never: an
//! `if` about OAuth.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{
    Either, Either3, FromNapiValue, FunctionCallContext, JsObjectValue, Object, Result, ToNapiValue,
};
use oidc_spa_native_host::Validator;

use crate::inbox::Inbox;
use crate::parts::{CredentialParts, Parts, RequestParts};
use crate::pending::{Answer, First, NativePending, WaitsFor, judge};
use crate::{rules, time};

/// The doors of a validator. They are functions of their own rather than methods: napi-rs notes each borrow of a class's
/// value in one table of the process, behind one lock, and reads all arguments that a method may have.
///
/// - `authorizeRequest(now, rules, told, ...parts)`: the verdict at once, or what must be waited for; `rules` are those of
///   `RequestRules::from_bits`, if the route has any, `told` is the number of a token whose claims need not be told again, or zero
/// - `authorizeCredentials(now, told, ...parts)`: the same for credentials that the application took from the request
/// - `submitRequest(ticket, now, rules, told, ...parts)`, `submitCredentials(ticket, now, told, ...parts)`: the same
///   on another thread; the verdict comes to the inbox under the ticket
/// - `keysEpoch(issuer)`: the number of the keys with which an issuer's tokens are verified now; -1 for none
///
/// Arguments that are left out at the end count as null.
pub(crate) fn open<'env>(
    env: &'env Env,
    validator: &Arc<Validator>,
    inbox: &Arc<Inbox>,
) -> Result<Object<'env>> {
    let mut doors = Object::new(env)?;
    let of = Arc::clone(validator);
    door(env, &mut doors, "authorizeRequest", move |mut call| {
        let now = time(call.required()?);
        let parts = request(&mut call)?;
        Ok(first(&of, judge(&of, parts, now)))
    })?;
    let of = Arc::clone(validator);
    door(env, &mut doors, "authorizeCredentials", move |mut call| {
        let now = time(call.required()?);
        let parts = credentials(&mut call)?;
        Ok(first(&of, judge(&of, parts, now)))
    })?;
    let (of, to) = (Arc::clone(validator), Arc::clone(inbox));
    door(env, &mut doors, "submitRequest", move |mut call| {
        let (ticket, now) = (call.required()?, time(call.required()?));
        let parts = request(&mut call)?;
        to.ticket(ticket).judge(Arc::clone(&of), parts, now);
        Ok(())
    })?;
    let (of, to) = (Arc::clone(validator), Arc::clone(inbox));
    door(env, &mut doors, "submitCredentials", move |mut call| {
        let (ticket, now) = (call.required()?, time(call.required()?));
        let parts = credentials(&mut call)?;
        to.ticket(ticket).judge(Arc::clone(&of), parts, now);
        Ok(())
    })?;
    let of = Arc::clone(validator);
    door(env, &mut doors, "keysEpoch", move |mut call| {
        let issuer: u32 = call.required()?;
        Ok(of.keys_epoch(issuer as usize).map_or(-1.0, |epoch| epoch as f64))
    })?;
    Ok(doors)
}

/// A function of JavaScript's, under its name.
pub(crate) fn door<T: ToNapiValue + 'static>(
    env: &Env,
    doors: &mut Object<'_>,
    name: &str,
    answer: impl Fn(Arguments<'_>) -> Result<T> + 'static,
) -> Result<()> {
    // A panic within becomes an exception: napi-rs catches it.
    let function =
        env.create_function_from_closure::<(), _, _>(name, move |call| answer(Arguments::of(call)))?;
    doors.set_named_property(name, function)
}

fn request(call: &mut Arguments<'_>) -> Result<Parts> {
    let rules = rules(call.optional()?)?;
    let told = told_before(call)?;
    Ok(Parts::Request { parts: RequestParts::read(call)?, rules, told })
}

fn credentials(call: &mut Arguments<'_>) -> Result<Parts> {
    let told = told_before(call)?;
    Ok(Parts::Credentials { parts: CredentialParts::read(call)?, told })
}

/// The number of a token whose claims were told before, or zero. There are none that a double would not hold.
fn told_before(call: &mut Arguments<'_>) -> Result<u64> {
    Ok(call.required::<f64>()? as u64)
}

fn first(validator: &Arc<Validator>, judged: Either<Answer, WaitsFor>) -> First {
    match judged {
        Either::A(Either::A(told)) => Either3::A(told),
        Either::A(Either::B(unsettled)) => Either3::C(unsettled),
        Either::B(waits_for) => Either3::B(NativePending::new(validator, waits_for)),
    }
}

/// The arguments of a call, one after the other.
pub(crate) struct Arguments<'call> {
    call: FunctionCallContext<'call>,
    next: usize,
}

impl<'call> Arguments<'call> {
    fn of(call: FunctionCallContext<'call>) -> Self {
        Self { call, next: 0 }
    }

    pub(crate) fn required<T: FromNapiValue>(&mut self) -> Result<T> {
        let at = self.next;
        self.next += 1;
        self.call.get(at)
    }

    /// One that may be null, undefined or left out.
    pub(crate) fn optional<T: FromNapiValue>(&mut self) -> Result<Option<T>> {
        if self.next >= self.call.length() { Ok(None) } else { self.required() }
    }
}
