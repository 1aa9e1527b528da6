//! What processes that are gone left unfinished in the cache: it may be gigabytes.
//!
//! The writers of this version hold a lock on unfinished files as long as they live. Earlier versions held no lock, and wrote under
//! names that end in the number of their process, which means nothing in another container. Their files are removed
//! when the lock of their model is free. If such a version is running at that moment, its command fails and
//! can be repeated; no harm is done.

use std::{
    env,
    ffi::OsStr,
    fs::{self, DirEntry},
    path::Path,
};

use pocketwatt_files::remove_abandoned;
use pocketwatt_model::check_name;

use super::{CacheLock, Item};

/// Removes it, as far as possible.
pub(super) fn remove(cache: &Path) {
    // Logits for comparison are written there.
    remove_abandoned(&env::temp_dir());
    let models = cache.join("models");
    remove_abandoned(&models);
    for folder in folders(&models) {
        let name = folder.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(model) = model_of_unfinished(name) {
            if let Some(_lock) = CacheLock::try_take(cache, Item::Model(model)) {
                // A failure to remove something must not prevent measuring.
                let _ = fs::remove_dir_all(folder.path());
            }
        } else if check_name(name).is_ok() {
            remove_abandoned(&folder.path());
            remove_files_of_earlier_versions(cache, name, &folder.path());
        }
    }
}

fn folders(parent: &Path) -> impl Iterator<Item = DirEntry> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
}

fn remove_files_of_earlier_versions(cache: &Path, model: &str, folder: &Path) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let unfinished: Vec<DirEntry> = files.filter(|entry| is_unfinished_file(&entry.file_name())).collect();
    if unfinished.is_empty() {
        return;
    }
    if let Some(_lock) = CacheLock::try_take(cache, Item::Model(model)) {
        for file in unfinished {
            let _ = fs::remove_file(file.path());
        }
    }
}

/// The model of a folder as earlier versions named unfinished ones: `tiny` for `.tiny.partial-1234` and `.tiny.next-1234`.
fn model_of_unfinished(folder: &str) -> Option<&str> {
    let name = folder.strip_prefix('.')?;
    let (model, process) = name.rsplit_once(".partial-").or_else(|| name.rsplit_once(".next-"))?;
    (is_number(process) && check_name(model).is_ok()).then_some(model)
}

/// Whether a file is named like `model.int8.safetensors.1234.tmp`, `model.int8.json.1234.tmp`,
/// `opset17-0123456789abcdef.onnx.1234-5.tmp` or `token-bytes.json.1234`.
fn is_unfinished_file(file: &OsStr) -> bool {
    let Some(file) = file.to_str() else { return false };
    if let Some(process) = file.strip_prefix("token-bytes.json.") {
        return is_number(process);
    }
    let Some((name, process)) = file.strip_suffix(".tmp").and_then(|file| file.rsplit_once('.')) else { return false };
    let counted = || process.split_once('-').is_some_and(|(process, count)| is_number(process) && is_number(count));
    let rounded = name.starts_with("model.") && (name.ends_with(".safetensors") || name.ends_with(".json"));
    (rounded && is_number(process)) || (name.ends_with(".onnx") && counted())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_versions_left_is_removed_unless_somebody_is_at_that_model() {
        let cache = tempfile::tempdir().unwrap();
        let models = cache.path().join("models");
        let busy = CacheLock::take(cache.path(), Item::Model("busy")).unwrap();
        let unfinished = [".tiny.partial-123", ".busy.next-4", "tiny/model.int8.safetensors.12.tmp"];
        let more = ["tiny/opset17-00.onnx.7-0.tmp", "tiny/token-bytes.json.8", ".pocketwatt-x.partial"];
        let kept =
            ["tiny/model.safetensors", "tiny/token-bytes.json", "tiny/notes.tmp", ".hidden", "busy/model.x.json.1"];
        for folder in ["tiny", "busy", ".tiny.partial-123", ".busy.next-4", ".pocketwatt-x.partial"] {
            fs::create_dir_all(models.join(folder)).unwrap();
        }
        for file in unfinished.iter().chain(&more).chain(&kept) {
            let path = models.join(file);
            fs::write(if path.is_dir() { path.join("file") } else { path }, "").unwrap();
        }
        let there = |names: &[&str]| names.iter().map(|name| models.join(name).exists()).collect::<Vec<_>>();
        remove(cache.path());
        assert_eq!(there(&unfinished), [false, true, false]);
        assert_eq!(there(&more), [false; 3]);
        drop(busy);
        remove(cache.path());
        assert_eq!(there(&unfinished), [false; 3]);
        assert_eq!(there(&kept), [true; 5]);
    }
}
