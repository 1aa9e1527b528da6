//! `pocketwatt compare`: two stored runs side by side, with verdicts; nothing is measured.

mod calibration;
mod comparable;
mod margin;
mod matching;
mod side;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use pocketwatt_record::{Basis, Calibration, MARGIN, MetricId, judge};

pub use self::{
    calibration::find_calibration,
    comparable::{NotComparable, Obstructed, ensure_comparable, named, nothing_in_common},
    matching::is_same,
    side::Side,
};
use self::{
    margin::Margin,
    matching::{Matched, match_cases},
};
use super::{device_calibration::DeviceAt, judgement::JudgementArguments, output};
use crate::{
    exit::Exit,
    refusal::Refusal,
    report::{COMPARED_METRICS, CalibrationUse, ComparisonFormat, StoredComparison, Style},
};

/// What to compare, and what follows from it.
#[derive(Args, Debug)]
pub struct CompareArguments {
    /// The baseline: the name of a run, its folder, `latest`, or the file of one record.
    #[arg(value_name = "A")]
    baseline: String,
    /// The candidate, which is better or worse than the baseline.
    #[arg(value_name = "B")]
    candidate: String,
    /// Where runs are stored.
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// How to write the comparison to standard output.
    #[arg(long, value_enum, default_value_t)]
    format: ComparisonFormat,
    #[command(flatten)]
    judgement: JudgementArguments,
    #[command(flatten)]
    comparison: ComparisonArguments,
}

/// How two runs are compared.
#[derive(Args, Debug, Default)]
pub struct ComparisonArguments {
    /// A difference from the baseline run of at most this is none: for all metrics, such as 2%, or for one, such as
    /// decode_throughput=3% [default: 1%].
    #[arg(long, value_name = "[METRIC=]SHARE", value_parser = Margin::parse)]
    margin: Vec<Margin>,
    /// Compare with the baseline run although the work or the device differs, and mark every row of such a case.
    #[arg(long)]
    pub force: bool,
    /// The noise between runs [default: calibration.json among the results of the device].
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,
}

impl ComparisonArguments {
    /// Whether any of them was given.
    pub fn are_given(&self) -> bool {
        !self.margin.is_empty() || self.force || self.calibration.is_some()
    }

    /// What is compared, each metric with its margin.
    pub fn metrics(&self) -> Vec<(MetricId, f64)> {
        COMPARED_METRICS.into_iter().map(|metric| (metric, Margin::of(&self.margin, metric, MARGIN))).collect()
    }
}

/// Writes the comparison to standard output.
///
/// # Errors
/// When a run or record does not exist or cannot be read, or as of [`compare`].
pub fn run(arguments: &CompareArguments) -> Result<Exit> {
    let baseline = Side::open(&arguments.results, &arguments.baseline)?;
    let candidate = Side::open(&arguments.results, &arguments.candidate)?;
    let comparison = compare(&baseline, &candidate, &arguments.results, &arguments.comparison)?;
    output::write(&comparison.text(arguments.format, &Style::detect())?)?;
    let is_damaged = !comparison.damaged.is_empty() || baseline.is_rebuilt() || candidate.is_rebuilt();
    let otherwise = if is_damaged { Exit::Incomplete } else { Exit::Success };
    Ok(arguments.judgement.exit(&comparison.tally()).unwrap_or(otherwise))
}

/// Compares the cases that two sides have in common.
///
/// # Errors
/// When they are not comparable, no record is left to compare, or a calibration cannot be used.
pub fn compare(
    baseline: &Side,
    candidate: &Side,
    results: &Path,
    asked: &ComparisonArguments,
) -> Result<StoredComparison> {
    let Matched { mut pairs, only_in_baseline, only_in_candidate, damaged } =
        match_cases(baseline, candidate, &asked.metrics());
    if pairs.is_empty() {
        return Err(match damaged.is_empty() {
            false => Refusal::error("no case is left to compare: the records above are damaged"),
            true => nothing_left(baseline, candidate, &only_in_baseline, &only_in_candidate),
        });
    }
    // Records of the first versions do not name their run.
    if are_one_place(baseline, candidate) || pairs.iter().all(|pair| pair.is_one_measurement) {
        return Err(Refusal::error(format!(
            "{} and {} have the same records: one measurement is not compared with itself, so name another run",
            baseline.name(),
            candidate.name()
        )));
    }
    if !asked.force {
        let obstacles =
            pairs.iter().map(|pair| Obstructed { case: &pair.candidate.id, by: pair.obstacles().collect() });
        ensure_comparable(obstacles)?;
    }
    let apart = pairs.iter().flat_map(|pair| &pair.contests).any(|contest| contest.basis != Basis::Together);
    let (calibration, calibration_use) = match apart || asked.calibration.is_some() {
        true => calibration_of(baseline, candidate, results, asked.calibration.as_deref())?,
        false => (None, CalibrationUse::NotNeeded),
    };
    let calibration_use = if apart { calibration_use } else { CalibrationUse::NotNeeded };
    judge(&mut pairs, calibration.as_ref());
    Ok(StoredComparison {
        baseline: baseline.name(),
        candidate: candidate.name(),
        pairs,
        only_in_baseline,
        only_in_candidate,
        damaged,
        calibration: calibration_use,
    })
}

fn are_one_place(baseline: &Side, candidate: &Side) -> bool {
    let [one, other] = [baseline, candidate].map(|side| side.path().canonicalize().ok());
    one.is_some() && one == other
}

/// That of the candidate's device, unless one was named.
fn calibration_of(
    baseline: &Side,
    candidate: &Side,
    results: &Path,
    file: Option<&Path>,
) -> Result<(Option<Calibration>, CalibrationUse)> {
    let beside = candidate.device_folder().map(|folder| Calibration::in_folder(&folder));
    let usual = candidate.known_run().map(|run| Calibration::path(results, &run.device.name));
    let runs = [baseline, candidate].map(|side| side.known_run().map(DeviceAt::of));
    find_calibration(file, beside.into_iter().chain(usual), runs)
}

fn nothing_left(
    baseline: &Side,
    candidate: &Side,
    only_in_baseline: &[String],
    only_in_candidate: &[String],
) -> anyhow::Error {
    for (name, side, cases) in [("A", baseline, only_in_baseline), ("B", candidate, only_in_candidate)] {
        if cases.is_empty() {
            return Refusal::error(format!("{name}, {}, has no measured case", side.name()));
        }
    }
    nothing_in_common(only_in_baseline, only_in_candidate)
}
