//! Rows of finished cells: one unit, one number of decimals, and one best value for each.

use pocketwatt_record::{Absent, Estimate, Metric};

use crate::{
    output::quantity::{Rounding, fixed, not_as_zero},
    table::{Cell, CellContent, Footnotes, decimals, scale},
};

/// One line of a table.
pub struct Row {
    /// Its label; two leading spaces for a part of the row above.
    pub label: String,
    /// Symbol of its unit; empty if it has none.
    pub unit: &'static str,
    /// One for each column.
    pub cells: Vec<Cell>,
    /// Whether it is a heading for the rows below it, without cells of its own.
    pub heading: bool,
}

/// What a row shows, before its numbers.
pub struct Subject<'a> {
    /// The label, if it is not the catalogue's.
    pub label: Option<&'a str>,
    /// The metric.
    pub metric: &'a Metric,
    /// The column whose number is marked as the best, by a verdict.
    pub best: Option<usize>,
    /// Chooses the unit as if the row had a number as large as this, so that related rows share a unit.
    pub at_least: f64,
}

/// A column's number, or the reason why there is none; `None` for a case that was not measured.
pub type Found = Option<Result<Estimate, Absent>>;

impl Row {
    /// Lays out the numbers of a row.
    pub fn of(subject: &Subject, found: &[Found], footnotes: &mut Footnotes) -> Self {
        let estimates: Vec<Option<Estimate>> =
            found.iter().map(|found| found.as_ref()?.as_ref().ok().copied()).collect();
        let scale = scale(subject.metric.unit, largest(found).max(subject.at_least));
        let decimals = decimals(estimates.iter().flatten().map(|estimate| estimate.value.abs() * scale.factor))
            .min(certain(estimates.iter().flatten(), scale.factor));
        let cells = found.iter().enumerate().map(|(index, found)| match found {
            Some(Ok(estimate)) => {
                let content = content(*estimate, scale.factor, decimals);
                Cell { content, best: subject.best == Some(index), ..Cell::default() }
            }
            Some(Err(absent)) => Cell::absent(absent, footnotes),
            None => Cell::default(),
        });
        Self {
            label: subject.label.unwrap_or(subject.metric.label).to_owned(),
            cells: cells.collect(),
            unit: if estimates.iter().flatten().next().is_some() { scale.symbol } else { "" },
            heading: false,
        }
    }

    /// A heading for the rows below.
    pub fn heading(label: String, columns: usize) -> Self {
        Self { label, unit: "", cells: vec![Cell::default(); columns], heading: true }
    }
}

/// The largest number of a row, without its sign.
pub fn largest(found: &[Found]) -> f64 {
    let numbers = found.iter().filter_map(|found| found.as_ref()?.as_ref().ok());
    numbers.map(|estimate| estimate.value.abs()).fold(0.0, f64::max)
}

/// Decimals beyond which every number of a row is noise: two digits of the smallest `±` are enough.
fn certain<'a>(estimates: impl Iterator<Item = &'a Estimate>, factor: f64) -> usize {
    let halves = estimates.filter_map(half).map(|half| half * factor);
    let smallest = halves.fold(f64::INFINITY, f64::min);
    if smallest.is_finite() { Rounding::COLUMN.decimals_of(smallest) } else { usize::MAX }
}

/// Half the range of a number; `None` for a share or a number without range, or if its ends are equal.
fn half(estimate: &Estimate) -> Option<f64> {
    estimate
        .range
        .filter(|_| estimate.questions.is_none())
        .map(|(low, high)| (high - low) / 2.0)
        .filter(|&half| half > 0.0)
}

fn content(estimate: Estimate, factor: f64, decimals: usize) -> CellContent {
    let digits = not_as_zero(estimate.value * factor, decimals, 2);
    match (estimate.range, estimate.questions) {
        (Some((low, high)), Some(questions)) => {
            let interval = format!("[{}, {}] of {questions}", fixed(low * factor, 0), fixed(high * factor, 0));
            CellContent::Share { digits, interval }
        }
        _ => CellContent::Number { digits, spread: spread(&estimate, factor, decimals) },
    }
}

fn spread(estimate: &Estimate, factor: f64, decimals: usize) -> String {
    let Some(half) = half(estimate).map(|half| half * factor) else { return String::new() };
    // More decimals if the row's own would show no spread at all.
    format!("±{}", not_as_zero(half, decimals, 1))
}

#[cfg(test)]
mod tests {
    use pocketwatt_record::EnergyMetric;

    use super::*;

    fn shown(value: f64, uncertainty: f64) -> String {
        let metric = EnergyMetric::EnergyPerRequest.definition();
        let subject = Subject { label: None, metric, best: None, at_least: 1.0 };
        let range = Some((value - uncertainty, value + uncertainty));
        let row = Row::of(&subject, &[Some(Ok(Estimate::between(value, range)))], &mut Footnotes::default());
        let CellContent::Number { digits, spread } = &row.cells[0].content else { panic!("{:?}", row.cells) };
        format!("{digits} {} {spread}", row.unit)
    }

    #[test]
    fn a_number_has_the_digits_that_its_uncertainty_leaves() {
        assert_eq!(shown(4.07, 0.0004), "4.07 J ±0.0004");
        assert_eq!(shown(31.8, 0.38), "31.8 J ±0.4");
        assert_eq!(shown(-0.918, 1.769), "-0.9 J ±1.8");
        assert_eq!(shown(-0.023, 0.424), "-0.02 J ±0.42");
        assert_eq!(shown(0.003, 12.0), "0.0030 J ±12");
    }
}
