//! The rules of the house, as tests over the source text: imports point down, each crate that matters is
//! named in one place, each room says what it is for.

use std::path::{Path, PathBuf};

/// Rooms from the ground up. A room may use those before it, and `jose` and `keys` are floors with an order of their own.
const ROOMS: [&str; 57] = [
    "time",
    "crypto",
    "jose::algorithm",
    "jose::json",
    "jose::jwk",
    "jose::verification_key",
    "jose::jws",
    "jose",
    "rejection",
    "scheme",
    "explanation",
    "request::white_space",
    "request::target_uri",
    "request::proxy_trust",
    "request::forwarded",
    "request",
    "client_certificate",
    "credentials",
    "extraction",
    "keys::issuer_name",
    "keys::secure_url",
    "keys::issuer",
    "keys::metadata",
    "keys::issuer_directory",
    "keys::published_key",
    "keys::jwk_set",
    "keys::unknown_kids",
    "keys::key_ring",
    "keys",
    "access_token::recipient",
    "access_token::presenter",
    "access_token::times",
    "access_token::shape",
    "access_token::kind",
    "access_token::signature",
    "access_token",
    "presentation",
    "dpop::nonce",
    "dpop::window",
    "dpop::shares",
    "dpop::replay",
    "dpop::advice",
    "dpop::policy",
    "dpop::proof_key",
    "dpop::target",
    "dpop::proof",
    "dpop",
    "question",
    "possession",
    "memory",
    "grant",
    "resource_metadata",
    "policy",
    "challenge",
    "resource_server",
    "shadow",
    "lib",
];

/// Names that belong to one place: the word, and the only paths (from the root) that may hold it.
const NAMED_IN: [(&str, &[&str]); 13] = [
    (
        "aws_lc_rs",
        &["src/crypto/aws_lc.rs", "src/jose/verification_key/aws_lc.rs", "host/src/validator/tests.rs"],
    ),
    // The standard library's are constant in WebAssembly: the core's sets and maps hash with a secret of their own.
    ("RandomState", &["src/crypto/", "host/src/", "binding/src/"]),
    ("HashSet", &["src/crypto.rs", "host/src/", "binding/src/"]),
    ("HashMap", &["src/crypto.rs", "host/src/", "binding/src/"]),
    // The engine counts times and reads no clock.
    ("std::time", &["engine/src/", "host/src/", "binding/src/", "wasm/src/"]),
    ("Instant", &["host/src/", "binding/src/"]),
    ("tokio", &["host/src/"]),
    ("reqwest", &["host/src/"]),
    ("moka", &["host/src/"]),
    // The engine reads the options of that name, and WebAssembly refuses them: neither depends on the crate.
    ("redis", &["engine/src/", "host/src/", "wasm/src/isolate.rs"]),
    ("napi", &["binding/"]),
    ("napi_derive", &["binding/"]),
    // That of napi-rs makes the words of a panic the message of an error: they may be those of a request.
    ("catch_unwind", &["host/src/workers.rs", "binding/src/panics.rs", "binding/src/inbox/tests.rs"]),
];

/// Files of the native door from the ground up. Each may use those before it.
const BINDING: [&str; 11] = [
    "panics",
    "arguments",
    "notifier",
    "fetches",
    "answer",
    "inbox",
    "wait",
    "doors",
    "extraction",
    "wire",
    "lib",
];

const VAGUE_NAMES: [&str; 6] = ["util", "utils", "helper", "helpers", "common", "misc"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder of the repository, as paths from its root, in their order; what npm installed aside.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true if entry.file_name() == "node_modules" => {}
                true => folders.push(entry.path()),
                false => found.push(entry.path().strip_prefix(root()).unwrap().to_owned()),
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn sources(folder: &str) -> Vec<(String, String)> {
    let rust = files(folder).into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "rs"));
    let read = rust.map(|path| (shown(&path), std::fs::read_to_string(root().join(&path)).unwrap()));
    let sources: Vec<_> = read.collect();
    assert!(!sources.is_empty(), "{folder} has no source");
    sources
}

/// Every TypeScript file below a folder, as path and text.
pub(crate) fn typescript(folder: &str) -> Vec<(String, String)> {
    let is_typescript = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "ts" || ext == "mts");
    let found = files(folder).into_iter().filter(is_typescript);
    found.map(|path| (shown(&path), std::fs::read_to_string(root().join(&path)).unwrap())).collect()
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// A source without its comments and without its tests, which are at its end and may reach further.
pub(crate) fn code(source: &str) -> String {
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = source.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

/// `src/jose/jwk.rs` is the room `jose::jwk`; `mod.rs` is its folder's.
pub(crate) fn room_of(path: &str) -> String {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    inner.trim_end_matches("/mod").replace('/', "::")
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether the text holds this path of names, not as a part of longer names.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The paths below `crate::` and `super::` that a source names, groups in braces taken apart.
pub(crate) fn imports(code: &str, room: &str) -> Vec<String> {
    let parent = room.rsplit_once("::").map_or(String::new(), |(parent, _)| format!("{parent}::"));
    [paths(code, "crate::", ""), paths(code, "super::", &parent)].concat()
}

/// The paths that begin with `prefix`, with `base` in its place.
pub(crate) fn paths(code: &str, prefix: &str, base: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        if !code[..at].chars().next_back().is_some_and(|c| is_word(c) || c == ':') {
            expand(&code[at + prefix.len()..], base, &mut found);
        }
    }
    found
}

fn expand(text: &str, base: &str, found: &mut Vec<String>) {
    let text = text.trim_start();
    if let Some(inside) = text.strip_prefix('{') {
        let mut depth = 0;
        let mut start = 0;
        for (at, c) in inside.char_indices() {
            match c {
                '{' => depth += 1,
                ',' if depth == 0 => {
                    expand(&inside[start..at], base, found);
                    start = at + 1;
                }
                '}' if depth == 0 => {
                    expand(&inside[start..at], base, found);
                    return;
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
        return;
    }
    let name: String = text.chars().take_while(|c| is_word(*c)).collect();
    if name.is_empty() {
        return;
    }
    match text[name.len()..].strip_prefix("::") {
        Some(rest) => expand(rest, &format!("{base}{name}::"), found),
        None => found.push(format!("{base}{name}")),
    }
}

/// How high a path's room lies: the longest room that it begins with.
pub(crate) fn height(path: &str) -> Option<usize> {
    let of = |room: &str| path == room || path.strip_prefix(room).is_some_and(|rest| rest.starts_with("::"));
    ROOMS
        .iter()
        .enumerate()
        .filter(|(_, room)| of(room))
        .max_by_key(|(_, room)| room.len())
        .map(|(height, _)| height)
}

/// What a source imports against the order. A folder's own file may name its children, which lie below it; a child may
/// use what its folder's file defines for all of them.
fn upward_imports(path: &str, source: &str) -> Vec<String> {
    let room = room_of(path);
    let Some(own) = height(&room) else {
        return vec![format!("{path} is no room of the house: give it a place")];
    };
    let folder = room.split("::").next().unwrap_or_default();
    let upward = imports(&code(source), &room).into_iter().filter(|import| {
        let of_own_folder =
            import.strip_prefix(&format!("{folder}::")).is_some_and(|name| !name.contains("::"));
        let defined_by_folder = of_own_folder && height(import) == height(folder);
        !defined_by_folder && height(import).is_none_or(|other| other > own)
    });
    upward.map(|import| format!("{path} uses {import}")).collect()
}

/// Names of libraries where they do not belong.
fn misplaced_names(path: &str, source: &str) -> Vec<String> {
    let code = code(source);
    let of_std = paths(&code, "std::", "std::");
    let named = |word: &str| names(&code, word) || of_std.iter().any(|path| names(path, word));
    let misplaced = NAMED_IN
        .iter()
        .filter(|(word, places)| named(word) && !places.iter().any(|place| path.starts_with(place)));
    misplaced.map(|(word, _)| format!("{path} names {word}")).collect()
}

/// What a room's opening lacks: a sentence, then what goes in and out, and what it must never.
fn missing_from_header(source: &str) -> Vec<&'static str> {
    let lines: Vec<&str> = source.lines().take(12).map_while(|line| line.strip_prefix("//!")).collect();
    let mut missing = Vec::new();
    let first = lines.first().map(|line| line.trim()).unwrap_or_default();
    let sentence: String = lines.iter().take_while(|line| !line.trim().is_empty()).copied().collect();
    if first.is_empty() || !first.starts_with(char::is_uppercase) || !sentence.contains('.') {
        missing.push("a first sentence");
    }
    let text = lines.join("\n");
    let marks = ["In:", "Out:", "Never:"];
    missing.extend(marks.into_iter().filter(|mark| !text.contains(mark)));
    let order: Vec<Option<usize>> = marks.into_iter().map(|mark| text.find(mark)).collect();
    if missing.is_empty() && !order.is_sorted() {
        missing.push("the order In, Out, Never");
    }
    missing
}

fn is_vague(path: &Path) -> bool {
    let names = path.iter().filter_map(|part| part.to_str()?.split('.').next());
    names.into_iter().any(|name| VAGUE_NAMES.contains(&name))
}

#[track_caller]
fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn imports_point_down() {
    none(sources("src").iter().flat_map(|(path, source)| upward_imports(path, source)).collect());
}

/// What a file of the native door uses that does not lie below it.
fn upward_in_binding(path: &str, source: &str) -> Vec<String> {
    let place = |name: &str| BINDING.iter().position(|file| *file == name);
    // The tests of a file may be in a folder of its name.
    let own = path
        .trim_start_matches("binding/src/")
        .trim_end_matches(".rs")
        .trim_end_matches("/tests")
        .trim_end_matches("/interleavings");
    let Some(height) = place(own) else {
        return vec![format!("{path} is no file of the native door: give it a place")];
    };
    let used = paths(&code(source), "crate::", "");
    let first = |path: &String| path.split("::").next().unwrap_or_default().to_owned();
    let upward = used.iter().map(first).filter(|name| place(name).is_none_or(|other| other >= height));
    upward.map(|name| format!("{path} uses {name}")).collect()
}

#[test]
fn imports_of_the_native_door_point_down() {
    none(sources("binding/src").iter().flat_map(|(path, source)| upward_in_binding(path, source)).collect());
}

#[test]
fn libraries_are_named_where_they_belong() {
    let all = ["src", "engine/src", "host/src", "binding/src", "wasm/src"].map(sources);
    none(all.iter().flatten().flat_map(|(path, source)| misplaced_names(path, source)).collect());
}

#[test]
fn every_room_says_what_it_is_for() {
    let all = ["src", "engine/src", "host/src", "binding/src", "wasm/src"].map(sources);
    let faults = all.iter().flatten().flat_map(|(path, source)| {
        missing_from_header(source).into_iter().map(move |what| format!("{path} lacks {what}"))
    });
    none(faults.collect());
}

#[test]
fn no_file_has_a_vague_name() {
    let all =
        ["src", "engine/src", "host/src", "binding/src", "wasm/src", "tests", "ts", "scripts", "__test__"];
    let vague = all.iter().flat_map(|folder| files(folder)).filter(|path| is_vague(path));
    none(vague.map(|path| format!("{} says nothing of what is in it", shown(&path))).collect());
}

/// What is wrong with an adapter: it carries verdicts, and decides nothing.
fn faults_of_adapter(path: &str, source: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let words =
        ["WWW", "Bearer", "DPoP", "rawClaims", "scheme", "acr", "insufficient", "credentials_missing"];
    faults.extend(words.iter().filter(|word| names(source, word)).map(|word| format!("{path} names {word}")));
    let is_status =
        |word: &&str| word.len() == 3 && word.starts_with(['4', '5']) && word.parse::<u16>().is_ok();
    let statuses = source.split(|c: char| !is_word(c)).filter(is_status);
    faults.extend(statuses.map(|status| format!("{path} names the status {status}")));
    faults
}

#[test]
fn adapters_know_no_oauth() {
    let adapters = files("ts/adapters").into_iter();
    let read = |path: PathBuf| (shown(&path), std::fs::read_to_string(root().join(&path)).unwrap());
    let adapters: Vec<_> = adapters.map(read).collect();
    assert!(!adapters.is_empty());
    none(adapters.iter().flat_map(|(path, source)| faults_of_adapter(path, source)).collect());
}

/// The word in a source of TypeScript, its comments aside.
fn lines_with_instanceof(path: &str, source: &str) -> Vec<String> {
    let is_comment = |line: &str| ["//", "/*", "*"].iter().any(|mark| line.trim_start().starts_with(mark));
    let lines = source.lines().enumerate();
    let found = lines.filter(|(_, line)| !is_comment(line) && names(line, "instanceof"));
    found.map(|(at, _)| format!("{path}:{} says instanceof", at + 1)).collect()
}

/// A Promise, an Error or bytes of another realm (a test of Jest, a `vm` context, the addon) are none by that word.
#[test]
fn nothing_is_told_by_the_realm_that_made_it() {
    let sources = files("ts").into_iter().map(|path| {
        let source = std::fs::read_to_string(root().join(&path)).unwrap();
        (shown(&path), source)
    });
    none(sources.flat_map(|(path, source)| lines_with_instanceof(&path, &source)).collect());
}

// The rules find what breaks them.

#[test]
fn an_import_within_the_native_door_that_points_up_is_found() {
    let found = |path: &str, source: &str| upward_in_binding(path, source).len();
    assert_eq!(found("binding/src/inbox.rs", "use crate::{answer::Answer, notifier::Notifier};"), 0);
    assert_eq!(found("binding/src/inbox.rs", "use crate::wait::judge;"), 1);
    assert_eq!(found("binding/src/inbox.rs", "use crate::doors::Arguments; use crate::time;"), 2);
    assert_eq!(found("binding/src/cookies.rs", ""), 1);
}

#[test]
fn instanceof_is_found() {
    let found = |source: &str| lines_with_instanceof("ts/x.ts", source).len();
    assert_eq!(found("if (answer instanceof Promise) {"), 1);
    assert_eq!(found(" * never `instanceof`\n// nor instanceof here\nconst instanceofs = 1;"), 0);
}

#[test]
fn an_adapter_that_knows_too_much_is_found() {
    let found = |source: &str| faults_of_adapter("ts/adapters/x.ts", source).len();
    assert_eq!(found("send(res, outcome.response);"), 0);
    assert_eq!(found("res.status(401);"), 1);
    assert_eq!(found("res.setHeader(\"WWW-Authenticate\", challenge);"), 1);
    assert_eq!(found("if (auth.scheme === \"Bearer\") {}"), 2);
}

#[test]
fn an_import_that_points_up_is_found() {
    let found = |path: &str, source: &str| upward_imports(path, source).len();
    assert_eq!(found("src/jose/jwk.rs", "use crate::time::UnixTime;\nuse super::json::Value;"), 0);
    assert_eq!(found("src/jose/jwk.rs", "use super::jws::CompactJws;"), 1);
    assert_eq!(found("src/jose/jwk.rs", "use super::verification_key::VerificationKey;"), 1);
    assert_eq!(found("src/jose/jwk.rs", "use super::base64url_decode;"), 0);
    assert_eq!(found("src/jose/json.rs", "use crate::rejection::Code;"), 1);
    assert_eq!(found("src/jose/json.rs", "fn f() -> crate::access_token::AccessToken {}"), 1);
    assert_eq!(found("src/access_token.rs", "use crate::{dpop::proof::Proof, time::UnixTime};"), 1);
    assert_eq!(found("src/access_token.rs", "use crate::{jose::{jws::A, json::{B, C}}, time::UnixTime};"), 0);
    assert_eq!(found("src/keys/jwk_set.rs", "use super::key_ring::KeyRing;"), 1);
    assert_eq!(
        found("src/credentials.rs", "use crate::resource_server::Policy; use crate::challenge::Challenge;"),
        2
    );
    assert_eq!(found("src/time.rs", "pub(crate) use crate::request::RequestHead;"), 1);
    assert_eq!(found("src/time.rs", "// use crate::request::RequestHead;\n"), 0);
    assert_eq!(found("src/time.rs", "#[cfg(test)]\nfn a() {}\nuse crate::request::RequestHead;"), 1);
    assert_eq!(
        found("src/time.rs", "fn a() {}\n#[cfg(test)]\nmod tests { use crate::request::RequestHead; }"),
        0
    );
    // A file that the order does not know, and a name that is no room.
    assert_eq!(found("src/cookies.rs", ""), 1);
    assert_eq!(found("src/time.rs", "use crate::cookies::Cookie;"), 1);
}

#[test]
fn a_library_out_of_its_place_is_found() {
    let found = |path: &str, source: &str| misplaced_names(path, source).len();
    assert_eq!(found("src/jose/verification_key/aws_lc.rs", "use aws_lc_rs::digest;"), 0);
    assert_eq!(found("src/jose/jws.rs", "let d = aws_lc_rs::digest::digest;"), 1);
    assert_eq!(found("src/keys/key_ring.rs", "use std::collections::HashSet;"), 1);
    assert_eq!(found("src/time.rs", "use std::time::SystemTime;"), 1);
    assert_eq!(found("src/time.rs", "//! Never: `std::time`, a clock."), 0);
    assert_eq!(found("src/time.rs", "use std::{fmt, time::Duration};"), 1);
    assert_eq!(found("src/time.rs", "use std::timely;"), 0);
    assert_eq!(found("host/src/fetch.rs", "use reqwest::Client; use tokio::spawn; use napi::Env;"), 1);
    assert_eq!(found("binding/src/lib.rs", "use napi::Env; use napi_derive::napi;"), 0);
    assert_eq!(found("src/lib.rs", "use napi_derive::napi;"), 2);
    assert_eq!(found("binding/src/lib.rs", "use reqwest::Client;"), 1);
}

#[test]
fn an_opening_that_says_too_little_is_found() {
    let good = "//! One thing.\n//!\n//! In: a.\n//! Out: b.\n//! Never: d.\n";
    assert!(missing_from_header(good).is_empty());
    assert!(missing_from_header("//! One thing.\n//!\n//! In: a. Out: b. Never: d.\n").is_empty());
    assert_eq!(missing_from_header("use std::fmt;\n"), ["a first sentence", "In:", "Out:", "Never:"]);
    assert_eq!(missing_from_header(&good.replace("//! Never: d.\n", "")), ["Never:"]);
    assert_eq!(missing_from_header(&good.replace("One thing.", "")), ["a first sentence"]);
    assert_eq!(missing_from_header(&good.replace("//! In", "\n//! In")).len(), 3);
    assert_eq!(missing_from_header(&format!("{}{good}", "//!\n".repeat(12))).len(), 4);
    let reversed = "//! One thing.\n//!\n//! Never: d. Out: b. In: a.\n";
    assert_eq!(missing_from_header(reversed), ["the order In, Out, Never"]);
}

#[test]
fn a_vague_name_is_found() {
    for path in ["src/utils/x.rs", "src/common.rs", "ts/helpers.ts", "src/jose/misc.rs", "ts/util/index.ts"] {
        assert!(is_vague(Path::new(path)), "{path}");
    }
    for path in ["src/lib.rs", "host/src/lib.rs", "src/jose/jwk.rs", "ts/server.ts"] {
        assert!(!is_vague(Path::new(path)), "{path}");
    }
}
