//! What surrounds the plots: title, subtitle and legend. Plotters cannot know how wide an SVG viewer draws a text, so
//! everything is placed with a generous estimate.

use anyhow::anyhow;
use plotters::{
    coord::Shift,
    prelude::{DrawingArea, Rectangle, SVGBackend, Text},
    style::{
        Color, IntoFont, RGBColor, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};
use pocketwatt_record::Outcome;

use super::{
    Subject,
    palette::{INK, PALE_INK, color},
};
use crate::report::{
    blocks::{combination, one_line},
    facts::{engine, short_device},
    sheet::shortcoming,
};

/// Charts are this wide.
pub const WIDTH: u32 = 900;
/// Distance of everything from the edges.
pub const MARGIN: i32 = 24;
/// Size of ordinary text. Plotters divides it by 1.24 for the SVG's `font-size`.
pub const TEXT_SIZE: i32 = 16;
const TITLE_SIZE: i32 = 22;
const LINE: i32 = 18;

/// A canvas of pixels.
pub type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Errors of the drawing library borrow from the canvas: keep their words.
pub fn words(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("{error}")
}

/// Text of the given size, placed by one of its corners or edges.
pub fn text(size: i32, ink: RGBColor, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    let pos = Pos::new(horizontal, vertical);
    TextStyle { font: ("sans-serif", size).into_font(), color: ink.to_backend_color(), pos }
}

/// About as wide as `text` becomes in the ordinary size.
pub fn text_width(text: &str) -> i32 {
    (text.chars().count() as f64 * f64::from(TEXT_SIZE) * 0.46).ceil() as i32
}

/// Writes title, subtitle and legend, and gives the height that they take.
pub fn head(canvas: &Canvas, subject: &Subject, question: &str, remark: &str) -> anyhow::Result<i32> {
    let combination = subject.records.first().map(|record| combination(record)).unwrap_or_default();
    let labels: Vec<String> =
        subject.names.iter().map(|name| format!("{}{}", one_line(name), shortcomings(subject, name))).collect();
    heading(canvas, question, &subtitle(subject, combination, remark), &subject.names, &labels)
}

/// Writes a title, lines below it and a legend: a swatch for each of `names`, which choose the colours, with its label.
/// Gives the height that they take.
pub fn heading(
    canvas: &Canvas,
    title: &str,
    lines: &[String],
    names: &[String],
    labels: &[String],
) -> anyhow::Result<i32> {
    let mut y = MARGIN - 8;
    put(canvas, title, (MARGIN, y), text(TITLE_SIZE, INK, HPos::Left, VPos::Top))?;
    y += LINE + 10;
    let small = || text(TEXT_SIZE, PALE_INK, HPos::Left, VPos::Top);
    for line in lines.iter().flat_map(|line| wrap(line)) {
        put(canvas, &line, (MARGIN, y), small())?;
        y += LINE;
    }
    legend(canvas, names, labels, y + 8)
}

fn subtitle(subject: &Subject, combination: String, remark: &str) -> Vec<String> {
    let engines: Vec<String> = subject.names.iter().filter_map(|name| engine(subject.column(name).next()?)).collect();
    let mut engines_once: Vec<String> = Vec::new();
    for engine in engines {
        if !engines_once.contains(&engine) {
            engines_once.push(engine);
        }
    }
    vec![combination, short_device(subject.run), engines_once.join(" · "), remark.to_owned()]
}

/// Lines no longer than the chart is wide. A no-break space keeps a number and its unit together.
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

/// A swatch and a label for each name, as many in a line as fit.
fn legend(canvas: &Canvas, names: &[String], labels: &[String], top: i32) -> anyhow::Result<i32> {
    const SWATCH: i32 = 12;
    let (mut x, mut y) = (MARGIN, top);
    for (index, label) in labels.iter().enumerate() {
        let width = SWATCH + 6 + text_width(label) + 18;
        if x > MARGIN && x + width > WIDTH as i32 - MARGIN {
            x = MARGIN;
            y += LINE + 2;
        }
        let swatch = Rectangle::new([(x, y), (x + SWATCH, y + SWATCH)], color(names, index).filled());
        canvas.draw(&swatch).map_err(words)?;
        put(canvas, label, (x + SWATCH + 6, y - 1), text(TEXT_SIZE, INK, HPos::Left, VPos::Top))?;
        x += width;
    }
    Ok(y + LINE + 6)
}

/// ` (failed)`, or in which scenarios where not in all.
fn shortcomings(subject: &Subject, name: &str) -> String {
    let records: Vec<_> = subject.column(name).collect();
    let bad: Vec<(&str, &str)> = records
        .iter()
        .filter(|record| record.outcome != Outcome::Measured)
        .filter_map(|record| Some((shortcoming(&record.outcome)?.0, record.case.scenario.as_str())))
        .collect();
    match bad.as_slice() {
        [] => String::new(),
        [(word, _), rest @ ..] if bad.len() == records.len() && rest.iter().all(|(other, _)| other == word) => {
            format!(" ({word})")
        }
        some => {
            let parts: Vec<String> = some.iter().map(|(word, scenario)| format!("{word} in {scenario}")).collect();
            format!(" ({})", parts.join(", "))
        }
    }
}

/// Draws a text on pixels.
pub fn put(canvas: &Canvas, content: &str, at: (i32, i32), style: TextStyle) -> anyhow::Result<()> {
    canvas.draw(&Text::new(content.to_owned(), at, style)).map_err(words)
}

/// From the smallest to the largest number that is drawn.
const SMALLEST: f64 = 1e-15;
const LARGEST: f64 = 1e15;

/// Whether a number can be drawn.
pub fn drawable(value: f64) -> bool {
    value.abs() <= LARGEST
}

/// The largest value of an axis that begins at 0 and leaves room above `largest`.
pub fn axis_end(largest: f64) -> f64 {
    axis_with_room(largest, 1.15)
}

/// The same with another room above the largest. What nothing in the world has so much or so little of makes no axis:
/// records may be anybody's.
pub fn axis_with_room(largest: f64, room: f64) -> f64 {
    if largest > SMALLEST { largest.min(LARGEST) * room } else { 1.0 }
}

/// A number on an axis from `low` to `high`; one beyond it at its end.
pub fn within(low: f64, high: f64, value: f64) -> f64 {
    value.max(low).min(high)
}
