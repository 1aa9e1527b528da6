//! The chart of a study: a panel for each metric that it draws and each combination of what it does not vary. Bars if the
//! axis has no numbers, marks and lines if it has.

use pocketwatt_record::{Direction, Estimate, MetricId, Record, Run, Statistic};
use pocketwatt_scenario::{Axis, Shown, Study};

use crate::{
    cases::{Point, Series, common, found, series, shortcoming},
    charts::{
        bars::{Group, Plot, Slot},
        canvas::{Canvas, draw_svg},
        chart::Chart,
        heading::draw_heading,
        marks::Marks,
        palette::{Inks, Palette},
        reading::{amount, listed, reading, sentences, short, whose},
        study::course::{Course, Stop},
    },
    facts::{engine, short_device},
    output::inert::one_line,
};

const HEAD_HEIGHT: i32 = 190;
const PANEL_HEIGHT: i32 = 250;

/// The series of one metric in one panel.
struct Panel<'a> {
    metric: MetricId,
    shown: &'a Shown,
    /// What distinguishes it from other panels.
    differs: String,
    /// One for each name; absent if that backend has none here.
    series: Vec<Option<&'a Series<'a>>>,
}

/// Draws the chart; `None` if no case has any of its numbers.
///
/// # Errors
/// When the drawing library fails.
pub fn draw(run: &Run, records: &[Record], study: &Study, palette: &Palette) -> anyhow::Result<Option<Chart>> {
    let series = series(study, records);
    let names = distinct(series.iter().map(|series| series.backend.clone()));
    let inks = palette.inks(&names);
    let common = common(&series);
    let rests = distinct(series.iter().map(|series| series.rest.clone()));
    let (mut panels, mut absent) = (Vec::new(), Vec::new());
    for shown in study.shown().iter().filter(|shown| shown.chart) {
        let Some(metric) = shown.metric.id() else { continue };
        let before = panels.len();
        let of_rest = |rest: &Vec<String>| {
            let differs = rest.iter().filter(|part| !common.contains(part)).map(|part| format!(" · {part}")).collect();
            Panel { metric, shown, differs, series: named(&series, &names, rest) }
        };
        panels.extend(rests.iter().map(of_rest).filter(Panel::has_numbers));
        if panels.len() == before {
            absent.push(metric.definition().label);
        }
    }
    if panels.is_empty() {
        return Ok(None);
    }
    let engines = distinct(records.iter().filter_map(engine));
    let common: Vec<&str> = common.into_iter().map(String::as_str).collect();
    let mut lines = vec![common.join(" · "), short_device(run), engines.join(" · "), remark(study.axis()).to_owned()];
    if !absent.is_empty() {
        lines.push(format!("Not measured here: {}.", absent.join(", ")));
    }
    let drawing = draw_svg(HEAD_HEIGHT + PANEL_HEIGHT * panels.len() as i32, |canvas, marks| {
        let top = draw_heading(canvas, study.question(), &lines, &inks, &names)?;
        let (_, area) = canvas.split_vertically(top);
        let areas = area.split_evenly((panels.len(), 1));
        panels.iter().zip(areas).try_for_each(|(panel, area)| panel.draw(study, canvas, &area, &inks, &names, marks))
    })?;
    let said: Vec<String> = panels.iter().flat_map(|panel| panel.description(&names)).collect();
    Ok(Some(Chart { title: study.question().to_owned(), description: sentences(&said), drawing }))
}

fn remark(axis: Axis) -> &'static str {
    match axis {
        Axis::Parameters | Axis::Prompt => {
            "Mark: median. Whisker: lowest to highest iteration. Dashed: the straight line through the medians."
        }
        Axis::Model | Axis::Precision | Axis::Threads => "Bar: median. Whisker: lowest to highest iteration.",
    }
}

fn named<'a>(series: &'a [Series<'a>], names: &[String], rest: &[String]) -> Vec<Option<&'a Series<'a>>> {
    names.iter().map(|name| series.iter().find(|one| one.backend == *name && one.rest == rest)).collect()
}

impl Panel<'_> {
    fn has_numbers(&self) -> bool {
        self.series.iter().flatten().flat_map(|series| &series.points).any(|point| self.estimate(point).is_some())
    }

    fn estimate(&self, point: &Point) -> Option<Estimate> {
        found(point.record, self.metric, Statistic::Median)?.ok()
    }

    /// The numbers of each series: `tract: decode, 1 thread 23.90 tokens/s, 2 threads 31.00 tokens/s`.
    fn description(&self, names: &[String]) -> impl Iterator<Item = String> {
        let metric = self.metric.definition();
        self.series.iter().zip(names).filter_map(move |(series, name)| {
            let number = |point: &Point| {
                let estimate = self.estimate(point)?;
                Some(format!("{} {}", short(&point.label), amount(estimate.value, metric.unit)))
            };
            let numbers: Vec<String> = series.iter().flat_map(|series| &series.points).filter_map(number).collect();
            let differs = one_line(&self.differs);
            (!numbers.is_empty()).then(|| format!("{}: {}{differs}, {}", short(name), metric.label, listed(&numbers)))
        })
    }

    /// Whose number a point is, and the number.
    fn text(&self, name: &str, point: &Point) -> String {
        format!(
            "{}, {}: {} {}",
            short(name),
            short(&point.label),
            self.metric.definition().label,
            reading(point.record, self.metric)
        )
    }

    fn draw(
        &self,
        study: &Study,
        canvas: &Canvas,
        area: &Canvas,
        inks: &Inks,
        names: &[String],
        marks: &mut Marks,
    ) -> anyhow::Result<()> {
        let better = match self.metric.definition().direction {
            Direction::LowerIsBetter => " (less is better)",
            Direction::HigherIsBetter => " (more is better)",
            Direction::Informative => "",
        };
        let title = |unit: &str| {
            let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
            format!("{}{unit}{better}{}", self.metric.definition().label, self.differs)
        };
        match axis_words(study.axis()) {
            Some(words) => {
                let per = if study.axis() == Axis::Parameters { 1e9 } else { 1.0 };
                let points = |(series, name): (&Option<&Series>, &String)| -> Vec<_> {
                    let points = series.iter().flat_map(|series| &series.points);
                    let stop = |point: &Point| {
                        Some(Stop { x: point.x / per, y: self.estimate(point)?, text: self.text(name, point) })
                    };
                    points.filter_map(stop).collect()
                };
                let course = Course::of(
                    self.series.iter().zip(names).map(points).collect(),
                    self.metric.definition().unit,
                    self.shown.line,
                );
                course.draw(area, &title(course.scale.symbol), words, inks, marks)
            }
            None => {
                let plot = Plot::of(self.groups(names), self.metric.definition().unit);
                plot.draw(canvas, area, &title(plot.scale.symbol), inks, marks)
            }
        }
    }

    /// A group of bars for each position on the axis.
    fn groups(&self, names: &[String]) -> Vec<Group> {
        let mut places: Vec<(f64, &str)> = Vec::new();
        for point in self.series.iter().flatten().flat_map(|series| &series.points) {
            if places.iter().all(|(_, label)| *label != point.label) {
                places.push((point.x, &point.label));
            }
        }
        places.sort_by(|left, right| left.0.total_cmp(&right.0));
        let slot = |series: &Option<&Series>, name: &str, label: &str| {
            let point = series.and_then(|series| series.points.iter().find(|point| point.label == label));
            Slot {
                estimate: point.and_then(|point| self.estimate(point)),
                word: point.and_then(|point| shortcoming(&point.record.outcome)).map(|(word, _)| word),
                text: point.map_or_else(|| whose(name, label) + "not measured", |point| self.text(name, point)),
            }
        };
        let group = |label: &str| Group {
            label: label.to_owned(),
            slots: self.series.iter().zip(names).map(|(series, name)| slot(series, name, label)).collect(),
        };
        places.iter().map(|(_, label)| group(label)).collect()
    }
}

fn distinct<T: PartialEq>(texts: impl Iterator<Item = T>) -> Vec<T> {
    let mut known = Vec::new();
    for text in texts {
        if !known.contains(&text) {
            known.push(text);
        }
    }
    known
}

/// The unit of an axis; `None` for an axis without numbers.
fn axis_words(axis: Axis) -> Option<&'static str> {
    match axis {
        Axis::Parameters => Some("weights, 10⁹"),
        Axis::Prompt => Some("tokens of the prompt"),
        Axis::Model | Axis::Precision | Axis::Threads => None,
    }
}
