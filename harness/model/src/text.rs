//! Text and tokens: what the harness needs to talk to a model. Runners see tokens only.

mod access;
mod chat;
mod end;
mod message;
pub mod process;
mod reader;
mod tokenizer;

pub use chat::ChatTemplate;
pub use end::TextEnd;
pub use tokenizer::TextTokenizer;
