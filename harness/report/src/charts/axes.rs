//! A plot with the axes that panels stacked over one another share: numbers on the left, and below the last of them names.

use std::ops::Range;

use plotters::{
    chart::{ChartBuilder, ChartContext, LabelAreaPosition},
    coord::types::RangedCoordf64,
    prelude::{Cartesian2d, SVGBackend},
    style::{
        Color, WHITE,
        text_anchor::{HPos, VPos},
    },
};

use crate::charts::{
    canvas::{Canvas, MARGIN, TEXT_SIZE, drawing_error, text_style},
    palette::{GRID, INK, PALE_INK},
};

/// Room for the numbers on the left.
pub const LABELS: i32 = 58;
/// Room for what stands below the last panel.
pub const AXIS_HEIGHT: i32 = 44;

/// A plot that can be drawn into.
pub type Plot<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// What the axes of a plot are.
pub struct Axes<'a> {
    /// From the left to the right.
    pub across: Range<f64>,
    /// From the bottom to the top.
    pub up: Range<f64>,
    /// Pixels that are left free above.
    pub head: i32,
    /// Numbers on the left, about.
    pub lines: usize,
    /// Size of these numbers.
    pub size: i32,
    /// Such a number in characters.
    pub number: &'a dyn Fn(f64) -> String,
    /// What stands below the last of several panels.
    pub below: Option<Below<'a>>,
}

/// Numbers and words below a plot.
pub struct Below<'a> {
    /// A number in characters.
    pub number: &'a dyn Fn(f64) -> String,
    /// What the numbers are.
    pub words: &'a str,
}

impl Axes<'_> {
    /// A plot with these axes, drawn.
    ///
    /// # Errors
    /// When the drawing library refuses.
    pub fn draw<'a>(&self, area: &Canvas<'a>) -> anyhow::Result<Plot<'a>> {
        let mut plot = self.place(area)?;
        self.draw_lines(&mut plot)?;
        Ok(plot)
    }

    /// A plot with nothing in it yet, for what lies behind the lines.
    ///
    /// # Errors
    /// When the drawing library refuses.
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

    /// Lines, numbers and words.
    ///
    /// # Errors
    /// When the drawing library refuses.
    pub fn draw_lines(&self, plot: &mut Plot) -> anyhow::Result<()> {
        let number = |value: &f64| (self.number)(*value);
        let number_below = |value: &f64| self.below.as_ref().map_or_else(String::new, |below| (below.number)(*value));
        let mut mesh = plot.configure_mesh();
        mesh.x_labels(10)
            .y_labels(self.lines)
            .light_line_style(WHITE.mix(0.0))
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
