//! A table of finished cells: what a terminal and Markdown have in common.

use crate::{
    output::inert,
    table::{Cell, CellContent, Row},
};

/// Finished cells, ready to be laid out.
pub struct Table {
    /// Scenario, model, precision, threads.
    pub title: String,
    /// Names of the columns; a line feed where a name should be broken.
    pub columns: Vec<String>,
    /// Metrics, and the agreement of the tokens.
    pub rows: Vec<Row>,
    /// Reasons that cells refer to, numbered from 1.
    pub footnotes: Vec<String>,
    /// By how much the best columns lead.
    pub verdicts: Vec<String>,
    /// By how much other settings are better or worse than the first.
    pub gains: Vec<String>,
    /// What disturbed the measurement.
    pub notes: Vec<String>,
    /// The energy in units of a battery, if one is known.
    pub battery: Vec<String>,
    /// Whether there are energy figures.
    pub has_energy: bool,
}

impl Table {
    /// The same, made safe to show: the one place for all tables, whatever the source of their texts.
    pub fn inert(&self) -> Self {
        let lines = |texts: &[String]| texts.iter().map(|text| inert::line(text)).collect();
        let row = |row: &Row| Row {
            label: inert::line(&row.label),
            unit: row.unit,
            cells: row.cells.iter().map(|cell| cell.map(inert::line)).collect(),
            heading: row.heading,
        };
        let name = |name: &String| name.split('\n').map(inert::line).collect::<Vec<_>>().join("\n");
        Self {
            title: inert::line(&self.title),
            columns: self.columns.iter().map(name).collect(),
            rows: self.rows.iter().map(row).collect(),
            footnotes: lines(&self.footnotes),
            verdicts: lines(&self.verdicts),
            gains: lines(&self.gains),
            notes: lines(&self.notes),
            battery: lines(&self.battery),
            has_energy: self.has_energy,
        }
    }

    /// Whether there are shares, which have an interval of their own.
    pub fn has_shares(&self) -> bool {
        let is_share = |cell: &Cell| matches!(cell.content, CellContent::Share { .. });
        self.rows.iter().flat_map(|row| &row.cells).any(is_share)
    }
}
