//! Model folders that a backend must refuse to load instead of running on a guess.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use pocketwatt_protocol::ModelFiles;

use super::{Expectation, load};
use crate::Backend;

type Check = fn(&dyn Backend, &Expectation) -> Result<()>;

pub(super) const LOAD_CHECKS: &[(&str, Check)] = &[
    ("refuses_missing_weights", refuses_missing_weights),
    ("refuses_truncated_weights", refuses_truncated_weights),
    ("refuses_weights_of_another_shape", refuses_weights_of_another_shape),
];

fn refuses_missing_weights(backend: &dyn Backend, expected: &Expectation) -> Result<()> {
    let files = damaged(expected, "missing-weights", |folder| {
        fs::remove_file(folder.join(weights_name(expected)?)).context("cannot remove the weights")
    })?;
    ensure_refused(backend, expected, &files, "a folder without model.safetensors")
}

fn refuses_truncated_weights(backend: &dyn Backend, expected: &Expectation) -> Result<()> {
    let files = damaged(expected, "truncated-weights", |folder| {
        let weights = File::options().write(true).open(folder.join(weights_name(expected)?))?;
        let bytes = weights.metadata()?.len();
        weights.set_len(bytes / 2).context("cannot truncate the weights")
    })?;
    ensure_refused(backend, expected, &files, "half a weight file")
}

fn refuses_weights_of_another_shape(backend: &dyn Backend, expected: &Expectation) -> Result<()> {
    let files = damaged(expected, "another-shape", |folder| {
        let path = folder.join("config.json");
        fs::write(&path, with_wider_ffn(&fs::read_to_string(&path)?)?).context("cannot write config.json")
    })?;
    ensure_refused(backend, expected, &files, "a configuration whose feed-forward layer is wider than the weights")
}

/// Name of the file that holds the weights in the precision at hand.
fn weights_name(expected: &Expectation) -> Result<&OsStr> {
    expected.files.weights.file_name().context("the weights' path has no file name")
}

/// A copy of the model, which `damage` has changed.
fn damaged(expected: &Expectation, name: &str, damage: impl Fn(&Path) -> Result<()>) -> Result<ModelFiles> {
    let folder = expected.scratch.join(name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for entry in fs::read_dir(&expected.files.folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
    }
    damage(&folder)?;
    let weights = folder.join(weights_name(expected)?);
    let mut files = ModelFiles { folder: folder.clone(), weights, ..expected.files.clone() };
    if let Some(graph) = &mut files.graph {
        let name = graph.path.file_name().context("the graph's path has no file name")?;
        graph.path = folder.join(name);
    }
    Ok(files)
}

/// `config.json` with a larger `intermediate_size`, or `intermediate_size_mlp` where a model uses that key. Edited as
/// text, since reading it is the model crate's business.
fn with_wider_ffn(json: &str) -> Result<String> {
    let wider = with_larger(json, "intermediate_size")?.context("config.json has no intermediate_size")?;
    Ok(with_larger(&wider, "intermediate_size_mlp")?.unwrap_or(wider))
}

/// `None` where the key is missing.
fn with_larger(json: &str, key: &str) -> Result<Option<String>> {
    let quoted = format!("\"{key}\":");
    let Some((before, after)) = json.split_once(&quoted) else { return Ok(None) };
    let digits = after.trim_start();
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let width: usize = digits[..end].parse().with_context(|| format!("{key} is not a number"))?;
    Ok(Some(format!("{before}{quoted} {}{}", width + 32, &digits[end..])))
}

fn ensure_refused(backend: &dyn Backend, expected: &Expectation, files: &ModelFiles, what: &str) -> Result<()> {
    match load(backend, files, &expected.options) {
        Ok(_) => bail!("{what} was loaded without an error"),
        Err(error) => {
            ensure!(!format!("{error:#}").trim().is_empty(), "{what} was refused without a message");
            Ok(())
        }
    }
}
