//! `pocketwatt model verify`: whether the files of models have changed.

use anyhow::{Result, bail};
use pocketwatt_model::{
    ModelError, ModelFolder, ModelLibrary, ModelManifest, check_name,
    precision::{is_intact, weights_file_name},
};
use pocketwatt_protocol::Precision;

use crate::{
    cache::{CacheLock, Item},
    command::output,
    inert,
};

/// Recomputes the hashes of the models with these names, or of all.
///
/// # Errors
/// When a file has changed.
pub fn run(library: &ModelLibrary, names: &[String]) -> Result<()> {
    let names = match names {
        [] => library.list()?.into_iter().map(|entry| entry.name).collect(),
        names => names.to_vec(),
    };
    let mut damaged = Vec::new();
    for name in names {
        let (text, whole) = verify_model(library, &name)?;
        output::write(&text)?;
        if !whole {
            damaged.push(name);
        }
    }
    if !damaged.is_empty() {
        bail!(
            "{} not what was made: replace with `pocketwatt model generate` or `import` and --force",
            if let [one] = damaged.as_slice() { format!("{one} is") } else { format!("{} are", damaged.join(", ")) }
        );
    }
    Ok(())
}

/// One line for each file, and whether all are unchanged.
pub(super) fn verify_model(library: &ModelLibrary, name: &str) -> Result<(String, bool)> {
    check_name(name)?;
    let path = library.folder(name);
    if !path.is_dir() {
        // The error suggests a similar name.
        library.find(name)?;
    }
    // No other process may replace it while it is read.
    let _lock = CacheLock::take(library.root(), Item::Model(name))?;
    let manifest = match ModelManifest::read_at(&path) {
        Ok(manifest) => manifest,
        Err(error) => return Ok((format!("{}\n", inert::line(&format!("{name}: {error}"))), false)),
    };
    let (mut text, mut whole) = (String::new(), true);
    for (file, outcome) in manifest.verify_each(&path) {
        let state = match &outcome {
            Ok(()) => "ok",
            Err(ModelError::Changed { .. }) => "changed",
            Err(ModelError::Io { source, .. }) => &format!("unreadable: {source}"),
            Err(error) => &error.to_string(),
        };
        text += &(inert::line(&format!("{name}/{file}: {state}")) + "\n");
        whole &= outcome.is_ok();
    }
    if let Ok(folder) = ModelFolder::open(&path) {
        for line in derived_weights(&folder, &manifest) {
            text += &(inert::line(&format!("{name}/{line}")) + "\n");
        }
    }
    Ok((text, whole))
}

/// A line for each file of weights that is made again if it is missing or has changed.
fn derived_weights(folder: &ModelFolder, manifest: &ModelManifest) -> Vec<String> {
    let missing = (!folder.has_f32()).then(|| {
        let file = weights_file_name(Precision::F32);
        format!("{file}: missing; it will be made from the seed when it is needed")
    });
    let rounded = Precision::ALL.into_iter().filter(|precision| *precision != Precision::F32);
    let rounded = rounded.filter(|precision| folder.has_weights(*precision)).map(|precision| {
        let state = match is_intact(folder, &manifest.weights_sha256, precision) {
            true => "ok",
            false => "changed; it will be made again when it is needed",
        };
        format!("{}: {state}", weights_file_name(precision))
    });
    missing.into_iter().chain(rounded).collect()
}
