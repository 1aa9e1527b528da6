//! `pocketwatt`: measures what a small language model costs on the device that runs it.
//!
//! A library, so that tests from outside, such as those in `tests/fuzz`, reach every reader; no other project should build on it.

#[macro_use]
pub mod notice;

pub mod bundle;
pub mod cache;
pub mod command;
pub mod doctor;
pub mod exit;
#[cfg(test)]
mod fixture;

pub mod fetch;
pub mod hashed_file;
pub mod here;
mod last_resort;
pub mod measure;
pub mod phone;
pub mod plan;
pub mod refusal;

use std::{env, path::Path, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use pocketwatt_model::text_process;
use pocketwatt_report::{
    self as report,
    output::{columns, inert},
};

use crate::exit::Exit;

/// Measures what a small language model costs on the device that runs it: latency, tokens per second and memory, for
/// the same model through several inference engines.
///
/// Exit status: 0 everything worked; 1 something failed; 2 wrong usage; 3 the input was refused; 4 a case failed or was skipped,
/// or a record is damaged; 5 no case was measured; 6 the device or all phones are unfit, or another process measures on it;
/// 10 a comparison found something worse; 11 it left something undecided; 14 what should be compared is not comparable; 130 interrupted.
#[derive(Parser, Debug)]
#[command(name = "pocketwatt", version, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Measure, and show the comparison.
    Run(Box<command::run::RunArguments>),
    /// Measure the cases that answer a question, which differ in one thing, and show them side by side.
    Study(Box<command::study::StudyArguments>),
    /// Show what can be measured: scenarios, models and backends.
    List(command::list::ListArguments),
    /// Show which backend computes in which precision, and why others do not.
    Backends(command::backends::BackendsArguments),
    /// Measure every case beside itself: what two measurements of the same thing differ by here, and which differences can be found.
    Calibrate(Box<command::calibrate::CalibrateArguments>),
    /// Show stored results.
    Show(command::show::ShowArguments),
    /// Write a page about stored results, which a browser opens: which backend to choose, what it costs, and how sure that is.
    Report(command::report::ReportArguments),
    /// Measure the head of a change beside its base, and write what a CI job needs: a comment, a summary, a verdict.
    Ci(Box<command::ci::CiArguments>),
    /// Join the shards of one plan into a run.
    Merge(command::merge::MergeArguments),
    /// Write stored results in the formats of other programs.
    Export(command::export::ExportArguments),
    /// Keep runs as those of commits, in a folder of plain files.
    History(command::history::HistoryArguments),
    /// Write a static site about a history: what changed, when, by how much, and how sure that is.
    Dashboard(command::dashboard::DashboardArguments),
    /// Compare two stored runs: what differs between them, and a verdict for each metric.
    Compare(command::compare::CompareArguments),
    /// Import, fetch, generate, list and verify models.
    Model(command::model::ModelArguments),
    /// Check that the backends compute the same model: logits and greedy text side by side.
    Conformance(command::conformance::ConformanceArguments),
    /// Measure a property of this device.
    Probe(command::probe::ProbeArguments),
    /// Show what can be measured here, and what would disturb a measurement.
    Doctor(command::doctor::DoctorArguments),
    /// Watch the energy meters of this device.
    Meters(command::meters::MetersArguments),
    /// Show the phones that adb lists: what could measure their energy, and what stands in the way.
    Phones(command::phones::PhonesArguments),
    /// Look after runs that phones carry out: how far they are, their results, what they changed on the phone.
    Phone(command::phone::PhoneCommandArguments),
    /// The phone's part of a run on a phone; started there by the host.
    #[command(hide = true)]
    OnPhone(command::on_phone::OnPhoneArguments),
    /// Print the JSON Schemas of stored files and of the protocol.
    Schema(command::schema::SchemaArguments),
    /// Print a script with which a shell completes commands and options.
    Completions(command::completions::CompletionsArguments),
    /// Write the manual pages.
    #[command(hide = true)]
    Manual(command::manual::ManualArguments),
}

/// This very program, even if its file was replaced since it started.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// The whole program, from its arguments to its exit status.
pub fn run() -> ExitCode {
    // Started by itself, to read untrusted files: see `text_process`.
    if env::args_os().nth(1).is_some_and(|argument| argument == text_process::ARGUMENT) {
        return text_process::serve();
    }
    text_process::read_text_with(Path::new(THIS_PROGRAM));
    ExitCode::from(last_resort::guard(obey) as u8)
}

/// What the user wrote. Commands that phones carry out, too, are told which options stand in the command line.
fn parse() -> Result<Arguments, clap::Error> {
    let mut command = Arguments::command();
    command.build();
    let matches = command.try_get_matches_from_mut(env::args_os())?;
    let mut arguments = Arguments::from_arg_matches(&matches)?;
    if let Some((name, matches)) = matches.subcommand()
        && let Some(command) = command.find_subcommand(name)
    {
        match &mut arguments.command {
            Command::Run(run) => run.give(name, phone::given(command, matches)),
            Command::Study(study) => study.give(name, phone::given(command, matches)),
            Command::Calibrate(calibrate) => calibrate.give(name, phone::given(command, matches)),
            Command::Ci(ci) => ci.give(phone::given(command, matches)),
            Command::Doctor(doctor) => doctor.give(phone::given(command, matches)),
            _ => {}
        }
    }
    Ok(arguments)
}

fn obey() -> Exit {
    let arguments = match parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::report_usage(&error),
    };
    let outcome = match arguments.command {
        Command::Run(arguments) => command::run::run(*arguments),
        Command::Study(arguments) => command::study::run(*arguments),
        Command::List(arguments) => command::list::run(arguments).map(|()| Exit::Success),
        Command::Backends(arguments) => command::backends::run(&arguments).map(|()| Exit::Success),
        Command::Calibrate(arguments) => command::calibrate::run(*arguments),
        Command::Show(arguments) => command::show::run(arguments),
        Command::Report(arguments) => command::report::run(&arguments),
        Command::Ci(arguments) => command::ci::run(*arguments),
        Command::Merge(arguments) => command::merge::run(&arguments),
        Command::Export(arguments) => command::export::run(&arguments),
        Command::History(arguments) => command::history::run(&arguments),
        Command::Dashboard(arguments) => command::dashboard::run(&arguments),
        Command::Compare(arguments) => command::compare::run(&arguments),
        Command::Model(arguments) => command::model::run(arguments).map(|()| Exit::Success),
        Command::Conformance(arguments) => command::conformance::run(arguments),
        Command::Probe(arguments) => command::probe::run(arguments),
        Command::Doctor(arguments) => command::doctor::run(arguments),
        Command::Meters(arguments) => command::meters::run(arguments).map(|()| Exit::Success),
        Command::Phones(arguments) => command::phones::run(&arguments),
        Command::Phone(arguments) => command::phone::run(&arguments),
        Command::OnPhone(arguments) => command::on_phone::run(&arguments),
        Command::Schema(arguments) => command::schema::run(arguments).map(|()| Exit::Success),
        Command::Completions(arguments) => {
            command::completions::run(&arguments, Arguments::command()).map(|()| Exit::Success)
        }
        Command::Manual(arguments) => command::manual::run(&arguments, Arguments::command()).map(|()| Exit::Success),
    };
    exit::report(outcome)
}
