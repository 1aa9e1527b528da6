//! `pocketwatt probe observer`: what the sampler costs the process that it observes.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, value_parser};
use pocketwatt_meter::{Sampler, energy::MeterSource};
use pocketwatt_phone::meters::{AnswerTime, answer_times};
use pocketwatt_protocol::{LoadOptions, PROTOCOL_VERSION, Precision, Request, Task, Workload, wall_clock_unix_ms};
use pocketwatt_record::SamplingOverhead;
use pocketwatt_scenario::Scenario;

use super::{
    beside::WaitArguments,
    energy::MeterChoiceArguments,
    output,
    probe::ProbeFormat,
    selection::{CacheArguments, DEFAULT_MODEL, RegistryArguments},
};
use crate::{
    exit::Exit,
    here::device_here,
    measure::{
        Build, DeviceBusy, Entered, Mailbox, Programs,
        sampling_overhead::{Compared, SETTLE_MS, compare},
    },
    plan::{Backend, PreparedModel, default_reference, prepare},
    refusal::Refusal,
    report::output::duration,
};

/// The workload, and how often it runs.
#[derive(Args, Debug)]
pub struct SamplingOverheadArguments {
    #[arg(long, value_name = "NAME", help = format!("Backend [default: {}]", default_reference()))]
    backend: Option<String>,
    /// Model: a name in the library, or a preset, which is generated with seeded weights.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_MODEL)]
    model: String,
    /// Number of threads that compute.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..=1024))]
    threads: u32,
    /// Tokens that an iteration decodes.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = value_parser!(u32).range(2..=100_000))]
    tokens: u32,
    /// Pairs of iterations, one with the sampler and one without.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u32).range(6..=10_000))]
    pairs: u32,
    /// Time between two rounds of reading, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = value_parser!(u64).range(1..=60_000))]
    period: u64,
    /// Where runs are stored; the result is stored beside them, and shown with the runs of this device.
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// Name of this device, for its folder of results [default: from the processor].
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// How to write the result.
    #[arg(long, value_enum, default_value_t)]
    format: ProbeFormat,
    #[command(flatten)]
    meters: MeterChoiceArguments,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    cache: CacheArguments,
    #[command(flatten)]
    registry: RegistryArguments,
}

/// Measures, stores and shows the cost.
///
/// # Errors
/// When a name is unknown, the runner fails, or another process measures.
pub fn run(arguments: &SamplingOverheadArguments) -> Result<Exit> {
    let registry = arguments.registry.open()?;
    let backend = registry.find_or_reference(arguments.backend.as_deref(), "--backend")?;
    let library = arguments.cache.library()?;
    let model = PreparedModel::prepare(&library, &arguments.model, &[Precision::F32])?;
    let cache = arguments.cache.root()?;
    let program = Programs::new(&cache).find(backend, Build::Own).map_err(Refusal::error)?;
    let (root, choice) = arguments.meters.open()?;
    let meters: Vec<String> = choice.meters.iter().map(|meter| meter.info().id.clone()).collect();
    let sources: Vec<MeterSource> = choice.meters.iter().map(|meter| meter.info().source).collect();
    let mut mailbox = Mailbox::with_signals()?;
    let compared = Compared {
        backend,
        program: &program,
        request: request(arguments, backend, &model)?,
        root: &root,
        meters: choice.meters,
        period: std::time::Duration::from_millis(arguments.period),
        silence: std::time::Duration::from_secs(600),
    };
    let total = 2 * arguments.pairs as usize;
    let mut device = arguments.wait.device();
    if device.enter(&mut mailbox)? == Entered::Interrupted {
        return Ok(Exit::Interrupted);
    }
    let watch = device.watch();
    let outcome = compare(compared, &mut mailbox, |done| {
        if done.is_multiple_of(10) {
            notice!("{done} of {total} iterations");
        }
    });
    if mailbox.interrupted() {
        return Ok(Exit::Interrupted);
    }
    if let Some(other) = device.met(watch) {
        return Err(DeviceBusy::meanwhile(&other).into());
    }
    let overhead = SamplingOverhead {
        period_ms: arguments.period,
        meters,
        workload: workload(&backend.name, &arguments.model, arguments.threads),
        at_unix_ms: wall_clock_unix_ms(),
        ..SamplingOverhead::of(&outcome?).context("too few pairs were measured")?
    };
    // The cost at another rate says nothing about a run, which reads at the default rate.
    if arguments.period == Sampler::DEFAULT_PERIOD.as_millis() as u64 {
        let device = device_here(arguments.device.as_deref());
        overhead.write(&arguments.results.join(&device.name)).context("the cost was measured, but not stored")?;
    }
    match arguments.format {
        ProbeFormat::Table => {
            let services: String = answer_times(&root, &sources).iter().map(describe_service).collect();
            output::write(&(describe(&overhead) + &services))?;
        }
        ProbeFormat::Json => output::write_json(&overhead)?,
    }
    Ok(Exit::Success)
}

fn request(arguments: &SamplingOverheadArguments, backend: &Backend, model: &PreparedModel) -> Result<Request> {
    let scenario = Scenario::find(&format!("decode-{}", arguments.tokens))?;
    let prepared = prepare(&scenario, model, false)?;
    let context = model.folder.config().context;
    if prepared.context_tokens as usize > context {
        return Err(Refusal::error(format!("{} has a context of {context}: ask for fewer --tokens", arguments.model)));
    }
    let graph = backend.graphs.first().copied();
    Ok(Request {
        protocol: PROTOCOL_VERSION,
        model: model.files(Precision::F32, graph).map_err(Refusal::error)?,
        options: LoadOptions {
            threads: arguments.threads,
            precision: Precision::F32,
            context_tokens: prepared.context_tokens,
        },
        task: Task::Generate(Workload {
            conversations: prepared.conversations,
            stop_tokens: Vec::new(),
            token_bytes: None,
            warmup_iterations: 1,
            warmup: None,
            iterations: 2 * arguments.pairs,
            at_least_ms: 0,
            settle_ms: SETTLE_MS,
        }),
        phase_edges: true,
    })
}

fn workload(backend: &str, model: &str, threads: u32) -> String {
    format!("{backend}, {model}, {threads} {}", if threads == 1 { "thread" } else { "threads" })
}

fn describe(overhead: &SamplingOverhead) -> String {
    let percent = |share: f64| format!("{:+.2} %", share * 100.0);
    let meters = if overhead.meters.is_empty() { "no energy meter".to_owned() } else { overhead.meters.join(", ") };
    format!(
        "decode throughput with the sampler, compared with that without it: {} (95 % interval {} to {}; {} pairs, {})\n\
         read every {} ms: memory, processor time and run queue of the runner; {meters}\n",
        percent(overhead.relative_change),
        percent(overhead.low),
        percent(overhead.high),
        overhead.pairs,
        overhead.workload,
        overhead.period_ms,
    )
}

/// Its answers come between the iterations that are compared, so they are told apart.
fn describe_service(answer: &AnswerTime) -> String {
    let (time, period) = (answer.time.as_secs_f64(), answer.period.as_secs_f64());
    format!(
        "an answer of dumpsys {} takes {}, before and after each case and every {}: {:.2} % of the time of one core at most\n",
        answer.service,
        duration(time),
        duration(period),
        100.0 * time / period
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_says_what_was_compared() {
        let pairs: Vec<(f64, f64)> = (0..20).map(|index| (100.0 - f64::from(index % 3) * 0.1, 100.0)).collect();
        let overhead = SamplingOverhead {
            period_ms: 100,
            meters: vec!["powercap:package-0".into()],
            workload: workload("candle", "tiny", 1),
            ..SamplingOverhead::of(&pairs).unwrap()
        };
        insta::assert_snapshot!(describe(&overhead), @"
        decode throughput with the sampler, compared with that without it: -0.10 % (95 % interval -0.20 % to +0.00 %; 20 pairs, candle, tiny, 1 thread)
        read every 100 ms: memory, processor time and run queue of the runner; powercap:package-0
        ");
    }
}
