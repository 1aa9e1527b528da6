//! Which judged calls `run` and `show` list, with the answers that would have been right.

use anyhow::Result;
use clap::Args;
use pocketwatt_dataset::CallCase;
use pocketwatt_record::{CallAnswer, Record, Run};
use pocketwatt_scenario::{Items, Scenario};

use super::decode::Decoder;
use super::selection::CacheArguments;
use crate::{
    refusal::Refusal,
    report::{
        Format, Style,
        calls::{self, Answers},
    },
};

/// Whether calls are listed.
#[derive(Args, Debug, Default)]
pub struct CallArguments {
    /// Also show how many calls are right in each category, and the first N wrong ones of each case beside the
    /// right ones [default N: 10].
    #[arg(long, alias = "calls", value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "10")]
    show_calls: Option<usize>,
}

impl CallArguments {
    /// Whether anything is requested.
    pub fn are_asked_for(&self) -> bool {
        self.show_calls.is_some()
    }

    /// Refuses to mix text into a document.
    ///
    /// # Errors
    /// When the output format is for programs.
    pub fn check(&self, format: Format) -> Result<()> {
        if self.show_calls.is_some() && matches!(format, Format::Csv | Format::Json) {
            return Err(Refusal::error(
                "--show-calls would make the document invalid: use it with --format table or markdown",
            ));
        }
        Ok(())
    }

    /// The tables and lists after an empty line; empty unless requested.
    ///
    /// # Errors
    /// When a scenario that was stored with the run cannot be read, or the models' folder is unknown.
    pub fn text(&self, run: &Run, records: &[Record], format: Format, cache: &CacheArguments) -> Result<String> {
        let Some(first) = self.show_calls else { return Ok(String::new()) };
        let decoder = Decoder::new(cache.library()?);
        let scenarios = run.scenarios.iter().map(Scenario::stored).collect::<Result<Vec<_>, _>>()?;
        let answers = Answers {
            decode: &|record, tokens| decoder.decode(record, tokens),
            expected: &|record, answer| expected(&scenarios, record, answer),
            first,
        };
        Ok(format!("\n{}", calls::render(records, &answers, format, &Style::detect())))
    }
}

/// A right answer to the question of an answer.
fn expected(scenarios: &[Scenario], record: &Record, answer: &CallAnswer) -> Option<String> {
    let scenario = scenarios.iter().find(|scenario| scenario.name == record.case.scenario)?;
    let Items::Calls(cases) = &scenario.data()?.items else { return None };
    let case: &CallCase = cases.iter().map(|(_, case)| case).find(|case| case.id == answer.question)?;
    let message = case.messages().into_iter().nth(answer.turn as usize)?;
    Some(case.turns.get(message.turn)?.expected.reference())
}
