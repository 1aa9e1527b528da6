//! What every chart is drawn on: its size, and texts. Plotters cannot know how wide an SVG viewer draws a text, so that
//! everything is placed with a generous estimate.

use anyhow::anyhow;
use plotters::{
    coord::Shift,
    drawing::IntoDrawingArea,
    prelude::{DrawingArea, SVGBackend, Text},
    style::{
        Color, IntoFont, RGBColor, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use crate::charts::{marks::Marks, palette::PAPER};

/// Width of charts, in pixels.
pub const WIDTH: u32 = 900;
/// Distance of everything from the edges.
pub const MARGIN: i32 = 24;
/// Size of ordinary text. Plotters divides it by 1.24 for the SVG's `font-size`.
pub const TEXT_SIZE: i32 = 16;
/// Height of a line of text.
pub const LINE: i32 = 18;

/// A canvas of pixels.
pub type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A picture, and the exact values of what is drawn in it.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// An SVG document, without the marks: as it is stored in a file.
    pub svg: String,
    /// The exact values.
    pub marks: Marks,
}

impl Drawing {
    /// The document with its marks: for a page, which can show their texts.
    pub fn with_marks(&self) -> String {
        let end = self.svg.rfind("</svg>").unwrap_or(self.svg.len());
        let (picture, end) = self.svg.split_at(end);
        format!("{picture}{}{end}", self.marks.svg())
    }
}

/// A picture with this height in pixels.
///
/// # Errors
/// Those of `draw`, and when the drawing library fails.
pub fn draw_svg(height: i32, draw: impl FnOnce(&Canvas, &mut Marks) -> anyhow::Result<()>) -> anyhow::Result<Drawing> {
    let mut svg = String::new();
    let mut marks = Marks::default();
    {
        let canvas = SVGBackend::with_string(&mut svg, (WIDTH, height as u32)).into_drawing_area();
        canvas.fill(&PAPER).map_err(drawing_error)?;
        draw(&canvas, &mut marks)?;
        canvas.present().map_err(drawing_error)?;
    }
    Ok(Drawing { svg, marks })
}

/// Errors of the drawing library borrow from the canvas, so this keeps only their text.
pub fn drawing_error(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("{error}")
}

/// Text of the given size, placed by one of its corners or edges.
pub fn text_style(size: i32, ink: RGBColor, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    let pos = Pos::new(horizontal, vertical);
    TextStyle { font: ("sans-serif", size).into_font(), color: ink.to_backend_color(), pos }
}

/// Approximate width of `text` in the ordinary size.
pub fn text_width(text: &str) -> i32 {
    (text.chars().count() as f64 * f64::from(TEXT_SIZE) * 0.46).ceil() as i32
}

/// Splits a line so that it fits the width of the chart. A no-break space keeps a number and its unit together.
pub fn wrap(line: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let current = lines.last_mut().map(std::mem::take).unwrap_or_default();
        let longer = if current.is_empty() { word.to_owned() } else { format!("{current} {word}") };
        lines.pop();
        if text_width(&longer) > WIDTH as i32 - 2 * MARGIN && !current.is_empty() {
            lines.extend([current, word.to_owned()]);
        } else {
            lines.push(longer);
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// Draws a text at a position in pixels.
pub fn draw_text(canvas: &Canvas, content: &str, at: (i32, i32), style: TextStyle) -> anyhow::Result<()> {
    canvas.draw(&Text::new(content.to_owned(), at, style)).map_err(drawing_error)
}
