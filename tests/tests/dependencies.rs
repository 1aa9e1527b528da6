//! The table of CONTRIBUTING.md, enforced: which crate may depend on which, and where engines may appear.
#![cfg(test)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use cargo_metadata::{Metadata, MetadataCommand, Package};
use toml::{Table, Value};

/// The crates of ours that each crate may use, by folder.
const MAY_USE: &[(&str, &[&str])] = &[
    ("harness/features", &[]),
    ("harness/protocol", &["features"]),
    ("harness/files", &[]),
    ("harness/dataset", &["files"]),
    ("harness/model", &["protocol", "files"]),
    ("harness/runner", &["protocol"]),
    ("harness/meter", &["protocol", "files"]),
    ("harness/phone", &["protocol", "files", "meter"]),
    ("harness/record", &["protocol", "files", "meter"]),
    ("harness/scenario", &["protocol", "files", "dataset", "record"]),
    ("harness/history", &["protocol", "files", "meter", "record"]),
    ("harness/report", &["protocol", "files", "meter", "record", "scenario", "history"]),
    (
        "harness/cli",
        &["protocol", "files", "dataset", "model", "meter", "phone", "record", "scenario", "history", "report"],
    ),
    ("backends/*", &["runner", "model", "protocol"]),
    ("tests", &["protocol", "model", "meter", "phone", "record"]),
    (
        "tests/fuzz",
        &["protocol", "files", "dataset", "model", "meter", "phone", "record", "scenario", "history", "report", "cli"],
    ),
];

/// Engines, with the one folder that may use each: the crate with that name, and those that begin with it and a hyphen.
const ENGINES: &[(&str, &str)] =
    &[("ort", "backends/onnxruntime"), ("tract", "backends/tract"), ("candle", "backends/candle")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Without the manifests of dependencies, because those of the engines need not have been downloaded.
fn workspace() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned(), "--locked".to_owned()])
        .exec()
        .unwrap()
}

/// `harness/model`, `backends/fake`, `tests`.
fn folder(package: &Package) -> String {
    package.manifest_path.parent().unwrap().as_std_path().strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

fn engine(dependency: &str) -> Option<&'static (&'static str, &'static str)> {
    let family = dependency.split('-').next().unwrap_or(dependency);
    ENGINES.iter().find(|(engine, _)| *engine == family)
}

fn manifest(path: &Path) -> Table {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

#[test]
fn crates_use_only_what_is_below_them() {
    let workspace = workspace();
    let folders: BTreeMap<&str, String> =
        workspace.packages.iter().map(|package| (package.name.as_str(), folder(package))).collect();
    for package in &workspace.packages {
        let folder = folder(package);
        let row = |pattern: &str| match pattern.strip_suffix('*') {
            Some(parent) => folder.starts_with(parent),
            None => folder == pattern,
        };
        let Some((_, allowed)) = MAY_USE.iter().find(|(pattern, _)| row(pattern)) else {
            panic!("{folder} is not in the table: add it here and in CONTRIBUTING.md");
        };
        for dependency in &package.dependencies {
            let Some(used) = folders.get(dependency.name.as_str()) else { continue };
            let name = used.strip_prefix("harness/").unwrap_or(used);
            assert!(allowed.contains(&name), "{folder} uses {used}, but may use only {allowed:?}");
        }
    }
}

#[test]
fn an_engine_is_used_by_its_backend_alone() {
    let mut users: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in &workspace().packages {
        for (engine, _) in package.dependencies.iter().filter_map(|dependency| engine(&dependency.name)) {
            users.entry(engine).or_default().insert(folder(package));
        }
    }
    for (engine, backend) in ENGINES {
        let users: Vec<&str> = users.get(engine).into_iter().flatten().map(String::as_str).collect();
        assert_eq!(users, [*backend], "users of {engine}");
    }
}

/// Checks indirect dependencies, too. The lock file has them, without a download.
#[test]
fn no_engine_comes_into_the_harness_by_a_detour() {
    let lock = manifest(&root().join("Cargo.lock"));
    let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock["package"].as_array().unwrap() {
        let names = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        // "name", or "name version" if there are several.
        let names = names.filter_map(|entry| entry.as_str()?.split(' ').next());
        needs.entry(package["name"].as_str().unwrap()).or_default().extend(names);
    }
    for package in &workspace().packages {
        let folder = folder(package);
        if !folder.starts_with("harness/") && !["backends/fake", "tests"].contains(&folder.as_str()) {
            continue;
        }
        let mut reached = BTreeSet::new();
        let mut open = vec![package.name.as_str()];
        while let Some(name) = open.pop() {
            assert!(engine(name).is_none(), "{folder} depends on {name}");
            if reached.insert(name) {
                open.extend(needs.get(name).into_iter().flatten());
            }
        }
        assert!(reached.len() > 5, "{folder} is not in Cargo.lock");
    }
}

#[test]
fn versions_stand_once() {
    for package in &workspace().packages {
        let manifest = manifest(package.manifest_path.as_std_path());
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in manifest.get(kind).and_then(Value::as_table).into_iter().flatten() {
                let inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
                assert!(inherited, "{}: {name} must take its version from the root", folder(package));
            }
        }
    }
}

/// Engines are built one at a time, and libFuzzer needs a C++ compiler, so a plain `cargo build` must leave them out.
#[test]
fn engines_and_the_fuzzer_are_not_built_by_default() {
    let workspace = workspace();
    let default: BTreeSet<String> = workspace.workspace_default_packages().into_iter().map(folder).collect();
    let all: BTreeSet<String> = workspace.packages.iter().map(folder).collect();
    let left_out: Vec<&str> = all.difference(&default).map(String::as_str).collect();
    let mut expected: Vec<&str> = ENGINES.iter().map(|(_, backend)| *backend).collect();
    expected.sort_unstable();
    assert_eq!(left_out, expected);

    let fuzz = workspace.packages.iter().find(|package| folder(package) == "tests/fuzz").unwrap();
    assert!(fuzz.dependencies.iter().any(|used| used.name == "libfuzzer-sys" && used.optional));
    assert!(!fuzz.features.contains_key("default"));
}
