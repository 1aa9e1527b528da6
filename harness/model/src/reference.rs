//! The papers' equations written down once, slowly, in f64: every backend's logits are compared with these.
//!
//! Nothing is cached, fused or blocked; every call recomputes all positions. Meant for models of the size of the
//! `tiny` preset.

mod case;

use pocketwatt_protocol::{Precision, TokenId};

use crate::{
    ModelConfig, ModelError, ModelFolder, WeightFile,
    precision::{open_folder, read_dequantised},
};

pub use case::{GREEDY_TOKENS, ReferenceCase};

/// The logits of every position of `tokens`, `[tokens, vocabulary]`.
///
/// # Errors
/// When the weights cannot be read, or a token is outside the vocabulary.
pub fn logits(folder: &ModelFolder, tokens: &[TokenId]) -> Result<Vec<Vec<f32>>, ModelError> {
    ReferenceModel::open(folder)?.logits(tokens)
}

/// A model's weights in f64.
pub struct ReferenceModel {
    config: ModelConfig,
    embedding: Matrix,
    blocks: Vec<Block>,
    norm: Vec<f64>,
    head: Matrix,
}

struct Block {
    attention_norm: Vec<f64>,
    query: Matrix,
    key: Matrix,
    value: Matrix,
    output: Matrix,
    feed_forward_norm: Vec<f64>,
    gate: Matrix,
    up: Matrix,
    down: Matrix,
}

impl ReferenceModel {
    /// Reads all weights.
    ///
    /// # Errors
    /// When a tensor is missing or cannot be read.
    pub fn open(folder: &ModelFolder) -> Result<Self, ModelError> {
        Self::open_in(folder, Precision::F32)
    }

    /// Reads all weights in that precision, which must be prepared; all computation is in f64.
    ///
    /// # Errors
    /// When a tensor is missing or cannot be read.
    pub fn open_in(folder: &ModelFolder, precision: Precision) -> Result<Self, ModelError> {
        let weights = Weights { file: open_folder(folder, precision)?, precision };
        let config = folder.config().clone();
        let blocks = (0..config.layers)
            .map(|layer| {
                let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
                Ok(Block {
                    attention_norm: weights.vector(&name("input_layernorm"))?,
                    query: weights.matrix(&name("self_attn.q_proj"), config.hidden)?,
                    key: weights.matrix(&name("self_attn.k_proj"), config.hidden)?,
                    value: weights.matrix(&name("self_attn.v_proj"), config.hidden)?,
                    output: weights.matrix(&name("self_attn.o_proj"), config.query_width())?,
                    feed_forward_norm: weights.vector(&name("post_attention_layernorm"))?,
                    gate: weights.matrix(&name("mlp.gate_proj"), config.hidden)?,
                    up: weights.matrix(&name("mlp.up_proj"), config.hidden)?,
                    down: weights.matrix(&name("mlp.down_proj"), config.ffn)?,
                })
            })
            .collect::<Result<_, ModelError>>()?;
        Ok(Self {
            embedding: weights.matrix("model.embed_tokens.weight", config.hidden)?,
            blocks,
            norm: weights.vector("model.norm.weight")?,
            head: weights.matrix(config.head_tensor(), config.hidden)?,
            config,
        })
    }

    /// The logits of every position of `tokens`, `[tokens, vocabulary]`.
    ///
    /// # Errors
    /// When a token is outside the vocabulary.
    pub fn logits(&self, tokens: &[TokenId]) -> Result<Vec<Vec<f32>>, ModelError> {
        let normalised = |x: &Vec<f64>| rms_norm(x, &self.norm, self.config.rms_norm_eps);
        let to_f32 = |row: Vec<f64>| row.into_iter().map(|value| value as f32).collect();
        Ok(self.residual_stream(tokens)?.iter().map(|x| to_f32(self.head.times(&normalised(x)))).collect())
    }

    /// The `count` most probable tokens, one after the other, that continue `prompt`.
    ///
    /// # Errors
    /// When a token is outside the vocabulary, or the prompt is empty.
    pub fn greedy(&self, prompt: &[TokenId], count: usize) -> Result<Vec<TokenId>, ModelError> {
        let mut tokens = prompt.to_vec();
        for _ in 0..count {
            let stream = self.residual_stream(&tokens)?;
            let last = stream.last().ok_or_else(|| ModelError::Config("the prompt is empty".into()))?;
            let row = self.head.times(&rms_norm(last, &self.norm, self.config.rms_norm_eps));
            let best = (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0);
            tokens.push(TokenId(best as u32));
        }
        Ok(tokens.split_off(prompt.len()))
    }

    fn residual_stream(&self, tokens: &[TokenId]) -> Result<Vec<Vec<f64>>, ModelError> {
        let mut stream = Vec::with_capacity(tokens.len());
        for token in tokens {
            let row = self.embedding.row(token.0 as usize).ok_or_else(|| {
                let vocabulary = self.config.vocabulary;
                ModelError::Config(format!("token {} is outside the vocabulary of {vocabulary}", token.0))
            })?;
            stream.push(row.to_vec());
        }
        for executed in 0..self.config.executed_layers() {
            let index = self.config.block_of(executed);
            let block = &self.blocks[index];
            self.attend(index, &mut stream);
            for x in &mut stream {
                let y = rms_norm(x, &block.feed_forward_norm, self.config.rms_norm_eps);
                let gated: Vec<f64> =
                    block.gate.times(&y).iter().zip(block.up.times(&y)).map(|(gate, up)| silu(*gate) * up).collect();
                add(x, &block.down.times(&gated));
            }
        }
        Ok(stream)
    }

    /// Causal grouped-query attention: query head `h` reads key and value head `h / (heads / kv_heads)`.
    fn attend(&self, index: usize, stream: &mut [Vec<f64>]) {
        let (config, block) = (&self.config, &self.blocks[index]);
        let head_dim = config.head_dim;
        let (mut queries, mut keys, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (position, x) in stream.iter().enumerate() {
            let y = rms_norm(x, &block.attention_norm, config.rms_norm_eps);
            let mut query = self.placed(index, block.query.times(&y), position);
            let temperature = config.temperature(index).map_or(1.0, |temperature| temperature.factor(position));
            query.iter_mut().for_each(|value| *value *= temperature);
            queries.push(query);
            keys.push(self.placed(index, block.key.times(&y), position));
            values.push(block.value.times(&y));
        }
        for (position, x) in stream.iter_mut().enumerate() {
            let mut attended = Vec::with_capacity(config.query_width());
            for head in 0..config.heads {
                let kv_head = head / (config.heads / config.kv_heads);
                let of_head = |row: &[f64], head: usize| row[head * head_dim..(head + 1) * head_dim].to_vec();
                let query = of_head(&queries[position], head);
                let scores = keys[..=position]
                    .iter()
                    .map(|key| dot(&query, &of_head(key, kv_head)) / (head_dim as f64).sqrt())
                    .collect();
                let mut mixed = vec![0.0; head_dim];
                for (weight, value) in softmax(scores).into_iter().zip(&values) {
                    let weighted: Vec<f64> = of_head(value, kv_head).iter().map(|v| weight * v).collect();
                    add(&mut mixed, &weighted);
                }
                attended.extend(mixed);
            }
            add(x, &block.output.times(&attended));
        }
    }

    /// Queries or keys of block `index` as attention compares them: first rotated, then divided by their root mean
    /// square, both only where the block does so.
    fn placed(&self, index: usize, heads: Vec<f64>, position: usize) -> Vec<f64> {
        let mut heads = if self.config.rotates(index) { self.rotate(heads, position) } else { heads };
        if self.config.normalises_queries(index) {
            let ones = vec![1.0; self.config.head_dim];
            for head in heads.chunks_mut(self.config.head_dim) {
                head.copy_from_slice(&rms_norm(head, &ones, self.config.rms_norm_eps));
            }
        }
        heads
    }

    /// Rotary positions, rotate-half: dimension `i` of a head is paired with `i + head_dim / 2`, and the pair is rotated
    /// by the position times the frequency: `theta^(-2 i / head_dim)`, scaled if the model scales it.
    fn rotate(&self, mut heads: Vec<f64>, position: usize) -> Vec<f64> {
        let head_dim = self.config.head_dim;
        let half = head_dim / 2;
        let (frequencies, factor) = (self.config.rope_frequencies(), self.config.rope_attention_factor());
        for head in heads.chunks_mut(head_dim) {
            for i in 0..half {
                let (sin, cos) = (position as f64 * frequencies[i]).sin_cos();
                let (sin, cos) = (factor * sin, factor * cos);
                let (low, high) = (head[i], head[i + half]);
                head[i] = low * cos - high * sin;
                head[i + half] = high * cos + low * sin;
            }
        }
        heads
    }
}

/// Row-major `[out, in]`.
struct Matrix {
    columns: usize,
    values: Vec<f64>,
}

/// A weight file, and how to read it.
struct Weights {
    file: WeightFile,
    precision: Precision,
}

impl Weights {
    fn vector(&self, name: &str) -> Result<Vec<f64>, ModelError> {
        Ok(read_dequantised(&self.file, name, self.precision)?.into_iter().map(f64::from).collect())
    }

    fn matrix(&self, name: &str, columns: usize) -> Result<Matrix, ModelError> {
        Ok(Matrix { columns, values: self.vector(name)? })
    }
}

impl Matrix {
    fn row(&self, row: usize) -> Option<&[f64]> {
        self.values.get(row * self.columns..(row + 1) * self.columns)
    }

    fn times(&self, x: &[f64]) -> Vec<f64> {
        self.values.chunks(self.columns).map(|row| dot(row, x)).collect()
    }
}

fn rms_norm(x: &[f64], weight: &[f64], eps: f64) -> Vec<f64> {
    let mean_square = dot(x, x) / x.len() as f64;
    let scale = 1.0 / (mean_square + eps).sqrt();
    x.iter().zip(weight).map(|(x, weight)| x * scale * weight).collect()
}

fn softmax(scores: Vec<f64>) -> Vec<f64> {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], what: &[f64]) {
    for (to, what) in to.iter_mut().zip(what) {
        *to += what;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_agree_with_numbers_worked_by_hand() {
        assert_eq!(rms_norm(&[3.0, 4.0], &[1.0, 2.0], 0.0), [3.0 / 12.5_f64.sqrt(), 8.0 / 12.5_f64.sqrt()]);
        let weights = softmax(vec![0.0, 3.0_f64.ln()]);
        assert!((weights[1] - 0.75).abs() < 1e-12);
        assert!((silu(1.0) - 0.731_058_578_630_004_9).abs() < 1e-12);
    }

    /// The last row of a text does not change when it is followed by others, and does when an earlier token changes.
    #[test]
    fn attention_is_causal_and_looks_back() {
        let root = tempfile::tempdir().unwrap();
        for case in ReferenceCase::all(root.path()).unwrap() {
            let model = ReferenceModel::open(&case.folder).unwrap();
            let short = model.logits(&case.tokens[..5]).unwrap();
            assert_eq!(short[4], case.logits[4], "{}", case.name);
            let mut changed = case.tokens.clone();
            changed[0] = TokenId((changed[0].0 + 1) % 512);
            let after = model.logits(&changed).unwrap();
            let difference = after[9].iter().zip(&case.logits[9]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference > 0.01, "{}: the past hardly matters ({difference})", case.name);
        }
    }

    /// Guards the choice of test weights: each rare part of the block must affect the logits.
    #[test]
    fn test_models_react_to_what_few_models_have() {
        let root = tempfile::tempdir().unwrap();
        let case = ReferenceCase::all(root.path()).unwrap().into_iter().find(|case| case.name == "tiny-r1").unwrap();
        let config = case.folder.config();
        for (what, config) in [
            ("QK norm", ModelConfig { query_key_norm: false, ..config.clone() }),
            ("a block without rotation", ModelConfig { no_rope_layers: Vec::new(), ..config.clone() }),
            ("temperature", ModelConfig { attention_temperature: None, ..config.clone() }),
        ] {
            let model = ReferenceModel { config, ..ReferenceModel::open(&case.folder).unwrap() };
            let changed = model.logits(&case.tokens).unwrap();
            let last = case.tokens.len() - 1;
            let difference =
                changed[last].iter().zip(&case.logits[last]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference > 0.01, "{what} hardly matters ({difference})");
        }
    }

    /// The same for scaled positions, and for cosines and sines that grow.
    #[test]
    fn test_models_react_to_scaled_positions() {
        let root = tempfile::tempdir().unwrap();
        let cases: Vec<ReferenceCase> = ReferenceCase::all(root.path()).unwrap();
        let scaled = cases.into_iter().filter(|case| case.folder.config().rope_scaling.is_some());
        let mut names = Vec::new();
        for case in scaled {
            let config = ModelConfig { rope_scaling: None, ..case.folder.config().clone() };
            let model = ReferenceModel { config, ..ReferenceModel::open(&case.folder).unwrap() };
            let changed = model.logits(&case.tokens).unwrap();
            let last = case.tokens.len() - 1;
            let difference =
                changed[last].iter().zip(&case.logits[last]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference > 0.01, "{}: scaling hardly matters ({difference})", case.name);
            names.push(case.name);
        }
        assert_eq!(names, ["tiny-llama3", "tiny-yarn"]);
    }

    /// Guards the choice of test weights: if positions or norms had no effect, the suite could not notice errors in them.
    #[test]
    fn test_models_react_to_positions() {
        let root = tempfile::tempdir().unwrap();
        for case in ReferenceCase::all(root.path()).unwrap() {
            let mut model = ReferenceModel::open(&case.folder).unwrap();
            model.config.rope_theta *= 1.5;
            let turned = model.logits(&case.tokens).unwrap();
            let last = case.tokens.len() - 1;
            let difference =
                turned[last].iter().zip(&case.logits[last]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference > 0.01, "{}: positions hardly matter ({difference})", case.name);
        }
    }
}
