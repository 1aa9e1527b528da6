//! The Berkeley Function Calling Leaderboard's files, categories `simple` and `multiple`: one request, one call.
//!
//! The shapes are those of `bfcl_eval/data` in the repository `ShishirPatil/gorilla`, versions 3 and 4.

mod answer;
mod question;

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use serde::{Deserialize, de::IgnoredAny};

use super::{
    CallCase, CallTurn, ExpectedAnswer,
    check::{FunctionRoom, check_functions, ensure_count},
    file::joint,
};
use crate::{DatasetError, Rows, read_rows};
use answer::{AnswerRow, accepted_calls};
use question::QuestionRow;

/// What tells the leaderboard's questions from our own cases.
#[derive(Deserialize)]
struct Shape {
    question: Option<IgnoredAny>,
    function: Option<IgnoredAny>,
}

/// Whether a file holds questions of the Berkeley Function Calling Leaderboard, by the first row that is a JSON object.
///
/// # Errors
/// When the file cannot be used.
pub fn is_bfcl(path: &Path) -> Result<bool, DatasetError> {
    let rows = read_rows::<Shape>(path)?.rows;
    Ok(rows.first().is_some_and(|(_, shape)| shape.question.is_some() && shape.function.is_some()))
}

/// Reads questions and possible answers of the Berkeley Function Calling Leaderboard, categories `simple` and
/// `multiple`; they are matched by their ids. The category of a case is its id without the number.
///
/// Of the accepted values, `""` says that the argument may be left out; inside named values, each has its own list.
/// Arguments that the answer does not mention are wrong, even with their default, as in the leaderboard's own checker.
/// Accepted values are not compared with the parameters' types: in published files some differ, and they can be
/// answered all the same. [`Rows::sha256`] is that of the two files' SHA-256, written one after the other.
///
/// # Errors
/// When a file cannot be used. A question without an answer, with several turns or calls, or with a type that is not
/// known is an error of its row.
pub fn read_bfcl(questions: &Path, answers: &Path) -> Result<Rows<CallCase>, DatasetError> {
    let question_rows = read_rows::<QuestionRow>(questions)?;
    let answer_rows = read_rows::<AnswerRow>(answers)?;
    let sha256 = joint(&question_rows.sha256, &answer_rows.sha256);
    let mut by_id = BTreeMap::new();
    let answer_rows = answer_rows.and_then(answers, |row| match by_id.contains_key(&row.id) {
        true => Err(format!("the id `{}` is that of an earlier row: remove one of the answers", row.id)),
        false => {
            by_id.insert(row.id, row.ground_truth);
            Ok(())
        }
    });
    let mut ids = HashSet::new();
    let mut room = FunctionRoom::of_a_file();
    let mut cases = question_rows.and_then(questions, |row| {
        let id = row.id.clone();
        if !ids.insert(id.clone()) {
            return Err(format!("the id `{id}` is that of an earlier row: remove one of the questions"));
        }
        let (user, functions) = row.read()?;
        ensure_count(functions.len(), "functions")?;
        room.take(&functions, 1)?;
        check_functions(&functions)?;
        let answer = by_id.get(&id).ok_or_else(|| format!("there is no answer to `{id}` in {}", answers.display()))?;
        let expected = ExpectedAnswer::Call(accepted_calls(answer, &functions)?);
        let turns = vec![CallTurn { user, expected, result: None, agent: None }];
        Ok(CallCase { category: category(&id).to_owned(), id, functions, turns })
    });
    cases.errors.extend(answer_rows.errors);
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
