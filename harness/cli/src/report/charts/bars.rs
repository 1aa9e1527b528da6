//! Grouped bars: a group for each scenario, a bar for each backend.

use plotters::{
    chart::{ChartBuilder, LabelAreaPosition},
    drawing::IntoDrawingArea,
    prelude::{PathElement, Rectangle, SVGBackend},
    style::{
        Color, RGBColor, WHITE,
        text_anchor::{HPos, VPos},
    },
};
use pocketwatt_record::{Outcome, Summary, metric};

use super::{
    Subject,
    frame::{MARGIN, TEXT_SIZE, WIDTH, axis_end, head, put, text, text_width, words},
    palette::{GRID, INK, PALE_INK, color},
};
use crate::report::{
    blocks::one_line,
    cells::{Scale, decimals, scale},
    sheet::shortcoming,
};

const PLOT_HEIGHT: i32 = 300;
const HEAD_HEIGHT: i32 = 170;
/// Share of a group's width that bars take.
const FILL: f64 = 0.84;
const WIDEST_BAR: f64 = 110.0;
const LABEL_HEIGHT: i32 = 14;

/// What is drawn as bars.
pub struct Bars {
    metric: &'static str,
    title: &'static str,
    remark: &'static str,
}

impl Bars {
    /// Generating.
    pub const DECODE_THROUGHPUT: Bars = Bars {
        metric: "decode_throughput",
        title: "Decode throughput (more is better)",
        remark: "Bar: median over iterations. Whisker: slowest to fastest iteration.",
    };
    /// Waiting.
    pub const TIME_TO_FIRST_TOKEN: Bars = Bars {
        metric: "time_to_first_token",
        title: "Time to first token (less is better)",
        remark: "Bar: median over all turns. Whisker: fastest to slowest turn; turns have prompts of different lengths.",
    };
    /// Memory.
    pub const PEAK_MEMORY: Bars = Bars {
        metric: "peak_resident_memory",
        title: "Peak memory (less is better)",
        remark: "Highest resident memory of the process, loading included.",
    };

    /// Draws the chart; nothing where no case has the metric.
    ///
    /// # Errors
    /// When the drawing library refuses.
    pub fn draw(&self, subject: &Subject) -> anyhow::Result<Option<String>> {
        let groups: Vec<Group> =
            subject.scenarios.iter().map(|scenario| self.group(subject, scenario)).filter(Group::has_numbers).collect();
        let Some(metric) = metric(self.metric).filter(|_| !groups.is_empty()) else { return Ok(None) };
        let summaries = || groups.iter().flat_map(|group| &group.slots).filter_map(|slot| slot.summary);
        let largest = summaries().map(|summary| summary.maximum).fold(0.0, f64::max);
        let scale = scale(metric.unit, largest);
        let medians: Vec<f64> = summaries().map(|summary| summary.median * scale.factor).collect();
        let plot = Plot { groups, scale, largest: largest * scale.factor, decimals: decimals(medians.iter().copied()) };
        let mut svg = String::new();
        self.draw_into(subject, &plot, &mut svg)?;
        Ok(Some(svg))
    }

    fn group<'a>(&self, subject: &Subject<'a>, scenario: &'a str) -> Group<'a> {
        let slots = subject.names.iter().map(|name| {
            let record = subject.record(scenario, name);
            Slot {
                summary: record
                    .filter(|record| record.outcome == Outcome::Measured)
                    .and_then(|record| record.summary(self.metric)),
                word: record.and_then(|record| shortcoming(&record.outcome)).map(|(word, _)| word),
            }
        });
        Group { scenario, slots: slots.collect() }
    }

    fn draw_into(&self, subject: &Subject, plot: &Plot, svg: &mut String) -> anyhow::Result<()> {
        let canvas = SVGBackend::with_string(svg, (WIDTH, (HEAD_HEIGHT + PLOT_HEIGHT) as u32)).into_drawing_area();
        canvas.fill(&WHITE).map_err(words)?;
        let top = head(&canvas, subject, self.title, self.remark)?;
        let (_, area) = canvas.split_vertically(top);
        let mut chart = ChartBuilder::on(&area)
            .margin_left(MARGIN - 12)
            .margin_right(MARGIN)
            .margin_top(26)
            .margin_bottom(6)
            .set_label_area_size(LabelAreaPosition::Left, 58)
            .set_label_area_size(LabelAreaPosition::Bottom, 32)
            .build_cartesian_2d(0.0..plot.groups.len() as f64, 0.0..axis_end(plot.largest))
            .map_err(words)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(0)
            .y_labels(6)
            .light_line_style(WHITE.mix(0.0))
            .bold_line_style(GRID)
            .axis_style(PALE_INK)
            .y_label_style(text(TEXT_SIZE, INK, HPos::Right, VPos::Center))
            .y_label_formatter(&|value| tick(*value, plot.largest))
            .draw()
            .map_err(words)?;
        put(&canvas, plot.scale.symbol, (MARGIN, top + 4), text(TEXT_SIZE, PALE_INK, HPos::Left, VPos::Top))?;
        let at = |x: f64, y: f64| chart.backend_coord(&(x, y));
        let (left, right) = (at(0.0, 0.0).0, at(1.0, 0.0).0);
        let group_width = f64::from(right - left);
        for (index, group) in plot.groups.iter().enumerate() {
            let center = at(index as f64 + 0.5, 0.0);
            let name = fit(&one_line(group.scenario), group_width);
            put(&canvas, &name, (center.0, center.1 + 8), text(TEXT_SIZE, INK, HPos::Center, VPos::Top))?;
            let count = group.slots.len() as f64;
            let slot_width = (group_width * FILL / count).min(WIDEST_BAR);
            for (position, slot) in group.slots.iter().enumerate() {
                let middle = f64::from(center.0) + (position as f64 - (count - 1.0) / 2.0) * slot_width;
                let place = Place { middle: middle.round() as i32, width: slot_width, base: center.1 };
                let ink = color(&subject.names, position);
                draw_slot(&canvas, plot, slot, place, ink, &|value| at(0.0, value).1)?;
            }
        }
        canvas.present().map_err(words)
    }
}

struct Plot<'a> {
    groups: Vec<Group<'a>>,
    scale: Scale,
    /// In the scale's unit.
    largest: f64,
    decimals: usize,
}

struct Group<'a> {
    scenario: &'a str,
    slots: Vec<Slot<'a>>,
}

struct Slot<'a> {
    summary: Option<&'a Summary>,
    /// `failed` or `skipped`.
    word: Option<&'static str>,
}

impl Group<'_> {
    fn has_numbers(&self) -> bool {
        self.slots.iter().any(|slot| slot.summary.is_some())
    }
}

/// Where a bar stands, in pixels.
#[derive(Clone, Copy)]
struct Place {
    middle: i32,
    width: f64,
    base: i32,
}

fn draw_slot(
    canvas: &super::frame::Canvas,
    plot: &Plot,
    slot: &Slot,
    place: Place,
    ink: RGBColor,
    height_of: &dyn Fn(f64) -> i32,
) -> anyhow::Result<()> {
    let Some(summary) = slot.summary else {
        let word = slot.word.unwrap_or("no data");
        return put(
            canvas,
            word,
            (place.middle, place.base - 4),
            text(TEXT_SIZE, PALE_INK, HPos::Center, VPos::Bottom),
        );
    };
    let y = |value: f64| height_of(value * plot.scale.factor);
    let half = (place.width * 0.42).round() as i32;
    let corners = [(place.middle - half, y(summary.median)), (place.middle + half, place.base)];
    canvas.draw(&Rectangle::new(corners, ink.filled())).map_err(words)?;
    if summary.maximum > summary.minimum {
        let (low, high) = (y(summary.minimum), y(summary.maximum));
        let cap = half.min(8);
        for line in [
            [(place.middle, low), (place.middle, high)],
            [(place.middle - cap, low), (place.middle + cap, low)],
            [(place.middle - cap, high), (place.middle + cap, high)],
        ] {
            canvas.draw(&PathElement::new(line, INK.stroke_width(1))).map_err(words)?;
        }
    }
    let number = format!("{:.*}", plot.decimals, summary.median * plot.scale.factor);
    let with_unit = format!("{number} {}", plot.scale.symbol);
    let label = if f64::from(text_width(&with_unit) + 8) <= place.width { with_unit } else { number };
    let (median, highest) = (y(summary.median), y(summary.maximum));
    // Directly above the bar, on white, where the whisker is long; above the whisker where it would hide its end.
    let bottom = if median - highest > LABEL_HEIGHT + 8 { median - 3 } else { highest.min(median) - 4 };
    let half = text_width(&label) / 2;
    let paper =
        Rectangle::new([(place.middle - half, bottom - LABEL_HEIGHT), (place.middle + half, bottom)], WHITE.filled());
    canvas.draw(&paper).map_err(words)?;
    put(canvas, &label, (place.middle, bottom), text(TEXT_SIZE, INK, HPos::Center, VPos::Bottom))
}

/// A label of the axis, with as many decimals as its largest value needs.
pub fn tick(value: f64, largest: f64) -> String {
    let decimals = if largest >= 10.0 {
        0
    } else if largest >= 1.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

/// `name`, or as much of it as fits.
fn fit(name: &str, width: f64) -> String {
    if f64::from(text_width(name)) <= width {
        return name.to_owned();
    }
    let most = (width / f64::from(text_width("n"))) as usize;
    name.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
