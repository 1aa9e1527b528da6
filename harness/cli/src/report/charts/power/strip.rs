//! What explains a power: how fast and how hot the processor was, as thin strips with the same time axis.

use plotters::{
    chart::{ChartBuilder, LabelAreaPosition},
    prelude::PathElement,
    style::{
        Color, RGBColor, WHITE,
        text_anchor::{HPos, VPos},
    },
};
use pocketwatt_meter::{CaseReadings, ContextSeries};
use pocketwatt_protocol::MonotonicNs;
use pocketwatt_record::PowerPoint;

use super::{
    line::envelope,
    panel::LABELS,
    time_axis::{AXIS_HEIGHT, TimeAxis},
};
use crate::report::charts::{
    frame::{Canvas, MARGIN, TEXT_SIZE, put, text, words},
    palette::{GRID, INK, PALE_INK},
};

/// Height of a strip, without the time axis.
pub const HEIGHT: i32 = 76;
const CAPTION_HEIGHT: i32 = 22;
const FREQUENCY: RGBColor = RGBColor(70, 70, 70);
const TEMPERATURE: RGBColor = RGBColor(190, 60, 30);

/// A strip: what it shows, and its lines.
pub struct Strip {
    caption: String,
    ink: RGBColor,
    lowest: f64,
    highest: f64,
    /// The first is drawn thicker.
    lines: Vec<Vec<(f64, f64)>>,
}

/// The strips that there are readings for.
pub fn strips(readings: &CaseReadings, origin: MonotonicNs, shortest: f64) -> Vec<Strip> {
    [frequency(&readings.frequencies, origin, shortest), temperature(&readings.temperatures, origin, shortest)]
        .into_iter()
        .flatten()
        .collect()
}

fn frequency(series: &[ContextSeries], origin: MonotonicNs, shortest: f64) -> Option<Strip> {
    let shown = || series.iter().take(2).filter(|series| !series.readings.is_empty());
    let lines: Vec<Vec<(f64, f64)>> = shown()
        .map(|series| line(series.readings.iter().map(|reading| (reading.at, reading.value * 1e-9)), origin, shortest))
        .collect();
    let highest = highest(&lines)?;
    let caption = match shown().map(|series| series.name.as_str()).collect::<Vec<_>>().as_slice() {
        [first, second, ..] => format!("processor frequency, GHz: {first}; thin line: {second}"),
        [only] => format!("processor frequency, GHz: {only}"),
        [] => return None,
    };
    Some(Strip { caption, ink: FREQUENCY, lowest: 0.0, highest: highest * 1.1, lines })
}

/// The hottest of all sensors at each moment: each keeps its value until it is read again.
fn temperature(series: &[ContextSeries], origin: MonotonicNs, shortest: f64) -> Option<Strip> {
    let mut readings: Vec<(MonotonicNs, usize, f64)> = series
        .iter()
        .enumerate()
        .flat_map(|(sensor, series)| series.readings.iter().map(move |reading| (reading.at, sensor, reading.value)))
        .collect();
    readings.sort_by_key(|(at, ..)| *at);
    let mut latest: Vec<Option<f64>> = vec![None; series.len()];
    let mut hottest: Vec<(MonotonicNs, f64)> = Vec::new();
    for moment in readings.chunk_by(|left, right| left.0 == right.0) {
        for &(_, sensor, value) in moment {
            latest[sensor] = Some(value);
        }
        let value = latest.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
        hottest.push((moment[0].0, value));
    }
    let lines = vec![line(hottest.into_iter(), origin, shortest)];
    let highest = highest(&lines)?;
    let lowest = lines.iter().flatten().map(|point| point.1).fold(highest, f64::min);
    let caption = match series {
        [only] => format!("temperature, °C: {}", crate::report::blocks::one_line(&only.name)),
        several => format!("temperature, °C: the hottest of {} sensors", several.len()),
    };
    // A temperature has no zero that means nothing: the strip shows the tens around it.
    let (lowest, highest) = ((lowest / 10.0).floor() * 10.0, (highest / 10.0).floor() * 10.0 + 10.0);
    Some(Strip { caption, ink: TEMPERATURE, lowest, highest, lines })
}

fn line(readings: impl Iterator<Item = (MonotonicNs, f64)>, origin: MonotonicNs, shortest: f64) -> Vec<(f64, f64)> {
    let points: Vec<PowerPoint> = readings
        .filter(|(at, value)| *at >= origin && value.is_finite())
        .map(|(at, watts)| PowerPoint { at: at.since(origin) as f64 * 1e-9, watts })
        .collect();
    envelope(&points, shortest).iter().map(|point| (point.at, point.watts)).collect()
}

/// Nothing where there are no two readings of anything.
fn highest(lines: &[Vec<(f64, f64)>]) -> Option<f64> {
    lines.iter().filter(|line| line.len() > 1).flatten().map(|point| point.1).reduce(f64::max)
}

impl Strip {
    /// Draws it into `area`, the time axis with it if it is the `last` one.
    ///
    /// # Errors
    /// When the drawing library refuses.
    pub fn draw(&self, area: &Canvas, axis: &TimeAxis, last: bool) -> anyhow::Result<()> {
        put(area, &self.caption, (MARGIN - 12 + LABELS, 4), text(TEXT_SIZE - 1, PALE_INK, HPos::Left, VPos::Top))?;
        let mut chart = ChartBuilder::on(area)
            .margin_left(MARGIN - 12)
            .margin_right(MARGIN)
            .margin_top(CAPTION_HEIGHT)
            .margin_bottom(if last { 0 } else { 4 })
            .set_label_area_size(LabelAreaPosition::Left, LABELS)
            .set_label_area_size(LabelAreaPosition::Bottom, if last { AXIS_HEIGHT } else { 0 })
            .build_cartesian_2d(0.0..axis.end, self.lowest..self.highest)
            .map_err(words)?;
        let mut mesh = chart.configure_mesh();
        let decimals = usize::from(self.highest < 10.0);
        let number = |value: &f64| format!("{value:.decimals$}");
        mesh.x_labels(if last { 10 } else { 0 })
            .y_labels(3)
            .light_line_style(WHITE.mix(0.0))
            .bold_line_style(GRID)
            .axis_style(PALE_INK)
            .y_label_style(text(TEXT_SIZE - 1, INK, HPos::Right, VPos::Center))
            .y_label_formatter(&number);
        let label = |value: &f64| axis.label(*value);
        if last {
            mesh.x_label_style(text(TEXT_SIZE, INK, HPos::Center, VPos::Top))
                .x_label_formatter(&label)
                .x_desc(axis.words())
                .axis_desc_style(text(TEXT_SIZE, PALE_INK, HPos::Center, VPos::Top));
        }
        mesh.draw().map_err(words)?;
        // The thick line last, so that it is seen where both lie together.
        for (index, line) in self.lines.iter().enumerate().rev() {
            let width = if index == 0 { 2 } else { 1 };
            let points: Vec<(f64, f64)> = line.iter().map(|(seconds, value)| (axis.at(*seconds), *value)).collect();
            chart.draw_series([PathElement::new(points, self.ink.stroke_width(width))]).map_err(words)?;
        }
        Ok(())
    }
}
