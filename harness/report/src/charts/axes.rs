//! A plot with the axes that stacked panels share: numbers on the left, and labels below the last one.

use std::ops::Range;

use plotters::{
    chart::{ChartBuilder, ChartContext, LabelAreaPosition},
    coord::types::RangedCoordf64,
    prelude::{Cartesian2d, SVGBackend},
    style::{
        Color,
        text_anchor::{HPos, VPos},
    },
};

use crate::charts::{
    canvas::{Canvas, MARGIN, TEXT_SIZE, drawing_error, text_style},
    palette::{GRID, INK, PALE_INK, PAPER},
};

/// Width of the numbers on the left.
pub const LABELS: i32 = 58;
/// Height of the axis below the last panel.
pub const AXIS_HEIGHT: i32 = 44;

/// A plot that can be drawn into.
pub type Plot<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// The axes of a plot.
pub struct Axes<'a> {
    /// Range from left to right.
    pub across: Range<f64>,
    /// Range from bottom to top.
    pub up: Range<f64>,
    /// Pixels of free space above.
    pub head: i32,
    /// Approximate number of labels on the left.
    pub lines: usize,
    /// Size of these labels.
    pub size: i32,
    /// Formats such a label.
    pub number: &'a dyn Fn(f64) -> String,
    /// The labels below the last of several panels.
    pub below: Option<Below<'a>>,
}

/// Numbers and words below a plot.
pub struct Below<'a> {
    /// Formats a number.
    pub number: &'a dyn Fn(f64) -> String,
    /// What the numbers are.
    pub words: &'a str,
}

impl Axes<'_> {
    /// Draws a plot with these axes.
    ///
    /// # Errors
    /// When the drawing library fails.
    pub fn draw<'a>(&self, area: &Canvas<'a>) -> anyhow::Result<Plot<'a>> {
        let mut plot = self.place(area)?;
        self.draw_lines(&mut plot)?;
        Ok(plot)
    }

    /// An empty plot, so that something can be drawn behind the lines.
    ///
    /// # Errors
    /// When the drawing library fails.
    pub fn place<'a>(&self, area: &Canvas<'a>) -> anyhow::Result<Plot<'a>> {
        let last = self.below.is_some();
        ChartBuilder::on(area)
            .margin_left(MARGIN - 12)
            .margin_right(MARGIN)
            .margin_top(self.head)
            .margin_bottom(if last { 0 } else { 4 })
            .set_label_area_size(LabelAreaPosition::Left, LABELS)
            .set_label_area_size(LabelAreaPosition::Bottom, if last { AXIS_HEIGHT } else { 0 })
            .build_cartesian_2d(self.across.clone(), self.up.clone())
            .map_err(drawing_error)
    }

    /// Draws lines, numbers and words.
    ///
    /// # Errors
    /// When the drawing library fails.
    pub fn draw_lines(&self, plot: &mut Plot) -> anyhow::Result<()> {
        let number = |value: &f64| (self.number)(*value);
        let number_below = |value: &f64| self.below.as_ref().map_or_else(String::new, |below| (below.number)(*value));
        let mut mesh = plot.configure_mesh();
        mesh.x_labels(10)
            .y_labels(self.lines)
            .light_line_style(PAPER.mix(0.0))
            .bold_line_style(GRID)
            .axis_style(PALE_INK)
            .y_label_style(text_style(self.size, INK, HPos::Right, VPos::Center))
            .y_label_formatter(&number);
        if let Some(below) = &self.below {
            mesh.x_label_style(text_style(TEXT_SIZE, INK, HPos::Center, VPos::Top))
                .x_label_formatter(&number_below)
                .x_desc(below.words)
                .axis_desc_style(text_style(TEXT_SIZE, PALE_INK, HPos::Center, VPos::Top));
        }
        mesh.draw().map_err(drawing_error)
    }
}
