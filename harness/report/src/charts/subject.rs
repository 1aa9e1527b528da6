//! What a set of charts is about.

use pocketwatt_record::{Record, Run};

use crate::{
    cases::column_name,
    charts::palette::{Inks, Palette},
};

/// What the cases of one set of charts have in common.
pub struct Subject<'a> {
    /// Whose cases they are.
    pub run: &'a Run,
    /// The records of one model, precision and number of threads.
    pub records: Vec<&'a Record>,
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
        for record in &records {
            let name = column_name(record, &records);
            if !names.contains(&name) {
                names.push(name);
            }
            let scenario = record.case.scenario.as_str();
            if !scenarios.contains(&scenario) {
                scenarios.push(scenario);
            }
        }
        let inks = palette.inks(&names);
        Self { run, records, names, inks, scenarios }
    }

    /// The case of a scenario in a column.
    pub fn record(&self, scenario: &str, name: &str) -> Option<&'a Record> {
        let found = |record: &&&Record| record.case.scenario == scenario && column_name(record, &self.records) == name;
        self.records.iter().find(found).copied()
    }

    /// The records of a column, over all scenarios.
    pub fn column(&self, name: &str) -> impl Iterator<Item = &'a Record> {
        self.scenarios.iter().filter_map(move |scenario| self.record(scenario, name))
    }
}
