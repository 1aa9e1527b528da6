//! `pocketwatt meters`: the energy meters of this device, live.

mod view;
mod watched;

use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum, value_parser};
use pocketwatt_meter::energy::{Choice, choose, observe_here, settle_scopes, settle_units};
use pocketwatt_phone::meters::discover;

use self::view::{MetersView, table};
use super::{
    energy::{RootArguments, why_none},
    output,
};
use crate::{refusal::Refusal, report::Style};

/// Waits longer than this are announced.
const PATIENCE_S: u64 = 5;

/// Which meters, and for how long.
#[derive(Args, Debug)]
pub struct MetersArguments {
    /// Read for this many seconds: energy and mean power are over this time.
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = value_parser!(u64).range(1..=86_400))]
    watch: u64,
    /// Meter: an id or an interface as listed; repeat or separate by commas [default: all].
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    meter: Vec<String>,
    /// How to write the result.
    #[arg(long, value_enum, default_value_t)]
    format: MetersFormat,
    #[command(flatten)]
    root: RootArguments,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum MetersFormat {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Watches the meters, and writes their properties and readings to standard output.
///
/// # Errors
/// When a requested meter cannot be read.
pub fn run(arguments: MetersArguments) -> Result<()> {
    let root = arguments.root.open()?;
    let Choice { mut meters, absent } =
        choose(discover(&root), &arguments.meter).map_err(|error| Refusal::error(error.to_string()))?;
    let none = meters.is_empty().then(|| why_none(&root, &absent));
    if !meters.is_empty() && arguments.watch > PATIENCE_S {
        notice!("reading {} meters for {} s", meters.len(), arguments.watch);
    }
    let mut observations = observe_here(&mut meters, Duration::from_secs(arguments.watch));
    settle_units(&mut observations);
    settle_scopes(&mut observations, &absent);
    let view = MetersView::new(root.sys(), &observations, absent, none);
    match arguments.format {
        MetersFormat::Table => output::write(&table(&view, &Style::detect())),
        MetersFormat::Json => output::write_json(&view),
    }
}
