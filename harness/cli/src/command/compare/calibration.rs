//! The calibration that a comparison uses.

use std::path::{Path, PathBuf};

use anyhow::Result;
use pocketwatt_record::Calibration;

use crate::{
    command::device_calibration::{DeviceAt, StoredCalibration},
    refusal::Refusal,
    report::CalibrationUse,
};

/// The calibration in `file`, or else the first of the usual files that is there. One that was named has to hold for both runs; another
/// one that does not is passed over, with the reason.
///
/// # Errors
/// When the named one does not exist, cannot be read or does not hold, or a usual one is damaged.
pub fn find_calibration(
    file: Option<&Path>,
    usual: impl IntoIterator<Item = PathBuf>,
    [baseline, candidate]: [Option<DeviceAt>; 2],
) -> Result<(Option<Calibration>, CalibrationUse)> {
    let missing = |reason: String| Ok((None, CalibrationUse::Missing { reason }));
    let found = file.map(named).transpose()?;
    let (Some(baseline), Some(candidate)) = (baseline, candidate) else {
        let reason = "without a readable run.json the device is not known, so no calibration can be that of the device";
        return match file {
            Some(_) => Err(Refusal::error(format!("--calibration: {reason}"))),
            None => missing(reason.into()),
        };
    };
    let found = if found.is_some() { found } else { StoredCalibration::first(usual)? };
    let Some(found) = found else {
        return missing("between runs is not known: this device has no calibration (`pocketwatt calibrate`)".into());
    };
    let path = found.path.display().to_string();
    match found.ensure_holds(&[baseline, candidate]) {
        Ok(()) => {
            let created_unix_ms = found.calibration.created_unix_ms;
            Ok((Some(found.calibration), CalibrationUse::Used { file: path, created_unix_ms }))
        }
        Err(reason) if file.is_some() => Err(Refusal::error(format!("the calibration {path} does not hold: {reason}"))),
        Err(reason) => {
            notice!("passed over: the calibration {path} does not hold: {reason}");
            missing(format!("between runs is not known: the calibration {path} does not hold: {reason}"))
        }
    }
}

fn named(file: &Path) -> Result<StoredCalibration> {
    let missing = || {
        Refusal::error(format!(
            "--calibration: there is no {}; `pocketwatt calibrate` writes one beside the runs of a device",
            file.display()
        ))
    };
    StoredCalibration::first([file.to_owned()])?.ok_or_else(missing)
}
