//! Rows of finished cells: one unit, one number of decimals, and one best for each.

use pocketwatt_record::Metric;

use super::cells::{Estimate, best, decimals, scale};

/// How a reason begins where a number exists and cannot be true.
const WITHHELD: &str = "withheld: ";
/// Decimals of a number that its row's decimals would show as zero.
const MOST_DECIMALS: i32 = 6;

/// One line of a sheet.
pub struct Row {
    /// What it is; two leading spaces for a part of the row above.
    pub label: String,
    /// Symbol of its unit; empty where there is none.
    pub unit: &'static str,
    /// One for each column.
    pub cells: Vec<Cell>,
    /// Whether it says what the rows below it are about, and has no cells of its own.
    pub heading: bool,
}

/// One number, or why there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// The number or a word.
    pub value: String,
    /// `±` and half the range that the number stands for; empty for a single observation.
    pub spread: String,
    /// Whether it is the best of its row.
    pub best: bool,
    /// Whether it says that something is wrong.
    pub alarm: bool,
    /// The footnote that explains it.
    pub footnote: Option<usize>,
}

/// What a row shows, before its numbers.
pub struct Subject<'a> {
    /// Where it is not the catalogue's.
    pub label: Option<&'a str>,
    /// The metric.
    pub metric: &'a Metric,
    /// Whether the best of its numbers is marked.
    pub ranked: bool,
    /// Chooses the unit as if a number as large as this stood in the row: rows that belong together share one.
    pub at_least: f64,
}

/// A column's number, or the reason why there is none; nothing for a case that was not measured.
pub type Found = Option<Result<Estimate, String>>;

impl Row {
    /// Lays out the numbers of a row.
    pub fn of(subject: &Subject, found: &[Found], footnotes: &mut Footnotes) -> Self {
        let estimates: Vec<Option<Estimate>> =
            found.iter().map(|found| found.as_ref()?.as_ref().ok().copied()).collect();
        let scale = scale(subject.metric.unit, largest(found).max(subject.at_least));
        let decimals = decimals(estimates.iter().flatten().map(|estimate| estimate.value.abs() * scale.factor));
        let best = if subject.ranked { best(&estimates, subject.metric.direction) } else { None };
        let cells = found.iter().enumerate().map(|(index, found)| match found {
            Some(Ok(estimate)) => Cell {
                value: number(estimate.value * scale.factor, decimals),
                spread: spread(*estimate, scale.factor, decimals),
                best: best == Some(index),
                ..Cell::default()
            },
            Some(Err(reason)) => Cell::absent(reason, footnotes),
            None => Cell::default(),
        });
        Self {
            label: subject.label.unwrap_or(subject.metric.label).to_owned(),
            cells: cells.collect(),
            unit: if estimates.iter().flatten().next().is_some() { scale.symbol } else { "" },
            heading: false,
        }
    }

    /// What the rows below are about.
    pub fn heading(label: String, columns: usize) -> Self {
        Self { label, unit: "", cells: vec![Cell::default(); columns], heading: true }
    }
}

/// The largest number of a row, without its sign.
pub fn largest(found: &[Found]) -> f64 {
    let numbers = found.iter().filter_map(|found| found.as_ref()?.as_ref().ok());
    numbers.map(|estimate| estimate.value.abs()).fold(0.0, f64::max)
}

impl Cell {
    /// A dash, or `withheld`, with the reason in a footnote.
    pub fn absent(reason: &str, footnotes: &mut Footnotes) -> Self {
        let (word, reason) = match reason.strip_prefix(WITHHELD) {
            Some(reason) => ("withheld", reason),
            None => ("-", reason),
        };
        Self {
            value: word.into(),
            alarm: word == "withheld",
            footnote: Some(footnotes.number(reason.to_owned())),
            ..Self::default()
        }
    }

    /// Whether it shows a number: what a row's digits are aligned by.
    pub fn is_number(&self) -> bool {
        self.value.trim_start_matches('-').starts_with(|character: char| character.is_ascii_digit())
    }
}

/// What is not zero is not shown as zero.
fn number(value: f64, decimals: usize) -> String {
    let vanishes = value != 0.0 && value.abs() * 10f64.powi(decimals as i32) < 0.5;
    let wanted = if vanishes { (1 - value.abs().log10().floor() as i32).min(MOST_DECIMALS) } else { 0 };
    format!("{value:.*}", decimals.max(wanted as usize))
}

fn spread(estimate: Estimate, factor: f64, decimals: usize) -> String {
    let Some((low, high)) = estimate.range.filter(|(low, high)| high > low) else { return String::new() };
    let half = (high - low) / 2.0 * factor;
    // One decimal more where the row's own would say that there is no spread at all.
    let vanishes = half * 10f64.powi(decimals as i32) < 0.5;
    format!("±{half:.*}", if vanishes { decimals + 1 } else { decimals })
}

/// Numbered reasons, each once.
#[derive(Default)]
pub struct Footnotes {
    /// From 1.
    pub texts: Vec<String>,
}

impl Footnotes {
    /// The number of a text.
    pub fn number(&mut self, text: String) -> usize {
        match self.texts.iter().position(|known| *known == text) {
            Some(index) => index + 1,
            None => {
                self.texts.push(text);
                self.texts.len()
            }
        }
    }
}
