//! Roofline: what decodes as fast as memory delivers the weights?

use pocketwatt_record::{Direction, Estimate, Record, SpeedMetric, Statistic, Unit, bytes_per_decoded_token, estimate};

use crate::{
    cases::threads,
    charts::{
        chart::Chart,
        reading::amount,
        scale::drawable,
        scatter::{Curve, Dimension, Point, Scatter},
        settings::AllSettings,
    },
    output::quantity::fixed,
};

/// Points of a curve.
const STEPS: u32 = 48;

/// Draws the chart; `None` if the bandwidth was not measured, or fewer than two cases decoded.
///
/// # Errors
/// When the drawing library fails.
pub fn draw(settings: &AllSettings) -> anyhow::Result<Option<Chart>> {
    let points: Vec<Point> = settings
        .cases
        .iter()
        .enumerate()
        .filter_map(|(place, case)| {
            let bytes = bytes_per_token(case.record)?;
            let y = estimate(case.record, SpeedMetric::DecodeThroughput, Statistic::Median).ok()?;
            let share = y.value * bytes / case.record.passport.bandwidth.as_ref()?.best_bytes_per_second;
            let note = format!("{} % of the memory bandwidth", fixed(share * 100.0, 1));
            Some(Point { case: place, x: Estimate::between(bytes, None), y, note })
        })
        .collect();
    if points.is_empty() {
        return Ok(None);
    }
    let scatter = Scatter {
        settings,
        title: "Roofline: how near does decoding come to the memory?",
        remark: "Grey curve: the measured memory bandwidth divided by the bytes of a token, weights and cache. A point above it \
                 takes weights from the processor's cache. Whiskers: 95 % intervals."
            .into(),
        x: Dimension { label: "bytes read per token", unit: Unit::Bytes, direction: Direction::Informative },
        y: Dimension { label: "decode", unit: Unit::TokensPerSecond, direction: Direction::HigherIsBetter },
        curves: curves(settings, &points),
        points,
    };
    scatter.draw()
}

/// Over all counted iterations, on average.
fn bytes_per_token(record: &Record) -> Option<f64> {
    let bytes: Vec<f64> =
        record.samples.counted().filter_map(|iteration| bytes_per_decoded_token(&record.passport, iteration)).collect();
    (!bytes.is_empty()).then(|| bytes.iter().sum::<f64>() / bytes.len() as f64)
}

/// What each measured bandwidth allows, in the range of the points.
fn curves(settings: &AllSettings, points: &[Point]) -> Vec<Curve> {
    let most_bytes = points.iter().map(|point| point.x.value).fold(0.0, f64::max) * 1.12;
    let fastest =
        points.iter().map(|point| point.y.range.map_or(point.y.value, |range| range.1)).fold(0.0, f64::max) * 1.1;
    let mut known: Vec<(u32, f64)> = Vec::new();
    for case in &settings.cases {
        let Some(bandwidth) = &case.record.passport.bandwidth else { continue };
        let one = (bandwidth.threads, bandwidth.best_bytes_per_second);
        if !known.contains(&one) {
            known.push(one);
        }
    }
    let curve = |(count, bytes_per_second): (u32, f64)| {
        let first = bytes_per_second / fastest;
        let step = |step: u32| first + (most_bytes - first) * f64::from(step) / f64::from(STEPS);
        let line = (0..=STEPS).map(|at| (step(at), bytes_per_second / step(at))).collect();
        let rate = format!("{} GB/s", fixed(bytes_per_second / 1e9, 1));
        let (most, least) =
            (amount(most_bytes, Unit::Bytes), amount(bytes_per_second / most_bytes, Unit::TokensPerSecond));
        Curve {
            label: format!("memory bandwidth, {rate} with {}", threads(count)),
            line,
            text: format!(
                "measured memory bandwidth with {}: {rate}; at most {least} with {most} for each token",
                threads(count)
            ),
        }
    };
    let crosses =
        |one: &(u32, f64)| fastest > 0.0 && drawable(most_bytes) && one.1 > 0.0 && one.1 / fastest < most_bytes;
    known.into_iter().filter(crosses).map(curve).collect()
}
