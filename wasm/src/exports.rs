//! The functions that JavaScript calls.
//!
//! In: numbers, and fields in the input buffer. Out: numbers, and texts in the output buffer.
//! Never: an `if` about OAuth.

// Only to give the functions their names: no pointer of JavaScript is followed here.
#![allow(unsafe_code)]

mod requests;
mod validators;

use std::rc::Rc;

use oidc_spa_native::crypto::seed;
use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::jose::verification_key::asked::install;
use oidc_spa_native::presentation::RequestRules;
use oidc_spa_native::rejection::Code;
use oidc_spa_native_engine::events::listen;
use oidc_spa_native_engine::troubles::Report;
use oidc_spa_native_engine::verdict_text::failure_text;
use oidc_spa_native_engine::wire::wire_table;
use serde_json::{Value, json};

use crate::clocks::{moment, steady};
use crate::events::{keep, take};
use crate::guard::Guard;
use crate::imports::{JavaScript, domain_to_ascii};
use crate::input::{self, Fields, Malformed};
use crate::instance::{self, Instance};

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
        idna::install(domain_to_ascii);
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
