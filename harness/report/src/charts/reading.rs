//! The text of a drawn number: exact, with its interval and with the observations that it was made from.

use pocketwatt_record::{Estimate, Metric, MetricId, Record, Statistic, Unit, estimate, observations};

use crate::{
    cases::shortcoming,
    output::{inert::one_line, quantity::fixed},
    table::{Scale, scale},
};

/// Significant digits of a number.
const DIGITS: i32 = 4;
/// Observations that are listed; the others are counted.
const LISTED: usize = 12;
/// Longest name, in characters.
const LONGEST_NAME: usize = 60;

/// Whose number it is: `candle, chat: `.
pub fn whose(name: &str, scenario: &str) -> String {
    format!("{}, {}: ", short(name), short(scenario))
}

/// A name from a record, on one line, cut if it is very long.
pub fn short(name: &str) -> String {
    let name = one_line(name);
    if name.chars().nth(LONGEST_NAME).is_none() {
        return name;
    }
    name.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}

/// `31.84 tokens/s ±0.41 (95 % interval 31.43 to 32.25; 5 observations, an iteration each: 31.62, ...)`, or why there is no number.
pub fn reading(record: &Record, metric: impl Into<MetricId>) -> String {
    let metric = metric.into();
    if let Some((word, reason)) = shortcoming(&record.outcome) {
        return format!("{word}{reason}");
    }
    match estimate(record, metric, Statistic::Median) {
        Ok(estimate) => {
            let values = observations(record, metric).unwrap_or_default();
            number(&estimate, metric.definition(), &values)
        }
        Err(absent) => format!("no number: {}", one_line(&absent.to_string())),
    }
}

/// The same for a number that was computed elsewhere.
pub fn number(estimate: &Estimate, metric: &Metric, observations: &[f64]) -> String {
    let exact = Exact::of(estimate, metric.unit);
    let mut parts: Vec<String> = exact.interval(estimate).into_iter().collect();
    if let Some(questions) = estimate.questions {
        let right = (estimate.value * questions as f64).round();
        parts.push(format!("{} of {questions} questions", fixed(right, 0)));
    } else if observations.len() > 1 {
        let listed = observations.iter().take(LISTED).map(|value| exact.bare(*value)).collect::<Vec<_>>().join(", ");
        let more = observations.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        parts.push(format!("{} observations, {} each: {listed}{more}", observations.len(), metric.observation));
    }
    let notes = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join("; ")) };
    format!("{}{notes}", exact.with_unit(estimate))
}

/// A number and its interval, without what it was made from: `31.84 tokens/s ±0.41 (95 % interval 31.43 to 32.25)`.
pub fn certain(estimate: &Estimate, unit: Unit) -> String {
    let exact = Exact::of(estimate, unit);
    let interval = exact.interval(estimate).map_or_else(String::new, |interval| format!(" ({interval})"));
    format!("{}{interval}", exact.with_unit(estimate))
}

/// A number alone with its unit: `31.84 tokens/s`.
pub fn amount(value: f64, unit: Unit) -> String {
    Exact::of(&Estimate::between(value, None), unit).with_unit(&Estimate::between(value, None))
}

/// `a, b and 3 more`.
pub fn listed(parts: &[String]) -> String {
    let shown = parts.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match parts.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A sentence for each part, as many as anybody listens to.
pub fn sentences(parts: &[String]) -> String {
    let mut text: Vec<String> = parts.iter().take(LISTED).map(|part| format!("{part}.")).collect();
    if parts.len() > LISTED {
        text.push(format!("And {} more.", parts.len() - LISTED));
    }
    text.join(" ")
}

/// How the numbers of one text are written.
struct Exact {
    scale: Scale,
    decimals: usize,
}

impl Exact {
    fn of(estimate: &Estimate, unit: Unit) -> Self {
        let scale = scale(unit, estimate.value.abs());
        let decimals = |value: f64, digits: i32| {
            let magnitude = value.abs().log10().floor();
            if magnitude.is_finite() { (digits - 1 - magnitude as i32).clamp(0, 9) as usize } else { 0 }
        };
        let half = estimate.range.map_or(0.0, |(low, high)| (high - low) / 2.0 * scale.factor);
        let decimals = decimals(estimate.value * scale.factor, DIGITS).max(decimals(half, 2).min(6));
        Self { scale, decimals }
    }

    fn bare(&self, value: f64) -> String {
        fixed(value * self.scale.factor, self.decimals)
    }

    fn unit(&self) -> String {
        if self.scale.symbol.is_empty() { String::new() } else { format!(" {}", self.scale.symbol) }
    }

    /// With half of the interval if it is symmetric, which that of a share is not.
    fn with_unit(&self, estimate: &Estimate) -> String {
        let half = estimate.range.filter(|_| estimate.questions.is_none()).map(|(low, high)| (high - low) / 2.0);
        let half = half.map_or_else(String::new, |half| format!(" ±{}", self.bare(half)));
        format!("{}{}{half}", self.bare(estimate.value), self.unit())
    }

    fn interval(&self, estimate: &Estimate) -> Option<String> {
        let (low, high) = estimate.range?;
        Some(format!("95 % interval {} to {}{}", self.bare(low), self.bare(high), self.unit()))
    }
}

#[cfg(test)]
mod tests {
    use pocketwatt_record::{CallMetric, EnergyMetric, Share, SpeedMetric};

    use super::*;
    use crate::fixture;

    #[test]
    fn a_number_has_its_interval_and_its_observations() {
        let records = fixture::records();
        insta::assert_snapshot!(reading(&records[2], SpeedMetric::DecodeThroughput), @"29.024 tokens/s ±0.037 (95 % interval 28.987 to 29.060 tokens/s; 5 observations, an iteration each: 29.024, 28.977, 29.027, 28.973, 29.033)");
        insta::assert_snapshot!(reading(&records[2], SpeedMetric::PeakResidentMemory), @"527.0 MiB");
        let gaps = reading(&records[2], SpeedMetric::InterTokenLatency);
        assert!(gaps.ends_with(", and 933 more)"), "{gaps}");
        let (_, metered) = fixture::energy::metered();
        insta::assert_snapshot!(reading(&metered[0], EnergyMetric::EnergyPerOutputToken), @"449.0 mJ ±5.4 (95 % interval 443.6 to 454.4 mJ)");
    }

    #[test]
    fn what_has_no_number_has_a_reason() {
        let records = fixture::troubled();
        insta::assert_snapshot!(reading(&records[1], SpeedMetric::DecodeThroughput), @r#"failed while loading the model: cannot read graph: node 12 "Gather" is\u{1b}[31m not supported"#);
        insta::assert_snapshot!(reading(&records[0], CallMetric::CallStructure), @"no number: no calls were asked for");
    }

    #[test]
    fn a_share_has_wilson_s_interval_and_its_questions() {
        let share = Estimate::of_share(Share { right: 6, questions: 16 });
        let metric = MetricId::from(CallMetric::CallStructure).definition();
        insta::assert_snapshot!(number(&share, metric, &[0.375]), @"37.50 % (95 % interval 18.48 to 61.36 %; 6 of 16 questions)");
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(whose("candle", "chat"), "candle, chat: ");
        assert_eq!(short(&"n".repeat(10_000)).chars().count(), 60);
    }
}
