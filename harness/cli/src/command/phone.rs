//! `pocketwatt phone`: runs that phones carry out, and what they left there.

mod fetch;
mod status;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use pocketwatt_phone::{
    adb::Adb,
    job::{Cleaned, JobLife, JobReport},
};

use super::output;
use crate::{
    exit::Exit,
    inert,
    phone::{Chosen, adb, choose, restored},
    refusal::Refusal,
};

/// What to do, and on which phone.
#[derive(Args, Debug)]
pub struct PhoneCommandArguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand, Debug)]
enum Act {
    /// Say which jobs are on the phone, and how far they are.
    Status(WhichPhone),
    /// Bring home what a job has stored so far, and show it. The phone goes on.
    Fetch(FetchArguments),
    /// End the job that is going on. What it has measured stays stored; `pocketwatt run --phone --resume` goes on.
    Stop(WhichPhone),
    /// Put back the settings that an interrupted job left changed.
    Restore(WhichPhone),
    /// Remove what jobs that have ended left on the phone.
    Clean(CleanArguments),
}

#[derive(Args, Debug)]
struct WhichPhone {
    /// The phone's serial number [default: the one that is connected]; repeat it for several.
    #[arg(long, value_name = "SERIAL")]
    phone: Vec<String>,
}

#[derive(Args, Debug)]
struct FetchArguments {
    #[command(flatten)]
    which: WhichPhone,
    /// The job, as `status` lists it [default: the newest].
    job: Option<String>,
    /// Where runs are stored.
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
}

#[derive(Args, Debug)]
struct CleanArguments {
    #[command(flatten)]
    which: WhichPhone,
    /// Also remove programs and models: the next run sends them again.
    #[arg(long)]
    all: bool,
}

impl WhichPhone {
    fn open(&self, adb: &Adb) -> Result<Vec<Chosen>> {
        choose(adb, &self.phone, None)
    }
}

/// Does it, and says what was done.
///
/// # Errors
/// When a phone does not answer, or what was asked for could not be done.
pub fn run(arguments: &PhoneCommandArguments) -> Result<Exit> {
    let adb = adb()?;
    match &arguments.act {
        Act::Status(which) => status::show(&adb, &which.open(&adb)?),
        Act::Fetch(fetch) => fetch::fetch(&adb, &fetch.which.open(&adb)?, fetch.job.as_deref(), &fetch.results),
        Act::Stop(which) => stop(&adb, &which.open(&adb)?),
        Act::Restore(which) => restore(&adb, &which.open(&adb)?),
        Act::Clean(wanted) => clean(&adb, &wanted.which.open(&adb)?, wanted.all),
    }
}

fn stop(adb: &Adb, phones: &[Chosen]) -> Result<Exit> {
    let mut exit = Exit::Success;
    for phone in phones {
        let connection = phone.connection(adb);
        let running = connection.jobs()?.into_iter().find(|job| job.life == JobLife::Running);
        let said = match running {
            None => "no job is going on".to_owned(),
            Some(job) => {
                let id = job.state.id;
                if connection.stop(&id)?.life == JobLife::Running {
                    exit = Exit::Broken;
                    format!("job {id} was asked to end, and is still going on: ask again in a minute")
                } else {
                    format!("job {id} has ended; what it measured is stored: `pocketwatt phone fetch` brings it home")
                }
            }
        };
        output::write(&format!("{}: {said}\n", phone.name))?;
    }
    Ok(exit)
}

fn restore(adb: &Adb, phones: &[Chosen]) -> Result<Exit> {
    let mut exit = Exit::Success;
    for phone in phones {
        let lines = phone.connection(adb).restore()?;
        if lines.is_empty() {
            output::write(&format!("{}: nothing is changed\n", phone.name))?;
        }
        for line in &lines {
            output::write(&format!("{}: {}\n", phone.name, inert::line(&restored(line))))?;
        }
        if lines.iter().any(|line| !line.is_restored) {
            exit = Exit::Broken;
        }
    }
    Ok(exit)
}

fn clean(adb: &Adb, phones: &[Chosen], all: bool) -> Result<Exit> {
    for phone in phones {
        let said = match phone.connection(adb).clean(all)? {
            None => "nothing of pocketwatt is there".to_owned(),
            Some(Cleaned { jobs, kept, bytes }) => {
                let kept = match kept.len() {
                    0 => String::new(),
                    some => format!("; {some} jobs stay, see `pocketwatt phone status`"),
                };
                format!("{} jobs and {} MB removed{kept}", jobs.len(), bytes / 1_000_000)
            }
        };
        output::write(&format!("{}: {said}\n", phone.name))?;
    }
    Ok(Exit::Success)
}

/// The newest job, or that of a name.
fn find(jobs: Vec<JobReport>, wanted: Option<&str>) -> Result<JobReport> {
    let is_wanted = |job: &JobReport| wanted.is_none_or(|wanted| job.state.id.to_string() == wanted);
    let found = jobs.into_iter().filter(is_wanted).max_by_key(|job| job.state.since_unix_ms);
    found.ok_or_else(|| {
        Refusal::error(match wanted {
            Some(wanted) => format!("there is no job {wanted:?} on the phone: `pocketwatt phone status` lists them"),
            None => "there is no job on the phone: `pocketwatt run --phone` begins one".to_owned(),
        })
    })
}
