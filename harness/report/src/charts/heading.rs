//! What stands above the plots of a chart: title, subtitle and legend.

use plotters::style::text_anchor::{HPos, VPos};
use pocketwatt_record::Outcome;

use crate::{
    cases::{combination, shortcoming},
    charts::{
        canvas::{Canvas, LINE, MARGIN, TEXT_SIZE, draw_svg, draw_text, text_style, wrap},
        legend::draw_legend,
        palette::{INK, Inks, PALE_INK},
        subject::Subject,
    },
    facts::{engine, short_device},
    output::inert::one_line,
};

const TITLE_SIZE: i32 = 22;

/// Draws title, subtitle and legend, and returns their height.
pub fn draw_head(canvas: &Canvas, subject: &Subject, question: &str, remark: &str) -> anyhow::Result<i32> {
    let combination = subject.records.first().map(|record| combination(record)).unwrap_or_default();
    let labels: Vec<String> =
        subject.names.iter().map(|name| format!("{}{}", one_line(name), shortcomings(subject, name))).collect();
    draw_heading(canvas, question, &subtitle(subject, combination, remark), &subject.inks, &labels)
}

/// The height that [`draw_head`] takes: how many lines it has is known when it is drawn.
///
/// # Errors
/// When the drawing library fails.
pub fn head_height(subject: &Subject, question: &str, remark: &str) -> anyhow::Result<i32> {
    let mut height = 0;
    draw_svg(1000, |canvas, _| {
        height = draw_head(canvas, subject, question, remark)?;
        Ok(())
    })?;
    Ok(height)
}

/// Writes a title, lines below it and a legend: a swatch for each label. Gives the height that they take.
pub fn draw_heading(
    canvas: &Canvas,
    title: &str,
    lines: &[String],
    inks: &Inks,
    labels: &[String],
) -> anyhow::Result<i32> {
    let mut y = MARGIN - 8;
    draw_text(canvas, title, (MARGIN, y), text_style(TITLE_SIZE, INK, HPos::Left, VPos::Top))?;
    y += LINE + 10;
    let small = || text_style(TEXT_SIZE, PALE_INK, HPos::Left, VPos::Top);
    for line in lines.iter().flat_map(|line| wrap(line)) {
        draw_text(canvas, &line, (MARGIN, y), small())?;
        y += LINE;
    }
    draw_legend(canvas, inks, labels, y + 8)
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

/// ` (failed)`, or the scenarios in which it failed, if not all.
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
