//! An HTTP server on loopback that answers what a test tells it to, however wrong, and notes what it was asked.
//!
//! It reads a request up to its first empty line and closes every connection after one answer. It ends with the
//! test, or by itself after [`LIFETIME`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const LIFETIME: Duration = Duration::from_secs(60);
const REQUEST_BYTES: usize = 16 * 1024;

pub const OPENID: &str = "/.well-known/openid-configuration";
pub const OAUTH: &str = "/.well-known/oauth-authorization-server";
pub const JWKS: &str = "/jwks";

/// What the server does with a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// 200 with this body.
    Ok(String),
    /// 200 with this body, after a while.
    Late(String, Duration),
    /// Another status, with an empty body.
    Status(u16),
    /// Another status, with a body that would do.
    StatusWith(u16, String),
    /// A status, lines of further fields, a body.
    With(u16, String, String),
    /// A redirect with this status.
    Redirect(u16, String),
    /// 200 that promises more bytes than it sends.
    Truncated(String),
    /// 200 with a body of unknown length that does not end by itself.
    Endless,
    /// 200 and then one byte now and then.
    Dripping,
    /// Nothing, on an open connection.
    Silent,
    /// The connection is closed without a word.
    Hangup,
    /// Bytes that are no HTTP.
    Garbage,
    /// This beginning, and then this piece again and again.
    Flood(String, String),
}

#[derive(Default)]
struct State {
    answers: HashMap<String, Answer>,
    requests: Vec<Request>,
}

/// What the server was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    pub at: SystemTime,
    head: String,
}

impl Request {
    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

pub struct HostileIssuer {
    port: u16,
    state: Arc<Mutex<State>>,
    serving: Option<JoinHandle<()>>,
}

impl HostileIssuer {
    /// A server that answers 404 to everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut server =
            Self { port: listener.local_addr().unwrap().port(), state: Arc::default(), serving: None };
        server.serve(listener);
        server
    }

    /// A server that publishes these keys as it should.
    pub async fn with_keys(jwks: &[String]) -> Self {
        let server = Self::start().await;
        server.publish(jwks);
        server
    }

    /// Its identifier, as an issuer.
    pub fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn answer(&self, path: &str, answer: Answer) {
        self.state.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    /// Answers with sound metadata, and with these keys.
    pub fn publish(&self, jwks: &[String]) {
        self.answer(OPENID, Answer::Ok(self.metadata()));
        self.answer(JWKS, Answer::Ok(jwk_set(jwks)));
    }

    /// Sound metadata.
    pub fn metadata(&self) -> String {
        metadata(&self.uri(), &format!("{}{JWKS}", self.uri()))
    }

    /// The paths that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.iter().map(|request| request.path.clone()).collect()
    }

    /// The requests for a path, in order.
    pub fn requests(&self, path: &str) -> Vec<Request> {
        let state = self.state.lock().unwrap();
        state.requests.iter().filter(|request| request.path == path).cloned().collect()
    }

    pub fn times_asked(&self, path: &str) -> usize {
        self.requests(path).len()
    }

    /// Closes the port: connections are refused from now on.
    pub async fn go_down(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
    }

    pub async fn come_back(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.serve(listener);
    }

    fn serve(&mut self, listener: TcpListener) {
        let state = self.state.clone();
        let accepting = async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(tokio::time::timeout(LIFETIME, answer_one(stream, state.clone())));
            }
        };
        self.serving = Some(tokio::spawn(async move {
            let _ = tokio::time::timeout(LIFETIME, accepting).await;
        }));
    }
}

impl Drop for HostileIssuer {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
        }
    }
}

pub fn metadata(issuer: &str, jwks_uri: &str) -> String {
    format!(r#"{{"issuer":"{issuer}","jwks_uri":"{jwks_uri}"}}"#)
}

pub fn jwk_set(jwks: &[String]) -> String {
    format!(r#"{{"keys":[{}]}}"#, jwks.join(","))
}

async fn answer_one(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let Some(request) = read_request(&mut stream).await else { return };
    let answer = {
        let mut state = state.lock().unwrap();
        let answer = state.answers.get(&request.path).cloned();
        state.requests.push(request);
        answer
    };
    // A client that goes away early is one of the outcomes under test.
    let _ = write_answer(&mut stream, answer.unwrap_or(Answer::Status(404))).await;
    let _ = stream.shutdown().await;
}

async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut request = Vec::new();
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut chunk = [0; 1024];
        let read = stream.read(&mut chunk).await.ok()?;
        if read == 0 || request.len() > REQUEST_BYTES {
            return None;
        }
        request.extend_from_slice(&chunk[..read]);
    }
    let head = String::from_utf8_lossy(&request).into_owned();
    let path = head.split(' ').nth(1)?.to_owned();
    Some(Request { path, at: SystemTime::now(), head })
}

async fn write_answer(stream: &mut TcpStream, answer: Answer) -> std::io::Result<()> {
    let head = |status: u16, more: &str| format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{more}\r\n");
    let sized = |body: &str, length: usize| head(200, &format!("content-length: {length}\r\n")) + body;
    match answer {
        Answer::Ok(body) => stream.write_all(sized(&body, body.len()).as_bytes()).await,
        Answer::Late(body, delay) => {
            tokio::time::sleep(delay).await;
            stream.write_all(sized(&body, body.len()).as_bytes()).await
        }
        // RFC 9110 section 6.4.1: neither of these has a body, nor a length of one.
        Answer::Status(status @ (204 | 304)) => stream.write_all(head(status, "").as_bytes()).await,
        Answer::Status(status) => stream.write_all(head(status, "content-length: 0\r\n").as_bytes()).await,
        Answer::StatusWith(status, body) => {
            let head = head(status, &format!("content-length: {}\r\n", body.len()));
            stream.write_all((head + &body).as_bytes()).await
        }
        Answer::With(status, fields, body) => {
            // A 304 speaks of a body that it does not have.
            let length =
                if status == 304 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
            stream.write_all((head(status, &(fields + &length)) + &body).as_bytes()).await
        }
        Answer::Redirect(status, to) => {
            let head = head(status, &format!("location: {to}\r\ncontent-length: 0\r\n"));
            stream.write_all(head.as_bytes()).await
        }
        Answer::Truncated(body) => stream.write_all(sized(&body, body.len() + 10).as_bytes()).await,
        Answer::Endless => {
            stream.write_all(head(200, "").as_bytes()).await?;
            // Far more than any limit, and yet an end, should nobody hang up.
            for _ in 0..4096 {
                stream.write_all(&[b' '; 16 * 1024]).await?;
            }
            Ok(())
        }
        Answer::Dripping => {
            stream.write_all(head(200, "content-length: 1000\r\n").as_bytes()).await?;
            for _ in 0..1000 {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        }
        Answer::Silent => {
            tokio::time::sleep(LIFETIME).await;
            Ok(())
        }
        Answer::Hangup => Ok(()),
        Answer::Flood(head, piece) => {
            stream.write_all(head.as_bytes()).await?;
            // Far more than any limit, and yet an end, should nobody hang up.
            for _ in 0..(64 << 20) / piece.len() {
                stream.write_all(piece.as_bytes()).await?;
            }
            Ok(())
        }
        Answer::Garbage => stream.write_all(b"\x16\x03\x01 no HTTP at all\r\n\r\n").await,
    }
}
