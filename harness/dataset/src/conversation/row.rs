//! One row of a file, and its name.

use std::collections::{HashMap, hash_map::Entry};

use serde::Deserialize;

use super::{
    Conversation, ConversationFormat, UserTurn,
    field::{Object, shown},
    messages, mt_bench, own, sharegpt,
};

/// A row, read in the format that its own keys indicate, so that dropped content need not be kept until the format of the
/// file is known. `None` when its keys indicate no format.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(from = "Object")]
pub(super) struct Row(Option<(ConversationFormat, Result<Draft, String>)>);

/// A conversation that may still lack a name.
#[derive(Debug, PartialEq)]
pub(super) struct Draft {
    pub(super) id: Option<String>,
    pub(super) system: Option<String>,
    pub(super) turns: Vec<UserTurn>,
}

impl From<Object> for Row {
    fn from(row: Object) -> Self {
        Self(ConversationFormat::of_row(&row).map(|format| {
            let draft = match format {
                ConversationFormat::Own => own::read(&row),
                ConversationFormat::MtBench => mt_bench::read(&row),
                ConversationFormat::Messages => messages::read(&row),
                ConversationFormat::ShareGpt => sharegpt::read(&row),
            };
            (format, draft)
        }))
    }
}

impl Row {
    /// The format that its keys indicate.
    pub(super) fn format(&self) -> Option<ConversationFormat> {
        self.0.as_ref().map(|(format, _)| *format)
    }

    /// Its contents, in a file of this format.
    pub(super) fn into_draft(self, file: ConversationFormat) -> Result<Draft, String> {
        match self.0 {
            Some((format, draft)) if format == file => draft,
            Some((format, _)) => Err(format!(
                "its key `{}` belongs to the {format} format, but the file begins in the {file} format: split the file",
                format.telling_key()
            )),
            None => Err(format!("`{}` is missing", file.telling_key())),
        }
    }
}

/// The names of a file's conversations, each of them unique.
#[derive(Default)]
pub(super) struct Names {
    /// The line of each name.
    taken: HashMap<String, usize>,
    /// The last line that had a row without a name, and how many such rows it had.
    nameless: (usize, usize),
}

impl Names {
    /// Names a conversation that begins on a line.
    pub(super) fn name(&mut self, line: usize, draft: Draft) -> Result<Conversation, String> {
        let Draft { id, system, turns } = draft;
        let id = id.unwrap_or_else(|| self.by_line(line));
        match self.taken.entry(id.clone()) {
            Entry::Occupied(first) => {
                Err(format!("its id {} is taken by line {}: each row needs its own", shown(&id), first.get()))
            }
            Entry::Vacant(entry) => {
                entry.insert(line);
                Ok(Conversation { id, system, turns })
            }
        }
    }

    /// Names a row after its line. A whole array may be on one line: its second row is `line-1-2`.
    fn by_line(&mut self, line: usize) -> String {
        let (last, rows) = self.nameless;
        self.nameless = (line, if line == last { rows + 1 } else { 1 });
        match self.nameless.1 {
            1 => format!("line-{line}"),
            row => format!("line-{line}-{row}"),
        }
    }
}
