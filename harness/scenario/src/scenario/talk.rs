/// The user's part of one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Talk {
    /// Its name among others: its id and its position; empty if it is the only one.
    pub name: String,
    /// The system prompt.
    pub system: Option<String>,
    /// Requests and answers that come first, as if the model had given them.
    pub examples: Vec<(String, String)>,
    /// The user's text, and the longest answer in tokens.
    pub turns: Vec<(String, u32)>,
    /// The grammar of the call that each turn asks for, `None` for a turn that asks for text; empty if no turn asks for a
    /// call.
    pub grammars: Vec<Option<String>>,
}
