//! What of a request's energy its prompt takes, and what its answer.

use plotters::{
    prelude::{PathElement, Rectangle},
    style::{
        Color,
        text_anchor::{HPos, VPos},
    },
};
use pocketwatt_record::{EnergyFigure, EnergyMetric, Estimate, MetricScope, Outcome, Phase, Record, Unit};

use crate::{
    charts::{
        axes::{Axes, Plot},
        canvas::{Canvas, LINE, MARGIN, TEXT_SIZE, WIDTH, draw_svg, draw_text, drawing_error, text_style, text_width},
        chart::Chart,
        heading::{draw_head, head_height},
        marks::Marks,
        palette::INK,
        reading::{amount, certain, listed, reading, sentences, short, whose},
        scale::{axis_end, drawable, tick, within},
        subject::Subject,
    },
    facts::scope_name,
    output::quantity::fixed,
    table::{Scale, scale},
};

const TITLE: &str = "Energy of a request: prompt and answer (less is better)";
const PLOT_HEIGHT: i32 = 300;
const NAMES_HEIGHT: i32 = 32;
/// Share of a group's width that bars take.
const FILL: f64 = 0.84;
const WIDEST_BAR: f64 = 110.0;
/// How much of a column's colour the parts have.
const PREFILL: f64 = 0.55;
const DECODE: f64 = 0.22;
const UNKNOWN: f64 = 0.0;

/// A request of one case, in joules.
struct Bar {
    total: Estimate,
    /// With half of its 95 % interval; absent where it cannot be told apart.
    prefill: Option<(f64, f64)>,
    decode: Option<(f64, f64)>,
}

/// Draws the chart; `None` if no case has the energy of a request.
///
/// # Errors
/// When the drawing library fails.
pub fn draw(subject: &Subject) -> anyhow::Result<Option<Chart>> {
    let Some(scope) = subject.records.iter().find_map(|record| scope(record)) else { return Ok(None) };
    let bars = |scenario: &&str| -> Vec<Option<Bar>> {
        subject.names.iter().map(|name| Bar::of(subject.record(scenario, name)?, scope)).collect()
    };
    let groups: Vec<(&str, Vec<Option<Bar>>)> = subject
        .scenarios
        .iter()
        .map(|scenario| (*scenario, bars(scenario)))
        .filter(|(_, bars)| bars.iter().any(Option::is_some))
        .collect();
    let highest = groups.iter().flat_map(|(_, bars)| bars).flatten().map(Bar::highest).fold(0.0, f64::max);
    let name = scope_name(scope, subject.run.energy.sysfs_root.is_some());
    let is_unknown = groups.iter().flat_map(|(_, bars)| bars).flatten().any(|bar| bar.parts().is_none());
    let unknown = if is_unknown { " Empty: both, where they cannot be told apart." } else { "" };
    let remark = format!(
        "Dark part: prefill. Pale part: decode.{unknown} Whisker: 95 % interval of the whole. Energy of the {name}, idle power included."
    );
    let top = head_height(subject, TITLE, &remark)?;
    let drawing = draw_svg(top + PLOT_HEIGHT + NAMES_HEIGHT, |canvas, marks| {
        draw_head(canvas, subject, TITLE, &remark)?;
        let plot = Stacked { subject, groups: &groups, scale: scale(Unit::Joules, highest), highest };
        plot.draw(canvas, top, marks)
    })?;
    Ok(Some(Chart { title: TITLE.into(), description: description(subject, &groups, &name), drawing }))
}

/// The preferred scope with a number. All cases are shown with the same one.
fn scope(record: &Record) -> Option<&MetricScope> {
    record.values(EnergyMetric::EnergyPerRequest).find(|value| value.summary().is_some())?.scope.as_ref()
}

fn description(subject: &Subject, groups: &[(&str, Vec<Option<Bar>>)], scope: &str) -> String {
    let mut parts = vec![format!("Energy of the {scope} for a request")];
    for (scenario, bars) in groups {
        let named = bars.iter().zip(&subject.names).filter_map(|(bar, name)| Some((bar.as_ref()?, name)));
        let words = named.map(|(bar, name)| {
            let part = |part: Option<(f64, f64)>| {
                part.map_or_else(|| "unknown".into(), |(joules, _)| amount(joules, Unit::Joules))
            };
            let (total, prefill, decode) = (amount(bar.total.value, Unit::Joules), part(bar.prefill), part(bar.decode));
            format!("{} {total} with prefill {prefill} and decode {decode}", short(name))
        });
        parts.push(format!("{}: {}", short(scenario), listed(&words.collect::<Vec<_>>())));
    }
    sentences(&parts)
}

impl Bar {
    fn of(record: &Record, scope: &MetricScope) -> Option<Self> {
        let mut values = record.values(EnergyMetric::EnergyPerRequest);
        let value = values.find(|value| value.scope.as_ref() == Some(scope))?;
        let total = value.estimate().ok().filter(|_| record.outcome == Outcome::Measured)?;
        let (low, high) = total.range.unwrap_or((total.value, total.value));
        let is_drawable = [low, total.value, high].into_iter().all(drawable);
        let figure = record
            .energy
            .iter()
            .find(|figure| figure.scope == scope.scope && figure.source == scope.source && figure.part == scope.part);
        let part = |phase: Phase| figure.and_then(|figure| of_request(figure, phase));
        is_drawable.then(|| Self { total, prefill: part(Phase::Prefill), decode: part(Phase::Decode) })
    }

    fn highest(&self) -> f64 {
        let whole = self.total.range.map_or(self.total.value, |range| range.1);
        let parts = self.parts().map_or(0.0, |(prefill, decode)| prefill + decode);
        whole.max(parts)
    }

    /// Both parts, if both are known.
    fn parts(&self) -> Option<(f64, f64)> {
        Some((self.prefill?.0, self.decode?.0))
    }

    fn words(&self) -> String {
        let part = |part: Option<(f64, f64)>| match part {
            Some((joules, half)) => {
                let share = if self.total.value > 0.0 { joules / self.total.value * 100.0 } else { 0.0 };
                format!("{}, {} %", certain(&Estimate::plus_minus(joules, half), Unit::Joules), fixed(share, 0))
            }
            None => "cannot be told apart".into(),
        };
        let whole = certain(&self.total, Unit::Joules);
        format!("{whole} for a request; prefill {}; decode {}", part(self.prefill), part(self.decode))
    }
}

/// The joules of a phase for each request, and their uncertainty.
fn of_request(figure: &EnergyFigure, phase: Phase) -> Option<(f64, f64)> {
    let requests = figure.phase(Phase::Request)?.units as f64;
    let (joules, half) = figure.phase(phase)?.gross.measured()?;
    let (joules, half) = (joules / requests, half / requests);
    (drawable(joules) && drawable(half) && joules >= 0.0).then_some((joules, half))
}

/// The plot of all bars.
struct Stacked<'a> {
    subject: &'a Subject<'a>,
    groups: &'a [(&'a str, Vec<Option<Bar>>)],
    scale: Scale,
    /// In joules.
    highest: f64,
}

impl Stacked<'_> {
    fn draw(&self, canvas: &Canvas, top: i32, marks: &mut Marks) -> anyhow::Result<()> {
        let area = canvas.clone().shrink((0, top), (WIDTH as i32, PLOT_HEIGHT));
        let unit = text_style(TEXT_SIZE, INK, HPos::Left, VPos::Top);
        draw_text(&area, &format!("{} for a request", self.scale.symbol), (MARGIN, 4), unit)?;
        let end = self.end();
        let axes = Axes {
            across: 0.0..self.groups.len().max(1) as f64,
            up: 0.0..end,
            head: 26,
            lines: 6,
            size: TEXT_SIZE,
            number: &|value| tick(value, end),
            below: None,
        };
        let plot = axes.draw(&area)?;
        for (index, (scenario, bars)) in self.groups.iter().enumerate() {
            let (left, base) = plot.backend_coord(&(index as f64, 0.0));
            let (right, _) = plot.backend_coord(&(index as f64 + 1.0, 0.0));
            let width = (f64::from(right - left) * FILL / bars.len().max(1) as f64).min(WIDEST_BAR);
            let middle = i32::midpoint(left, right);
            draw_text(
                canvas,
                &short(scenario),
                (middle, base + 10),
                text_style(TEXT_SIZE, INK, HPos::Center, VPos::Top),
            )?;
            for (place, bar) in bars.iter().enumerate() {
                let offset = (place as f64 - (bars.len() as f64 - 1.0) / 2.0) * width;
                let at = middle + offset.round() as i32;
                let half = (width * 0.42) as i32;
                let name = self.subject.names.get(place).map_or("", String::as_str);
                match bar {
                    Some(bar) => {
                        self.draw_bar(canvas, &plot, bar, place, [at - half, at + half])?;
                        let top = self.pixel(&plot, bar.highest());
                        marks.area([(at - half, top), (at + half, base)], whose(name, scenario) + &bar.words());
                    }
                    None => {
                        let style = text_style(TEXT_SIZE - 2, INK, HPos::Center, VPos::Bottom);
                        draw_text(canvas, "no data", (at, base - 4), style)?;
                        marks.area(
                            [(at - half, base - LINE), (at + half, base)],
                            whose(name, scenario) + &self.reason(scenario, name),
                        );
                    }
                }
            }
        }
        Ok(())
    }

    fn reason(&self, scenario: &str, name: &str) -> String {
        let record = self.subject.record(scenario, name);
        record.map_or_else(|| "not measured".into(), |record| reading(record, EnergyMetric::EnergyPerRequest))
    }

    /// The end of the axis, in the scale's unit.
    fn end(&self) -> f64 {
        axis_end(self.highest * self.scale.factor)
    }

    fn pixel(&self, plot: &Plot, joules: f64) -> i32 {
        plot.backend_coord(&(0.0, within(0.0, self.end(), joules * self.scale.factor))).1
    }

    fn draw_bar(
        &self,
        canvas: &Canvas,
        plot: &Plot,
        bar: &Bar,
        place: usize,
        [left, right]: [i32; 2],
    ) -> anyhow::Result<()> {
        let ink = self.subject.inks.of(place);
        let middle = i32::midpoint(left, right);
        let parts = match bar.parts() {
            Some((prefill, decode)) => {
                vec![(0.0, prefill, PREFILL, "prefill "), (prefill, prefill + decode, DECODE, "decode ")]
            }
            None => vec![(0.0, bar.total.value, UNKNOWN, "not told apart ")],
        };
        for (from, to, strength, word) in parts {
            let corners = [(left, self.pixel(plot, to)), (right, self.pixel(plot, from))];
            canvas.draw(&Rectangle::new(corners, ink.mix(strength).filled())).map_err(drawing_error)?;
            canvas.draw(&Rectangle::new(corners, ink.stroke_width(1))).map_err(drawing_error)?;
            let number = format!("{word}{}", tick((to - from) * self.scale.factor, (to - from) * self.scale.factor));
            let fits = corners[1].1 - corners[0].1 >= LINE && text_width(&number) <= right - left;
            if fits {
                let style = text_style(TEXT_SIZE - 2, INK, HPos::Center, VPos::Center);
                draw_text(canvas, &number, (middle, i32::midpoint(corners[0].1, corners[1].1)), style)?;
            }
        }
        let (low, high) = bar.total.range.unwrap_or((bar.total.value, bar.total.value));
        let (low, high) = (self.pixel(plot, low), self.pixel(plot, high));
        for line in [
            [(middle, low), (middle, high)],
            [(middle - 6, low), (middle + 6, low)],
            [(middle - 6, high), (middle + 6, high)],
        ] {
            canvas.draw(&PathElement::new(line, INK.stroke_width(1))).map_err(drawing_error)?;
        }
        let above = high.min(self.pixel(plot, bar.highest())) - 4;
        let total = amount(bar.total.value, Unit::Joules);
        draw_text(canvas, &total, (middle, above), text_style(TEXT_SIZE, INK, HPos::Center, VPos::Bottom))
    }
}
