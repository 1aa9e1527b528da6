//! OpenMetrics text 1.0 (<https://prometheus.io/docs/specs/om/open_metrics_spec/>): a gauge for each metric, and one for each end of
//! its 95 % interval, in base units, with labels for what was measured.

use std::fmt::Write;

use pocketwatt_protocol::GraphKind;
use pocketwatt_record::{Metric, MetricId, Record, Unit, catalogue};

use super::{
    number::{Number, numbers},
    subject::{Exported, Subject, each_measured},
};
use crate::output::{Output, inert::one_line, quantity::exact};

/// The value and the ends of its interval: what is added to the metric's name, and to its explanation.
const BOUNDS: [(&str, &str); 3] =
    [("", ""), ("_lower", "; lower end of the 95 % interval"), ("_upper", "; upper end of the 95 % interval")];

/// All numbers.
///
/// # Errors
/// When they cannot be written.
pub fn write(runs: &[Exported<'_>], output: &mut Output) -> anyhow::Result<()> {
    // The samples of a metric must follow each other, whatever records they are of.
    let mut families: Vec<[String; 3]> = catalogue().iter().map(|_| Default::default()).collect();
    each_measured(runs, |subject, record| {
        for number in numbers(record) {
            let place = catalogue().iter().position(|metric| metric.name() == number.metric.name);
            if let Some(family) = place.and_then(|place| families.get_mut(place)) {
                add(family, &number, &labels(subject, record, &number));
            }
        }
        Ok(())
    })?;
    for (metric, family) in catalogue().iter().copied().map(MetricId::definition).zip(&families) {
        for ((suffix, about), samples) in BOUNDS.into_iter().zip(family).filter(|(_, samples)| !samples.is_empty()) {
            output(&head(metric, suffix, about))?;
            output(samples)?;
        }
    }
    output("# EOF\n")
}

fn add(family: &mut [String; 3], number: &Number, labels: &str) {
    let values = [Some(number.value), number.range.map(|(low, _)| low), number.range.map(|(_, high)| high)];
    for (((suffix, _), samples), value) in BOUNDS.into_iter().zip(family).zip(values) {
        let Some(value) = value.map(|value| base(number.metric.unit).in_base_units(value)) else { continue };
        // Writing to a string cannot fail.
        let _ = writeln!(samples, "{}{{{labels}}} {}", name(number.metric, suffix), exact(value));
    }
}

fn head(metric: &Metric, suffix: &str, about: &str) -> String {
    let name = name(metric, suffix);
    let unit = base(metric.unit).name;
    let unit = if unit.is_empty() { String::new() } else { format!("# UNIT {name} {unit}\n") };
    let help = escaped(&format!("{}: {}{about}", metric.full_label(), metric.formula));
    format!("# TYPE {name} gauge\n{unit}# HELP {name} {help}\n")
}

/// The name ends with the unit, as the format demands.
fn name(metric: &Metric, suffix: &str) -> String {
    // Hours are seconds here.
    let own =
        if metric.unit == Unit::Hours { metric.name.replacen("hours", "time", 1) } else { metric.name.to_owned() };
    let (name, unit) = (format!("pocketwatt_{own}{suffix}"), base(metric.unit).name);
    if unit.is_empty() || name.ends_with(&format!("_{unit}")) { name } else { format!("{name}_{unit}") }
}

fn labels(subject: &Subject, record: &Record, number: &Number) -> String {
    let case = &record.case;
    let threads = case.threads.to_string();
    let mut labels = format!("device=\"{}\"", escaped(&subject.device()));
    let mut add = |name: &str, value: &str| labels += &format!(",{name}=\"{}\"", escaped(&one_line(value)));
    add("scenario", &case.scenario);
    add("model", &case.model);
    add("backend", &case.backend);
    add("precision", case.precision.name());
    add("threads", &threads);
    if let Some(graph) = case.graph.map(GraphKind::name) {
        add("graph", graph);
    }
    add("case", &case.id);
    if let Some(run) = subject.run() {
        add("run", &run);
    }
    if let Some(scope) = number.scope {
        add("scope", scope.scope.name());
        add("source", scope.source.name());
        if let Some(part) = &scope.part {
            add("part", part);
        }
    }
    labels
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A unit of the format.
struct Base {
    name: &'static str,
    /// Base units in one of the catalogue's units, as a division where that is exact.
    factor: f64,
    divisor: f64,
}

impl Base {
    fn in_base_units(&self, value: f64) -> f64 {
        value * self.factor / self.divisor
    }
}

fn base(unit: Unit) -> Base {
    let same = |name| Base { name, factor: 1.0, divisor: 1.0 };
    match unit {
        Unit::Nanoseconds => Base { name: "seconds", factor: 1.0, divisor: 1e9 },
        Unit::Hours => Base { name: "seconds", factor: 3600.0, divisor: 1.0 },
        Unit::TokensPerSecond => same("tokens_per_second"),
        Unit::Bytes => same("bytes"),
        Unit::Fraction => same("ratio"),
        Unit::Cores => same("cores"),
        Unit::Joules => same("joules"),
        Unit::Watts => same("watts"),
        Unit::JouleSeconds => same("joule_seconds"),
        Unit::TokensPerWattHour => same("tokens_per_watt_hour"),
        Unit::Nats => same("nats"),
        Unit::DegreesCelsius => same("celsius"),
        Unit::Hertz => same("hertz"),
        Unit::One => same(""),
    }
}
