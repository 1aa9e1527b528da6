//! Which cases stand side by side.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use pocketwatt_protocol::GraphKind;
use pocketwatt_record::{Case, Outcome, Record};

use super::results::Results;
use crate::inert;

/// Columns of the widest table: a plan that people write has no more backends.
const MOST_COLUMNS: usize = 64;

/// The cases that differ in nothing but the backend and its graph.
pub struct Block<'a> {
    /// In the order of the plan; never empty.
    pub columns: Vec<Column<'a>>,
}

/// One case of a block.
pub struct Column<'a> {
    /// The backend, and its graph where the block has the backend twice.
    pub name: String,
    /// Its results.
    pub record: &'a Record,
}

impl Block<'_> {
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

/// Model, precision and threads in words: what a chart is drawn for.
pub fn combination(record: &Record) -> String {
    let case = &record.case;
    format!("{} · {} · {}", model(record), case.precision.name(), threads(case.threads))
}

/// `mobilellm-125m (seeded weights)`.
pub fn model(record: &Record) -> String {
    let seeded = if record.passport.model.seeded { " (seeded weights)" } else { "" };
    format!("{}{seeded}", one_line(&record.case.model))
}

/// `2 threads`.
pub fn threads(count: u32) -> String {
    format!("{count} {}", if count == 1 { "thread" } else { "threads" })
}

/// Reads the cases of each block, in the order in which they come, and hands the block on; of one that is wider than anybody
/// reads, a part at a time, with words that say so behind its title.
///
/// # Errors
/// Those of `visit`.
pub fn each_block(
    results: &dyn Results,
    mut visit: impl FnMut(&Block, &str) -> anyhow::Result<()>,
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
            visit(&block(&records, &ambiguous), &whole.words())?;
        }
        records.clear();
        read = 0;
        part = parts.next();
        Ok(())
    })
}

fn block<'a>(records: &'a [Cow<Record>], ambiguous: &BTreeSet<&str>) -> Block<'a> {
    let column = |record: &'a Cow<Record>| Column { name: named(&record.case, ambiguous), record };
    Block { columns: records.iter().map(column).collect() }
}

/// Cases of a block that are shown at once.
struct Part<'a> {
    /// All cases of the block.
    group: &'a [usize],
    /// Where in the block it begins.
    first: usize,
    places: &'a [usize],
}

impl<'a> Part<'a> {
    fn of(group: &'a [usize]) -> impl Iterator<Item = Self> {
        let parts = group.chunks(MOST_COLUMNS).enumerate();
        parts.map(move |(number, places)| Self { group, first: number * MOST_COLUMNS, places })
    }

    /// What stands behind the title; nothing where the part is all there is.
    fn words(&self) -> String {
        let (shown, all) = (self.places.len(), self.group.len());
        if shown == all {
            return String::new();
        }
        format!(" · cases {} to {} of {all}, compared with each other alone", self.first + 1, self.first + shown)
    }
}

/// The places of cases that stand side by side, group by group.
pub fn groups(cases: &[&Case]) -> Vec<Vec<usize>> {
    group_by(cases.iter().map(|case| (case.scenario.as_str(), case.model.as_str(), case.precision, case.threads)))
}

/// Groups records into blocks, both in the order in which they come.
pub fn blocks(records: &[Record]) -> Vec<Block<'_>> {
    let cases: Vec<&Case> = records.iter().map(|record| &record.case).collect();
    let block = |group: Vec<usize>| {
        let group: Vec<&Record> = group.into_iter().filter_map(|place| records.get(place)).collect();
        let ambiguous = ambiguous(group.iter().map(|record| &record.case));
        let column = |record: &'_ &'_ Record| named(&record.case, &ambiguous);
        Block { columns: group.iter().map(|record| Column { name: column(record), record }).collect() }
    };
    groups(&cases).into_iter().map(block).collect()
}

/// The places of cases of one model, precision and number of threads.
pub fn combinations(cases: &[&Case]) -> Vec<Vec<usize>> {
    group_by(cases.iter().map(|case| (case.model.clone(), case.precision, case.threads)))
}

/// The places of equal keys, in the order in which the keys first come.
pub fn group_by<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<Vec<usize>> {
    let mut numbers: BTreeMap<K, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (place, key) in keys.enumerate() {
        let number = *numbers.entry(key).or_insert(groups.len());
        match groups.get_mut(number) {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
    }
    groups
}

/// The backend's name, with its graph where `peers` hold the backend more than once.
pub fn column_name(record: &Record, peers: &[&Record]) -> String {
    named(&record.case, &ambiguous(peers.iter().map(|peer| &peer.case)))
}

/// The names of several cases, as of [`column_name`].
pub fn case_names(cases: &[&Case]) -> Vec<String> {
    let ambiguous = ambiguous(cases.iter().copied());
    cases.iter().map(|case| named(case, &ambiguous)).collect()
}

/// Backends that there are with several graphs.
fn ambiguous<'a>(cases: impl Iterator<Item = &'a Case>) -> BTreeSet<&'a str> {
    let mut graphs: BTreeMap<&str, Option<GraphKind>> = BTreeMap::new();
    cases
        .filter(|case| *graphs.entry(&case.backend).or_insert(case.graph) != case.graph)
        .map(|case| case.backend.as_str())
        .collect()
}

fn named(case: &Case, ambiguous: &BTreeSet<&str>) -> String {
    let backend = one_line(&case.backend);
    let constrained = if case.constrained { ", constrained" } else { "" };
    match case.graph {
        Some(graph) if ambiguous.contains(case.backend.as_str()) => format!("{backend}/{}{constrained}", graph.name()),
        _ => format!("{backend}{constrained}"),
    }
}

/// Text from outside on one line, without spaces in a row.
pub fn one_line(text: &str) -> String {
    inert::line(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
