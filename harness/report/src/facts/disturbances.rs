//! What disturbed a measurement, in a few words.

use pocketwatt_meter::energy::MeterGap;
use pocketwatt_record::{MachineMetric, MetricId, Record, SpeedMetric};

use crate::{
    cases::CaseGroup,
    output::{duration, inert::one_line, quantity::fixed},
};

/// Disturbances above these shares are named.
const STEAL: f64 = 0.01;
const RUN_QUEUE_WAIT: f64 = 0.02;
const OTHER_PROCESSES: f64 = 0.05;
const DECODE_VARIATION: f64 = 0.05;

/// One note for each case of the group that was disturbed.
pub fn disturbances(group: &CaseGroup) -> Vec<String> {
    let notes = group.columns.iter().filter(|column| column.measured()).filter_map(|column| {
        let parts = disturbed(column.record);
        (!parts.is_empty()).then(|| format!("{}: {}", column.name, parts.join(", ")))
    });
    notes.collect()
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
        let text = unanswered(&series.gaps)?;
        Some(format!("{} {}", one_line(&series.meter.id), one_line(&text)))
    });
    let unjudged = record.unjudged.as_ref().map(ToString::to_string);
    let repeated = repeated(record);
    others(record).into_iter().chain(more.into_iter().flatten()).chain(silent).chain(repeated).chain(unjudged).collect()
}

/// `2 of 7 blocks were measured again, ...`; those that were disturbed and count are told by the shares of the whole case.
fn repeated(record: &Record) -> Option<String> {
    let blocks = &record.samples.blocks;
    let repeated = blocks.iter().filter(|block| block.repeated).count();
    let were = if repeated == 1 { "was" } else { "were" };
    (repeated > 0).then(|| {
        format!("{repeated} of {} blocks {were} measured again, since a case of the table was disturbed", blocks.len())
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

/// The processor time that others took during a case.
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
    .chain(record.passport.beside.as_ref().map(|who| format!("measured at the same time as {who}")))
    .collect()
}

fn median(record: &Record, metric: impl Into<MetricId>) -> Option<f64> {
    record.summary(metric).map(|summary| summary.median)
}

fn above(share: Option<f64>, limit: f64, words: &str) -> Option<String> {
    share.filter(|&share| share > limit).map(|share| format!("{} % {words}", fixed(share * 100.0, 1)))
}
