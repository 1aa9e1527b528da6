//! Text and tokens: what the harness needs to talk to a model. Runners only see tokens.

mod access;
mod chat;
mod end;
mod markers;
mod message;
pub mod process;
mod reader;
mod remarks;
mod tokenizer;
mod trial;

pub use chat::ChatTemplate;
pub use end::TextEnd;
pub use remarks::text_remarks;
pub use tokenizer::TextTokenizer;
