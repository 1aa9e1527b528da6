//! No file uses a file that uses it, over however many steps: then a crate is read from the bottom up, and each file alone.
//!
//! A file uses another where it names something that the other defines, also through a re-export. A file that does nothing but
//! declare and re-export modules is a facade, and uses nothing; a parent that defines something uses its children, and is used
//! by them, like any other file. What only tests name does not count.
//!
//! Our own reading of the files with `syn`: it takes a second, needs nothing to be built, and knows facades. `cargo-modules`
//! draws such graphs of modules, takes parents and children for users of each other, and is built for minutes from a whole
//! copy of rust-analyzer.
#![cfg(test)]

mod graph;
mod modules;
mod names;

use std::{collections::BTreeMap, fs, path::Path};

use graph::circles;
use modules::Modules;

/// Crates that are free of circles, by their folder.
const FREE: &[&str] = &["harness/files", "harness/scenario", "harness/history", "harness/report", "harness/record"];

/// The circles of a crate, each as `a.rs -> b.rs -> a.rs`.
fn circles_of(root: &str, read: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let modules = Modules::read(root, read);
    circles(&modules.uses()).iter().map(|circle| circle.join(" -> ")).collect()
}

#[test]
fn no_file_is_used_by_what_it_uses() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    for folder in FREE {
        let read = |file: &str| fs::read_to_string(root.join(folder).join("src").join(file)).ok();
        found.extend(circles_of("lib.rs", &read).iter().map(|circle| format!("{folder}: {circle}")));
    }
    assert!(found.is_empty(), "circles:\n{}", found.join("\n"));
}

/// The circles of a made-up crate.
fn made_up(files: &[(&str, &str)]) -> Vec<String> {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    circles_of("lib.rs", &|file| files.get(file).map(|text| (*text).to_owned()))
}

#[test]
fn a_crate_in_layers_has_no_circle() {
    let files = [
        ("lib.rs", "mod low; mod high; pub use high::top;"),
        ("low.rs", "mod first; mod second; pub use first::One; pub use second::two;"),
        ("low/first.rs", "pub struct One;"),
        ("low/second.rs", "use super::One; pub fn two() -> One { One }"),
        ("high.rs", "use crate::low::{self, One}; pub fn top() -> One { low::two() }"),
    ];
    assert_eq!(made_up(&files), [""; 0]);
}

#[test]
fn a_circle_is_told_with_its_files() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "pub struct B; pub fn of() -> u8 { super::c::number() }"),
        ("c.rs", "pub fn number() -> u8 { println!(\"{:?}\", crate::a::A); 1 }"),
        ("d.rs", "use crate::a::A; pub struct D(A);"),
    ];
    assert_eq!(made_up(&files), ["a.rs -> b.rs -> c.rs -> a.rs"]);
}

#[test]
fn a_parent_is_a_facade_or_below_its_children() {
    let child = ("parent/child.rs", "pub struct Child(pub super::Limit);");
    let limit = "pub struct Limit;";
    let data = [("lib.rs", "mod parent;"), ("parent.rs", &*format!("mod child; {limit}")), child];
    assert_eq!(made_up(&data), [""; 0]);
    let both = format!("mod child; {limit} pub fn all() -> child::Child {{ child::Child(Limit) }}");
    assert_eq!(
        made_up(&[("lib.rs", "mod parent;"), ("parent.rs", &both), child]),
        ["parent.rs -> parent/child.rs -> parent.rs"]
    );
}

#[test]
fn names_are_followed_to_their_file() {
    let through = |b: &str| {
        let a = "use crate::facade::*; pub fn a() { other() } pub struct A;";
        let facade = "mod inner; pub use inner::*; pub use crate::a::A as Renamed;";
        let files = [("lib.rs", "mod a; mod facade;"), ("a.rs", a), ("facade/mod.rs", facade), ("facade/inner.rs", b)];
        made_up(&files)
    };
    let circle = ["a.rs -> facade/inner.rs -> a.rs"];
    assert_eq!(through("pub fn other() {}"), [""; 0]);
    assert_eq!(through("use super::Renamed; pub fn other() -> Renamed { Renamed }"), circle);
    assert_eq!(through("pub fn other() { use crate::{a::{self}}; a::a() }"), circle);
    assert_eq!(through("pub fn other() {} mod deep { fn x(it: super::super::Renamed) {} }"), circle);
    assert_eq!(
        through("pub fn other() {} #[derive(Default)] struct S { #[serde(with = \"crate::a\")] x: u8 }"),
        [""; 0]
    );
    assert_eq!(through("pub fn other() {} struct S { #[serde(with = \"crate::a::A\")] x: u8 }"), circle);
    assert_eq!(through("pub fn other() {} #[cfg(test)] mod tests { use crate::a::A; }"), [""; 0]);
    assert_eq!(through("pub fn other() {} /// Of [`crate::a::A`].\nstruct S;"), [""; 0]);
}
