//! Conversations as ShareGPT was published, and as many data sets after it.

use super::{
    dialogue::{CALLS, Dialogue, Message, no_calls},
    field::{Object, identifier, list, object, present, required, shown, string, text},
    row::Draft,
};

pub(super) fn read(row: &Object) -> Result<Draft, String> {
    no_calls(row, &["tools"])?;
    if let Some(key) = ["image", "images"].into_iter().find(|key| present(row, key).is_some()) {
        return Err(format!("it has `{key}`: only text can be fed"));
    }
    let id = present(row, "id").map(|id| identifier(id, "id")).transpose()?;
    // Most rows of a file with this key leave it empty.
    let system = present(row, "system").map(|system| string(system, "system")).transpose()?;
    let system = system.filter(|system| !system.trim().is_empty()).map(str::to_owned);
    let mut dialogue = Dialogue::new(system);
    for (index, value) in list(required(row, "conversations")?, "conversations")?.iter().enumerate() {
        let name = format!("conversations[{index}]");
        let message = object(value, &name)?;
        let added = read_message(message).and_then(|message| dialogue.add(message));
        added.map_err(|reason| format!("{name}: {reason}"))?;
    }
    let (system, turns) = dialogue.finish("conversations")?;
    Ok(Draft { id, system, turns })
}

fn read_message(message: &Object) -> Result<Message, String> {
    let from = string(required(message, "from")?, "from")?;
    // An empty answer is a sign of a transcript that was cut.
    let value = text(required(message, "value")?, "value")?;
    match from {
        "human" | "user" => Ok(Message::User(value)),
        // Real files hold the ends of conversations too, which begin with an answer.
        "gpt" | "chatgpt" | "assistant" | "bing" | "bard" => Ok(Message::Assistant),
        "system" => Ok(Message::System(value)),
        from @ ("function_call" | "observation" | "tool") => Err(format!("`from` is {from:?}: {CALLS}")),
        from => {
            Err(format!("`from` is {}, not human, user, gpt, chatgpt, assistant, bing, bard or system", shown(from)))
        }
    }
}
