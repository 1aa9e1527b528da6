//! No code of the harness knows an engine or a scenario by its name: what is special about one stands in its own file
//! (`backends/backends.toml`, `scenarios/`), so that a stranger's is treated alike.
#![cfg(test)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use toml::Table;

/// Texts that are the name of an engine or a scenario and mean something else.
const SOMETHING_ELSE: &[(&str, &str)] = &[
    // The graph that is written for ONNX Runtime: a file format.
    ("harness/protocol/src/request.rs", "onnxruntime"),
    // A template's own name within its engine.
    ("harness/model/src/text/reader/template.rs", "chat"),
    ("harness/model/src/text/reader/template/environment.rs", "chat"),
    // A key of ShareGPT's files.
    ("harness/dataset/src/conversation/sharegpt.rs", "conversations"),
    ("harness/dataset/src/conversation/format.rs", "conversations"),
    // What people do for hours.
    ("harness/report/src/tables/user_units.rs", "chat"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn names() -> BTreeSet<String> {
    let backends: Table = fs::read_to_string(root().join("backends/backends.toml")).unwrap().parse().unwrap();
    let mut names: BTreeSet<String> = backends.keys().cloned().collect();
    for entry in fs::read_dir(root().join("scenarios")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            names.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    names
}

/// Files that are compiled into programs, not into tests alone, with as much of them as is.
fn sources(folder: &Path, tests: &mut BTreeSet<PathBuf>, found: &mut Vec<(PathBuf, String)>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let files = entries.iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    let files: Vec<(PathBuf, String)> = files.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    for (path, text) in &files {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let below = if matches!(stem, "lib" | "main" | "mod") { folder.to_owned() } else { folder.join(stem) };
        let declared = text.split("#[cfg(test)]").skip(1).filter_map(|rest| rest.split_once("mod ")?.1.split_once(';'));
        tests.extend(declared.map(|(name, _)| below.join(name)));
    }
    entries.retain(|path| !tests.contains(&path.with_extension("")));
    for (path, text) in files.into_iter().filter(|(path, _)| entries.contains(path)) {
        let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
        found.push((path, program));
    }
    for below in entries.iter().filter(|path| path.is_dir()) {
        sources(below, tests, found);
    }
}

/// What stands between quotation marks in a line of code, without comments and the paths of files that are built in.
fn texts(line: &str) -> Vec<&str> {
    if line.trim_start().starts_with("//") || line.contains("include_str!(") {
        return Vec::new();
    }
    line.split('"').skip(1).step_by(2).collect()
}

#[test]
fn no_code_of_the_harness_names_an_engine_or_a_scenario() {
    let names = names();
    assert!(names.contains("candle") && names.contains("chat"), "{names:?}");
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join("harness")).unwrap() {
        sources(&entry.unwrap().path().join("src"), &mut BTreeSet::new(), &mut files);
    }
    assert!(files.len() > 200, "{} files", files.len());
    let mut met = BTreeSet::new();
    for (path, program) in &files {
        let path = path.strip_prefix(root()).unwrap().to_str().unwrap();
        for (number, line) in program.lines().enumerate() {
            // A list such as "chat,api-call" names them, too.
            let parts = texts(line).into_iter().flat_map(|text| text.split(',')).map(str::trim);
            for name in parts.filter(|part| names.contains(*part)) {
                let is_something_else = SOMETHING_ELSE.contains(&(path, name));
                assert!(is_something_else, "{path}:{} names {name}: let its own file say what is special", number + 1);
                met.insert((path.to_owned(), name.to_owned()));
            }
        }
    }
    let stale = SOMETHING_ELSE.iter().filter(|(path, name)| !met.contains(&((*path).to_owned(), (*name).to_owned())));
    assert_eq!(stale.collect::<Vec<_>>(), Vec::<&(&str, &str)>::new(), "is not there any more");
}

#[test]
fn names_in_code_are_found_and_those_in_comments_and_tests_are_not() {
    assert_eq!(texts(r#"    match name { "chat" => "a, b", _ => "c" }"#), ["chat", "a, b", "c"]);
    assert_eq!(texts(r#"    // as "candle" does"#), Vec::<&str>::new());
    let mut files = Vec::new();
    sources(&root().join("harness/scenario/src"), &mut BTreeSet::new(), &mut files);
    let has = |name: &str| files.iter().any(|(path, _)| path.ends_with(name));
    assert!(has("scenario/document.rs") && !has("scenario/tests.rs"), "tests are left out");
    assert!(files.iter().all(|(_, program)| !program.contains("#[test]")), "tests are cut off");
}
