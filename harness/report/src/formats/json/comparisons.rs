//! The verdicts of a table in the document.

use pocketwatt_record::{Absent, Compared, Ratio, Verdict};
use serde::Serialize;

use crate::tables::Contests;

/// Two cases of a table and a metric, compared block by block.
#[derive(Serialize)]
pub struct ComparisonPart<'a> {
    /// Identifiers of the two cases.
    baseline: &'a str,
    candidate: &'a str,
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
    /// Of a difference within the margin, adjusted for all comparisons of the table.
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

/// All comparisons of a group, which are one family.
pub fn parts<'a>(contests: &'a Contests<'a>) -> Vec<ComparisonPart<'a>> {
    let part = |one: &'a Compared| {
        let (ratio, interval) = (one.ratio.as_ref().ok(), one.interval());
        ComparisonPart {
            baseline: contests.case(one.contest.baseline),
            candidate: contests.case(one.contest.candidate),
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
    contests.compared().iter().map(part).collect()
}
