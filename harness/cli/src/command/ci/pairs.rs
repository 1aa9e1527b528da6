//! The two builds of each case of a run.

use anyhow::Result;
use pocketwatt_record::{Damaged, MetricId, Origin, PlannedCase, Run, RunFolder, StoredPair, judge};

use crate::report::{CalibrationUse, StoredComparison};

/// The cases of both builds, as far as they were measured.
pub(super) struct Builds {
    /// Those that have a record of each.
    pub comparison: StoredComparison,
    /// The others, and which build has none.
    pub unreached: Vec<String>,
}

/// Compares each case with the baseline that took turns with it; two records are in memory at a time.
///
/// # Errors
/// When the folder of the records cannot be read.
pub(super) fn compare_builds(folder: &RunFolder, run: &Run, metrics: &[(MetricId, f64)]) -> Result<Builds> {
    let reached = folder.contents(run)?.reached;
    let is_reached = |place: usize| reached.binary_search(&place).is_ok();
    let plan = || run.plan.iter().enumerate();
    let (mut pairs, mut damaged, mut unreached) = (Vec::new(), Vec::new(), Vec::new());
    for (place, head) in plan().filter(|(_, planned)| !planned.case.baseline) {
        let base = plan().find(|(_, base)| base.case.is_baseline_of(&head.case));
        let Some((_, base)) = base.filter(|(base_place, _)| is_reached(*base_place)) else {
            unreached.push(format!("{}: the base has no record", head.case.id));
            continue;
        };
        if !is_reached(place) {
            unreached.push(format!("{}: the head has no record", head.case.id));
            continue;
        }
        let read = |planned: &PlannedCase| folder.record(run, planned);
        match (read(base), read(head)) {
            (Ok(base), Ok(head)) => {
                let origin = |record| Origin { record, run: Some(run) };
                pairs.push(StoredPair::of(origin(&base), origin(&head), metrics).of_the_same_work());
            }
            (base, head) => damaged.extend([base.err(), head.err()].into_iter().flatten().map(words)),
        }
    }
    judge(&mut pairs, None);
    let name = |build: &str| format!("{} ({build})", folder.path().display());
    let comparison = StoredComparison {
        baseline: name("base"),
        candidate: name("head"),
        pairs,
        only_in_baseline: Vec::new(),
        only_in_candidate: Vec::new(),
        damaged,
        calibration: CalibrationUse::NotNeeded,
    };
    Ok(Builds { comparison, unreached })
}

fn words(Damaged { file, damage, .. }: Damaged) -> String {
    format!("cases/{file} {damage}")
}
