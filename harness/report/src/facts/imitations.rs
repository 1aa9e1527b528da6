//! What of a run is imitated, or may be.

use pocketwatt_record::Run;

use crate::cases::{EMULATED, Results, each_record};

/// What everything has to say at its top that shows numbers of this run, one of whose records at least `is_emulated` or none.
pub fn imitations(run: &Run, is_emulated: bool) -> Vec<&'static str> {
    let is_emulated = is_emulated || run.device.emulated.is_some();
    let simulated = "Energy meters were simulated: these are not this device's joules.";
    let unknown = "run.json is lost: the device is not known, nor whether the joules are its own.";
    let said = [
        is_emulated.then_some(EMULATED),
        run.energy.sysfs_root.is_some().then_some(simulated),
        run.rebuilt.is_some().then_some(unknown),
    ];
    said.into_iter().flatten().collect()
}

/// The same, of all records of a run.
///
/// # Errors
/// When a record cannot be read.
pub fn imitations_of(run: &Run, results: &dyn Results) -> anyhow::Result<Vec<&'static str>> {
    let mut is_emulated = false;
    each_record(results, |record| {
        is_emulated |= record.passport.emulated.is_some();
        Ok(())
    })?;
    Ok(imitations(run, is_emulated))
}
