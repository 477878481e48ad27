//! The ways of a token, a proof, keys and options, as ARCHITECTURE.md writes them, and the types that an answer passes.

use std::collections::BTreeSet;
use std::path::Path;

use crate::circles::typescript_imports;
use crate::layering::{code, height, imports, paths, room_of};

const ARCHITECTURE: &str = include_str!("../../ARCHITECTURE.md");

fn read(path: &str) -> String {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&whole).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands behind this word at the beginning of a line of the block below "The ways".
fn line(word: &str) -> &'static str {
    let ways = ARCHITECTURE.split("## The ways").nth(1).and_then(|rest| rest.split("```").nth(1));
    let mut lines = ways.unwrap_or_default().lines();
    let found = lines.find_map(|line| line.strip_prefix(word)?.strip_prefix(':'));
    found.unwrap_or_else(|| panic!("no line for {word}")).trim()
}

/// The top folder of a path: `ts`, `binding`, `host`, `engine`, `src`.
fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

/// Whether a file leads to the next one: it imports it, or it is the one file of its room that calls the next room.
fn leads_to(from: &str, to: &str) -> bool {
    let source = read(from);
    let module = |path: &str| {
        let crate_folder = format!("{}/", top(path));
        room_of(if top(path) == "src" { path } else { path.trim_start_matches(&crate_folder) })
    };
    let named = match (top(from), top(to)) {
        ("ts", "ts") => return typescript_imports(from, &source).contains(to.trim_end_matches(".ts")),
        ("ts", "binding") => return from == "ts/addon/native.ts",
        ("binding", "host") => return code(&source).contains("oidc_spa_native_host::"),
        ("host", "engine") => paths(&code(&source), "oidc_spa_native_engine::", ""),
        ("engine", "src") => paths(&code(&source), "oidc_spa_native::", ""),
        (one, other) if one == other => imports(&code(&source), &module(from)),
        _ => return false,
    };
    let to = module(to);
    named.iter().any(|path| *path == to || path.starts_with(&format!("{to}::")))
}

#[test]
fn each_way_goes_in_with_no_turn_back() {
    for way in ["token", "proof", "keys", "options"] {
        let files: Vec<&str> = line(way).split(" → ").collect();
        assert!(files.len() > 2, "{way}");
        let different: BTreeSet<&str> = files.iter().copied().collect();
        assert_eq!(different.len(), files.len(), "{way} comes to a file twice");
        for pair in files.windows(2) {
            let [from, to] = pair else { continue };
            assert!(leads_to(from, to), "{way}: {from} does not lead to {to}");
            // Since no two files need each other (`circles.rs`), and never the other way.
            assert!(!leads_to(to, from), "{way}: {to} leads back to {from}");
        }
    }
}

/// A room may use those below it alone, so none of these can ask a later one for anything.
#[test]
fn the_corridor_passes_its_rooms_from_the_lowest_to_the_highest() {
    let rooms: Vec<&str> = line("rooms").split(", ").collect();
    assert!(rooms.len() > 4);
    let heights: Vec<_> = rooms.iter().map(|path| height(&room_of(path)).unwrap()).collect();
    assert!(heights.is_sorted_by(|low, high| low < high), "{heights:?}");
    for room in rooms {
        assert!(leads_to("src/resource_server.rs", room), "{room}");
    }
}

#[test]
fn an_answer_passes_seven_types_at_most_and_each_exists() {
    let types: Vec<&str> = line("answer").split(" → ").collect();
    assert!((3..=7).contains(&types.len()), "{types:?}");
    for entry in types {
        let (name, path) = entry.split_once(" (").unwrap();
        let source = read(path.trim_end_matches(')'));
        let kinds = ["enum", "struct", "type", "interface"];
        let is_there = kinds.iter().any(|kind| {
            let declared = format!("{kind} {name}");
            source.match_indices(&declared).any(|(at, _)| {
                !source[at + declared.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
            })
        });
        assert!(is_there, "{entry}");
    }
}

#[test]
fn a_way_that_is_none_is_found() {
    assert!(leads_to("src/possession.rs", "src/dpop/proof.rs"));
    assert!(!leads_to("src/dpop/proof.rs", "src/possession.rs"));
    assert!(!leads_to("host/src/fetch.rs", "src/resource_server.rs"));
    assert!(!leads_to("src/resource_server.rs", "host/src/validator.rs"));
    assert!(!leads_to("ts/addon/verifier.ts", "binding/src/doors.rs"));
}
