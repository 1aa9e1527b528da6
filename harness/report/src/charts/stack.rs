//! Stacked panels with a common axis, with a line or marks for each column: the layout of several charts.

use plotters::style::text_anchor::{HPos, VPos};

use crate::{
    charts::{
        axes::{AXIS_HEIGHT, Axes, Below, LABELS, Plot},
        canvas::{Canvas, Drawing, MARGIN, TEXT_SIZE, WIDTH, draw_svg, draw_text, text_style, text_width, wrap},
        heading::{draw_head, head_height},
        marks::Marks,
        palette::{INK, PALE_INK},
        subject::Subject,
    },
    output::inert::one_line,
};

const TITLE_HEIGHT: i32 = 26;
const NOTE_HEIGHT: i32 = 18;
const CAPTION_HEIGHT: i32 = 24;
/// Space below each stack.
const GAP: i32 = 14;

/// Draws into a plot, and marks what it draws.
pub type Draw<'a> = dyn Fn(&mut Plot, &mut Marks) -> anyhow::Result<()> + 'a;

/// One panel.
pub struct Panel<'a> {
    /// What it shows, and the unit.
    pub caption: String,
    /// Height of the plot in pixels.
    pub height: i32,
    /// Range from bottom to top.
    pub up: std::ops::Range<f64>,
    /// Formats a number on the left.
    pub number: Box<dyn Fn(f64) -> String + 'a>,
    /// Draws its contents.
    pub draw: Box<Draw<'a>>,
}

/// The panels of one scenario.
pub struct Stack<'a> {
    /// The scenario.
    pub title: String,
    /// A remark about it.
    pub note: String,
    /// Range from left to right.
    pub across: std::ops::Range<f64>,
    /// Formats a number below.
    pub number: Box<dyn Fn(f64) -> String + 'a>,
    /// What these numbers are.
    pub words: String,
    /// Positions that are labelled above the first panel.
    pub names: Vec<(f64, String)>,
    /// From top to bottom; never empty.
    pub panels: Vec<Panel<'a>>,
}

/// Says where the meters were read, if they are not this device's.
pub fn simulation(subject: &Subject) -> String {
    let root = subject.run.energy.sysfs_root.as_deref();
    root.map_or_else(String::new, |root| format!("Simulated: read from {}, not from this device. ", one_line(root)))
}

/// Draws a chart of stacks.
///
/// # Errors
/// When the drawing library fails.
pub fn draw_stacks(subject: &Subject, question: &str, remark: &str, stacks: &[Stack]) -> anyhow::Result<Drawing> {
    let head_height = head_height(subject, question, remark)?;
    let height = head_height + stacks.iter().map(|stack| stack.height() + GAP).sum::<i32>();
    draw_svg(height, |canvas, marks| {
        draw_head(canvas, subject, question, remark)?;
        let mut top = head_height;
        for stack in stacks {
            stack.draw(canvas, top, marks)?;
            top += stack.height() + GAP;
        }
        Ok(())
    })
}

impl Stack<'_> {
    fn notes(&self) -> Vec<String> {
        wrap(&self.note)
    }

    fn names_height(&self) -> i32 {
        if self.names.is_empty() { 0 } else { NOTE_HEIGHT }
    }

    fn head_height(&self) -> i32 {
        TITLE_HEIGHT + NOTE_HEIGHT * self.notes().len() as i32 + self.names_height()
    }

    fn height(&self) -> i32 {
        let panels: i32 = self.panels.iter().map(|panel| CAPTION_HEIGHT + panel.height).sum();
        self.head_height() + panels + AXIS_HEIGHT
    }

    fn draw(&self, canvas: &Canvas, top: i32, marks: &mut Marks) -> anyhow::Result<()> {
        draw_text(canvas, &self.title, (MARGIN, top + 6), text_style(TEXT_SIZE + 2, INK, HPos::Left, VPos::Top))?;
        for (index, note) in self.notes().iter().enumerate() {
            let y = top + TITLE_HEIGHT + NOTE_HEIGHT * index as i32;
            draw_text(canvas, note, (MARGIN, y), text_style(TEXT_SIZE, PALE_INK, HPos::Left, VPos::Top))?;
        }
        let mut y = top + self.head_height();
        for (index, panel) in self.panels.iter().enumerate() {
            let last = index + 1 == self.panels.len();
            let height = CAPTION_HEIGHT + panel.height + if last { AXIS_HEIGHT } else { 0 };
            let area = canvas.clone().shrink((0, y), (WIDTH as i32, height));
            let caption = text_style(TEXT_SIZE, PALE_INK, HPos::Left, VPos::Top);
            draw_text(&area, &panel.caption, (MARGIN - 12 + LABELS, 4), caption)?;
            let axes = Axes {
                across: self.across.clone(),
                up: panel.up.clone(),
                head: CAPTION_HEIGHT,
                lines: if panel.height > 120 { 6 } else { 3 },
                size: TEXT_SIZE,
                number: &*panel.number,
                below: last.then_some(Below { number: &*self.number, words: &self.words }),
            };
            let mut plot = axes.draw(&area)?;
            if index == 0 {
                self.write_names(canvas, &plot, y)?;
            }
            (panel.draw)(&mut plot, marks)?;
            y += CAPTION_HEIGHT + panel.height;
        }
        Ok(())
    }

    /// Writes as many labels as there is room for.
    fn write_names(&self, canvas: &Canvas, plot: &Plot, bottom: i32) -> anyhow::Result<()> {
        let (across, _) = plot.plotting_area().get_pixel_range();
        let mut free = across.start - LABELS;
        for (at, name) in &self.names {
            let share = (at - self.across.start) / (self.across.end - self.across.start);
            let middle = across.start + (share * f64::from(across.end - across.start)) as i32;
            let half = text_width(name) / 2 + 4;
            if middle - half >= free && middle + half <= WIDTH as i32 {
                draw_text(canvas, name, (middle, bottom), text_style(TEXT_SIZE, INK, HPos::Center, VPos::Bottom))?;
                free = middle + half;
            }
        }
        Ok(())
    }
}
