//! What can be measured on this device, and what would disturb it, before anything is measured.

mod energy;
mod folders;
mod processors;
mod programs;
mod room;
mod verdict;

use std::path::Path;

use pocketwatt_meter::{
    Surroundings, SystemRoot,
    energy::{AbsentMeter, MeterInfo, Unavailable},
};
use serde::Serialize;

pub use verdict::Verdict;

use crate::plan::Backend;

/// What is examined.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Where `/sys` is.
    pub root: &'a SystemRoot,
    /// Meters that a run would read, the preferred one first.
    pub meters: &'a [MeterInfo],
    /// Meters that it would not read, with the reason.
    pub absent: &'a [AbsentMeter],
    /// Why there is none at all.
    pub none: Option<&'a Unavailable>,
    /// The state of the device.
    pub surroundings: &'a Surroundings,
    /// Backends that would run.
    pub backends: &'a [&'a Backend],
    /// Where fetched libraries are.
    pub cache: &'a Path,
    /// Name and bytes of weights of the largest model.
    pub model: (&'a str, u64),
    /// The most threads that would compute.
    pub threads: u32,
    /// Another process that measures on this device, if that can be known.
    pub other: &'a anyhow::Result<Option<String>>,
}

/// One thing that was examined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was examined: `governor`, `free memory`.
    pub name: String,
    /// What it means for a measurement.
    pub status: Status,
    /// What was seen; one line.
    pub seen: String,
    /// Details, one line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// What to do about it; one line.
    pub fix: Option<String>,
}

/// What a check means for a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It does not disturb.
    Ok,
    /// The device does not report it.
    Unknown,
    /// It may affect numbers.
    Warning,
    /// Numbers would mislead, or there would be none.
    Unfit,
}

impl Status {
    /// The word used in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Unfit => "unfit",
        }
    }
}

impl Check {
    fn new(name: impl Into<String>, status: Status, seen: impl Into<String>) -> Self {
        Self { name: name.into(), status, seen: seen.into(), details: Vec::new(), fix: None }
    }

    fn ok(name: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, seen)
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// Runs all checks. [`Status::Unfit`] means that numbers would mislead, or that there would be none.
pub fn examine(subject: &Subject) -> Vec<Check> {
    let around = subject.surroundings;
    let mut checks = energy::checks(subject);
    checks.push(energy::supply(&around.supply, subject.absent));
    checks.extend(processors::checks(&around.processors, subject.threads));
    checks.push(room::temperature(&around.heat));
    checks.extend(room::load(&around.load, around.processors.online, untold(subject.root, "proc/stat")));
    checks.push(room::other(subject.other));
    checks.push(room::memory(&around.memory, subject.model, untold(subject.root, "proc/meminfo")));
    checks.extend(programs::checks(subject.backends, subject.cache));
    let models = subject.cache.join("models");
    checks.extend(folders::checks(&[
        ("cache", subject.cache),
        ("models", &models),
        // Where `pocketwatt run` stores results by default.
        ("results", Path::new("results")),
    ]));
    checks
}

/// Why a file of the kernel is empty or missing.
fn untold(root: &SystemRoot, file: &str) -> &'static str {
    match root.is_covered(file) {
        true => {
            "its file in /proc is covered, as container engines do: run on the host, or docker run --security-opt \
             systempaths=unconfined"
        }
        false => "the kernel does not report it",
    }
}

/// `a, b and c`.
fn listed<T: AsRef<str>>(words: &[T]) -> String {
    match words {
        [] => "none".into(),
        [one] => one.as_ref().into(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}
