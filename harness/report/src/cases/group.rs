//! Groups the cases that are shown side by side.

use std::{borrow::Cow, collections::BTreeSet};

use pocketwatt_record::{Case, Outcome, Record};

use crate::{
    cases::{
        Results, combination, groups,
        names::{ambiguous, named},
    },
    output::inert::one_line,
};

/// Most columns of a table: no plan that people write has more backends.
const MOST_COLUMNS: usize = 64;

/// The cases that differ only in the backend and its graph.
pub struct CaseGroup<'a> {
    /// In the order of the plan; never empty.
    pub columns: Vec<Column<'a>>,
}

/// One case of a group.
pub struct Column<'a> {
    /// The backend, and its graph where the group has the backend twice.
    pub name: String,
    /// Its results.
    pub record: &'a Record,
}

impl CaseGroup<'_> {
    /// `chat · mobilellm-125m (seeded weights) · f32 · 1 thread`.
    pub fn title(&self) -> String {
        let Some(first) = self.columns.first() else { return String::new() };
        format!("{} · {}", one_line(&first.record.case.scenario), combination(first.record))
    }
}

impl Column<'_> {
    /// Whether there are numbers.
    pub fn measured(&self) -> bool {
        self.record.outcome == Outcome::Measured
    }
}

/// Reads the cases of each group, in the order in which they come, and hands the group on; of one that is wider than anybody
/// reads, a part at a time, with a note after its title.
///
/// # Errors
/// Those of `visit`.
pub fn each_group(
    results: &dyn Results,
    mut visit: impl FnMut(&CaseGroup, &str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let cases = results.cases();
    let groups = groups(&cases);
    let parts: Vec<Part> = groups.iter().flat_map(|group| Part::of(group)).collect();
    let places: Vec<usize> = parts.iter().flat_map(|part| part.places).copied().collect();
    let mut parts = parts.into_iter();
    let mut part = parts.next();
    let (mut records, mut read) = (Vec::new(), 0);
    results.each(&places, &mut |record| {
        records.extend(record);
        read += 1;
        let Some(whole) = part.as_ref().filter(|part| part.places.len() == read) else { return Ok(()) };
        if !records.is_empty() {
            let ambiguous = ambiguous(whole.group.iter().filter_map(|&place| cases.get(place).copied()));
            visit(&case_group(&records, &ambiguous), &whole.title_suffix())?;
        }
        records.clear();
        read = 0;
        part = parts.next();
        Ok(())
    })
}

fn case_group<'a>(records: &'a [Cow<Record>], ambiguous: &BTreeSet<&str>) -> CaseGroup<'a> {
    let column = |record: &'a Cow<Record>| Column { name: named(&record.case, ambiguous), record };
    CaseGroup { columns: records.iter().map(column).collect() }
}

/// Cases of a group that are shown at once.
struct Part<'a> {
    /// All cases of the group.
    group: &'a [usize],
    /// Where in the group it begins.
    first: usize,
    places: &'a [usize],
}

impl<'a> Part<'a> {
    fn of(group: &'a [usize]) -> impl Iterator<Item = Self> {
        let parts = group.chunks(MOST_COLUMNS).enumerate();
        parts.map(move |(number, places)| Self { group, first: number * MOST_COLUMNS, places })
    }

    /// The note after the title; empty if the part is the whole case group.
    fn title_suffix(&self) -> String {
        let (shown, all) = (self.places.len(), self.group.len());
        if shown == all {
            return String::new();
        }
        format!(" · cases {} to {} of {all}, compared only with each other", self.first + 1, self.first + shown)
    }
}

/// Puts records into groups, both in the order in which they come.
pub fn case_groups(records: &[Record]) -> Vec<CaseGroup<'_>> {
    let cases: Vec<&Case> = records.iter().map(|record| &record.case).collect();
    let group = |group: Vec<usize>| {
        let group: Vec<&Record> = group.into_iter().filter_map(|place| records.get(place)).collect();
        let ambiguous = ambiguous(group.iter().map(|record| &record.case));
        let column = |record: &'_ &'_ Record| named(&record.case, &ambiguous);
        CaseGroup { columns: group.iter().map(|record| Column { name: column(record), record }).collect() }
    };
    groups(&cases).into_iter().map(group).collect()
}
