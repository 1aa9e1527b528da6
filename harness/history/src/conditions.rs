//! Under which conditions something was measured: where one of them is new, a new segment begins, and no change is reported.

use pocketwatt_record::Passport;
use serde::{Deserialize, Serialize};

use crate::entry::EntryRun;

/// A condition of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// The engine and its version.
    Engine,
    /// What the runner is: its version, what it computes on, compilers and C library. Not its file, which every commit changes.
    Runner,
    /// The device: processor, cores, memory, kernel, governor.
    Device,
    /// The graph file.
    Graph,
    /// The definition of the scenario.
    Scenario,
    /// Weights, configuration and tokenizer of the model.
    Model,
    /// What measures: the version of the harness, and whether cases take turns.
    Harness,
}

impl Condition {
    /// Every condition.
    pub const ALL: [Self; 7] =
        [Self::Engine, Self::Runner, Self::Device, Self::Graph, Self::Scenario, Self::Model, Self::Harness];

    /// `engine`, `runner`, ...
    pub fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Runner => "runner",
            Self::Device => "device",
            Self::Graph => "graph",
            Self::Scenario => "scenario",
            Self::Model => "model",
            Self::Harness => "harness",
        }
    }
}

/// The conditions of a case in words, in the order of [`Condition::ALL`]; absent is what is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions(pub [Option<String>; 7]);

impl Conditions {
    /// Of a record in a run.
    pub fn of(passport: &Passport, run: &EntryRun, in_turns: bool) -> Self {
        let backend = passport.backend.as_ref();
        let graph = passport.graph_sha256.as_deref().map(short);
        let model = &passport.model;
        Self([
            backend.map(|backend| format!("{} {}", backend.engine, backend.engine_version)),
            backend.map(|backend| {
                let platform = backend.platform.as_ref().map(|platform| format!(", {platform}")).unwrap_or_default();
                format!("{} {} on {}{platform}", backend.name, backend.version, backend.accelerator)
            }),
            Some(device_words(run, passport)),
            graph,
            Some(short(&passport.scenario_sha256)),
            Some(joined([
                Some(short(&model.weights_sha256)),
                Some(short(&model.config_sha256)),
                model.tokenizer_sha256.as_deref().map(short),
                model.rounded_sha256.as_deref().map(short),
            ])),
            Some(format!("{}, {}", passport.pocketwatt, if in_turns { "in turns" } else { "one by one" })),
        ])
    }
}

fn device_words(run: &EntryRun, passport: &Passport) -> String {
    let device = &run.device;
    joined([
        Some(device.processor.clone().unwrap_or_else(|| device.architecture.clone())),
        Some(format!("{} cores", device.logical_cores)),
        device.allowed_cores.map(|cores| format!("{cores} allowed")),
        device.memory_bytes.map(|bytes| format!("{} MiB", bytes >> 20)),
        device.memory_limit_bytes.map(|bytes| format!("limit of {} MiB", bytes >> 20)),
        device.operating_system.clone(),
        device.kernel.as_ref().map(|kernel| format!("kernel {kernel}")),
        device.governor.as_ref().map(|governor| format!("governor {governor}")),
        device.virtualisation.clone(),
        passport.emulated.as_ref().or(device.emulated.as_ref()).map(|_| "emulated".to_owned()),
        run.sysfs_root.as_ref().map(|_| "simulated meters".to_owned()),
    ])
}

fn joined<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The first digits of a sha256, which tell two apart.
fn short(sha256: &str) -> String {
    sha256.chars().take(12).collect()
}
