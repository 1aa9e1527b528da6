//! The latency of each token, over its position in the context: a panel for each scenario, a line for each backend.

use plotters::{
    chart::{ChartBuilder, LabelAreaPosition},
    prelude::{PathElement, Polygon},
    style::{
        Color,
        text_anchor::{HPos, VPos},
    },
};
use pocketwatt_record::{Outcome, Record, Unit, percentile};

use crate::{
    charts::{
        canvas::{Canvas, MARGIN, TEXT_SIZE, draw_svg, draw_text, drawing_error, text_style},
        chart::Chart,
        heading::draw_head,
        marks::Marks,
        palette::{GRID, INK, PALE_INK, PAPER},
        reading::{amount, sentences, whose},
        scale::{axis_end, tick},
        subject::Subject,
    },
    output::{inert::one_line, quantity::fixed},
    table::scale,
};

const TITLE: &str = "Inter-token latency over the context (less is better)";
const HEAD_HEIGHT: i32 = 172;
const PANEL_HEIGHT: i32 = 270;
/// A band above this multiple of the highest median is cut, because one hiccup would flatten all lines.
const TALLEST_BAND: f64 = 3.0;
const THICKEST_LINE: u32 = 4;

/// Latency of one position, over all counted iterations, in nanoseconds.
#[derive(Clone, Copy)]
struct Point {
    position: f64,
    p10: f64,
    median: f64,
    p90: f64,
}

/// The turns of one case; between turns are prompts, which have no latencies.
type Line = Vec<Vec<Point>>;

struct Panel<'a> {
    scenario: &'a str,
    /// One line for each name of the subject; empty if there is nothing to draw.
    lines: Vec<Line>,
}

/// Draws the chart; `None` if no case generated two tokens.
///
/// # Errors
/// When the drawing library fails.
pub fn draw(subject: &Subject) -> anyhow::Result<Option<Chart>> {
    let panels: Vec<Panel> = subject
        .scenarios
        .iter()
        .map(|scenario| Panel {
            scenario,
            lines: subject
                .names
                .iter()
                .map(|name| subject.record(scenario, name).map(case_line).unwrap_or_default())
                .collect(),
        })
        .filter(|panel| panel.points().next().is_some())
        .collect();
    if panels.is_empty() {
        return Ok(None);
    }
    let drawing = draw_svg(HEAD_HEIGHT + PANEL_HEIGHT * panels.len() as i32, |canvas, marks| {
        let remark = "Line: median over iterations. Band: 10th to 90th percentile. Between turns: prompts.";
        let top = draw_head(canvas, subject, TITLE, remark)?;
        let (_, area) = canvas.split_vertically(top);
        panels
            .iter()
            .zip(area.split_evenly((panels.len(), 1)))
            .try_for_each(|(panel, area)| draw_panel(&area, subject, panel, marks))
    })?;
    let said: Vec<String> = panels.iter().flat_map(|panel| panel.description(subject)).collect();
    Ok(Some(Chart { title: TITLE.into(), description: sentences(&said), drawing }))
}

impl Panel<'_> {
    fn points(&self) -> impl Iterator<Item = &Point> {
        self.lines.iter().flatten().flatten()
    }

    /// Where each line begins and ends.
    fn description(&self, subject: &Subject) -> impl Iterator<Item = String> {
        self.lines.iter().zip(&subject.names).filter_map(|(line, name)| {
            let (first, last) = (line.first()?.first()?, line.last()?.last()?);
            let [at_first, at_last] = [first, last].map(|point| amount(point.median, Unit::Nanoseconds));
            Some(format!(
                "{}{at_first} at position {}, {at_last} at position {}",
                whose(name, self.scenario),
                first.position,
                last.position
            ))
        })
    }
}

fn draw_panel(area: &Canvas, subject: &Subject, panel: &Panel, marks: &mut Marks) -> anyhow::Result<()> {
    let highest_median = panel.points().map(|point| point.median).fold(0.0, f64::max);
    let highest = panel.points().map(|point| point.p90).fold(0.0, f64::max).min(highest_median * TALLEST_BAND);
    let last = panel.points().map(|point| point.position).fold(1.0, f64::max);
    let first = panel.points().map(|point| point.position).fold(last, f64::min);
    let edge = (last - first) * 0.015;
    let scale = scale(Unit::Nanoseconds, highest);
    let end = axis_end(highest * scale.factor);
    let title = format!("{}, {}", one_line(panel.scenario), scale.symbol);
    draw_text(area, &title, (MARGIN, 6), text_style(TEXT_SIZE + 2, INK, HPos::Left, VPos::Top))?;
    let mut chart = ChartBuilder::on(area)
        .margin_left(MARGIN - 12)
        .margin_right(MARGIN)
        .margin_top(32)
        .margin_bottom(8)
        .set_label_area_size(LabelAreaPosition::Left, 58)
        .set_label_area_size(LabelAreaPosition::Bottom, 42)
        .build_cartesian_2d(first - edge..last + edge, 0.0..end)
        .map_err(drawing_error)?;
    let label = |horizontal, vertical| text_style(TEXT_SIZE, INK, horizontal, vertical);
    chart
        .configure_mesh()
        .x_labels(9)
        .y_labels(8)
        .light_line_style(PAPER.mix(0.0))
        .bold_line_style(GRID)
        .axis_style(PALE_INK)
        .x_label_style(label(HPos::Center, VPos::Top))
        .y_label_style(label(HPos::Right, VPos::Center))
        .x_label_formatter(&|value| fixed(*value, 0))
        .y_label_formatter(&|value| tick(*value, end))
        .x_desc("position in the context, tokens")
        .axis_desc_style(text_style(TEXT_SIZE, PALE_INK, HPos::Center, VPos::Top))
        .draw()
        .map_err(drawing_error)?;
    // All bands are drawn before all lines.
    for (index, line) in panel.lines.iter().enumerate() {
        let ink = subject.inks.of(index);
        for turn in line {
            let lower = turn.iter().map(|point| (point.position, (point.p10 * scale.factor).min(end)));
            let upper = turn.iter().rev().map(|point| (point.position, (point.p90 * scale.factor).min(end)));
            let band: Vec<(f64, f64)> = lower.chain(upper).collect();
            chart.draw_series([Polygon::new(band, ink.mix(0.18).filled())]).map_err(drawing_error)?;
        }
    }
    // Later lines are thinner, so that one that coincides with another does not hide it.
    for (index, line) in panel.lines.iter().enumerate() {
        let ink = subject.inks.of(index);
        let width = THICKEST_LINE.saturating_sub(index as u32).max(2);
        for turn in line {
            let points: Vec<(f64, f64)> =
                turn.iter().map(|point| (point.position, (point.median * scale.factor).min(end))).collect();
            let pixels: Vec<(i32, i32)> = points.iter().map(|at| chart.backend_coord(at)).collect();
            chart.draw_series([PathElement::new(points, ink.stroke_width(width))]).map_err(drawing_error)?;
            let whose = subject.names.get(index).map(|name| whose(name, panel.scenario)).unwrap_or_default();
            marks.along(&pixels, line.len(), |piece| format!("{whose}{}", words(&turn[piece])));
        }
    }
    Ok(())
}

/// `positions 97 to 102: 33.90 ms to 34.52 ms (10th to 90th percentile 33.41 ms to 35.02 ms)`.
fn words(points: &[Point]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    let end = |of: fn(&Point) -> f64, choose: fn(f64, f64) -> f64| {
        amount(points.iter().map(of).reduce(choose).unwrap_or_default(), Unit::Nanoseconds)
    };
    let [low, high] = [f64::min, f64::max].map(|choose| end(|point| point.median, choose));
    let band = format!("{} to {}", end(|point| point.p10, f64::min), end(|point| point.p90, f64::max));
    let (from, to) = (first.position, last.position);
    format!("positions {from} to {to}: {low} to {high} (10th to 90th percentile {band})")
}

/// The points of a case. A position is the length of the context in the forward pass of the gap; iterations that stopped
/// earlier than others contribute fewer points.
fn case_line(record: &Record) -> Line {
    if record.outcome != Outcome::Measured {
        return Line::new();
    }
    let turns = record.samples.counted().map(|iteration| iteration.turns.len()).max().unwrap_or(0);
    let line = (0..turns).map(|turn| {
        let traces: Vec<_> = record.samples.counted().filter_map(|iteration| iteration.turns.get(turn)).collect();
        let gaps = traces.iter().map(|trace| trace.token_times.len().saturating_sub(1)).max().unwrap_or(0);
        let prompt_end =
            traces.first().map_or(0.0, |trace| f64::from(trace.context_tokens) + f64::from(trace.prompt_tokens));
        let points = (0..gaps).map(|gap| {
            let mut latencies: Vec<f64> = traces
                .iter()
                .filter_map(|trace| Some(trace.token_times.get(gap + 1)?.since(*trace.token_times.get(gap)?) as f64))
                .collect();
            latencies.sort_by(f64::total_cmp);
            Point {
                position: prompt_end + gap as f64 + 1.0,
                p10: percentile(&latencies, 0.1),
                median: percentile(&latencies, 0.5),
                p90: percentile(&latencies, 0.9),
            }
        });
        points.collect::<Vec<Point>>()
    });
    line.filter(|turn| turn.len() > 1).collect()
}
