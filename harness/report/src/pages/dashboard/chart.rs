//! The course of a metric over commits: points with their intervals, levels, changes and segments. Drawn as a few paths, so that a page
//! with many charts of hundreds of commits stays small; the exact values are in the site's data.

use std::{collections::BTreeSet, fmt::Write};

use maud::{Markup, PreEscaped, html};
use pocketwatt_history::{CaseCourse, Certainty, Change, Course, Segment};

use crate::{
    output::quantity::fixed,
    pages::{
        dashboard::{
            numbers::{course_scale, effect, effect_class, percent, scaled},
            view::{CaseView, anchor, day, label},
        },
        foreign::Foreign,
    },
    table::Scale,
};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 22.0;
/// About as wide as the label of a segment.
const LABEL: f64 = 120.0;
/// Segments under one label whose conditions are told.
const MOST_TOLD: usize = 3;
/// About as many lines are behind the data.
const LINES: usize = 5;

/// The scales of a chart.
struct Frame {
    runs: usize,
    low: f64,
    high: f64,
    /// The unit in which everything of the chart is written: that of its largest value.
    scale: Scale,
}

impl Frame {
    /// Around all values, and as much of their intervals as does not press them together.
    fn around(runs: usize, course: &Course<'_>) -> Self {
        let values = course.points.iter().map(|point| point.value);
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let room = ((high - low) * 0.25).max(high.abs() * 0.005).max(f64::MIN_POSITIVE);
        Self { runs, low: low - room, high: high + room, scale: course_scale(course) }
    }

    fn x(&self, run: f64) -> f64 {
        let width = WIDTH - LEFT - RIGHT;
        LEFT + width * (run + 0.5) / self.runs.max(1) as f64
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value.clamp(self.low, self.high) - self.low) / (self.high - self.low);
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share
    }
}

/// A chart with its caption.
pub fn chart(view: &CaseView<'_>, course: &Course<'_>, colour: &str) -> Markup {
    let case = &view.case;
    let frame = Frame::around(case.runs.len(), course);
    let (bars, clipped, points) = paths(&frame, course);
    let caption = label(course);
    html! {
        figure id=(anchor(course)) {
            figcaption { b { (Foreign(&caption)) } ", " (unit(&frame.scale)) ": " (Foreign(&summary(view, course))) }
            div.scroll tabindex="0" role="region" aria-label=(Foreign(&format!("{caption} over commits"))) {
                svg.course viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(Foreign(&summary(view, course))) data-course=(anchor(course)) tabindex="0" {
                    (lines(&frame))
                    (segments(&frame, case))
                    path.bars d=(bars) stroke=(colour) {}
                    @if !clipped.is_empty() { path.clipped d=(clipped) stroke=(colour) {} }
                    (PreEscaped(levels(&frame, case, course)))
                    path.points d=(points) stroke=(colour) {}
                    @for change in course.changes.iter().filter(|change| change.certainty != Certainty::Faded) { (mark(&frame, change)) }
                    path.cursor d="" {}
                    @for run in labelled(case.runs.len()) {
                        @if let Some((outline, _)) = case.runs.get(run) {
                            text x=(format!("{:.1}", frame.x(run as f64))) y=(HEIGHT - 6.0) text-anchor=(place(run, case.runs.len())) { (day(outline.time_unix_ms)) }
                        }
                    }
                }
            }
        }
    }
}

/// The symbol of the unit in which a chart is drawn.
fn unit(scale: &Scale) -> &'static str {
    match scale.symbol {
        "" => "a number",
        symbol => symbol,
    }
}

/// What a chart says, in a sentence.
fn summary(view: &CaseView<'_>, course: &Course<'_>) -> String {
    let mut text = match course.points.last() {
        Some(last) => {
            let newest = scaled(last.value, last.range, &course_scale(course));
            let commit = if last.run + 1 == view.case.runs.len() { None } else { view.outline(last.run) };
            let at = commit.map(|outline| format!(", at {}", outline.commit.short())).unwrap_or_default();
            format!("{newest} in the newest of {} runs{at}", course.points.len())
        }
        None => "no runs".to_owned(),
    };
    for change in course.changes.iter().filter(|change| change.certainty != Certainty::Faded) {
        let commit = view.outline(change.first).map_or("", |outline| outline.commit.short());
        let size = change.point.shift.map(|shift| format!(" by {}", percent(shift.ratio))).unwrap_or_default();
        let _ = write!(text, "; {}{size} at {commit}", effect(change.effect));
    }
    if let Some(since) = view.without_numbers.since() {
        let _ = write!(text, "; no numbers since {}", since.outline.commit.short());
    }
    text + "."
}

/// Lines behind the data, with their values in the unit of the caption.
fn lines(frame: &Frame) -> Markup {
    let factor = frame.scale.factor;
    let step = nice((frame.high - frame.low) * factor / LINES as f64);
    let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    let first = (frame.low * factor / step).ceil();
    let values = (0..=2 * LINES).map(|line| (first + line as f64) * step);
    let values: Vec<f64> = values.take_while(|value| *value <= frame.high * factor).collect();
    html! {
        @for value in values {
            @let y = frame.y(value / factor);
            path.line d=(format!("M{LEFT} {y:.1}H{}", WIDTH - RIGHT)) {}
            text x=(LEFT - 6.0) y=(format!("{:.1}", y + 4.0)) text-anchor="end" { (fixed(value, decimals)) }
        }
    }
}

/// The next of 1, 2, 5, 10, ... that is not smaller.
fn nice(step: f64) -> f64 {
    let magnitude = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * magnitude >= step);
    let nice = factor.unwrap_or(10.0) * magnitude;
    if nice.is_finite() && nice > 0.0 { nice } else { 1.0 }
}

/// The intervals, arrowheads where they go on beyond the frame, and the values.
fn paths(frame: &Frame, course: &Course<'_>) -> (String, String, String) {
    let (mut bars, mut clipped, mut points) = (String::new(), String::new(), String::new());
    for point in &course.points {
        let x = frame.x(point.run as f64);
        // Writing to a string cannot fail.
        let _ = write!(points, "M{x:.1} {:.1}h0", frame.y(point.value));
        let Some((low, high)) = point.range else { continue };
        let _ = write!(bars, "M{x:.1} {:.1}V{:.1}", frame.y(low), frame.y(high));
        if high > frame.high {
            let _ = write!(clipped, "M{x:.1} {TOP}m-3 4l3 -4l3 4");
        }
        if low < frame.low {
            let _ = write!(clipped, "M{x:.1} {:.1}m-3 -4l3 4l3 -4", HEIGHT - BOTTOM);
        }
    }
    (bars, clipped, points)
}

/// Where segments begin. What begins close together has one label.
fn segments(frame: &Frame, case: &CaseCourse<'_>) -> Markup {
    let place = |segment: &Segment<'_>| frame.x(segment.first as f64 - 0.5);
    let mut lines = String::new();
    let mut groups: Vec<Vec<&Segment<'_>>> = Vec::new();
    for segment in case.segments.iter().skip(1) {
        let x = place(segment);
        let _ = write!(lines, "M{x:.1} {TOP}V{}", HEIGHT - BOTTOM);
        // The last label has no room beyond the chart.
        let room = if x > WIDTH - RIGHT - LABEL / 2.0 { 2.0 * LABEL } else { LABEL };
        match groups.last_mut().filter(|group| group.first().is_some_and(|first| x - place(first) < room)) {
            Some(group) => group.push(segment),
            None => groups.push(vec![segment]),
        }
    }
    html! {
        @if !lines.is_empty() { path.segment d=(lines) {} }
        @for group in &groups {
            @let mean = group.iter().map(|segment| place(segment)).sum::<f64>() / group.len() as f64;
            @let middle = mean.min(group.first().map_or(mean, |first| place(first)) + LABEL / 3.0);
            @let new: BTreeSet<&str> = group.iter().flat_map(|segment| &segment.new).map(|(condition, ..)| condition.name()).collect();
            text.segment x=(format!("{middle:.1}")) y="11" text-anchor="middle" {
                @if group.len() > 1 { (group.len()) " × " }
                "new " (new.into_iter().collect::<Vec<_>>().join(", "))
                title {
                    @for (condition, before, after) in group.iter().take(MOST_TOLD).flat_map(|segment| &segment.new) { (condition.name()) ": " (Foreign(before)) " → " (Foreign(after)) ". " }
                }
            }
        }
    }
}

/// The median from change to change.
fn levels(frame: &Frame, case: &CaseCourse<'_>, course: &Course<'_>) -> String {
    let mut starts: Vec<usize> = case.segments.iter().map(|segment| segment.first).collect();
    starts
        .extend(course.changes.iter().filter(|change| change.certainty != Certainty::Faded).map(|change| change.first));
    starts.sort_unstable();
    let ends = starts.iter().skip(1).copied().chain([case.runs.len()]);
    let mut path = String::new();
    for (start, end) in starts.iter().copied().zip(ends) {
        let mut values: Vec<f64> =
            course.points.iter().filter(|point| (start..end).contains(&point.run)).map(|point| point.value).collect();
        if values.is_empty() {
            continue;
        }
        values.sort_unstable_by(f64::total_cmp);
        let level = frame.y(pocketwatt_record::percentile(&values, 0.5));
        let (from, to) = (frame.x(start as f64 - 0.5), frame.x(end as f64 - 0.5));
        let _ = write!(path, "M{from:.1} {level:.1}H{to:.1}");
    }
    format!("<path class=\"level\" d=\"{path}\"></path>")
}

fn mark(frame: &Frame, change: &Change) -> Markup {
    let x = frame.x(change.first as f64 - 0.5);
    let size = change.point.shift.map(|shift| percent(shift.ratio)).unwrap_or_default();
    let arrow = if change.point.after > change.point.before { "▲" } else { "▼" };
    html! {
        g class=(format!("change {}", effect_class(change.effect))) {
            path d=(format!("M{x:.1} {TOP}V{}", HEIGHT - BOTTOM)) {}
            text x=(format!("{x:.1}")) y=(TOP - 3.0) text-anchor="middle" { (arrow) " " (size) " " (effect(change.effect)) }
        }
    }
}

/// Runs whose day is written: the first, the last, and one or more between them.
fn labelled(runs: usize) -> Vec<usize> {
    let mut places = vec![0, runs / 3, runs * 2 / 3, runs.saturating_sub(1)];
    places.dedup();
    if runs < 6 { vec![0, runs.saturating_sub(1)].into_iter().take(runs).collect() } else { places }
}

fn place(run: usize, runs: usize) -> &'static str {
    match run {
        0 if runs > 1 => "start",
        last if last + 1 == runs => "end",
        _ => "middle",
    }
}

#[cfg(test)]
mod tests {
    use pocketwatt_history::Point;
    use pocketwatt_record::{MetricId, SpeedMetric};

    use super::*;

    #[test]
    fn the_axis_is_in_the_unit_of_the_caption() {
        // The room above the largest value is beyond the border to the next unit.
        for (metric, values, symbol) in [
            (SpeedMetric::LoadTime, [997.0e3, 998.5e3], "µs"),
            (SpeedMetric::TimeToFirstToken, [9.97e9, 9.985e9], "ms"),
            (SpeedMetric::PeakResidentMemory, [0.997 * 1048576.0, 0.999 * 1048576.0], "KiB"),
        ] {
            let points = values.into_iter().enumerate().map(|(run, value)| Point { run, value, range: None });
            let metric = MetricId::Speed(metric);
            let course = Course { metric, scope: None, points: points.collect(), changes: Vec::new() };
            let frame = Frame::around(2, &course);
            assert_eq!(unit(&frame.scale), symbol);
            let drawn = lines(&frame).into_string();
            let texts: Vec<f64> = drawn
                .split("text-anchor=\"end\">")
                .skip(1)
                .filter_map(|rest| rest.split('<').next()?.parse().ok())
                .collect();
            assert!(texts.len() >= 2, "{drawn}");
            for text in texts {
                assert!((text / frame.scale.factor / values[1] - 1.0).abs() < 0.05, "{symbol}: {text}");
            }
        }
    }
}
