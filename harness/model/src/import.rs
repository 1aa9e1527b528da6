//! Turns models of others, Hugging Face folders and GGUF files, into our model folders.

mod gguf;
mod hugging_face;
mod sentencepiece;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use pocketwatt_protocol::Precision;

use crate::{
    ModelConfig, ModelError, ModelFolder, ModelManifest, ModelOrigin,
    precision::stored_tensors,
    staging::StagedFolder,
    text_remarks,
    weight_writer::{WeightWriter, WrittenFile},
};

/// Room on the disk for everything but the weights, in bytes.
const OTHER_BYTES: u64 = 64 << 20;
/// The file of a chat template.
const TEMPLATE: &str = "chat_template.jinja";

/// A model in a foreign format.
trait Source {
    /// Its shape.
    fn config(&self) -> &ModelConfig;

    /// The `model_type` of its kind in `config.json`: `mobilellm`, `llama` or `llama4_text`.
    fn model_type(&self) -> &str;

    /// Where it comes from, with the SHA-256 of the files that were read.
    fn origin(&self) -> Result<ModelOrigin, ModelError>;

    /// A tensor by Hugging Face's name, as f32 in row-major `[out, in]` layout, with the file it was read from.
    fn read_f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError>;

    /// The file that an error about that tensor names.
    fn path(&self) -> &Path;

    /// The name of this file in the user's form of the model, for errors.
    fn file(&self, name: &str) -> PathBuf {
        let own = self.path().join(name);
        if own.is_file() { own } else { self.path().to_owned() }
    }

    /// Names and contents of the tokenizer's files.
    fn texts(&self) -> Result<Vec<(String, String)>, ModelError>;
}

/// Imports a model into the folder `target`, which must not exist or be empty: a Hugging Face folder (`config.json`,
/// `model.safetensors` or shards with an index, `tokenizer.json`), or a GGUF file of the architecture `llama`.
///
/// Whatever the source's number format, the weights are stored as f32, one tensor at a time, so that at most the
/// largest tensor is in memory. The folder appears once everything is written and checked.
///
/// # Errors
/// When the source cannot be read, is malformed, asks for an unsupported computation, lacks a tensor or
/// has one of another shape or with values that are not finite, its tokenizer does not fit, or the disk is full.
pub fn import(source: &Path, name: &str, target: &Path) -> Result<ModelFolder, ModelError> {
    import_known_as(source, None, name, target)
}

/// Like [`import`], but the origin names the source `known_as`: a fetched file is named after where it came from.
///
/// # Errors
/// As [`import`].
pub fn import_known_as(
    source: &Path,
    known_as: Option<&str>,
    name: &str,
    target: &Path,
) -> Result<ModelFolder, ModelError> {
    if source.is_dir() {
        return write(&hugging_face::HuggingFaceFolder::open(source)?, known_as, name, target);
    }
    write(&gguf::GgufModel::open(source)?, known_as, name, target)
}

/// Reads everything that [`import`] would and stores nothing, for tests of the readers. Returns the shape, and the names and
/// contents of the tokenizer's files, which are not tried out.
///
/// # Errors
/// As [`import`], for errors of the source.
pub fn read_source(source: &Path) -> Result<(ModelConfig, Vec<(String, String)>), ModelError> {
    let read = |source: &dyn Source| {
        let config = source.config().clone();
        config.validate()?;
        let texts = source.texts()?;
        for tensor in &config.tensors() {
            source.read_f32(&tensor.name, &tensor.shape)?;
        }
        Ok((config, texts))
    };
    if source.is_dir() {
        read(&hugging_face::HuggingFaceFolder::open(source)?)
    } else {
        read(&gguf::GgufModel::open(source)?)
    }
}

/// The origin of a model imported from `source`. This reads the files of its weights.
///
/// # Errors
/// When the source cannot be read or is malformed.
pub fn import_origin(source: &Path) -> Result<ModelOrigin, ModelError> {
    if source.is_dir() {
        return hugging_face::HuggingFaceFolder::open(source)?.origin();
    }
    gguf::GgufModel::open(source)?.origin()
}

fn write(source: &dyn Source, known_as: Option<&str>, name: &str, target: &Path) -> Result<ModelFolder, ModelError> {
    let config = source.config();
    config.validate()?;
    let needed = config.weight_bytes() + OTHER_BYTES;
    let texts = source.texts()?;
    let mut origin = source.origin()?;
    if let (ModelOrigin::Imported { source, .. }, Some(known_as)) = (&mut origin, known_as) {
        *source = known_as.to_owned();
    }
    let staged = StagedFolder::begin(target, needed)?;
    let path = staged.path();
    let write_all = || {
        for (file, text) in
            [("config.json".to_owned(), config.to_json_as(source.model_type()))].into_iter().chain(texts)
        {
            let path = path.join(file);
            fs::write(&path, text).map_err(ModelError::io("write", path))?;
        }
        let weights = write_weights(source, &path.join("model.safetensors"))?;
        ModelManifest::describe(name, origin, path, weights)
    };
    let mut manifest = write_all().map_err(|error| error.or_full(needed))?;
    // A model whose text cannot be read is not worth keeping.
    let remarks = text_remarks(&ModelFolder::open(path)?);
    manifest.remarks = remarks.map_err(|error| error.about(|path| source.file(&file_name(path))))?;
    manifest.write(path).map_err(|error| error.or_full(needed))?;
    staged.publish()?;
    ModelFolder::open(target)
}

fn write_weights(source: &dyn Source, path: &Path) -> Result<WrittenFile, ModelError> {
    let config = source.config();
    let file = File::create(path).map_err(ModelError::io("write", path))?;
    let mut writer = WeightWriter::begin(file, path, &stored_tensors(config, Precision::F32))?;
    for tensor in &config.tensors() {
        let values = source.read_f32(&tensor.name, &tensor.shape)?;
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let (name, value) = (&tensor.name, values[index]);
            return Err(ModelError::invalid(source.path(), format!("weight {index} of tensor {name:?} is {value}")));
        }
        writer.write_f32(&values)?;
    }
    Ok(writer.finish())
}

/// Orders the rows of a projection to queries or keys, `[heads * head_dim, width]`, for rotary positions that pair
/// dimension `i` of a head with `i + head_dim / 2`, where the source pairs `2 i` with `2 i + 1`.
fn halves_from_pairs(values: &[f32], head_dim: usize, width: usize) -> Vec<f32> {
    let half = head_dim / 2;
    let mut ordered = Vec::with_capacity(values.len());
    for head in values.chunks(head_dim * width) {
        for row in 0..head_dim {
            let (part, pair) = (row / half, row % half);
            let from = (2 * pair + part) * width;
            ordered.extend_from_slice(&head[from..from + width]);
        }
    }
    ordered
}

/// The last part of a path, for people.
fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
