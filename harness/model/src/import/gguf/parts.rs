//! The files of a model: one, or the parts that llama.cpp's `llama-gguf-split` split it into (its `tools/gguf-split`).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use pocketwatt_files::sha256;

use super::{
    metadata::Metadata,
    reader::{GgufFile, Tensor},
};
use crate::{ModelError, import::file_name, sha256_of_file};

const COUNT: &str = "split.count";
const NUMBER: &str = "split.no";
const TENSORS: &str = "split.tensors.count";
/// This many missing files are named.
const MOST_NAMED: usize = 4;

/// All files of a model, in their order.
pub struct Parts {
    files: Vec<GgufFile>,
    /// The index of the file with each tensor.
    places: BTreeMap<String, usize>,
}

/// The number of a part, counted from 0, and the number of parts.
#[derive(Clone, Copy, PartialEq)]
struct Part {
    number: usize,
    count: usize,
}

impl Part {
    /// `None` for a file that contains the whole model.
    fn from_metadata(metadata: &Metadata) -> Result<Option<Self>, String> {
        let Some(count) = metadata.optional_size(COUNT)?.filter(|&count| count > 1) else { return Ok(None) };
        let number = metadata.size(NUMBER)?;
        if number >= count {
            return Err(format!("{NUMBER} is {number}, but {COUNT} is {count}"));
        }
        Ok(Some(Self { number, count }))
    }

    /// The end of the file names of parts.
    fn ending(self) -> String {
        format!("-{:05}-of-{:05}.gguf", self.number + 1, self.count)
    }
}

impl Parts {
    /// Opens a file, and the other parts if it is one: any part will do.
    ///
    /// # Errors
    /// When a part cannot be read, is malformed or missing, or does not belong to the same model.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let given = GgufFile::open(path)?;
        let invalid = |reason: String| ModelError::invalid(path, reason);
        let Some(part) = Part::from_metadata(given.metadata()).map_err(invalid)? else {
            return Self::from_files(vec![given]);
        };
        let mut files = Vec::new();
        let paths = paths_of_all(path, part).map_err(invalid)?;
        for (number, path) in paths.iter().enumerate() {
            let file = GgufFile::open(path)?;
            let expected = Part { number, ..part };
            if Part::from_metadata(file.metadata()).map_err(|reason| ModelError::invalid(path, reason))?
                != Some(expected)
            {
                let reason =
                    format!("it does not say that it is part {} of {} ({NUMBER}, {COUNT})", number + 1, part.count);
                return Err(ModelError::invalid(path, reason));
            }
            files.push(file);
        }
        let parts = Self::from_files(files)?;
        match parts.metadata().optional_size(TENSORS).map_err(invalid)? {
            Some(expected) if expected != parts.places.len() => Err(invalid(format!(
                "there are {} tensors in its {} parts, but {TENSORS} is {expected}: are they of one model?",
                parts.places.len(),
                part.count
            ))),
            _ => Ok(parts),
        }
    }

    fn from_files(files: Vec<GgufFile>) -> Result<Self, ModelError> {
        let mut places = BTreeMap::new();
        for (index, file) in files.iter().enumerate() {
            for name in file.tensors().keys() {
                if places.insert(name.clone(), index).is_some() {
                    return Err(ModelError::invalid(file.path(), format!("tensor {name:?} is in another part too")));
                }
            }
        }
        Ok(Self { files, places })
    }

    /// The first file, which has the keys.
    pub fn path(&self) -> &Path {
        self.files[0].path()
    }

    pub fn metadata(&self) -> &Metadata {
        self.files[0].metadata()
    }

    pub fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.files.iter().flat_map(|file| file.tensors().values())
    }

    /// A tensor and its file.
    pub fn tensor(&self, name: &str) -> Option<(&GgufFile, &Tensor)> {
        let file = &self.files[*self.places.get(name)?];
        Some((file, file.tensors().get(name)?))
    }

    /// The SHA-256 of a single file, or of the lines `<sha256>  <file name>` of several.
    pub fn sha256(&self) -> Result<String, ModelError> {
        if let [file] = self.files.as_slice() {
            return sha256_of_file(file.path());
        }
        let mut lines = String::new();
        for file in &self.files {
            lines += &format!("{}  {}\n", sha256_of_file(file.path())?, file_name(file.path()));
        }
        Ok(sha256(lines))
    }
}

/// The paths of all parts, of which one is at `path`; checks that they exist.
fn paths_of_all(path: &Path, part: Part) -> Result<Vec<PathBuf>, String> {
    let Part { number, count } = part;
    let what = format!("it is part {} of {count} ({COUNT}) of a model", number + 1);
    let name = file_name(path);
    let Some(stem) = name.strip_suffix(&part.ending()) else {
        return Err(format!(
            "{what}, but its name does not end in {:?}, by which the others are found: give all of them their names, or \
             make one file of them with `llama-gguf-split --merge`",
            part.ending()
        ));
    };
    let (mut paths, mut missing) = (Vec::new(), Vec::new());
    for number in 0..count {
        let name = format!("{stem}{}", Part { number, count }.ending());
        let path = path.with_file_name(&name);
        if !path.is_file() {
            missing.push(name);
        }
        if missing.len() > MOST_NAMED {
            break;
        }
        paths.push(path);
    }
    if missing.is_empty() {
        return Ok(paths);
    }
    let named = missing.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if missing.len() > MOST_NAMED { " and more" } else { "" };
    Err(format!("{what}, and beside it there is no {named}{more}: put all parts into one folder"))
}
