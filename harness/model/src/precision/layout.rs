//! What a weight file holds in each precision.

use pocketwatt_protocol::Precision;
use safetensors::tensor::Dtype;

use super::block::BLOCK;
use crate::{ModelConfig, ModelError, TensorSpec, WeightFile};

/// Ending of the name of a matrix's codes.
pub const CODES: &str = ".codes";
/// Ending of the name of a matrix's scales.
pub const SCALES: &str = ".scales";
/// Ending of the name of the sums of a matrix's codes, output by output.
pub const SUMS: &str = ".sums";

/// Bytes of a scale in the narrowest of the engines: f16. The file has f32, since ONNX Runtime needs that.
const SCALE_BYTES: u64 = 2;
/// Bytes of the scale of a whole output, which is f32 in every engine.
const CHANNEL_SCALE_BYTES: u64 = 4;

/// A tensor of a weight file.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTensor {
    /// For example `model.layers.3.mlp.up_proj.weight.codes`.
    pub name: String,
    /// Number format.
    pub dtype: Dtype,
    /// Lengths, outermost first.
    pub shape: Vec<usize>,
}

impl StoredTensor {
    /// Bytes in the file.
    pub fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.bitsize() / 8
    }
}

/// Why a model of that shape cannot be rounded to that precision, if it cannot.
pub fn obstacle(config: &ModelConfig, precision: Precision) -> Option<String> {
    if !matches!(precision, Precision::Int8 | Precision::Int4) {
        return None;
    }
    let widths =
        [("hidden_size", config.hidden), ("intermediate_size", config.ffn), ("attention width", config.query_width())];
    let (key, width) = widths.into_iter().find(|(_, width)| !width.is_multiple_of(BLOCK))?;
    let name = precision.name();
    Some(format!("{name} rounds blocks of {BLOCK} weights, and the model's {key} of {width} is not a multiple of that"))
}

/// The tensors of the file for that precision, in the order of the file: codes and halves first, then scales and
/// norms, each in the order of the configuration. This way the codes of projections with the same input are adjacent, and their
/// scales too, and a graph can treat them as one matrix.
pub fn stored_tensors(config: &ModelConfig, precision: Precision) -> Vec<StoredTensor> {
    let mut tensors: Vec<StoredTensor> =
        config.tensors().into_iter().flat_map(|tensor| stored(tensor, precision)).collect();
    tensors.sort_by_key(|tensor| tensor.dtype == Dtype::F32);
    tensors
}

fn stored(TensorSpec { name, shape }: TensorSpec, precision: Precision) -> Vec<StoredTensor> {
    let [rows, columns] = shape[..] else {
        return vec![StoredTensor { name, dtype: Dtype::F32, shape }];
    };
    let part = |ending: &str, dtype, shape: &[usize]| StoredTensor {
        name: format!("{name}{ending}"),
        dtype,
        shape: shape.to_vec(),
    };
    let pair =
        |codes: &[usize], scales: &[usize]| vec![part(CODES, Dtype::U8, codes), part(SCALES, Dtype::F32, scales)];
    let blocks = columns / BLOCK;
    match precision {
        Precision::F32 => vec![part("", Dtype::F32, &shape)],
        Precision::F16 => vec![part("", Dtype::F16, &shape)],
        Precision::Bf16 => vec![part("", Dtype::BF16, &shape)],
        Precision::Int8 => pair(&[rows, blocks, BLOCK], &[rows, blocks]),
        Precision::Int4 => pair(&[rows, blocks, BLOCK / 2], &[rows, blocks]),
        Precision::W8a8 => {
            let mut tensors = pair(&[columns, rows], &[rows]);
            tensors.push(part(SUMS, Dtype::F32, &[rows]));
            tensors
        }
    }
}

/// Bytes of the file for that precision, without its header.
pub fn stored_bytes(config: &ModelConfig, precision: Precision) -> u64 {
    stored_tensors(config, precision).iter().map(|tensor| tensor.bytes() as u64).sum()
}

/// Bytes of weights, as an engine of that precision holds them: all of them, and those that one decoded token has to read,
/// which are every block once per execution, the norms, and the head once.
pub fn bytes_per_token(config: &ModelConfig, precision: Precision) -> (u64, u64) {
    let mut all = 0;
    let mut per_token = 0;
    // All blocks have the same shape, so one is enough.
    for tensor in (ModelConfig { layers: 1, ..config.clone() }).tensors() {
        let bytes = held_bytes(&tensor, precision);
        let (blocks, executions) = match tensor.name.as_str() {
            name if name.starts_with("model.layers.") => (config.layers as u64, config.layer_repeats as u64),
            "model.norm.weight" => (1, 1),
            name => (1, u64::from(name == config.head_tensor())),
        };
        all += blocks * bytes;
        per_token += blocks * executions * bytes;
    }
    (all, per_token)
}

fn held_bytes(tensor: &TensorSpec, precision: Precision) -> u64 {
    let elements = tensor.elements() as u64;
    let blocks = elements / BLOCK as u64;
    match (precision, &tensor.shape[..]) {
        (Precision::F32, _) | (_, [_]) => 4 * elements,
        (Precision::F16 | Precision::Bf16, _) => 2 * elements,
        (Precision::Int8, _) => elements + SCALE_BYTES * blocks,
        (Precision::Int4, _) => elements / 2 + SCALE_BYTES * blocks,
        (Precision::W8a8, _) => elements + CHANNEL_SCALE_BYTES * tensor.shape[0] as u64,
    }
}

/// Checks that a file contains the tensors of that precision.
pub(super) fn check(weights: &WeightFile, config: &ModelConfig, precision: Precision) -> Result<(), ModelError> {
    weights.ensure_layers_of(config)?;
    for expected in stored_tensors(config, precision) {
        let found = weights.tensor(&expected.name)?;
        if found.shape != expected.shape {
            return Err(ModelError::WrongShape {
                name: expected.name,
                path: weights.path().to_owned(),
                found: found.shape.clone(),
                expected: expected.shape,
            });
        }
        if found.dtype != expected.dtype {
            let reason = format!("tensor {:?} is {:?}, expected {:?}", expected.name, found.dtype, expected.dtype);
            return Err(ModelError::invalid(weights.path(), reason));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;

    #[test]
    fn bytes_follow_from_bits_and_scales() {
        let config = Preset::find("mobilellm-125m").unwrap().config();
        assert_eq!(bytes_per_token(&config, Precision::F32), (config.weight_bytes(), config.weight_bytes_per_token()));
        let norms = 4 * 576 * 61;
        let matrices = config.parameters() - 576 * 61;
        assert_eq!(bytes_per_token(&config, Precision::Int4).0, norms + matrices * 18 / 32);
        assert_eq!(bytes_per_token(&config, Precision::Int8).0, norms + matrices * 34 / 32);
        assert_eq!(bytes_per_token(&config, Precision::F16).0, norms + 2 * matrices);
        let shared = Preset::find("mobilellm-ls-125m").unwrap().config();
        let (all, per_token) = bytes_per_token(&shared, Precision::Int4);
        assert_eq!(all, bytes_per_token(&config, Precision::Int4).0);
        assert!(per_token > all);
    }

    #[test]
    fn widths_that_are_no_whole_blocks_are_reported() {
        let tiny = Preset::find("tiny").unwrap().config();
        let reason = obstacle(&tiny, Precision::Int4).unwrap();
        assert_eq!(
            reason,
            "int4 rounds blocks of 32 weights, and the model's hidden_size of 48 is not a multiple of that"
        );
        assert_eq!(obstacle(&tiny, Precision::W8a8), None);
    }
}
