//! The arguments of a call, one after the other, and the meaning of some of them.
//!
//! In: calls of `ts/`. Out: `Arguments`, functions under their names. Never: an `if` about OAuth.

use napi::Env;
use napi::bindgen_prelude::{
    Error, FromNapiValue, FunctionCallContext, JsObjectValue, Object, Result, ToNapiValue, Uint8ArraySlice,
};
use oidc_spa_native::presentation::RequestRules;
use oidc_spa_native::time::UnixTime;
use oidc_spa_native_engine::parts;

use crate::panics::caught;

/// A function of JavaScript's, under its name.
pub(crate) fn door<T: ToNapiValue + 'static>(
    env: &Env,
    doors: &mut Object<'_>,
    name: &str,
    answer: impl Fn(Arguments<'_>) -> Result<T> + 'static,
) -> Result<()> {
    let function = env
        .create_function_from_closure::<(), _, _>(name, move |call| caught(|| answer(Arguments::of(call))))?;
    doors.set_named_property(name, function)
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

    /// An argument that may be null, undefined or left out.
    pub(crate) fn optional<T: FromNapiValue>(&mut self) -> Result<Option<T>> {
        if self.next >= self.call.length() { Ok(None) } else { self.required() }
    }
}

impl parts::Arguments for Arguments<'_> {
    type Error = Error;

    fn number(&mut self) -> Result<u32> {
        self.required()
    }

    fn flag(&mut self) -> Result<bool> {
        self.required()
    }

    fn text(&mut self) -> Result<String> {
        self.required()
    }

    fn optional_text(&mut self) -> Result<Option<String>> {
        self.optional()
    }

    fn bytes(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.optional::<Uint8ArraySlice>()?.map(|bytes| bytes.to_vec()))
    }
}

/// The rules of a route.
pub(crate) fn rules(bits: u32) -> Result<RequestRules> {
    RequestRules::from_bits(bits).ok_or_else(|| Error::from_reason(format!("no such rules: {bits}")))
}

/// Milliseconds of JavaScript's clock.
pub(crate) fn time(millis: f64) -> UnixTime {
    UnixTime::from_millis(millis as i64)
}
