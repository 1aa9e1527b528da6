//! Which cases stand side by side.

use pocketwatt_record::{Case, Outcome, Record};

use crate::inert;

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

/// Groups records into blocks, both in the order in which they come.
pub fn blocks(records: &[Record]) -> Vec<Block<'_>> {
    let groups = group_by(records.iter(), |left, right| {
        left.case.scenario == right.case.scenario && same_combination(left, right)
    });
    groups.into_iter().map(|group| Block { columns: columns(&group) }).collect()
}

/// Groups records by model, precision and threads.
pub fn combinations(records: &[Record]) -> Vec<Vec<&Record>> {
    group_by(records.iter(), same_combination)
}

fn same_combination(left: &Record, right: &Record) -> bool {
    let (left, right) = (&left.case, &right.case);
    left.model == right.model && left.precision == right.precision && left.threads == right.threads
}

fn group_by<'a>(
    records: impl Iterator<Item = &'a Record>,
    same: impl Fn(&Record, &Record) -> bool,
) -> Vec<Vec<&'a Record>> {
    let mut groups: Vec<Vec<&Record>> = Vec::new();
    for record in records {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| same(first, record))) {
            Some(group) => group.push(record),
            None => groups.push(vec![record]),
        }
    }
    groups
}

fn columns<'a>(group: &[&'a Record]) -> Vec<Column<'a>> {
    group.iter().map(|record| Column { name: column_name(record, group), record }).collect()
}

/// The backend's name, with its graph where `peers` hold the backend more than once.
pub fn column_name(record: &Record, peers: &[&Record]) -> String {
    case_name(&record.case, &peers.iter().map(|peer| &peer.case).collect::<Vec<_>>())
}

/// The same of cases.
pub fn case_name(case: &Case, peers: &[&Case]) -> String {
    let twice = peers.iter().any(|peer| peer.backend == case.backend && peer.graph != case.graph);
    let backend = one_line(&case.backend);
    let constrained = if case.constrained { ", constrained" } else { "" };
    match case.graph {
        Some(graph) if twice => format!("{backend}/{}{constrained}", graph.name()),
        _ => format!("{backend}{constrained}"),
    }
}

/// Text from outside on one line, without spaces in a row.
pub fn one_line(text: &str) -> String {
    inert::line(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
