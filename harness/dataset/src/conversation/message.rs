//! The messages of a transcript, each in either of the two common forms.

use super::{
    UserTurn,
    dialogue::{Dialogue, Message},
    field::{Object, keys, list, object, required},
    messages, sharegpt,
};

/// The system prompt and the user's turns in the messages under a key of a row.
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

/// `from` and `value`, or `role` and `content`: some files combine the outer key of one format with messages of the other.
fn read(message: &Object) -> Result<Message, String> {
    match (message.contains_key("from"), message.contains_key("role")) {
        (true, _) => sharegpt::read_message(message),
        (false, true) => messages::read_message(message),
        (false, false) => Err(format!("it has neither `from` nor `role`; its keys are {}", keys(message))),
    }
}
