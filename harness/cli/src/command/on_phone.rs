//! `pocketwatt on-phone`: the phone's part of a job. The host starts it there, in adb's shell, and reads the lines of JSON that it writes;
//! people do not call it. It only uses what is in the phone's folder, so it runs on any device.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use clap::{Args, Subcommand, value_parser};
use pocketwatt_phone::job::{
    Android, JobError, JobFolder, JobId, JobLife, Stop, become_run, carry_out, clean, gather, reports, restore, stop,
    wait,
};
use serde::Serialize;

use crate::{bundle::Bundle, exit::Exit};

/// How long a run may take to store what it has.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// What the phone shall do.
#[derive(Args, Debug)]
pub struct OnPhoneArguments {
    /// The folder with everything; else that of the bundle that this program is in.
    #[arg(long, global = true, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(subcommand)]
    command: OnPhoneCommand,
}

#[derive(Debug, Subcommand)]
enum OnPhoneCommand {
    /// Carry a job out, from its request to its end.
    CarryOut {
        /// The job.
        #[arg(value_parser = job_id)]
        job: JobId,
    },
    /// Become the run of a job: for `carry-out` alone.
    BecomeRun {
        /// The process that carries the job out.
        #[arg(long)]
        parent: u32,
        /// The words behind `pocketwatt`.
        #[arg(last = true, required = true)]
        arguments: Vec<OsString>,
    },
    /// Tell how a job goes on, until it has ended.
    Wait {
        /// The job.
        #[arg(value_parser = job_id)]
        job: JobId,
        /// The longest time between two lines, in seconds.
        #[arg(long, value_name = "S", default_value_t = 30, value_parser = value_parser!(u64).range(1..=3600))]
        every: u64,
        /// Where the part of the log begins that was not told yet, in bytes.
        #[arg(long, value_name = "BYTES", default_value_t = 0)]
        log_from: u64,
    },
    /// Tell what is going on with each job.
    Jobs,
    /// List the files of a job's results, with their digests.
    Manifest {
        /// The job.
        #[arg(value_parser = job_id)]
        job: JobId,
    },
    /// Ask a job to store what it has and to end, and wait until it has ended.
    Stop {
        /// The job.
        #[arg(value_parser = job_id)]
        job: JobId,
    },
    /// Put settings of the phone back that jobs have changed, and which have ended in whatever way.
    Restore,
    /// Remove the jobs that have ended.
    Clean {
        /// Remove models and programs, too.
        #[arg(long)]
        all: bool,
    },
}

fn job_id(text: &str) -> Result<JobId, String> {
    JobId::try_from(text.to_owned()).map_err(|error| error.to_string())
}

/// Does it.
///
/// # Errors
/// When it cannot be done.
pub fn run(arguments: &OnPhoneArguments) -> Result<Exit> {
    if let OnPhoneCommand::BecomeRun { parent, arguments } = &arguments.command {
        return Err(become_run(*parent, arguments)).context("the run does not start");
    }
    let root = root(arguments)?;
    let android = Android::here();
    match &arguments.command {
        OnPhoneCommand::CarryOut { job } => {
            let wish = Arc::new(Stop::default());
            let handler = Arc::clone(&wish);
            ctrlc::set_handler(move || handler.ask()).context("cannot catch signals")?;
            match carry_out(&root, job, &android, &wish) {
                Err(error @ JobError::Busy { .. }) => {
                    notice!("pocketwatt: {error}");
                    Ok(Exit::Unfit)
                }
                ended => Ok(if ended? == 0 { Exit::Success } else { Exit::Incomplete }),
            }
        }
        // Done above.
        OnPhoneCommand::BecomeRun { .. } => Ok(Exit::Usage),
        OnPhoneCommand::Wait { job, every, log_from } => {
            wait(&root, job, Duration::from_secs(*every), *log_from, &mut io::stdout())?;
            Ok(Exit::Success)
        }
        OnPhoneCommand::Jobs => {
            for report in reports(&root)? {
                match report {
                    Ok(report) => write_line(&report)?,
                    Err(error) => notice!("pocketwatt: {error}"),
                }
            }
            Ok(Exit::Success)
        }
        OnPhoneCommand::Manifest { job } => {
            let gathered = gather(&JobFolder::new(&root, job))?;
            write_line(&gathered.manifest)?;
            if !gathered.left_out.is_empty() {
                notice!("pocketwatt: {} files or links that no run writes are left out", gathered.left_out.len());
            }
            Ok(Exit::Success)
        }
        OnPhoneCommand::Stop { job } => {
            let report = stop(&root, job, STOP_LIMIT)?;
            write_line(&report)?;
            if report.life == JobLife::Running {
                notice!("pocketwatt: job {job} has not ended within {} s", STOP_LIMIT.as_secs());
                return Ok(Exit::Incomplete);
            }
            Ok(Exit::Success)
        }
        OnPhoneCommand::Restore => {
            let lines = restore(&root, &android)?;
            lines.iter().try_for_each(write_line)?;
            Ok(if lines.iter().all(|line| line.is_restored) { Exit::Success } else { Exit::Incomplete })
        }
        OnPhoneCommand::Clean { all } => match clean(&root, &android, *all) {
            Err(error @ JobError::Busy { .. }) => {
                notice!("pocketwatt: nothing is removed: {error}");
                Ok(Exit::Unfit)
            }
            cleaned => {
                let cleaned = cleaned?;
                write_line(&cleaned)?;
                Ok(if cleaned.kept.is_empty() { Exit::Success } else { Exit::Incomplete })
            }
        },
    }
}

fn root(arguments: &OnPhoneArguments) -> Result<PathBuf> {
    let root = match &arguments.root {
        Some(root) => root.clone(),
        None => {
            let bundle = Bundle::of_this_program();
            bundle.context("this program is in no bundle: give --root")?.root().to_owned()
        }
    };
    // Programs and settings are named by their places, from other folders, too.
    let here = env::current_dir().context("the working directory is gone");
    if root.is_absolute() { Ok(root) } else { Ok(here?.join(root)) }
}

/// A line of JSON. Whoever reads it may stop early.
fn write_line(line: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(line)? + "\n";
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}
