//! Where the numbers come from: what stands below the sheets.

use std::collections::BTreeSet;

use pocketwatt_meter::DeviceFacts;
use pocketwatt_protocol::Precision;
use pocketwatt_record::{Damaged, Outcome, Record, Run};

use super::{
    blocks::one_line,
    data_facts,
    date::minute,
    energy_facts::{self, EnergySeen},
    quantity::{self, fixed},
    study,
};

/// Characters of a sha256 that tell files apart at a glance.
const HASH_CHARACTERS: usize = 12;
/// Damaged records that are named one by one.
const NAMED_DAMAGED: usize = 20;

/// How to read the sheets; `energy` and `shares` say whether they have numbers of these kinds.
pub fn legend(energy: bool, shares: bool) -> String {
    let energy = if energy {
        " Energy and power are means over all counted iterations together, and ± is half of their 95 % interval."
    } else {
        ""
    };
    let shares =
        if shares { " Of a share, [ ] is the 95 % Wilson interval, and then the number of questions." } else { "" };
    format!(
        "Medians over all iterations; ± is half the distance between the lowest and the highest iteration.{energy}{shares} \
         * marks the best: these ranges do not overlap and it leads by 1 %, or by 5 % where there is one observation."
    )
}

/// Name and text of each fact.
pub fn facts(run: &Run, seen: &Seen, damaged: &[Damaged]) -> Vec<(&'static str, String)> {
    let mut facts: Vec<_> = study::of(run).iter().flat_map(study::facts).collect();
    facts.extend(data_facts::facts(run));
    facts.extend(seen.left_out.texts.iter().map(|rows| ("left out", rows.clone())));
    facts.extend(rebuilt(run));
    facts.extend(energy_facts::simulated(run));
    facts.extend([("device", device(run)), ("bandwidth", bandwidth(run))]);
    facts.extend(seen.engines.texts.iter().map(|engine| ("engine", engine.clone())));
    facts.extend(seen.weights.texts.iter().map(|weights| ("weights", weights.clone())));
    facts.extend(seen.remarks.texts.iter().map(|remark| ("text", remark.clone())));
    facts.push(("run", this_run(run, seen.records, damaged)));
    facts.extend(damaged.iter().take(NAMED_DAMAGED).map(|damaged| ("damaged", damaged_words(damaged))));
    if damaged.len() > NAMED_DAMAGED {
        facts.push(("damaged", format!("{} files more", damaged.len() - NAMED_DAMAGED)));
    }
    facts.extend(energy_facts::facts(run, &seen.energy));
    facts
}

/// That the records are all there is, where they are.
fn rebuilt(run: &Run) -> Option<(&'static str, String)> {
    let damage = run.rebuilt.as_ref()?;
    let text = format!(
        "{damage}: everything here is from the records alone. Unknown are the device, the settings, the study, the cases that \
         were not reached, the meters that were not read, and whether meters were simulated"
    );
    Some(("run.json", one_line(&text)))
}

/// Processor, cores and memory: what a chart has room for.
pub fn short_device(run: &Run) -> String {
    let device = &run.device;
    if run.rebuilt.is_some() {
        return format!("{}, of which the records say no more (run.json is lost)", one_line(&device.name));
    }
    let processor = one_line(device.processor.as_deref().unwrap_or(&device.name));
    let memory = device.memory_bytes.map(|bytes| format!(", {:.1} GiB", bytes as f64 / (1u64 << 30) as f64));
    let cores = plural(device.logical_cores, "core");
    format!("{processor}, {} logical {cores}{}", device.logical_cores, memory.unwrap_or_default())
}

fn device(run: &Run) -> String {
    let short = short_device(run);
    if run.rebuilt.is_some() {
        return short;
    }
    let mut parts = vec![short];
    let device = &run.device;
    parts.extend(limits(device));
    parts.extend(device.operating_system.as_deref().map(one_line));
    parts.extend(device.kernel.as_deref().map(|kernel| format!("kernel {}", one_line(kernel))));
    parts.push(one_line(&device.architecture));
    parts.extend(device.virtualisation.as_deref().map(|machine| format!("virtual machine ({})", one_line(machine))));
    parts.extend(device.governor.as_deref().map(|governor| format!("governor {}", one_line(governor))));
    parts.join(", ")
}

/// What of the device was the run's to use, where it was not all of it.
fn limits(device: &DeviceFacts) -> Vec<String> {
    let cores = device.allowed_cores.filter(|allowed| *allowed < device.logical_cores);
    let memory = device.memory_limit_bytes.filter(|limit| device.memory_bytes.is_none_or(|whole| *limit < whole));
    let mut limits: Vec<String> = cores.map(|allowed| format!("{allowed} of them allowed")).into_iter().collect();
    limits.extend(device.processor_quota.map(|quota| format!("limited to the time of {quota:.1}")));
    limits.extend(memory.map(|bytes| format!("limited to {:.1} GiB", bytes as f64 / (1_u64 << 30) as f64)));
    limits
}

fn bandwidth(run: &Run) -> String {
    let parts: Vec<String> = run
        .bandwidth
        .iter()
        .map(|probe| {
            let threads = format!("{} {}", probe.threads, plural(probe.threads, "thread"));
            let (best, median) = (probe.best_bytes_per_second / 1e9, probe.median_bytes_per_second / 1e9);
            format!("{} GB/s with {threads} (median pass {})", fixed(best, 1), fixed(median, 1))
        })
        .collect();
    match (parts.is_empty(), &run.rebuilt) {
        (true, None) => "not measured".into(),
        (true, Some(_)) => "unknown".into(),
        (false, _) => parts.join(", "),
    }
}

/// What was seen of all records of a run, one after the other.
#[derive(Default)]
pub struct Seen {
    records: usize,
    engines: Distinct,
    weights: Distinct,
    remarks: Distinct,
    left_out: Distinct,
    energy: EnergySeen,
}

impl Seen {
    /// Learns of a record.
    pub fn add(&mut self, record: &Record) {
        self.records += 1;
        self.engines.extend(engine_of(record));
        self.weights.extend(weights_of(record));
        self.remarks.extend(remarks_of(record));
        self.left_out.extend(data_facts::left_out(record));
        self.energy.add(record);
    }
}

/// Texts, each once, in the order in which they first came.
#[derive(Default)]
struct Distinct {
    texts: Vec<String>,
    known: BTreeSet<String>,
}

impl Distinct {
    fn extend(&mut self, texts: impl IntoIterator<Item = String>) {
        let known = &mut self.known;
        self.texts.extend(texts.into_iter().filter(|text| known.insert(text.clone())));
    }
}

/// Backend, engine version and graph.
fn engine_of(record: &Record) -> Option<String> {
    let backend = record.passport.backend.as_ref()?;
    Some(format!("{}: {}, {}", one_line(&record.case.backend), engine(record)?, computes(record, backend)))
}

fn computes(record: &Record, backend: &pocketwatt_protocol::BackendInfo) -> String {
    let what = match (record.case.graph, &record.samples.loaded) {
        (Some(graph), _) => format!("graph {}", graph.name()),
        (None, Some(loaded)) => one_line(&loaded.model.implementation),
        (None, None) => "own model".into(),
    };
    format!("{what}, on {}", one_line(&backend.accelerator))
}

/// `tract 0.23.9`.
pub fn engine(record: &Record) -> Option<String> {
    let backend = record.passport.backend.as_ref()?;
    Some(format!("{} {}", one_line(&backend.engine), one_line(&backend.engine_version)))
}

fn weights_of(record: &Record) -> Option<String> {
    // A case that was skipped for its precision may have none in it.
    let made = record.outcome == Outcome::Measured
        || record.case.precision == Precision::F32
        || record.passport.model.rounded_sha256.is_some();
    made.then(|| {
        let model = &record.passport.model;
        let mebibytes = model.weight_bytes as f64 / (1u64 << 20) as f64;
        let hash = hash_prefix(model.rounded_sha256.as_ref().unwrap_or(&model.weights_sha256));
        let precision = record.case.precision.name();
        let origin = one_line(&model.origin);
        let origin = match &model.rounded_sha256 {
            Some(_) => format!("made from {}, {origin}", hash_prefix(&model.weights_sha256)),
            None => origin,
        };
        let millions = model.parameters as f64 / 1e6;
        format!(
            "{}: {millions:.1} M weights, {precision}, {mebibytes:.0} MiB, sha256 {hash}, {origin}",
            one_line(&model.name)
        )
    })
}

/// What is to be known of how its model's text becomes tokens, where the case was fed text.
fn remarks_of(record: &Record) -> Vec<String> {
    let model = &record.passport.model;
    model.remarks.iter().map(|remark| one_line(&format!("{}: {remark}", model.name))).collect()
}

/// The beginning of a hash.
pub fn hash_prefix(hash: &str) -> String {
    hash.chars().take(HASH_CHARACTERS).collect()
}

/// `cases/chat_tiny.json is empty`.
fn damaged_words(damaged: &Damaged) -> String {
    one_line(&format!("cases/{} {}", damaged.file, damaged.damage))
}

fn this_run(run: &Run, records: usize, damaged: &[Damaged]) -> String {
    let (id, began, version) = (one_line(&run.id), minute(run.started_unix_ms), one_line(&run.pocketwatt));
    if run.rebuilt.is_some() {
        return format!("{id}, its first record of {began}, pocketwatt {version}");
    }
    let settings = &run.settings;
    let unreadable = damaged.iter().filter(|damaged| damaged.case.is_some()).count();
    let missing = run.plan.len().saturating_sub(records).saturating_sub(unreadable);
    let missing =
        if missing > 0 { format!(", {missing} of {} cases not reached", run.plan.len()) } else { String::new() };
    let (warm_up, counted) = (settings.warmup_iterations, settings.iterations);
    let iterations = match settings.sustain_ms {
        None => format!("{warm_up} warm-up and {counted} counted {}", plural(counted, "iteration")),
        Some(least) => {
            let least = quantity::duration(least as f64 / 1e3);
            format!("{warm_up} warm-up {}, then counted ones for {least} at least", plural(warm_up, "iteration"))
        }
    };
    format!("{id}, {began}, {iterations}{missing}, pocketwatt {version}")
}

fn plural(count: u32, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}
