//! An explanation as JavaScript reads it.
//!
//! In: the checks of one request.
//! Out: one JSON text.
//! Never: a check, a token.

use oidc_spa_native::explanation::{Ending, Explanation, Row};
use oidc_spa_native::rejection::Rejection;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The JSON text of `NativeExplanation` in `ts/addon/native.ts`.
pub(crate) fn to_json(explanation: &Explanation) -> String {
    let checks: Vec<_> = explanation.rows().iter().map(row).collect();
    let claims = explanation.claims().and_then(|claims| serde_json::from_str::<Box<RawValue>>(claims).ok());
    json!({ "refusal": explanation.refusal().map(refusal), "checks": checks, "claims": claims }).to_string()
}

fn refusal(rejection: &Rejection) -> Value {
    let row = rejection.code().row();
    json!({ "code": row.name, "status": row.status, "debugErrorMessage": rejection.message() })
}

fn row(row: &Row) -> Value {
    let Row { check, ending, facts, is_unverified } = row;
    let (outcome, failure) = match ending {
        Ending::Passed => ("passed", None),
        Ending::Failed(rejection) => ("failed", Some(rejection)),
        Ending::Skipped => ("skipped", None),
    };
    json!({
        "id": check.id(),
        "title": check.title(),
        "clause": check.clause(),
        "outcome": outcome,
        "expected": facts.as_ref().map(|facts| &facts.expected),
        "found": facts.as_ref().map(|facts| &facts.found),
        "isVerified": !is_unverified,
        "code": failure.map(|rejection| rejection.code().row().name),
        "message": failure.map(Rejection::message),
    })
}
