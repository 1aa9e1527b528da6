//! The rows of a sustained case: its values at first, and in the end.

use pocketwatt_record::{Absent, Estimate, MetricScope, Record, SustainedMetric};

use crate::{
    cases::{CaseGroup, common_scope, physics, value_in},
    output::duration,
    table::{Footnotes, Found, Row, Subject, largest},
};

/// Rows that share a unit, with the label of the one row that replaces them if none of them has a number.
struct Family {
    metrics: &'static [SustainedMetric],
    label: &'static str,
}

const FAMILIES: [Family; 5] = [
    Family {
        metrics: &[SustainedMetric::BurstDecodeThroughput, SustainedMetric::SustainedDecodeThroughput],
        label: "decode over time",
    },
    Family { metrics: &[SustainedMetric::SustainedShare], label: "" },
    Family { metrics: &[SustainedMetric::BurstPower, SustainedMetric::SustainedPower], label: "power over time" },
    Family {
        metrics: &[SustainedMetric::BurstFrequency, SustainedMetric::SustainedFrequency],
        label: "frequency over time",
    },
    Family {
        metrics: &[
            SustainedMetric::StartTemperature,
            SustainedMetric::HighestTemperature,
            SustainedMetric::EndTemperature,
        ],
        label: "temperature",
    },
];

/// The rows; none where no case of the group was sustained.
pub fn rows(group: &CaseGroup, simulated: bool, footnotes: &mut Footnotes) -> Vec<Row> {
    let longest = group.columns.iter().filter_map(|column| column.record.passport.sustain_ms).max();
    let Some(longest) = longest else { return Vec::new() };
    let title = format!("sustained for {}", duration(longest as f64 / 1e3));
    // A reason that applies to the whole case is shown once.
    if !FAMILIES.iter().any(|family| family.has_number(group)) {
        let mut rows = FAMILIES[0].rows(group, footnotes);
        rows.iter_mut().for_each(|row| row.label.clone_from(&title));
        return rows;
    }
    let mut rows: Vec<Row> = FAMILIES.iter().flat_map(|family| family.rows(group, footnotes)).collect();
    let meters = if simulated { " (simulated meters)" } else { "" };
    rows.insert(0, Row::heading(format!("{title}{meters}:"), group.columns.len()));
    rows
}

impl Family {
    fn has_number(&self, group: &CaseGroup) -> bool {
        self.metrics.iter().any(|&metric| found(group, metric).iter().flatten().any(Result::is_ok))
    }

    fn rows(&self, group: &CaseGroup, footnotes: &mut Footnotes) -> Vec<Row> {
        let found: Vec<(SustainedMetric, Vec<Found>)> =
            self.metrics.iter().map(|&metric| (metric, found(group, metric))).collect();
        let at_least = found.iter().map(|(_, found)| largest(found)).fold(0.0, f64::max);
        let nothing = !self.has_number(group);
        let shown = found.iter().take(if nothing { usize::from(!self.label.is_empty()) } else { found.len() });
        let rows = shown.map(|(metric, found)| {
            let subject = Subject {
                label: nothing.then_some(self.label),
                metric: metric.definition(),
                // Sustained cases follow one another, so nothing tells a hot afternoon from a slow backend.
                best: None,
                at_least,
            };
            Row::of(&subject, found, footnotes)
        });
        rows.collect()
    }
}

fn found(group: &CaseGroup, metric: SustainedMetric) -> Vec<Found> {
    let records: Vec<&Record> = group.columns.iter().map(|column| column.record).collect();
    let scope = common_scope(&records, metric);
    group.columns.iter().map(|column| column.measured().then(|| estimate(column.record, metric, scope))).collect()
}

/// The number, with the range of its rounds or its 95 % interval; for a power, that of one scope in all cases.
fn estimate(record: &Record, metric: SustainedMetric, scope: Option<&MetricScope>) -> Result<Estimate, Absent> {
    value_in(record, metric, scope)?.estimate().map_err(|absent| physics::explained(&absent))
}
