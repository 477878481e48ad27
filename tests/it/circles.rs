//! No two files need each other, in any of the six rooms: `src/`, `engine/`, `host/`, `binding/`, `wasm/`, `ts/`.
//!
//! A Rust folder and its `mod.rs` count as one with what that file declares: a child may use what its folder's own file
//! defines for all of its children.

use std::collections::{BTreeMap, BTreeSet};

use crate::layering::{code, imports, room_of, sources, typescript};

type Graph = BTreeMap<String, BTreeSet<String>>;

/// Which modules of a crate use which, both by their paths from the crate's root.
fn rust_graph(crate_folder: &str, read: &[(String, String)]) -> Graph {
    let module = |path: &str| room_of(path.strip_prefix(crate_folder).unwrap_or(path));
    let modules: BTreeSet<String> = read.iter().map(|(path, _)| module(path)).collect();
    let used = |path: &str, source: &str| {
        let own = module(path);
        let imported = imports(&code(source), &own).into_iter();
        let longest = imported.filter_map(|import| {
            let names: Vec<&str> = import.split("::").collect();
            (1..=names.len()).rev().map(|n| names[..n].join("::")).find(|name| modules.contains(name))
        });
        longest.filter(|other| !is_family(&own, other)).collect()
    };
    read.iter().map(|(path, source)| (module(path), used(path, source))).collect()
}

/// A file and its folder's own file.
fn is_family(one: &str, other: &str) -> bool {
    let parent = |child: &str| child.rsplit_once("::").map(|(parent, _)| parent.to_owned());
    one == other || parent(one).as_deref() == Some(other) || parent(other).as_deref() == Some(one)
}

/// The relative imports of a TypeScript file, as paths from the repository's root without their endings. Types count.
pub(crate) fn typescript_imports(path: &str, source: &str) -> BTreeSet<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let quoted = source.split('"').skip(1).step_by(2);
    let relative = quoted.filter(|text| text.starts_with("./") || text.starts_with("../"));
    relative
        .filter(|text| text.ends_with(".js") || text.ends_with(".mjs"))
        .map(|text| joined(folder, text))
        .collect()
}

fn joined(folder: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in relative.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    stem(&parts.join("/"))
}

fn stem(path: &str) -> String {
    let endings = [".d.ts", ".mts", ".ts", ".mjs", ".js"];
    endings.iter().find_map(|ending| path.strip_suffix(ending)).unwrap_or(path).to_owned()
}

fn typescript_graph(read: &[(String, String)]) -> Graph {
    let files = read.iter().map(|(path, source)| {
        let own = stem(path);
        let mut used = typescript_imports(path, source);
        used.remove(&own);
        (own, used)
    });
    // The two forms of one entry, `.ts` and `.mts`, are one.
    files.fold(Graph::new(), |mut graph, (own, used)| {
        graph.entry(own).or_default().extend(used);
        graph
    })
}

/// One circle, as the files along it, if there is any.
fn circle(graph: &Graph) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    graph.keys().find_map(|start| {
        let mut path = Vec::new();
        walk(graph, start, &mut path, &mut done)
    })
}

fn walk<'g>(
    graph: &'g Graph,
    at: &'g str,
    path: &mut Vec<&'g str>,
    done: &mut BTreeSet<&'g str>,
) -> Option<Vec<String>> {
    if let Some(begun) = path.iter().position(|before| *before == at) {
        return Some(path[begun..].iter().map(|name| (*name).to_owned()).collect());
    }
    if done.contains(at) {
        return None;
    }
    path.push(at);
    let found = graph.get(at).into_iter().flatten().find_map(|next| walk(graph, next, path, done));
    path.pop();
    done.insert(at);
    found
}

#[track_caller]
fn has_no_circle(graph: &Graph) {
    assert!(graph.values().any(|used| !used.is_empty()), "nothing uses anything: the imports were not read");
    if let Some(files) = circle(graph) {
        panic!("these files need each other: {}", files.join(" -> "));
    }
}

#[test]
fn the_validator_has_no_circle() {
    has_no_circle(&rust_graph("", &sources("src")));
}

#[test]
fn the_host_has_no_circle() {
    has_no_circle(&rust_graph("host/", &sources("host/src")));
}

#[test]
fn the_engine_has_no_circle() {
    has_no_circle(&rust_graph("engine/", &sources("engine/src")));
}

#[test]
fn the_webassembly_module_has_no_circle() {
    has_no_circle(&rust_graph("wasm/", &sources("wasm/src")));
}

#[test]
fn the_binding_has_no_circle() {
    has_no_circle(&rust_graph("binding/", &sources("binding/src")));
}

#[test]
fn the_typescript_layer_has_no_circle() {
    has_no_circle(&typescript_graph(&typescript("ts")));
}

/// The folders of `ts/` from the ground up; the entries beside them are the roof.
const FOLDERS: [&str; 12] = [
    "boundary",
    "wasm",
    "addon",
    "request",
    "validator",
    "monitoring",
    "drop-in",
    "guard",
    "adapters",
    "testing",
    "audit",
    "cli",
];

/// How high a file of `ts/` lies. `authorization.ts` is what routes name their requirements with: below the guard.
fn floor(path: &str) -> Option<usize> {
    let inner = path.strip_prefix("ts/")?;
    let folder = match inner.split_once('/') {
        Some((folder, _)) => folder,
        None if inner == "authorization" => "drop-in",
        None => return Some(FOLDERS.len()),
    };
    FOLDERS.iter().position(|name| *name == folder)
}

fn upward_typescript_imports(path: &str, source: &str) -> Vec<String> {
    let Some(own) = floor(&stem(path)) else { return vec![format!("{path} is in no folder of the house")] };
    let used = typescript_imports(path, source).into_iter().filter(|used| used.starts_with("ts/"));
    let upward = used.filter(|used| floor(used).is_none_or(|other| other > own));
    upward.map(|used| format!("{path} uses {used}")).collect()
}

#[test]
fn imports_of_typescript_point_down() {
    let faults: Vec<String> =
        typescript("ts").iter().flat_map(|(path, source)| upward_typescript_imports(path, source)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

// The rules find what breaks them.

fn read(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(path, source)| ((*path).to_owned(), (*source).to_owned())).collect()
}

#[test]
fn a_circle_of_rust_files_is_found() {
    let circular = [
        ("src/a.rs", "use crate::b::B;"),
        ("src/b.rs", "use crate::c::C;"),
        ("src/c.rs", "use crate::a::A;"),
    ];
    assert_eq!(circle(&rust_graph("", &read(&circular))), Some(vec!["a".into(), "b".into(), "c".into()]));
    assert_eq!(circle(&rust_graph("", &read(&circular[..2]))), None);
    let family = [("src/a/mod.rs", "use self::b::B;"), ("src/a/b.rs", "use super::A;")];
    assert_eq!(circle(&rust_graph("", &read(&family))), None);
}

#[test]
fn a_circle_of_typescript_files_is_found() {
    let circular = [
        ("ts/x/a.ts", "import { b } from \"../y/b.js\";"),
        ("ts/y/b.ts", "export type { A } from \"../x/a.js\";"),
    ];
    assert!(circle(&typescript_graph(&read(&circular))).is_some());
    assert_eq!(circle(&typescript_graph(&read(&circular[..1]))), None);
}

#[test]
fn an_import_of_typescript_that_points_up_is_found() {
    let found = |path: &str, source: &str| upward_typescript_imports(path, source).len();
    assert_eq!(found("ts/addon/native.ts", "import { x } from \"../validator/create.js\";"), 1);
    assert_eq!(found("ts/validator/create.ts", "import { x } from \"../addon/native.js\";"), 0);
    assert_eq!(found("ts/adapters/koa.ts", "import { x } from \"../index.js\";"), 1);
    assert_eq!(found("ts/adapters/koa.ts", "import type { x } from \"../../index.js\";"), 0);
    assert_eq!(found("ts/server.ts", "export { x } from \"./drop-in/bootstrap.js\";"), 0);
    assert_eq!(found("ts/odd/x.ts", ""), 1);
}
