//! Runs on several devices, side by side, for people.

use crate::{
    cases::{Results, all_without_series},
    formats::{Format, markdown, terminal},
    output::{Output, Style},
    tables::{OnDevice, device_tables},
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
    let of = |(device, results): &(String, &dyn Results)| {
        let records = all_without_series(*results).into_iter();
        records.map(|record| OnDevice { device: device.clone(), record }).collect::<Vec<_>>()
    };
    let records: Vec<OnDevice> = devices.iter().flat_map(of).collect();
    for table in device_tables(&records) {
        match format {
            Format::Table => output(&format!("\n{}", terminal::table_of(&table, style)))?,
            Format::Markdown => output(&format!("\n{}", markdown::table_of(&table)))?,
            Format::Csv | Format::Json => {}
        }
    }
    Ok(())
}
