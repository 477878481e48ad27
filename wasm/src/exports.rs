//! The functions that JavaScript calls.
//!
//! In: numbers, and fields in the input buffer. Out: numbers, and texts in the output buffer.
//! Never: an `if` about OAuth.

// Only to give the functions their names: no pointer of JavaScript is followed here.
#![allow(unsafe_code)]

use std::rc::Rc;

use oidc_spa_native::challenge::Demand;
use oidc_spa_native::crypto::seed;
use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::jose::verification_key::asked::install;
use oidc_spa_native::presentation::RequestRules;
use oidc_spa_native::question::Request;
use oidc_spa_native::rejection::Code;
use oidc_spa_native::scheme::Scheme;
use oidc_spa_native::shadow::GrantedToken;
use oidc_spa_native_engine::events::listen;
use oidc_spa_native_engine::extraction::{Extraction, extract};
use oidc_spa_native_engine::parts::{
    AUTHORIZATION_REPEATED, CredentialParts, DPOP_REPEATED, Parts, RequestParts, field,
};
use oidc_spa_native_engine::troubles::Report;
use oidc_spa_native_engine::verdict_text::{failure_text, refusal_text, verdict_text};
use oidc_spa_native_engine::wire::wire_table;
use serde_json::{Value, json};

use crate::clocks::{moment, steady, unix_time};
use crate::events::{keep, take};
use crate::guard::Guard;
use crate::imports::JavaScript;
use crate::input::{self, Fields, Malformed};
use crate::instance::{self, Instance, Wait};
use crate::readiness::Readiness;

/// Gives the text of an answer.
fn answer(fields: u32, act: impl FnOnce(&mut Instance, &mut Fields) -> Result<String, Malformed>) -> u32 {
    let mut fields = Fields::take(fields);
    let answer = instance::with(|instance| act(instance, &mut fields));
    fields.give_back();
    input::give(answer.unwrap_or_else(|Malformed(why)| failure_text(&format!("internal error: {why}"))))
}

fn guard(instance: &Instance, validator: u32) -> Result<Rc<Guard>, Malformed> {
    instance.validators.get(validator).cloned().ok_or(Malformed("there is no such validator"))
}

fn rules(bits: u32) -> Result<RequestRules, Malformed> {
    RequestRules::from_bits(bits).ok_or(Malformed("there are no such rules"))
}

fn error(why: &str) -> String {
    json!({ "error": why }).to_string()
}

/// Makes room for arguments, and says where.
#[unsafe(no_mangle)]
pub extern "C" fn input(bytes: u32) -> *const u8 {
    input::reserve(bytes)
}

/// Where the last answer is.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    input::answer_at()
}

/// Takes the seed of every secret. It is called once, before all else.
#[unsafe(no_mangle)]
pub extern "C" fn start(fields: u32) -> u32 {
    let mut fields = Fields::take(fields);
    let secret = fields.bytes_of_next().ok().flatten().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let is_started = secret.is_some_and(seed) && install(Box::new(JavaScript));
    if is_started {
        listen(|event| {
            keep(event);
            true
        });
    }
    u32::from(is_started)
}

/// The table of codes, the orders of lists, and the numbers of the algorithms.
#[unsafe(no_mangle)]
pub extern "C" fn describe() -> u32 {
    answer(0, |_, _| {
        let mut table = wire_table();
        let rows = Code::ALL.iter().map(|code| code.row());
        let rows: Vec<Value> = rows
            .map(|row| {
                json!({
                    "code": row.name,
                    "status": row.status,
                    "error": row.error.map(|error| error.name()),
                    "errorCause": row.cause.name(),
                    "description": row.description,
                })
            })
            .collect();
        if let Some(members) = table.as_object_mut() {
            let algorithms: Vec<&str> = Algorithm::known().map(Algorithm::name).collect();
            members.insert("algorithms".to_owned(), json!(algorithms));
            members.insert("errorTable".to_owned(), Value::from(rows));
        }
        Ok(table.to_string())
    })
}

/// Makes a validator.
#[unsafe(no_mangle)]
pub extern "C" fn validator_new(wall: f64, now: f64, fields: u32) -> u32 {
    answer(fields, |instance, fields| {
        let (options, internals) = (fields.required()?, fields.required()?);
        let made = instance.new_validator(&options, &internals, moment(wall, now));
        Ok(match made {
            Ok(number) => json!({ "validator": number }).to_string(),
            Err(why) => error(&why),
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
    let accepts = |instance: &mut Instance| Ok(guard(instance, validator)?.engine.accepts_issuer(&name?));
    u32::from(instance::with(accepts).unwrap_or_else(|_: Malformed| false))
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
        fields.flag = reject_if_bound != 0;
        let parts = CredentialParts::read(fields)?;
        let parts = Parts::Credentials { parts, known_token: known_token as u64 };
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

/// The first request of a fetch.
#[unsafe(no_mangle)]
pub extern "C" fn fetch_next(fetch: u32, wall: f64, steady_now: f64) -> u32 {
    answer(0, |instance, _| Ok(instance.fetches.next(fetch, moment(wall, steady_now))))
}

/// Takes the answer to a request of a fetch.
#[unsafe(no_mangle)]
pub extern "C" fn fetch_answered(fetch: u32, wall: f64, steady_now: f64, status: u32, fields: u32) -> u32 {
    answer(fields, |instance, fields| {
        instance.fetches.answered(fetch, status, fields, moment(wall, steady_now))
    })
}

/// Takes the failure of a request of a fetch.
#[unsafe(no_mangle)]
pub extern "C" fn fetch_failed(fetch: u32, wall: f64, steady_now: f64, kind: u32, fields: u32) -> u32 {
    answer(fields, |instance, fields| instance.fetches.failed(fetch, kind, fields, moment(wall, steady_now)))
}

/// The fetches whose time has come, and when the next one comes.
#[unsafe(no_mangle)]
pub extern "C" fn due(wall: f64, steady_now: f64) -> u32 {
    answer(0, |instance, _| Ok(instance.fetches.due(moment(wall, steady_now))))
}

/// The events since the last call.
#[unsafe(no_mangle)]
pub extern "C" fn events() -> u32 {
    input::give(take())
}

/// Troubles: those of the instance, or new ones.
#[unsafe(no_mangle)]
pub extern "C" fn troubles_new(of_process: u32) -> u32 {
    instance::with(|instance| instance.new_troubles(of_process != 0))
}

/// A trouble begins. 0: no warning; 1: a warning; 2: a warning that says that there are no more for now.
#[unsafe(no_mangle)]
pub extern "C" fn troubles_begin(troubles: u32, steady_now: f64, fields: u32) -> u32 {
    let Ok(thing) = Fields::take(fields).required() else { return 0 };
    let begin = |instance: &mut Instance| {
        instance.troubles.get(troubles).map(|troubles| troubles.begin(&thing, steady(steady_now)))
    };
    match instance::with(begin) {
        None | Some(Report::Nothing) => 0,
        Some(Report::This) => 1,
        Some(Report::ThisAndNoMore) => 2,
    }
}

/// A trouble ends: whether this is reported.
#[unsafe(no_mangle)]
pub extern "C" fn troubles_end(troubles: u32, fields: u32) -> u32 {
    let Ok(thing) = Fields::take(fields).required() else { return 0 };
    let end = |instance: &mut Instance| instance.troubles.get(troubles).map(|troubles| troubles.end(&thing));
    u32::from(instance::with(end).is_some_and(|report| report != Report::Nothing))
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
