//! What a set of charts is about.

use std::borrow::Cow;

use pocketwatt_files::harmless_name;
use pocketwatt_record::{Record, Run};

use crate::{
    cases::{Results, case_names, combinations},
    charts::palette::{Inks, Palette},
};

/// What the cases of one set of charts have in common.
pub struct Subject<'a> {
    /// Whose cases they are.
    pub run: &'a Run,
    /// The records of one model, precision and number of threads.
    pub records: Vec<&'a Record>,
    /// The column of each record.
    columns: Vec<String>,
    /// Every column of the charts, once each.
    pub names: Vec<String>,
    /// The colour of each column.
    pub inks: Inks,
    /// In the order of the plan, once each.
    pub scenarios: Vec<&'a str>,
}

impl<'a> Subject<'a> {
    /// Of cases of one model, precision and number of threads.
    pub fn of(run: &'a Run, records: Vec<&'a Record>, palette: &Palette) -> Self {
        let mut names = Vec::new();
        let mut scenarios = Vec::new();
        let columns = case_names(&records.iter().map(|record| &record.case).collect::<Vec<_>>());
        for (record, name) in records.iter().zip(&columns) {
            if !names.contains(name) {
                names.push(name.clone());
            }
            let scenario = record.case.scenario.as_str();
            if !scenarios.contains(&scenario) {
                scenarios.push(scenario);
            }
        }
        let inks = palette.inks(&names);
        Self { run, records, columns, names, inks, scenarios }
    }

    /// The case of a scenario in a column.
    pub fn record(&self, scenario: &str, name: &str) -> Option<&'a Record> {
        let mut cases = self.records.iter().zip(&self.columns);
        cases.find(|(record, column)| record.case.scenario == scenario && *column == name).map(|(record, _)| *record)
    }

    /// The records of a column, over all scenarios.
    pub fn column(&self, name: &str) -> impl Iterator<Item = &'a Record> {
        self.scenarios.iter().filter_map(move |scenario| self.record(scenario, name))
    }
}

/// Passes on the subject of each model, precision and number of threads of a run, and what its charts' names end with. Only the
/// records of one subject are held at a time.
///
/// # Errors
/// Those of `visit`.
pub fn each_subject(
    run: &Run,
    results: &dyn Results,
    palette: &Palette,
    visit: &mut dyn FnMut(&Subject, &str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let groups = combinations(&results.cases());
    let single = groups.len() == 1;
    for group in groups {
        let records: Vec<Cow<Record>> = group.into_iter().filter_map(|place| results.record(place)).collect();
        let group: Vec<&Record> = records.iter().map(AsRef::as_ref).collect();
        let Some(first) = group.first() else { continue };
        let suffix = if single { String::new() } else { suffix(first) };
        visit(&Subject::of(run, group, palette), &suffix)?;
    }
    Ok(())
}

/// Distinguishes the charts of several combinations.
fn suffix(record: &Record) -> String {
    let model = harmless_name(&record.case.model);
    format!("-{model}-{}-{}t", record.case.precision.name(), record.case.threads)
}
