//! What runs on several devices gave, side by side: a table for each scenario, model, precision and number of threads.
//!
//! Nothing leads here: the devices were not measured in turns, and differ in more than one thing.

use pocketwatt_record::{Case, EnergyMetric, Record};

use crate::{
    cases::{CaseGroup, Column, Results, all_without_series, case_names, groups},
    output::inert::one_line,
    table::{Cell, Footnotes, Found, Row, Subject, Table},
    tables::{
        energy,
        metrics::{LINES, estimates},
        verdict::{put_verdicts, verdict},
    },
};

const ENERGY: EnergyMetric = EnergyMetric::EnergyPerOutputToken;

/// A record, and the device that it is of.
pub struct OnDevice {
    /// `google-pixel-8`.
    pub device: String,
    /// Without series.
    pub record: Record,
}

/// The records of a run, and the device that they are of.
pub fn on_device(device: &str, results: &dyn Results) -> Vec<OnDevice> {
    let records = all_without_series(results).into_iter();
    records.map(|record| OnDevice { device: device.to_owned(), record }).collect()
}

/// The tables of what several devices have in common; what only one of them has is in its own table alone.
pub fn device_tables(records: &[OnDevice]) -> Vec<Table> {
    let cases: Vec<&Case> = records.iter().map(|of| &of.record.case).collect();
    let is_shared = |group: &Vec<usize>| group.iter().any(|&place| records[place].device != records[group[0]].device);
    groups(&cases).into_iter().filter(is_shared).map(|group| table(&group, records)).collect()
}

fn table(places: &[usize], records: &[OnDevice]) -> Table {
    let mut places = places.to_vec();
    // The same backend on every device, then the next: that is what a reader compares.
    places.sort_by_key(|&place| {
        let case = &records[place].record.case;
        places_of_backend(records, case)
    });
    let cases: Vec<&Case> = places.iter().map(|&place| &records[place].record.case).collect();
    let names = case_names(&cases);
    let columns = places.iter().zip(names).map(|(&place, name)| {
        let OnDevice { device, record } = &records[place];
        Column { name: format!("{}\n{name}", one_line(device)), record }
    });
    let group = CaseGroup { columns: columns.collect() };
    let mut footnotes = Footnotes::default();
    let verdicts: Vec<Option<Cell>> =
        group.columns.iter().map(|column| verdict(column.record, &column.name, &mut footnotes)).collect();
    let mut rows = Vec::new();
    let mut shown = Vec::new();
    for line in LINES {
        let found = estimates(&group, line.metric);
        // Percentiles have the metric of the row before them.
        if !shown.contains(&line.metric) && found.iter().flatten().any(Result::is_ok) {
            shown.push(line.metric);
            rows.push(row(
                &Subject { label: None, metric: line.metric.definition(), best: None, at_least: 0.0 },
                &found,
                &mut footnotes,
            ));
        }
    }
    let energy =
        energy::preferred(&group, ENERGY, false).filter(|(_, found)| found.iter().flatten().any(Result::is_ok));
    let has_energy = energy.is_some();
    let mut notes = vec!["the devices were not measured in turns: nothing is said about who leads".to_owned()];
    if let Some((scope, found)) = energy {
        let subject = Subject {
            label: None,
            metric: pocketwatt_record::MetricId::from(ENERGY).definition(),
            best: None,
            at_least: 0.0,
        };
        rows.push(row(&subject, &found, &mut footnotes));
        notes.push(format!("energy is that of the {scope}, idle power included"));
    }
    put_verdicts(&mut rows, verdicts);
    Table {
        title: format!("{} · side by side", group.title()),
        columns: group.columns.iter().map(|column| column.name.clone()).collect(),
        rows,
        footnotes: footnotes.texts,
        verdicts: Vec::new(),
        gains: Vec::new(),
        notes,
        battery: Vec::new(),
        has_energy,
    }
}

/// Where a backend first stands among the records.
fn places_of_backend(records: &[OnDevice], case: &Case) -> Option<usize> {
    let is_same = |of: &OnDevice| (&of.record.case.backend, of.record.case.graph) == (&case.backend, case.graph);
    records.iter().position(is_same)
}

fn row(subject: &Subject, found: &[Found], footnotes: &mut Footnotes) -> Row {
    Row::of(subject, found, footnotes)
}
