//! Grouped bars: a group for each scenario, a bar for each backend.

use pocketwatt_record::{Outcome, Record, SpeedMetric, Statistic, Summary, estimate};

use crate::{
    cases::shortcoming,
    charts::{
        bars::{Group, Plot, Slot},
        canvas::draw_svg,
        chart::Chart,
        heading::draw_head,
        reading::{amount, listed, reading, sentences, short, whose},
        subject::Subject,
    },
};

const PLOT_HEIGHT: i32 = 300;
const HEAD_HEIGHT: i32 = 170;

/// What the bars show.
pub struct Bars {
    metric: SpeedMetric,
    title: &'static str,
    remark: &'static str,
}

impl Bars {
    /// Generating.
    pub const DECODE_THROUGHPUT: Bars = Bars {
        metric: SpeedMetric::DecodeThroughput,
        title: "Decode throughput (more is better)",
        remark: "Bar: median over iterations. Whisker: its 95 % interval, without an end where it leaves the plot.",
    };
    /// Waiting.
    pub const TIME_TO_FIRST_TOKEN: Bars = Bars {
        metric: SpeedMetric::TimeToFirstToken,
        title: "Time to first token (less is better)",
        remark: "Bar: median over all turns, which have prompts of different lengths. Whisker: its 95 % interval, without an end where it leaves the plot.",
    };
    /// Memory.
    pub const PEAK_MEMORY: Bars = Bars {
        metric: SpeedMetric::PeakResidentMemory,
        title: "Peak memory (less is better)",
        remark: "Highest resident memory of the process, loading included. Whisker: 95 % interval, without an end where it leaves the plot.",
    };

    /// Draws the chart; `None` if no case has the metric.
    ///
    /// # Errors
    /// When the drawing library fails.
    pub fn draw(&self, subject: &Subject) -> anyhow::Result<Option<Chart>> {
        let groups: Vec<Group> =
            subject.scenarios.iter().map(|scenario| self.group(subject, scenario)).filter(Group::has_numbers).collect();
        if groups.is_empty() {
            return Ok(None);
        }
        let plot = Plot::of(groups, self.metric.definition().unit);
        let drawing = draw_svg(HEAD_HEIGHT + PLOT_HEIGHT, |canvas, marks| {
            let top = draw_head(canvas, subject, self.title, self.remark)?;
            let (_, area) = canvas.split_vertically(top);
            plot.draw(canvas, &area, plot.scale.symbol, &subject.inks, marks)
        })?;
        Ok(Some(Chart { title: self.title.into(), description: self.description(subject), drawing }))
    }

    /// The numbers of each scenario.
    fn description(&self, subject: &Subject) -> String {
        let unit = self.metric.definition().unit;
        let of_name = |scenario: &str, name: &String| {
            let summary = subject.record(scenario, name)?.summary(self.metric)?;
            Some(format!("{} {}", short(name), amount(summary.median, unit)))
        };
        let of_scenario = |scenario: &&str| {
            let numbers: Vec<String> = subject.names.iter().filter_map(|name| of_name(scenario, name)).collect();
            (!numbers.is_empty()).then(|| format!("{}: {}", short(scenario), listed(&numbers)))
        };
        let scenarios: Vec<String> = subject.scenarios.iter().filter_map(of_scenario).collect();
        sentences(&scenarios)
    }

    fn group(&self, subject: &Subject, scenario: &str) -> Group {
        let slots = subject.names.iter().map(|name| {
            let record = subject.record(scenario, name);
            let measured = record.filter(|record| record.outcome == Outcome::Measured);
            let summary = measured.and_then(|record| record.summary(self.metric));
            Slot {
                estimate: measured.and_then(|record| estimate(record, self.metric, Statistic::Median).ok()),
                word: record.and_then(|record| shortcoming(&record.outcome)).map(|(word, _)| word),
                text: whose(name, scenario) + &self.text(record, summary),
            }
        });
        Group { label: scenario.to_owned(), slots: slots.collect() }
    }

    /// The median with its interval, and the extremes.
    fn text(&self, record: Option<&Record>, summary: Option<&Summary>) -> String {
        let Some(record) = record else { return "not measured".into() };
        let range = summary.filter(|summary| summary.count > 1).map_or_else(String::new, |summary| {
            let [low, high] =
                [summary.minimum, summary.maximum].map(|value| amount(value, self.metric.definition().unit));
            format!("; lowest {low}, highest {high}")
        });
        reading(record, self.metric) + &range
    }
}
