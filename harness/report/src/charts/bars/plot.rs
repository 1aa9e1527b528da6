//! One plot of grouped bars.

use plotters::{
    chart::{ChartBuilder, LabelAreaPosition},
    prelude::{PathElement, Rectangle},
    style::{
        Color, FontTransform, RGBColor,
        text_anchor::{HPos, VPos},
    },
};
use pocketwatt_record::{Estimate, Unit};

use crate::{
    charts::{
        canvas::{Canvas, MARGIN, TEXT_SIZE, draw_text, drawing_error, text_style, text_width},
        marks::Marks,
        palette::{GRID, INK, Inks, PALE_INK, PAPER},
        scale::{axis_end, drawable, tick, within},
    },
    output::{inert::one_line, quantity::fixed},
    table::{Scale, decimals, scale},
};

/// Share of a group's width that bars take.
const FILL: f64 = 0.84;
const WIDEST_BAR: f64 = 110.0;
const LABEL_HEIGHT: i32 = 14;
/// Of few blocks, an interval may be many times as wide as its number. Whiskers make the axis at most this many times as long as the longest
/// bar.
const ROOM_FOR_WHISKERS: f64 = 1.5;

/// Groups of bars on one scale.
pub struct Plot {
    groups: Vec<Group>,
    /// The scale of all its numbers.
    pub scale: Scale,
    /// The largest number, in the scale's unit.
    largest: f64,
    decimals: usize,
}

/// Bars that are drawn together.
pub struct Group {
    /// The label below them.
    pub label: String,
    /// One for each name of the legend.
    pub slots: Vec<Slot>,
}

/// A bar, or its empty place.
pub struct Slot {
    /// Its height, and where its whisker begins and ends.
    pub estimate: Option<Estimate>,
    /// `failed` or `skipped`.
    pub word: Option<&'static str>,
    /// Its exact value, or why there is none.
    pub text: String,
}

impl Group {
    /// Whether there is anything to draw.
    pub fn has_numbers(&self) -> bool {
        self.slots.iter().any(|slot| slot.estimate.is_some())
    }
}

impl Plot {
    /// Finds the scale of all numbers.
    pub fn of(mut groups: Vec<Group>, unit: Unit) -> Self {
        for slot in groups.iter_mut().flat_map(|group| &mut group.slots) {
            slot.estimate = slot.estimate.filter(|estimate| {
                let (low, high) = estimate.range.unwrap_or((estimate.value, estimate.value));
                [low, estimate.value, high].into_iter().all(drawable)
            });
        }
        let estimates = || groups.iter().flat_map(|group| &group.slots).filter_map(|slot| slot.estimate);
        let longest_bar = estimates().map(|estimate| estimate.value).fold(0.0, f64::max);
        let highest = estimates().map(|estimate| estimate.range.map_or(estimate.value, |range| range.1));
        let largest = highest.fold(longest_bar, f64::max).min(longest_bar * ROOM_FOR_WHISKERS);
        let scale = scale(unit, largest);
        let medians: Vec<f64> = estimates().map(|estimate| estimate.value * scale.factor).collect();
        let decimals = decimals(medians.iter().copied());
        Self { groups, scale, largest: largest * scale.factor, decimals }
    }

    /// Draws it into `area`, which is a part of `canvas`.
    ///
    /// # Errors
    /// When the drawing library fails.
    pub fn draw(
        &self,
        canvas: &Canvas,
        area: &Canvas,
        title: &str,
        inks: &Inks,
        marks: &mut Marks,
    ) -> anyhow::Result<()> {
        let end = axis_end(self.largest);
        let mut chart = ChartBuilder::on(area)
            .margin_left(MARGIN - 12)
            .margin_right(MARGIN)
            .margin_top(26)
            .margin_bottom(6)
            .set_label_area_size(LabelAreaPosition::Left, 58)
            .set_label_area_size(LabelAreaPosition::Bottom, 32)
            .build_cartesian_2d(0.0..self.groups.len() as f64, 0.0..end)
            .map_err(drawing_error)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(0)
            .y_labels(6)
            .light_line_style(PAPER.mix(0.0))
            .bold_line_style(GRID)
            .axis_style(PALE_INK)
            .y_label_style(text_style(TEXT_SIZE, INK, HPos::Right, VPos::Center))
            .y_label_formatter(&|value| tick(*value, self.largest))
            .draw()
            .map_err(drawing_error)?;
        draw_text(area, title, (MARGIN, 4), text_style(TEXT_SIZE, PALE_INK, HPos::Left, VPos::Top))?;
        let at = |x: f64, y: f64| chart.backend_coord(&(x, y));
        let (left, right) = (at(0.0, 0.0).0, at(1.0, 0.0).0);
        let group_width = f64::from(right - left);
        let numerals = self.numerals(group_width);
        for (index, group) in self.groups.iter().enumerate() {
            let center = at(index as f64 + 0.5, 0.0);
            let name = fit(&one_line(&group.label), group_width);
            draw_text(canvas, &name, (center.0, center.1 + 8), text_style(TEXT_SIZE, INK, HPos::Center, VPos::Top))?;
            let count = group.slots.len() as f64;
            let slot_width = (group_width * FILL / count).min(WIDEST_BAR);
            for (position, slot) in group.slots.iter().enumerate() {
                let middle = f64::from(center.0) + (position as f64 - (count - 1.0) / 2.0) * slot_width;
                let place = Place { middle: middle.round() as i32, width: slot_width, base: center.1 };
                let ink = inks.of(position);
                let bar = Bar { plot: self, numerals: &numerals, place, ink };
                bar.draw(canvas, slot, end, &|value| at(0.0, within(0.0, end, value)).1)?;
                marks.area(place.above_base(at(0.0, self.top(slot, end)).1), slot.text.clone());
            }
        }
        Ok(())
    }

    /// The upper end of a bar with its whisker, in the scale's unit.
    fn top(&self, slot: &Slot, end: f64) -> f64 {
        let highest = slot.estimate.map(|estimate| estimate.range.map_or(estimate.value, |range| range.1));
        within(0.0, end, highest.map_or(end, |highest| highest * self.scale.factor))
    }

    /// How all numbers are written: with their unit, or with fewer decimals if bars are narrow.
    fn numerals(&self, group_width: f64) -> Numerals {
        let slots = self.groups.iter().map(|group| group.slots.len()).max().unwrap_or(1).max(1);
        let room = (group_width * FILL / slots as f64).min(WIDEST_BAR);
        let estimates = || self.groups.iter().flat_map(|group| &group.slots).filter_map(|slot| slot.estimate);
        let fits = |numerals: &Numerals| {
            let widest = estimates().map(|estimate| text_width(&numerals.write(estimate.value * self.scale.factor)));
            f64::from(widest.max().unwrap_or(0) + 6) <= room
        };
        let with_unit = Numerals { decimals: self.decimals, unit: format!(" {}", self.scale.symbol) };
        let bare = (0..=self.decimals).rev().map(|decimals| Numerals { decimals, unit: String::new() });
        let fewest = Numerals { decimals: 0, unit: String::new() };
        [with_unit].into_iter().chain(bare).find(fits).unwrap_or(fewest)
    }
}

/// How numbers above bars are written.
struct Numerals {
    decimals: usize,
    unit: String,
}

impl Numerals {
    fn write(&self, value: f64) -> String {
        format!("{}{}", fixed(value, self.decimals), self.unit)
    }
}

/// The position of a bar, in pixels.
#[derive(Clone, Copy)]
struct Place {
    middle: i32,
    width: f64,
    base: i32,
}

impl Place {
    /// All of it up to this height.
    fn above_base(&self, top: i32) -> [(i32, i32); 2] {
        let half = (self.width / 2.0) as i32;
        [(self.middle - half, top), (self.middle + half, self.base)]
    }
}

/// A bar to be drawn.
struct Bar<'a> {
    plot: &'a Plot,
    numerals: &'a Numerals,
    place: Place,
    ink: RGBColor,
}

impl Bar<'_> {
    /// `end` is that of the axis, in the scale's unit.
    fn draw(&self, canvas: &Canvas, slot: &Slot, end: f64, height_of: &dyn Fn(f64) -> i32) -> anyhow::Result<()> {
        let Bar { plot, place, ink, .. } = *self;
        let Some(estimate) = slot.estimate else { return self.draw_word(canvas, slot.word.unwrap_or("no data")) };
        let y = |value: f64| height_of(value * plot.scale.factor);
        let (lowest, highest) = estimate.range.unwrap_or((estimate.value, estimate.value));
        let half = (place.width * 0.42).round() as i32;
        let corners = [(place.middle - half, y(estimate.value)), (place.middle + half, place.base)];
        canvas.draw(&Rectangle::new(corners, ink.filled())).map_err(drawing_error)?;
        if highest > lowest {
            let (low, high) = (y(lowest), y(highest));
            let cap = half.min(8);
            let cap_at = |y: i32| [(place.middle - cap, y), (place.middle + cap, y)];
            // What leaves the plot has no end there.
            let lower = (lowest >= 0.0).then(|| cap_at(low));
            let upper = (highest * plot.scale.factor <= end).then(|| cap_at(high));
            for line in [Some([(place.middle, low), (place.middle, high)]), lower, upper].into_iter().flatten() {
                canvas.draw(&PathElement::new(line, INK.stroke_width(1))).map_err(drawing_error)?;
            }
        }
        let label = self.numerals.write(estimate.value * plot.scale.factor);
        let (median, highest) = (y(estimate.value), y(highest));
        // Directly above the bar, on white, if the whisker is long; above the whisker if it would hide its end.
        let bottom = if median - highest > LABEL_HEIGHT + 8 { median - 3 } else { highest.min(median) - 4 };
        let half = text_width(&label) / 2;
        let paper = Rectangle::new(
            [(place.middle - half, bottom - LABEL_HEIGHT), (place.middle + half, bottom)],
            PAPER.filled(),
        );
        canvas.draw(&paper).map_err(drawing_error)?;
        draw_text(canvas, &label, (place.middle, bottom), text_style(TEXT_SIZE, INK, HPos::Center, VPos::Bottom))
    }

    /// A word in place of a bar; vertical if it is wider than a bar.
    fn draw_word(&self, canvas: &Canvas, word: &str) -> anyhow::Result<()> {
        let Place { middle, width, base } = self.place;
        if f64::from(text_width(word)) <= width {
            let style = text_style(TEXT_SIZE, PALE_INK, HPos::Center, VPos::Bottom);
            return draw_text(canvas, word, (middle, base - 4), style);
        }
        let style = text_style(TEXT_SIZE, PALE_INK, HPos::Left, VPos::Center).transform(FontTransform::Rotate270);
        draw_text(canvas, word, (middle, base - 4), style)
    }
}

/// `name`, or as much of it as fits.
fn fit(name: &str, width: f64) -> String {
    if f64::from(text_width(name)) <= width {
        return name.to_owned();
    }
    let most = (width / f64::from(text_width("n"))) as usize;
    name.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
