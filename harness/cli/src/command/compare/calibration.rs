//! The calibration that a comparison uses.

use std::path::Path;

use anyhow::Result;
use pocketwatt_record::{Calibration, Run};

use super::side::Side;
use crate::{refusal::Refusal, report::CalibrationUse};

/// The calibration in `file`, or that of the candidate's device. One that was named has to hold for both runs; another one that does not
/// is passed over, with the reason.
///
/// # Errors
/// When the named one cannot be read or does not hold, or that of the device is damaged.
pub fn find_calibration(
    file: Option<&Path>,
    results: &Path,
    baseline: &Side,
    candidate: &Side,
) -> Result<(Option<Calibration>, CalibrationUse)> {
    let missing = |reason: String| Ok((None, CalibrationUse::Missing { reason }));
    let (Some(one), Some(other)) = (baseline.known_run(), candidate.known_run()) else {
        let reason = "without a readable run.json the device is not known, so no calibration can be that of the device";
        return match file {
            Some(_) => Err(Refusal::error(format!("--calibration: {reason}"))),
            None => missing(reason.into()),
        };
    };
    let usual = Calibration::path(results, &other.device.name);
    let beside = candidate.device_folder().map(|folder| Calibration::in_folder(&folder));
    let found = match file {
        Some(file) => Some(file.to_owned()),
        None => beside.into_iter().chain([usual]).find(|path| path.symlink_metadata().is_ok()),
    };
    let Some(path) = found else {
        return missing("between runs is not known: this device has no calibration (`pocketwatt calibrate`)".into());
    };
    let calibration = Calibration::read(&path)?;
    match ensure_holds(&calibration, one, other) {
        Ok(()) => {
            let created_unix_ms = calibration.created_unix_ms;
            Ok((Some(calibration), CalibrationUse::Used { file: path.display().to_string(), created_unix_ms }))
        }
        Err(reason) if file.is_some() => {
            Err(Refusal::error(format!("the calibration {} does not hold: {reason}", path.display())))
        }
        Err(reason) => {
            notice!("passed over: the calibration {} does not hold: {reason}", path.display());
            missing(format!("between runs is not known: the calibration {} does not hold: {reason}", path.display()))
        }
    }
}

/// Both runs have to be of its device; the newer one counts for its age.
fn ensure_holds(calibration: &Calibration, one: &Run, other: &Run) -> Result<(), String> {
    let started = one.started_unix_ms.max(other.started_unix_ms);
    for run in [one, other] {
        calibration.ensure_suits(&run.device, started).map_err(|error| error.to_string())?;
    }
    Ok(())
}
