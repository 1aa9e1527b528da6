//! `pocketwatt report`: a page about stored runs; nothing is measured.

use std::{
    io::Write,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Args;
use pocketwatt_files::write_atomically;
use pocketwatt_record::RunFolder;

use super::{document, output, selection::RegistryArguments, stored_run::LATEST, stored_runs};
use crate::{
    exit::Exit,
    report::{self, ReportedRun, charts::Palette, output::address},
};

/// Which runs, and where the page is written.
#[derive(Args, Debug)]
pub struct ReportArguments {
    /// The runs: their names, their folders, or `latest`.
    #[arg(default_value = LATEST)]
    runs: Vec<String>,
    /// Write the page into this file, which is replaced as a whole, or to standard output (`-`); `report.html` in the folder of the first
    /// run without it. Pipes and devices are written through.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where runs are stored.
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    // Whose colours the charts have.
    #[command(flatten)]
    registry: RegistryArguments,
}

/// Writes the page, and its path to standard output, unless the page is there.
///
/// # Errors
/// When a run does not exist, none of its records can be read, or the file cannot be written.
pub fn run(arguments: &ReportArguments) -> Result<Exit> {
    let palette = Palette::new(arguments.registry.open()?.colours());
    let runs = stored_runs::open(&arguments.results, &arguments.runs)?;
    let stored = stored_runs::records(&runs)?;
    let beside = || runs.first().map(|(folder, _)| folder.path().join("report.html"));
    let path = arguments.output.clone().or_else(beside).unwrap_or_else(|| PathBuf::from("report.html"));
    let reported: Vec<ReportedRun> = runs
        .iter()
        .zip(&stored)
        .map(|((folder, run), results)| ReportedRun { run, results, address: address_of(folder, &path) })
        .collect();
    let page = report::report(&reported, &palette)?;
    match &arguments.output {
        Some(named) => document::write(Some(named), |output| output(&page))?,
        None => write_atomically(&path, |file| file.write_all(page.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))?,
    }
    if !document::is_standard(Some(&path)) {
        output::write(&format!("{}\n", path.display()))?;
    }
    Ok(stored_runs::ended(&runs, &stored))
}

/// The address of a run's folder in a link of the page; none where the two have no common root.
fn address_of(folder: &RunFolder, page: &Path) -> Option<String> {
    let from = std::path::absolute(page).ok()?.parent()?.canonicalize().ok()?;
    let to = folder.path().canonicalize().ok()?;
    let shared = from.components().zip(to.components()).take_while(|(left, right)| left == right).count();
    if shared == 0 {
        return None;
    }
    let up = "../".repeat(from.components().count() - shared);
    let down = to.components().skip(shared).map(|part| match part {
        Component::Normal(name) => name.to_str().map(|name| address::component(name) + "/"),
        _ => None,
    });
    Some(up + &down.collect::<Option<String>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_finds_the_records_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let run = root.path().join("results/a b/run#1");
        std::fs::create_dir_all(&run).unwrap();
        let address = |page: &str| address_of(&RunFolder::open(&run), &root.path().join(page)).unwrap();
        assert_eq!(address("results/a b/run#1/report.html"), "");
        assert_eq!(address("report.html"), "results/a%20b/run%231/");
        std::fs::create_dir_all(root.path().join("site/pages")).unwrap();
        assert_eq!(address("site/pages/report.html"), "../../results/a%20b/run%231/");
    }
}
