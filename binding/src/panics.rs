//! What becomes of a panic: an error for its caller and a line on standard error, both without the panic's own message.
//!
//! In: work that reads a request, panics. Out: its result, or one fixed error. Never: the message of a panic: it may hold
//! text of a request, for example where a text was cut in the midst of a character.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::sync::Once;

use napi::bindgen_prelude::{Error, Result};

/// What the caller of a request learns.
pub(crate) const ENDED: &str = "internal error: a validation ended unexpectedly";

/// The result of the work. A panic becomes an error, so it grants nothing.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::from_reason(format!("oidc-spa-native: {ENDED}"))))
}

/// From now on, panics of this addon are reported without their message. Other addons have a standard library of their
/// own.
pub(crate) fn report_places_only() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_hook(Box::new(|panic| report(panic, &mut std::io::stderr()))));
}

fn report(panic: &PanicHookInfo<'_>, to: &mut impl Write) {
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    // Nobody can be told that standard error is closed. A panic in here would end the process.
    let _ = writeln!(to, "oidc-spa-native: internal error at {place}. Please report this place.");
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        let _ = writeln!(to, "{backtrace}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_without_its_message() {
        let result: Result<()> = caught(|| std::panic::resume_unwind(Box::new("Bearer secret")));
        assert_eq!(
            result.unwrap_err().reason,
            "oidc-spa-native: internal error: a validation ended unexpectedly"
        );
        assert_eq!(caught(|| Ok(1)).unwrap(), 1);
    }
}
