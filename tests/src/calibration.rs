//! A made-up calibration.

use pocketwatt_record::{CALIBRATION_FORMAT, CalibratedDevice, Calibration, Noise, Precision, Run, SpeedMetric};

/// A calibration of a run's device, in which blocks and runs of the fake backend differ by 3 % in decoding and in the first token.
pub fn calibration_of(run: &Run) -> Calibration {
    let metrics =
        [SpeedMetric::DecodeThroughput, SpeedMetric::InterTokenLatency, SpeedMetric::TimeToFirstToken].into_iter();
    let noise = metrics.map(|metric| Noise {
        backend: "fake".into(),
        precision: Precision::F32,
        metric: metric.definition().name.into(),
        deviation: 0.03,
        pairs: 40,
        block_deviation: Some(0.03),
    });
    Calibration {
        format: CALIBRATION_FORMAT,
        pocketwatt: run.pocketwatt.clone(),
        created_unix_ms: run.started_unix_ms,
        device: CalibratedDevice::of(&run.device),
        noise: noise.collect(),
    }
}
