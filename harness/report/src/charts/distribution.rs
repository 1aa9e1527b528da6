//! The distribution of inter-token latency: a row for each backend, as high as gaps of that length are frequent.

use plotters::{
    prelude::{PathElement, Polygon},
    style::{
        Color,
        text_anchor::{HPos, VPos},
    },
};
use pocketwatt_record::{Outcome, Record, SpeedMetric, Summary, Unit, observations};

use crate::{
    charts::{
        axes::{AXIS_HEIGHT, Axes, Below},
        canvas::{Canvas, MARGIN, TEXT_SIZE, WIDTH, draw_svg, draw_text, drawing_error, text_style},
        chart::Chart,
        heading::{draw_head, head_height},
        marks::Marks,
        palette::INK,
        reading::{amount, sentences, short, whose},
        scale::{axis_end, drawable, tick},
        subject::Subject,
    },
    table::scale,
};

const TITLE: &str = "Inter-token latency: how even? (left is better)";
const REMARK: &str = "Height: how many gaps between two tokens are that long. Tall line: median. Short line: 99th percentile; one in a \
                      hundred gaps is longer.";
const TITLE_HEIGHT: i32 = 30;
const ROW_HEIGHT: i32 = 64;
/// Bars of a histogram.
const BINS: usize = 90;
/// An axis ends at this multiple of the largest 99th percentile: one hiccup would flatten everything.
const BEYOND_P99: f64 = 1.25;

/// The gaps of one case.
struct Row {
    /// The place of its column.
    index: usize,
    gaps: Vec<f64>,
    summary: Summary,
}

/// Draws the chart; `None` if no case generated two tokens.
///
/// # Errors
/// When the drawing library fails.
pub fn draw(subject: &Subject) -> anyhow::Result<Option<Chart>> {
    let rows = |scenario: &&str| -> Vec<Row> {
        let row = |(index, name): (usize, &String)| Row::of(subject.record(scenario, name)?, index);
        subject.names.iter().enumerate().filter_map(row).collect()
    };
    let panels: Vec<(&str, Vec<Row>)> = subject
        .scenarios
        .iter()
        .map(|scenario| (*scenario, rows(scenario)))
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    if panels.is_empty() {
        return Ok(None);
    }
    let top = head_height(subject, TITLE, REMARK)?;
    let height = |rows: &[Row]| TITLE_HEIGHT + ROW_HEIGHT * rows.len() as i32 + AXIS_HEIGHT + 10;
    let all: i32 = panels.iter().map(|(_, rows)| height(rows)).sum();
    let drawing = draw_svg(top + all, |canvas, marks| {
        draw_head(canvas, subject, TITLE, REMARK)?;
        let mut y = top;
        for (scenario, rows) in &panels {
            let area = canvas.clone().shrink((0, y), (WIDTH as i32, height(rows)));
            draw_panel(canvas, &area, subject, scenario, rows, marks)?;
            y += height(rows);
        }
        Ok(())
    })?;
    let said = panels.iter().flat_map(|(scenario, rows)| rows.iter().map(|row| row.words(subject, scenario)));
    Ok(Some(Chart { title: TITLE.into(), description: sentences(&said.collect::<Vec<_>>()), drawing }))
}

impl Row {
    /// `None` where the numbers are withheld, too.
    fn of(record: &Record, index: usize) -> Option<Self> {
        let summary =
            *record.summary(SpeedMetric::InterTokenLatency).filter(|_| record.outcome == Outcome::Measured)?;
        let gaps = observations(record, SpeedMetric::InterTokenLatency).ok()?;
        let is_drawable = [summary.minimum, summary.p99, summary.maximum].into_iter().all(drawable);
        (is_drawable && gaps.len() > 1).then_some(Self { index, gaps, summary })
    }

    fn words(&self, subject: &Subject, scenario: &str) -> String {
        let name = subject.names.get(self.index).map_or("", String::as_str);
        let Summary { count, minimum, p10, median, p90, p99, maximum, .. } = self.summary;
        let [minimum, p10, median, p90, p99, maximum] =
            [minimum, p10, median, p90, p99, maximum].map(|value| amount(value, Unit::Nanoseconds));
        format!(
            "{}median {median}, 10th to 90th percentile {p10} to {p90}, 99th {p99}, shortest {minimum}, longest {maximum}, of {count} gaps",
            whose(name, scenario)
        )
    }

    /// How many gaps are in each part of the range, from 0 to 1 for the most; the last part does not have what is beyond it.
    fn heights(&self, low: f64, high: f64) -> Vec<f64> {
        let mut counts = [0_u32; BINS];
        for gap in &self.gaps {
            let place = (gap - low) / (high - low) * BINS as f64;
            if let Some(count) = counts.get_mut(place.max(0.0) as usize) {
                *count += 1;
            }
        }
        let most = counts.iter().max().copied().unwrap_or(1).max(1);
        counts.iter().map(|&count| f64::from(count) / f64::from(most)).collect()
    }
}

fn draw_panel(
    canvas: &Canvas,
    area: &Canvas,
    subject: &Subject,
    scenario: &str,
    rows: &[Row],
    marks: &mut Marks,
) -> anyhow::Result<()> {
    let beyond = rows.iter().map(|row| row.summary.p99).fold(0.0, f64::max) * BEYOND_P99;
    let longest = rows.iter().map(|row| row.summary.maximum).fold(0.0, f64::max).min(beyond);
    let scale = scale(Unit::Nanoseconds, longest);
    let end = axis_end(longest * scale.factor);
    let title = text_style(TEXT_SIZE + 2, INK, HPos::Left, VPos::Top);
    draw_text(area, &short(scenario), (MARGIN, 6), title)?;
    let words = format!("time between two tokens, {}", scale.symbol);
    let axes = Axes {
        across: 0.0..end,
        up: 0.0..rows.len() as f64,
        head: TITLE_HEIGHT,
        lines: 0,
        size: TEXT_SIZE,
        number: &|_| String::new(),
        below: Some(Below { number: &|value| tick(value, end), words: &words }),
    };
    let mut plot = axes.draw(area)?;
    for (place, row) in rows.iter().enumerate() {
        let base = (rows.len() - 1 - place) as f64;
        let ink = subject.inks.of(row.index);
        let width = end / BINS as f64;
        let heights = row.heights(0.0, end / scale.factor);
        let is_empty = |bin: usize| heights.get(bin).is_none_or(|height| *height == 0.0);
        let steps = heights
            .iter()
            .enumerate()
            .filter(|(bin, _)| !is_empty(*bin) || (*bin > 0 && !is_empty(bin - 1)) || !is_empty(bin + 1));
        let outline =
            steps.flat_map(|(bin, height)| [0.0, 1.0].map(|side| ((bin as f64 + side) * width, base + height * 0.66)));
        let outline: Vec<(f64, f64)> = outline.collect();
        let (Some(first), Some(last)) = (outline.first().copied(), outline.last().copied()) else { continue };
        let closed = [(first.0, base)].into_iter().chain(outline).chain([(last.0, base)]);
        plot.draw_series([Polygon::new(closed.collect::<Vec<_>>(), ink.mix(0.45).filled())]).map_err(drawing_error)?;
        for (value, height) in [(row.summary.median, 0.74), (row.summary.p99, 0.4)] {
            let x = (value * scale.factor).min(end);
            let line = PathElement::new(vec![(x, base), (x, base + height)], INK.stroke_width(2));
            plot.draw_series([line]).map_err(drawing_error)?;
        }
        let (left, bottom) = plot.backend_coord(&(0.0, base));
        let (right, top) = plot.backend_coord(&(end, base + 1.0));
        let name = subject.names.get(row.index).map(|name| short(name)).unwrap_or_default();
        let [median, p99, longest] =
            [row.summary.median, row.summary.p99, row.summary.maximum].map(|value| amount(value, Unit::Nanoseconds));
        let beyond = if row.summary.maximum * scale.factor > end { ", beyond the axis" } else { "" };
        let words = format!("{name}: median {median}, 99th percentile {p99}, longest {longest}{beyond}");
        draw_text(canvas, &words, (left + 8, top + 2), text_style(TEXT_SIZE - 2, INK, HPos::Left, VPos::Top))?;
        marks.area([(left, top), (right, bottom)], row.words(subject, scenario));
    }
    Ok(())
}
