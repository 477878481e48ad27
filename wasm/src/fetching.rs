//! The fetches that JavaScript makes: their requests and answers, and when the next one begins.
//!
//! In: answers to requests, the time.
//! Out: JSON texts: the next request, the end of a fetch, what is due.
//! Never: a decision about what is asked and what an answer means.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use oidc_spa_native::rejection::Shown;
use oidc_spa_native::time::Monotonic;
use oidc_spa_native_engine::http_answer::HttpAnswer;
use oidc_spa_native_engine::moment::Moment;
use oidc_spa_native_engine::reach::Reach;
use serde_json::{Value, json};

use crate::input::{Fields, Malformed};
use crate::instance::Instance;
use crate::plan_keys::{Failure, Plan, Progress};
use crate::waiting::begin_fetch;

/// Header fields of an answer that are read.
const MAX_FIELDS: usize = 100;

impl Instance {
    /// The first request of a fetch.
    pub(crate) fn fetch_next(&mut self, fetch: u32, at: Moment) -> String {
        let progress = match self.fetches.get(fetch) {
            Some(plan) => plan.0.first_request(fetch, at),
            None => Progress::Stale,
        };
        self.progressed(fetch, progress, at)
    }

    /// Takes the answer to a fetch's request: its header fields as a JSON list of pairs, and its body.
    pub(crate) fn fetch_answered(
        &mut self,
        fetch: u32,
        status: u32,
        fields: &mut Fields,
        at: Moment,
    ) -> Result<String, Malformed> {
        let (pairs, body) = (fields.required()?, fields.bytes_of_next()?.unwrap_or_default().to_vec());
        let pairs: Value =
            serde_json::from_str(&pairs).map_err(|_| Malformed("header fields are no JSON"))?;
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.ok_or(Malformed("there is no such status"))?;
        let headers = header_map(&pairs);
        let progress = match self.fetches.get(fetch) {
            Some(plan) => plan.0.answered(
                fetch,
                |request| {
                    if body.len() > request.limit {
                        return Err(Failure::TooLong);
                    }
                    let from = Reach::by_text(&request.url);
                    Ok(HttpAnswer { status, headers, body, from, received_at: at.wall })
                },
                at,
            ),
            None => Progress::Stale,
        };
        Ok(self.progressed(fetch, progress, at))
    }

    /// Takes the failure of a fetch's request.
    pub(crate) fn fetch_failed(
        &mut self,
        fetch: u32,
        kind: u32,
        fields: &mut Fields,
        at: Moment,
    ) -> Result<String, Malformed> {
        // Some text comes from the server.
        let message = Shown(&fields.text_or_null()?.unwrap_or_default()).to_string();
        let failure = match kind {
            0 => Failure::NoAnswer(message),
            1 => Failure::TimedOut,
            2 => Failure::TooLong,
            3 => Failure::Coding(message),
            _ => return Err(Malformed("there is no such failure")),
        };
        let progress = match self.fetches.get(fetch) {
            Some(plan) => plan.0.answered(fetch, |_| Err(failure), at),
            None => Progress::Stale,
        };
        Ok(self.progressed(fetch, progress, at))
    }

    fn progressed(&mut self, fetch: u32, progress: Progress, at: Moment) -> String {
        let text = match progress {
            Progress::Ask(request) => {
                let headers = request.headers.iter();
                let headers =
                    headers.filter_map(|(name, value)| Some(json!([name.as_str(), value.to_str().ok()?])));
                let plan = self.fetches.get(fetch).map(|plan| plan.0.keys().plan().network.timeout);
                json!({ "request": {
                    "url": request.url.as_str(),
                    "headers": headers.collect::<Vec<_>>(),
                    "timeoutMs": plan.map_or(0, |timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
                    "bodyLimit": request.limit,
                }})
            }
            Progress::Stale => json!({ "stale": true }),
            Progress::Ended => {
                let plan = self.fetches.remove(fetch).map(|plan| plan.0.number);
                let (fetches, next) = self.begin_due(at);
                json!({ "done": true, "plan": plan, "fetches": fetches, "next": next })
            }
        };
        text.to_string()
    }

    /// Begins the fetches whose time has come, and says when the next one comes.
    pub(crate) fn due(&mut self, at: Moment) -> String {
        let (fetches, next) = self.begin_due(at);
        json!({ "fetches": fetches, "next": next }).to_string()
    }

    fn begin_due(&mut self, at: Moment) -> (Vec<u32>, Option<u64>) {
        let (mut begun, mut next): (Vec<u32>, Option<Monotonic>) = (Vec::new(), None);
        for plan in self.plans() {
            if let Some(lost) = plan.0.forget_lost(at) {
                self.fetches.remove(lost);
            }
            if !plan.0.is_used() {
                continue;
            }
            let stale_at = plan.0.keys().tell_if_stale(at.steady);
            if plan.0.keys().wake(at.steady) {
                begun.push(begin_fetch(&mut self.fetches, &plan, at.steady));
            }
            next = next_of(&plan).into_iter().chain(stale_at).chain(next).min();
        }
        (begun, next.map(millis))
    }
}

/// When something happens to a plan without a request.
fn next_of(plan: &Plan) -> Option<Monotonic> {
    plan.0.keys().due().into_iter().chain(plan.0.forgotten_at()).min()
}

/// Milliseconds of the steady clock.
pub(crate) fn millis(at: Monotonic) -> u64 {
    Monotonic::from_millis(0).millis_until(at)
}

/// The header fields, of which a runtime may have joined those of one name.
fn header_map(pairs: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for pair in pairs.as_array().into_iter().flatten().take(MAX_FIELDS) {
        let text = |at: usize| pair.get(at).and_then(Value::as_str);
        let name = text(0).and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        let value = text(1).and_then(|value| HeaderValue::from_str(value).ok());
        if let (Some(name), Some(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}
