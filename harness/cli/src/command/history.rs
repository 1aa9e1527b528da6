//! `pocketwatt history`: runs over commits, in a folder of plain files; nothing is measured.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use pocketwatt_files::{open_regular_in_place, sha256_of_reader};
use pocketwatt_history::{
    Commit, HistoryError, HistoryFolder, Keeping, Known, Missing, Moment, OfCommit, Outline, entry_of, keep,
};
use pocketwatt_record::{Record, Run, RunFolder};

use super::{output, stored_run::LATEST, stored_runs};
use crate::{
    exit::Exit,
    inert,
    refusal::Refusal,
    report::{self, Results, output::date},
};

/// This many damaged entries are named one by one.
const NAMED: usize = 20;
/// Characters of a commit's message in the list.
const MESSAGE: usize = 60;

/// What to do with a history.
#[derive(Args, Debug)]
pub struct HistoryArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Keep a run as that of a commit: one small file, named after its content.
    Add(AddArguments),
    /// List the runs, and the files that are none.
    List(FolderArguments),
    /// Write the index anew from the entries, each of which is checked.
    Index(FolderArguments),
    /// Write what is kept as Parquet, for DuckDB, Spark and data frames: a row for each metric of each case of each run.
    Export(ExportArguments),
}

#[derive(Args, Debug)]
struct AddArguments {
    /// The run: its name, its folder, or `latest`.
    #[arg(default_value = LATEST)]
    run: String,
    #[command(flatten)]
    folder: FolderArguments,
    /// The commit, as `git rev-parse HEAD` prints it.
    #[arg(long, value_name = "SHA")]
    commit: Commit,
    /// The branch for which it was measured.
    #[arg(long, value_name = "NAME")]
    branch: String,
    /// When the commit was made, as `git show -s --format=%cI` prints it: the order of a history.
    #[arg(long, value_name = "TIME")]
    time: Moment,
    /// What the commit says about itself; its first line is kept.
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Where runs are stored.
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
}

#[derive(Args, Debug)]
struct ExportArguments {
    #[command(flatten)]
    folder: FolderArguments,
    /// The folder of the tables; runs that `export --format parquet` wrote may be there.
    #[arg(long, short, value_name = "FOLDER")]
    output: PathBuf,
}

#[derive(Args, Debug)]
struct FolderArguments {
    /// The folder of the history.
    #[arg(long, value_name = "FOLDER", default_value = "history")]
    history: PathBuf,
}

/// Does it.
///
/// # Errors
/// When a run or the folder cannot be read or written.
pub fn run(arguments: &HistoryArguments) -> Result<Exit> {
    match &arguments.action {
        Action::Add(arguments) => add(arguments),
        Action::List(FolderArguments { history }) => list(history, false),
        Action::Index(FolderArguments { history }) => list(history, true),
        Action::Export(arguments) => export(arguments),
    }
}

fn add(arguments: &AddArguments) -> Result<Exit> {
    let runs = stored_runs::open(&arguments.results, std::slice::from_ref(&arguments.run))?;
    let stored = stored_runs::records(&runs)?;
    let (Some((folder, run)), Some(results)) = (runs.first(), stored.first()) else {
        return Err(Refusal::error("there is no run"));
    };
    let AddArguments { commit, branch, time, message, .. } = arguments;
    let of = OfCommit { commit: commit.clone(), branch: branch.clone(), time: *time, message: message.clone() };
    let added = add_run(&arguments.folder.history, &of, folder, run, results)?;
    output::write(&format!("{}\n", added.path.display()))?;
    let ended = stored_runs::ended(&runs, &stored);
    Ok(if added.is_whole { ended } else { Exit::Incomplete })
}

/// A run that was added.
pub(super) struct AddedRun {
    /// Its file in the history.
    pub path: PathBuf,
    /// Whether each case of its plan has a record.
    pub is_whole: bool,
}

/// Adds a run to a history, and reports what is special about it.
///
/// # Errors
/// When the run has no number or no device, it is kept as something else, or the folder cannot be written.
pub(super) fn add_run(
    history: &Path,
    of: &OfCommit,
    folder: &RunFolder,
    run: &Run,
    results: &dyn Results,
) -> Result<AddedRun> {
    if run.rebuilt.is_some() {
        return Err(Refusal::error(format!(
            "{} has no run.json that can be read, so the device is not known: a history needs it",
            folder.path().display()
        )));
    }
    let records: Vec<(Record, Option<String>)> = (0..results.cases().len())
        .filter_map(|place| results.record(place))
        .map(|record| {
            let path = folder.path().join("cases").join(format!("{}.json", record.case.id));
            let digest = open_regular_in_place(&path).and_then(sha256_of_reader).ok();
            (record.into_owned(), digest.map(|(digest, _)| digest))
        })
        .collect();
    let baselines = records.iter().filter(|(record, _)| record.case.baseline).count();
    let entry = entry_of(of, run, &records, &results.damaged()).map_err(refused)?;
    if baselines > 0 {
        notice!("{baselines} records of the other build are left out: they are not of this commit");
    }
    let kept = keep(&HistoryFolder::at(history), &entry).map_err(refused)?;
    match kept.how {
        Keeping::New => {}
        Keeping::Known => notice!("it was there already"),
        Keeping::Completed => notice!("it was there already with fewer cases, which it replaces"),
    }
    let not_reached = entry.missing.iter().filter(|missing| missing.why == Missing::NotReached).count();
    if not_reached > 0 {
        notice!(
            "{not_reached} of {} cases were not reached: `pocketwatt run --resume` measures them, and the run can be added again",
            entry.cases.len() + entry.missing.len()
        );
    }
    Ok(AddedRun { path: kept.path, is_whole: entry.missing.is_empty() })
}

/// Lists the entries; with `anew`, each is read and checked again, and the index written.
fn list(history: &Path, anew: bool) -> Result<Exit> {
    let known = read(history, anew)?;
    let mut standard = output::Parts::open();
    if anew {
        standard.write(&format!("{} runs\n", known.entries.len()))?;
    } else {
        for (_, outline) in &known.entries {
            standard.write(&line(outline))?;
        }
    }
    standard.finish()?;
    Ok(if known.damaged.is_empty() { Exit::Success } else { Exit::Incomplete })
}

/// Writes the tables, and their folder to standard output.
fn export(ExportArguments { folder: FolderArguments { history }, output: tables }: &ExportArguments) -> Result<Exit> {
    let known = read(history, false)?;
    if known.entries.is_empty() {
        return Err(Refusal::error(format!("{} has no entry that can be read", history.display())));
    }
    if let Some(other) = report::other_history_in(&known, tables)? {
        return Err(Refusal::error(format!(
            "{} is of another history, or of an older state of this one: remove it, or name another folder with --output",
            other.display()
        )));
    }
    let history = HistoryFolder::at(history);
    let mut is_whole = known.damaged.is_empty();
    // The index knows a file by its length and time, so it may be damaged all the same.
    let mut read = |file: &str| match history.entry(file) {
        Ok(entry) => Some(entry),
        Err(damage) => {
            notice!("passed over: {} {damage}", history.entries().join(file).display());
            is_whole = false;
            None
        }
    };
    report::export_history(&known, &mut read, tables)?;
    output::write(&format!("{}\n", tables.join("history").display()))?;
    Ok(if is_whole { Exit::Success } else { Exit::Incomplete })
}

fn line(outline: &Outline) -> String {
    let message: String = outline.message.iter().flat_map(|message| message.chars()).take(MESSAGE).collect();
    let (measured, cases) = (outline.measured(), outline.cases.len());
    let plural = if cases == 1 { "" } else { "s" };
    let cases =
        if measured == cases { format!("{cases} case{plural}") } else { format!("{measured} of {cases} case{plural}") };
    let words = [
        date::minute(outline.time_unix_ms),
        outline.commit.short().to_owned(),
        inert::one_line(&outline.branch),
        inert::one_line(&outline.device),
        inert::one_line(&outline.run),
        cases + imitations(outline),
        inert::one_line(&message),
    ];
    words.join("  ").trim_end().to_owned() + "\n"
}

/// Says that numbers are not those of the device.
fn imitations(outline: &Outline) -> &'static str {
    match (outline.emulated, outline.simulated_meters) {
        (true, true) => " (emulated, simulated meters)",
        (true, false) => " (emulated)",
        (false, true) => " (simulated meters)",
        (false, false) => "",
    }
}

/// Reads a history, and reports what is wrong with it.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn read(history: &Path, anew: bool) -> Result<Known> {
    let known = HistoryFolder::at(history).read(anew).map_err(refused)?;
    let entries = HistoryFolder::at(history).entries();
    for damaged in known.damaged.iter().take(NAMED) {
        notice!("passed over: {} {}", entries.join(&damaged.file).display(), damaged.damage);
    }
    if known.damaged.len() > NAMED {
        notice!("passed over: {} files more", known.damaged.len() - NAMED);
    }
    for repeated in known.repeated.iter().take(NAMED) {
        notice!("does not count: {} has the run of {}, too", entries.join(&repeated.file).display(), repeated.counts);
    }
    if known.repeated.len() > NAMED {
        notice!("do not count: {} files more, of runs that others have, too", known.repeated.len() - NAMED);
    }
    if let Some(error) = &known.index_error {
        notice!("the index of {} cannot be written, so each entry is read every time: {error}", history.display());
    }
    Ok(known)
}

/// What the user named is refused; what the system refused failed.
fn refused(error: HistoryError) -> anyhow::Error {
    match error {
        HistoryError::Io { .. } | HistoryError::Unstorable(_) => anyhow::Error::from(error),
        refused => Refusal::error(refused.to_string()),
    }
}
