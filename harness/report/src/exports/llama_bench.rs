//! The JSON and SQL of llama.cpp's llama-bench, as its `scripts/compare-llama-bench.py` reads them.
//!
//! A test there has one number of tokens after one number of cached tokens. So each kind of turn is a test: `pp` is its prefill, `tg` the
//! output tokens after the first, which follows from the prefill. Summed over the turns of an iteration, these are the catalogue's prefill
//! and decode throughput.

use std::collections::BTreeMap;

use anyhow::Context;
use pocketwatt_protocol::GraphKind;
use pocketwatt_record::{Record, Run, SpeedMetric, Summary};
use serde::Serialize;
use serde_json::Value;

use super::{
    array::Parts,
    digest::digest,
    subject::{Exported, Subject, each_measured},
};
use crate::output::{Output, date, inert::one_line};

/// What llama-bench prints, in its order, and the types of its table.
const FIELDS: [(&str, &str); 41] = [
    ("build_commit", "TEXT"),
    ("build_number", "INTEGER"),
    ("cpu_info", "TEXT"),
    ("gpu_info", "TEXT"),
    ("backends", "TEXT"),
    ("model_filename", "TEXT"),
    ("model_type", "TEXT"),
    ("model_size", "INTEGER"),
    ("model_n_params", "INTEGER"),
    ("n_batch", "INTEGER"),
    ("n_ubatch", "INTEGER"),
    ("n_threads", "INTEGER"),
    ("cpu_mask", "TEXT"),
    ("cpu_strict", "INTEGER"),
    ("poll", "INTEGER"),
    ("type_k", "TEXT"),
    ("type_v", "TEXT"),
    ("n_gpu_layers", "INTEGER"),
    ("n_cpu_moe", "INTEGER"),
    ("split_mode", "TEXT"),
    ("main_gpu", "INTEGER"),
    ("no_kv_offload", "INTEGER"),
    ("flash_attn", "INTEGER"),
    ("devices", "TEXT"),
    ("tensor_split", "TEXT"),
    ("tensor_buft_overrides", "TEXT"),
    ("use_mmap", "INTEGER"),
    ("embeddings", "INTEGER"),
    ("no_op_offload", "INTEGER"),
    ("no_host", "INTEGER"),
    ("n_prompt", "INTEGER"),
    ("n_gen", "INTEGER"),
    ("n_depth", "INTEGER"),
    ("test_time", "TEXT"),
    ("avg_ns", "INTEGER"),
    ("stddev_ns", "INTEGER"),
    ("avg_ts", "REAL"),
    ("stddev_ts", "REAL"),
    // Instead of `use_mmap` in later versions of llama.cpp.
    ("load_mode", "TEXT"),
    ("fit_target", "INTEGER"),
    ("fit_min_ctx", "INTEGER"),
];

/// What is written of all tests of a case. Settings that only llama.cpp has are not here: they are 0, false or empty, because the
/// comparing script refuses a test without them, and finds no equal of one in which they are null.
#[derive(Serialize)]
struct Shared {
    build_commit: String,
    cpu_info: String,
    gpu_info: String,
    backends: String,
    model_filename: String,
    model_type: String,
    model_size: u64,
    model_n_params: u64,
    n_threads: u32,
    cpu_mask: String,
    test_time: String,
}

/// What a test computes: either prompt tokens or generated ones. In the order in which tests are written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    depth: u64,
    generated: u64,
    prompt: u64,
}

/// A list of tests.
///
/// # Errors
/// When it cannot be written.
pub fn write_json(runs: &[Exported<'_>], output: &mut Output) -> anyhow::Result<()> {
    let mut list = Parts::between("[", "]");
    each_test(runs, |test| list.add(&Document(&test), output))?;
    list.end(output)
}

/// A script for SQLite that adds the tests to the table `llama_bench`, and creates it where it is missing.
///
/// # Errors
/// When it cannot be written.
pub fn write_sql(runs: &[Exported<'_>], output: &mut Output) -> anyhow::Result<()> {
    let columns = FIELDS.map(|(name, kind)| format!("  {name} {kind}")).join(",\n");
    output(&format!("CREATE TABLE IF NOT EXISTS llama_bench (\n{columns}\n);\n\n"))?;
    let names = FIELDS.map(|(name, _)| name).join(", ");
    each_test(runs, |test| {
        let values = FIELDS.map(|(name, _)| sql(test.get(name))).join(", ");
        output(&format!("INSERT INTO llama_bench ({names}) VALUES ({values});\n"))
    })
}

type Test = BTreeMap<&'static str, Value>;

/// Members in the order of llama-bench.
struct Document<'a>(&'a Test);

impl Serialize for Document<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = FIELDS.iter().map(|(name, _)| *name).chain(["samples_ns", "samples_ts"]);
        serializer.collect_map(names.filter_map(|name| Some((name, self.0.get(name)?))))
    }
}

fn each_test(runs: &[Exported<'_>], mut visit: impl FnMut(Test) -> anyhow::Result<()>) -> anyhow::Result<()> {
    each_measured(runs, |subject, record| {
        let shared = serde_json::to_value(shared(subject, record)).context("cannot write a case")?;
        shapes(record).iter().filter_map(|(shape, samples)| test(&shared, *shape, samples)).try_for_each(&mut visit)
    })
}

fn shared(subject: &Subject, record: &Record) -> Shared {
    let (case, passport, device) = (&record.case, &record.passport, &subject.run.device);
    let graph = case.graph.map_or_else(String::new, |graph: GraphKind| format!(" {}", graph.name()));
    let constrained = if case.constrained { " constrained" } else { "" };
    let accelerator = passport.backend.as_ref().map_or("", |backend| &backend.accelerator);
    Shared {
        build_commit: build(subject.run, case.baseline),
        cpu_info: one_line(device.processor.as_ref().unwrap_or(&device.name)),
        gpu_info: if accelerator == "cpu" { String::new() } else { one_line(accelerator) },
        backends: format!("{}{graph}{constrained}", one_line(&case.backend)),
        model_filename: one_line(&case.model),
        model_type: format!("{} {}", one_line(&case.model), case.precision.name()),
        model_size: passport.model.weight_bytes,
        model_n_params: passport.model.parameters,
        n_threads: case.threads,
        cpu_mask: passport.cores.as_deref().map(one_line).unwrap_or_default(),
        test_time: date::internet(passport.started_unix_ms),
    }
}

/// What the script takes for one build, whose equal tests it averages. It cuts these names to the shortest that it finds, also in files which
/// were written by others, so what tells builds apart is at the front, and as long everywhere: a digest of the device, the run and the side.
fn build(run: &Run, baseline: bool) -> String {
    let side = if baseline { "baseline-" } else { "" };
    let whole = [&run.device.name, &run.id, &run.started_unix_ms.to_string(), side].join("\0");
    format!("{}-{side}{}", digest(&whole), one_line(&run.id))
}

/// Nanoseconds of each test's repetitions. A throughput that is withheld has none.
fn shapes(record: &Record) -> BTreeMap<Shape, Vec<u64>> {
    let has = |metric: SpeedMetric| record.summary(metric).is_some();
    let (has_prefill, has_decode) = (has(SpeedMetric::PrefillThroughput), has(SpeedMetric::DecodeThroughput));
    let mut shapes: BTreeMap<Shape, Vec<u64>> = BTreeMap::new();
    for turn in record.samples.counted().flat_map(|iteration| &iteration.turns) {
        let (context, prompt) = (u64::from(turn.context_tokens), u64::from(turn.prompt_tokens));
        if has_prefill && prompt > 0 {
            let shape = Shape { depth: context, generated: 0, prompt };
            shapes.entry(shape).or_default().push(turn.prefill().duration_ns());
        }
        if has_decode && let Some(decode) = turn.decode() {
            let shape = Shape { depth: context + prompt, generated: turn.decoded_tokens(), prompt: 0 };
            shapes.entry(shape).or_default().push(decode.duration_ns());
        }
    }
    shapes
}

/// `None` where no time passed, so that there is no speed.
fn test(shared: &Value, shape: Shape, samples_ns: &[u64]) -> Option<Test> {
    let tokens = (shape.prompt + shape.generated) as f64;
    let samples_ts: Vec<f64> = samples_ns.iter().map(|&ns| tokens * 1e9 / ns as f64).collect();
    let nanoseconds = Summary::of(&samples_ns.iter().map(|&ns| ns as f64).collect::<Vec<_>>())?;
    let speeds = Summary::of(&samples_ts)?;
    let value = |name: &'static str, kind: &str| {
        let value = match name {
            "n_prompt" => shape.prompt.into(),
            "n_gen" => shape.generated.into(),
            "n_depth" => shape.depth.into(),
            "avg_ns" => (nanoseconds.mean.round() as u64).into(),
            // One repetition has no deviation: it is left out.
            "stddev_ns" => (nanoseconds.standard_deviation?.round() as u64).into(),
            "avg_ts" => speeds.mean.into(),
            "stddev_ts" => speeds.standard_deviation?.into(),
            name => shared.get(name).cloned().unwrap_or_else(|| of_llama_cpp(name, kind)),
        };
        Some((name, value))
    };
    let mut test: Test = FIELDS.into_iter().filter_map(|(name, kind)| value(name, kind)).collect();
    test.insert("samples_ns", samples_ns.into());
    test.insert("samples_ts", samples_ts.into());
    Some(test)
}

/// A setting that no other engine has.
fn of_llama_cpp(name: &str, kind: &str) -> Value {
    const TRUTHS: [&str; 6] = ["cpu_strict", "no_kv_offload", "flash_attn", "use_mmap", "embeddings", "no_host"];
    match kind {
        "TEXT" => "".into(),
        _ if TRUTHS.contains(&name) => false.into(),
        _ => 0.into(),
    }
}

fn sql(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "NULL".into(),
        Some(Value::String(text)) => format!("'{}'", text.replace('\'', "''")),
        Some(Value::Bool(truth)) => u8::from(*truth).to_string(),
        Some(number) => number.to_string(),
    }
}
