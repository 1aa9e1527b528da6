//! What models are asked, and what would be a right answer: files of conversations and of API calls, ours and those that
//! other people publish.
//!
//! Such files are large and never quite clean. A row that cannot be used is an error with its file and line, and the
//! others go on.

mod call;
mod conversation;
mod rows;
mod score;

pub use call::*;
pub use conversation::{Conversation, ConversationFile, ConversationFormat, UserTurn, read_conversations};
pub use rows::{DatasetError, RowError, Rows, read_rows};
pub use score::*;
