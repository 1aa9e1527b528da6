//! How values, changes and certainties are written.

use pocketwatt_history::{Certainty, Change, Course, Effect};
use pocketwatt_record::{MetricId, Shift, Unit};

use crate::{
    output::quantity::{Quantity, fixed},
    table::{Scale, scale},
};

/// The unit in which all values of a course are written: its chart, its caption and its data say the same.
pub fn course_scale(course: &Course<'_>) -> Scale {
    let largest = course.points.iter().map(|point| point.value.abs()).fold(0.0, f64::max);
    scale(course.metric.definition().unit, largest)
}

/// `31.84 ±0.41 tokens/s`; the interval is that of the run alone.
pub fn value(value: f64, range: Option<(f64, f64)>, unit: Unit) -> String {
    scaled(value, range, &scale(unit, value.abs()))
}

/// The same in a given unit.
pub fn scaled(value: f64, range: Option<(f64, f64)>, scale: &Scale) -> String {
    let half = range.map(|(low, high)| (high - low) / 2.0 * scale.factor);
    Quantity::new(value * scale.factor, scale.symbol).with(half).in_column().trim_end().to_owned()
}

/// `+4.9 %`, of a ratio.
pub fn percent(ratio: f64) -> String {
    let share = (ratio - 1.0) * 100.0;
    let sign = if share < 0.0 { "\u{2212}" } else { "+" };
    format!("{sign}{} %", fixed(share.abs(), if share.abs() < 9.95 { 1 } else { 0 }))
}

/// `+4.9 % [+4.4 %, +5.5 %]`.
pub fn shift(shift: &Shift) -> String {
    let range = shift.range.map(|(low, high)| format!(" [{}, {}]", percent(low), percent(high)));
    format!("{}{}", percent(shift.ratio), range.unwrap_or_default())
}

/// By how much a metric changed.
pub fn amount(metric: MetricId, change: &Change) -> String {
    let unit = metric.definition().unit;
    let levels = format!("{} to {}", value(change.point.before, None, unit), value(change.point.after, None, unit));
    change.point.shift.as_ref().map_or(levels, shift)
}

/// `better`, `worse`; a metric that explains others is neither.
pub fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Better => "better",
        Effect::Worse => "worse",
        Effect::Neutral => "changed",
    }
}

/// The class that colours it; the word stands beside it.
pub fn effect_class(effect: Effect) -> &'static str {
    match effect {
        Effect::Better => "best",
        Effect::Worse => "alarm",
        Effect::Neutral => "pale",
    }
}

/// `confirmed`, ...
pub fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Confirmed => "confirmed",
        Certainty::Found => "found",
        Certainty::Faded => "faded",
    }
}

/// `p = 3e-9`.
pub fn p_value(change: &Change) -> String {
    match change.point.p_value_now {
        Some(p_value) if p_value < 1e-300 => "p < 1e-300".to_owned(),
        Some(p_value) => format!("p = {p_value:.0e}"),
        None => "p > 5 %".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(value(31.84, Some((31.43, 32.25)), Unit::TokensPerSecond), "31.84 ±0.41 tokens/s");
        assert_eq!(value(389e6, None, Unit::Nanoseconds), "389 ms");
        assert_eq!([percent(1.0489), percent(0.5), percent(1.0)], ["+4.9 %", "\u{2212}50 %", "+0.0 %"]);
        assert_eq!(shift(&Shift { ratio: 1.05, range: Some((1.04, 1.06)) }), "+5.0 % [+4.0 %, +6.0 %]");
    }
}
