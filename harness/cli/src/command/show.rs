//! `pocketwatt show`: stored results, without measuring anything.

use std::{
    env, fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use pocketwatt_record::{RunFolder, latest_run};

use crate::report::{self, Format, Style, decode::Decoder};

/// The word for the newest run.
const LATEST: &str = "latest";

/// What to show, and how.
#[derive(Args, Debug)]
pub struct ShowArguments {
    /// The run: its name, its folder, or `latest`.
    #[arg(default_value = LATEST)]
    run: String,
    /// Where runs are stored.
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// How to write them.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also draw charts (SVG) into this folder.
    #[arg(long, value_name = "DIR")]
    charts: Option<PathBuf>,
    /// Also show what the backends answered.
    #[arg(long)]
    show_text: bool,
}

/// Writes the results to standard output.
///
/// # Errors
/// When there is no such run, a record of it cannot be read, or a file cannot be written.
pub fn run(arguments: ShowArguments) -> anyhow::Result<()> {
    if arguments.show_text && matches!(arguments.format, Format::Csv | Format::Json) {
        bail!("--show-text would spoil the document: use it with --format table or markdown");
    }
    let folder = find(&arguments.results, &arguments.run)?;
    let (run, records) = (folder.run()?, folder.records()?);
    if records.is_empty() {
        bail!("no case of {} was measured yet: go on with `pocketwatt run --resume`", folder.path().display());
    }
    let mut output = report::render(&run, &records, arguments.format, &Style::detect())?;
    if arguments.show_text {
        let decoder = Decoder::new(&models_folder());
        output.push('\n');
        output += &report::text::render(&run, &records, &|record, tokens| decoder.decode(record, tokens));
    }
    if let Some(charts) = &arguments.charts {
        for file in report::charts::write(&run, &records, charts)? {
            eprintln!("chart: {}", file.display());
        }
    }
    write_output(&output)
}

/// A reader that has seen enough, such as `head`, is no error.
fn write_output(output: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(output.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// A run by its name below `results/<device>/`, by its folder, or the newest.
fn find(results: &Path, wanted: &str) -> anyhow::Result<RunFolder> {
    if wanted == LATEST {
        return Ok(latest_run(results)?);
    }
    let direct = Path::new(wanted);
    if direct.join("run.json").is_file() {
        return Ok(RunFolder::open(direct));
    }
    let runs = runs(results)?;
    let name = |run: &PathBuf| run.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some(run) = runs.iter().find(|run| name(run) == wanted) {
        return Ok(RunFolder::open(run));
    }
    let nearest = runs
        .iter()
        .map(name)
        .max_by(|left, right| strsim::jaro_winkler(left, wanted).total_cmp(&strsim::jaro_winkler(right, wanted)));
    match nearest {
        Some(nearest) => bail!("no run {wanted:?} in {}; the nearest name is {nearest:?}", results.display()),
        None => bail!("no run {wanted:?}: there are no runs in {}", results.display()),
    }
}

fn runs(results: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut runs = Vec::new();
    for device in folders(results)? {
        runs.extend(folders(&device)?.into_iter().filter(|run| run.join("run.json").is_file()));
    }
    Ok(runs)
}

fn folders(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let context = || format!("cannot read {}", path.display());
    let mut folders = Vec::new();
    if path.is_dir() {
        for entry in fs::read_dir(path).with_context(context)? {
            folders.push(entry.with_context(context)?.path());
        }
    }
    folders.retain(|folder| folder.is_dir());
    Ok(folders)
}

/// Where models are kept: below `$POCKETWATT_CACHE`, the user's cache folder, or `~/.cache`.
fn models_folder() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let root = set("POCKETWATT_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("pocketwatt")))
        .or_else(|| Some(set("HOME")?.join(".cache/pocketwatt")));
    root.unwrap_or_default().join("models")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn stored(results: &Path, ids: &[&str]) {
        let records = fixture::records();
        for id in ids {
            let mut run = fixture::run(&records);
            run.id = (*id).into();
            let folder = RunFolder::create(&results.join("device").join(id), &run).unwrap();
            folder.write(&records[0]).unwrap();
        }
    }

    fn arguments(results: &Path, run: &str) -> ShowArguments {
        let charts = Some(results.join("charts"));
        ShowArguments { run: run.into(), results: results.to_owned(), format: Format::Table, charts, show_text: true }
    }

    #[test]
    fn runs_are_found_by_name_folder_or_age() {
        let results = tempfile::tempdir().unwrap();
        stored(results.path(), &["20261122-080000", "20261123-080000"]);
        let found = |wanted: &str| find(results.path(), wanted).unwrap().run().unwrap().id;
        assert_eq!(found("latest"), "20261123-080000");
        assert_eq!(found("20261122-080000"), "20261122-080000");
        assert_eq!(found(&results.path().join("device/20261122-080000").to_string_lossy()), "20261122-080000");
        let error = find(results.path(), "20261122-080001").unwrap_err().to_string();
        assert!(error.ends_with("the nearest name is \"20261122-080000\""), "{error}");
    }

    #[test]
    fn nothing_measured_says_what_to_do() {
        let empty = tempfile::tempdir().unwrap();
        let latest = run(arguments(empty.path(), "latest")).unwrap_err().to_string();
        assert!(latest.ends_with("measure one with `pocketwatt run`"), "{latest}");
        let named = run(arguments(empty.path(), "x")).unwrap_err().to_string();
        assert!(named.starts_with("no run \"x\": there are no runs in "), "{named}");
    }

    #[test]
    fn a_document_is_not_mixed_with_text() {
        let empty = tempfile::tempdir().unwrap();
        let arguments = ShowArguments { format: Format::Json, ..arguments(empty.path(), "latest") };
        assert!(run(arguments).unwrap_err().to_string().starts_with("--show-text would spoil"));
    }
}
