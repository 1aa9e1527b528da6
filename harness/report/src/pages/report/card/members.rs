//! The cases of a card: what was planned, and what there is of it.

use pocketwatt_record::{Case, Record, has_same_lengths};

use crate::{
    cases::{CaseGroup, Column},
    tables::grid::short_labels,
};

/// The cases of a scenario and model.
pub struct Members<'a> {
    /// Those that have a record, named by what sets them apart.
    pub group: CaseGroup<'a>,
    /// The names of those that were planned and have no record that can be read.
    pub without_record: Vec<String>,
}

impl<'a> Members<'a> {
    /// Of these records, and of what was planned.
    pub fn of(records: &[&'a Record], planned: &[&Case]) -> Self {
        let has_record = |case: &Case| records.iter().any(|record| record.case.id == case.id);
        let missing = planned.iter().copied().filter(|case| !has_record(case));
        let cases: Vec<&Case> = records.iter().map(|record| &record.case).chain(missing).collect();
        let mut names = short_labels(&cases);
        let without_record = names.split_off(records.len());
        let columns = records.iter().zip(names).map(|(&record, name)| Column { name, record });
        Self { group: CaseGroup { columns: columns.collect() }, without_record }
    }

    /// Those that have numbers.
    pub fn measured(&self) -> impl Iterator<Item = &Column<'a>> {
        self.group.columns.iter().filter(|column| column.measured())
    }

    /// How many there should be.
    pub fn planned(&self) -> usize {
        self.group.columns.len() + self.without_record.len()
    }

    /// Whether all measured cases gave answers of the same lengths.
    pub fn is_same_work(&self) -> bool {
        is_same_work(self.measured().map(|column| column.record))
    }
}

/// Whether all of these gave answers of the same lengths.
pub fn is_same_work<'r>(mut measured: impl Iterator<Item = &'r Record>) -> bool {
    let Some(first) = measured.next() else { return true };
    measured.all(|other| has_same_lengths(first, other))
}
