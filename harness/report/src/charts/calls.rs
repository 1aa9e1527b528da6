//! Right calls: how often each backend calls the right function, with the right arguments.

use pocketwatt_record::{CallMetric, Estimate, MetricId, Outcome, Record, Statistic, Unit, estimate};

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

const TITLE: &str = "Right calls (more is better)";
const REMARK: &str =
    "Bar: share of right answers among the questions. Whisker: Wilson's 95 % interval, wide where questions are few.";
const HEAD_HEIGHT: i32 = 170;
const PLOT_HEIGHT: i32 = 300;
const METRICS: [(CallMetric, &str); 3] = [
    (CallMetric::CallIntent, "right function"),
    (CallMetric::CallStructure, "right call"),
    (CallMetric::CallBfcl, "right by BFCL's rule"),
];

/// Draws the chart; `None` if no answers were judged.
///
/// # Errors
/// When the drawing library fails.
pub fn draw(subject: &Subject) -> anyhow::Result<Option<Chart>> {
    let (mut groups, mut said) = (Vec::new(), Vec::new());
    for scenario in &subject.scenarios {
        for (metric, label) in METRICS {
            let group = group(subject, scenario, metric, label);
            if group.has_numbers() {
                said.push(description(subject, &group));
                groups.push(group);
            }
        }
    }
    if groups.is_empty() {
        return Ok(None);
    }
    let plot = Plot::of(groups, Unit::Fraction);
    let drawing = draw_svg(HEAD_HEIGHT + PLOT_HEIGHT, |canvas, marks| {
        let top = draw_head(canvas, subject, TITLE, REMARK)?;
        let (_, area) = canvas.split_vertically(top);
        plot.draw(canvas, &area, plot.scale.symbol, &subject.inks, marks)
    })?;
    Ok(Some(Chart { title: TITLE.into(), description: sentences(&said), drawing }))
}

fn group(subject: &Subject, scenario: &str, metric: CallMetric, label: &str) -> Group {
    let slot = |name: &String| {
        let record = subject.record(scenario, name);
        let text = record.map_or_else(|| "not measured".into(), |record| reading(record, metric));
        Slot {
            estimate: record.and_then(|record| share(record, metric)),
            word: record.and_then(|record| shortcoming(&record.outcome)).map(|(word, _)| word),
            text: format!("{}{label} {text}", whose(name, scenario)),
        }
    };
    Group { label: format!("{}: {label}", short(scenario)), slots: subject.names.iter().map(slot).collect() }
}

fn share(record: &Record, metric: impl Into<MetricId>) -> Option<Estimate> {
    estimate(record, metric, Statistic::Median).ok().filter(|_| record.outcome == Outcome::Measured)
}

fn description(subject: &Subject, group: &Group) -> String {
    let numbers =
        group.slots.iter().zip(&subject.names).filter_map(|(slot, name)| {
            Some(format!("{} {}", short(name), amount(slot.estimate?.value, Unit::Fraction)))
        });
    format!("{} {}", group.label, listed(&numbers.collect::<Vec<_>>()))
}
