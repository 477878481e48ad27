//! The two lock files hold the same versions: that of the workspace, and that of the WebAssembly module beside it.

use std::collections::{BTreeMap, BTreeSet};

/// The versions of each package in a lock file.
fn versions(lock: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let value = |name: &str| {
            let mut lines = package.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
        };
        found.entry(value("name").unwrap()).or_default().insert(value("version").unwrap());
    }
    found
}

#[test]
fn webassembly_is_built_of_the_versions_that_the_workspace_has() {
    let workspace = versions(include_str!("../../Cargo.lock"));
    let module = versions(include_str!("../../wasm/Cargo.lock"));
    assert!(workspace.len() > 50 && module.len() > 20);
    let other: Vec<_> = module
        .iter()
        .filter(|(name, versions)| workspace.get(*name).is_some_and(|known| !versions.is_subset(known)))
        .collect();
    assert!(other.is_empty(), "{other:?}");
}
