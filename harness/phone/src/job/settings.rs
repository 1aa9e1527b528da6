//! Android's settings, through its command `settings`.

use super::{
    android::{Android, Unanswered},
    before::Namespace,
};

/// What `settings get` prints for a setting that is not set. None of those that are changed here can have this text as its value.
const NOT_SET: &str = "null";

/// The value of a setting; `None` if it is not set.
pub(super) fn value(android: &Android, namespace: Namespace, key: &str) -> Result<Option<String>, Unanswered> {
    let text = android.ask(&["settings", "get", namespace.name(), key])?;
    // The value may have line ends of its own.
    let value = text.strip_suffix('\n').unwrap_or(&text);
    Ok((value != NOT_SET).then(|| value.to_owned()))
}

/// Sets it, or removes it where there was none; and looks whether that had an effect: some phones refuse without a word.
pub(super) fn set(android: &Android, namespace: Namespace, key: &str, wanted: Option<&str>) -> Result<(), Unanswered> {
    match wanted {
        Some(wanted) => android.ask(&["settings", "put", namespace.name(), key, wanted])?,
        None => android.ask(&["settings", "delete", namespace.name(), key])?,
    };
    let now = value(android, namespace, key)?;
    if now.as_deref() == wanted {
        return Ok(());
    }
    let shown = |value: Option<&str>| value.map_or_else(|| "not set".to_owned(), |value| format!("{value:?}"));
    Err(Unanswered::Failed {
        command: "settings".into(),
        words: format!("{} {key} is {} after it was set to {}", namespace.name(), shown(now.as_deref()), shown(wanted)),
    })
}
