//! Results for people and programs: tables, exports, charts and the generated text, from stored records alone.

mod agreement;
pub mod agreement_table;
mod blocks;
pub mod calls;
mod cells;
pub mod charts;
mod csv;
pub mod date;
pub mod decode;
mod energy_facts;
mod energy_rows;
mod facts;
#[cfg(test)]
pub mod fixture;
mod grid;
mod json;
mod markdown;
mod notes;
mod physics;
pub mod progress;
mod quantity;
mod row;
mod sheet;
mod study;
mod sustained_rows;
mod table;
#[cfg(test)]
mod tests;
pub mod text;
mod turns;
mod user_units;
mod values;

pub use table::{Paint, paragraph, strip_foreign_escapes};
pub use turns::render as render_turns;

use std::{env, io, io::IsTerminal};

use clap::ValueEnum;
use pocketwatt_record::{Damaged, Record, Run};

/// How results are written to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal.
    #[default]
    Table,
    /// GitHub-flavoured Markdown with the same content as the table.
    Markdown,
    /// One line per case and metric, base units.
    Csv,
    /// One document with every summary; the raw samples stay in the records.
    Json,
}

/// What the terminal can take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences for colour may be written.
    pub color: bool,
    /// Columns of the terminal; absent when the output goes elsewhere.
    pub width: Option<usize>,
}

impl Style {
    /// Colour and width of the terminal that is standard output; neither if it is none.
    pub fn detect() -> Self {
        if !io::stdout().is_terminal() {
            return Self::default();
        }
        let width = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
        Self { color: takes_escapes(&io::stdout()), width: width.filter(|&width| width > 0) }
    }
}

/// Whether escape sequences may be written there: to a terminal that knows them, unless `NO_COLOR` forbids them.
pub fn takes_escapes(stream: &impl IsTerminal) -> bool {
    let set = |variable: &str| env::var_os(variable).filter(|value| !value.is_empty());
    stream.is_terminal() && set("NO_COLOR").is_none() && set("TERM").is_some_and(|terminal| terminal != "dumb")
}

/// Writes the results of a run in `format`, and what lies among its records and is none.
///
/// # Errors
/// When they cannot be written.
pub fn render(
    run: &Run,
    records: &[Record],
    damaged: &[Damaged],
    format: Format,
    style: &Style,
) -> anyhow::Result<String> {
    Ok(match format {
        Format::Table => table::render(run, records, damaged, style),
        Format::Markdown => markdown::render(run, records, damaged),
        Format::Csv => csv::render(run, records),
        Format::Json => json::render(run, records, damaged)?,
    })
}
