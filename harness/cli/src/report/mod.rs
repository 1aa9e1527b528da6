//! Results for people and programs: tables, exports, charts and the generated text, from stored records alone.

mod agreement;
pub mod agreement_table;
mod blocks;
pub mod calls;
mod cells;
pub mod charts;
mod csv;
mod data_facts;
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
mod results;
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

pub use notes::unanswered;
pub use results::{Results, Stored, all_without_series};
pub use table::{Paint, paragraph, strip_foreign_escapes};
pub use turns::render as write_turns;

use std::{env, io, io::IsTerminal};

use clap::ValueEnum;
#[cfg(test)]
use pocketwatt_record::Record;
use pocketwatt_record::Run;

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

/// Takes an output part by part.
pub type Output<'a> = dyn FnMut(&str) -> anyhow::Result<()> + 'a;

/// Whether escape sequences may be written there: to a terminal that knows them, unless `NO_COLOR` forbids them.
pub fn takes_escapes(stream: &impl IsTerminal) -> bool {
    let set = |variable: &str| env::var_os(variable).filter(|value| !value.is_empty());
    stream.is_terminal() && set("NO_COLOR").is_none() && set("TERM").is_some_and(|terminal| terminal != "dumb")
}

/// Writes the results of a run in `format`, and what lies among its records and is none.
///
/// # Errors
/// When they cannot be written.
pub fn write(
    run: &Run,
    results: &dyn Results,
    format: Format,
    style: &Style,
    output: &mut Output,
) -> anyhow::Result<()> {
    match format {
        Format::Table => table::render(run, results, style, output),
        Format::Markdown => markdown::render(run, results, output),
        Format::Csv => csv::render(run, results, output),
        Format::Json => json::render(run, results, output),
    }
}

/// The same of records in memory, as a text.
#[cfg(test)]
pub fn render(run: &Run, records: &[Record], format: Format, style: &Style) -> anyhow::Result<String> {
    text_of(|output| write(run, &(records, &[][..]), format, style, output))
}

/// What stands below everything else, of records in memory, as a text.
#[cfg(test)]
pub fn render_turns(run: &Run, records: &[Record], format: Format, style: &Style) -> String {
    text_of(|output| write_turns(run, &(records, &[][..]), format, style, output)).unwrap_or_default()
}

/// All parts of an output, as a text.
///
/// # Errors
/// Those of `write`.
pub fn text_of(write: impl FnOnce(&mut Output) -> anyhow::Result<()>) -> anyhow::Result<String> {
    let mut text = String::new();
    write(&mut |part| {
        text += part;
        Ok(())
    })?;
    Ok(text)
}
