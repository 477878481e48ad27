//! The functions that a request calls, until its answer.
//!
//! In: the number of a validator or a wait, the parts of a request. Out: steps, verdicts.
//! Never: an `if` about OAuth.

// Only to give the functions their names: no pointer of JavaScript is followed here.
#![allow(unsafe_code)]

use oidc_spa_native_engine::extraction::{Extraction, extract};
use oidc_spa_native_engine::parts::{CredentialParts, Parts, RequestParts};
use oidc_spa_native_engine::verdict_text::verdict_text;
use serde_json::{Value, json};

use super::{answer, guard, rules};
use crate::clocks::{moment, steady, unix_time};
use crate::input::{Fields, Malformed};
use crate::instance::{self, Wait};
use crate::readiness::Readiness;

fn request_parts(
    fields: &mut Fields,
    flags: u32,
    rule_bits: u32,
    known_token: f64,
) -> Result<Parts, Malformed> {
    let (rules, scopes) = (rules(rule_bits)?, fields.text_or_null()?);
    fields.number = flags;
    let parts = RequestParts::read(fields)?;
    Ok(Parts::Request { parts, rules, scopes, known_token: known_token as u64 })
}

fn credential_parts(fields: &mut Fields, reject_if_bound: u32, known_token: f64) -> Result<Parts, Malformed> {
    fields.flag = reject_if_bound != 0;
    let parts = CredentialParts::read(fields)?;
    Ok(Parts::Credentials { parts, known_token: known_token as u64 })
}

/// Judges a request: a step.
#[unsafe(no_mangle)]
pub extern "C" fn authorize_request(
    validator: u32,
    now: f64,
    steady_now: f64,
    rule_bits: u32,
    known_token: f64,
    flags: u32,
    fields: u32,
) -> u32 {
    answer(fields, |instance, fields| {
        let parts = request_parts(fields, flags, rule_bits, known_token)?;
        let guard = guard(instance, validator)?;
        Ok(instance.authorize(guard, parts, unix_time(now), moment(now, steady_now)))
    })
}

/// Judges credentials: a step.
#[unsafe(no_mangle)]
pub extern "C" fn authorize_credentials(
    validator: u32,
    now: f64,
    steady_now: f64,
    known_token: f64,
    reject_if_bound: u32,
    fields: u32,
) -> u32 {
    answer(fields, |instance, fields| {
        let parts = credential_parts(fields, reject_if_bound, known_token)?;
        let guard = guard(instance, validator)?;
        Ok(instance.authorize(guard, parts, unix_time(now), moment(now, steady_now)))
    })
}

/// Explains a request: a step.
#[unsafe(no_mangle)]
pub extern "C" fn explain_request(
    validator: u32,
    now: f64,
    steady_now: f64,
    rule_bits: u32,
    flags: u32,
    fields: u32,
) -> u32 {
    answer(fields, |instance, fields| {
        let parts = request_parts(fields, flags, rule_bits, 0.0)?;
        let guard = guard(instance, validator)?;
        Ok(instance.explain(guard, parts, unix_time(now), moment(now, steady_now)))
    })
}

/// Explains credentials: a step.
#[unsafe(no_mangle)]
pub extern "C" fn explain_credentials(
    validator: u32,
    now: f64,
    steady_now: f64,
    reject_if_bound: u32,
    fields: u32,
) -> u32 {
    answer(fields, |instance, fields| {
        let parts = credential_parts(fields, reject_if_bound, 0.0)?;
        let guard = guard(instance, validator)?;
        Ok(instance.explain(guard, parts, unix_time(now), moment(now, steady_now)))
    })
}

/// Waits until every issuer has keys: a step.
#[unsafe(no_mangle)]
pub extern "C" fn ready(validator: u32, steady_now: f64, timeout: f64, fail_fast: u32) -> u32 {
    answer(0, |instance, _| {
        let guard = guard(instance, validator)?;
        let readiness = Readiness::new(&guard, timeout, fail_fast != 0, steady(steady_now));
        let number = instance.waits.next_number();
        Ok(instance.advance(number, Wait::Ready(readiness), moment(0.0, steady_now)))
    })
}

/// The next step of a wait.
#[unsafe(no_mangle)]
pub extern "C" fn wait_resume(wait: u32, wall: f64, steady_now: f64) -> u32 {
    answer(0, |instance, _| {
        let waiting = instance.waits.remove(wait).ok_or(Malformed("there is no such wait"))?;
        Ok(instance.advance(wait, waiting, moment(wall, steady_now)))
    })
}

/// Gives a wait up.
#[unsafe(no_mangle)]
pub extern "C" fn wait_drop(wait: u32) {
    instance::with(|instance| drop(instance.waits.remove(wait)));
}

/// The verdict, with the answer of the application's replay store: 1 if the proof is new, 0 if not, -1 if there is no
/// answer.
#[unsafe(no_mangle)]
pub extern "C" fn settle(unsettled: u32, is_new: i32, fields: u32) -> u32 {
    answer(fields, |instance, fields| {
        let trouble = fields.text_or_null()?.unwrap_or_default();
        let waiting = instance.unsettled.remove(unsettled);
        let waiting = waiting.ok_or(Malformed("this request was settled before"))?;
        let word = match is_new {
            1 => Ok(true),
            0 => Ok(false),
            _ => Err(trouble),
        };
        let verdict = waiting.guard.engine.conclude(waiting.question, word);
        Ok(verdict_text(&verdict, waiting.known_token))
    })
}

/// Gives a request up that waits for the application's replay store.
#[unsafe(no_mangle)]
pub extern "C" fn unsettled_drop(unsettled: u32) {
    instance::with(|instance| drop(instance.unsettled.remove(unsettled)));
}

/// The drop-in's first step.
#[unsafe(no_mangle)]
pub extern "C" fn extract_credentials(trust_proxy: u32, flags: u32, fields: u32) -> u32 {
    answer(fields, |_, fields| {
        fields.number = flags;
        let extraction = extract(&RequestParts::read(fields)?, trust_proxy != 0);
        let text = match extraction {
            None => Value::Null,
            Some(Extraction::Bearer(place)) => json!(place as u64),
            Some(Extraction::DPoP(place, target)) => json!([place as u64, target]),
            Some(Extraction::Unfit(message)) => json!(message),
        };
        Ok(text.to_string())
    })
}
