//! Runs that are a part of a plan, or were put together from such parts.

use std::collections::BTreeMap;

use pocketwatt_record::{Merged, MergedShard, Run, Shard, ShardCase};

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

/// The starts of the device on which shards of a merged run were measured, each with these shards: `shards 1, 3`. Several of them mean that
/// the device was started anew, or that there are several of its kind.
pub fn starts(run: &Run) -> Vec<String> {
    let mut starts: BTreeMap<Option<&str>, Vec<String>> = BTreeMap::new();
    let shards = run.merged.iter().flat_map(|merged| &merged.shards);
    for shard in shards.filter(|shard| count(run, shard) > 0) {
        starts.entry(shard.boot_id.as_deref()).or_default().push(shard.number.to_string());
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
