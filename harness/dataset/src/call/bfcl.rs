//! The Berkeley Function Calling Leaderboard's files with one request and at most one call, for Python.
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

/// What tells the leaderboard's questions from our own cases, and the name, which has the category in it.
#[derive(PartialEq, Deserialize)]
struct Shape {
    #[serde(default)]
    id: Value,
    question: Option<IgnoredAny>,
    function: Option<IgnoredAny>,
}

/// What a file is to the Berkeley Function Calling Leaderboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BfclFile {
    /// Something else.
    Other,
    /// Questions, some of which have their right answer in a file of possible answers.
    NeedsAnswers,
    /// Questions of irrelevance and relevance: what is right is in the name of their category, and the leaderboard has no
    /// file of answers for them.
    AnsweredByCategory,
}

impl BfclFile {
    /// Judges by the first row that is a JSON object whether a file holds questions, and by all of them which.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn of(path: &Path) -> Result<Self, DatasetError> {
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

/// Reads questions of the Berkeley Function Calling Leaderboard, categories `simple` and `multiple` for Python with
/// their possible answers, matched by their ids, and irrelevance and relevance without. The category of a case is its
/// id without the number. A system message follows the prompt of ours.
///
/// Answers are judged by the leaderboard's own rule: see [`BfclAnswer`]. Possible answers are not compared with the
/// parameters' types: in published files some differ, and they can be answered all the same. Of two files,
/// [`Rows::sha256`] is that of their SHA-256, written one after the other.
///
/// # Errors
/// When a file cannot be used. A question without an answer, with several turns or calls, or with a type that is not
/// known is an error of its row.
pub fn read_bfcl(questions: &Path, answers: Option<&Path>) -> Result<Rows<CallCase>, DatasetError> {
    let question_rows = read_rows::<QuestionRow>(questions)?;
    let mut sha256 = question_rows.sha256.clone();
    let mut by_id = BTreeMap::new();
    let mut answer_errors = Vec::new();
    if let Some(answers) = answers {
        let rows = read_rows::<AnswerRow>(answers)?;
        sha256 = joint(&sha256, &rows.sha256);
        let rows = rows.and_then(answers, |row| match by_id.contains_key(&row.id) {
            true => Err(format!("the id `{}` is that of an earlier row: remove one of the answers", row.id)),
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
            return Err(format!("the id `{id}` is that of an earlier row: remove one of the questions"));
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
                return Err(format!("by its name, `{id}` has no calls to compare with, and there are some: rename it"));
            }
            (None, Some(row), _) => BfclAnswer::of_row(row, &functions)?,
            (None, None, Some(answers)) => {
                return Err(format!("there is no answer to `{id}` in {}", answers.display()));
            }
            (None, None, None) => return Err(format!("there is no file of answers, and `{id}` needs one")),
        };
        let turns = vec![CallTurn { user, expected: ExpectedAnswer::Bfcl(expected), result: None, agent: None }];
        Ok(CallCase { category, id, system, functions, turns })
    });
    cases.errors.extend(answer_errors);
    Ok(Rows { sha256, ..cases })
}

/// `simple_python` for `simple_python_17`.
fn category(id: &str) -> &str {
    match id.rsplit_once('_') {
        Some((category, number)) if number.starts_with(|first: char| first.is_ascii_digit()) => category,
        _ => id,
    }
}

#[cfg(test)]
mod tests;
