//! What cases are called.

use std::collections::{BTreeMap, BTreeSet};

use pocketwatt_protocol::GraphKind;
use pocketwatt_record::{Case, Record};

use crate::output::inert::one_line;

/// Model, precision and threads as text: a chart is drawn for each combination.
pub fn combination(record: &Record) -> String {
    let case = &record.case;
    let cores = record.passport.cores.as_deref().map(|cores| format!(" on cores {}", one_line(cores)));
    let (precision, threads) = (case.precision.name(), threads(case.threads));
    format!("{} · {precision} · {threads}{}{}", model(record), cores.unwrap_or_default(), emulated(record))
}

/// `mobilellm-125m (seeded weights)`.
pub fn model(record: &Record) -> String {
    let seeded = if record.passport.model.seeded { " (seeded weights)" } else { "" };
    format!("{}{seeded}", one_line(&record.case.model))
}

/// The same of a case that may have no record.
pub fn model_of(case: &Case, record: Option<&Record>) -> String {
    record.map_or_else(|| one_line(&case.model), model)
}

/// What everything has to say that has numbers of a device that a program imitates.
pub const EMULATED: &str = "emulated: the numbers say nothing about a phone";

/// ` · emulated: ...`, for everything that has numbers of a device that a program imitates.
pub fn emulated(record: &Record) -> String {
    if record.passport.emulated.is_some() { format!(" · {EMULATED}") } else { String::new() }
}

/// `2 threads`.
pub fn threads(count: u32) -> String {
    format!("{count} {}", if count == 1 { "thread" } else { "threads" })
}

/// The backend's name, with its graph if `peers` contain the backend more than once.
pub fn column_name(record: &Record, peers: &[&Record]) -> String {
    named(&record.case, &ambiguous(peers.iter().map(|peer| &peer.case)))
}

/// The names of several cases, as of [`column_name`].
pub fn case_names(cases: &[&Case]) -> Vec<String> {
    let ambiguous = ambiguous(cases.iter().copied());
    cases.iter().map(|case| named(case, &ambiguous)).collect()
}

/// Backends that occur with several graphs.
pub fn ambiguous<'a>(cases: impl Iterator<Item = &'a Case>) -> BTreeSet<&'a str> {
    let mut graphs: BTreeMap<&str, Option<GraphKind>> = BTreeMap::new();
    cases
        .filter(|case| *graphs.entry(&case.backend).or_insert(case.graph) != case.graph)
        .map(|case| case.backend.as_str())
        .collect()
}

/// The backend of a case, with its graph if it is among the `ambiguous`.
pub fn named(case: &Case, ambiguous: &BTreeSet<&str>) -> String {
    let backend = one_line(&case.backend);
    let constrained = if case.constrained { ", constrained" } else { "" };
    let baseline = if case.baseline { ", baseline" } else { "" };
    match case.graph {
        Some(graph) if ambiguous.contains(case.backend.as_str()) => {
            format!("{backend}/{}{constrained}{baseline}", graph.name())
        }
        _ => format!("{backend}{constrained}{baseline}"),
    }
}
