//! Conversations: what a user says to a model, turn by turn, from our own file and from other people's.
//!
//! Only the user's side is read. The measured model writes the answers, which stay in its context; answers
//! of another model in the file are dropped.

mod dialogue;
mod field;
mod format;
mod message;
mod messages;
mod mt_bench;
mod own;
mod row;
mod sharegpt;

use std::path::Path;

pub use format::ConversationFormat;
use row::{Names, Row};
use serde::{Deserialize, Serialize};

use crate::{DatasetError, RowError, Rows, read_rows};

/// What a user says to a model, without the answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its name in its file. Rows without an id are named after the line on which they begin: `line-12`.
    pub id: String,
    /// The system prompt.
    pub system: Option<String>,
    /// What the user says, in order: at least one turn.
    pub turns: Vec<UserTurn>,
}

/// One message of a user, which the model answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserTurn {
    /// What the user says: at least one character that is not white space.
    pub user: String,
    /// Longest answer in tokens, where the file states it; never 0.
    pub output_tokens: Option<u32>,
}

/// A file of conversations.
#[derive(Clone, Debug)]
pub struct ConversationFile {
    /// How the file is written.
    pub format: ConversationFormat,
    /// Its contents: at least one conversation, each with an id of its own.
    pub rows: Rows<Conversation>,
}

/// Reads a file of conversations in one of the formats of [`ConversationFormat`], as JSON Lines or as one JSON array.
/// The first row with the keys of a format decides the format; rows of other formats are errors.
///
/// # Errors
/// When the file cannot be read or is too large, no row has the keys of a format, or no row can be used.
pub fn read_conversations(path: &Path) -> Result<ConversationFile, DatasetError> {
    let unusable = |reason: String| DatasetError::Unusable { path: path.to_owned(), reason };
    let mut read = read_rows::<Row>(path)?;
    let Some(format) = read.rows.iter().find_map(|(_, row)| row.format()) else {
        return Err(unusable(no_format(&read)));
    };
    let mut names = Names::default();
    let mut rows = Vec::with_capacity(read.rows.len());
    for (line, row) in read.rows {
        match row.into_draft(format).and_then(|draft| names.name(line, draft)) {
            Ok(conversation) => rows.push((line, conversation)),
            Err(reason) => read.errors.push(RowError::new(path, line, reason)),
        }
    }
    read.errors.sort_by_key(|error| error.line);
    if rows.is_empty() {
        let first =
            read.errors.first().map_or(String::new(), |first| format!(": line {}: {}", first.line, first.reason));
        return Err(unusable(format!("none of its rows in the {format} format can be used{first}")));
    }
    Ok(ConversationFile { format, rows: Rows { rows, errors: read.errors, sha256: read.sha256 } })
}

fn no_format(read: &Rows<Row>) -> String {
    let keys = ConversationFormat::ALL.map(|format| format!("`{}` ({format})", format.telling_key())).join(", ");
    match (read.rows.first(), read.errors.first()) {
        (None, None) => "it has no rows".to_owned(),
        (None, Some(error)) => format!("line {}: {}", error.line, error.reason),
        (Some((line, _)), _) => format!("no row is a conversation, which has one of the keys {keys}: see line {line}"),
    }
}

#[cfg(test)]
mod shipped;
#[cfg(test)]
mod tests;
