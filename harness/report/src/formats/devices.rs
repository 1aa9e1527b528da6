//! Runs on several devices, side by side, for people.

use crate::{
    cases::Results,
    formats::{Format, markdown, terminal},
    output::{Output, Style},
    tables::{OnDevice, device_tables, on_device},
};

/// Writes what the devices have in common. Documents for programs have a run each, and nothing besides.
///
/// # Errors
/// When it cannot be written.
pub fn write_devices(
    devices: &[(String, &dyn Results)],
    format: Format,
    style: &Style,
    output: &mut Output,
) -> anyhow::Result<()> {
    let records: Vec<OnDevice> = devices.iter().flat_map(|(device, results)| on_device(device, *results)).collect();
    for table in device_tables(&records) {
        match format {
            Format::Table => output(&format!("\n{}", terminal::table_of(&table, style)))?,
            Format::Markdown => output(&format!("\n{}", markdown::table_of(&table)))?,
            Format::Csv | Format::Json => {}
        }
    }
    Ok(())
}
