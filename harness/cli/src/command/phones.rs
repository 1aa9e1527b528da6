//! `pocketwatt phones`: the phones that adb lists, what could measure their energy, and what stands in the way.

mod view;

use std::{thread, time::Duration};

use anyhow::{Result, anyhow};
use clap::{Args, ValueEnum, value_parser};
use pocketwatt_phone::{
    Phone,
    adb::{Adb, Listed, find_adb, install_command},
    examine,
};

use self::view::{PhonesView, table};
use super::output;
use crate::{exit::Exit, report::Style};

/// How phones are shown.
#[derive(Args, Debug)]
pub struct PhonesArguments {
    /// How long a phone may take to answer a question, in seconds.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = value_parser!(u64).range(1..=600))]
    timeout: u64,
    /// How to write the result.
    #[arg(long, value_enum, default_value_t)]
    format: PhonesFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum PhonesFormat {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Asks each phone, and writes what it answered to standard output. Nothing is changed on a phone.
///
/// # Errors
/// When adb does not start, or does not answer.
pub fn run(arguments: &PhonesArguments) -> Result<Exit> {
    let view = match find_adb() {
        None => PhonesView::without_adb(install_command()),
        Some(program) => {
            let adb = Adb::at(program);
            PhonesView::new(&adb, &phones(&adb, Duration::from_secs(arguments.timeout))?)
        }
    };
    match arguments.format {
        PhonesFormat::Table => output::write(&table(&view, &Style::detect()))?,
        PhonesFormat::Json => output::write_json(&view)?,
    }
    Ok(if view.has_fit_phone() { Exit::Success } else { Exit::Unfit })
}

/// Writes what is known of phones to standard output, for people.
///
/// # Errors
/// When it cannot be written.
pub(super) fn show(adb: &Adb, phones: &[Phone]) -> Result<()> {
    output::write(&table(&PhonesView::new(adb, phones), &Style::detect()))
}

/// All phones, which are asked at the same time: one that does not answer does not hold up the others.
fn phones(adb: &Adb, limit: Duration) -> Result<Vec<Phone>> {
    // A server of another version, or one that hangs, is ended by the user: it may serve other programs.
    let remedy = "set ADB to a program that starts, or end a server that does not answer: adb kill-server";
    let listed = adb.start_server().and_then(|()| adb.devices()).map_err(|error| anyhow!("{error}; {remedy}"))?;
    Ok(thread::scope(|scope| {
        let ask = |listed: Listed| scope.spawn(move || examine(adb, listed, limit));
        let asked: Vec<_> = listed.into_iter().map(ask).collect();
        // A thread that panicked has said so.
        asked.into_iter().filter_map(|phone| phone.join().ok()).collect()
    }))
}
