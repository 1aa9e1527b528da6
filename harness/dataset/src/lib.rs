//! What models are asked, and the right answers: files of conversations and of API calls, ours and those that
//! others publish.
//!
//! Such files are large and rarely clean. A row that cannot be used is an error with its file and line, and the
//! other rows are used.

mod call;
mod conversation;
mod rows;
mod score;

pub use call::*;
pub use conversation::{Conversation, ConversationFile, ConversationFormat, UserTurn, read_conversations};
pub use rows::{DatasetError, RowError, Rows, read_rows};
pub use score::*;
