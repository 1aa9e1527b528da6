//! Two numbers of each case of a scenario and model, with their intervals, and what no other case beats in both.

use plotters::{
    prelude::PathElement,
    style::{
        Color,
        text_anchor::{HPos, VPos},
    },
};
use pocketwatt_protocol::Precision;
use pocketwatt_record::{Direction, Estimate, Unit};

use crate::{
    charts::{
        axes::{Axes, Below, Plot},
        canvas::{Canvas, LINE, MARGIN, TEXT_SIZE, WIDTH, draw_svg, draw_text, drawing_error, text_style, text_width},
        chart::Chart,
        heading::draw_heading,
        marks::Marks,
        palette::{INK, Inks, PALE_INK},
        pareto::{corner, front},
        reading::{amount, certain, listed, sentences, short},
        scale::{axis_end, drawable, within},
        scatter::{
            labels::{Labelled, NEAR, Room, place_labels},
            shape::{REACH, draw_shape},
        },
        settings::AllSettings,
    },
    facts::short_device,
    output::quantity::fixed,
    table::{Scale, scale},
};

const HEAD_HEIGHT: i32 = 216;
const PLOT_HEIGHT: i32 = 430;
const CAPTION_HEIGHT: i32 = 26;
const LABEL_SIZE: i32 = 15;

/// What is drawn along an axis.
pub struct Dimension {
    /// `energy per output token`.
    pub label: &'static str,
    /// Of its numbers.
    pub unit: Unit,
    /// Which of its numbers are better.
    pub direction: Direction,
}

/// A case.
pub struct Point {
    /// Its place among the cases of the settings.
    pub case: usize,
    /// Along the lower axis.
    pub x: Estimate,
    /// Along the left axis.
    pub y: Estimate,
    /// What else there is to say about it.
    pub note: String,
}

/// A line behind the points.
pub struct Curve {
    /// Written beside its beginning.
    pub label: String,
    /// From left to right.
    pub line: Vec<(f64, f64)>,
    /// Exactly what it is.
    pub text: String,
}

/// A chart of points.
pub struct Scatter<'a> {
    /// What the points are cases of.
    pub settings: &'a AllSettings<'a>,
    /// The question.
    pub title: &'static str,
    /// How to read it.
    pub remark: String,
    /// Along the lower axis.
    pub x: Dimension,
    /// Along the left axis.
    pub y: Dimension,
    /// At least two, or there is no chart.
    pub points: Vec<Point>,
    /// Lines behind them.
    pub curves: Vec<Curve>,
}

impl Scatter<'_> {
    /// Draws it; `None` where there is nothing to compare.
    ///
    /// # Errors
    /// When the drawing library fails.
    pub fn draw(mut self) -> anyhow::Result<Option<Chart>> {
        let is_drawable = |one: &Estimate| {
            let (low, high) = ends(one);
            [low, one.value, high].into_iter().all(drawable)
        };
        self.points.retain(|point| is_drawable(&point.x) && is_drawable(&point.y));
        if self.points.len() < 2 {
            return Ok(None);
        }
        let pairs: Vec<_> = self.points.iter().map(|point| Some((point.x.value, point.y.value))).collect();
        let front = front(&pairs, [self.x.direction, self.y.direction]);
        let drawing = draw_svg(HEAD_HEIGHT + PLOT_HEIGHT, |canvas, marks| {
            let top = self.draw_head(canvas, &front)?;
            let area = canvas.clone().shrink((0, top), (WIDTH as i32, HEAD_HEIGHT + PLOT_HEIGHT - top));
            self.draw_plot(canvas, &area, &front, marks)
        })?;
        Ok(Some(Chart { title: self.title.into(), description: self.description(&front), drawing }))
    }

    fn draw_head(&self, canvas: &Canvas, front: &[usize]) -> anyhow::Result<i32> {
        let AllSettings { run, names, inks, .. } = self.settings;
        let mut lines = vec![self.settings.title(), short_device(run), self.remark.clone()];
        lines.extend(self.words_of_front(front));
        lines.extend(self.words_of_missing());
        let names: Vec<String> = names.iter().map(|name| short(name)).collect();
        let top = draw_heading(canvas, self.title, &lines, inks, &names)?;
        self.draw_shapes(canvas, top)
    }

    /// How to read the front.
    fn words_of_front(&self, front: &[usize]) -> Option<String> {
        match *front {
            [] => None,
            [only] => {
                let best = self.label(self.points.get(only)?);
                Some(format!("{best} is best in both numbers; intervals may still overlap."))
            }
            _ => Some(
                "Grey line: no case is better in both numbers than those on it; intervals may still overlap.".into(),
            ),
        }
    }

    /// The cases that are not drawn.
    fn words_of_missing(&self) -> Option<String> {
        let is_drawn = |place: usize| self.points.iter().any(|point| point.case == place);
        let cases = self.settings.cases.iter().enumerate().filter(|(place, _)| !is_drawn(*place));
        let missing: Vec<String> = cases.map(|(_, case)| short(&case.label)).collect();
        (!missing.is_empty()).then(|| format!("Not drawn, because a number is missing: {}.", listed(&missing)))
    }

    /// Says which shape is which precision, if there are several.
    fn draw_shapes(&self, canvas: &Canvas, top: i32) -> anyhow::Result<i32> {
        let is_drawn =
            |precision: &Precision| self.points.iter().any(|point| self.precision(point) == Some(*precision));
        let drawn: Vec<Precision> = Precision::ALL.into_iter().filter(is_drawn).collect();
        if drawn.len() < 2 {
            return Ok(top);
        }
        let mut x = MARGIN;
        for precision in drawn {
            draw_shape(canvas, precision, (x + REACH, top + 6), PALE_INK)?;
            let style = text_style(TEXT_SIZE, INK, HPos::Left, VPos::Top);
            draw_text(canvas, precision.name(), (x + 2 * REACH + 6, top - 1), style)?;
            x += 2 * REACH + 24 + text_width(precision.name());
        }
        Ok(top + LINE + 6)
    }

    fn precision(&self, point: &Point) -> Option<Precision> {
        Some(self.settings.cases.get(point.case)?.record.case.precision)
    }

    fn draw_plot(&self, canvas: &Canvas, area: &Canvas, front: &[usize], marks: &mut Marks) -> anyhow::Result<()> {
        let (x, y) = (
            Side::of(&self.x, self.points.iter().map(|point| point.x)),
            Side::of(&self.y, self.points.iter().map(|point| point.y)),
        );
        let caption = format!(
            "{}, {}",
            self.y.words(&y.scale),
            if self.y.direction == Direction::LowerIsBetter { "lower is better" } else { "higher is better" }
        );
        draw_text(area, &caption, (MARGIN, 4), text_style(TEXT_SIZE, INK, HPos::Left, VPos::Top))?;
        let words = format!("{}{}", self.x.words(&x.scale), self.x.side());
        let (across, up) = (|value: f64| x.tick(value), |value: f64| y.tick(value));
        let axes = Axes {
            across: 0.0..x.end,
            up: 0.0..y.end,
            head: CAPTION_HEIGHT,
            lines: 7,
            size: TEXT_SIZE,
            number: &up,
            below: Some(Below { number: &across, words: &words }),
        };
        let mut plot = axes.draw(area)?;
        let at = |(right, above): (f64, f64)| {
            (within(0.0, x.end, right * x.scale.factor), within(0.0, y.end, above * y.scale.factor))
        };
        let mut taken = self.draw_curves(canvas, &mut plot, &at, marks)?;
        let mut whiskers = self.draw_front(&mut plot, front, &at)?;
        for point in &self.points {
            let ink = self.ink(point, &self.settings.inks);
            for [from, to] in
                [ends_of(&point.x).map(|end| (end, point.y.value)), ends_of(&point.y).map(|end| (point.x.value, end))]
            {
                let line = [at(from), at(to)];
                let [from, to] = line.map(|end| plot.backend_coord(&end));
                whiskers.push(Room::between(from, to, 2));
                plot.draw_series([PathElement::new(line.to_vec(), ink.stroke_width(1))]).map_err(drawing_error)?;
            }
        }
        for (place, point) in self.points.iter().enumerate() {
            let pixel = plot.backend_coord(&at((point.x.value, point.y.value)));
            let precision = self.precision(point).unwrap_or(Precision::F32);
            draw_shape(canvas, precision, pixel, self.ink(point, &self.settings.inks))?;
            marks.point(pixel, self.text(point, front.contains(&place)));
        }
        let (right, down) = plot.plotting_area().get_pixel_range();
        let whole = Room { across: right.start..WIDTH as i32 - 4, down };
        taken.retain(|room| room.across.start < room.across.end);
        self.draw_labels(canvas, &plot, &at, &whole, &taken, &whiskers)
    }

    fn draw_curves(
        &self,
        canvas: &Canvas,
        plot: &mut Plot,
        at: &dyn Fn((f64, f64)) -> (f64, f64),
        marks: &mut Marks,
    ) -> anyhow::Result<Vec<Room>> {
        let mut taken = Vec::new();
        for curve in &self.curves {
            let line: Vec<(f64, f64)> = curve.line.iter().map(|point| at(*point)).collect();
            let Some(first) = line.first().map(|first| plot.backend_coord(first)) else { continue };
            taken.extend(line.iter().map(|point| Room::around(plot.backend_coord(point), 3)));
            plot.draw_series([PathElement::new(line, PALE_INK.stroke_width(2))]).map_err(drawing_error)?;
            let style = text_style(TEXT_SIZE, INK, HPos::Left, VPos::Center);
            draw_text(canvas, &curve.label, (first.0 + 14, first.1 + 4), style)?;
            let corners = [(first.0, first.1 - LINE / 2), (first.0 + 14 + text_width(&curve.label), first.1 + LINE)];
            taken.push(Room { across: corners[0].0..corners[1].0, down: corners[0].1..corners[1].1 });
            marks.area(corners, curve.text.clone());
        }
        Ok(taken)
    }

    /// The border of what the cases on the front beat. Gives the room that it takes.
    fn draw_front(
        &self,
        plot: &mut Plot,
        front: &[usize],
        at: &dyn Fn((f64, f64)) -> (f64, f64),
    ) -> anyhow::Result<Vec<Room>> {
        let points = front.iter().filter_map(|&place| self.points.get(place));
        let values: Vec<(f64, f64)> = points.map(|point| (point.x.value, point.y.value)).collect();
        let corners = values.windows(2).map(|pair| corner(pair[0], pair[1], [self.x.direction, self.y.direction]));
        let mut line: Vec<(f64, f64)> = values.iter().copied().take(1).collect();
        for (corner, next) in corners.zip(values.iter().skip(1)) {
            line.extend([corner, *next]);
        }
        let line: Vec<(f64, f64)> = line.into_iter().map(at).collect();
        let pixels: Vec<(i32, i32)> = line.iter().map(|point| plot.backend_coord(point)).collect();
        if line.len() > 1 {
            plot.draw_series([PathElement::new(line, PALE_INK.mix(0.5).stroke_width(2))]).map_err(drawing_error)?;
        }
        Ok(pixels.windows(2).map(|pair| Room::between(pair[0], pair[1], 2)).collect())
    }

    fn draw_labels(
        &self,
        canvas: &Canvas,
        plot: &Plot,
        at: &dyn Fn((f64, f64)) -> (f64, f64),
        whole: &Room,
        taken: &[Room],
        whiskers: &[Room],
    ) -> anyhow::Result<()> {
        let labels: Vec<String> = self.points.iter().map(|point| self.label(point)).collect();
        let sized = self.points.iter().zip(&labels).map(|(point, label)| {
            let pixel = plot.backend_coord(&at((point.x.value, point.y.value)));
            Labelled { at: pixel, size: (text_width(label) * LABEL_SIZE / TEXT_SIZE + 4, LABEL_SIZE) }
        });
        let sized: Vec<_> = sized.collect();
        let places = place_labels(&sized, whole, taken, whiskers, REACH);
        for ((place, label), point) in places.into_iter().zip(&labels).zip(sized) {
            let ((x, y), (width, height)) = (point.at, point.size);
            let Some((left, top)) = place else { continue };
            // A label that found no room beside its point is joined to it.
            let end = (x.clamp(left, left + width), y.clamp(top, top + height));
            if (end.0 - x).abs().max((end.1 - y).abs()) > NEAR + REACH {
                canvas.draw(&PathElement::new([(x, y), end], PALE_INK.stroke_width(1))).map_err(drawing_error)?;
            }
            draw_text(canvas, label, (left + 2, top), text_style(LABEL_SIZE, INK, HPos::Left, VPos::Top))?;
        }
        Ok(())
    }

    fn ink(&self, point: &Point, inks: &Inks) -> plotters::style::RGBColor {
        self.settings.cases.get(point.case).map_or(INK, |case| inks.of(case.backend))
    }

    fn label(&self, point: &Point) -> String {
        self.settings.cases.get(point.case).map(|case| short(&case.label)).unwrap_or_default()
    }

    fn text(&self, point: &Point, is_best: bool) -> String {
        let [x, y] = [(&self.x, &point.x), (&self.y, &point.y)]
            .map(|(dimension, estimate)| format!("{} {}", dimension.label, certain(estimate, dimension.unit)));
        let best = if is_best { "; no other is better in both" } else { "" };
        let note = if point.note.is_empty() { String::new() } else { format!("; {}", point.note) };
        format!("{}: {x}; {y}{note}{best}", self.label(point))
    }

    fn description(&self, front: &[usize]) -> String {
        let numbers = |point: &Point| {
            let (x, y) = (amount(point.x.value, self.x.unit), amount(point.y.value, self.y.unit));
            let note = if point.note.is_empty() { String::new() } else { format!(", {}", point.note) };
            format!("{} {x} and {y}{note}", self.label(point))
        };
        let mut parts = vec![format!("{} and {}", self.x.label, self.y.label)];
        let best: Vec<String> =
            front.iter().filter_map(|&place| self.points.get(place)).map(|point| self.label(point)).collect();
        if !best.is_empty() {
            parts.push(format!("No other case is better in both than {}", listed(&best)));
        }
        parts.extend(self.words_of_missing().map(|missing| missing.trim_end_matches('.').to_owned()));
        parts.extend(self.points.iter().map(numbers));
        sentences(&parts)
    }
}

/// One axis.
struct Side {
    scale: Scale,
    /// Its end, in the scale's unit; it begins at 0.
    end: f64,
}

impl Side {
    fn of(dimension: &Dimension, estimates: impl Iterator<Item = Estimate>) -> Self {
        let largest = estimates.map(|one| ends(&one).1.max(one.value)).fold(0.0, f64::max);
        let scale = scale(dimension.unit, largest);
        Self { scale, end: axis_end(largest * scale.factor) }
    }

    fn tick(&self, value: f64) -> String {
        let decimals = (-(self.end / 7.0).log10()).ceil().clamp(0.0, 6.0);
        fixed(value, decimals as usize)
    }
}

impl Dimension {
    fn words(&self, scale: &Scale) -> String {
        if scale.symbol.is_empty() { self.label.to_owned() } else { format!("{}, {}", self.label, scale.symbol) }
    }

    fn side(&self) -> &'static str {
        match self.direction {
            Direction::HigherIsBetter => " (right is better)",
            Direction::LowerIsBetter => " (left is better)",
            Direction::Informative => "",
        }
    }
}

fn ends(estimate: &Estimate) -> (f64, f64) {
    estimate.range.unwrap_or((estimate.value, estimate.value))
}

fn ends_of(estimate: &Estimate) -> [f64; 2] {
    let (low, high) = ends(estimate);
    [low.max(0.0), high.max(0.0)]
}
