//! What each turn costs, below everything else.

use pocketwatt_record::Run;

use crate::{
    cases::{Results, each_group},
    formats::{Format, markdown, terminal},
    output::{Output, Style},
    table::Table,
    tables::turn_table,
};

/// The tables, below everything else. The JSON document has the turns anyhow, and CSV has no place for them.
///
/// # Errors
/// When the output cannot be written.
pub fn write_turns(
    run: &Run,
    results: &dyn Results,
    format: Format,
    style: &Style,
    output: &mut Output,
) -> anyhow::Result<()> {
    let simulated = run.energy.sysfs_root.is_some();
    let layout = match format {
        Format::Table => |table: &Table, style: &Style| terminal::table_of(table, style),
        Format::Markdown => |table: &Table, _: &Style| markdown::table_of(table),
        Format::Csv | Format::Json => return Ok(()),
    };
    each_group(results, |group, part| {
        let Some(mut table) = turn_table(group, simulated) else { return Ok(()) };
        table.title += part;
        output(&format!("\n{}\n", layout(&table, style).trim_end()))
    })
}
