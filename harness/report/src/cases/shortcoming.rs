//! Why a case has no numbers.

use pocketwatt_protocol::Stage;
use pocketwatt_record::Outcome;

use crate::output::inert::one_line;

/// A word for a case without numbers, and why there are none.
pub fn shortcoming(outcome: &Outcome) -> Option<(&'static str, String)> {
    match outcome {
        Outcome::Measured => None,
        Outcome::Failed { stage, message } => {
            Some(("failed", format!(" while {}: {}", stage_words(*stage), one_line(message))))
        }
        Outcome::Skipped { reason } => Some(("skipped", format!(": {}", one_line(reason)))),
    }
}

fn stage_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Start => "starting",
        Stage::Load => "loading the model",
        Stage::Warmup => "warming up",
        Stage::Prefill => "processing a prompt",
        Stage::Decode => "generating",
        Stage::Iteration => "running an iteration",
        Stage::Score => "computing logits",
    }
}
