//! The phone's settings as they were before a job changed them: `before.json` in its folder.

use std::{
    fs, io,
    io::{ErrorKind, Write},
    path::Path,
};

use pocketwatt_files::{read_bounded_in_place, write_atomically};
use serde::{Deserialize, Serialize};

const MOST_BYTES: u64 = 1 << 20;

/// What a job changes on the phone. It is on the disk before the first change, so whoever finds it can put everything back; it is
/// removed once that is done. A run reads it for its passport: `POCKETWATT_CHANGED_SETTINGS` names the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// The settings that are changed.
    pub settings: Vec<SettingChange>,
    /// How the screen is while the job measures; absent if the job leaves it as it is.
    #[serde(default)]
    pub screen: Option<Screen>,
    /// What the phone did not allow.
    #[serde(default)]
    pub refused: Vec<Refused>,
}

/// A setting that is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingChange {
    /// Where it is.
    pub namespace: Namespace,
    /// Its name, as `stay_on_while_plugged_in`.
    pub key: String,
    /// Its value before, as it was; absent if it was not set.
    pub before: Option<String>,
    /// Its value while the job measures.
    pub during: String,
}

/// Where Android keeps a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Namespace {
    /// Of the device.
    Global,
    /// Of the user, such as brightness.
    System,
}

/// How the screen is while a job measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Screen {
    /// It is on, as bright as it was.
    On,
    /// It is on, at the lowest brightness.
    Dimmed,
    /// The phone counts as on, and its panel has no power (Android 15 and later).
    PanelOff,
}

/// A change that the phone did not allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What, as `global stay_on_while_plugged_in`.
    pub what: String,
    /// What the phone says.
    pub words: String,
}

impl Namespace {
    /// As Android's `settings` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::System => "system",
        }
    }
}

impl SettingChange {
    /// `global stay_on_while_plugged_in`.
    pub fn what(&self) -> String {
        format!("{} {}", self.namespace.name(), self.key)
    }
}

impl Before {
    /// Reads the file; `None` if there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is something else.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match read_bounded_in_place(path, MOST_BYTES) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        }
    }

    /// Writes the file, and returns when it is on the disk.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        write_atomically(path, |file| file.write_all(text.as_bytes()))
    }

    /// Removes the file, and returns when that is on the disk.
    pub(super) fn remove(path: &Path) -> io::Result<()> {
        fs::remove_file(path)?;
        if let Some(folder) = path.parent() {
            // Some file systems cannot do that for a folder.
            let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }

    /// Whether nothing is changed.
    pub(super) fn is_nothing(&self) -> bool {
        self.settings.is_empty() && self.screen != Some(Screen::PanelOff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_plain_json_and_values_are_kept_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("before.json");
        assert_eq!(Before::read(&path).unwrap(), None);
        let change = SettingChange {
            namespace: Namespace::Global,
            key: "a".into(),
            before: Some("it's \"x\"\n $(id) ".into()),
            during: "7".into(),
        };
        let before = Before { settings: vec![change], screen: Some(Screen::PanelOff), refused: Vec::new() };
        before.write(&path).unwrap();
        assert_eq!(Before::read(&path).unwrap(), Some(before));
        let text = r#"{"settings": [{"namespace": "system", "key": "b", "before": null, "during": "0"}]}"#;
        fs::write(&path, text).unwrap();
        assert_eq!(Before::read(&path).unwrap().unwrap().settings[0].what(), "system b");
        fs::write(&path, "{").unwrap();
        Before::read(&path).unwrap_err();
        Before::remove(&path).unwrap();
        assert!(!path.exists());
    }
}
