//! Results in the format that was asked for.

use pocketwatt_record::Run;

use crate::{
    cases::Results,
    formats::{Format, csv, json, markdown, terminal},
    output::{Output, Style},
};

/// Writes the results of a run in `format`, including files among its records that are not records.
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
        Format::Table => terminal::render(run, results, style, output),
        Format::Markdown => markdown::render(run, results, output),
        Format::Csv => csv::render(run, results, output),
        Format::Json => json::render(run, results, None::<&()>, output),
    }
}
