//! What explains a power: the frequency and temperature of the processor, as thin strips with the same time axis.

use plotters::{
    prelude::PathElement,
    style::{
        Color, RGBColor,
        text_anchor::{HPos, VPos},
    },
};
use pocketwatt_meter::{CaseReadings, ContextSeries};
use pocketwatt_protocol::MonotonicNs;
use pocketwatt_record::{PowerPoint, Unit, hottest};

use crate::output::inert::one_line;
use crate::{
    charts::{
        axes::{Axes, Below, LABELS},
        canvas::{Canvas, MARGIN, TEXT_SIZE, draw_text, drawing_error, text_style},
        marks::Marks,
        palette::{FREQUENCY, PALE_INK, TEMPERATURE},
        power::{TimeAxis, along_time, line::envelope},
        reading::amount,
        scale::{axis_with_room, drawable, within},
    },
    output::quantity::fixed,
};

/// Height of a strip, without the time axis.
pub const HEIGHT: i32 = 76;
const CAPTION_HEIGHT: i32 = 22;

/// What a strip shows, and its lines.
pub struct Strip {
    caption: String,
    ink: RGBColor,
    unit: Unit,
    /// From what is drawn to the unit.
    factor: f64,
    lowest: f64,
    highest: f64,
    /// The first one is drawn thicker.
    lines: Vec<Vec<(f64, f64)>>,
}

/// The strips for which there are readings.
pub fn strips(readings: &CaseReadings, origin: MonotonicNs, shortest: f64) -> Vec<Strip> {
    [frequency(&readings.frequencies, origin, shortest), temperature(&readings.temperatures, origin, shortest)]
        .into_iter()
        .flatten()
        .collect()
}

fn frequency(series: &[ContextSeries], origin: MonotonicNs, shortest: f64) -> Option<Strip> {
    let shown = || series.iter().take(2).filter(|series| !series.readings.is_empty());
    let lines: Vec<Vec<(f64, f64)>> = shown()
        .map(|series| {
            points_since(series.readings.iter().map(|reading| (reading.at, reading.value * 1e-9)), origin, shortest)
        })
        .collect();
    let highest = highest(&lines)?;
    let caption = match shown().map(|series| series.name.as_str()).collect::<Vec<_>>().as_slice() {
        [first, second, ..] => format!("processor frequency, GHz: {first}; thin line: {second}"),
        [only] => format!("processor frequency, GHz: {only}"),
        [] => return None,
    };
    let highest = axis_with_room(highest, 1.1);
    Some(Strip { caption, ink: FREQUENCY, unit: Unit::Hertz, factor: 1e9, lowest: 0.0, highest, lines })
}

/// The hottest of all sensors at each moment: each keeps its value until it is read again.
fn temperature(series: &[ContextSeries], origin: MonotonicNs, shortest: f64) -> Option<Strip> {
    let hottest = hottest(series);
    let lines = vec![points_since(hottest.into_iter(), origin, shortest)];
    let highest = highest(&lines)?;
    let lowest = lines.iter().flatten().map(|point| point.1).fold(highest, f64::min);
    let caption = match series {
        [only] => format!("temperature, °C: {}", one_line(&only.name)),
        several => format!("temperature, °C: the hottest of {} sensors", several.len()),
    };
    // A temperature has no meaningful zero: the strip shows the nearest multiples of ten.
    let (lowest, highest) = ((lowest / 10.0).floor() * 10.0, (highest / 10.0).floor() * 10.0 + 10.0);
    Some(Strip { caption, ink: TEMPERATURE, unit: Unit::DegreesCelsius, factor: 1.0, lowest, highest, lines })
}

/// Readings from `origin` on, in seconds since then, at least `shortest` seconds apart if there are many.
pub fn points_since(
    readings: impl Iterator<Item = (MonotonicNs, f64)>,
    origin: MonotonicNs,
    shortest: f64,
) -> Vec<(f64, f64)> {
    let points: Vec<PowerPoint> = readings
        .filter(|(at, value)| *at >= origin && drawable(*value))
        .map(|(at, watts)| PowerPoint { at: at.since(origin) as f64 * 1e-9, watts })
        .collect();
    envelope(&points, shortest).iter().map(|point| (point.at, point.watts)).collect()
}

/// `None` if nothing has two readings.
fn highest(lines: &[Vec<(f64, f64)>]) -> Option<f64> {
    lines.iter().filter(|line| line.len() > 1).flatten().map(|point| point.1).reduce(f64::max)
}

impl Strip {
    /// Draws it into `area`, with the time axis if it is the `last` one; `whose` says whose case it is.
    ///
    /// # Errors
    /// When the drawing library fails.
    pub fn draw(
        &self,
        area: &Canvas,
        axis: &TimeAxis,
        last: bool,
        whose: &str,
        marks: &mut Marks,
    ) -> anyhow::Result<()> {
        draw_text(
            area,
            &self.caption,
            (MARGIN - 12 + LABELS, 4),
            text_style(TEXT_SIZE - 1, PALE_INK, HPos::Left, VPos::Top),
        )?;
        let decimals = usize::from(self.highest < 10.0);
        let label = |value: f64| axis.label(value);
        let below = axis.title();
        let axes = Axes {
            across: 0.0..axis.end,
            up: self.lowest..self.highest,
            head: CAPTION_HEIGHT,
            lines: 3,
            size: TEXT_SIZE - 1,
            number: &|value| fixed(value, decimals),
            below: last.then_some(Below { number: &label, words: &below }),
        };
        let mut chart = axes.draw(area)?;
        // The thick line is drawn last, so that it is visible where both coincide.
        for (index, line) in self.lines.iter().enumerate().rev() {
            let width = if index == 0 { 2 } else { 1 };
            let points: Vec<(f64, f64)> = line
                .iter()
                .map(|(seconds, value)| (axis.place(*seconds), within(self.lowest, self.highest, *value)))
                .collect();
            if index == 0 {
                let pixels: Vec<(i32, i32)> = points.iter().map(|at| chart.backend_coord(at)).collect();
                let value = |value: f64| amount(value * self.factor, self.unit);
                marks.along(&pixels, 1, |piece| format!("{whose}{}", along_time(&line[piece], *axis, value)));
            }
            chart.draw_series([PathElement::new(points, self.ink.stroke_width(width))]).map_err(drawing_error)?;
        }
        Ok(())
    }
}
