//! Puts settings back that jobs changed, whatever happened to those jobs: killed, or the phone was started anew.

use std::path::Path;

use pocketwatt_files::Lock;
use serde::{Deserialize, Serialize};

use super::{
    JobError, JobFolder, JobId,
    android::{Android, Unanswered},
    before::{Before, Screen, SettingChange},
    below_root,
    life::{Holder, holder, jobs},
    settings,
};

/// Something that was to be put back: a line of `pocketwatt on-phone restore`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreLine {
    /// The job that changed it.
    pub job: JobId,
    /// What, as `global stay_on_while_plugged_in`.
    pub what: String,
    /// Whether it is as it was.
    pub is_restored: bool,
    /// Why not; then it is tried again by the next `restore`.
    pub words: Option<String>,
}

/// Puts back what every job changed that is not carried out any more.
///
/// # Errors
/// When the folder of jobs cannot be read or locked. What could not be put back is told in its line.
pub fn restore(root: &Path, android: &Android) -> Result<Vec<RestoreLine>, JobError> {
    let folder = root.join(below_root::JOBS);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let _restoring = lock(root)?;
    let mut lines = Vec::new();
    for id in jobs(root)? {
        let folder = JobFolder::new(root, &id);
        if folder.before().symlink_metadata().is_err() {
            continue;
        }
        match holder(&folder.lock()) {
            Ok(Holder::Nobody) => lines.extend(put_back(&id, &folder, android)),
            // It puts its settings back itself.
            Ok(_) => {}
            Err(error) => {
                let words = Some(format!("whether the job is going on is not known: {error}"));
                lines.push(RestoreLine { job: id, what: "settings".into(), is_restored: false, words });
            }
        }
    }
    Ok(lines)
}

/// Held by whoever puts settings back, or is about to change them.
pub(super) fn lock(root: &Path) -> Result<Lock, JobError> {
    let path = root.join(below_root::RESTORE_LOCK);
    let own = format!("restore, process {}", std::process::id());
    Lock::take(&path, &own, |_| {}).map_err(JobError::io("lock", &path))
}

/// Puts back what one job changed, and removes its `before.json` once all of it is as it was.
pub(super) fn put_back(id: &JobId, folder: &JobFolder, android: &Android) -> Vec<RestoreLine> {
    let path = folder.before();
    let line = |what: &str, words: Option<String>| RestoreLine {
        job: id.clone(),
        what: what.into(),
        is_restored: words.is_none(),
        words,
    };
    let before = match Before::read(&path) {
        Ok(None) => return Vec::new(),
        Ok(Some(before)) => before,
        Err(error) => return vec![line("settings", Some(format!("cannot read {}: {error}", path.display())))],
    };
    let mut left = Before::default();
    let mut lines = Vec::new();
    // A phone whose commands hang is asked once.
    let mut silence = None;
    let mut failure = |put_back: &dyn Fn() -> Result<(), Unanswered>| {
        let words = match &silence {
            Some(words) => String::clone(words),
            None => {
                let why = put_back().err()?;
                let words = why.to_string();
                if matches!(why, Unanswered::Silent { .. }) {
                    silence = Some(words.clone());
                }
                words
            }
        };
        Some(words)
    };
    if before.screen == Some(Screen::PanelOff) {
        let words = failure(&|| android.ask(&["cmd", "display", "power-on", "0"]).map(drop));
        left.screen = words.as_ref().and(before.screen);
        lines.push(line("the panel's power", words));
    }
    // The last change first: a brightness is put back before the automatic brightness.
    for change in before.settings.iter().rev() {
        let words = failure(&|| put_back_setting(android, change));
        if words.is_some() {
            left.settings.insert(0, change.clone());
        }
        lines.push(line(&change.what(), words));
    }
    let done = if left.is_nothing() { Before::remove(&path) } else { left.write(&path) };
    if let Err(error) = done {
        lines.push(line("before.json", Some(format!("cannot change {}: {error}", path.display()))));
    }
    lines
}

fn put_back_setting(android: &Android, change: &SettingChange) -> Result<(), Unanswered> {
    let SettingChange { namespace, key, before, .. } = change;
    // A phone that did not allow the change does not allow this one either.
    if settings::value(android, *namespace, key)? == *before {
        return Ok(());
    }
    settings::set(android, *namespace, key, before.as_deref())
}
