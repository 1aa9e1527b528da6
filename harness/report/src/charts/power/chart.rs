//! Power over time: a panel for each case with meter readings, with its phases, and the frequency and temperature of the
//! processor.

use plotters::{
    prelude::Rectangle,
    style::{
        Color,
        text_anchor::{HPos, VPos},
    },
};
use pocketwatt_record::{Outcome, Phase, Run};

use crate::{
    charts::{
        canvas::{Canvas, MARGIN, TEXT_SIZE, WIDTH, draw_svg, draw_text, drawing_error, text_style, text_width},
        chart::Chart,
        heading::{draw_head, head_height},
        palette::INK,
        power::{
            panel::Panel,
            phases::{Shade, phase_name},
        },
        reading::sentences,
        subject::Subject,
    },
    output::inert::one_line,
};

const LEGEND_HEIGHT: i32 = 26;
/// Space below each panel.
const GAP: i32 = 14;

/// Draws the chart; `None` if no meter was read.
///
/// # Errors
/// When the drawing library fails.
pub fn draw(subject: &Subject) -> anyhow::Result<Option<Chart>> {
    let cases = subject.scenarios.iter().flat_map(|scenario| {
        subject.names.iter().enumerate().filter_map(move |(index, name)| Some((index, subject.record(scenario, name)?)))
    });
    let panels: Vec<Panel> = cases
        .filter(|(_, record)| record.outcome == Outcome::Measured)
        .filter_map(|(index, record)| Panel::of(subject, index, record))
        .collect();
    if panels.is_empty() {
        return Ok(None);
    }
    let simulated = subject.run.energy.sysfs_root.is_some();
    let question = if simulated { "Power over time (simulated meters)" } else { "Power over time" };
    let remark = remark(subject.run, &panels);
    let head_height = head_height(subject, question, &remark)? + LEGEND_HEIGHT;
    let height = head_height + panels.iter().map(|panel| panel.height() + GAP).sum::<i32>();
    let drawing = draw_svg(height, |canvas, marks| {
        let below = draw_head(canvas, subject, question, &remark)?;
        draw_legend(canvas, below)?;
        let mut top = head_height;
        for panel in &panels {
            let area = canvas.clone().shrink((0, top), (WIDTH as i32, panel.height()));
            panel.draw(canvas, &area, top, marks)?;
            top += panel.height() + GAP;
        }
        Ok(())
    })?;
    let said: Vec<String> = panels.iter().map(Panel::description).collect();
    Ok(Some(Chart { title: question.into(), description: sentences(&said), drawing }))
}

/// Which meter it is, and how to read the lines.
fn remark(run: &Run, panels: &[Panel]) -> String {
    let mut sentences = Vec::new();
    if let Some(root) = &run.energy.sysfs_root {
        sentences.push(format!("Simulated: read from {}, not from this device.", one_line(root)));
    }
    let mut meters: Vec<String> = Vec::new();
    for meter in panels.iter().filter_map(Panel::meter) {
        if !meters.contains(&meter) {
            meters.push(meter);
        }
    }
    sentences.push(format!("Meter: {}.", meters.join("; ")));
    if panels.iter().any(Panel::has_steps) {
        sentences.push("Line of a counter: mean power between updates.".into());
    }
    if panels.iter().any(Panel::has_gauge) {
        sentences.push("Line of a gauge: what it showed.".into());
    }
    sentences.push("Pale band: lowest to highest where updates share a step.".into());
    sentences.push("Numbers: gross mean power of a phase ± 95 % uncertainty.".into());
    sentences.join(" ")
}

/// The meaning of the shades.
fn draw_legend(canvas: &Canvas, top: i32) -> anyhow::Result<()> {
    const SWATCH: i32 = 12;
    let counted = |phase| Shade { phase, warm_up: false };
    let warm_up = |phase| Shade { phase, warm_up: true };
    let entries = [
        ("idle", vec![counted(Phase::IdleBefore)]),
        (phase_name(Phase::Load), vec![counted(Phase::Load)]),
        (phase_name(Phase::Prefill), vec![counted(Phase::Prefill)]),
        (phase_name(Phase::Decode), vec![counted(Phase::Decode)]),
        ("the same in warm-up iterations", vec![warm_up(Phase::Prefill), warm_up(Phase::Decode)]),
    ];
    let mut x = MARGIN;
    for (label, shades) in entries {
        for shade in shades {
            let swatch = [(x, top), (x + SWATCH, top + SWATCH)];
            canvas.draw(&Rectangle::new(swatch, shade.color().filled())).map_err(drawing_error)?;
            canvas.draw(&Rectangle::new(swatch, INK.mix(0.25).stroke_width(1))).map_err(drawing_error)?;
            x += SWATCH + 3;
        }
        draw_text(canvas, label, (x + 3, top - 1), text_style(TEXT_SIZE, INK, HPos::Left, VPos::Top))?;
        x += text_width(label) + 21;
    }
    Ok(())
}
