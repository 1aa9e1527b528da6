//! The files of the Berkeley Function Calling Leaderboard with one request and at most one call, for Python.
//!
//! The shapes are those of `bfcl_eval/data` in the repository `ShishirPatil/gorilla`, versions 3 and 4.

mod answer;
mod checker;
mod own;
mod python;
mod question;

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::{
    CallCase, CallTurn, ExpectedAnswer,
    check::{FunctionRoom, check_functions, ensure_count},
    file::joint,
};
use crate::{DatasetError, Rows, read_rows};
use answer::AnswerRow;
pub use answer::BfclAnswer;
pub use checker::{BfclArgument, BfclCall};
use question::{Question, QuestionRow};

/// The keys that distinguish the leaderboard's questions from our own cases; the id includes the category.
#[derive(PartialEq, Deserialize)]
struct Shape {
    #[serde(default)]
    id: Value,
    question: Option<IgnoredAny>,
    function: Option<IgnoredAny>,
}

/// What a file is for the Berkeley Function Calling Leaderboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BfclFile {
    /// The file is something else.
    Other,
    /// Questions of which some have their right answer in a file of possible answers.
    NeedsAnswers,
    /// Questions of irrelevance and relevance: their category decides what is right, and the leaderboard has no
    /// file of answers for them.
    AnsweredByCategory,
}

impl BfclFile {
    /// Decides by the first row that is a JSON object whether a file holds questions, and by all rows of which kind.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn detect(path: &Path) -> Result<Self, DatasetError> {
        let rows = read_rows::<Shape>(path)?.rows;
        let is_question = |shape: &Shape| shape.question.is_some() && shape.function.is_some();
        if !rows.first().is_some_and(|(_, first)| is_question(first)) {
            return Ok(Self::Other);
        }
        let by_category = |id: &str| BfclAnswer::of_category(category(id)).is_some();
        let needs_answer = |(_, row): &(usize, Shape)| row.id.as_str().is_some_and(|id| !by_category(id));
        Ok(if rows.iter().any(needs_answer) { Self::NeedsAnswers } else { Self::AnsweredByCategory })
    }
}

/// Reads questions of the Berkeley Function Calling Leaderboard: the categories `simple` and `multiple` for Python with
/// their possible answers, matched by id, and irrelevance and relevance without answers. The category of a case is its
/// id without the number. A row's system message is added after our own prompt.
///
/// Answers are judged by the leaderboard's own rule: see [`BfclAnswer`]. Possible answers are not checked against the
/// parameters' types: some published files violate them, and those questions can still be answered. For two files,
/// [`Rows::sha256`] is the hash of their two SHA-256 values, concatenated.
///
/// # Errors
/// When a file cannot be used. A question without an answer, with several turns or calls, or with an unknown type
/// is an error of its row.
pub fn read_bfcl(questions: &Path, answers: Option<&Path>) -> Result<Rows<CallCase>, DatasetError> {
    let question_rows = read_rows::<QuestionRow>(questions)?;
    let mut sha256 = question_rows.sha256.clone();
    let mut by_id = BTreeMap::new();
    let mut answer_errors = Vec::new();
    if let Some(answers) = answers {
        let rows = read_rows::<AnswerRow>(answers)?;
        sha256 = joint(&sha256, &rows.sha256);
        let rows = rows.and_then(answers, |row| match by_id.contains_key(&row.id) {
            true => Err(format!("an earlier row has the same id `{}`: remove one of the answers", row.id)),
            false => {
                by_id.insert(row.id.clone(), row);
                Ok(())
            }
        });
        answer_errors = rows.errors;
    }
    let mut ids = HashSet::new();
    let mut room = FunctionRoom::of_a_file();
    let mut cases = question_rows.and_then(questions, |row| {
        let id = row.id.clone();
        if !ids.insert(id.clone()) {
            return Err(format!("an earlier row has the same id `{id}`: remove one of the questions"));
        }
        let Question { system, user, functions } = row.read()?;
        ensure_count(functions.len(), "functions")?;
        room.take(&functions, 1)?;
        check_functions(&functions)?;
        let category = category(&id).to_owned();
        let expected = match (BfclAnswer::of_category(&category), by_id.get(&id), answers) {
            (Some(expected), None, _) => expected,
            (Some(expected), Some(row), _) if row.ground_truth.is_empty() => expected,
            (Some(_), Some(_), _) => {
                return Err(format!(
                    "the category in the id `{id}` has no expected calls, but the file of answers has some: rename it"
                ));
            }
            (None, Some(row), _) => BfclAnswer::of_row(row, &functions)?,
            (None, None, Some(answers)) => {
                return Err(format!("there is no answer to `{id}` in {}", answers.display()));
            }
            (None, None, None) => return Err(format!("`{id}` needs a file of answers, and there is none")),
        };
        let turns = vec![CallTurn { user, expected: ExpectedAnswer::Bfcl(expected), result: None, agent: None }];
        Ok(CallCase { category, id, system, functions, turns })
    });
    cases.errors.extend(answer_errors);
    Ok(Rows { sha256, ..cases })
}

/// The category in an id: `simple_python` for `simple_python_17`.
fn category(id: &str) -> &str {
    match id.rsplit_once('_') {
        Some((category, number)) if number.starts_with(|first: char| first.is_ascii_digit()) => category,
        _ => id,
    }
}

#[cfg(test)]
mod tests;
