//! What a calibration found.

use pocketwatt_record::{MARGIN, MeasuredNoise, MetricId, detectable_in};

use crate::output::{
    inert::one_line,
    quantity::{fixed, significant},
};

/// For how long somebody may be willing to measure two cases, in minutes.
const MINUTES: [f64; 3] = [1.0, 5.0, 20.0];
/// The p-value that a verdict on the first metric of a chain needs in a table of two cases without energy, which has five chains.
pub const LEVEL: f64 = 0.0018;

/// The noise of the metrics of a case that was measured beside itself.
#[derive(Debug)]
pub struct NoiseOfCase {
    /// Scenario, model, backend, precision and threads.
    pub title: String,
    /// How long a block of the two takes, in seconds.
    pub block_s: f64,
    /// Of each metric.
    pub metrics: Vec<(MetricId, MeasuredNoise)>,
}

/// A table for each case: the noise of a block and between runs, and the smallest difference that a verdict finds with a probability of
/// 95 % in some minutes of measuring two cases.
pub fn noise_text<'n>(cases: impl Iterator<Item = &'n NoiseOfCase>) -> String {
    let mut text = String::new();
    for case in cases {
        let (blocks, pairs) = case.metrics.first().map_or((0, 0), |(_, noise)| (noise.blocks, noise.pairs));
        text += &format!(
            "\n{}: {blocks} blocks of {} s, {pairs} pairs of runs\n",
            one_line(&case.title),
            significant(case.block_s)
        );
        text += &format!("{:<26}{:>10}{:>14}", "noise of", "a block", "between runs");
        for minutes in MINUTES {
            text += &format!("{:>12}", format!("in {} min", fixed(minutes, 0)));
        }
        text.push('\n');
        for (metric, noise) in &case.metrics {
            let label = metric.definition().full_label();
            text += &format!("{label:<26}{:>10}{:>14}", per_cent(noise.of_block), per_cent(noise.between_runs));
            for minutes in MINUTES {
                let blocks = (minutes * 60.0 / case.block_s) as usize;
                let effect = detectable_in(noise.of_block, blocks, MARGIN, LEVEL);
                text += &format!("{:>12}", effect.map_or("-".into(), per_cent));
            }
            text.push('\n');
        }
    }
    text
}

fn per_cent(share: f64) -> String {
    format!("{} %", fixed(share * 100.0, 1))
}
