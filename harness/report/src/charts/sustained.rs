//! Sustained cases: decode throughput, temperature, power and clock frequency over the minutes.

use plotters::{prelude::PathElement, style::Color};
use pocketwatt_meter::TimeSpan;
use pocketwatt_protocol::{Iteration, MonotonicNs};
use pocketwatt_record::{
    Absent, AbsentKind, Outcome, Record, SpeedMetric, SustainedMetric, Unit, decode_throughput, hottest, power_curves,
    stretches,
};

use crate::charts::scale::axis_end;
use crate::{
    charts::{
        axes::Plot,
        canvas::drawing_error,
        chart::Chart,
        power::{Drawn, STEPS, TimeAxis, along_time, points_since, withheld},
        reading::{amount, sentences, short, whose},
        scale::{tick, within},
        stack::{Panel, Stack, draw_stacks, simulation},
        subject::Subject,
    },
    facts::others,
    output::{inert::one_line, quantity::fixed},
    table::scale,
};

/// Longer times are shown in minutes.
const MINUTES_FROM: f64 = 120.0;
const TALL: i32 = 200;
const LOW: i32 = 100;
const THICKEST: usize = 4;

/// Seconds since the first counted iteration, and a value.
type Points = Vec<(f64, f64)>;

/// The curves of one case.
struct Course {
    /// The position of its column among the subject's names.
    index: usize,
    name: String,
    seconds: f64,
    throughput: Points,
    /// Median throughput of the first and the last rounds.
    levels: Vec<Points>,
    /// Its throughput in the end as a share of that at first, or why it is unknown.
    share: Result<f64, Absent>,
    /// Disturbances other than heat.
    disturbances: Vec<String>,
    temperature: Points,
    power: Points,
    scope: String,
    no_power: &'static str,
    frequency: Points,
}

/// Draws the chart; `None` if no case was sustained.
///
/// # Errors
/// When the drawing library fails.
pub fn draw(subject: &Subject) -> anyhow::Result<Option<Chart>> {
    let groups: Vec<(&str, Vec<Course>)> = subject
        .scenarios
        .iter()
        .map(|scenario| {
            let course = |(index, name): (usize, &String)| Course::of(subject.record(scenario, name)?, index, name);
            (*scenario, subject.names.iter().enumerate().filter_map(course).collect::<Vec<_>>())
        })
        .filter(|(_, courses)| courses.iter().any(|course| !course.throughput.is_empty()))
        .collect();
    if groups.is_empty() {
        return Ok(None);
    }
    let stacks: Vec<Stack> = groups.iter().map(|(scenario, courses)| stack(subject, scenario, courses)).collect();
    let simulated = subject.run.energy.sysfs_root.is_some() && stacks.iter().any(|stack| stack.panels.len() > 1);
    let question =
        if simulated { "Sustained decoding over time (simulated meters)" } else { "Sustained decoding over time" };
    let courses: Vec<&Course> = groups.iter().flat_map(|(_, courses)| courses).collect();
    let simulation = if simulated { simulation(subject) } else { String::new() };
    let said: Vec<String> = groups
        .iter()
        .map(|(scenario, courses)| {
            format!("{}: {}", short(scenario), note(courses).replace('\u{a0}', " ").trim_end_matches('.'))
        })
        .collect();
    let drawing = draw_stacks(subject, question, &(simulation + &remark(&courses)), &stacks)?;
    Ok(Some(Chart { title: question.into(), description: sentences(&said), drawing }))
}

/// How to read the lines, and what is missing.
fn remark(courses: &[&Course]) -> String {
    let mut text =
        "Line: each conversation. Broad: median of the first tenth (at most 30\u{a0}s), and of the last third."
            .to_owned();
    type Missing = fn(&Course) -> Option<&'static str>;
    let kinds: [(&str, Missing); 3] = [
        ("temperature", |course| course.temperature.is_empty().then_some("no sensor can be read")),
        ("power", |course| course.power.is_empty().then_some(course.no_power)),
        ("clock", |course| course.frequency.is_empty().then_some("the frequency cannot be read")),
    ];
    for (kind, missing) in kinds {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for course in courses {
            let Some(reason) = missing(course) else { continue };
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, names)) => names.push(&course.name),
                None => reasons.push((reason, vec![&course.name])),
            }
        }
        for (reason, mut names) in reasons {
            let all = names.len() == courses.len();
            names.dedup();
            let whose = if all { String::new() } else { format!(" of {}", names.join(", ")) };
            text += &format!(" No {kind}{whose}: {reason}.");
        }
    }
    text
}

impl Course {
    fn of(record: &Record, index: usize, name: &str) -> Option<Self> {
        record.passport.sustain_ms.filter(|_| record.outcome == Outcome::Measured)?;
        let origin = record.samples.counted().next()?.span()?.start;
        let end = record.samples.counted().last()?.span()?.end;
        let seconds = (end.since(origin) as f64 * 1e-9).max(1e-3);
        let shortest = seconds / STEPS as f64;
        let readings = &record.readings;
        let inside = |points: Points| points.into_iter().filter(|(at, _)| (0.0..=seconds).contains(at)).collect();
        let believed = record.energy.first().is_none_or(|figure| !withheld(record, figure));
        let power = power_curves(&readings.energy, origin).into_iter().next().filter(|_| believed);
        let power = power.map(|curve| Drawn::of(curve, shortest));
        let frequencies = readings.frequencies.first().map(|series| &series.readings[..]).unwrap_or_default();
        let frequencies = frequencies.iter().map(|reading| (reading.at, reading.value * 1e-9));
        let no_power = match &readings.no_energy {
            Some(unavailable) => unavailable.reason.words(),
            None if !believed => "it failed a check",
            None => "the meter told none",
        };
        Some(Self {
            index,
            name: one_line(name),
            seconds,
            throughput: throughput(record, origin, shortest),
            levels: levels(record, origin),
            share: share(record),
            disturbances: others(record),
            temperature: inside(points_since(hottest(&readings.temperatures).into_iter(), origin, shortest)),
            scope: power.as_ref().map(Drawn::name).unwrap_or_default(),
            power: power.map(|power| inside(power.line)).unwrap_or_default(),
            no_power,
            frequency: inside(points_since(frequencies, origin, shortest)),
        })
    }
}

/// Decode throughput of each conversation from its start to its end; of several together if they are shorter than
/// `shortest` seconds.
fn throughput(record: &Record, origin: MonotonicNs, shortest: f64) -> Points {
    // Withheld numbers are not drawn either.
    if record.summary(SpeedMetric::DecodeThroughput).is_none() {
        return Points::new();
    }
    let iterations: Vec<&Iteration> = record.samples.counted().collect();
    let mut points = Points::new();
    let mut first = 0;
    for index in 0..iterations.len() {
        let together = &iterations[first..=index];
        let (Some(first_span), Some(last_span)) = (together[0].span(), iterations[index].span()) else { continue };
        let seconds = |at: MonotonicNs| at.since(origin) as f64 * 1e-9;
        let (start, end) = (seconds(first_span.start), seconds(last_span.end));
        if end - start < shortest && index + 1 < iterations.len() {
            continue;
        }
        first = index + 1;
        if let Some(value) = decode_throughput(together.iter().copied()) {
            points.extend([(start, value), (end, value)]);
        }
    }
    points
}

fn levels(record: &Record, origin: MonotonicNs) -> Vec<Points> {
    let Ok(both) = stretches(record) else { return Vec::new() };
    let level = |metric: SustainedMetric, span: TimeSpan| {
        let median = record.summary(metric)?.median;
        let seconds = |at: MonotonicNs| at.since(origin) as f64 * 1e-9;
        Some(vec![(seconds(span.start), median), (seconds(span.end), median)])
    };
    let levels = [
        level(SustainedMetric::BurstDecodeThroughput, both.burst.span),
        level(SustainedMetric::SustainedDecodeThroughput, both.sustained.span),
    ];
    levels.into_iter().flatten().collect()
}

fn share(record: &Record) -> Result<f64, Absent> {
    stretches(record)?;
    let share = record.summary(SustainedMetric::SustainedShare);
    share.map(|summary| summary.median).ok_or_else(|| Absent::new(AbsentKind::FewerThanTwoTokens, "no throughput"))
}

fn stack<'a>(subject: &'a Subject, scenario: &'a str, courses: &'a [Course]) -> Stack<'a> {
    let seconds = courses.iter().map(|course| course.seconds).fold(0.0, f64::max);
    let axis = TimeAxis::since("the first counted conversation", seconds, MINUTES_FROM);
    let panel = |kind: Kind, height, lines: fn(&Course) -> &Points| {
        let highest = courses.iter().flat_map(lines).map(|point| point.1).reduce(f64::max)?;
        let lowest = courses.iter().flat_map(lines).map(|point| point.1).fold(highest, f64::min);
        let (caption, factor, up) = kind.axis(courses, lowest, highest);
        let (start, end) = (up.start, up.end);
        Some(Panel {
            caption,
            height,
            up,
            number: Box::new(move |value| tick(value, end)),
            draw: Box::new(move |plot, marks| {
                let at =
                    move |&(seconds, value): &(f64, f64)| (axis.place(seconds), within(start, end, value * factor));
                if matches!(kind, Kind::Throughput) {
                    for (course, level) in
                        courses.iter().flat_map(|course| course.levels.iter().map(move |level| (course, level)))
                    {
                        broad(plot, subject, course.index, level.iter().map(at).collect())?;
                    }
                }
                // Later lines are thinner, so that one that coincides with another does not hide it.
                for (place, course) in courses.iter().enumerate() {
                    let width = (courses.len() - place + 1).min(THICKEST);
                    let ink = subject.inks.of(course.index).stroke_width(width as u32);
                    let points: Points = lines(course).iter().map(at).collect();
                    let pixels: Vec<(i32, i32)> = points.iter().map(|at| plot.backend_coord(at)).collect();
                    marks.along(&pixels, 1, |piece| {
                        whose(&course.name, scenario) + &kind.words(&lines(course)[piece], axis)
                    });
                    if !points.is_empty() {
                        plot.draw_series([PathElement::new(points, ink)]).map_err(drawing_error)?;
                    }
                }
                Ok(())
            }),
        })
    };
    let panels = [
        panel(Kind::Throughput, TALL, |course| &course.throughput),
        panel(Kind::Temperature, LOW, |course| &course.temperature),
        panel(Kind::Power, LOW, |course| &course.power),
        panel(Kind::Clock, LOW, |course| &course.frequency),
    ];
    Stack {
        title: one_line(scenario),
        note: note(courses),
        across: 0.0..axis.end,
        words: axis.title(),
        number: Box::new(move |value| axis.label(value)),
        names: Vec::new(),
        panels: panels.into_iter().flatten().collect(),
    }
}

fn broad(plot: &mut Plot, subject: &Subject, index: usize, points: Points) -> anyhow::Result<()> {
    let ink = subject.inks.of(index).mix(0.35).stroke_width(9);
    plot.draw_series([PathElement::new(points, ink)]).map_err(drawing_error)?;
    Ok(())
}

/// `In the end, of the first throughput: onnxruntime 92 %, candle 99 %.`
fn note(courses: &[Course]) -> String {
    let parts: Vec<String> = courses
        .iter()
        .map(|course| match &course.share {
            Ok(share) => format!("{}\u{a0}{}\u{a0}%", course.name, fixed(share * 100.0, 1)),
            Err(absent) => format!("{} unknown ({})", course.name, one_line(&absent.to_string())),
        })
        .collect();
    let mut text = format!("Throughput in the end, of what it was at first: {}.", parts.join(", "));
    for course in courses.iter().filter(|course| !course.disturbances.is_empty()) {
        let disturbances = course.disturbances.join(", ").replace(" %", "\u{a0}%");
        text += &format!(" {} was disturbed: {disturbances}.", course.name);
    }
    text
}

/// What a panel shows.
#[derive(Clone, Copy)]
enum Kind {
    Throughput,
    Temperature,
    Power,
    Clock,
}

impl Kind {
    fn unit(self) -> Unit {
        match self {
            Kind::Throughput => Unit::TokensPerSecond,
            Kind::Temperature => Unit::DegreesCelsius,
            Kind::Power => Unit::Watts,
            Kind::Clock => Unit::Hertz,
        }
    }

    /// `12.1 to 14.0 seconds: 31.20 tokens/s to 32.05 tokens/s`.
    fn words(self, points: &[(f64, f64)], axis: TimeAxis) -> String {
        // Frequencies are drawn in gigahertz.
        let factor = if matches!(self, Kind::Clock) { 1e9 } else { 1.0 };
        along_time(points, axis, |value| amount(value * factor, self.unit()))
    }

    /// Caption, factor of the values, and the range of the axis in these units.
    fn axis(self, courses: &[Course], lowest: f64, highest: f64) -> (String, f64, std::ops::Range<f64>) {
        match self {
            Kind::Throughput => ("decode throughput, tokens/s".into(), 1.0, 0.0..axis_end(highest)),
            // A temperature has no meaningful zero: the axis shows the nearest multiples of ten.
            Kind::Temperature => {
                let tens = (lowest / 10.0).floor() * 10.0..(highest / 10.0).floor() * 10.0 + 10.0;
                ("temperature of the hottest sensor, °C".into(), 1.0, tens)
            }
            Kind::Power => {
                let scale = scale(Unit::Watts, highest);
                let mut scopes: Vec<&str> = Vec::new();
                for course in courses.iter().filter(|course| !course.power.is_empty()) {
                    if !scopes.contains(&course.scope.as_str()) {
                        scopes.push(&course.scope);
                    }
                }
                let caption = format!("{} power, {}", scopes.join(" or "), scale.symbol);
                (caption, scale.factor, 0.0..axis_end(highest * scale.factor))
            }
            Kind::Clock => ("mean processor frequency, GHz".into(), 1.0, 0.0..axis_end(highest)),
        }
    }
}

#[cfg(test)]
mod tests;
