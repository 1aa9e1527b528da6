//! A comparison in the format that was asked for.

use clap::ValueEnum;
use pocketwatt_record::Run;

use crate::{
    cases::Results,
    comparison::{
        case_table::case_table,
        data::{CalibrationUse, StoredComparison},
        json,
        words::tally_words,
    },
    formats::{self, Format, markdown, terminal},
    output::{
        Output, Paint, Style, date,
        inert::{self, one_line},
    },
};

/// How a comparison is written to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ComparisonFormat {
    /// For a terminal.
    #[default]
    Table,
    /// GitHub-flavoured Markdown with the same content as the table.
    Markdown,
    /// One document.
    Json,
}

impl StoredComparison {
    /// The whole comparison.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn text(&self, format: ComparisonFormat, style: &Style) -> anyhow::Result<String> {
        match format {
            ComparisonFormat::Table => {
                let tables: String =
                    self.pairs.iter().map(|pair| terminal::table_of(&case_table(pair), style)).collect();
                Ok(tables + &terminal::facts_of(&self.facts(), style))
            }
            ComparisonFormat::Markdown => {
                let tables: String = self.pairs.iter().map(|pair| markdown::table_of(&case_table(pair))).collect();
                Ok(tables + &markdown::facts_of(&self.facts()))
            }
            ComparisonFormat::Json => Ok(inert::json(&serde_json::to_string_pretty(&json::document(self))?) + "\n"),
        }
    }

    /// Writes the results of the candidate's run, and below them the comparison; in JSON it is a part of the one document. CSV has no
    /// place for it.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write_below(
        &self,
        run: &Run,
        results: &dyn Results,
        format: Format,
        style: &Style,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        let baseline = one_line(&self.baseline);
        let (heading, own) = match format {
            Format::Json => return formats::json::render(run, results, Some(&json::document(self)), output),
            Format::Csv => return formats::write(run, results, format, style, output),
            Format::Markdown => {
                (format!("\n## Against {}\n\n", markdown::escape(&baseline)), ComparisonFormat::Markdown)
            }
            Format::Table => {
                let paint = Paint { color: style.color };
                (format!("\n{}\n\n", paint.bold(&format!("against {baseline}"))), ComparisonFormat::Table)
            }
        };
        formats::write(run, results, format, style, output)?;
        output(&(heading + &self.text(own, style)?))
    }

    /// What all tables have in common; the summary comes last.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("A", one_line(&self.baseline)), ("B", one_line(&self.candidate))];
        match &self.calibration {
            CalibrationUse::NotNeeded => {}
            CalibrationUse::Missing { reason } => facts.push(("noise", one_line(reason))),
            CalibrationUse::Used { file, created_unix_ms } => {
                let made = date::minute(*created_unix_ms);
                facts.push(("noise", format!("between runs as calibrated {made}: {}", one_line(file))));
            }
        }
        let names = |names: &[String]| names.iter().map(|name| one_line(name)).collect::<Vec<_>>().join(", ");
        for (name, list) in
            [("only in A", &self.only_in_baseline), ("only in B", &self.only_in_candidate), ("damaged", &self.damaged)]
        {
            if !list.is_empty() {
                facts.push((name, names(list)));
            }
        }
        facts.push(("summary", tally_words(&self.tally())));
        facts
    }
}
