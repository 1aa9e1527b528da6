//! One case: its power over shaded phases, and strips of frequency and temperature below.

use std::ops::Range;

use plotters::{
    prelude::{PathElement, Polygon, Rectangle},
    style::{
        Color, RGBColor,
        text_anchor::{HPos, VPos},
    },
};
use pocketwatt_meter::energy::Scope;
use pocketwatt_protocol::MonotonicNs;
use pocketwatt_record::{
    Absent, Course, EnergyFigure, EnergyMetric, Estimate, MetricScope, MetricValue, PowerCurve, Record, Unit,
    power_curves,
};

use crate::{
    charts::{
        axes::{AXIS_HEIGHT, Axes, Below, LABELS},
        canvas::{Canvas, MARGIN, TEXT_SIZE, WIDTH, draw_text, drawing_error, text_style, text_width, wrap},
        marks::Marks,
        palette::{INK, PALE_INK, PAPER},
        power::{
            Drawn, STEPS, TimeAxis, along_time,
            line::Step,
            phases::{Mean, Shade, Window, means, phase_name, stripes, windows},
            strip::{self, Strip},
        },
        reading::{amount, certain, listed, whose},
        scale::{axis_end, tick, within},
        subject::Subject,
    },
    output::{inert::one_line, quantity::Quantity},
    table::{Scale, scale},
};

const TITLE_HEIGHT: i32 = 28;
const NOTE_HEIGHT: i32 = 18;
const PLOT_HEIGHT: i32 = 220;
const NUMBER_HEIGHT: i32 = 16;

/// The drawing of one case. Times are in seconds since its start.
pub struct Panel<'a> {
    title: String,
    whose: String,
    ink: RGBColor,
    origin: MonotonicNs,
    seconds: f64,
    /// The preferred meter.
    main: Drawn,
    /// One other part of the device.
    other: Option<Drawn>,
    windows: Vec<Window>,
    means: Vec<Mean>,
    figure: Option<&'a EnergyFigure>,
    notes: Vec<String>,
    strips: Vec<Strip>,
}

impl<'a> Panel<'a> {
    /// The panel of one record, in the colour of its column; `None` if no meter has anything to draw.
    pub fn of(subject: &Subject<'a>, index: usize, record: &'a Record) -> Option<Self> {
        let windows = windows(record);
        let (origin, end) = extent(record, &windows)?;
        let seconds = (end.since(origin) as f64 * 1e-9).max(1e-3);
        let shortest = seconds / STEPS as f64;
        let mut curves = power_curves(&record.readings.energy, origin).into_iter();
        let main = Drawn::of(curves.next()?, shortest);
        let other = other(&main.curve, curves.collect()).map(|curve| Drawn::of(curve, shortest));
        if main.line.is_empty() && other.as_ref().is_none_or(|other| other.line.is_empty()) {
            return None;
        }
        let figure = record.energy.first();
        let means = figure.filter(|figure| !withheld(record, figure)).map(means).unwrap_or_default();
        let name = subject.names.get(index).map(|name| one_line(name)).unwrap_or_default();
        let mut panel = Self {
            title: format!("{}, {name}", one_line(&record.case.scenario)),
            whose: whose(&name, &record.case.scenario),
            ink: subject.inks.of(index),
            origin,
            seconds,
            main,
            other,
            windows,
            means,
            figure,
            notes: Vec::new(),
            strips: strip::strips(&record.readings, origin, shortest),
        };
        let withheld = figure.is_some_and(|figure| withheld(record, figure));
        panel.notes = wrap(&panel.note(withheld));
        Some(panel)
    }

    /// Its height in pixels.
    pub fn height(&self) -> i32 {
        self.head_height() + PLOT_HEIGHT + strip::HEIGHT * self.strips.len() as i32 + AXIS_HEIGHT
    }

    fn head_height(&self) -> i32 {
        TITLE_HEIGHT + NOTE_HEIGHT * self.notes.len() as i32 + 6
    }

    /// A description of the preferred meter.
    pub fn meter(&self) -> Option<String> {
        let curve = &self.main.curve;
        let figure = self.figure.and_then(|figure| figure.update_period_ns).map(|ns| ns as f64 * 1e-9);
        let period = figure.or(curve.period_s).map_or_else(
            || "update period unknown".to_owned(),
            |seconds| {
                let (value, unit) = if seconds < 1.0 { (seconds * 1e3, "ms") } else { (seconds, "s") };
                format!("updated every {}", Quantity::new(value, unit).in_chart().replace(' ', "\u{a0}"))
            },
        );
        let meters = curve.meters.iter().map(|meter| one_line(meter)).collect::<Vec<_>>().join(" + ");
        Some(format!("{meters} ({}), {period}", self.main.name()))
    }

    /// Whether there are mean powers between updates.
    pub fn has_steps(&self) -> bool {
        matches!(self.main.curve.course, Course::Counted(_))
    }

    /// Whether there are readings of a gauge.
    pub fn has_gauge(&self) -> bool {
        matches!(self.main.curve.course, Course::Shown(_))
    }

    fn scale(&self) -> Scale {
        scale(Unit::Watts, self.highest())
    }

    fn highest(&self) -> f64 {
        self.main.highest().max(self.other.as_ref().map_or(0.0, Drawn::highest))
    }

    /// Columns of pixels between the first moment and the last.
    fn columns(&self) -> i32 {
        WIDTH as i32 - 2 * MARGIN + 12 - LABELS
    }

    /// The phase's number, if it belongs to one shade that is wide enough for it.
    fn number_on_shade(&self, mean: &Mean) -> Option<(f64, String)> {
        let (watts, uncertainty) = mean.watts.ok().filter(|_| mean.windows == 1)?;
        let number = power(watts, uncertainty, self.scale());
        let own = |window: &&Window| window.shade.phase == mean.phase && !window.shade.warm_up;
        let span = self.windows.iter().find(own)?.span;
        let width = span.duration_ns() as f64 * 1e-9 / self.seconds * f64::from(self.columns());
        let middle = (span.start.since(self.origin) as f64 + span.duration_ns() as f64 / 2.0) * 1e-9;
        (width >= f64::from(text_width(&number) + 4)).then_some((middle, number))
    }

    /// Mean powers that do not fit on their shades, and those that are missing.
    fn note(&self, withheld: bool) -> String {
        let mut parts = Vec::new();
        if let Course::Unknown(unavailable) = &self.main.curve.course {
            parts.push(format!("{}: {}", self.main.name(), unavailable.reason.words()));
        }
        if withheld {
            parts.push("mean power withheld: it failed a check".to_owned());
        }
        let without_room = || self.means.iter().filter(|mean| self.number_on_shade(mean).is_none());
        let numbers: Vec<String> = without_room()
            .filter_map(|mean| {
                let (watts, uncertainty) = mean.watts.ok()?;
                let number = power(watts, uncertainty, self.scale());
                Some(format!("{} {}", phase_name(mean.phase), number.replace(' ', "\u{a0}")))
            })
            .collect();
        if !numbers.is_empty() {
            parts.push(format!("mean of {}", numbers.join(", ")));
        }
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for mean in without_room() {
            let Err(reason) = mean.watts else { continue };
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, phases)) => phases.push(phase_name(mean.phase)),
                None => reasons.push((reason, vec![phase_name(mean.phase)])),
            }
        }
        parts.extend(reasons.into_iter().map(|(reason, phases)| format!("no mean of {}: {reason}", phases.join(", "))));
        parts.join("; ")
    }

    /// Draws it into `area`, which begins `top` pixels below the top of the canvas.
    pub fn draw(&self, canvas: &Canvas, area: &Canvas, top: i32, marks: &mut Marks) -> anyhow::Result<()> {
        let scale = self.scale();
        draw_text(area, &self.title, (MARGIN, 6), text_style(TEXT_SIZE + 2, INK, HPos::Left, VPos::Top))?;
        let mut lines = format!("{} power, {}", self.main.name(), scale.symbol);
        if let Some(other) = &self.other {
            lines.push_str(&format!("; thin line: {}", other.name()));
        }
        draw_text(area, &lines, (WIDTH as i32 - MARGIN, 7), text_style(TEXT_SIZE, PALE_INK, HPos::Right, VPos::Top))?;
        for (index, note) in self.notes.iter().enumerate() {
            let y = TITLE_HEIGHT + NOTE_HEIGHT * index as i32;
            draw_text(area, note, (MARGIN, y), text_style(TEXT_SIZE, PALE_INK, HPos::Left, VPos::Top))?;
        }
        let axis = TimeAxis::of(self.seconds);
        let last = self.strips.is_empty();
        let height = PLOT_HEIGHT + if last { AXIS_HEIGHT } else { 0 };
        let plot = area.clone().shrink((0, self.head_height()), (WIDTH as i32, height));
        self.draw_power(canvas, &plot, &axis, last, marks)?;
        let mut y = self.head_height() + PLOT_HEIGHT;
        for (index, strip) in self.strips.iter().enumerate() {
            let last = index + 1 == self.strips.len();
            let height = strip::HEIGHT + if last { AXIS_HEIGHT } else { 0 };
            let area = canvas.clone().shrink((0, top + y), (WIDTH as i32, height));
            strip.draw(&area, &axis, last, &self.whose, marks)?;
            y += strip::HEIGHT;
        }
        Ok(())
    }

    fn draw_power(
        &self,
        canvas: &Canvas,
        area: &Canvas,
        axis: &TimeAxis,
        last: bool,
        marks: &mut Marks,
    ) -> anyhow::Result<()> {
        let factor = self.scale().factor;
        let end = axis_end(self.highest() * factor);
        let label = |value: f64| axis.label(value);
        let below = axis.title();
        let axes = Axes {
            across: 0.0..axis.end,
            up: 0.0..end,
            head: 0,
            lines: 6,
            size: TEXT_SIZE,
            number: &|value| tick(value, end),
            below: last.then_some(Below { number: &label, words: &below }),
        };
        let mut chart = axes.place(area)?;
        let (across, down) = chart.plotting_area().get_pixel_range();
        self.shade(canvas, &across, &down)?;
        axes.draw_lines(&mut chart)?;
        let at = |(seconds, watts): (f64, f64)| (axis.place(seconds), within(0.0, end, watts * factor));
        if let Some(other) = &self.other {
            let line: Vec<(f64, f64)> = other.line.iter().copied().map(at).collect();
            chart.draw_series([PathElement::new(line, PALE_INK.stroke_width(1))]).map_err(drawing_error)?;
        }
        for stretch in
            self.main.steps.chunk_by(|left, right| varies(left) == varies(right)).filter(|steps| varies(&steps[0]))
        {
            let upper = stretch.iter().flat_map(|step| [(step.from, step.highest), (step.to, step.highest)]);
            let lower = stretch.iter().rev().flat_map(|step| [(step.to, step.lowest), (step.from, step.lowest)]);
            let band: Vec<(f64, f64)> = upper.chain(lower).map(at).collect();
            chart.draw_series([Polygon::new(band, self.ink.mix(0.25).filled())]).map_err(drawing_error)?;
        }
        let line: Vec<(f64, f64)> = self.main.line.iter().copied().map(at).collect();
        let pixels: Vec<(i32, i32)> = line.iter().map(|at| chart.backend_coord(at)).collect();
        marks.along(&pixels, 1, |piece| format!("{}{}", self.whose, self.words(piece, *axis)));
        if !line.is_empty() {
            chart.draw_series([PathElement::new(line, self.ink.stroke_width(2))]).map_err(drawing_error)?;
        }
        let width = f64::from(across.end - across.start);
        let column = |seconds: f64| across.start.saturating_add((seconds / self.seconds * width) as i32);
        for (middle, number) in self.means.iter().filter_map(|mean| self.number_on_shade(mean)) {
            draw_text(
                canvas,
                &number,
                (column(middle), down.start + 3),
                text_style(TEXT_SIZE, INK, HPos::Center, VPos::Top),
            )?;
        }
        self.mark_end(canvas, &across, &down, &column)
    }

    /// A part of the line, and the phase that most of its time belongs to.
    fn words(&self, piece: Range<usize>, axis: TimeAxis) -> String {
        let points = &self.main.line[piece];
        let mut text = along_time(points, axis, |watts| amount(watts, Unit::Watts));
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return text };
        let seconds = |at: MonotonicNs| at.since(self.origin) as f64 * 1e-9;
        let mut shares: Vec<(Shade, f64)> = Vec::new();
        for Window { span, shade } in &self.windows {
            let shared = (seconds(span.end).min(last.0) - seconds(span.start).max(first.0)).max(0.0);
            match shares.iter_mut().find(|(known, _)| known == shade) {
                Some((_, share)) => *share += shared,
                None => shares.push((*shade, shared)),
            }
        }
        let most =
            shares.into_iter().filter(|(_, share)| *share > 0.0).max_by(|left, right| left.1.total_cmp(&right.1));
        if let Some((Shade { phase, warm_up }, _)) = most {
            text += &format!("; mostly {}{}", phase_name(phase), if warm_up { " of a warm-up" } else { "" });
            if let Some(mean) = self.means.iter().find(|mean| mean.phase == phase && !warm_up) {
                text += &format!(", which takes {} on average", self.mean_words(mean));
            }
        }
        text
    }

    fn mean_words(&self, mean: &Mean) -> String {
        let certain = |(watts, half)| certain(&Estimate::plus_minus(watts, half), Unit::Watts);
        mean.watts.map_or_else(|reason| format!("unknown ({reason})"), certain)
    }

    /// The mean power of each phase.
    pub fn description(&self) -> String {
        let phase = |mean: &Mean| format!("{} {}", phase_name(mean.phase), self.mean_words(mean));
        let means: Vec<String> = self.means.iter().map(phase).collect();
        let means = if means.is_empty() { "no mean power".to_owned() } else { listed(&means) };
        format!("{}{} power: {means}", self.whose, self.main.name())
    }

    fn shade(&self, canvas: &Canvas, across: &Range<i32>, down: &Range<i32>) -> anyhow::Result<()> {
        let count = usize::try_from(across.end - across.start).unwrap_or(0);
        for stripe in stripes(&self.windows, self.origin, self.seconds / count.max(1) as f64, count) {
            let corners =
                [(across.start + stripe.first as i32, down.start), (across.start + stripe.end as i32, down.end)];
            canvas.draw(&Rectangle::new(corners, stripe.shade.color().filled())).map_err(drawing_error)?;
        }
        Ok(())
    }

    /// Marks where the meter stopped giving readings, and why.
    fn mark_end(
        &self,
        canvas: &Canvas,
        across: &Range<i32>,
        down: &Range<i32>,
        column: &dyn Fn(f64) -> i32,
    ) -> anyhow::Result<()> {
        let Some(end) = &self.main.curve.end else { return Ok(()) };
        let x = column(end.at).clamp(across.start, across.end);
        let mut y = down.start + NUMBER_HEIGHT + 4;
        while y < down.end {
            let dash = [(x, y), (x, (y + 5).min(down.end))];
            canvas.draw(&PathElement::new(dash, INK.stroke_width(1))).map_err(drawing_error)?;
            y += 9;
        }
        let reason = end.unavailable.reason.words();
        let width = text_width(reason) + 8;
        // After the line, where there is nothing else; before it if that would not fit.
        let left = if x + width + 4 <= across.end { x + 4 } else { (x - 4 - width).max(across.start) };
        let middle = down.start + (down.end - down.start) * 2 / 5;
        let paper = Rectangle::new([(left, middle - 10), (left + width, middle + 10)], PAPER.mix(0.85).filled());
        canvas.draw(&paper).map_err(drawing_error)?;
        draw_text(canvas, reason, (left + width / 2, middle), text_style(TEXT_SIZE, INK, HPos::Center, VPos::Center))
    }
}

/// Whether a step is the mean of powers that can be distinguished.
fn varies(step: &Step) -> bool {
    step.highest > step.lowest
}

/// From the first moment with any data to the last.
fn extent(record: &Record, windows: &[Window]) -> Option<(MonotonicNs, MonotonicNs)> {
    let readings = record.readings.energy.iter().flat_map(|series| [series.readings.first(), series.readings.last()]);
    let readings = readings.flatten().map(|reading| reading.at);
    let ends = record.readings.energy.iter().filter_map(|series| Some(series.ended.as_ref()?.at));
    let moments = || {
        readings
            .clone()
            .chain(ends.clone())
            .chain(windows.iter().flat_map(|window| [window.span.start, window.span.end]))
    };
    record.readings.energy.first()?;
    Some((moments().min()?, moments().max()?))
}

/// Another part of the device beside the preferred one: one that the first does not contain, if there is any.
fn other(main: &PowerCurve, curves: Vec<PowerCurve>) -> Option<PowerCurve> {
    let rank = |scope: Scope| match scope {
        Scope::Dram | Scope::Device => 0,
        Scope::Platform | Scope::Accelerator | Scope::Package => 1,
        Scope::CpuRails | Scope::Rail => 2,
        Scope::Core | Scope::Uncore => 3,
    };
    let drawable = |curve: &PowerCurve| curve.scope != main.scope && !matches!(curve.course, Course::Unknown(_));
    curves.into_iter().filter(drawable).min_by_key(|curve| rank(curve.scope))
}

/// Whether the numbers of a figure failed a check: then they are not shown anywhere.
pub fn withheld(record: &Record, figure: &EnergyFigure) -> bool {
    let scope = MetricScope { scope: figure.scope, source: figure.source, part: figure.part.clone() };
    let mut values = record.values(EnergyMetric::EnergyPerRequest);
    let withheld = |value: &MetricValue| value.absent().is_some_and(Absent::is_withheld);
    values.any(|value| value.scope.as_ref() == Some(&scope) && withheld(value))
}

/// `24.3 ± 0.5 W`, from watts.
fn power(watts: f64, uncertainty: f64, scale: Scale) -> String {
    Quantity::new(watts * scale.factor, scale.symbol).with(uncertainty * scale.factor).in_chart()
}
