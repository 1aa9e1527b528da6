//! A job's results on their way home.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use pocketwatt_phone::{
    host::{Connection, HostError, Pulled, pull_results},
    job::{JobId, JobLife, JobReport},
};
use pocketwatt_record::RunFolder;

use crate::refusal::Refusal;

/// A job that goes on may store a case while its results are copied: so often they are listed again.
const LISTS: u32 = 5;
/// A phone that is lost meanwhile is looked for so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is here now.
#[derive(Debug)]
pub struct Home {
    /// The folders of its runs: one, or none as long as nothing is stored.
    pub runs: Vec<RunFolder>,
    /// Files that came.
    pub files: usize,
}

/// Brings what a job has stored so far below `results`.
///
/// # Errors
/// When the phone does not answer, what it lists is not believed, or a run of that name is here that is another one.
pub fn bring_home(connection: &Connection, report: &JobReport, results: &Path) -> Result<Home> {
    let id = &report.state.id;
    let mut lists = 0;
    let pulled = loop {
        lists += 1;
        let may_be_found = |error: &HostError| {
            lists < LISTS && error.is_lost_connection() && connection.find_again(PATIENCE, || false)
        };
        let manifest = match connection.manifest(id, report.bytes) {
            Err(error) if may_be_found(&error) => continue,
            manifest => manifest?,
        };
        let mut stranger: Option<PathBuf> = None;
        let pulled = pull_results(connection, id, &manifest, results, |run| match is_of(id, run) {
            true => Ok(()),
            false => {
                stranger = Some(run.to_owned());
                Err(HostError::Answer { doing: "list the results", words: "a run of that name is here".into() })
            }
        });
        if let Some(run) = stranger {
            return Err(Refusal::error(format!(
                "{} is here already, and is not what the phone measured: choose another folder with --results, or move it away",
                run.display()
            )));
        }
        match pulled {
            Err(HostError::Damaged { .. }) if report.life == JobLife::Running && lists < LISTS => {}
            // What has come is not copied again.
            Err(error) if may_be_found(&error) => {}
            pulled => {
                break pulled.context(
                    "not everything could be brought home; what came is stored, and the phone keeps all of it",
                )?;
            }
        }
    };
    let Pulled { files, runs, .. } = pulled;
    Ok(Home { runs: runs.iter().map(|run| RunFolder::open(run)).collect(), files })
}

/// Whether what is here in that folder, if anything, came from that job: a run says by which command it was measured.
fn is_of(id: &JobId, run: &Path) -> bool {
    let folder = RunFolder::open(run);
    if !folder.is_there() {
        return true;
    }
    let place = format!("/jobs/{id}/");
    match folder.run() {
        Ok(run) => run.command.iter().any(|word| word.contains(&place)),
        // Its beginning was copied, and the plan was not.
        Err(_) => !run.join("run.json").exists(),
    }
}
