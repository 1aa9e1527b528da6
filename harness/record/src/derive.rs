//! Metrics from samples and readings, by the formulas of the catalogue.

use std::slice::from_ref;

use pocketwatt_meter::{KernelCounter, MemoryReading};
use pocketwatt_protocol::{Iteration, IterationKind, LoadStage, TurnTrace};

use crate::{
    EnergyFigure, MetricValue, Outcome, Quality, QualityFigures, Record, Summary, Value, calls, catalogue,
    energy::{derive_energy, energy_metric},
    physics, sustained,
};

/// Fills in what follows from a measured record's samples and readings: energy, metrics, and the checks that decide which
/// of the metrics are shown. A record that was not measured keeps none of them.
pub fn derive(record: &mut Record) {
    record.energy.clear();
    record.metrics.clear();
    record.checks.clear();
    if record.outcome != Outcome::Measured {
        return;
    }
    record.energy = derive_energy(record);
    record.metrics = metrics(record, &record.energy);
    record.checks = physics::check(record);
}

/// Computes every metric of the catalogue from a record's raw samples and readings, in the catalogue's order.
///
/// A metric that cannot be computed is there all the same, with the reason. A metric of energy is there once for each figure
/// that the readings give. Whether the numbers can be true is not asked here, but by [`derive()`].
pub fn derive_metrics(record: &Record) -> Vec<MetricValue> {
    metrics(record, &derive_energy(record))
}

fn metrics(record: &Record, figures: &[EnergyFigure]) -> Vec<MetricValue> {
    let all = catalogue().iter();
    all.flat_map(|metric| {
        energy_metric(metric.name, record, figures).unwrap_or_else(|| vec![timing_metric(metric.name, record)])
    })
    .collect()
}

fn timing_metric(name: &str, record: &Record) -> MetricValue {
    let observed = calls::observe(name, record).or_else(|| sustained::observe(name, record));
    let value = match observed.unwrap_or_else(|| observe(name, record)) {
        Ok(observations) => match Summary::of(&observations) {
            Some(summary) => Value::Measured(summary),
            None if observations.is_empty() => Value::Unavailable("no observations".into()),
            None => Value::Unavailable("no finite number".into()),
        },
        Err(reason) => Value::Unavailable(reason),
    };
    MetricValue { metric: name.to_owned(), scope: None, uncertainty: None, value }
}

/// The observations of one metric, or why there are none.
fn observe(name: &str, record: &Record) -> Result<Vec<f64>, String> {
    let measured: Vec<&Iteration> =
        record.samples.iterations.iter().filter(|iteration| iteration.kind == IterationKind::Measured).collect();
    let turns = || measured.iter().flat_map(|iteration| &iteration.turns);
    match name {
        "time_to_first_token" => non_empty(turns().filter_map(time_to_first_token), "nothing is generated"),
        "prefill_throughput" => {
            non_empty(measured.iter().filter_map(|iteration| prefill_throughput(iteration)), "no time passed")
        }
        "decode_throughput" => {
            non_empty(measured.iter().filter_map(|iteration| decode_throughput(from_ref(iteration))), FEWER_THAN_TWO)
        }
        "inter_token_latency" => non_empty(turns().flat_map(gaps), FEWER_THAN_TWO),
        "time_per_output_token" => non_empty(turns().filter_map(time_per_output_token), FEWER_THAN_TWO),
        "request_latency" => Ok(turns().map(request_latency).collect()),
        "load_time" => one(record.samples.loaded.as_ref().map(|loaded| loaded.end.since(loaded.start)), NOT_LOADED),
        "load_read_time" => load_stage(record, LoadStage::Read),
        "load_prepare_time" => load_stage(record, LoadStage::Prepare),
        "first_token_after_load" => {
            let first = record.samples.iterations.first().and_then(|iteration| iteration.turns.first());
            first.and_then(time_to_first_token).map(|value| vec![value]).ok_or_else(|| "nothing is generated".into())
        }
        "peak_resident_memory" => {
            let readings = &record.readings;
            let peak = readings.peak_with_huge_pages_bytes.or(readings.peak_resident_bytes);
            one(peak, "the process was gone before it was read")
        }
        "peak_anonymous_memory" => {
            let own = |reading: &MemoryReading| reading.anonymous_bytes.saturating_add(reading.huge_bytes);
            one(record.readings.memory.iter().map(own).max(), "no samples")
        }
        "kv_cache_memory" => Ok(measured.iter().map(|iteration| iteration.kv_cache_bytes as f64).collect()),
        "model_bandwidth_utilisation" => bandwidth_utilisation(record, &measured),
        "token_agreement" => distance(record, QualityFigures::agreement),
        "kl_divergence" => distance(record, |figures| figures.kl_divergence),
        "perplexity" => quality(record, |figures| figures.perplexity),
        "processor_use" => {
            non_empty(measured.iter().filter_map(|iteration| processor_use(iteration)), "no time passed")
        }
        "run_queue_wait" => believed(record, KernelCounter::RunQueueWait)
            .and_then(|()| share(record.readings.run_queue_wait_ns, Some(record.readings.sampler.wall_ns))),
        "steal" => believed(record, KernelCounter::Steal)
            .and_then(|()| share(record.readings.steal_ns, record.readings.system_cpu_ns)),
        _ => Err("no formula".into()),
    }
}

const FEWER_THAN_TWO: &str = "fewer than 2 output tokens";
const INFINITE: &str = "infinite: a logit is no number, or out of all proportion";
const NOT_LOADED: &str = "the model was not loaded";

fn non_empty(observations: impl Iterator<Item = f64>, reason: &'static str) -> Result<Vec<f64>, String> {
    let observations: Vec<f64> = observations.collect();
    if observations.is_empty() { Err(reason.into()) } else { Ok(observations) }
}

fn one(observation: Option<u64>, reason: &'static str) -> Result<Vec<f64>, String> {
    observation.map(|value| vec![value as f64]).ok_or_else(|| reason.into())
}

/// # Errors
/// When the counter showed what cannot be.
fn believed(record: &Record, counter: KernelCounter) -> Result<(), String> {
    match record.readings.broken_counters.iter().any(|broken| broken.counter == counter) {
        true => Err(format!("the kernel's {} counter is broken", counter.name())),
        false => Ok(()),
    }
}

fn share(part: Option<u64>, whole: Option<u64>) -> Result<Vec<f64>, String> {
    match (part, whole) {
        (Some(part), Some(whole)) if whole > 0 => Ok(vec![part as f64 / whole as f64]),
        _ => Err("the kernel does not say".into()),
    }
}

fn time_to_first_token(turn: &TurnTrace) -> Option<f64> {
    turn.token_times.first().map(|first| first.since(turn.start) as f64)
}

fn request_latency(turn: &TurnTrace) -> f64 {
    turn.token_times.last().unwrap_or(&turn.prefill_end).since(turn.start) as f64
}

fn time_per_output_token(turn: &TurnTrace) -> Option<f64> {
    let gaps = turn.token_times.len().checked_sub(1).filter(|&gaps| gaps > 0)?;
    Some((request_latency(turn) - time_to_first_token(turn)?) / gaps as f64)
}

fn gaps(turn: &TurnTrace) -> impl Iterator<Item = f64> {
    turn.token_times.windows(2).map(|pair| pair[1].since(pair[0]) as f64)
}

fn prefill_throughput(iteration: &Iteration) -> Option<f64> {
    let tokens: u64 = iteration.turns.iter().map(|turn| u64::from(turn.prompt_tokens)).sum();
    // A sum of whole numbers as floats is exact for months, and does not overflow whatever a record says.
    let time: f64 = iteration.turns.iter().map(|turn| turn.prefill_end.since(turn.start) as f64).sum();
    per_second(tokens, time)
}

/// Decode throughput of some iterations together; nothing where no turn has two output tokens.
pub fn decode_throughput(iterations: &[Iteration]) -> Option<f64> {
    let (tokens, time) = decoded(iterations);
    per_second(tokens, time)
}

/// Tokens generated after the first of each turn, and the time that they took.
fn decoded(iterations: &[Iteration]) -> (u64, f64) {
    let mut tokens = 0;
    let mut time = 0.0;
    for turn in iterations.iter().flat_map(|iteration| &iteration.turns) {
        if let [first, .., last] = turn.token_times[..] {
            tokens += turn.token_times.len() as u64 - 1;
            time += last.since(first) as f64;
        }
    }
    (tokens, time)
}

fn per_second(tokens: u64, time_ns: f64) -> Option<f64> {
    (tokens > 0 && time_ns > 0.0).then(|| tokens as f64 * 1e9 / time_ns)
}

fn processor_use(iteration: &Iteration) -> Option<f64> {
    let start = iteration.turns.first()?.start;
    let last = iteration.turns.last()?;
    let end = *last.token_times.last().unwrap_or(&last.prefill_end);
    let wall = end.since(start);
    (wall > 0).then(|| iteration.cpu_ns as f64 / wall as f64)
}

fn load_stage(record: &Record, stage: LoadStage) -> Result<Vec<f64>, String> {
    let loaded = record.samples.loaded.as_ref().ok_or(NOT_LOADED)?;
    let parts: Vec<f64> =
        loaded.stages.iter().filter(|part| part.stage == stage).map(|part| part.end.since(part.start) as f64).collect();
    if parts.is_empty() {
        return Err("the engine loads in one call".into());
    }
    Ok(vec![parts.iter().sum()])
}

/// How far a backend is from the reference; the reference itself is no distance away.
fn distance(record: &Record, figure: impl Fn(&QualityFigures) -> f64) -> Result<Vec<f64>, String> {
    match &record.quality {
        Some(Quality::Compared(figures)) if figures.is_reference => Err("it is the reference".into()),
        _ => quality(record, figure),
    }
}

/// A figure of the comparison with the reference. What seeded weights say means nothing, however near it is.
fn quality(record: &Record, figure: impl Fn(&QualityFigures) -> f64) -> Result<Vec<f64>, String> {
    match &record.quality {
        _ if record.passport.model.seeded => Err("not applicable to seeded weights".into()),
        Some(Quality::Compared(figures)) => Some(figure(figures))
            .filter(|value| value.is_finite())
            .map(|value| vec![value])
            .ok_or_else(|| INFINITE.into()),
        Some(Quality::Unavailable { reason }) => Err(reason.clone()),
        None => Err("not compared".into()),
    }
}

/// Bytes that a decoded token reads at the least, over what the memory can deliver.
fn bandwidth_utilisation(record: &Record, measured: &[&Iteration]) -> Result<Vec<f64>, String> {
    let bandwidth = record.passport.bandwidth.as_ref().ok_or("bandwidth was not measured")?;
    let model = &record.passport.model;
    let observations = measured.iter().filter_map(|iteration| {
        let positions = mean_decode_context(iteration)?;
        let bytes_per_token = model.weight_bytes_per_token as f64 + positions * model.kv_bytes_per_token as f64;
        Some(bytes_per_token * decode_throughput(from_ref(iteration))? / bandwidth.best_bytes_per_second)
    });
    non_empty(observations, FEWER_THAN_TWO)
}

/// Mean number of positions that a decoded token attends to. Output token `i` (from 1) of a turn follows from a forward
/// pass over `context_tokens + prompt_tokens + i` positions.
fn mean_decode_context(iteration: &Iteration) -> Option<f64> {
    let mut positions = 0.0;
    let mut passes = 0.0;
    for turn in &iteration.turns {
        let decoded = turn.tokens.len().saturating_sub(1) as f64;
        let prompt_end = f64::from(turn.context_tokens) + f64::from(turn.prompt_tokens);
        positions += decoded * prompt_end + decoded * (decoded + 1.0) / 2.0;
        passes += decoded;
    }
    (passes > 0.0).then(|| positions / passes)
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::BrokenCounter;
    use pocketwatt_protocol::MonotonicNs;

    use super::*;
    use crate::energy::simulation;

    #[test]
    fn memory_in_huge_pages_is_memory() {
        let mut record = simulation::record();
        let reading = |anonymous_bytes, huge_bytes| MemoryReading {
            at: MonotonicNs(0),
            anonymous_bytes,
            file_bytes: 1,
            shared_bytes: 0,
            huge_bytes,
        };
        record.readings.memory = vec![reading(50, 0), reading(40, 60), reading(90, 0)];
        record.readings.peak_resident_bytes = Some(95);
        assert_eq!(observe("peak_resident_memory", &record), Ok(vec![95.0]));
        record.readings.peak_with_huge_pages_bytes = Some(155);
        assert_eq!(observe("peak_resident_memory", &record), Ok(vec![155.0]));
        assert_eq!(observe("peak_anonymous_memory", &record), Ok(vec![100.0]));
    }

    #[test]
    fn a_broken_counter_is_no_share() {
        let mut record = simulation::record();
        record.readings.steal_ns = Some(5);
        record.readings.system_cpu_ns = Some(100);
        assert_eq!(observe("steal", &record), Ok(vec![0.05]));
        let seen = "it grew by 832457433 ticks in 1.00 s, of which 2 processors have 200".to_owned();
        record.readings.broken_counters = vec![BrokenCounter { counter: KernelCounter::Steal, seen }];
        assert_eq!(observe("steal", &record), Err("the kernel's steal counter is broken".into()));
        assert_eq!(observe("run_queue_wait", &record), Err("the kernel does not say".into()));
    }
}
