//! Which cases of two sides belong together.

use pocketwatt_record::{Case, Damaged, MetricId, StoredPair};

use super::side::{Side, SideCase};

/// The cases that both sides have, and the others.
pub struct Matched {
    pub pairs: Vec<StoredPair>,
    pub only_in_baseline: Vec<String>,
    pub only_in_candidate: Vec<String>,
    /// Files that are not records, with the reason.
    pub damaged: Vec<String>,
}

/// Reads the records of two sides, a pair at a time: all together may not fit into memory. Two records that were named belong
/// together, whatever they are.
pub fn match_cases(baseline: &Side, candidate: &Side, metrics: &[(MetricId, f64)]) -> Matched {
    let (one, other) = (baseline.cases(), candidate.cases());
    let named = baseline.is_record() && candidate.is_record();
    let partner = |case: &Case| one.iter().position(|found| named || is_same(found.case, case));
    let (mut pairs, mut only_in_candidate) = (Vec::new(), Vec::new());
    let (mut damaged_in_baseline, mut damaged_in_candidate): (Vec<Damaged>, Vec<Damaged>) = (Vec::new(), Vec::new());
    let mut taken = vec![false; one.len()];
    for case in &other {
        let Some(place) = partner(case.case) else {
            only_in_candidate.push(case.case.id.clone());
            continue;
        };
        taken[place] = true;
        match (baseline.record(&one[place]), candidate.record(case)) {
            (Ok(first), Ok(second)) => {
                pairs.push(StoredPair::of(baseline.origin(&first), candidate.origin(&second), metrics));
            }
            (first, second) => {
                damaged_in_baseline.extend(first.err());
                damaged_in_candidate.extend(second.err());
            }
        }
    }
    let left: Vec<&SideCase> = one.iter().zip(&taken).filter(|(_, taken)| !**taken).map(|(case, _)| case).collect();
    let mut damaged = baseline.report_damaged(&damaged_in_baseline);
    damaged.extend(candidate.report_damaged(&damaged_in_candidate));
    Matched {
        pairs,
        only_in_baseline: left.iter().map(|found| found.case.id.clone()).collect(),
        only_in_candidate,
        damaged,
    }
}

/// Whether two cases are the same but for their names.
pub fn is_same(one: &Case, other: &Case) -> bool {
    one.has_same_backend(other) && one.baseline == other.baseline
}
