//! Energy is mean power times time; power has bounds; and two meters of one scope agree.

use pocketwatt_meter::{
    TimeSpan,
    energy::{Measurand, MeterSeries, Scope},
};

use crate::{
    Amount, CheckVerdict, EnergyFigure, EnergyMetric, MetricId, MetricScope, Phase, Record, catalogue,
    energy::{Spans, duration_ns, groups},
};

use super::finding::{Finding, verdict};

/// Laptops exceed their sustained limit for tens of seconds by a factor of three and more; nothing exceeds it by this.
const BURST: f64 = 4.0;
/// Two meters of one scope may differ by this share where the error of their scales is unknown.
const UNKNOWN_SCALE: f64 = 0.10;
const NET: [MetricId; 3] = [
    MetricId::Energy(EnergyMetric::NetEnergyPerRequest),
    MetricId::Energy(EnergyMetric::NetEnergyPerPrefillToken),
    MetricId::Energy(EnergyMetric::NetEnergyPerOutputToken),
];

pub(super) fn checks(record: &Record) -> Vec<Finding> {
    let spans = Spans::of(record.samples.counted());
    let groups = groups(&record.readings.energy);
    let mut findings = Vec::new();
    for (figure, group) in record.energy.iter().zip(&groups) {
        findings.push(mean_power(figure, group, &spans));
        findings.push(bounds(figure, group));
        findings.push(net(figure));
    }
    let figures: Vec<_> = record.energy.iter().zip(&groups).collect();
    for (index, (one, of_one)) in figures.iter().enumerate() {
        for (other, of_other) in &figures[index + 1..] {
            if cover_the_same(one.scope, of_one, of_other) {
                findings.extend(agreement(one, other));
            }
        }
    }
    findings
}

fn scope(figure: &EnergyFigure) -> MetricScope {
    MetricScope { scope: figure.scope, source: figure.source, part: figure.part.clone() }
}

/// Every metric that is computed from the readings of energy meters.
fn of_energy() -> Vec<MetricId> {
    catalogue().iter().copied().filter(|metric| metric.is_of_energy()).collect()
}

fn title(check: &str, figure: &EnergyFigure) -> String {
    let part = figure.part.as_ref().map_or_else(String::new, |part| format!(" {part}"));
    format!("{check} of {}{part} ({})", figure.scope.name(), figure.source.name())
}

/// Gross energy of all requests: joules, uncertainty, seconds.
fn request(figure: &EnergyFigure) -> Option<(f64, f64, f64)> {
    let phase = figure.phase(Phase::Request)?;
    let (joules, uncertainty) = phase.gross.measured()?;
    Some((joules, uncertainty, phase.duration_ns as f64 * 1e-9))
}

/// Compares the energy of the requests with mean power x time, where the mean power is computed in another way: from the two
/// readings of a counter next to the first start and the last token, or as the plain mean of a gauge's readings between
/// them, without knots and interpolation.
fn mean_power(figure: &EnergyFigure, group: &[&MeterSeries], spans: &Spans) -> Finding {
    let name = title("energy = power x time", figure);
    let skip = |detail: &str| Finding::new(name.clone(), CheckVerdict::NotApplicable, detail);
    let Some((joules, uncertainty, seconds)) = request(figure) else { return skip("no energy of the requests") };
    let Some(block) = spans.block() else { return skip("no requests") };
    let gaps = block.duration_ns().saturating_sub(duration_ns(&spans.request));
    if gaps as f64 * 1e-9 > 0.02 * seconds {
        return skip("pauses between the requests");
    }
    let mut watts = 0.0;
    let mut slack = figure.update_period_ns.unwrap_or(0) as f64 * 1e-9 + gaps as f64 * 1e-9;
    for series in group {
        let Some(plain) = plain_power(series, block) else { return skip("too few readings for a second opinion") };
        watts += plain.watts;
        slack = slack.max(plain.slack + gaps as f64 * 1e-9);
    }
    let expected = watts * seconds;
    // One update and the delay of the readings, at each end; a gauge's readings are not evenly spaced.
    let tolerance = uncertainty + 2.0 * slack * watts.abs() + 0.02 * expected.abs();
    let passed = (joules - expected).abs() <= tolerance;
    let [joules, seconds, watts, expected, tolerance] = [joules, seconds, watts, expected, tolerance].map(Amount);
    let detail = format!(
        "{joules:.3} J in {seconds:.3} s; mean power {watts:.3} W x time = {expected:.3} J, {} {tolerance:.3} J",
        if passed { "within" } else { "further away than" },
    );
    Finding::new(name, verdict(passed), detail).about(&of_energy(), vec![scope(figure)])
}

struct Plain {
    watts: f64,
    /// How far the readings are from the window's ends, in seconds.
    slack: f64,
}

fn plain_power(series: &MeterSeries, window: TimeSpan) -> Option<Plain> {
    let readings = &series.readings;
    let first = readings.iter().position(|reading| reading.at >= window.start)?;
    let last = readings.iter().position(|reading| reading.at >= window.end)?;
    let [start, end] = [readings.get(first)?, readings.get(last)?];
    let seconds = end.at.since(start.at) as f64 * 1e-9;
    if seconds <= 0.0 {
        return None;
    }
    let late = start.at.since(window.start) as f64 + end.at.since(window.end) as f64;
    let volts = |index: usize| readings.get(index)?.microvolts.map(|microvolts| microvolts as f64 * 1e-6);
    let units = i128::from(end.value) - i128::from(start.value);
    let watts = match series.meter.measurand {
        Measurand::EnergyCounter { joules_per_unit, modulus } => {
            let wraps = readings[first..=last].windows(2).filter(|pair| pair[1].value < pair[0].value).count();
            let units = units + wraps as i128 * i128::from(modulus.unwrap_or(0));
            units as f64 * joules_per_unit / seconds
        }
        Measurand::RemainingEnergy { joules_per_unit } => -units as f64 * joules_per_unit / seconds,
        Measurand::RemainingCharge { coulombs_per_unit } => {
            let volts = f64::midpoint(volts(first)?, volts(last)?);
            -units as f64 * coulombs_per_unit * volts / seconds
        }
        Measurand::Power { watts_per_unit } => watts_per_unit * held(series, first, last, |_| Some(1.0))?,
        Measurand::Current { amperes_per_unit } => amperes_per_unit * held(series, first, last, volts)?,
    };
    // A gauge's plain mean ignores how far its readings are from the events: one reading at each end.
    let sparse = if series.meter.measurand.is_cumulative() { 0.0 } else { seconds / (last - first).max(1) as f64 };
    Some(Plain { watts, slack: late * 1e-9 + sparse })
}

/// Mean of a gauge's values over time, each held until the next reading.
fn held(series: &MeterSeries, first: usize, last: usize, factor: impl Fn(usize) -> Option<f64>) -> Option<f64> {
    let readings = &series.readings;
    if last < first + 2 {
        return None;
    }
    let mut sum = 0.0;
    for index in first..last {
        let length = readings[index + 1].at.since(readings[index].at) as f64;
        sum += readings[index].value as f64 * factor(index)? * length;
    }
    Some(sum / readings[last].at.since(readings[first].at) as f64)
}

/// Mean power of the requests and of loading: above zero, and at most what the part can take.
fn bounds(figure: &EnergyFigure, group: &[&MeterSeries]) -> Finding {
    let name = title("power bounds", figure);
    let limit = limit(figure.scope, group);
    let mut powers = Vec::new();
    for (word, phase) in [("requests", Phase::Request), ("loading", Phase::Load)] {
        let Some(energy) = figure.phase(phase) else { continue };
        if let (Some((joules, _)), true) = (energy.gross.measured(), energy.duration_ns > 0) {
            powers.push((word, joules / (energy.duration_ns as f64 * 1e-9)));
        }
    }
    if powers.is_empty() {
        return Finding::new(name, CheckVerdict::NotApplicable, "no energy");
    }
    let passed = powers.iter().all(|&(_, watts)| watts > 0.0 && watts <= limit);
    let list: Vec<String> = powers.iter().map(|(word, watts)| format!("{word} {:.3} W", Amount(*watts))).collect();
    let relation = if passed { "within" } else { "not within" };
    let detail = format!("{}, {relation} 0 to {:.0} W", list.join(", "), Amount(limit));
    Finding::new(name, verdict(passed), detail).about(&of_energy(), vec![scope(figure)])
}

/// Upper limit of a part's power, in watts: four times its sustained limit where the interface reports it, or else more than
/// any such part takes.
fn limit(scope: Scope, group: &[&MeterSeries]) -> f64 {
    let stated: Option<f64> = group.iter().map(|series| series.meter.power_limit_watts).sum();
    stated.filter(|&limit| limit > 0.0).map_or_else(
        || match scope {
            Scope::Platform | Scope::Accelerator | Scope::Device => 2000.0,
            Scope::Package | Scope::Core | Scope::Uncore | Scope::Dram | Scope::CpuRails | Scope::Rail => 1000.0,
        },
        |limit| limit * BURST,
    )
}

/// A working device does not use less than an idle one; if it seems to, something else ran while it should have been idle.
fn net(figure: &EnergyFigure) -> Finding {
    let name = title("net energy", figure);
    let Some((joules, uncertainty)) = figure.phase(Phase::Request).and_then(|phase| phase.net.measured()) else {
        return Finding::new(name, CheckVerdict::NotApplicable, "no net energy of the requests");
    };
    let passed = joules >= -uncertainty;
    let [joules, uncertainty] = [joules, uncertainty].map(Amount);
    let detail = if passed {
        format!("{joules:.3} J with an uncertainty of {uncertainty:.3} J")
    } else {
        format!(
            "{joules:.3} J with an uncertainty of {uncertainty:.3} J is less than nothing: the device was not idle when \
             it should have been"
        )
    };
    Finding::new(name, verdict(passed), detail).about(&NET, vec![scope(figure)])
}

/// There is one device and one memory; but a card is one of several, and identified by its name.
fn cover_the_same(scope: Scope, one: &[&MeterSeries], other: &[&MeterSeries]) -> bool {
    let among = |series: &&MeterSeries| other.iter().any(|other| other.meter.part == series.meter.part);
    scope != Scope::Accelerator || one.iter().all(among)
}

/// Two interfaces to the same scope report the same energy. If they do not, both are withheld.
fn agreement(one: &EnergyFigure, other: &EnergyFigure) -> Option<Finding> {
    // Sensors of unknown places measure different things, and so do different parts.
    if !one.scope.adds_up() || one.scope != other.scope || one.meters.len() != other.meters.len() {
        return None;
    }
    let ((first, u), (second, v)) = (gross(one)?, gross(other)?);
    let unknown =
        |figure: &EnergyFigure, joules: f64| if figure.gain_error.is_none() { joules * UNKNOWN_SCALE } else { 0.0 };
    let tolerance = u.hypot(v) + unknown(one, first).max(unknown(other, second));
    let passed = (first - second).abs() <= tolerance;
    let relation = if passed { "within" } else { "further apart than" };
    let [first, second, tolerance] = [first, second, tolerance].map(Amount);
    let detail = format!(
        "{first:.3} J ({}) and {second:.3} J ({}), {relation} {tolerance:.3} J",
        one.meters.join(" + "),
        other.meters.join(" + ")
    );
    let finding = Finding::new(format!("two meters of {}", one.scope.name()), verdict(passed), detail);
    Some(finding.about(&of_energy(), vec![scope(one), scope(other)]))
}

fn gross(figure: &EnergyFigure) -> Option<(f64, f64)> {
    figure.phase(Phase::Request)?.gross.measured()
}
