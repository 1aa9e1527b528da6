use std::path::Path;

use pocketwatt_protocol::{ModelFiles, Precision, TokenId};

use super::ReferenceModel;
use crate::{
    ModelConfig, ModelError, ModelFolder, Preset, RopeScaling, YarnScaling, generate_seeded,
    precision::{obstacle, prepare_weights},
    sha256_of_file,
};

/// Number of tokens by which a [`ReferenceCase`] continues its text.
pub const GREEDY_TOKENS: usize = 64;
/// Length of the text, long enough for several chunks.
const TEXT_TOKENS: usize = 24;
const SEED: u64 = 1;
/// The original context is shorter than the text, and scores grow by half.
const YARN: YarnScaling = YarnScaling {
    factor: 8.0,
    attention_factor: 1.25,
    beta_fast: 4.0,
    beta_slow: 1.0,
    original_context: 64,
    truncate: true,
};

/// A small model on disk and the right answers. Backends pass these to the conformance suite.
pub struct ReferenceCase {
    /// What is special about the model.
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
    /// Every variation of the block that an engine may get wrong, written below `root`: shared layers, one
    /// key-value head for all, as many as query heads, a tied and an untied head, attention narrower than the model, norms
    /// of queries and keys, a block without rotary positions, and scaled positions.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn all(root: &Path) -> Result<Vec<Self>, ModelError> {
        let preset = |name: &str| {
            let preset = Preset::find(name).ok_or_else(|| ModelError::Config(format!("there is no preset {name}")))?;
            Ok::<_, ModelError>(preset.config())
        };
        let tiny = preset("tiny")?;
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
            ("tiny-narrow", ModelConfig { heads: 2, kv_heads: 2, hidden: 64, ffn: 96, layers: 3, ..tiny.clone() }),
            // Rows of whole blocks of 32 weights, so that shared layers are tested in every precision.
            ("tiny-ls-64", ModelConfig { layer_repeats: 2, heads: 4, kv_heads: 2, hidden: 64, ..tiny.clone() }),
            ("tiny-r1", preset("tiny-r1")?),
            ("tiny-llama3", preset("tiny-llama3")?),
            ("tiny-yarn", ModelConfig { rope_scaling: Some(RopeScaling::Yarn(YARN)), ..tiny }),
        ];
        cases.into_iter().map(|(name, config)| Self::write(name, &config, &root.join(name))).collect()
    }

    /// The cases whose shape allows that precision, with the logits of weights rounded to it. The reference rounds nothing
    /// else: an engine that also rounds activations differs from it by the error of that.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn all_in(root: &Path, precision: Precision) -> Result<Vec<Self>, ModelError> {
        let mut cases = Self::all(root)?;
        cases.retain(|case| obstacle(case.folder.config(), precision).is_none());
        for case in &mut cases {
            let prepared = prepare_weights(&case.folder, &case.files.weights_sha256, precision)?;
            (case.files.weights, case.files.weights_sha256) = (prepared.path, prepared.sha256);
            let model = ReferenceModel::open_in(&case.folder, precision)?;
            case.logits = model.logits(&case.tokens)?;
            case.greedy = model.greedy(&case.tokens, GREEDY_TOKENS)?;
        }
        Ok(cases)
    }

    fn write(name: &'static str, config: &ModelConfig, path: &Path) -> Result<Self, ModelError> {
        let folder = generate_seeded(config, name, SEED, path)?;
        let tokens: Vec<TokenId> =
            (0..TEXT_TOKENS).map(|i| TokenId(((i * 7919 + 13) % config.vocabulary) as u32)).collect();
        let model = ReferenceModel::open(&folder)?;
        Ok(Self {
            name,
            files: ModelFiles {
                folder: path.to_owned(),
                weights: folder.weights_path(),
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
