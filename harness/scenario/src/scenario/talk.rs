/// What a user says in one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Talk {
    /// Names it among others: its id and where it stands; empty where it is the only one.
    pub name: String,
    /// The system prompt.
    pub system: Option<String>,
    /// Requests and answers that are shown before, as if the model had given them.
    pub examples: Vec<(String, String)>,
    /// What the user says, and the longest answer in tokens.
    pub turns: Vec<(String, u32)>,
    /// The grammar of the calls that each turn asks for, none for a turn that asks for words; empty where no call is asked
    /// for at all.
    pub grammars: Vec<Option<String>>,
}
