//! The two builds of each case of a run.

use anyhow::Result;
use pocketwatt_record::{Damaged, MetricId, Origin, PlannedCase, Record, Run, RunFolder, ShardCase, StoredPair, judge};

use crate::report::{Builds, CalibrationUse, StoredComparison};

/// Compares each case with the baseline that took turns with it; two records are in memory at a time. What the plan has and a build lacks is
/// named.
///
/// # Errors
/// When the folder of the records cannot be read.
pub(super) fn compare_builds(folder: &RunFolder, run: &Run, metrics: &[(MetricId, f64)]) -> Result<Builds> {
    let contents = folder.contents(run)?;
    let is_reached = |place: usize| contents.reached.binary_search(&place).is_ok();
    let plan = || run.plan.iter().enumerate();
    let (mut pairs, mut unreached, mut interrupted) = (Vec::new(), elsewhere(run), Vec::new());
    let mut damaged: Vec<String> = contents.strangers.iter().map(words).collect();
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
                interrupted.extend(interruption(&base, &head));
                let origin = |record| Origin { record, run: Some(run) };
                pairs.push(StoredPair::of(origin(&base), origin(&head), metrics).of_the_same_work());
            }
            (base, head) => damaged.extend([base.err(), head.err()].iter().flatten().map(words)),
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
    Ok(Builds { comparison, unreached, interrupted })
}

/// The cases of the whole plan that other shards measure, of which this run has nothing.
fn elsewhere(run: &Run) -> Vec<String> {
    let missing = run.merged.iter().flat_map(|merged| &merged.missing);
    let others = run.shard.iter().flat_map(|own| own.cases.iter().filter(|case| case.shard != own.number));
    let cases: Vec<&ShardCase> = missing.chain(others).collect();
    // A base is named with its head.
    let is_base = |case: &&ShardCase| {
        let heads = cases.iter().map(|head| head.id.as_str());
        case.id.strip_suffix("_baseline").is_some_and(|id| heads.clone().any(|head| head == id))
    };
    let heads = cases.iter().filter(|case| !is_base(case));
    heads.map(|case| format!("{}: shard {} is missing", case.id, case.shard)).collect()
}

/// `chat_tiny_fake_f32_1t: 3 of 30 blocks in the base, 2 of 30 in the head`, where one of them was stopped.
fn interruption(base: &Record, head: &Record) -> Option<String> {
    if !base.lacks_blocks() && !head.lacks_blocks() {
        return None;
    }
    let blocks = |record: &Record| {
        let planned = record.passport.planned_blocks.map_or(String::new(), |planned| format!(" of {planned}"));
        format!("{}{planned}", record.samples.counted_blocks().count())
    };
    Some(format!("{}: {} blocks in the base, {} in the head", head.case.id, blocks(base), blocks(head)))
}

fn words(Damaged { file, damage, .. }: &Damaged) -> String {
    format!("cases/{file} {damage}")
}
