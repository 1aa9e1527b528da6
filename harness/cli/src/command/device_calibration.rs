//! The calibration of a device: where it is, and whether it holds.

use std::path::PathBuf;

use pocketwatt_meter::DeviceFacts;
use pocketwatt_record::{Calibration, Run, StoreError, Unsuitable};

/// A device, and when something was or will be measured on it.
#[derive(Clone, Copy, Debug)]
pub struct DeviceAt<'a> {
    /// The device.
    pub device: &'a DeviceFacts,
    /// Milliseconds since 1970 UTC.
    pub unix_ms: u64,
}

impl<'a> DeviceAt<'a> {
    /// That of a run.
    pub fn of(run: &'a Run) -> Self {
        Self { device: &run.device, unix_ms: run.started_unix_ms }
    }
}

/// A calibration, and its file.
#[derive(Clone, Debug)]
pub struct StoredCalibration {
    /// The file.
    pub path: PathBuf,
    /// What is in it.
    pub calibration: Calibration,
}

impl StoredCalibration {
    /// Reads the first of these files that is there; `None` if none is.
    ///
    /// # Errors
    /// When that one cannot be read, or is no calibration.
    pub fn first(paths: impl IntoIterator<Item = PathBuf>) -> Result<Option<Self>, StoreError> {
        let Some(path) = paths.into_iter().find(|path| path.symlink_metadata().is_ok()) else { return Ok(None) };
        let calibration = Calibration::read(&path)?;
        Ok(Some(Self { path, calibration }))
    }

    /// Whether it is of all these devices, and the newest of the times is near enough.
    ///
    /// # Errors
    /// Why it does not hold.
    pub fn ensure_holds(&self, occasions: &[DeviceAt]) -> Result<(), Unsuitable> {
        let newest = occasions.iter().map(|occasion| occasion.unix_ms).max().unwrap_or_default();
        occasions.iter().try_for_each(|occasion| self.calibration.ensure_suits(occasion.device, newest))
    }
}
