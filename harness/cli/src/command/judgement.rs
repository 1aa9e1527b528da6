//! What follows from verdicts for the exit status.

use clap::{Args, ValueEnum};

use crate::{exit::Exit, report::Tally};

/// What follows from verdicts.
#[derive(Args, Debug, Default)]
pub struct JudgementArguments {
    /// Exit with status 10 if anything is worse than its baseline, or never because of that [default: never; of `ci`: worse].
    #[arg(long, value_enum, value_name = "VERDICT")]
    fail_on: Option<FailOn>,
    /// Exit with status 11 if anything stays undecided, or has no ratio to decide by.
    #[arg(long)]
    decide: bool,
}

/// A verdict that makes the command fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Something is worse than its baseline.
    Worse,
    /// Nothing.
    Never,
}

impl JudgementArguments {
    /// The exit status that was asked for; `None` if the verdicts do not call for one.
    pub fn exit(&self, tally: &Tally) -> Option<Exit> {
        if self.fail_on == Some(FailOn::Worse) && tally.worse > 0 {
            return Some(Exit::Worse);
        }
        (self.decide && tally.open() > 0).then_some(Exit::Undecided)
    }

    /// Whether a status was asked for.
    pub fn is_asked_for(&self) -> bool {
        self.fail_on == Some(FailOn::Worse) || self.decide
    }

    /// The same, where something worse fails unless the user said otherwise.
    pub fn or_worse(self) -> Self {
        Self { fail_on: self.fail_on.or(Some(FailOn::Worse)), ..self }
    }

    /// The rule as options.
    pub fn rule(&self) -> String {
        let fail_on = if self.fail_on == Some(FailOn::Worse) { "--fail-on worse" } else { "--fail-on never" };
        if self.decide { format!("{fail_on} --decide") } else { fail_on.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_decided_is_not_decided() {
        let decide = JudgementArguments { fail_on: Some(FailOn::Worse), decide: true };
        let same = Tally { same: 3, ..Tally::default() };
        assert_eq!(decide.exit(&same), None);
        assert_eq!(decide.exit(&Tally { undecided: 1, ..same }), Some(Exit::Undecided));
        assert_eq!(decide.exit(&Tally { without_ratio: 1, ..same }), Some(Exit::Undecided));
        assert_eq!(decide.exit(&Tally { worse: 1, without_ratio: 1, ..same }), Some(Exit::Worse));
        let lenient = JudgementArguments { decide: false, ..decide };
        assert_eq!(lenient.exit(&Tally { undecided: 1, without_ratio: 1, ..same }), None);
    }
}
