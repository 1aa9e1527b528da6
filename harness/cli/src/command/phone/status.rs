//! How far the jobs of phones are.

use anyhow::Result;
use pocketwatt_phone::{
    adb::Adb,
    job::{JobLife, JobReport, Stage},
};

use super::super::output;
use crate::{
    exit::Exit,
    inert,
    phone::{Chosen, cases},
    report::output::date,
};

/// Writes a line for each job of each phone, the newest first.
///
/// # Errors
/// When a phone does not answer.
pub(super) fn show(adb: &Adb, phones: &[Chosen]) -> Result<Exit> {
    for phone in phones {
        let mut jobs = phone.connection(adb).jobs()?;
        jobs.sort_by_key(|job| std::cmp::Reverse(job.state.since_unix_ms));
        let mut text = format!("{}\n", phone.name);
        if jobs.is_empty() {
            text += "  no jobs\n";
        }
        for job in &jobs {
            text += &format!("  {}  {}\n", job.state.id, told(job));
            if let Some(words) = &job.state.words {
                text += &format!("    {}\n", inert::line(words));
            }
            if job.has_changed_settings && job.life != JobLife::Running {
                text += "    settings of the phone are still changed: `pocketwatt phone restore` puts them back\n";
            }
        }
        output::write(&text)?;
    }
    Ok(Exit::Success)
}

fn told(job: &JobReport) -> String {
    let state = &job.state;
    let stored = match state.cases {
        Some(planned) => format!("{} of {} stored", state.stored, cases(planned)),
        None => format!("{} stored", cases(state.stored)),
    };
    let stage = match (job.life, state.stage) {
        (JobLife::InterruptedByReboot, _) => "interrupted by a restart of the phone".to_owned(),
        (JobLife::Died, _) => "ended by the phone".to_owned(),
        (_, Stage::Started) => "begins".to_owned(),
        (_, Stage::AwaitsUnplugging) => "waits until the phone is unplugged".to_owned(),
        (_, Stage::Measuring) => "measures".to_owned(),
        (_, Stage::Ended { status: 0 }) => "has ended".to_owned(),
        (_, Stage::Ended { status: 130 }) => "was stopped".to_owned(),
        (_, Stage::Ended { status }) => format!("has ended with exit status {status}"),
        (_, Stage::Failed) => "failed before it began".to_owned(),
    };
    format!("{stage}, since {}, {stored}, {} MB", date::minute(state.since_unix_ms), job.bytes.div_ceil(1_000_000))
}
