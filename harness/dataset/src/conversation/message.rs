//! The messages of a transcript, in whichever of the two common forms each is written.

use super::{
    UserTurn,
    dialogue::{Dialogue, Message},
    field::{Object, keys, list, object, required},
    messages, sharegpt,
};

/// The system prompt, and what the user says in the messages under a key of a row.
pub(super) fn transcript(
    row: &Object,
    key: &str,
    mut dialogue: Dialogue,
) -> Result<(Option<String>, Vec<UserTurn>), String> {
    for (index, value) in list(required(row, key)?, key)?.iter().enumerate() {
        let name = format!("{key}[{index}]");
        let added = read(object(value, &name)?).and_then(|message| dialogue.add(message));
        added.map_err(|reason| format!("{name}: {reason}"))?;
    }
    dialogue.finish(key)
}

/// `from` and `value`, or `role` and `content`: files keep the key of one format around the messages of the other.
fn read(message: &Object) -> Result<Message, String> {
    match (message.contains_key("from"), message.contains_key("role")) {
        (true, _) => sharegpt::read_message(message),
        (false, true) => messages::read_message(message),
        (false, false) => Err(format!("neither `from` nor `role` says who speaks; its keys are {}", keys(message))),
    }
}
