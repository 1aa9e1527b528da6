//! What differs between two records that are compared.

use std::collections::{BTreeMap, BTreeSet};

use pocketwatt_meter::DeviceFacts;
use pocketwatt_protocol::{GraphKind, Iteration, IterationKind};
use serde::Serialize;

use crate::{Outcome, Record, Run};

/// A record, and the run that it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The record.
    pub record: &'a Record,
    /// Its run; absent for a record without a readable `run.json`, whose device is then unknown.
    pub run: Option<&'a Run>,
}

/// Something that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it means for the comparison.
    pub kind: DifferenceKind,
    /// What differs.
    pub property: Property,
    /// The baseline's value; absent if it has none, or if it is not known.
    pub baseline: Option<String>,
    /// The candidate's value; absent if it has none, or if it is not known.
    pub candidate: Option<String>,
}

/// What a difference means for a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// Not the same was done, so the numbers cannot be compared.
    Work,
    /// A setting in which two cases differ that took turns: it is what somebody compares.
    Setting,
    /// The programs differ, which may be why somebody compares.
    Program,
    /// The device, or its state.
    Surroundings,
}

/// What can differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "their words are in the report")]
pub enum Property {
    Weights,
    RoundedWeights,
    ModelConfiguration,
    Tokenizer,
    Graph,
    GraphFile,
    Scenario,
    PromptTokens,
    OutputTokens,
    Precision,
    Threads,
    PinnedCores,
    Constrained,
    WarmUp,
    Sustain,
    Backend,
    EngineVersion,
    Accelerator,
    Build,
    Platform,
    Runner,
    Library,
    Harness,
    Device,
    Processor,
    Cores,
    AllowedCores,
    Kernel,
    Governor,
    Virtualisation,
    Emulated,
    Meters,
    Turns,
}

impl Property {
    /// What a difference in it means.
    pub fn kind(self) -> DifferenceKind {
        match self {
            Self::Weights
            | Self::RoundedWeights
            | Self::ModelConfiguration
            | Self::Tokenizer
            | Self::Graph
            | Self::GraphFile
            | Self::Scenario
            | Self::PromptTokens
            | Self::OutputTokens
            | Self::Precision
            | Self::Threads
            | Self::PinnedCores
            | Self::Constrained
            | Self::WarmUp
            | Self::Sustain => DifferenceKind::Work,
            Self::Backend
            | Self::EngineVersion
            | Self::Accelerator
            | Self::Build
            | Self::Platform
            | Self::Runner
            | Self::Library
            | Self::Harness => DifferenceKind::Program,
            Self::Device
            | Self::Processor
            | Self::Cores
            | Self::AllowedCores
            | Self::Kernel
            | Self::Governor
            | Self::Virtualisation
            | Self::Emulated
            | Self::Meters
            | Self::Turns => DifferenceKind::Surroundings,
        }
    }

    /// Whether it follows from what the user chose for a case of a plan, whose input stays the same.
    pub fn is_setting(self) -> bool {
        matches!(self, Self::RoundedWeights | Self::Graph | Self::GraphFile | Self::Precision | Self::Threads)
    }
}

impl Difference {
    /// Whether numbers that differ in this cannot be compared.
    pub fn forbids_comparison(&self) -> bool {
        self.kind == DifferenceKind::Work || self.property == Property::Device
    }
}

/// All differences between two records and their runs: those in the work first, then the programs, then the surroundings. What the
/// tokens of an unmeasured case would have been is not known, and is no difference.
pub fn differences(baseline: Origin<'_>, candidate: Origin<'_>) -> Vec<Difference> {
    let both = |property, of: &dyn Fn(&Record) -> Option<String>| {
        difference(property, of(baseline.record), of(candidate.record))
    };
    let (one, other) = (baseline.record, candidate.record);
    let measured = one.outcome == Outcome::Measured && other.outcome == Outcome::Measured;
    let mut found = vec![
        both(Property::Weights, &|record| Some(record.passport.model.weights_sha256.clone())),
        both(Property::RoundedWeights, &|record| record.passport.model.rounded_sha256.clone()),
        both(Property::ModelConfiguration, &|record| Some(record.passport.model.config_sha256.clone())),
        both(Property::Tokenizer, &|record| record.passport.model.tokenizer_sha256.clone()),
        both(Property::Graph, &|record| record.case.graph.map(GraphKind::name).map(str::to_owned)),
        both(Property::Scenario, &|record| Some(record.passport.scenario_sha256.clone())),
        both(Property::Precision, &|record| Some(record.case.precision.name().to_owned())),
        both(Property::Threads, &|record| Some(record.case.threads.to_string())),
        both(Property::PinnedCores, &|record| record.passport.cores.clone()),
        both(Property::Constrained, &|record| Some(if record.case.constrained { "yes" } else { "no" }.to_owned())),
        both(Property::Sustain, &|record| record.passport.sustain_ms.map(|ms| format!("{ms} ms"))),
    ];
    // A case that ended before its graph was written has none.
    if one.passport.graph_sha256.is_some() && other.passport.graph_sha256.is_some() {
        found.push(both(Property::GraphFile, &|record| record.passport.graph_sha256.clone()));
    }
    if measured {
        found.push(tokens(Property::PromptTokens, one, other, |turn| u64::from(turn.prompt)));
        found.push(tokens(Property::OutputTokens, one, other, |turn| turn.output));
        found.push(both(Property::WarmUp, &|record| Some(warm_up(record))));
    }
    found.extend([
        both(Property::Backend, &|record| Some(record.case.backend.clone())),
        both(Property::EngineVersion, &|record| {
            record.passport.backend.as_ref().map(|backend| format!("{} {}", backend.engine, backend.engine_version))
        }),
        both(Property::Accelerator, &|record| {
            record.passport.backend.as_ref().map(|backend| backend.accelerator.clone())
        }),
        both(Property::Build, &|record| record.passport.backend.as_ref().map(|backend| backend.build.clone())),
        platforms(one, other),
        both(Property::Runner, &|record| record.passport.runner_sha256.clone()),
        both(Property::Library, &|record| record.passport.library_sha256.clone()),
        both(Property::Harness, &|record| Some(record.passport.pocketwatt.clone())),
    ]);
    if let (Some(one), Some(other)) = (baseline.run, candidate.run) {
        found.extend(of_devices(&one.device, &other.device));
    }
    found.push(both(Property::Emulated, &|record| record.passport.emulated.clone()));
    found.push(both(Property::Meters, &|record| {
        let ids: Vec<&str> = record.readings.energy.iter().map(|series| series.meter.id.as_str()).collect();
        (!ids.is_empty()).then(|| ids.join(", "))
    }));
    if measured {
        found.push(both(Property::Turns, &|record| {
            let in_turns = !record.samples.blocks.is_empty();
            Some(if in_turns { "in turns, a process for each block" } else { "in one process" }.to_owned())
        }));
    }
    let mut found: Vec<Difference> = found.into_iter().flatten().collect();
    found.sort_by_key(|difference| difference.kind);
    found
}

pub(super) fn difference(
    property: Property,
    baseline: Option<String>,
    candidate: Option<String>,
) -> Option<Difference> {
    (baseline != candidate).then(|| Difference { kind: property.kind(), property, baseline, candidate })
}

/// Records of earlier versions do not know theirs, which is no difference.
fn platforms(one: &Record, other: &Record) -> Option<Difference> {
    let platform = |record: &Record| Some(record.passport.backend.as_ref()?.platform.as_ref()?.to_string());
    let (one, other) = (platform(one)?, platform(other)?);
    difference(Property::Platform, Some(one), Some(other))
}

pub(super) fn of_devices(one: &DeviceFacts, other: &DeviceFacts) -> Vec<Option<Difference>> {
    let both = |property, of: &dyn Fn(&DeviceFacts) -> Option<String>| difference(property, of(one), of(other));
    vec![
        both(Property::Device, &|device| Some(device.name.clone())),
        both(Property::Processor, &|device| device.processor.clone()),
        both(Property::Cores, &|device| Some(device.logical_cores.to_string())),
        both(Property::AllowedCores, &|device| device.allowed_cores.map(|cores| cores.to_string())),
        both(Property::Kernel, &|device| device.kernel.clone()),
        both(Property::Governor, &|device| device.governor.clone()),
        both(Property::Virtualisation, &|device| device.virtualisation.clone()),
    ]
}

/// Whether the answers of both have as many tokens, turn by turn: otherwise a request was not the same work.
pub fn has_same_lengths(one: &Record, other: &Record) -> bool {
    tokens(Property::OutputTokens, one, other, |turn| turn.output).is_none()
}

/// The size of a turn.
#[derive(Clone, Copy)]
struct TurnSize {
    prompt: u32,
    output: u64,
}

/// The turns of each conversation, as they ran for the first time.
fn turn_sizes(record: &Record) -> BTreeMap<u32, Vec<TurnSize>> {
    let mut sizes = BTreeMap::new();
    for iteration in record.samples.counted() {
        sizes.entry(iteration.conversation).or_insert_with(|| {
            let turns = iteration.turns.iter();
            turns.map(|turn| TurnSize { prompt: turn.prompt_tokens, output: turn.tokens.len() as u64 }).collect()
        });
    }
    sizes
}

/// The first turn in which the numbers of tokens differ.
fn tokens(
    property: Property,
    baseline: &Record,
    candidate: &Record,
    size: impl Fn(&TurnSize) -> u64,
) -> Option<Difference> {
    let (one, other) = (turn_sizes(baseline), turn_sizes(candidate));
    let conversations: BTreeSet<u32> = one.keys().chain(other.keys()).copied().collect();
    let of = |sizes: &BTreeMap<u32, Vec<TurnSize>>, conversation: u32, turn: usize| {
        sizes.get(&conversation).and_then(|turns| turns.get(turn)).map(&size)
    };
    let longest = |conversation: u32| {
        let turns = |sizes: &BTreeMap<u32, Vec<TurnSize>>| sizes.get(&conversation).map_or(0, Vec::len);
        turns(&one).max(turns(&other))
    };
    let mut places =
        conversations.iter().flat_map(|&conversation| (0..longest(conversation)).map(move |turn| (conversation, turn)));
    let (conversation, turn) =
        places.find(|&(conversation, turn)| of(&one, conversation, turn) != of(&other, conversation, turn))?;
    let words = |sizes| {
        let count = of(sizes, conversation, turn)?;
        let place = match conversations.len() {
            0 | 1 => String::new(),
            _ => format!(" of conversation {}", u64::from(conversation) + 1),
        };
        Some(format!("{count} in turn {}{place}", turn + 1))
    };
    difference(property, words(&one), words(&other))
}

/// What ran before the first counted iteration: `1 iteration of 8 tokens`.
fn warm_up(record: &Record) -> String {
    let before = record.samples.iterations.iter().take_while(|iteration| iteration.kind == IterationKind::Warmup);
    let iterations: Vec<&Iteration> = before.collect();
    let tokens: usize = iterations.iter().flat_map(|iteration| &iteration.turns).map(|turn| turn.tokens.len()).sum();
    match iterations.len() {
        0 => "none".into(),
        1 => format!("1 iteration of {tokens} tokens"),
        count => format!("{count} iterations of {tokens} tokens together"),
    }
}

#[cfg(test)]
mod tests {
    use pocketwatt_protocol::{BackendInfo, Platform};

    use super::*;
    use crate::energy::simulation;

    fn found(change: impl FnOnce(&mut Record)) -> Vec<(DifferenceKind, Property)> {
        let one = simulation::record();
        let mut other = simulation::record();
        change(&mut other);
        let origin = |record| Origin { record, run: None };
        let found = differences(origin(&one), origin(&other));
        found.iter().map(|difference| (difference.kind, difference.property)).collect()
    }

    #[test]
    fn compilers_and_libraries_are_compared_where_both_are_known() {
        let with = |platform: Option<Platform>| {
            let mut record = simulation::record();
            let text = String::from;
            record.passport.backend = Some(BackendInfo {
                name: text("fake"),
                version: text("1"),
                engine: text("fake"),
                engine_version: text("1"),
                accelerator: text("cpu"),
                build: text("release"),
                platform: platform.map(Box::new),
            });
            record
        };
        let glibc = |version: &str| {
            with(Some(Platform {
                target: "aarch64-unknown-linux-gnu".into(),
                rust_compiler: Some("rustc 1.95.0".into()),
                c_compiler: None,
                c_library: Some(format!("glibc {version}")),
                page_bytes: Some(16384),
            }))
        };
        let found = |one: &Record, other: &Record| {
            differences(Origin { record: one, run: None }, Origin { record: other, run: None })
        };
        assert_eq!(found(&glibc("2.36"), &glibc("2.36")), []);
        assert_eq!(found(&with(None), &glibc("2.36")), [], "records of earlier versions do not have it");
        let difference = &found(&glibc("2.36"), &glibc("2.41"))[0];
        assert_eq!((difference.property, difference.forbids_comparison()), (Property::Platform, false));
        let candidate = difference.candidate.as_deref();
        assert_eq!(candidate, Some("aarch64-unknown-linux-gnu, rustc 1.95.0, glibc 2.41, pages of 16 KiB"));
    }

    #[test]
    fn other_work_forbids_a_comparison_and_another_program_does_not() {
        assert_eq!(found(|_| {}), []);
        let weights = found(|record| record.passport.model.weights_sha256 = "other".into());
        assert_eq!(weights, [(DifferenceKind::Work, Property::Weights)]);
        let several = found(|record| {
            record.passport.runner_sha256 = Some("other".into());
            record.case.threads += 1;
        });
        assert_eq!(several, [(DifferenceKind::Work, Property::Threads), (DifferenceKind::Program, Property::Runner)]);
        let forbids = |property: Property| {
            Difference { kind: property.kind(), property, baseline: None, candidate: None }.forbids_comparison()
        };
        let forbidding = [Property::Scenario, Property::Device, Property::Runner, Property::Governor].map(forbids);
        assert_eq!(forbidding, [true, true, false, false]);
    }
}
