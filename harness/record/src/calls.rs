//! Answers that should be function calls, each compared with the right one.

use std::{collections::BTreeSet, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One answer of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallAnswer {
    /// The counted iteration in which it was given, from 0.
    pub iteration: u32,
    /// The turn of that iteration, from 0.
    pub turn: u32,
    /// Name of the question in its file.
    pub question: String,
    /// The topic of the question.
    pub category: String,
    /// The result of judging it.
    pub worth: AnswerWorth,
}

/// The result of judging an answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "asked", rename_all = "kebab-case")]
pub enum AnswerWorth {
    /// The question asked for a call.
    Call {
        /// Whether the right function was called, or rightly none.
        intent: bool,
        /// Whether function and all arguments are right.
        structure: bool,
        /// Whether the answer is right by the rule of BFCL's own checker; absent where the question is not from BFCL, and
        /// before format 1.5, where that rule was used in place of ours.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bfcl: Option<bool>,
        /// The output token, from 1, that completed the call; absent if no call was complete.
        complete_token: Option<u32>,
    },
    /// The question asked for text, which was compared with a reference text.
    Words {
        /// F-measure of ROUGE-1.
        rouge_1: f64,
        /// F-measure of ROUGE-L.
        rouge_l: f64,
    },
}

/// Why answers are not judged. The reason is never that they are wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Unjudged {
    /// A case is stored as soon as it is measured, and PocketWatt ended before judging it.
    NotYet,
    /// Judging failed.
    Failed {
        /// The error in one line.
        reason: String,
    },
}

impl fmt::Display for Unjudged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotYet => formatter.write_str("answers are not judged yet: `pocketwatt run --resume` judges them"),
            Self::Failed { reason } => write!(formatter, "answers are not judged: {reason}"),
        }
    }
}

impl AnswerWorth {
    /// For a call: whether the right function was called, or rightly none.
    pub fn intent(&self) -> Option<bool> {
        match self {
            Self::Call { intent, .. } => Some(*intent),
            Self::Words { .. } => None,
        }
    }

    /// For a call: whether the function and all arguments are right.
    pub fn structure(&self) -> Option<bool> {
        match self {
            Self::Call { structure, .. } => Some(*structure),
            Self::Words { .. } => None,
        }
    }

    /// For a call in a question of BFCL: whether it is right by BFCL's own rule.
    pub fn bfcl(&self) -> Option<bool> {
        match self {
            Self::Call { bfcl, .. } => *bfcl,
            Self::Words { .. } => None,
        }
    }

    /// For text: F-measure of ROUGE-1.
    pub fn rouge_1(&self) -> Option<f64> {
        match self {
            Self::Words { rouge_1, .. } => Some(*rouge_1),
            Self::Call { .. } => None,
        }
    }

    /// For text: F-measure of ROUGE-L.
    pub fn rouge_l(&self) -> Option<f64> {
        match self {
            Self::Words { rouge_l, .. } => Some(*rouge_l),
            Self::Call { .. } => None,
        }
    }
}

/// The first answer to each question: a repeated question gets the same answer, which is no further evidence.
pub fn distinct_answers(answers: &[CallAnswer]) -> impl Iterator<Item = &CallAnswer> {
    let mut known = BTreeSet::new();
    answers.iter().filter(move |answer| known.insert((answer.question.as_str(), answer.turn)))
}
