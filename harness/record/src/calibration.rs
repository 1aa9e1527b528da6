//! How much two runs of the same thing differ on a device: its noise between runs.

use std::path::{Path, PathBuf};

use pocketwatt_files::read_bounded_in_place;
use pocketwatt_meter::DeviceFacts;
use pocketwatt_protocol::Precision;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Case, Damage, FormatVersion, MetricId, StoreError,
    store::{shortened, write_atomically},
};

/// Version of the calibrations that this build writes, independent of that of the records.
pub const CALIBRATION_FORMAT: FormatVersion = FormatVersion { major: 1, minor: 1 };
/// Largest file that is read, in bytes.
const MOST_BYTES: u64 = 16 << 20;
/// For so long after a calibration, or before it, runs are compared by it.
const MOST_DAYS: u64 = 30;
const DAY_MS: u64 = 86_400_000;

/// The noise between runs on a device, from runs of identical things.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// Version of this format.
    pub format: FormatVersion,
    /// Version of the harness.
    pub pocketwatt: String,
    /// When it was made, milliseconds since 1970 UTC.
    pub created_unix_ms: u64,
    /// Where it was made.
    pub device: CalibratedDevice,
    /// What was found.
    pub noise: Vec<Noise>,
}

/// What has to be the same for a calibration to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalibratedDevice {
    /// Its name.
    pub name: String,
    /// Its processor.
    pub processor: Option<String>,
    /// Logical processors that the harness may use.
    pub cores: u32,
    /// Version of its kernel.
    pub kernel: Option<String>,
}

/// How much a metric differs between two runs of the same case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Noise {
    /// The backend.
    pub backend: String,
    /// The number format.
    pub precision: Precision,
    /// Name of the metric.
    pub metric: String,
    /// Standard deviation of the natural logarithm of the ratio of two runs.
    pub deviation: f64,
    /// How many pairs of runs it comes from; at least 2.
    pub pairs: u32,
    /// Standard deviation of the natural logarithm of the ratio in one block; since format 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_deviation: Option<f64>,
}

/// Why a calibration does not hold for a run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unsuitable {
    /// It was made on another device, or the device has changed.
    #[error("it is of another {what}: {calibrated} instead of {found}")]
    Foreign {
        /// What is another one.
        what: &'static str,
        /// That of the calibration.
        calibrated: String,
        /// That of the run.
        found: String,
    },
    /// The run is much younger or older.
    #[error("{days} days lie between it and the run, and it holds for {MOST_DAYS}")]
    Stale {
        /// Days between the two.
        days: u64,
    },
}

impl CalibratedDevice {
    /// Those facts of a device.
    pub fn of(device: &DeviceFacts) -> Self {
        Self {
            name: device.name.clone(),
            processor: device.processor.clone(),
            cores: device.allowed_cores.unwrap_or(device.logical_cores),
            kernel: device.kernel.clone(),
        }
    }
}

impl Calibration {
    /// Where the calibration of a device is stored below the folder of results.
    pub fn path(results: &Path, device: &str) -> PathBuf {
        Self::in_folder(&results.join(device))
    }

    /// Where it is stored in the folder of a device.
    pub fn in_folder(device: &Path) -> PathBuf {
        device.join("calibration.json")
    }

    /// Reads a calibration. A link is not followed.
    ///
    /// # Errors
    /// When it cannot be read, is not a calibration, has impossible numbers, or was written by a newer version.
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        intact(path).map_err(StoreError::damaged(path))
    }

    /// Stores it; a reader sees all of it or nothing.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write(&self, path: &Path) -> Result<(), StoreError> {
        write_atomically(path, self)
    }

    /// Whether it holds for a run on that device, which began at that time.
    ///
    /// # Errors
    /// Why not.
    pub fn ensure_suits(&self, device: &DeviceFacts, started_unix_ms: u64) -> Result<(), Unsuitable> {
        let (calibrated, found) = (&self.device, CalibratedDevice::of(device));
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "an unknown one".into());
        let facts = [
            ("device", calibrated.name.clone(), found.name.clone()),
            ("processor", text(&calibrated.processor), text(&found.processor)),
            ("number of cores", calibrated.cores.to_string(), found.cores.to_string()),
            ("kernel", text(&calibrated.kernel), text(&found.kernel)),
        ];
        if let Some((what, calibrated, found)) = facts.into_iter().find(|(_, calibrated, found)| calibrated != found) {
            return Err(Unsuitable::Foreign { what, calibrated, found });
        }
        match self.created_unix_ms.abs_diff(started_unix_ms) {
            apart if apart > MOST_DAYS * DAY_MS => Err(Unsuitable::Stale { days: apart / DAY_MS }),
            _ => Ok(()),
        }
    }

    /// The noise of a metric; `None` if it was not calibrated for that backend and precision.
    pub fn noise(&self, backend: &str, precision: Precision, metric: MetricId) -> Option<&Noise> {
        let is_it =
            |noise: &&Noise| noise.backend == backend && noise.precision == precision && noise.metric == metric.name();
        self.noise.iter().find(is_it)
    }

    /// The noise of a metric in one block, the largest of all these cases.
    ///
    /// # Errors
    /// The first case whose backend and precision it does not know.
    pub fn block_noise<'c>(
        &self,
        cases: impl IntoIterator<Item = &'c Case>,
        metric: MetricId,
    ) -> Result<f64, &'c Case> {
        let known = |case: &'c Case| self.noise(&case.backend, case.precision, metric)?.block_deviation;
        cases.into_iter().try_fold(0.0, |largest: f64, case| Ok(largest.max(known(case).ok_or(case)?)))
    }
}

/// The beginning of a calibration, whatever follows.
#[derive(Deserialize)]
struct Head {
    format: FormatVersion,
}

fn intact(path: &Path) -> Result<Calibration, Damage> {
    let contents = read_bounded_in_place(path, MOST_BYTES).map_err(|error| Damage::of(&error))?;
    if contents.is_empty() {
        return Err(Damage::Empty);
    }
    let malformed = |words: String| Damage::Malformed(shortened(&words));
    let head: Head = serde_json::from_slice(&contents).map_err(|error| malformed(error.to_string()))?;
    if head.format.major != CALIBRATION_FORMAT.major {
        let words = format!("calibrations of format {} need a newer pocketwatt", head.format);
        return Err(malformed(words));
    }
    let found: Calibration = serde_json::from_slice(&contents).map_err(|error| malformed(error.to_string()))?;
    match found.noise.iter().find(|noise| !noise.is_possible()) {
        Some(Noise { metric, deviation, pairs, block_deviation, .. }) => Err(malformed(format!(
            "{metric} with a deviation of {deviation} in {pairs} pairs of runs, and of {} in a block",
            block_deviation.unwrap_or(*deviation)
        ))),
        None => Ok(found),
    }
}

impl Noise {
    fn is_possible(&self) -> bool {
        let is_deviation = |deviation: f64| deviation.is_finite() && deviation >= 0.0;
        is_deviation(self.deviation) && self.block_deviation.is_none_or(is_deviation) && self.pairs >= 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SpeedMetric, energy::simulation};

    fn device() -> DeviceFacts {
        DeviceFacts {
            name: "phone".into(),
            processor: Some("Cortex".into()),
            logical_cores: 8,
            allowed_cores: Some(4),
            kernel: Some("6.1".into()),
            ..DeviceFacts::default()
        }
    }

    fn calibration() -> Calibration {
        let noise = Noise {
            backend: "tract".into(),
            precision: Precision::Int4,
            metric: "decode_throughput".into(),
            deviation: 0.03,
            pairs: 20,
            block_deviation: Some(0.02),
        };
        Calibration {
            format: CALIBRATION_FORMAT,
            pocketwatt: "0.1.0".into(),
            created_unix_ms: 100 * DAY_MS,
            device: CalibratedDevice::of(&device()),
            noise: vec![noise],
        }
    }

    #[test]
    fn it_holds_for_its_device_and_a_month() {
        let holds = |device: &DeviceFacts, day: u64| calibration().ensure_suits(device, day * DAY_MS);
        assert_eq!(holds(&device(), 130), Ok(()));
        assert_eq!(holds(&device(), 131), Err(Unsuitable::Stale { days: 31 }));
        assert_eq!(holds(&device(), 69), Err(Unsuitable::Stale { days: 31 }), "runs may be older than it");
        for other in [
            DeviceFacts { name: "other".into(), ..device() },
            DeviceFacts { processor: None, ..device() },
            DeviceFacts { allowed_cores: Some(2), ..device() },
            DeviceFacts { kernel: Some("6.2".into()), ..device() },
        ] {
            assert!(matches!(holds(&other, 100), Err(Unsuitable::Foreign { .. })), "{other:?}");
        }
    }

    #[test]
    fn what_is_stored_comes_back_and_what_cannot_be_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.json");
        let stored = calibration();
        stored.write(&path).unwrap();
        let read = Calibration::read(&path).unwrap();
        assert_eq!(read, stored);
        let metric = |metric: SpeedMetric| read.noise("tract", Precision::Int4, metric.into()).map(|noise| noise.pairs);
        assert_eq!([metric(SpeedMetric::DecodeThroughput), metric(SpeedMetric::LoadTime)], [Some(20), None]);
        for (deviation, pairs, block_deviation) in
            [(-0.1, 5, None), (0.1, 1, None), (f64::INFINITY, 5, None), (0.1, 5, Some(-0.1))]
        {
            let mut impossible = calibration();
            impossible.noise[0] = Noise { deviation, pairs, block_deviation, ..impossible.noise[0].clone() };
            impossible.write(&path).unwrap();
            assert!(Calibration::read(&path).is_err(), "{deviation} {pairs} {block_deviation:?}");
        }
        let newer = Calibration { format: FormatVersion { major: 2, minor: 0 }, ..calibration() };
        newer.write(&path).unwrap();
        let error = Calibration::read(&path).unwrap_err().to_string();
        assert!(error.contains("format 2.0 need a newer pocketwatt"), "{error}");
    }

    #[test]
    fn the_noise_of_a_block_is_that_of_the_noisiest_case_and_unknown_in_old_files() {
        let case =
            |backend: &str| Case { backend: backend.into(), precision: Precision::Int4, ..simulation::record().case };
        let (tract, candle) = (case("tract"), case("candle"));
        let decode = MetricId::Speed(SpeedMetric::DecodeThroughput);
        let mut known = calibration();
        assert_eq!(known.block_noise([&tract, &candle], decode), Err(&candle));
        known.noise.push(Noise { backend: "candle".into(), block_deviation: Some(0.04), ..known.noise[0].clone() });
        assert_eq!(known.block_noise([&tract, &candle], decode), Ok(0.04));
        assert_eq!(known.block_noise([&tract], SpeedMetric::LoadTime.into()), Err(&tract));

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.json");
        let old = r#"{"format":{"major":1,"minor":0},"pocketwatt":"0.1.0","created_unix_ms":1,
            "device":{"name":"phone","processor":null,"cores":2,"kernel":null},
            "noise":[{"backend":"tract","precision":"int4","metric":"decode_throughput","deviation":0.03,"pairs":20}]}"#;
        std::fs::write(&path, old).unwrap();
        let old = Calibration::read(&path).unwrap();
        assert_eq!((old.noise[0].deviation, old.block_noise([&tract], decode)), (0.03, Err(&tract)));
    }
}
