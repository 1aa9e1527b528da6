use std::{fs, path::Path};

use pocketwatt_protocol::{ModelFiles, TokenId};
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};

use super::ReferenceModel;
use crate::{ModelConfig, ModelError, ModelFolder, Preset, TensorSpec, sha256_of_file};

/// How many tokens a [`ReferenceCase`] continues its text by.
pub const GREEDY_TOKENS: usize = 64;
/// Length of the text, long enough for several chunks.
const TEXT_TOKENS: usize = 24;

/// A small model on disk and what it must answer. Backends feed these to the conformance suite.
pub struct ReferenceCase {
    /// What is particular about the model.
    pub name: &'static str,
    /// The model.
    pub folder: ModelFolder,
    /// The model as a request names it, without a graph.
    pub files: ModelFiles,
    /// A text.
    pub tokens: Vec<TokenId>,
    /// The reference's logits after each of `tokens`.
    pub logits: Vec<Vec<f32>>,
    /// The [`GREEDY_TOKENS`] most probable tokens after the text.
    pub greedy: Vec<TokenId>,
}

impl ReferenceCase {
    /// Every combination that the block's structure allows to get wrong, written below `root`: shared layers, one
    /// key-value head for all, as many as query heads, a tied and an untied head, attention narrower than the model.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn all(root: &Path) -> Result<Vec<Self>, ModelError> {
        let tiny = Preset::find("tiny").ok_or_else(|| ModelError::Config("there is no preset tiny".into()))?.config();
        let cases = [
            ("tiny", tiny.clone()),
            ("tiny-ls", ModelConfig { layer_repeats: 2, ..tiny.clone() }),
            (
                "tiny-untied",
                ModelConfig {
                    tied_head: false,
                    heads: 4,
                    kv_heads: 2,
                    hidden: 64,
                    rope_theta: 100_000.0,
                    rms_norm_eps: 1e-6,
                    ..tiny.clone()
                },
            ),
            ("tiny-narrow", ModelConfig { heads: 2, kv_heads: 2, hidden: 64, ffn: 96, layers: 3, ..tiny }),
        ];
        cases.into_iter().map(|(name, config)| Self::write(name, &config, &root.join(name))).collect()
    }

    fn write(name: &'static str, config: &ModelConfig, path: &Path) -> Result<Self, ModelError> {
        fs::create_dir_all(path).map_err(ModelError::io("create", path))?;
        let config_path = path.join("config.json");
        fs::write(&config_path, config.to_json()).map_err(ModelError::io("write", &config_path))?;
        write_weights(config, &path.join("model.safetensors"))?;
        let folder = ModelFolder::open(path)?;
        let tokens: Vec<TokenId> =
            (0..TEXT_TOKENS).map(|i| TokenId(((i * 7919 + 13) % config.vocabulary) as u32)).collect();
        let model = ReferenceModel::open(&folder)?;
        Ok(Self {
            name,
            files: ModelFiles {
                folder: path.to_owned(),
                weights_sha256: sha256_of_file(&folder.weights_path())?,
                graph: None,
            },
            logits: model.logits(&tokens)?,
            greedy: model.greedy(&tokens, GREEDY_TOKENS)?,
            folder,
            tokens,
        })
    }
}

/// Random weights under which every part of the block matters: scores of attention spread over several units, norm
/// weights differ from 1, and the residual stream is not drowned by the embedding. Weights of a trained model's
/// initial scale would make attention nearly uniform and hide wrong positions.
fn write_weights(config: &ModelConfig, path: &Path) -> Result<(), ModelError> {
    let tensors: Vec<(TensorSpec, Vec<u8>)> = config
        .tensors()
        .into_iter()
        .enumerate()
        .map(|(index, spec)| {
            let bytes = values(&spec, index as u64).flat_map(f32::to_le_bytes).collect();
            (spec, bytes)
        })
        .collect();
    let views = tensors
        .iter()
        .map(|(spec, bytes)| {
            let view = TensorView::new(Dtype::F32, spec.shape.clone(), bytes)
                .map_err(|error| ModelError::invalid(path, error.to_string()))?;
            Ok((spec.name.as_str(), view))
        })
        .collect::<Result<Vec<_>, ModelError>>()?;
    serialize_to_file(views, None, path).map_err(|error| ModelError::invalid(path, error.to_string()))
}

fn values(spec: &TensorSpec, seed: u64) -> impl Iterator<Item = f32> {
    let (centre, spread) = match spec.shape.as_slice() {
        [_] => (1.0, 0.3),
        // Uniform values of that spread have variance 1 / columns: a projection keeps the size of its input.
        [_, columns] if !spec.name.contains("embed_tokens") => (0.0, (3.0 / *columns as f32).sqrt()),
        _ => (0.0, 0.5),
    };
    let count: usize = spec.shape.iter().product();
    (0..count as u64).map(move |i| {
        let bits = mix(mix(seed) ^ i) >> 40;
        centre + spread * (bits as f32 / (1 << 23) as f32 - 1.0)
    })
}

/// The finaliser of splitmix64.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
