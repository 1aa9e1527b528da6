//! The verdicts of tables, and on settings, in the document.

use pocketwatt_record::{Absent, Compared, Ratio, Verdict};
use serde::Serialize;

use crate::tables::{Contests, Gains};

/// Two cases and a metric, compared block by block.
#[derive(Serialize)]
pub struct ComparisonPart<'a> {
    /// Identifiers of the two cases.
    baseline: &'a str,
    candidate: &'a str,
    /// Which comparisons are adjusted together.
    family: Family,
    metric: &'static str,
    /// Number of blocks that both have.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocks: Option<usize>,
    /// The metric in the candidate / the metric in the baseline, and its 95 % interval.
    ratio: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    /// Why there is no ratio.
    #[serde(skip_serializing_if = "Option::is_none")]
    unavailable: Option<String>,
    /// Share up to which a difference is none.
    margin: f64,
    /// Of a difference within the margin, adjusted for all comparisons of the family.
    p_value: f64,
    /// Of the candidate: `better`, `worse`, `same` or `undecided`.
    verdict: Option<&'static str>,
    /// About how many further blocks would decide; absent where it is decided, or nothing that anybody measures would.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_blocks: Option<u32>,
    /// Smallest difference that these blocks would show with a probability of 95 %, as a share.
    detectable: Option<f64>,
    /// Standard deviation of the natural logarithm of a block's ratio.
    deviation: Option<f64>,
}

/// What is compared with each other.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Family {
    /// The cases of a table.
    Table,
    /// Precisions and numbers of threads of one scenario and model, each with the first of its backend.
    Settings,
}

/// All comparisons of a group, which are one family.
pub fn in_table<'a>(contests: &'a Contests<'a>) -> Vec<ComparisonPart<'a>> {
    parts(contests.compared(), Family::Table, |position| contests.case(position))
}

/// All comparisons of the settings of a scenario and a model, which are one family.
pub fn of_settings(gains: &Gains) -> Vec<ComparisonPart<'_>> {
    parts(gains.compared(), Family::Settings, |position| gains.case(position))
}

fn parts<'a>(compared: &'a [Compared], family: Family, case: impl Fn(usize) -> &'a str) -> Vec<ComparisonPart<'a>> {
    let part = |one: &'a Compared| {
        let (ratio, interval) = (one.ratio.as_ref().ok(), one.interval());
        ComparisonPart {
            baseline: case(one.contest.baseline),
            candidate: case(one.contest.candidate),
            family,
            metric: one.contest.metric.definition().name,
            blocks: ratio.map(Ratio::blocks),
            ratio: ratio.map(Ratio::value),
            low: interval.map(|(low, _)| low),
            high: interval.map(|(_, high)| high),
            unavailable: one.ratio.as_ref().err().map(Absent::to_string),
            margin: one.contest.margin,
            p_value: one.p_value,
            verdict: one.verdict.map(Verdict::name),
            more_blocks: match one.verdict {
                Some(Verdict::Undecided { more_blocks }) => more_blocks,
                _ => None,
            },
            detectable: one.detectable,
            deviation: ratio.map(Ratio::deviation),
        }
    };
    compared.iter().map(part).collect()
}
