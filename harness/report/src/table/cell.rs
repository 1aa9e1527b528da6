use pocketwatt_record::Absent;

use crate::table::Footnotes;

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Its content.
    pub content: CellContent,
    /// Whether it is the best of its row.
    pub best: bool,
    /// Whether it reports a problem.
    pub alarm: bool,
    /// The footnote that explains it.
    pub footnote: Option<usize>,
}

/// The content of a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CellContent {
    /// An empty cell, as below a case that was not measured.
    #[default]
    Empty,
    /// A number.
    Number {
        /// In the row's unit.
        digits: String,
        /// `±` and half the range of the observations; empty for a single observation.
        spread: String,
    },
    /// A share of right answers.
    Share {
        /// In the row's unit.
        digits: String,
        /// `[14, 34] of 66`.
        interval: String,
    },
    /// A word in place of a number: `reference`, `failed`.
    Word(String),
    /// No number.
    Absent,
    /// A number that cannot be true.
    Withheld,
}

impl Cell {
    /// A number without a spread.
    pub fn number(digits: String) -> Self {
        Self { content: CellContent::Number { digits, spread: String::new() }, ..Self::default() }
    }

    /// A word in place of a number.
    pub fn word(word: impl Into<String>) -> Self {
        Self { content: CellContent::Word(word.into()), ..Self::default() }
    }

    /// A word that says that something is wrong, and the footnote that explains it.
    pub fn alarming(word: impl Into<String>, footnote: usize) -> Self {
        Self { alarm: true, footnote: Some(footnote), ..Self::word(word) }
    }

    /// A dash, or `withheld`, with the reason in a footnote.
    pub fn absent(absent: &Absent, footnotes: &mut Footnotes) -> Self {
        let alarm = absent.is_withheld();
        let content = if alarm { CellContent::Withheld } else { CellContent::Absent };
        Self { content, alarm, footnote: Some(footnotes.number_of(absent)), ..Self::default() }
    }

    /// Whether it shows a number, which determines the alignment of a row's digits.
    pub fn is_number(&self) -> bool {
        matches!(self.content, CellContent::Number { .. } | CellContent::Share { .. })
    }

    /// The number or the word.
    pub fn value(&self) -> &str {
        match &self.content {
            CellContent::Empty => "",
            CellContent::Number { digits, .. } | CellContent::Share { digits, .. } => digits,
            CellContent::Word(word) => word,
            CellContent::Absent => "-",
            CellContent::Withheld => "withheld",
        }
    }

    /// The text after the number; may be empty.
    pub fn spread(&self) -> &str {
        match &self.content {
            CellContent::Number { spread, .. } => spread,
            CellContent::Share { interval, .. } => interval,
            _ => "",
        }
    }

    /// The same with every text changed.
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        let content = match &self.content {
            CellContent::Number { digits, spread } => {
                CellContent::Number { digits: change(digits), spread: change(spread) }
            }
            CellContent::Share { digits, interval } => {
                CellContent::Share { digits: change(digits), interval: change(interval) }
            }
            CellContent::Word(word) => CellContent::Word(change(word)),
            fixed @ (CellContent::Empty | CellContent::Absent | CellContent::Withheld) => fixed.clone(),
        };
        Self { content, ..self.clone() }
    }
}
