//! The functions of a validator beside those of its requests.
//!
//! In: the number of a validator, numbers, fields. Out: texts, numbers.
//! Never: an `if` about OAuth.

// Only to give the functions their names: no pointer of JavaScript is followed here.
#![allow(unsafe_code)]

use oidc_spa_native::challenge::Demand;
use oidc_spa_native::question::Request;
use oidc_spa_native::rejection::Code;
use oidc_spa_native::scheme::Scheme;
use oidc_spa_native::shadow::GrantedToken;
use oidc_spa_native_engine::parts::{AUTHORIZATION_REPEATED, DPOP_REPEATED, field};
use oidc_spa_native_engine::verdict_text::refusal_text;
use serde_json::json;

use super::{answer, error, guard, rules};
use crate::clocks::{moment, steady, unix_time};
use crate::input::{Fields, Malformed};
use crate::instance::{self, Instance};

/// Makes a validator.
#[unsafe(no_mangle)]
pub extern "C" fn validator_new(wall: f64, now: f64, fields: u32) -> u32 {
    answer(fields, |instance, fields| {
        let (options, internals) = (fields.required()?, fields.required()?);
        let made = instance.new_validator(&options, &internals, moment(wall, now));
        Ok(match made {
            Some(Ok(number)) => json!({ "validator": number }).to_string(),
            Some(Err(why)) => error(&why),
            None => json!({ "lacksAnswers": true }).to_string(),
        })
    })
}

/// Forgets a validator. Its waits go on.
#[unsafe(no_mangle)]
pub extern "C" fn validator_free(validator: u32) {
    instance::with(|instance| drop(instance.validators.remove(validator)));
}

/// `Settings` of a validator.
#[unsafe(no_mangle)]
pub extern "C" fn settings(validator: u32) -> u32 {
    answer(0, |instance, _| Ok(guard(instance, validator)?.engine.settings()))
}

/// `ValidatorHealth` of a validator.
#[unsafe(no_mangle)]
pub extern "C" fn health(validator: u32, wall: f64, now: f64) -> u32 {
    answer(0, |instance, _| Ok(guard(instance, validator)?.engine.health(moment(wall, now))))
}

/// `NativeMetrics` of a validator.
#[unsafe(no_mangle)]
pub extern "C" fn metrics(validator: u32, wall: f64, now: f64) -> u32 {
    answer(0, |instance, _| Ok(guard(instance, validator)?.engine.metrics(moment(wall, now))))
}

/// The fetched keys of a validator, for the option `keysSnapshot`.
#[unsafe(no_mangle)]
pub extern "C" fn snapshot(validator: u32, wall: f64, now: f64) -> u32 {
    answer(0, |instance, _| Ok(guard(instance, validator)?.engine.snapshot(moment(wall, now))))
}

/// The validator gets no more requests.
#[unsafe(no_mangle)]
pub extern "C" fn retire(validator: u32) {
    instance::with(|instance| instance.validators.get(validator).iter().for_each(|guard| guard.retire()));
}

/// Whether an issuer of the options has this name.
#[unsafe(no_mangle)]
pub extern "C" fn accepts_issuer(validator: u32, fields: u32) -> u32 {
    let name = Fields::take(fields).required();
    let accepts = |instance: &mut Instance| -> Result<bool, Malformed> {
        Ok(guard(instance, validator)?.engine.accepts_issuer(&name?))
    };
    u32::from(instance::with(accepts).unwrap_or(false))
}

/// The issuer that a request's unverified token names, and whether the token may be good.
#[unsafe(no_mangle)]
pub extern "C" fn named_issuer(validator: u32, now: f64, flags: u32, fields: u32) -> u32 {
    answer(fields, |instance, fields| {
        let (authorization, dpop) = (fields.text_or_null()?, fields.text_or_null()?);
        let request = Request {
            authorization: field(authorization.as_deref(), flags & AUTHORIZATION_REPEATED),
            dpop: field(dpop.as_deref(), flags & DPOP_REPEATED),
            head: None,
        };
        let named = guard(instance, validator)?.engine.named_issuer(&request, unix_time(now));
        Ok(json!(named.map(|named| (named.name, named.may_pass))).to_string())
    })
}

/// A refusal that JavaScript decided.
#[unsafe(no_mangle)]
pub extern "C" fn refuse(validator: u32, now: f64, rule_bits: u32, max_age: f64, fields: u32) -> u32 {
    answer(fields, |instance, fields| {
        let (code, scheme) = (fields.required()?, fields.text_or_null()?);
        let (message, scopes, acr_values) = (fields.required()?, fields.required()?, fields.required()?);
        let list = |text: &str| serde_json::from_str::<Vec<String>>(text).map_err(|_| Malformed("no list"));
        let (scopes, acr_values) = (list(&scopes)?, list(&acr_values)?);
        let Some(code) = Code::from_name(&code) else { return Ok(error(&format!("no such code: {code}"))) };
        let max_age = (max_age >= 0.0).then_some(max_age as u32);
        let Some(demand) = Demand::new(&scopes, &acr_values, max_age) else {
            return Ok(error("a scope or acr value holds a character it cannot have"));
        };
        let (used, rules) = (scheme.as_deref().and_then(Scheme::from_name), rules(rule_bits)?);
        let rejection = code.because(message);
        let engine = &guard(instance, validator)?.engine;
        Ok(refusal_text(&engine.refuse(rejection, used, rules, &demand, unix_time(now))))
    })
}

/// Why the rules that are tried would refuse a token that was granted a moment ago.
#[unsafe(no_mangle)]
pub extern "C" fn objection(validator: u32, now: f64, rule_bits: u32, issuer: u32, fields: u32) -> u32 {
    answer(fields, |instance, fields| {
        let (scheme, text) = (fields.required()?, fields.required()?);
        let Some(scheme) = Scheme::from_name(&scheme) else { return Ok(error("no such scheme")) };
        let token = GrantedToken { text: &text, issuer: issuer as usize, scheme };
        let objection =
            guard(instance, validator)?.engine.objection(token, rules(rule_bits)?, unix_time(now));
        let objection = objection.as_ref();
        Ok(json!(objection.map(|rejection| (rejection.code().row().name, rejection.message()))).to_string())
    })
}

/// The number of the keys of an issuer; -1 for none.
#[unsafe(no_mangle)]
pub extern "C" fn keys_epoch(validator: u32, issuer: u32, now: f64) -> f64 {
    let number = |instance: &mut Instance| {
        guard(instance, validator).ok()?.engine.key_set_number(issuer as usize, steady(now))
    };
    instance::with(number).map_or(-1.0, |number| number as f64)
}
