//! A study's answer: the numbers of each series beside each other, the lines through them, and a chart.

pub mod chart;
mod comparison;
mod course;
mod series;
mod slopes;
#[cfg(test)]
mod tests;

use pocketwatt_record::{Record, Run};
use pocketwatt_scenario::{Axis, Study};

use super::sheet::Sheet;
use series::series;

/// The study that a run belongs to. One that cannot be read any more is none: its cases are then shown as any others.
pub fn of(run: &Run) -> Option<Study> {
    Study::stored(run.study.as_ref()?).ok()
}

/// A sheet for each series, its columns along the axis, and one of the lines through their numbers.
pub fn sheets(study: &Study, records: &[Record]) -> Vec<Sheet> {
    let series = series(study, records);
    let mut sheets: Vec<Sheet> = series.iter().map(|series| comparison::sheet(study, series)).collect();
    sheets.extend(slopes::sheet(study, &series));
    sheets
}

/// Name and text of each fact about a study.
pub fn facts(study: &Study) -> Vec<(&'static str, String)> {
    let mut facts = vec![("study", format!("{}: {}", study.name(), study.question()))];
    facts.extend(study.remarks().iter().map(|remark| ("remark", remark.clone())));
    facts
}

/// What the numbers of an axis count; nothing for one without numbers.
fn axis_words(axis: Axis) -> Option<&'static str> {
    match axis {
        Axis::Parameters => Some("weights, 10⁹"),
        Axis::Prompt => Some("tokens of the prompt"),
        Axis::Model | Axis::Precision | Axis::Threads => None,
    }
}
