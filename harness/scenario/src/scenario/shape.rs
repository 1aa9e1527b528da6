use super::{data::Data, talk::Talk};

/// The contents of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// One conversation, in the model's chat template.
    Conversation(Talk),
    /// Many conversations, each an iteration of its own.
    Data {
        /// The contents of the file.
        data: Data,
        /// Longest answer where the file states none.
        output_tokens: u32,
    },
    /// Random tokens.
    Synthetic {
        /// Tokens that are processed at once.
        prompt_tokens: u32,
        /// Tokens that are then generated.
        output_tokens: u32,
    },
}
