//! What disturbed a measurement, in a few words.

use pocketwatt_meter::{
    CoreList, LimitReading,
    energy::{MeterGap, Reason},
};
use pocketwatt_record::{DisturbanceKind, MachineMetric, MetricId, Record, SpeedMetric, Wait, took_turns};

use crate::{
    cases::{CaseGroup, Column, group_by},
    output::{duration, inert::one_line, quantity::fixed, waiting_time},
};

/// Disturbances above these shares are named.
const STEAL: f64 = 0.01;
const RUN_QUEUE_WAIT: f64 = 0.02;
const OTHER_PROCESSES: f64 = 0.05;
const DECODE_VARIATION: f64 = 0.05;

/// One note for each case of the group that was disturbed, and one about blocks that were measured again.
pub fn disturbances(group: &CaseGroup) -> Vec<String> {
    let notes = group.columns.iter().filter(|column| column.measured()).filter_map(|column| {
        let parts = disturbed(column.record);
        (!parts.is_empty()).then(|| format!("{}: {}", column.name, parts.join(", ")))
    });
    notes.chain(repeated(group)).chain(apart(group)).collect()
}

fn disturbed(record: &Record) -> Vec<String> {
    let variation = record
        .summary(SpeedMetric::DecodeThroughput)
        .filter(|summary| summary.median > 0.0)
        .map(|summary| (summary.maximum - summary.minimum) / summary.median);
    let beyond_the_roof = median(record, SpeedMetric::ModelBandwidthUtilisation).filter(|&share| share > 1.0);
    let more = [
        above(variation, DECODE_VARIATION, "between slowest and fastest decoding"),
        above(beyond_the_roof, 1.0, "of the measured bandwidth: the probe was disturbed, or a cache helps"),
    ];
    let silent = record.readings.energy.iter().filter_map(|series| {
        // While a charger was connected, nobody asked the battery's meter.
        let is_silence = |gap: &&MeterGap| gap.unavailable.reason != Reason::ChargerConnected;
        let gaps: Vec<MeterGap> = series.gaps.iter().filter(is_silence).cloned().collect();
        let text = unanswered(&gaps)?;
        Some(format!("{} {}", one_line(&series.meter.id), one_line(&text)))
    });
    let unjudged = record.unjudged.as_ref().map(ToString::to_string);
    let clock = clock_fall(record);
    let waits = waits(record);
    others(record)
        .into_iter()
        .chain(more.into_iter().flatten())
        .chain(silent)
        .chain(clock)
        .chain(waits)
        .chain(unjudged)
        .collect()
}

/// `waited twice until the battery alone feeds the device, for 1 min 5 s, at first because USB feeds the phone`, for each gate; and where
/// it was measured although the gate was closed.
fn waits(record: &Record) -> Vec<String> {
    let of_gate = |alike: &Vec<usize>| {
        let waits: Vec<&Wait> = alike.iter().map(|&place| &record.waits[place]).collect();
        let seconds = waits.iter().map(|wait| wait.waited_ms as f64 / 1e3).sum();
        let (until, because) = (waits[0].gate.until(), one_line(&waits[0].because));
        let waited = format!("waited {}until {until}, for {}: {because}", times(waits.len()), waiting_time(seconds));
        let closed: Vec<&Wait> = waits.iter().copied().filter(|wait| wait.still_closed.is_some()).collect();
        let last = closed.last().and_then(|wait| wait.still_closed.as_deref());
        match last {
            Some(why) => format!("{waited}; {} in vain: {}", times(closed.len()).trim_end(), one_line(why)),
            None => waited,
        }
    };
    group_by(record.waits.iter().map(|wait| wait.gate)).iter().map(of_gate).collect()
}

/// With a blank behind it.
fn times(count: usize) -> String {
    match count {
        1 => "once ".to_owned(),
        2 => "twice ".to_owned(),
        more => format!("{more} times "),
    }
}

/// `the clock fell by up to 12.0 % in 2 of 5 blocks`, of those that count.
fn clock_fall(record: &Record) -> Option<String> {
    let falls = record.samples.counted_blocks().filter_map(|block| {
        block.disturbances.iter().find(|found| found.kind == DisturbanceKind::ClockFall).map(|found| found.share)
    });
    let falls: Vec<f64> = falls.collect();
    let most = falls.iter().copied().max_by(f64::total_cmp)?;
    let (fell, all) = (falls.len(), record.samples.counted_blocks().count());
    Some(format!("the clock fell by up to {} % in {fell} of {all} blocks", fixed(most * 100.0, 1)))
}

/// `onnxruntime, tract: 2 of 7 blocks were measured again, ...`, for all that have so many of them; those that were disturbed and
/// count are told by the shares of the whole case.
fn repeated(group: &CaseGroup) -> Vec<String> {
    let blocks = |column: &Column| {
        let blocks = &column.record.samples.blocks;
        (blocks.iter().filter(|block| block.repeated).count(), blocks.len())
    };
    let columns: Vec<&Column> =
        group.columns.iter().filter(|column| column.measured() && blocks(column).0 > 0).collect();
    let note = |alike: &Vec<usize>| {
        let (repeated, all) = blocks(columns[alike[0]]);
        let names: Vec<&str> = alike.iter().map(|&place| columns[place].name.as_str()).collect();
        let (were, them) = if repeated == 1 { ("was", "it") } else { ("were", "them") };
        let names = names.join(", ");
        format!("{names}: {repeated} of {all} blocks {were} measured again, since a case in {them} was disturbed")
    };
    group_by(columns.iter().map(|column| blocks(column))).iter().map(note).collect()
}

/// Which cases were measured in the same blocks, where not all were; those of one process have none.
fn apart(group: &CaseGroup) -> Option<String> {
    let has_blocks = |column: &&Column| column.measured() && !column.record.samples.blocks.is_empty();
    let mut together: Vec<Vec<&Column>> = Vec::new();
    for column in group.columns.iter().filter(has_blocks) {
        let took_turns_with =
            |others: &&mut Vec<&Column>| took_turns(&others[0].record.samples.blocks, &column.record.samples.blocks);
        match together.iter_mut().find(took_turns_with) {
            Some(others) => others.push(column),
            None => together.push(vec![column]),
        }
    }
    let names =
        |columns: &Vec<&Column>| columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
    (together.len() > 1).then(|| {
        let together: Vec<String> = together.iter().map(names).collect();
        format!("not compared, because they were not measured in the same blocks: {}", together.join(" | "))
    })
}

/// `did not answer twice, for 0.25 s: the driver is busy (EAGAIN)`; `None` for a meter that always answered.
pub fn unanswered(gaps: &[MeterGap]) -> Option<String> {
    let first = gaps.first()?;
    let seconds: f64 = gaps.iter().map(|gap| gap.end.since(gap.start) as f64 * 1e-9).sum();
    let often = match gaps.len() {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    };
    Some(format!("did not answer {often}, for {}: {}", duration(seconds), first.unavailable.hint))
}

/// What others took during a case, and what the device allowed it no longer.
pub fn others(record: &Record) -> Vec<String> {
    let readings = &record.readings;
    let others = readings.other_busy_ns.zip(readings.system_cpu_ns).filter(|&(_, whole)| whole > 0);
    [
        above(median(record, MachineMetric::Steal), STEAL, "of processor time stolen by the hypervisor"),
        above(median(record, MachineMetric::RunQueueWait), RUN_QUEUE_WAIT, "of the time waiting for a processor"),
        above(
            others.map(|(busy, whole)| busy as f64 / whole as f64),
            OTHER_PROCESSES,
            "of the processors busy with other processes",
        ),
    ]
    .into_iter()
    .flatten()
    .chain(
        readings.broken_counters.iter().map(|broken| {
            format!("the kernel's {} counter is broken: {}", broken.counter.name(), one_line(&broken.seen))
        }),
    )
    .chain(changed(readings.limits.iter().map(processors), "the processors that may be used changed"))
    .chain(changed(readings.limits.iter().map(highest_frequency), "the highest allowed frequency changed"))
    .chain(readings.slept_ns.map(|slept| format!("the device slept for {}", duration(slept as f64 * 1e-9))))
    .chain(readings.frozen_ns.map(|frozen| format!("it was frozen for {}", duration(frozen as f64 * 1e-9))))
    .chain(cores(record))
    .chain(readings.regrouped.as_ref().map(|groups| {
        let (before, after) = (one_line(&groups.before), one_line(&groups.after));
        format!("the harness was moved from the control group {before} to {after}")
    }))
    .chain(record.passport.beside.as_ref().map(|who| format!("measured at the same time as {who}")))
    .collect()
}

/// Where the runner might run and did, if that is not as it was wanted.
fn cores(record: &Record) -> Vec<String> {
    let Some(cores) = &record.readings.runner_cores else { return Vec::new() };
    let lost = cores.allowed.as_ref().zip(cores.allowed_at_end.as_ref());
    let lost = lost.map(|(before, after)| {
        format!("the cores of the runner changed from {} to {}", one_line(before), one_line(after))
    });
    let outside = || {
        let wanted = CoreList::parse(record.passport.cores.as_deref()?)?;
        let ran_on: CoreList = cores.last_ran_on.iter().copied().collect();
        ran_on.first_outside(&wanted)?;
        Some(format!("its threads ran last on {ran_on}, and --cores is {wanted}"))
    };
    lost.into_iter().chain(outside()).collect()
}

/// `the processors that may be used changed from 0-3 to 0-1`, or how often they changed; `None` if they did not.
fn changed(values: impl Iterator<Item = String>, what: &str) -> Option<String> {
    let mut values: Vec<String> = values.collect();
    values.dedup();
    match &values[..] {
        [] | [_] => None,
        [first, second] => Some(format!("{what} from {first} to {second}")),
        [first, second, ..] => Some(format!("{what} {} times, first from {first} to {second}", values.len() - 1)),
    }
}

fn processors(limit: &LimitReading) -> String {
    limit.processors.as_deref().map_or_else(|| "unknown ones".to_owned(), one_line)
}

/// Of the fastest processors.
fn highest_frequency(limit: &LimitReading) -> String {
    let highest = limit.highest_hz.iter().flatten().max();
    highest.map_or_else(|| "an unknown one".to_owned(), |hz| format!("{} GHz", fixed(*hz as f64 * 1e-9, 2)))
}

fn median(record: &Record, metric: impl Into<MetricId>) -> Option<f64> {
    record.summary(metric).map(|summary| summary.median)
}

fn above(share: Option<f64>, limit: f64, words: &str) -> Option<String> {
    share.filter(|&share| share > limit).map(|share| format!("{} % {words}", fixed(share * 100.0, 1)))
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::{Regrouped, RunnerCores, TimeSpan};
    use pocketwatt_protocol::MonotonicNs;
    use pocketwatt_record::{Block, Disturbance};

    use super::*;
    use crate::fixture;

    /// It takes four nanoseconds.
    fn block(number: u32, start_ns: u64) -> Block {
        Block {
            number,
            place: 1,
            span: TimeSpan { start: MonotonicNs(start_ns), end: MonotonicNs(start_ns + 4) },
            loaded: None,
            peak_resident_bytes: None,
            peak_with_huge_pages_bytes: None,
            first_iteration: number,
            iterations: 1,
            disturbances: Vec::new(),
            repeated: false,
        }
    }

    #[test]
    fn cases_that_took_turns_stand_together() {
        let from = |start_ns: u64| {
            let mut record = fixture::records().remove(0);
            record.samples.blocks = vec![block(1, start_ns), block(2, start_ns + 20)];
            record
        };
        let said = |starts: &[u64]| {
            let records: Vec<Record> = starts.iter().map(|start| from(*start)).collect();
            let columns = records.iter().zip(starts).map(|(record, start)| Column { name: start.to_string(), record });
            apart(&CaseGroup { columns: columns.collect() })
        };
        assert_eq!(said(&[0, 5, 10]), None);
        let said = said(&[0, 100, 5, 105, 200]).unwrap();
        assert!(said.ends_with("in the same blocks: 0, 5 | 100, 105 | 200"), "{said}");
    }

    #[test]
    fn what_the_device_allowed_no_longer_is_told() {
        let mut record = fixture::records().remove(0);
        let told = |record: &Record| others(record).join("; ");
        let limit = |processors: &str, hz: u64| LimitReading {
            at: MonotonicNs(1),
            processors: Some(processors.into()),
            highest_hz: vec![None, Some(hz)],
        };
        record.readings.limits = vec![limit("0-3", 2_800_000_000)];
        assert_eq!(told(&record), "");
        record.readings.limits.push(limit("0-1", 2_800_000_000));
        assert_eq!(told(&record), "the processors that may be used changed from 0-3 to 0-1");
        record.readings.limits.extend([limit("0-1", 1_500_000_000), limit("0-1", 2_800_000_000)]);
        record.readings.limits[0].processors = Some("0-3\n\u{1b}[31m".into());
        assert_eq!(
            told(&record),
            "the processors that may be used changed from 0-3 \\u{1b}[31m to 0-1; the highest allowed frequency changed 2 times, \
             first from 2.80 GHz to 1.50 GHz"
        );
        record.readings.limits.clear();
        record.readings.slept_ns = Some(3_000_000_000);
        assert_eq!(told(&record), "the device slept for 3 s");
        record.readings.slept_ns = None;
        record.passport.cores = Some("4-7".into());
        record.readings.runner_cores =
            Some(RunnerCores { allowed: Some("4-7".into()), allowed_at_end: None, last_ran_on: vec![4, 6] });
        assert_eq!(told(&record), "");
        record.readings.runner_cores = Some(RunnerCores {
            allowed: Some("4-7".into()),
            allowed_at_end: Some("0-7".into()),
            last_ran_on: vec![3, 6],
        });
        record.readings.regrouped = Some(Regrouped { before: "0::/top".into(), after: "0::/background".into() });
        assert_eq!(
            told(&record),
            "the cores of the runner changed from 4-7 to 0-7; its threads ran last on 3,6, and --cores is 4-7; the harness was moved \
             from the control group 0::/top to 0::/background"
        );
    }

    #[test]
    fn a_clock_that_fell_in_blocks_that_count_is_told() {
        let mut record = fixture::records().remove(0);
        let block = |(number, share): (u32, Option<f64>)| Block {
            disturbances: share
                .map(|share| Disturbance { kind: DisturbanceKind::ClockFall, share })
                .into_iter()
                .collect(),
            repeated: number == 4,
            ..block(number, 0)
        };
        record.samples.blocks = [(1, None), (2, Some(0.25)), (3, Some(0.06)), (4, Some(0.5))].map(block).into();
        assert_eq!(clock_fall(&record).unwrap(), "the clock fell by up to 25.0 % in 2 of 3 blocks");
        record.samples.blocks.truncate(1);
        assert_eq!(clock_fall(&record), None);
    }
}
