//! What to measure: the options of `run`, `list` and `conformance`.

mod again;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
    value_parser,
};
use pocketwatt_meter::SystemRoot;
use pocketwatt_model::{
    ModelLibrary,
    variant::{KEYS, variant_name},
};
use pocketwatt_protocol::Precision;
use pocketwatt_record::{
    CoolDownSettings, CoolDownTarget, GateSettings, MOST_BLOCKS, MOST_ITERATIONS, MOST_SETTLE_MS, MOST_THREADS,
    MOST_TIMEOUT_S, MOST_WARMUP_ITERATIONS, PinnedCores, RunSettings, Target, TurnSettings,
};
use pocketwatt_scenario::{Scenario, Study, synthetic};

use self::again::Again;
use super::quantity;
use crate::{
    plan::{CoreChoice, GraphChoice, Registry, default_names, ensure_few},
    refusal::Refusal,
};

/// The model that is measured by default.
pub const DEFAULT_MODEL: &str = "mobilellm-125m";

/// Where models and fetched libraries are kept.
#[derive(Args, Debug, Default)]
pub struct CacheArguments {
    /// The folder of models and fetched libraries [default: $POCKETWATT_CACHE, or pocketwatt in the user's cache].
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
}

impl CacheArguments {
    /// The folder.
    ///
    /// # Errors
    /// When the folder is unknown, or its name cannot be passed to runners.
    pub fn root(&self) -> Result<PathBuf> {
        let root = match &self.cache {
            Some(cache) => std::path::absolute(cache)?,
            None => ModelLibrary::default_root()?,
        };
        if root.to_str().is_none() {
            return Err(Refusal::error(format!(
                "the cache {root:?} has a name that is not UTF-8, so it cannot be passed to runners: choose another \
                 folder with --cache or POCKETWATT_CACHE"
            )));
        }
        Ok(root)
    }

    /// The models in it.
    ///
    /// # Errors
    /// When the folder is unknown.
    pub fn library(&self) -> Result<ModelLibrary> {
        Ok(ModelLibrary::open(&self.root()?))
    }
}

/// Where backends are defined.
#[derive(Args, Debug, Default)]
pub struct RegistryArguments {
    /// Backends of your own, in the form of backends/backends.toml.
    #[arg(long, value_name = "FILE")]
    backends: Option<PathBuf>,
}

impl RegistryArguments {
    /// The backends.
    ///
    /// # Errors
    /// When the file cannot be read or is malformed.
    pub fn open(&self) -> Result<Registry> {
        Registry::open(self.backends.as_deref())
    }

    /// The user's own file, if there is one.
    pub fn file(&self) -> Option<&Path> {
        self.backends.as_deref()
    }
}

/// A number of a model's shape, and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    key: String,
    values: Vec<usize>,
}

impl Sweep {
    fn parse(text: &str) -> Result<Self, String> {
        let known = || KEYS.map(|(key, _)| key).join(", ");
        let (key, values) = text.split_once('=').ok_or("write a key and its values, as in layers=12,30")?;
        if !KEYS.iter().any(|(known, _)| *known == key) {
            return Err(format!("{key:?} cannot be changed; {} can", known()));
        }
        let values = values
            .split(',')
            .map(|value| value.trim().parse().map_err(|_| format!("{value:?} is not a number")))
            .collect::<Result<_, String>>()?;
        Ok(Self { key: key.to_owned(), values })
    }

    fn variants(&self, model: &str) -> impl Iterator<Item = String> {
        self.values.iter().map(move |value| variant_name(model, &self.key, *value))
    }
}

/// What is combined into cases, and how often each is run.
#[derive(Args, Debug)]
pub struct PlanArguments {
    #[arg(long, value_name = "NAME", value_delimiter = ',', help = scenario_help())]
    scenario: Vec<String>,
    /// Model: a name in the library, or a preset, which is generated with seeded weights [default: mobilellm-125m].
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    model: Vec<String>,
    /// Change a number of the models' shapes, and measure each value: layers, repeats, dim, heads, kv, ffn, vocab, context or untied,
    /// as in --sweep layers=12,30; if given several times, all combinations. The weights are seeded.
    #[arg(long, value_name = "KEY=N,..", value_parser = Sweep::parse)]
    sweep: Vec<Sweep>,
    #[arg(long, value_name = "NAME", value_delimiter = ',', help = format!("Backend [default: {}]", default_names()))]
    backend: Vec<String>,
    /// Number format of the weights; `pocketwatt backends` shows which backend computes in which [default: f32].
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = precision_parser())]
    precision: Vec<Precision>,
    /// Number of threads that compute [default: 1].
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = value_parser!(u32).range(1..=i64::from(MOST_THREADS)))]
    threads: Vec<u32>,
    /// Cores on which runners compute: big (the fastest ones), all, or numbers as in 4-7 or 0,4 [default: the system chooses].
    #[arg(long, value_name = "LIST")]
    cores: Option<CoreChoice>,
    /// Before each block, wait until the clocks are no longer limited and the temperatures are as before the first block (within 1 K), or
    /// at or below so many degrees Celsius: first, 37, or off [default: off].
    #[arg(long, value_name = "first|CELSIUS|off", value_parser = cool_down)]
    cool_down: Option<CoolDownChoice>,
    /// The longest wait of --cool-down before a block, which is then measured all the same, or fails with --strict [default: 15min].
    #[arg(long, value_name = "TIME", value_parser = quantity::duration_ms, requires = "cool_down")]
    cool_down_limit: Option<u64>,
    /// ONNX graph: the best for each backend, the same for all, or a certain one [default: best].
    #[arg(long, value_name = "NAME", value_parser = GraphChoice::parser())]
    graph: Option<GraphChoice>,
    /// Number of conversations or calls of a scenario's file that are measured, evenly spread [default: all].
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1_000_000))]
    items: Option<u32>,
    /// Counted iterations of all blocks together; with trained weights, each item of a scenario's file is one instead [default: 5].
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=i64::from(MOST_ITERATIONS)))]
    iterations: Option<u32>,
    /// Blocks in which all cases of a scenario and model take turns (backends, precisions, numbers of threads), in an order drawn by lot,
    /// each with a fresh process; the counted iterations are divided among them. The more blocks, the smaller the differences that can be told [default: 5].
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=i64::from(MOST_BLOCKS)))]
    blocks: Option<u32>,
    /// Go on with further blocks until the time to first token and the decode throughput of every two cases that are compared (the
    /// backends of a table, and the precisions and numbers of threads of a backend) are known relative to each other to this share either way (95 %), such as 3%, or --max-time is over.
    #[arg(long, value_name = "PERCENT", value_parser = quantity::share, conflicts_with_all = ["one_by_one", "sustain"])]
    target_interval: Option<f64>,
    /// With --target-interval: the time after which no further block of a scenario and model begins [default: 10min].
    #[arg(long, value_name = "TIME", value_parser = quantity::duration_ms, requires = "target_interval")]
    max_time: Option<u64>,
    /// Whole warm-up iterations, which are reported but not counted [default: 1; in turns, one of the first turn and 8 tokens].
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(0..=i64::from(MOST_WARMUP_ITERATIONS)))]
    warmup: Option<u32>,
    /// Pause before each counted iteration, in milliseconds [default: 0].
    #[arg(long, value_name = "MS", value_parser = value_parser!(u64).range(0..=MOST_SETTLE_MS))]
    settle: Option<u64>,
    /// Keep each case busy for at least this long, such as 10min: conversations follow one another without a pause, and
    /// the effect of heat on speed and power is shown.
    #[arg(long, value_name = "TIME", value_parser = quantity::duration_ms, conflicts_with = "settle")]
    sustain: Option<u64>,
    /// Measure each case after the other, in one process, instead of in turns: there are fewer launches, but whatever changes on the
    /// device meanwhile looks like a difference between backends, and the tables have no verdicts.
    #[arg(long)]
    one_by_one: bool,
    /// The number from which the order of the turns is drawn [default: another one for each run].
    #[arg(long, value_name = "N", conflicts_with_all = ["one_by_one", "sustain"])]
    seed: Option<u32>,
    /// Measure cases that ask for calls a second time, with answers constrained to the grammar of calls.
    #[arg(long)]
    constrain: bool,
    /// Do not compare the backends' answers with those in f32.
    #[arg(long)]
    no_quality: bool,
    /// Kill a runner that writes nothing for this many seconds; must be longer than an iteration [default: 600].
    #[arg(long, value_name = "S", value_parser = value_parser!(u64).range(1..=MOST_TIMEOUT_S))]
    timeout: Option<u64>,
    /// What a stored run says of everything else, if it is measured again.
    #[arg(skip)]
    again: Option<Again>,
}

/// Unless the user says otherwise.
const DEFAULT_ITERATIONS: u32 = 5;
const DEFAULT_BLOCKS: u32 = 5;
const DEFAULT_TIMEOUT_S: u64 = 600;
/// The longest wait for a device to cool down, before one block.
const DEFAULT_COOL_DOWN_MS: u64 = 900_000;
/// Time for the blocks of a scenario and model where a target was named, and no time.
const DEFAULT_MAX_TIME_MS: u64 = 600_000;

/// Whether, and until when, a device cools down before each block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CoolDownChoice {
    Off,
    Until(CoolDownTarget),
}

/// Reads `first`, degrees Celsius, or `off`.
fn cool_down(text: &str) -> Result<CoolDownChoice, String> {
    match text {
        "off" => Ok(CoolDownChoice::Off),
        "first" => Ok(CoolDownChoice::Until(CoolDownTarget::First)),
        degrees => match degrees.parse::<f64>() {
            Ok(celsius) if (0.0..=100.0).contains(&celsius) => {
                Ok(CoolDownChoice::Until(CoolDownTarget::Millicelsius((celsius * 1e3).round() as i32)))
            }
            _ => Err("expected first, off, or degrees Celsius from 0 to 100 such as 37".into()),
        },
    }
}

fn scenario_help() -> String {
    format!(
        "Scenario: {}, {}, a .toml file, or a .jsonl or .json file of conversations or calls; repeat or separate by commas \
         [default: {}]",
        Scenario::shipped_names().join(", "),
        synthetic::FORMS.join(", "),
        Scenario::default_names().collect::<Vec<_>>().join(",")
    )
}

/// Reads a precision from the command line.
pub(super) fn precision_parser() -> impl TypedValueParser<Value = Precision> {
    PossibleValuesParser::new(Precision::ALL.map(Precision::name))
        .map(|name| Precision::ALL.into_iter().find(|precision| precision.name() == name).unwrap_or(Precision::F32))
}

impl PlanArguments {
    /// Takes from a study what the user did not specify.
    ///
    /// # Errors
    /// When the user's options do not fit the study.
    pub fn adopt(&mut self, study: &mut Study) -> Result<()> {
        if !self.sweep.is_empty() {
            return Err(Refusal::error(format!("study {:?} has its own models: omit --sweep", study.name())));
        }
        self.model = study.choose_models(&self.model)?;
        if self.scenario.is_empty() {
            self.scenario = study.scenarios().to_vec();
        }
        if self.precision.is_empty() {
            self.precision = study.precisions().to_vec();
        }
        if self.threads.is_empty() {
            self.threads = study.threads();
        }
        Ok(())
    }

    /// Adds blocks for so long, however narrow the intervals are.
    ///
    /// # Errors
    /// When the user wants no turns.
    pub fn go_on_for(&mut self, most_ms: u64) -> Result<()> {
        if self.one_by_one || self.sustain.is_some() || self.target_interval.is_some() {
            return Err(Refusal::error(
                "leave out --one-by-one, --sustain and --target-interval: blocks are added for as long as asked",
            ));
        }
        self.target_interval = Some(0.0);
        self.max_time = Some(most_ms);
        self.no_quality = true;
        Ok(())
    }

    /// The scenarios.
    ///
    /// # Errors
    /// When one is unknown or malformed.
    pub fn scenarios(&self) -> Result<Vec<Scenario>> {
        if self.scenario.is_empty() {
            return self.kept(match &self.again {
                Some(again) => again.scenarios.clone(),
                None => Scenario::unasked()?,
            });
        }
        let scenarios = self.scenario.iter().map(|name| Scenario::find(name)).collect::<Result<Vec<_>, _>>()?;
        for (index, scenario) in scenarios.iter().enumerate() {
            if scenarios[..index].iter().any(|other| other.name == scenario.name) {
                return Err(Refusal::error(format!("two scenarios are named {:?}: rename one", scenario.name)));
            }
        }
        self.kept(scenarios)
    }

    /// The scenarios with the requested number of items of their files.
    fn kept(&self, mut scenarios: Vec<Scenario>) -> Result<Vec<Scenario>> {
        if let Some(items) = self.items {
            scenarios.iter_mut().for_each(|scenario| scenario.keep(items as usize));
        }
        Ok(scenarios)
    }

    /// Names of the models, one for each combination of changes.
    ///
    /// # Errors
    /// When there are more than a run can have.
    pub fn models(&self) -> Result<Vec<String>> {
        let sweeps = self.sweep.iter().map(|sweep| sweep.values.len());
        ensure_few(&std::iter::once(self.model.len().max(1)).chain(sweeps).collect::<Vec<_>>())?;
        let mut names = if self.model.is_empty() { vec![DEFAULT_MODEL.to_owned()] } else { self.model.clone() };
        for sweep in &self.sweep {
            names = names.iter().flat_map(|name| sweep.variants(name)).collect();
        }
        Ok(names)
    }

    /// Names of the backends; empty for the default.
    pub fn backends(&self) -> &[String] {
        &self.backend
    }

    /// Numbers of threads.
    pub fn threads(&self) -> &[u32] {
        if self.threads.is_empty() { &[1] } else { &self.threads }
    }

    /// Number formats.
    pub fn precisions(&self) -> &[Precision] {
        if self.precision.is_empty() { &[Precision::F32] } else { &self.precision }
    }

    /// The graph that the backends load.
    pub fn graph(&self) -> GraphChoice {
        self.graph.unwrap_or(GraphChoice::Best)
    }

    /// Whether cases that ask for calls are also measured with constrained answers.
    ///
    /// # Errors
    /// When it was requested and none of the scenarios asks for calls.
    pub fn constrain(&self, scenarios: &[Scenario]) -> Result<bool> {
        if self.constrain && !scenarios.iter().any(Scenario::asks_for_calls) {
            let shipped = Scenario::shipped()?;
            let such_as = shipped.iter().find(|scenario| scenario.asks_for_calls());
            let such_as = such_as.map_or(String::new(), |scenario| format!(", such as {}", scenario.name));
            return Err(Refusal::error(format!("--constrain needs a scenario that asks for calls{such_as}")));
        }
        Ok(self.constrain || self.again.as_ref().is_some_and(|again| again.constrain))
    }

    /// What all cases share.
    pub fn settings(&self) -> RunSettings {
        let before = self.again.as_ref().map(|again| &again.settings);
        // A pause and a sustained case exclude each other.
        let sustain_before = before.and_then(|before| before.sustain_ms).filter(|_| self.settle.is_none());
        let settle_before = before.map(|before| before.settle_ms).filter(|_| self.sustain.is_none());
        let sustain_ms = self.sustain.or(sustain_before);
        RunSettings {
            warmup_iterations: self.warmup.or(before.map(|before| before.warmup_iterations)).unwrap_or(1),
            iterations: self.iterations.or(before.map(|before| before.iterations)).unwrap_or(DEFAULT_ITERATIONS),
            settle_ms: self.settle.or(settle_before).unwrap_or(0),
            timeout_s: self.timeout.or(before.map(|before| before.timeout_s)).unwrap_or(DEFAULT_TIMEOUT_S),
            quality: !self.no_quality && before.is_none_or(|before| before.quality),
            sustain_ms,
            // Heat shows only where a case follows itself.
            turns: self.turns(before).filter(|_| sustain_ms.is_none()),
            gates: GateSettings { cool_down: self.cool_down(before), ..GateSettings::default() },
            cores: None,
        }
    }

    fn cool_down(&self, before: Option<&RunSettings>) -> Option<CoolDownSettings> {
        let most_ms = self.cool_down_limit.unwrap_or(DEFAULT_COOL_DOWN_MS);
        match self.cool_down {
            Some(CoolDownChoice::Until(target)) => Some(CoolDownSettings { target, most_ms }),
            Some(CoolDownChoice::Off) => None,
            None => before.and_then(|before| before.gates.cool_down),
        }
    }

    /// The cores on which runners compute, on the device with this `/sys`; `None` where the system chooses.
    ///
    /// # Errors
    /// When one of them does not exist, is switched off, or may not be used.
    pub fn cores(&self, root: &SystemRoot) -> Result<Option<PinnedCores>> {
        let before = self.again.as_ref().and_then(|again| again.settings.cores.as_ref()?.asked.parse().ok());
        self.cores.clone().or(before).map(|choice| choice.resolve(root)).transpose()
    }

    /// How cases take turns, unless they are measured one by one.
    fn turns(&self, before: Option<&RunSettings>) -> Option<TurnSettings> {
        let turns_before = before.and_then(|before| before.turns);
        let asks_for_turns = self.blocks.is_some() || self.seed.is_some() || self.target_interval.is_some();
        let one_by_one_before = before.is_some() && turns_before.is_none() && !asks_for_turns;
        let target = self.target_interval.map(|share| Target {
            per_mille: (share * 1000.0).ceil() as u32,
            most_ms: self.max_time.unwrap_or(DEFAULT_MAX_TIME_MS),
        });
        (!self.one_by_one && !one_by_one_before).then(|| TurnSettings {
            blocks: self.blocks.or(turns_before.map(|turns| turns.blocks)).unwrap_or(DEFAULT_BLOCKS),
            seed: self.seed.unwrap_or_else(rand::random),
            short_warmup: self.warmup.is_none() && turns_before.is_none_or(|turns| turns.short_warmup),
            target: target.or(turns_before.and_then(|turns| turns.target)),
        })
    }
}
