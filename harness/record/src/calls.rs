//! Answers that were asked to be calls of functions, each against what would have been right.

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
    /// What the question is about.
    pub category: String,
    /// What it was worth.
    pub worth: AnswerWorth,
}

/// What an answer was worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "asked", rename_all = "kebab-case")]
pub enum AnswerWorth {
    /// A call was asked for.
    Call {
        /// Whether the right function was called, or rightly none.
        intent: bool,
        /// Whether function and all arguments are right.
        structure: bool,
        /// Whether the answer is right by the rule of BFCL's own checker; absent where the question is not of BFCL, and
        /// before format 1.5, where that rule stood in place of ours.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bfcl: Option<bool>,
        /// The output token, from 1, with which the call was complete; absent if there was none.
        complete_token: Option<u32>,
    },
    /// Words were asked for, and compared with a text.
    Words {
        /// F-measure of ROUGE-1.
        rouge_1: f64,
        /// F-measure of ROUGE-L.
        rouge_l: f64,
    },
}

/// Why answers are not judged. It is never because they are wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Unjudged {
    /// A case is stored as soon as it is measured, and PocketWatt ended before it came to judging.
    NotYet,
    /// It was tried.
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
    /// Of a call: whether the right function was called, or rightly none.
    pub fn intent(&self) -> Option<bool> {
        match self {
            Self::Call { intent, .. } => Some(*intent),
            Self::Words { .. } => None,
        }
    }

    /// Of a call: whether function and all arguments are right.
    pub fn structure(&self) -> Option<bool> {
        match self {
            Self::Call { structure, .. } => Some(*structure),
            Self::Words { .. } => None,
        }
    }

    /// Of a call that BFCL asks for: whether it is right by BFCL's own rule.
    pub fn bfcl(&self) -> Option<bool> {
        match self {
            Self::Call { bfcl, .. } => *bfcl,
            Self::Words { .. } => None,
        }
    }

    /// Of words: F-measure of ROUGE-1.
    pub fn rouge_1(&self) -> Option<f64> {
        match self {
            Self::Words { rouge_1, .. } => Some(*rouge_1),
            Self::Call { .. } => None,
        }
    }

    /// Of words: F-measure of ROUGE-L.
    pub fn rouge_l(&self) -> Option<f64> {
        match self {
            Self::Words { rouge_l, .. } => Some(*rouge_l),
            Self::Call { .. } => None,
        }
    }
}

/// Each question's answer once: the same question asked again is answered the same, and is no further evidence.
pub fn distinct_answers(answers: &[CallAnswer]) -> impl Iterator<Item = &CallAnswer> {
    let mut known = BTreeSet::new();
    answers.iter().filter(move |answer| known.insert((answer.question.as_str(), answer.turn)))
}
