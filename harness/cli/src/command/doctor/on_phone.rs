//! `pocketwatt doctor --phone`: the phone as adb sees it, whether our program runs there at all, and then what that program finds.

use std::time::Duration;

use anyhow::Result;
use pocketwatt_phone::{
    Severity,
    adb::command_line,
    examine,
    host::{Connection, StartedProgram, push_all},
    job::in_its_place,
};

use super::super::{output, phones};
use crate::{
    exit::Exit,
    inert,
    phone::{Given, PhonePrograms, Way, adb, listed, of_programs, restored, way},
    plan::Backend,
};

/// How long a phone may take to answer a question, and its own doctor, which watches the phone for some seconds.
const LIMIT: Duration = Duration::from_secs(10);
const DOCTOR: Duration = Duration::from_secs(180);

/// Examines a phone from here, then starts our program on it, and lets that examine it. The first failure ends it, with its reason.
///
/// # Errors
/// When there is no such phone or it stops answering, or our program does not run there: the error says why, and the next step.
pub(super) fn run(serial: &str, given: &[Given], backends: &[&Backend], cache: &std::path::Path) -> Result<Exit> {
    let adb = adb()?;
    let mut is_unfit = false;
    for listed in listed(&adb, &[serial.to_owned()])? {
        let phone = examine(&adb, listed, LIMIT);
        phones::show(&adb, std::slice::from_ref(&phone))?;
        if phone.facts.is_none() {
            return Ok(Exit::Unfit);
        }
        is_unfit |= phone.obstacles.iter().any(|obstacle| obstacle.severity() == Severity::Unfit);
        let connection = Connection { adb: &adb, phone: &phone.listed.serial };
        let programs = PhonePrograms::find(backends, cache)?;
        let pushed = push_all(&connection, &of_programs(&programs, backends)?, |_, _| {})?;
        let started = StartedProgram::start(&connection, env!("CARGO_PKG_VERSION"))?;
        let pages = started.page_bytes.map_or(String::new(), |bytes| format!(", on pages of {bytes} bytes"));
        output::write(&format!(
            "\nThe phone runs pocketwatt {}{pages} ({} files sent, {} were there). What it finds there:\n\n",
            started.version, pushed.files, pushed.there
        ))?;
        for line in connection.restore()? {
            notice!("{}", restored(&line));
        }
        let answer = connection.answer(&in_its_place(&command_line(&words(given))), DOCTOR)?;
        let lines = answer.stdout.lines().map(|line| inert::line(line) + "\n");
        output::write(&lines.collect::<String>())?;
        for line in answer.stderr.lines() {
            notice!("{line}");
        }
        let exit = Exit::from_status(answer.status).unwrap_or(Exit::Broken);
        if exit != Exit::Success {
            return Ok(exit);
        }
    }
    Ok(if is_unfit { Exit::Unfit } else { Exit::Success })
}

/// The doctor's own options, without those that are for this machine.
fn words(given: &[Given]) -> Vec<String> {
    let mut words = vec!["bin/pocketwatt".to_owned(), "doctor".into()];
    for option in given.iter().filter(|given| way(&given.id) == Way::Along) {
        let values = option.values.iter().map(|value| format!("{}={}", option.option, value.to_string_lossy()));
        words.extend(values.collect::<Vec<_>>());
    }
    words
}
