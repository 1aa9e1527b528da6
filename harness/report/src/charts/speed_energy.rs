//! Speed against energy: what each case generates in a second, and what a token costs.

use pocketwatt_record::{
    Direction, EnergyMetric, Estimate, MetricScope, Record, SpeedMetric, Statistic, Unit, estimate,
};

use crate::{
    charts::{
        chart::Chart,
        scatter::{Dimension, Point, Scatter},
        settings::AllSettings,
    },
    facts::scope_name,
};

const ENERGY: EnergyMetric = EnergyMetric::EnergyPerOutputToken;

/// Draws the chart; `None` if fewer than two cases have both numbers.
///
/// # Errors
/// When the drawing library fails.
pub fn draw(settings: &AllSettings) -> anyhow::Result<Option<Chart>> {
    let Some(scope) = settings.cases.iter().find_map(|case| scope(case.record)) else { return Ok(None) };
    let points = settings.cases.iter().enumerate().filter_map(|(place, case)| {
        let x = estimate(case.record, SpeedMetric::DecodeThroughput, Statistic::Median).ok()?;
        Some(Point { case: place, x, y: energy(case.record, scope)?, note: String::new() })
    });
    let scope = scope_name(scope, settings.run.energy.sysfs_root.is_some());
    let scatter = Scatter {
        settings,
        title: "Speed against energy: what is fast and frugal?",
        remark: format!("Energy of the {scope}, idle power included. Whiskers: 95 % intervals."),
        x: Dimension { label: "decode", unit: Unit::TokensPerSecond, direction: Direction::HigherIsBetter },
        y: Dimension { label: "energy per output token", unit: Unit::Joules, direction: Direction::LowerIsBetter },
        points: points.collect(),
        curves: Vec::new(),
    };
    scatter.draw()
}

/// The preferred scope, if it has a number. All cases are shown with the same one.
fn scope(record: &Record) -> Option<&MetricScope> {
    record.values(ENERGY).find(|value| value.summary().is_some())?.scope.as_ref()
}

fn energy(record: &Record, scope: &MetricScope) -> Option<Estimate> {
    record.values(ENERGY).find(|value| value.scope.as_ref() == Some(scope))?.estimate().ok()
}
