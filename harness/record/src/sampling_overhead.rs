use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    statistics::{median_interval, percentile},
    store::write_atomically,
};

/// File in a device's folder of results.
const FILE: &str = "observer.json";

/// What the sampling costs the measurement: `pocketwatt probe observer` finds it, and it is printed with the results of that
/// device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ObserverCost")]
pub struct SamplingOverhead {
    /// Median over pairs of (decode throughput with the sampler / without it) - 1.
    pub relative_change: f64,
    /// Lower end of the 95 % confidence interval of that median.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Number of pairs of iterations, with and without the sampler.
    pub pairs: u32,
    /// Time between two rounds of reading, in milliseconds.
    pub period_ms: u64,
    /// Energy meters that were read.
    pub meters: Vec<String>,
    /// The workload: `candle, mobilellm-125m, 1 thread`.
    pub workload: String,
    /// When it was measured, milliseconds since 1970 UTC.
    pub at_unix_ms: u64,
}

impl SamplingOverhead {
    /// From decode throughputs, each pair `(with, without)`; `None` for fewer than 6 pairs, whose median has no 95 %
    /// interval. The caller fills in the other fields.
    pub fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let mut changes: Vec<f64> = pairs.iter().map(|(with, without)| with / without - 1.0).collect();
        changes.sort_by(f64::total_cmp);
        let (low, high) = median_interval(&changes)?;
        Some(Self {
            relative_change: percentile(&changes, 0.5),
            low,
            high,
            pairs: pairs.len() as u32,
            period_ms: 0,
            meters: Vec::new(),
            workload: String::new(),
            at_unix_ms: 0,
        })
    }

    /// Stores it in a device's folder of results.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, device_folder: &Path) -> Result<(), StoreError> {
        pocketwatt_files::create_folder(device_folder).map_err(StoreError::io("create", device_folder))?;
        write_atomically(&device_folder.join(FILE), self)
    }

    /// What was stored there; `None` if it was never measured, or stored by an incompatible version.
    pub fn read(device_folder: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(device_folder.join(FILE)).ok()?;
        serde_json::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_the_median_of_pairs_and_is_kept_for_the_device() {
        let pairs =
            [(99.0, 100.0), (100.0, 100.0), (98.0, 100.0), (101.0, 100.0), (99.5, 100.0), (97.0, 100.0), (99.0, 99.0)];
        let overhead = SamplingOverhead::of(&pairs).unwrap();
        assert!((overhead.relative_change + 0.005).abs() < 1e-12, "{overhead:?}");
        assert!(overhead.low < overhead.relative_change && overhead.relative_change < overhead.high, "{overhead:?}");
        assert_eq!(SamplingOverhead::of(&pairs[..5]), None);
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("device");
        assert_eq!(SamplingOverhead::read(&device), None);
        overhead.write(&device).unwrap();
        assert_eq!(SamplingOverhead::read(&device), Some(overhead));
    }
}
