//! The files that contain a checkpoint's weights.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use pocketwatt_files::{join_inside, read_text_bounded};
use serde::Deserialize;

use super::parse;
use crate::{ModelError, WeightFile};

pub(super) const WEIGHTS: &str = "model.safetensors";
pub(super) const INDEX: &str = "model.safetensors.index.json";
/// Longest index of shards, in bytes.
const MOST_INDEX_BYTES: u64 = 16 << 20;

/// The index of a sharded checkpoint.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The single file, or else the shards that the index names. Where both exist, transformers uses the single file and ignores
/// the index (`_get_resolved_checkpoint_files` in its `modeling_utils.py`), which then comes from an earlier save.
pub(super) fn weight_files(folder: &Path) -> Result<Vec<WeightFile>, ModelError> {
    let index = folder.join(INDEX);
    let single = folder.join(WEIGHTS);
    if single.exists() {
        return Ok(vec![WeightFile::open(&single)?]);
    }
    if !index.exists() {
        return Err(ModelError::invalid(folder, format!("there is neither {WEIGHTS} nor {INDEX} in it")));
    }
    let Index { weight_map } = read(&index)?;
    let mut names: Vec<&String> = weight_map.values().collect();
    names.sort();
    names.dedup();
    let mut files = Vec::new();
    for name in names {
        let beside = |_| ModelError::invalid(&index, format!("{name:?} is not the name of a file beside it"));
        let file = join_inside(folder, name).map_err(beside)?;
        if !file.is_file() {
            return Err(ModelError::invalid(&index, format!("it names {name:?}, which is not beside it")));
        }
        files.push(WeightFile::open(&file)?);
    }
    let held: HashSet<&String> = files.iter().flat_map(|file| file.tensors().keys()).collect();
    match weight_map.keys().find(|tensor| !held.contains(tensor)) {
        Some(name) => Err(ModelError::MissingTensor { name: name.clone(), path: index }),
        None if files.is_empty() => Err(ModelError::invalid(&index, "it names no files")),
        None => Ok(files),
    }
}

/// A note about an index that was not read, unless it names the one file that was.
pub(super) fn note_of_index(folder: &Path) -> Option<String> {
    let index = folder.join(INDEX);
    if !(index.exists() && folder.join(WEIGHTS).exists()) {
        return None;
    }
    let same = read(&index).is_ok_and(|index| index.weight_map.values().all(|name| name == WEIGHTS));
    (!same).then(|| format!("weights of {WEIGHTS}, not of the index beside it"))
}

fn read(index: &Path) -> Result<Index, ModelError> {
    let text = read_text_bounded(index, MOST_INDEX_BYTES).map_err(ModelError::io("read", index))?;
    parse(index, &text)
}
