//! A phone that is none, for trying out what PocketWatt does with phones: see docs/phones.md.

use std::process::ExitCode;

use clap::Parser;
use pocketwatt_tests::phone::{Options, command_of_the_phone, run_stage};

fn main() -> anyhow::Result<ExitCode> {
    if let Some(status) = command_of_the_phone() {
        return Ok(ExitCode::from(status));
    }
    run_stage(Options::parse()).map(|()| ExitCode::SUCCESS)
}
