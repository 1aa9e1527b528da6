//! The results of a job, whether or not it has ended.

use std::path::Path;

use anyhow::Result;
use pocketwatt_phone::{adb::Adb, job::JobLife};

use super::{super::show, find};
use crate::{
    command::advice::Advice,
    exit::Exit,
    phone::{Chosen, bring_home, restored},
};

/// Brings home what there is, and shows it.
///
/// # Errors
/// When a phone does not answer, or something cannot be stored.
pub(super) fn fetch(adb: &Adb, phones: &[Chosen], wanted: Option<&str>, results: &Path) -> Result<Exit> {
    let mut exit = Exit::Success;
    for phone in phones {
        let connection = phone.connection(adb);
        let job = find(connection.jobs()?, wanted)?;
        let id = &job.state.id;
        let home = bring_home(&connection, &job, results)?;
        if job.life != JobLife::Running {
            // It cannot put anything back any more.
            for line in connection.restore()? {
                notice!("{}: {}", phone.name, restored(&line));
            }
        }
        let Some(run) = home.runs.first().filter(|run| run.has_cases()) else {
            notice!("{}: no case of job {id} is stored yet", phone.name);
            continue;
        };
        let again = Advice::new(&["show"]).run(run.path());
        notice!("{}: {} files of job {id} came; show them with `{again}`", phone.name, home.files);
        exit = show::stored(run.path(), results)?;
    }
    Ok(exit)
}
