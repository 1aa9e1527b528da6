//! Runs that are a part of a plan, or were put together from such parts.

use std::collections::BTreeMap;

use pocketwatt_record::{EnergyPlan, Merged, MergedShard, Run, Shard, ShardCase};

use crate::{
    facts::device::{plural, roofs},
    output::{date::minute, inert::one_line},
};

/// This many shards or cases are named one by one.
const NAMED: usize = 20;

/// Which part of a plan this is, or from which parts it was put together and what is missing.
pub fn fleet(run: &Run) -> Vec<(&'static str, String)> {
    let mut facts: Vec<_> = run.shard.iter().map(|shard| ("shard", part(shard))).collect();
    let Some(merged) = &run.merged else { return facts };
    facts.push(("merged", shards(run, merged)));
    if !merged.missing.is_empty() {
        let case = |ShardCase { id, shard }: &ShardCase| format!("{} of shard {shard}", one_line(id));
        facts.push(("missing", listed(merged.missing.iter().map(case))));
    }
    let starts = starts(run);
    if starts.len() > 1 {
        facts.push((
            "starts",
            format!(
                "the shards ran on {} starts of the device, or on several devices of one kind, which also differ: {}",
                starts.len(),
                listed(starts.into_iter())
            ),
        ));
    }
    facts
}

/// The rooflines of each shard.
pub fn bandwidths(merged: &Merged) -> String {
    let of_shard = |shard: &MergedShard| {
        let roofs = roofs(&shard.bandwidth);
        (!roofs.is_empty()).then(|| format!("shard {}: {}", shard.number, roofs.join(", ")))
    };
    let texts: Vec<String> = merged.shards.iter().filter_map(of_shard).collect();
    if texts.is_empty() { "not measured".into() } else { listed(texts.into_iter()) }
}

/// What the plans of a run's shards say about energy, or the run's own plan: once where all say the same, else with the shards.
pub fn of_each_plan(run: &Run, words: impl Fn(&EnergyPlan) -> Option<String>) -> Option<String> {
    let Some(merged) = &run.merged else { return words(&run.energy) };
    let mut said: Vec<(Option<String>, Vec<String>)> = Vec::new();
    for shard in merged.shards.iter().filter(|shard| count(run, shard) > 0) {
        let words = words(shard.energy.as_ref().unwrap_or(&run.energy));
        match said.iter_mut().find(|(known, _)| *known == words) {
            Some((_, numbers)) => numbers.push(shard.number.to_string()),
            None => said.push((words, vec![shard.number.to_string()])),
        }
    }
    if said.len() <= 1 {
        return said.pop()?.0;
    }
    let parts = said.into_iter().filter_map(|(words, numbers)| {
        Some(format!("{} {}: {}", plural(numbers.len() as u32, "shard"), listed(numbers.into_iter()), words?))
    });
    Some(parts.collect::<Vec<_>>().join("; "))
}

/// The starts of the device on which shards of a merged run were measured, each with these shards: `shards 1, 3`. Several of them mean that
/// the device was started anew, or that there are several of its kind. A shard that went on after a new start is on each of its starts
/// `in part`.
pub fn starts(run: &Run) -> Vec<String> {
    let mut starts: BTreeMap<Option<&str>, Vec<String>> = BTreeMap::new();
    let shards = run.merged.iter().flat_map(|merged| &merged.shards);
    for shard in shards.filter(|shard| count(run, shard) > 0) {
        let name = match shard.boot_ids.len() {
            0 | 1 => shard.number.to_string(),
            _ => format!("{} in part", shard.number),
        };
        let known = shard.boot_ids.iter().map(|start| Some(start.as_str()));
        for start in known.chain(shard.boot_ids.is_empty().then_some(None)) {
            starts.entry(start).or_default().push(name.clone());
        }
    }
    let words = |(start, numbers): (Option<&str>, Vec<String>)| {
        let shards = format!("{} {}", plural(numbers.len() as u32, "shard"), listed(numbers.into_iter()));
        if start.is_some() { shards } else { format!("{shards}, whose start is not known") }
    };
    let mut starts: Vec<String> = starts.into_iter().map(words).collect();
    starts.sort();
    starts
}

fn part(shard: &Shard) -> String {
    let own = shard.cases.iter().filter(|case| case.shard == shard.number).count();
    let cases = shard.cases.len();
    format!("{} of {} of a plan: {own} of its {cases} {}", shard.number, shard.of, plural(cases as u32, "case"))
}

fn shards(run: &Run, merged: &Merged) -> String {
    let one = |shard: &MergedShard| {
        let cases = count(run, shard);
        let cases = format!("{cases} {}", plural(cases as u32, "case"));
        format!("{} ({}, {}, {cases})", shard.number, one_line(&shard.run), minute(shard.started_unix_ms))
    };
    let count = merged.shards.len();
    let of = if count as u32 == merged.of { String::new() } else { format!(" of {}", merged.of) };
    format!("from {count}{of} {} of one plan: {}", plural(merged.of, "shard"), listed(merged.shards.iter().map(one)))
}

/// The cases of a shard.
fn count(run: &Run, shard: &MergedShard) -> usize {
    run.plan.iter().filter(|planned| planned.shard == Some(shard.number)).count()
}

fn listed(texts: impl ExactSizeIterator<Item = String>) -> String {
    let more = texts.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", texts.take(NAMED).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use pocketwatt_record::PlannedCase;

    use super::*;
    use crate::fixture;

    /// A run of three shards with a case each, which left the device idle for so long.
    fn merged(idle_ms: [u64; 3]) -> Run {
        let mut run = fixture::run(&fixture::records());
        let case = run.plan[0].case.clone();
        run.plan =
            (1..=3).map(|shard| PlannedCase { case: case.clone(), estimate_s: 1.0, shard: Some(shard) }).collect();
        let shard = |(number, idle_ms): (u32, u64)| MergedShard {
            number,
            run: format!("run-{number}"),
            started_unix_ms: 0,
            command: Vec::new(),
            boot_ids: Vec::new(),
            energy: Some(EnergyPlan { idle_ms, ..EnergyPlan::default() }),
            bandwidth: Vec::new(),
        };
        let shards = (1..).zip(idle_ms).map(shard).collect();
        run.merged = Some(Merged { plan_sha256: "5a".repeat(32), of: 3, shards, missing: Vec::new() });
        run
    }

    #[test]
    fn what_shards_say_alike_is_said_once() {
        let said = |run: &Run| of_each_plan(run, |plan| (plan.idle_ms > 0).then(|| format!("{} ms", plan.idle_ms)));
        assert_eq!(said(&merged([1000; 3])).unwrap(), "1000 ms");
        assert_eq!(said(&merged([1000, 4000, 1000])).unwrap(), "shards 1, 3: 1000 ms; shard 2: 4000 ms");
        assert_eq!(said(&merged([0, 4000, 0])).unwrap(), "shard 2: 4000 ms");
        assert_eq!(said(&merged([0; 3])), None);
    }

    #[test]
    fn a_shard_on_two_starts_is_on_each_in_part() {
        let mut run = merged([0; 3]);
        let mut on = |boot_ids: [&[&str]; 3]| {
            let shards = &mut run.merged.as_mut().unwrap().shards;
            for (shard, starts) in shards.iter_mut().zip(boot_ids) {
                shard.boot_ids = starts.iter().map(|start| (*start).to_owned()).collect();
            }
            starts(&run)
        };
        assert_eq!(on([&["a"], &["a"], &["a"]]), ["shards 1, 2, 3"]);
        assert_eq!(on([&["a"], &["a", "b"], &["b"]]), ["shards 1, 2 in part", "shards 2 in part, 3"]);
        assert_eq!(on([&["a"], &["a"], &[]]), ["shard 3, whose start is not known", "shards 1, 2"]);
    }
}
