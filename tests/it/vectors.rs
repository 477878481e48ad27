//! The vectors of `vectors/`, through `ResourceServer`: what it decides, what it explains, and what the client is told.

mod rules;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oidc_spa_native::challenge::Refusal;
use oidc_spa_native::credentials::Field;
use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::request::RequestHead;
use oidc_spa_native::resource_server::{Decision, ResourceServer};
use oidc_spa_native::time::UnixTime;
use serde_json::Value;

use crate::challenges::field_value::{SentChallenge, parse_challenges};
use rules::{policy_of, window_of};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The vectors of every document.
fn vectors() -> Vec<Value> {
    let documents = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let files = documents.filter(|path| path.is_dir()).flat_map(|path| fs::read_dir(path).unwrap());
    let of_file = |file: fs::DirEntry| read(&file.path())["vectors"].as_array().unwrap().clone();
    files.flat_map(|file| of_file(file.unwrap())).collect()
}

/// A key set: one that vectors name, or the vector's own.
fn key_set(named: &Value, of: &Value) -> Arc<JwkSet> {
    let set = of.as_str().map_or(of, |name| &named[name]);
    Arc::new(JwkSet::parse(set.to_string().as_bytes()).unwrap())
}

/// The header fields of a request, by their names in small letters.
struct Fields<'a>(BTreeMap<String, Vec<&'a str>>);

impl<'a> Fields<'a> {
    fn of(request: &'a Value) -> Self {
        let mut fields = BTreeMap::<String, Vec<&str>>::new();
        for field in request["fields"].as_array().unwrap() {
            let name = field[0].as_str().unwrap().to_ascii_lowercase();
            fields.entry(name).or_default().push(field[1].as_str().unwrap());
        }
        Self(fields)
    }

    fn first(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|values| values[0])
    }

    fn once(&self, name: &str) -> Field<'a> {
        match self.0.get(name).map(Vec::as_slice) {
            None => Field::Absent,
            Some([value]) => Field::Once(value),
            Some(_) => Field::Repeated,
        }
    }
}

/// A resource server as one vector configures it.
struct Server {
    server: ResourceServer,
    keys: Vec<Arc<JwkSet>>,
    memory: ReplayMemory,
}

impl Server {
    fn of(vector: &Value, named: &Value) -> Self {
        let configuration = &vector["configuration"];
        let keys = match configuration["issuers"].as_array() {
            None => vec![key_set(named, &"default".into())],
            Some(issuers) => issuers.iter().map(|issuer| key_set(named, &issuer["keys"])).collect(),
        };
        let memory = ReplayMemory::new(1_000, window_of(configuration));
        Self { server: ResourceServer::new(policy_of(configuration)), keys, memory }
    }

    /// Judges a request as a host does: where other keys are needed, it looks whether there are any.
    fn judge(
        &mut self,
        question: &Question<'_>,
        now: UnixTime,
        newest: &mut Option<Arc<JwkSet>>,
    ) -> Option<Refusal> {
        let decision = self.server.decide(question, &|index: usize| self.keys.get(index).cloned(), now);
        match decision {
            Decision::KeysNeeded { .. } if newest.is_some() => {
                self.keys[0] = newest.take().unwrap();
                self.judge(question, now, newest)
            }
            Decision::KeysNeeded { otherwise, .. } => Some(otherwise),
            Decision::Refused(refusal) => Some(refusal),
            Decision::Pending(pending) => {
                self.server.settle(pending, |record| self.memory.remember(record, now)).err()
            }
        }
    }

    /// Judges one step of a vector. `Err` says what is otherwise than the vector has it.
    fn step(&mut self, step: &Value, newest: &mut Option<Arc<JwkSet>>) -> Result<(), String> {
        let request = &step["request"];
        let fields = Fields::of(request);
        let certificate = request["clientCertificate"].as_str().map(|text| STANDARD.decode(text).unwrap());
        let question = Question::of_request(Request {
            authorization: fields.once("authorization"),
            dpop: fields.once("dpop"),
            head: Some(RequestHead { peer_certificate: certificate.as_deref(), ..head_of(request, &fields) }),
        });
        let now = UnixTime::from_secs(step["time"].as_i64().unwrap());
        let explained =
            self.server.explain(&question, &|index: usize| self.keys.get(index).cloned(), now, |record| {
                self.memory.look_up(record, now)
            });
        let rotates = newest.is_some();
        // What comes at once comes one after the other here; the addon's runner has them at once.
        if let Some(times) = step["atOnce"].as_u64() {
            let granted = (0..times).filter(|_| self.judge(&question, now, newest).is_none()).count();
            let refusal = self.judge(&question, now, newest);
            return if granted == 1 {
                compare(&step["expected"], refusal.as_ref())
            } else {
                Err(format!("{granted} granted"))
            };
        }
        let refusal = self.judge(&question, now, newest);
        let code = refusal.as_ref().map(|refusal| refusal.rejection.code());
        let explained = explained.refusal().map(|rejection| rejection.code());
        if explained != code && !rotates {
            return Err(format!("explained as {explained:?}, decided as {code:?}"));
        }
        compare(&step["expected"], refusal.as_ref())
    }
}

fn head_of<'a>(request: &'a Value, fields: &Fields<'a>) -> RequestHead<'a> {
    RequestHead {
        method: request["method"].as_str().unwrap(),
        url: request["target"].as_str().unwrap(),
        connection_scheme: request["scheme"].as_str(),
        host: fields.first("host"),
        host_repeated: fields.once("host") == Field::Repeated,
        forwarded: fields.first("forwarded"),
        x_forwarded_proto: fields.first("x-forwarded-proto"),
        x_forwarded_host: fields.first("x-forwarded-host"),
        x_forwarded_port: fields.first("x-forwarded-port"),
        x_forwarded_for: fields.first("x-forwarded-for"),
        x_forwarded_prefix: fields.first("x-forwarded-prefix"),
        remote_address: request["remoteAddress"].as_str(),
        client_cert: fields.first("client-cert"),
        peer_certificate: None,
    }
}

fn compare(expected: &Value, refusal: Option<&Refusal>) -> Result<(), String> {
    let Some(refusal) = refusal else {
        let is_granted = expected["verdict"] == "granted";
        return if is_granted { Ok(()) } else { Err(format!("granted, expected {}", expected["code"])) };
    };
    let found = refusal.rejection.code().row().name;
    if expected["code"] != found {
        let message = refusal.rejection.message();
        return Err(format!("expected {}, got {found}: {message}", expected["code"]));
    }
    let challenge = &refusal.challenge;
    if expected["status"] != challenge.status {
        return Err(format!("expected status {}, got {}", expected["status"], challenge.status));
    }
    let told = challenge.www_authenticate.as_deref().map(challenges_of);
    let differs = told.as_ref() != expected["challenges"].as_array();
    if differs { Err(format!("expected {}, told {told:?}", expected["challenges"])) } else { Ok(()) }
}

/// The challenges of a field, without what is for developers and the algorithms of proofs.
fn challenges_of(field: &str) -> Vec<Value> {
    let parse = |sent: SentChallenge| {
        let told =
            sent.parameters.iter().filter(|(name, _)| !matches!(name.as_str(), "algs" | "error_description"));
        let mut challenge = serde_json::json!({ "scheme": sent.scheme });
        for (name, value) in told {
            challenge[name] = value.as_str().into();
        }
        challenge
    };
    parse_challenges(field).unwrap().into_iter().map(parse).collect()
}

/// What is asked of a good token is decided above this library.
fn is_decided_here(vector: &Value) -> bool {
    vector["steps"].as_array().unwrap().iter().all(|step| step["rules"].is_null())
}

#[test]
fn every_vector_gets_its_verdict() {
    let named = read(&folder().join("key-sets.json"));
    let vectors: Vec<Value> = vectors().into_iter().filter(is_decided_here).collect();
    assert!(vectors.len() > 500, "{}", vectors.len());
    let mut complaints = Vec::new();
    for vector in &vectors {
        let mut server = Server::of(vector, &named);
        let mut newest = None;
        for (i, step) in vector["steps"].as_array().unwrap().iter().enumerate() {
            if !step["keys"].is_null() {
                newest = Some(key_set(&named, &step["keys"]));
            }
            if let Err(complaint) = server.step(step, &mut newest) {
                complaints.push(format!("{}, step {i}: {complaint}", vector["id"]));
            }
        }
    }
    assert!(complaints.is_empty(), "{} differ:\n{}", complaints.len(), complaints.join("\n"));
}
