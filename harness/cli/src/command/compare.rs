//! `pocketwatt compare`: two stored runs side by side, with verdicts; nothing is measured.

mod calibration;
mod margin;
mod matching;
mod side;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use pocketwatt_record::{Basis, MARGIN, MetricId, StoredPair, judge};

use self::{calibration::find_calibration, margin::Margin, matching::match_cases, side::Side};
use super::{judgement::JudgementArguments, output};
use crate::{
    exit::Exit,
    refusal::Refusal,
    report::{COMPARED_METRICS, CalibrationUse, ComparisonFormat, StoredComparison, Style, difference_words},
};

/// This many cases are named one by one on standard error.
const NAMED: usize = 20;

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
    /// A difference of at most this is none: for all metrics, such as 2%, or for one, such as decode_throughput=3% [default: 1%].
    #[arg(long, value_name = "[METRIC=]SHARE", value_parser = Margin::parse)]
    margin: Vec<Margin>,
    /// Compare although the work or the device differs, and mark every row of such a case.
    #[arg(long)]
    force: bool,
    /// The noise between runs [default: calibration.json among the results of the device].
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
}

/// Writes the comparison to standard output.
///
/// # Errors
/// When a run or record does not exist or cannot be read, or nothing of it can.
pub fn run(arguments: &CompareArguments) -> Result<Exit> {
    let metrics: Vec<(MetricId, f64)> =
        COMPARED_METRICS.into_iter().map(|metric| (metric, Margin::of(&arguments.margin, metric, MARGIN))).collect();
    let baseline = Side::open(&arguments.results, &arguments.baseline)?;
    let candidate = Side::open(&arguments.results, &arguments.candidate)?;
    let matched = match_cases(&baseline, &candidate, &metrics);
    if matched.pairs.is_empty() {
        return nothing_in_common(&baseline, &candidate, &matched);
    }
    if !arguments.force && report_obstacles(&matched.pairs) {
        return Ok(Exit::NotComparable);
    }
    let mut pairs = matched.pairs;
    let apart = pairs.iter().flat_map(|pair| &pair.contests).any(|contest| contest.basis != Basis::Together);
    let (calibration, calibration_use) = match apart {
        true => find_calibration(arguments.calibration.as_deref(), &arguments.results, &baseline, &candidate)?,
        false => (None, CalibrationUse::NotNeeded),
    };
    judge(&mut pairs, calibration.as_ref());
    let comparison = StoredComparison {
        baseline: baseline.name(),
        candidate: candidate.name(),
        pairs,
        only_in_baseline: matched.only_in_baseline,
        only_in_candidate: matched.only_in_candidate,
        damaged: matched.damaged,
        calibration: calibration_use,
    };
    output::write(&comparison.text(arguments.format, &Style::detect())?)?;
    let is_damaged = !comparison.damaged.is_empty() || baseline.is_rebuilt() || candidate.is_rebuilt();
    let otherwise = if is_damaged { Exit::Incomplete } else { Exit::Success };
    Ok(arguments.judgement.exit(&comparison.tally()).unwrap_or(otherwise))
}

/// Reports what makes a comparison meaningless; false if nothing does.
fn report_obstacles(pairs: &[StoredPair]) -> bool {
    let obstructed: Vec<&StoredPair> = pairs.iter().filter(|pair| pair.obstacles().next().is_some()).collect();
    for pair in obstructed.iter().take(NAMED) {
        let words: Vec<String> = pair.obstacles().map(difference_words).collect();
        notice!("not comparable: {}: {}", pair.candidate.id, words.join("; "));
    }
    if obstructed.len() > NAMED {
        notice!("not comparable: {} cases more", obstructed.len() - NAMED);
    }
    if !obstructed.is_empty() {
        notice!(
            "what was measured is not the same, so its numbers say nothing about better and worse; --force compares them anyway, and \
             marks them"
        );
    }
    !obstructed.is_empty()
}

/// What is said where no case is on both sides.
fn nothing_in_common(baseline: &Side, candidate: &Side, matched: &matching::Matched) -> Result<Exit> {
    if !matched.damaged.is_empty() {
        return Err(Refusal::error("no case is left to compare: the records above are damaged"));
    }
    for (name, side, cases) in
        [("A", baseline, &matched.only_in_baseline), ("B", candidate, &matched.only_in_candidate)]
    {
        if cases.is_empty() {
            return Err(Refusal::error(format!("{name}, {}, has no measured case", side.name())));
        }
        let more = cases.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        notice!("{name} has {}{more}", cases[..cases.len().min(NAMED)].join(", "));
    }
    notice!(
        "not comparable: no case is in both; cases belong together if scenario, model, backend, precision, graph, threads and \
         constraint are the same"
    );
    Ok(Exit::NotComparable)
}
