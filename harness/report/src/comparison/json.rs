//! A comparison as a document for programs.

use pocketwatt_record::{
    Absent, AbsentKind, Basis, Case, Difference, Direction, Estimate, FormatVersion, Outcome, StoredContest,
    StoredPair, Unit, Verdict,
};
use serde::Serialize;

use crate::{
    comparison::{
        data::{CalibrationUse, StoredComparison},
        words::verdict_word,
    },
    table::Tally,
};

/// Version of this document, independent of that of the records.
const COMPARISON_FORMAT: FormatVersion = FormatVersion { major: 1, minor: 1 };
const CONFIDENCE: f64 = 0.95;

/// A comparison, as programs read it.
#[derive(Serialize)]
pub struct Document<'a> {
    format: FormatVersion,
    baseline: &'a str,
    candidate: &'a str,
    calibration: &'a CalibrationUse,
    summary: Tally,
    cases: Vec<CasePart<'a>>,
    only_in_baseline: &'a [String],
    only_in_candidate: &'a [String],
    damaged: &'a [String],
}

#[derive(Serialize)]
struct CasePart<'a> {
    case: &'a Case,
    baseline_case: &'a Case,
    /// Whether it was compared although the work or the device differs.
    forced: bool,
    baseline_outcome: &'a Outcome,
    candidate_outcome: &'a Outcome,
    failed_in_candidate: bool,
    differences: &'a [Difference],
    metrics: Vec<MetricPart<'a>>,
}

#[derive(Serialize)]
struct MetricPart<'a> {
    metric: &'static str,
    unit: Unit,
    direction: Direction,
    margin: f64,
    forced: bool,
    baseline: NumberPart<'a>,
    candidate: NumberPart<'a>,
    /// Candidate / baseline.
    ratio: NumberPart<'a>,
    basis: Basis,
    verdict: Option<&'static str>,
    more_blocks: Option<u32>,
    p_value: Option<f64>,
    detectable: Option<f64>,
}

/// A number with its 95 % interval, or why there is none.
#[derive(Serialize)]
#[serde(untagged)]
enum NumberPart<'a> {
    Number { value: f64, low: Option<f64>, high: Option<f64> },
    Absent { absent: AbsentKind, unavailable: &'a str },
}

impl<'a> NumberPart<'a> {
    fn of(found: &'a Result<Estimate, Absent>) -> Self {
        match found {
            Ok(Estimate { value, range, .. }) => {
                Self::Number { value: *value, low: range.map(|range| range.0), high: range.map(|range| range.1) }
            }
            Err(absent) => Self::absent(absent),
        }
    }

    fn absent(absent: &'a Absent) -> Self {
        Self::Absent { absent: absent.kind, unavailable: &absent.words }
    }
}

/// The document.
pub fn document(comparison: &StoredComparison) -> Document<'_> {
    Document {
        format: COMPARISON_FORMAT,
        baseline: &comparison.baseline,
        candidate: &comparison.candidate,
        calibration: &comparison.calibration,
        summary: comparison.tally(),
        cases: comparison.pairs.iter().map(case).collect(),
        only_in_baseline: &comparison.only_in_baseline,
        only_in_candidate: &comparison.only_in_candidate,
        damaged: &comparison.damaged,
    }
}

fn case(pair: &StoredPair) -> CasePart<'_> {
    let forced = pair.obstacles().next().is_some();
    CasePart {
        case: &pair.candidate,
        baseline_case: &pair.baseline,
        forced,
        baseline_outcome: &pair.baseline_outcome,
        candidate_outcome: &pair.candidate_outcome,
        failed_in_candidate: pair.failed_in_candidate(),
        differences: &pair.differences,
        metrics: pair.contests.iter().map(|contest| metric(contest, forced)).collect(),
    }
}

fn metric(contest: &StoredContest, forced: bool) -> MetricPart<'_> {
    let definition = contest.metric.definition();
    let is_tested = matches!(contest.basis, Basis::Together | Basis::Calibrated { .. }) && contest.ratio.is_ok();
    MetricPart {
        metric: definition.name,
        unit: definition.unit,
        direction: definition.direction,
        margin: contest.margin,
        forced,
        baseline: NumberPart::of(&contest.baseline),
        candidate: NumberPart::of(&contest.candidate),
        ratio: match &contest.ratio {
            Ok(ratio) => {
                let (low, high) = ratio.interval(CONFIDENCE);
                NumberPart::Number { value: ratio.value(), low: Some(low), high: Some(high) }
            }
            Err(absent) => NumberPart::absent(absent),
        },
        basis: contest.basis,
        verdict: contest.verdict.map(verdict_word),
        more_blocks: match contest.verdict {
            Some(Verdict::Undecided { more_blocks }) => more_blocks,
            _ => None,
        },
        p_value: is_tested.then_some(contest.p_value),
        detectable: contest.detectable,
    }
}
