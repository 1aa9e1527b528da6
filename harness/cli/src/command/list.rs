//! `pocketwatt list`: what can be measured, and which metrics are computed from it.

mod metrics;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use pocketwatt_model::Preset;
use pocketwatt_scenario::{Scenario, Study};

use super::{
    model, output,
    selection::{CacheArguments, RegistryArguments},
};
use crate::{columns, inert, plan::Backend};

/// What to list.
#[derive(Args, Debug)]
pub struct ListArguments {
    #[command(flatten)]
    cache: CacheArguments,
    #[command(flatten)]
    registry: RegistryArguments,
    /// List the metrics instead, each with its unit and its formula
    #[arg(long)]
    metrics: bool,
    /// Update the metric tables in a document such as METHODOLOGY.md
    #[arg(long, value_name = "FILE", requires = "metrics")]
    write: Option<PathBuf>,
}

/// Writes scenarios, models and backends to standard output, or the metrics.
///
/// # Errors
/// When the backends' file or the cache cannot be read, or the document cannot be written.
pub fn run(arguments: ListArguments) -> Result<()> {
    if let Some(document) = &arguments.write {
        return metrics::write_tables(document);
    }
    if arguments.metrics {
        return output::write(&metrics::listing());
    }
    let registry = arguments.registry.open()?;
    let library = arguments.cache.library()?;
    let scenarios = Scenario::shipped()?;
    let mut sections = vec![
        section("scenarios", scenarios.iter().map(|scenario| (scenario.name.clone(), scenario.summary.clone()))),
        section(
            "synthetic scenarios",
            [
                ("prefill-N", "a prompt of N random tokens"),
                ("decode-N", "N tokens after a prompt of one"),
                ("prefill-P-decode-N", "N tokens after a prompt of P random tokens"),
            ]
            .map(|(name, summary)| (name.to_owned(), summary.to_owned()))
            .into_iter(),
        ),
    ];
    let studies = Study::shipped()?;
    sections
        .push(section("studies", studies.iter().map(|study| (study.name().to_owned(), study.question().to_owned()))));
    let models = library.list()?;
    let present = models.iter().map(|entry| (entry.name.clone(), model::origin(entry)));
    sections.push(section("models", present));
    let missing = Preset::ALL.iter().filter(|preset| models.iter().all(|entry| entry.name != preset.name));
    sections.push(section(
        "models that can be generated",
        missing.map(|preset| (preset.name.to_owned(), preset.summary.to_owned())),
    ));
    sections.push(section("backends", registry.all().iter().map(|backend| (backend.name.clone(), describe(backend)))));
    sections.retain(|section| !section.is_empty());
    output::write(&sections.join("\n"))
}

fn describe(backend: &Backend) -> String {
    let graphs: Vec<&str> = backend.graphs.iter().map(|graph| graph.name()).collect();
    let graphs = if graphs.is_empty() { String::new() } else { format!("; graphs {}", graphs.join(", ")) };
    let precisions: Vec<&str> = backend.precisions.iter().map(|precision| precision.name()).collect();
    format!("{}; {}{graphs}", backend.summary, precisions.join(", "))
}

fn section(title: &str, rows: impl Iterator<Item = (String, String)>) -> String {
    let rows: Vec<_> = rows.map(|(name, what)| (inert::line(&name), inert::line(&what))).collect();
    if rows.is_empty() {
        return String::new();
    }
    let width = columns::widest(rows.iter().map(|(name, _)| name.as_str()));
    let lines = rows
        .iter()
        .map(|(name, what)| format!("  {}  {what}", columns::left(name, width)).trim_end().to_owned() + "\n");
    format!("{title}\n{}", lines.collect::<String>())
}
