//! The formats, and how to tell their rows apart.

use std::fmt::{self, Display};

use serde_json::{Map, Value};

/// How a file of conversations is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConversationFormat {
    /// Ours: `{"id":"tea","summary":"...","system":"...","output-tokens":64,"turns":["...",{"user":"...",
    /// "output-tokens":32}]}`, of which `id` and `turns` are required and other keys refused.
    Own,
    /// `question.jsonl` of MT-Bench: `{"question_id":81,"category":"writing","turns":["...","..."]}`.
    MtBench,
    /// The format for fine-tuning chat models: `{"messages":[{"role":"user","content":"..."},...]}`.
    Messages,
    /// The format of ShareGPT: `{"id":"...","conversations":[{"from":"human","value":"..."},...]}`.
    ShareGpt,
}

impl ConversationFormat {
    /// All formats. A row belongs to the first whose distinctive key it has, since MT-Bench's rows have `turns`, too.
    pub(super) const ALL: [Self; 4] = [Self::Messages, Self::ShareGpt, Self::MtBench, Self::Own];

    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "PocketWatt",
            Self::MtBench => "MT-Bench",
            Self::Messages => "chat messages",
            Self::ShareGpt => "ShareGPT",
        }
    }

    pub(super) fn of_row(row: &Map<String, Value>) -> Option<Self> {
        Self::ALL.into_iter().find(|format| row.contains_key(format.telling_key()))
    }

    pub(super) fn telling_key(self) -> &'static str {
        match self {
            Self::Own => "turns",
            Self::MtBench => "question_id",
            Self::Messages => "messages",
            Self::ShareGpt => "conversations",
        }
    }
}

impl Display for ConversationFormat {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str(self.name())
    }
}
