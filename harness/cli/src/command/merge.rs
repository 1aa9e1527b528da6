//! `pocketwatt merge`: the shards of one plan become one run; nothing is measured.

mod shards;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use pocketwatt_files::{PartialFolder, create_folder};
use pocketwatt_protocol::wall_clock_unix_ms;
use pocketwatt_record::{Merged, Run, RunFolder, ShardCase, merge};

use self::shards::Shards;
use super::{output, ownership::OwnedRun};
use crate::{
    exit::Exit,
    refusal::Refusal,
    report::{output::date, starts},
};

/// This many missing cases are named one by one.
const NAMED: usize = 20;

/// Which runs, and where to.
#[derive(Args, Debug)]
pub struct MergeArguments {
    /// The shards, in any order: names or folders of runs that `pocketwatt run --shard K/N` measured.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<String>,
    /// The folder of the new run, which must not exist yet [default: beside the runs of the device in the folder of --results].
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Join what is there although shards or cases are missing, and list them; the exit status is then 4.
    #[arg(long)]
    partial: bool,
    /// Where runs are stored.
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
}

/// Writes the new run, and its folder to standard output.
///
/// # Errors
/// When the runs are not the shards of one plan, something is missing, or nothing can be written.
pub fn run(arguments: &MergeArguments) -> Result<Exit> {
    let shards = Shards::open(&arguments.results, &arguments.runs, arguments.partial)?;
    let mut run = merge(&shards.runs()).map_err(|error| Refusal::error(error.to_string()))?;
    let found = shards.look()?;
    if let Some(error) = &found.contradiction {
        return Err(Refusal::error(error.to_string()));
    }
    let missing: Vec<String> = missing_shards(&run)
        .into_iter()
        .chain(found.not_measured.iter().map(|case| format!("missing: {case}")))
        .collect();
    report_missing(&missing);
    if !missing.is_empty() && !arguments.partial {
        return Err(Refusal::error(
            "not all of the plan was measured: continue or add the shards above, or join what is there with --partial",
        ));
    }
    if found.intact.is_empty() {
        return Err(Refusal::error("no record of these shards can be read"));
    }
    for shard in run.merged.iter_mut().flat_map(|merged| &mut merged.shards) {
        let starts: Vec<String> = found.starts(shard.number).cloned().collect();
        // Records of older versions do not say it where a case was measured alone.
        if !starts.is_empty() {
            shard.boot_ids = starts;
        }
    }
    run.id = date::stamp(wall_clock_unix_ms());
    run.command = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let copy = |folder: &RunFolder, _: &Run| found.copy_to(folder);
    let path = match &arguments.output {
        Some(path) => store_at(path, &run, copy)?,
        None => OwnedRun::begin_with(&arguments.results, &mut run, copy)?.folder().path().to_owned(),
    };
    report_starts(&run);
    output::write(&format!("{}\n", path.display()))?;
    let is_whole = missing.is_empty() && !found.is_damaged && !shards.is_any_lost();
    Ok(if is_whole { Exit::Success } else { Exit::Incomplete })
}

/// Cases whose shard is not there.
fn missing_shards(run: &Run) -> Vec<String> {
    let Some(Merged { of, missing, .. }) = &run.merged else { return Vec::new() };
    missing.iter().map(|ShardCase { id, shard }| format!("missing: {id} of shard {shard} of {of}")).collect()
}

fn report_missing(missing: &[String]) {
    missing.iter().take(NAMED).for_each(|case| notice!("{case}"));
    if missing.len() > NAMED {
        notice!("missing: {} cases more", missing.len() - NAMED);
    }
}

/// Says so where the shards did not run on one start of one device: what differs between starts, or between two devices of one kind, is
/// then between their cases, too.
fn report_starts(run: &Run) {
    let starts = starts(run);
    if starts.len() > 1 {
        notice!("not on one start of the device: {}", starts.join("; "));
    }
}

/// The folder appears with everything in it, or not at all.
fn store_at(path: &Path, run: &Run, fill: impl FnOnce(&RunFolder, &Run) -> Result<()>) -> Result<PathBuf> {
    if path.symlink_metadata().is_ok() {
        return Err(Refusal::error(format!("{} exists already: name another folder", path.display())));
    }
    let absolute = std::path::absolute(path)?;
    let parent = absolute.parent().context("the folder of a run needs a name")?;
    create_folder(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    let partial = PartialFolder::begin(parent).with_context(|| format!("cannot write to {}", parent.display()))?;
    fill(&RunFolder::create(partial.path(), run)?, run)?;
    partial.publish(&absolute).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(path.to_owned())
}
