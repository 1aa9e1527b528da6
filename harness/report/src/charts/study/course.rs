//! One plot of numbers over numbers: marks with whiskers for each backend, joined, and the straight line through them.

use plotters::{
    chart::{ChartBuilder, LabelAreaPosition},
    element::DashedPathElement,
    prelude::{Circle, PathElement},
    style::{
        Color,
        text_anchor::{HPos, VPos},
    },
};
use pocketwatt_record::{Estimate, Unit, fit_line};

use crate::{
    charts::{
        canvas::{Canvas, MARGIN, TEXT_SIZE, draw_text, drawing_error, text_style},
        marks::Marks,
        palette::{GRID, INK, Inks, PALE_INK, PAPER},
        scale::{axis_end, tick},
    },
    table::{Scale, scale},
};

/// Numbers over numbers.
pub struct Course {
    /// One line for each name of the legend, in the scale's unit.
    lines: Vec<Vec<Stop>>,
    /// The scale of all its numbers.
    pub scale: Scale,
    fitted: bool,
}

/// A number above a number.
pub struct Stop {
    /// Its place.
    pub x: f64,
    /// Its height, and where its whisker begins and ends.
    pub y: Estimate,
    /// Its exact value.
    pub text: String,
}

impl Course {
    /// Finds the scale of all numbers.
    pub fn of(mut lines: Vec<Vec<Stop>>, unit: Unit, fitted: bool) -> Self {
        let largest = lines.iter().flatten().map(|stop| highest(&stop.y)).fold(0.0, f64::max);
        let scale = scale(unit, largest);
        let scaled = |estimate: Estimate| {
            let range = estimate.range.map(|(low, high)| (low * scale.factor, high * scale.factor));
            Estimate::between(estimate.value * scale.factor, range)
        };
        lines.iter_mut().flatten().for_each(|stop| stop.y = scaled(stop.y));
        Self { lines, scale, fitted }
    }

    /// Draws it into `area`.
    ///
    /// # Errors
    /// When the drawing library fails.
    pub fn draw(&self, area: &Canvas, title: &str, axis: &str, inks: &Inks, marks: &mut Marks) -> anyhow::Result<()> {
        let points = || self.lines.iter().flatten();
        let last = points().map(|stop| stop.x).fold(0.0, f64::max) * 1.04;
        let end = axis_end(points().map(|stop| highest(&stop.y)).fold(0.0, f64::max));
        draw_text(area, title, (MARGIN, 6), text_style(TEXT_SIZE, PALE_INK, HPos::Left, VPos::Top))?;
        let mut chart = ChartBuilder::on(area)
            .margin_left(MARGIN - 12)
            .margin_right(MARGIN)
            .margin_top(30)
            .margin_bottom(6)
            .set_label_area_size(LabelAreaPosition::Left, 58)
            .set_label_area_size(LabelAreaPosition::Bottom, 42)
            .build_cartesian_2d(0.0..last, 0.0..end)
            .map_err(drawing_error)?;
        chart
            .configure_mesh()
            .x_labels(9)
            .y_labels(6)
            .light_line_style(PAPER.mix(0.0))
            .bold_line_style(GRID)
            .axis_style(PALE_INK)
            .x_label_style(text_style(TEXT_SIZE, INK, HPos::Center, VPos::Top))
            .y_label_style(text_style(TEXT_SIZE, INK, HPos::Right, VPos::Center))
            .x_label_formatter(&|value| tick(*value, last))
            .y_label_formatter(&|value| tick(*value, end))
            .x_desc(axis)
            .axis_desc_style(text_style(TEXT_SIZE, PALE_INK, HPos::Center, VPos::Top))
            .draw()
            .map_err(drawing_error)?;
        for (index, line) in self.lines.iter().enumerate() {
            let ink = inks.of(index);
            let medians: Vec<(f64, f64)> = line.iter().map(|stop| (stop.x, stop.y.value)).collect();
            for Stop { x, y, text } in line {
                let (low, high) = y.range.unwrap_or((y.value, y.value));
                chart
                    .draw_series([PathElement::new([(*x, low), (*x, high)], INK.stroke_width(1))])
                    .map_err(drawing_error)?;
                marks.point(chart.backend_coord(&(*x, y.value)), text.clone());
            }
            chart.draw_series(medians.iter().map(|at| Circle::new(*at, 4, ink.filled()))).map_err(drawing_error)?;
            match fit_line(&medians).filter(|_| self.fitted) {
                Some(fit) => {
                    let ends = [0.0, last].map(|x| (x, fit.intercept + fit.slope * x));
                    let dashed = DashedPathElement::new(ends, 6, 4, ink.stroke_width(1));
                    chart.draw_series([dashed]).map_err(drawing_error)?;
                }
                None => {
                    chart.draw_series([PathElement::new(medians, ink.stroke_width(2))]).map_err(drawing_error)?;
                }
            }
        }
        Ok(())
    }
}

fn highest(estimate: &Estimate) -> f64 {
    estimate.range.map_or(estimate.value, |range| range.1)
}
