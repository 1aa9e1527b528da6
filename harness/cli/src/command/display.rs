//! What `run` and `show` write to standard output, and in which order.

use anyhow::Result;
use clap::Args;
use pocketwatt_record::{Record, Run};
use pocketwatt_scenario::Scenario;

use super::{calls::CallArguments, decode::Decoder, output, selection::CacheArguments};
use crate::{
    measure::scenario_of,
    refusal::Refusal,
    report::{self, Format, Stored, StoredComparison, Style},
};

/// How results are written, and what is shown besides.
#[derive(Args, Debug, Default)]
pub struct DisplayArguments {
    /// How to write the results to standard output.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Also show what the user said and what the backends answered.
    #[arg(long)]
    pub show_text: bool,
    /// Which judged calls are traced.
    #[command(flatten)]
    pub calls: CallArguments,
    /// Also show the cost of each turn of a conversation, as its context grows.
    #[arg(long)]
    pub turns: bool,
}

impl DisplayArguments {
    /// Refuses to mix what is for people into a document for programs.
    ///
    /// # Errors
    /// When that was asked for.
    pub fn check(&self) -> Result<()> {
        self.calls.check(self.format)?;
        if self.show_text && matches!(self.format, Format::Csv | Format::Json) {
            return Err(Refusal::error(
                "--show-text would make the document invalid: use it with --format table or markdown",
            ));
        }
        if self.turns && self.format == Format::Csv {
            return Err(Refusal::error("CSV has one line for each metric of a case: --format json has the turns"));
        }
        Ok(())
    }

    /// Refuses a format that has no place for a comparison with another run.
    ///
    /// # Errors
    /// When that was asked for.
    pub fn check_comparison(&self) -> Result<()> {
        match self.format {
            Format::Csv => Err(Refusal::error(
                "CSV has one line for each metric of a case: --format json has the comparison with another run, too",
            )),
            _ => Ok(()),
        }
    }

    /// Writes the results and how they compare with another run, then what each turn cost, then texts, then calls.
    ///
    /// # Errors
    /// When a record cannot be read, nothing says where models are, or standard output cannot be written.
    pub fn write(
        &self,
        run: &Run,
        results: &Stored,
        comparison: Option<&StoredComparison>,
        cache: &CacheArguments,
    ) -> Result<()> {
        let (format, style) = (self.format, Style::detect());
        let mut parts = output::Parts::open();
        match comparison {
            Some(comparison) => {
                comparison.write_below(run, results, format, &style, &mut |part| parts.write(part))?;
            }
            None => report::write(run, results, format, &style, &mut |part| parts.write(part))?,
        }
        if self.turns {
            report::write_turns(run, results, format, &style, &mut |part| parts.write(part))?;
        }
        if self.show_text || self.calls.are_asked_for() {
            let records = report::all_without_series(results);
            if self.show_text {
                parts.write(&texts(run, &records, format, cache)?)?;
            }
            parts.write(&self.calls.text(run, &records, format, cache)?)?;
        }
        parts.finish()
    }
}

/// What was said, after an empty line.
fn texts(run: &Run, records: &[Record], format: Format, cache: &CacheArguments) -> Result<String> {
    let decoder = Decoder::new(cache.library()?);
    // A run whose plan is damaged has lost its scenarios, but not its answers.
    let scenarios: Vec<Scenario> = run.scenarios.iter().filter_map(|source| Scenario::stored(source).ok()).collect();
    let text =
        report::answers::render(records, format, &|record, tokens| decoder.decode(record, tokens), &|record, turn| {
            user_text(&scenarios, record, turn)
        });
    Ok(format!("\n{text}"))
}

/// The user's text in a turn, counted through all conversations.
fn user_text(scenarios: &[Scenario], record: &Record, turn: usize) -> Option<String> {
    let talks = scenario_of(&record.case, scenarios).ok()?.talks();
    let conversations = record.samples.iterations.iter().map(|iteration| iteration.conversation).max()? as usize + 1;
    // Otherwise some were left out, and it is unknown which.
    let complete = talks.len() == conversations;
    talks.iter().flat_map(|talk| &talk.turns).nth(turn).map(|(user, _)| user.clone()).filter(|_| complete)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_not_mixed_with_text() {
        let arguments = DisplayArguments { format: Format::Json, show_text: true, ..DisplayArguments::default() };
        assert!(arguments.check().unwrap_err().to_string().starts_with("--show-text would make the document invalid"));
    }
}
