//! An explanation as JavaScript reads it.
//!
//! In: the checks of one request.
//! Out: one JSON text.
//! Never: a check, a token.

use oidc_spa_native::explanation::{Admitted, Ending, Explanation, Row};
use oidc_spa_native::rejection::Rejection;
use serde_json::{Value, json};

/// The JSON text of `NativeExplanation` in `ts/boundary/interface.ts`.
pub(crate) fn to_json(explanation: &Explanation) -> String {
    let checks: Vec<_> = explanation.rows().iter().map(row).collect();
    let admitted = explanation.admitted().and_then(admitted);
    json!({ "refusal": explanation.refusal().map(refusal), "checks": checks, "admitted": admitted })
        .to_string()
}

fn admitted(admitted: &Admitted) -> Option<Value> {
    let Admitted { claims, token, scheme, issuer } = admitted;
    let claims: Value = serde_json::from_str(claims).ok()?;
    Some(json!({
        "claims": claims,
        "tokenBegin": token.start,
        "tokenEnd": token.end,
        "scheme": scheme,
        "issuer": issuer,
    }))
}

fn refusal(rejection: &Rejection) -> Value {
    json!({ "code": rejection.code().row().name, "debugErrorMessage": rejection.message() })
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
        "advice": failure.and_then(Rejection::advice),
    })
}
