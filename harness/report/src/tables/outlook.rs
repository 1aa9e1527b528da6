//! Which differences the blocks of a plan will show, by what a calibration knows about noise.

use pocketwatt_record::{Calibration, Case, MARGIN, MetricId, SpeedMetric, blocks_to_detect, detectable_in};

use crate::{
    output::{date, effect, inert::one_line},
    tables::noise::LEVEL,
};

/// What is told of: what a user feels first.
const TOLD: [SpeedMetric; 2] = [SpeedMetric::DecodeThroughput, SpeedMetric::TimeToFirstToken];
/// The difference for which enough blocks are named, as a share.
const WANTED: f64 = 0.05;

/// Cases that will be compared block by block.
#[derive(Debug)]
pub struct PlannedBlocks<'a> {
    /// The cases.
    pub cases: &'a [Case],
    /// Blocks of each, at least.
    pub blocks: u32,
    /// Pairs of cases in the largest table: the more are compared, the more evidence each verdict needs.
    pub pairs: usize,
}

impl PlannedBlocks<'_> {
    /// The smallest differences that these blocks will show with a probability of 95 %, and how many blocks would show 5 %, at the largest
    /// noise of the cases' backends and precisions.
    pub fn text(&self, calibration: &Calibration) -> String {
        let made = date::minute(calibration.created_unix_ms);
        let level = LEVEL / self.pairs.max(1) as f64;
        let (mut shown, mut enough) = (Vec::new(), Some(2));
        for metric in TOLD.map(MetricId::from) {
            let deviation = match calibration.block_noise(self.cases, metric) {
                Ok(deviation) => deviation,
                Err(unknown) => return unknown_noise(unknown, metric, &made),
            };
            let least = detectable_in(deviation, self.blocks as usize, MARGIN, level).unwrap_or(f64::INFINITY);
            shown.push(format!("in {} of about {} or more", words(metric), effect(least)));
            let needed = blocks_to_detect(WANTED, deviation, MARGIN, level);
            enough = enough.zip(needed).map(|(one, other)| one.max(other));
        }
        let shown = match self.blocks {
            0 | 1 => "1 block shows no difference".to_owned(),
            blocks => format!("{blocks} blocks show differences {}", shown.join(" and ")),
        };
        let enough = match enough {
            Some(enough) => {
                format!("5 % in both takes about {enough} blocks (--blocks {enough} --iterations {enough})")
            }
            None => "no number of blocks shows 5 % in both".to_owned(),
        };
        format!("{shown}, by the calibration of {made}; {enough}")
    }
}

fn words(metric: MetricId) -> String {
    metric.definition().name.replace('_', " ")
}

fn unknown_noise(case: &Case, metric: MetricId, made: &str) -> String {
    format!(
        "the calibration of {made} does not say how much the {} of {} in {} differs between blocks, so it is not known which differences \
         the blocks will show; `pocketwatt calibrate` measures that",
        words(metric),
        one_line(&case.backend),
        case.precision.name()
    )
}

#[cfg(test)]
mod tests {
    use pocketwatt_record::{CALIBRATION_FORMAT, CalibratedDevice, Noise};

    use super::*;
    use crate::fixture;

    fn calibration(cases: &[Case], deviation: f64) -> Calibration {
        let noise = |(case, metric): (&Case, SpeedMetric)| Noise {
            backend: case.backend.clone(),
            precision: case.precision,
            metric: metric.definition().name.into(),
            deviation,
            pairs: 10,
            block_deviation: Some(deviation),
        };
        Calibration {
            format: CALIBRATION_FORMAT,
            pocketwatt: "0.1.0".into(),
            created_unix_ms: 1_795_437_753_000,
            device: CalibratedDevice::default(),
            noise: cases.iter().flat_map(|case| TOLD.map(|metric| noise((case, metric)))).collect(),
        }
    }

    #[test]
    fn a_plan_says_which_differences_its_blocks_show() {
        let cases: Vec<Case> = fixture::prefill().into_iter().map(|record| record.case).collect();
        let text = |blocks: u32, pairs: usize, deviation: f64| {
            PlannedBlocks { cases: &cases, blocks, pairs }.text(&calibration(&cases, deviation))
        };
        insta::assert_snapshot!(text(5, 1, 0.02), @"5 blocks show differences in decode throughput of about 10.0 % or more and in time to first token of about 10.0 % or more, by the calibration of 2026-11-23 12:42 UTC; 5 % in both takes about 11 blocks (--blocks 11 --iterations 11)");
        insta::assert_snapshot!(text(1, 1, 0.9), @"1 block shows no difference, by the calibration of 2026-11-23 12:42 UTC; no number of blocks shows 5 % in both");
        let mut unknown = calibration(&cases, 0.02);
        unknown.noise.truncate(2);
        insta::assert_snapshot!(PlannedBlocks { cases: &cases, blocks: 5, pairs: 1 }.text(&unknown), @"the calibration of 2026-11-23 12:42 UTC does not say how much the decode throughput of tract in f32 differs between blocks, so it is not known which differences the blocks will show; `pocketwatt calibrate` measures that");
    }
}
