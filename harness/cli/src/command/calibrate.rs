//! `pocketwatt calibrate`: what two measurements of the same thing differ by on this device.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use pocketwatt_protocol::{Precision, wall_clock_unix_ms};
use pocketwatt_record::{
    CALIBRATION_FORMAT, CalibratedDevice, Calibration, Case, MeasuredNoise, MetricId, Noise, Record, Run, RunFolder,
    measured_noise,
};

use super::{
    output, quantity,
    run::{RunArguments, run_and},
};
use crate::{
    exit::Exit,
    phone::Given,
    report::{COMPARED_METRICS, NoiseOfCase, noise_text},
};

/// How long to measure, and what.
#[derive(Args, Debug)]
pub struct CalibrateArguments {
    /// Time for the blocks of each scenario and model, which all backends and precisions share. A comparison of stored runs is as sure as this is long: some twenty blocks are the least.
    #[arg(long, value_name = "TIME", value_parser = quantity::duration_ms, default_value = "5min")]
    time: u64,
    #[command(flatten)]
    run: RunArguments,
}

impl CalibrateArguments {
    /// Tells the name of this command, and which options stand in the command line.
    pub fn give(&mut self, command: &str, given: Vec<Given>) {
        self.run.give(command, given);
    }
}

/// Measures every case beside itself, shows what differs although nothing does, and stores it for comparisons.
///
/// # Errors
/// As of a run, and when the calibration cannot be stored.
pub fn run(mut arguments: CalibrateArguments) -> Result<Exit> {
    arguments.run.calibrate(arguments.time)?;
    run_and(arguments.run, calibrate)
}

/// Computes the noise from a run's records, and stores it beside the runs of the device.
fn calibrate(run: &Run, folder: &RunFolder) -> Result<()> {
    let records = folder.records()?.intact;
    let blocks = run.settings.turns.map_or(1, |turns| turns.blocks) as usize;
    let cases: Vec<(&Case, NoiseOfCase)> =
        twins(&records).map(|(one, other)| (&other.case, noise(one, other, blocks))).collect();
    output::write(&noise_text(cases.iter().map(|(_, noise)| noise)))?;
    let found: Vec<Noise> = stored(&cases);
    if found.is_empty() {
        notice!("there are too few blocks for a calibration: give it more --time");
        return Ok(());
    }
    let Some(path) = folder.path().parent().map(Calibration::in_folder) else { return Ok(()) };
    let kept = kept(&path, run, &found);
    let calibration = Calibration {
        format: CALIBRATION_FORMAT,
        pocketwatt: env!("CARGO_PKG_VERSION").into(),
        created_unix_ms: wall_clock_unix_ms(),
        device: CalibratedDevice::of(&run.device),
        noise: found.into_iter().chain(kept).collect(),
    };
    calibration.write(&path)?;
    notice!("calibration: {}", path.display());
    Ok(())
}

/// The pairs of a baseline and the case that is the same.
fn twins(records: &[Record]) -> impl Iterator<Item = (&Record, &Record)> {
    let baselines = records.iter().filter(|record| record.case.baseline);
    baselines.filter_map(|one| Some((one, records.iter().find(|other| one.case.is_baseline_of(&other.case))?)))
}

fn noise(one: &Record, other: &Record, blocks: usize) -> NoiseOfCase {
    let seconds = |record: &Record| {
        let blocks = &record.samples.blocks;
        let ns: u64 = blocks.iter().map(|block| block.span.duration_ns()).sum();
        ns as f64 / 1e9 / blocks.len().max(1) as f64
    };
    let Case { scenario, model, backend, precision, threads, .. } = &other.case;
    let of = |metric: MetricId| Some((metric, measured_noise(one, other, metric, blocks).ok()?));
    NoiseOfCase {
        title: format!("{scenario}, {model}, {backend}, {}, {threads} threads", precision.name()),
        block_s: seconds(one) + seconds(other),
        metrics: COMPARED_METRICS.into_iter().filter_map(of).collect(),
    }
}

/// Of several scenarios, the largest noise: a comparison does not know which of them its own is like.
fn stored(cases: &[(&Case, NoiseOfCase)]) -> Vec<Noise> {
    let mut largest: BTreeMap<(String, Precision, &'static str), MeasuredNoise> = BTreeMap::new();
    for (case, noise) in cases {
        for (metric, found) in &noise.metrics {
            let key = (case.backend.clone(), case.precision, metric.definition().name);
            let known = largest.entry(key).or_insert(*found);
            let of_block = known.of_block.max(found.of_block);
            if known.between_runs < found.between_runs {
                *known = *found;
            }
            known.of_block = of_block;
        }
    }
    let noise = |((backend, precision, metric), found): ((String, Precision, &str), MeasuredNoise)| Noise {
        backend,
        precision,
        metric: metric.into(),
        deviation: found.between_runs,
        pairs: found.pairs as u32,
        block_deviation: Some(found.of_block),
    };
    largest.into_iter().map(noise).collect()
}

/// What an earlier calibration says of other backends and precisions, if it still holds.
fn kept(path: &std::path::Path, run: &Run, found: &[Noise]) -> Vec<Noise> {
    let Ok(earlier) = Calibration::read(path) else { return Vec::new() };
    if earlier.ensure_suits(&run.device, run.started_unix_ms).is_err() {
        return Vec::new();
    }
    let is_found =
        |noise: &Noise| found.iter().any(|new| (&new.backend, new.precision) == (&noise.backend, noise.precision));
    earlier.noise.into_iter().filter(|noise| !is_found(noise)).collect()
}
