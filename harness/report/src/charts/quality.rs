//! Quality against speed and against memory: what does a faster or smaller model lose?

use pocketwatt_record::{
    Direction, Estimate, MetricId, Quality, QualityFigures, QualityMetric, Record, SpeedMetric, Statistic, Unit,
    estimate,
};

use crate::charts::{
    chart::Chart,
    reading::short,
    scatter::{Dimension, Point, Scatter},
    settings::AllSettings,
};

/// The one that tells most comes first.
const METRICS: [QualityMetric; 3] =
    [QualityMetric::KlDivergence, QualityMetric::TokenAgreement, QualityMetric::Perplexity];

/// Draws quality over decode throughput; `None` if fewer than two cases have both.
///
/// # Errors
/// When the drawing library fails.
pub fn draw_against_speed(settings: &AllSettings) -> anyhow::Result<Option<Chart>> {
    let decode = Dimension { label: "decode", unit: Unit::TokensPerSecond, direction: Direction::HigherIsBetter };
    draw(settings, "Quality against speed: what does speed cost?", SpeedMetric::DecodeThroughput, decode)
}

/// Draws quality over peak memory; `None` if fewer than two cases have both.
///
/// # Errors
/// When the drawing library fails.
pub fn draw_against_memory(settings: &AllSettings) -> anyhow::Result<Option<Chart>> {
    let memory = Dimension { label: "peak memory", unit: Unit::Bytes, direction: Direction::LowerIsBetter };
    draw(settings, "Quality against memory: what does a small model lose?", SpeedMetric::PeakResidentMemory, memory)
}

fn draw(settings: &AllSettings, title: &'static str, cost: SpeedMetric, x: Dimension) -> anyhow::Result<Option<Chart>> {
    let points = |metric: QualityMetric| -> Vec<Point> {
        let point = |(place, case): (usize, &crate::charts::settings::SettingsCase)| {
            let x = estimate(case.record, cost, Statistic::Median).ok()?;
            let y = quality(case.record, metric)?;
            let note = if is_reference(case.record) { "it is the reference" } else { "" };
            Some(Point { case: place, x, y, note: note.into() })
        };
        settings.cases.iter().enumerate().filter_map(point).collect()
    };
    let Some((metric, points)) =
        METRICS.map(|metric| (metric, points(metric))).into_iter().find(|(_, points)| points.len() > 1)
    else {
        return Ok(None);
    };
    let definition = MetricId::from(metric).definition();
    let scatter = Scatter {
        settings,
        title,
        remark: remark(settings, metric),
        x,
        y: Dimension { label: definition.label, unit: definition.unit, direction: definition.direction },
        points,
        curves: Vec::new(),
    };
    scatter.draw()
}

/// A case's number; the reference is itself without a difference.
fn quality(record: &Record, metric: QualityMetric) -> Option<Estimate> {
    if is_reference(record) {
        match metric {
            QualityMetric::KlDivergence => return Some(Estimate::between(0.0, None)),
            QualityMetric::TokenAgreement => return Some(Estimate::between(1.0, None)),
            QualityMetric::Perplexity => {}
        }
    }
    estimate(record, metric, Statistic::Median).ok()
}

fn figures(record: &Record) -> Option<&QualityFigures> {
    match record.quality.as_ref()? {
        Quality::Compared(figures) => Some(figures),
        Quality::Absent(_) => None,
    }
}

fn is_reference(record: &Record) -> bool {
    figures(record).is_some_and(|figures| figures.is_reference) && !record.passport.model.seeded
}

fn remark(settings: &AllSettings, metric: QualityMetric) -> String {
    let compared = settings.cases.iter().find_map(|case| figures(case.record));
    let text = compared.map_or_else(String::new, |figures| {
        let (positions, reference) = (figures.positions, short(&figures.reference));
        format!(" On one fixed text of {positions} positions, so without an interval; the reference is {reference}.")
    });
    let words = match metric {
        QualityMetric::KlDivergence => {
            "Divergence of the next token's probabilities from the reference: 0 is the same."
        }
        QualityMetric::TokenAgreement => "Positions at which the most probable token is the reference's.",
        QualityMetric::Perplexity => "Perplexity: how surprised the model is by the text.",
    };
    format!("{words}{text}")
}
