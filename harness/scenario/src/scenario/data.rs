//! Files of conversations and of calls, as scenarios use them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pocketwatt_dataset::{
    BfclFile, CallCase, Conversation, ExpectedAnswer, FUNCTIONS_FILE, Reply, RowError, Rows, call_grammar,
    example_turns, is_call_cases, read_bfcl, read_call_cases, read_conversations,
};
use pocketwatt_files::join_inside;
use serde::{Deserialize, Serialize};

use super::talk::Talk;
use crate::error::ScenarioError;

/// The files that ship with the program.
const SHIPPED: [(&str, &str); 3] = [
    ("conversations.jsonl", include_str!("../../../../scenarios/conversations.jsonl")),
    ("api-calls.jsonl", include_str!("../../../../scenarios/api-calls.jsonl")),
    (FUNCTIONS_FILE, include_str!("../../../../scenarios/api-functions.json")),
];
/// The format of the Berkeley Function Calling Leaderboard, whose answers are judged by its own rule.
const BFCL: &str = "BFCL";
/// The folder of the right answers, beside the questions.
const BFCL_ANSWERS: &str = "possible_answer";

/// Most unusable rows whose reasons are stored with a run: a file may contain nothing else.
const KEPT_REASONS: usize = 1000;

/// The contents of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Data {
    /// The file, as the user named it.
    pub file: String,
    /// Its format.
    pub format: String,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
    /// Number of usable rows; fewer of them may be measured.
    pub usable: usize,
    /// The first unusable rows, with line and reason.
    pub rejected: Vec<String>,
    /// Number of further unusable rows.
    #[serde(default, skip_serializing_if = "is_none")]
    pub rejected_more: usize,
    /// The items that are measured.
    pub items: Items,
}

fn is_none(count: &usize) -> bool {
    *count == 0
}

/// Rows of a file, each with its line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Items {
    /// Conversations.
    Conversations(Vec<(usize, Conversation)>),
    /// Requests for calls, with their right answers.
    Calls(Vec<(usize, CallCase)>),
}

impl Data {
    /// A file of conversations, in any of the known formats.
    ///
    /// # Errors
    /// When it cannot be read, or has no usable row.
    pub fn conversations(folder: Option<&Path>, file: &str) -> Result<Self, ScenarioError> {
        let read = with_path(folder, file, |path| Ok(read_conversations(path)?))?;
        Self::new(file, read.format.name(), read.rows, Items::Conversations)
    }

    /// A file of calls in our own format or in BFCL's, whose right answers are in a second file, if it has any.
    ///
    /// # Errors
    /// When a file cannot be read, or has no usable row.
    pub fn calls(folder: Option<&Path>, file: &str, answers: Option<&str>) -> Result<Self, ScenarioError> {
        let answers = answers.map(|answers| with_path(folder, answers, |path| Ok(path.to_owned()))).transpose()?;
        let (format, rows) =
            with_path(folder, file, |path| match answers.is_some() || BfclFile::detect(path)? != BfclFile::Other {
                true => Ok((BFCL, read_bfcl(path, answers.as_deref())?)),
                false => Ok(("own", read_call_cases(path)?)),
            })?;
        Self::new(file, format, rows, Items::Calls)
    }

    fn new<T>(
        file: &str,
        format: &str,
        rows: Rows<T>,
        items: impl FnOnce(Vec<(usize, T)>) -> Items,
    ) -> Result<Self, ScenarioError> {
        if rows.rows.is_empty() {
            let first = rows.errors.first().map_or(String::new(), |error| format!(": {error}"));
            return Err(ScenarioError::Refused(format!(
                "none of the {} rows of {file} can be used{first}",
                rows.errors.len()
            )));
        }
        Ok(Self {
            file: file.to_owned(),
            format: format.to_owned(),
            sha256: rows.sha256,
            usable: rows.rows.len(),
            rejected: rows.errors.iter().take(KEPT_REASONS).map(RowError::to_string).collect(),
            rejected_more: rows.errors.len().saturating_sub(KEPT_REASONS),
            items: items(rows.rows),
        })
    }

    /// Where the right answers of a file of calls are: in the file itself, or in one beside it. `None` if it is not a file of
    /// calls.
    ///
    /// # Errors
    /// When a file cannot be read, or the answers are missing.
    pub fn answers_of(path: &Path) -> Result<Option<Option<PathBuf>>, ScenarioError> {
        let named = |error| ScenarioError::Data(error).at(format_args!("the data set {}", path.display()));
        let file = BfclFile::detect(path).map_err(named)?;
        if file == BfclFile::Other {
            return Ok(is_call_cases(path).map_err(named)?.then_some(None));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let answers = folder.join(BFCL_ANSWERS).join(path.file_name().unwrap_or_default());
        match file {
            _ if answers.is_file() => Ok(Some(Some(answers))),
            BfclFile::NeedsAnswers => Err(ScenarioError::Refused(format!(
                "{} has questions of BFCL, whose right answers should be in {}: put them there, or write a scenario \
                 with the keys calls and answers",
                path.display(),
                answers.display()
            ))),
            BfclFile::AnsweredByCategory | BfclFile::Other => Ok(Some(None)),
        }
    }

    /// Names of the items that are measured.
    pub fn ids(&self) -> Vec<&str> {
        match &self.items {
            Items::Conversations(items) => items.iter().map(|(_, item)| item.id.as_str()).collect(),
            Items::Calls(items) => items.iter().map(|(_, item)| item.id.as_str()).collect(),
        }
    }

    /// Whether its answers are judged by the rule of BFCL's own checker, too.
    pub fn is_judged_by_bfcl(&self) -> bool {
        let by_bfcl = |case: &CallCase| case.turns.iter().any(|turn| matches!(turn.expected, ExpectedAnswer::Bfcl(_)));
        matches!(&self.items, Items::Calls(items) if items.iter().any(|(_, case)| by_bfcl(case)))
    }

    /// Number of unusable rows.
    pub fn rejected_rows(&self) -> usize {
        self.rejected.len().saturating_add(self.rejected_more)
    }

    /// Number of items that are measured.
    pub fn item_count(&self) -> usize {
        match &self.items {
            Items::Conversations(items) => items.len(),
            Items::Calls(items) => items.len(),
        }
    }

    /// Keeps `count` items, evenly spread.
    pub(super) fn keep(&mut self, count: usize) {
        match &mut self.items {
            Items::Conversations(items) => keep_spread(items, count),
            Items::Calls(items) => keep_spread(items, count),
        }
    }

    /// The user's text, item by item.
    pub(super) fn talks(&self, output_tokens: u32) -> Vec<Talk> {
        let name = |line: usize, id: &str| format!("{}:{line} ({id})", self.file);
        match &self.items {
            Items::Conversations(items) => items
                .iter()
                .map(|(line, item)| Talk {
                    name: name(*line, &item.id),
                    system: item.system.clone(),
                    examples: Vec::new(),
                    turns: item
                        .turns
                        .iter()
                        .map(|turn| (turn.user.clone(), turn.output_tokens.unwrap_or(output_tokens)))
                        .collect(),
                    grammars: Vec::new(),
                })
                .collect(),
            Items::Calls(items) => items
                .iter()
                .map(|(line, item)| Talk {
                    name: name(*line, &item.id),
                    system: Some(item.system_prompt()),
                    examples: example_turns(&item.functions)
                        .into_iter()
                        .map(|example| (example.user, example.call))
                        .collect(),
                    grammars: grammars(item),
                    turns: item.messages().into_iter().map(|message| (message.text, output_tokens)).collect(),
                })
                .collect(),
        }
    }
}

/// The grammar of the answer to each message of a case.
fn grammars(case: &CallCase) -> Vec<Option<String>> {
    let grammar = call_grammar(&case.functions);
    case.messages().iter().map(|message| (message.reply == Reply::Call).then(|| grammar.clone())).collect()
}

/// The first of each of `count` equal parts: always the same ones, and from the whole file.
fn keep_spread<T>(items: &mut Vec<T>, count: usize) {
    let (all, count) = (items.len(), count.max(1));
    if count >= all {
        return;
    }
    let wanted: Vec<usize> = (0..count).map(|part| part * all / count).collect();
    let mut index = 0;
    items.retain(|_| {
        index += 1;
        wanted.binary_search(&(index - 1)).is_ok()
    });
}

/// Passes the path of a file to `read`: below `folder`, or without one, of the files that ship inside the program,
/// which are written to a temporary folder.
fn with_path<R>(
    folder: Option<&Path>,
    file: &str,
    read: impl FnOnce(&Path) -> Result<R, ScenarioError>,
) -> Result<R, ScenarioError> {
    let Some(folder) = folder else {
        let scratch = tempfile::tempdir().map_err(ScenarioError::Scratch)?;
        for (name, text) in SHIPPED {
            fs::write(scratch.path().join(name), text).map_err(ScenarioError::Scratch)?;
        }
        return read(&scratch.path().join(file));
    };
    // Without a folder it was named on the command line; otherwise by the scenario's file, which is untrusted.
    let path = if folder.as_os_str().is_empty() { PathBuf::from(file) } else { below(folder, file)? };
    read(&path)
}

/// A file in a folder or below it.
fn below(folder: &Path, file: &str) -> Result<PathBuf, ScenarioError> {
    let step = |at: PathBuf, name: &str| {
        join_inside(&at, name).map_err(|error| {
            ScenarioError::Refused(format!(
                "it names the file {file:?}, which must lie in its folder or below: {error}"
            ))
        })
    };
    file.split('/').try_fold(folder.to_owned(), step)
}
