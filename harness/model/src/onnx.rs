//! ONNX graphs of a model. They contain no weights: each tensor is a reference into `model.safetensors`, so that a graph
//! has half a megabyte, is written in milliseconds, and every engine reads the same bytes. (Most of it is the rotary
//! tables of all positions: 8 MB for a context of 32,768, and 33 MB for the 131,072 of Llama 3.2.)

mod activation;
mod attention;
mod builder;
mod decoder;
mod encode;
mod linear;
mod norm;
mod ports;
mod positions;
#[cfg(test)]
mod tests;

use std::{fs, io::Write};

use pocketwatt_files::{sha256, write_atomically};
use pocketwatt_protocol::{GraphFile, GraphKind, Precision};

use crate::{
    ModelError, ModelFolder,
    precision::{open_folder, weights_file_name},
};

/// Characters of the hash in a file's name.
const NAME_HASH_CHARACTERS: usize = 16;

/// The graph of that kind in the model's folder, over weights of that precision, which must be prepared
/// ([`crate::precision::prepare_weights`]); it is written unless it already exists.
///
/// The file is named after the hash of its contents, `<kind>-<hash>.onnx`. Computing the contents takes a few
/// milliseconds, so that is done every time: a graph that an older version wrote, or that was damaged since, is never
/// taken for the right one.
///
/// # Errors
/// When the graph does not exist in that precision, the weights are in another format or do not fit the configuration, or the graph cannot be written.
pub fn write_graph(folder: &ModelFolder, kind: GraphKind, precision: Precision) -> Result<GraphFile, ModelError> {
    let bytes = graph_bytes(folder, kind, precision)?;
    let sha256 = sha256(&bytes);
    let path = folder.path().join(format!("{}-{}.onnx", kind.name(), &sha256[..NAME_HASH_CHARACTERS]));
    if fs::read(&path).is_ok_and(|present| present == bytes) {
        return Ok(GraphFile { kind, path, sha256 });
    }
    write_atomically(&path, |file| file.write_all(&bytes)).map_err(ModelError::io("write", &path))?;
    Ok(GraphFile { kind, path, sha256 })
}

fn graph_bytes(folder: &ModelFolder, kind: GraphKind, precision: Precision) -> Result<Vec<u8>, ModelError> {
    match (precision, kind) {
        (Precision::F32 | Precision::Int8 | Precision::W8a8 | Precision::Int4, _) => {}
        (Precision::F16, GraphKind::Opset17) => {}
        (Precision::F16 | Precision::Bf16, _) => {
            return Err(ModelError::NoGraph { kind: kind.name(), precision: precision.name() });
        }
    }
    let weights_name = weights_file_name(precision);
    let weights = open_folder(folder, precision)?;
    let draft = decoder::decoder(folder.config(), kind, precision, &weights)?;
    Ok(encode::encode(&draft, kind, weights_name))
}
