use crate::{ModelError, RopeScaling, rope::unscaled_frequencies};

/// Largest width, vocabulary or context.
const MOST: usize = 1 << 24;
/// Most blocks, and most repeats of a block: the deepest models have some hundreds.
const MOST_LAYERS: usize = 1 << 16;
/// Most weights: a thousand times those of the largest models here.
const MOST_PARAMETERS: u128 = 1 << 40;
/// Most bytes of key-value cache for one position.
const MOST_KV_BYTES: u128 = 1 << 32;

/// The shape of a MobileLLM- or Llama-like decoder: RMSNorm, rotary positions (rotate-half), grouped-query
/// attention, SwiGLU, no biases (arXiv 2402.14905, section 3); and the additions of the dense blocks of Llama 4, and so of
/// MobileLLM-R1 (arXiv 2509.24945).
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// Blocks with weights of their own.
    pub layers: usize,
    /// How often each block runs, immediately one after the other: 2 for the layer-shared MobileLLM-LS models. Every
    /// execution has its own key-value cache.
    pub layer_repeats: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of a head, even.
    pub head_dim: usize,
    /// Width of the feed-forward layer.
    pub ffn: usize,
    /// Entries of the vocabulary.
    pub vocabulary: usize,
    /// Longest context in tokens.
    pub context: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// How the rotary frequencies differ from those computed from the base, if they do.
    pub rope_scaling: Option<RopeScaling>,
    /// Added to the mean square in RMSNorm.
    pub rms_norm_eps: f64,
    /// Whether each head of queries and keys is divided by its root mean square after rotation: an RMSNorm without
    /// weights, in the blocks that rotate. Llama 4's `use_qk_norm`.
    pub query_key_norm: bool,
    /// Blocks, counted from 0 and ascending, whose queries and keys are not rotated. They are the zeros of Llama 4's
    /// `no_rope_layers`.
    pub no_rope_layers: Vec<usize>,
    /// How queries of the blocks in `no_rope_layers` grow with their position, if they do.
    pub attention_temperature: Option<AttentionTemperature>,
    /// Whether the output head is the embedding itself.
    pub tied_head: bool,
    /// Token that begins a text, if the model has one.
    pub bos_token: Option<u32>,
    /// Tokens that end a text.
    pub eos_tokens: Vec<u32>,
}

/// Refuses a number of blocks that no model has, before a list with an entry for each is allocated.
pub(crate) fn ensure_layers(layers: usize) -> Result<(), ModelError> {
    if layers > MOST_LAYERS {
        let reason = format!("num_hidden_layers is {layers}, beyond any model this project can hold");
        return Err(ModelError::Config(reason));
    }
    Ok(())
}

/// Sharper attention in long texts (arXiv 2501.19399; Llama 4's `attn_temperature_tuning`): the query at position `p` is
/// multiplied by `1 + scale * ln(1 + floor((p + 1) / floor_scale))`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionTemperature {
    /// Number of positions of a step.
    pub floor_scale: f64,
    /// Size of a step.
    pub scale: f64,
}

impl AttentionTemperature {
    /// The factor of the query at `position`.
    pub fn factor(&self, position: usize) -> f64 {
        let step = ((position as f64 + 1.0) / self.floor_scale).floor();
        step.ln_1p().mul_add(self.scale, 1.0)
    }
}

/// Name and shape of a weight tensor, in Hugging Face's naming and row-major `[out, in]` layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// For example `model.layers.3.mlp.up_proj.weight`.
    pub name: String,
    /// Rows, columns; one number for a norm.
    pub shape: Vec<usize>,
}

impl TensorSpec {
    /// Number of weights.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

impl ModelConfig {
    /// Refuses a shape that no such decoder can have.
    ///
    /// # Errors
    /// [`ModelError::Config`], naming the keys that contradict each other.
    pub fn validate(&self) -> Result<(), ModelError> {
        let refuse = |message: String| Err(ModelError::Config(message));
        for (name, value, most) in [
            ("num_hidden_layers", self.layers, MOST_LAYERS),
            ("layer repeats", self.layer_repeats, MOST_LAYERS),
            ("hidden_size", self.hidden, MOST),
            ("num_attention_heads", self.heads, MOST),
            ("num_key_value_heads", self.kv_heads, MOST),
            ("head_dim", self.head_dim, MOST),
            ("intermediate_size", self.ffn, MOST),
            ("vocab_size", self.vocabulary, MOST),
            ("max_position_embeddings", self.context, MOST),
        ] {
            if value == 0 {
                return refuse(format!("{name} is 0"));
            }
            if value > most {
                return refuse(format!("{name} is {value}, beyond any model this project can hold"));
            }
        }
        self.refuse_products()?;
        if !self.heads.is_multiple_of(self.kv_heads) {
            return refuse(format!(
                "num_attention_heads ({}) is not a multiple of num_key_value_heads ({})",
                self.heads, self.kv_heads
            ));
        }
        if !self.head_dim.is_multiple_of(2) {
            return refuse(format!("head_dim ({}) is odd, but rotary positions pair its halves", self.head_dim));
        }
        if !(self.rope_theta.is_finite() && self.rope_theta >= 1.0) {
            return refuse(format!("rope_theta is {}, it must be a number of at least 1", self.rope_theta));
        }
        if !(self.rms_norm_eps.is_finite() && self.rms_norm_eps > 0.0) {
            return refuse(format!("rms_norm_eps is {}, it must be a positive number", self.rms_norm_eps));
        }
        if let Some(scaling) = &self.rope_scaling {
            scaling.validate(self.rope_theta, self.head_dim / 2)?;
        }
        if let Some(layer) = self.no_rope_layers.iter().find(|&&layer| layer >= self.layers) {
            return refuse(format!("no_rope_layers has a layer {layer}, but num_hidden_layers is {}", self.layers));
        }
        if !self.no_rope_layers.is_sorted_by(|a, b| a < b) {
            return refuse("no_rope_layers is not ascending".into());
        }
        if let Some(AttentionTemperature { floor_scale, scale }) = self.attention_temperature {
            if !(floor_scale.is_finite() && floor_scale > 0.0) {
                return refuse(format!("floor_scale is {floor_scale}, it must be a positive number"));
            }
            if !(scale.is_finite() && scale >= 0.0) {
                return refuse(format!("attn_scale is {scale}, it must be 0 or a positive number"));
            }
        }
        for &token in self.eos_tokens.iter().chain(&self.bos_token) {
            if token as usize >= self.vocabulary {
                return refuse(format!("token {token} (bos or eos) is outside the vocabulary of {}", self.vocabulary));
            }
        }
        Ok(())
    }

    /// Refuses sizes whose products overflow, so that every later computation with them is safe.
    fn refuse_products(&self) -> Result<(), ModelError> {
        let [heads, kv_heads, head_dim] = [self.heads, self.kv_heads, self.head_dim].map(|size| size as u128);
        let [hidden, ffn, vocabulary] = [self.hidden, self.ffn, self.vocabulary].map(|size| size as u128);
        let tables = if self.tied_head { 1 } else { 2 };
        let [layers, executed] = [self.layers, self.executed_layers()].map(|count| count as u128);
        let parameters = layers * hidden * (2 * heads * head_dim + 2 * kv_heads * head_dim + 3 * ffn + 2)
            + hidden * (tables * vocabulary + 1);
        if parameters > MOST_PARAMETERS {
            return Err(ModelError::Config(format!("its {parameters} weights are beyond what this project can hold")));
        }
        let cache = 8 * executed * kv_heads * head_dim;
        if cache > MOST_KV_BYTES {
            let reason = format!("its key-value cache of {cache} bytes a token is beyond what this project can hold");
            return Err(ModelError::Config(reason));
        }
        Ok(())
    }

    /// Refuses more blocks than a weight file of `tensors` tensors can hold; nothing is allocated for each block before
    /// this check.
    ///
    /// # Errors
    /// [`ModelError::Config`].
    pub(crate) fn ensure_layers_within(&self, tensors: usize) -> Result<(), ModelError> {
        if self.layers > tensors {
            let layers = self.layers;
            return Err(ModelError::Config(format!("num_hidden_layers is {layers}, but there are {tensors} tensors")));
        }
        Ok(())
    }

    /// Blocks executed in a forward pass, each with its own key-value cache.
    pub fn executed_layers(&self) -> usize {
        self.layers * self.layer_repeats
    }

    /// The block whose weights execution `executed` (from 0) uses.
    pub fn block_of(&self, executed: usize) -> usize {
        executed / self.layer_repeats
    }

    /// Whether block `block` rotates its queries and keys by their positions.
    pub fn rotates(&self, block: usize) -> bool {
        self.no_rope_layers.binary_search(&block).is_err()
    }

    /// Whether block `block` divides each head of queries and keys by its root mean square.
    pub fn normalises_queries(&self, block: usize) -> bool {
        self.query_key_norm && self.rotates(block)
    }

    /// The factor of the queries of block `block`, if they grow with their position.
    pub fn temperature(&self, block: usize) -> Option<AttentionTemperature> {
        self.attention_temperature.filter(|_| !self.rotates(block))
    }

    /// Width of all query heads together.
    pub fn query_width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Width of all key (or value) heads together.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// Name of the tensor that projects to the vocabulary.
    pub fn head_tensor(&self) -> &'static str {
        if self.tied_head { "model.embed_tokens.weight" } else { "lm_head.weight" }
    }

    /// Every weight tensor, in the order of the weight file.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let spec = |name: String, shape: &[usize]| TensorSpec { name, shape: shape.to_vec() };
        let mut tensors = vec![spec("model.embed_tokens.weight".into(), &[self.vocabulary, self.hidden])];
        for layer in 0..self.layers {
            let block: [(&str, &[usize]); 9] = [
                ("input_layernorm", &[self.hidden]),
                ("self_attn.q_proj", &[self.query_width(), self.hidden]),
                ("self_attn.k_proj", &[self.kv_width(), self.hidden]),
                ("self_attn.v_proj", &[self.kv_width(), self.hidden]),
                ("self_attn.o_proj", &[self.hidden, self.query_width()]),
                ("post_attention_layernorm", &[self.hidden]),
                ("mlp.gate_proj", &[self.ffn, self.hidden]),
                ("mlp.up_proj", &[self.ffn, self.hidden]),
                ("mlp.down_proj", &[self.hidden, self.ffn]),
            ];
            for (name, shape) in block {
                tensors.push(spec(format!("model.layers.{layer}.{name}.weight"), shape));
            }
        }
        tensors.push(spec("model.norm.weight".into(), &[self.hidden]));
        if !self.tied_head {
            tensors.push(spec("lm_head.weight".into(), &[self.vocabulary, self.hidden]));
        }
        tensors
    }

    /// Number of weights.
    pub fn parameters(&self) -> u64 {
        let heads = if self.tied_head { 1 } else { 2 };
        (self.layers * self.block_parameters() + heads * self.vocabulary * self.hidden + self.hidden) as u64
    }

    /// Number of weights of a block.
    fn block_parameters(&self) -> usize {
        2 * self.hidden * self.query_width()
            + 2 * self.hidden * self.kv_width()
            + 3 * self.hidden * self.ffn
            + 2 * self.hidden
    }

    /// Bytes of all weights in f32.
    pub fn weight_bytes(&self) -> u64 {
        4 * self.parameters()
    }

    /// Bytes of weights that one decoded token has to read in f32: every block once per execution, the norms, and the
    /// head once. The embedding's single row is not counted.
    pub fn weight_bytes_per_token(&self) -> u64 {
        let head = self.vocabulary * self.hidden + self.hidden;
        4 * (self.executed_layers() * self.block_parameters() + head) as u64
    }

    /// Bytes of key-value cache for one position in f32.
    pub fn kv_bytes_per_token(&self) -> u64 {
        4 * (2 * self.executed_layers() * self.kv_width()) as u64
    }

    /// The angle by which each pair of a head's dimensions rotates from one position to the next, `[head_dim / 2]`.
    pub fn rope_frequencies(&self) -> Vec<f64> {
        let frequencies = unscaled_frequencies(self.rope_theta, self.head_dim / 2);
        match &self.rope_scaling {
            Some(scaling) => scaling.scaled(self.rope_theta, frequencies),
            None => frequencies,
        }
    }

    /// The factor of cosines and sines of rotary positions.
    pub fn rope_attention_factor(&self) -> f64 {
        self.rope_scaling.as_ref().map_or(1.0, RopeScaling::attention_factor)
    }

    /// Cosines and sines of the rotary positions `0..positions`, each `[positions, head_dim / 2]`, multiplied by the
    /// attention factor. Every engine rotates queries and keys by these.
    pub fn rope_tables(&self, positions: usize) -> (Vec<f32>, Vec<f32>) {
        let (frequencies, factor) = (self.rope_frequencies(), self.rope_attention_factor());
        let angles = || (0..positions).flat_map(|position| frequencies.iter().map(move |f| position as f64 * f));
        let table = |of: fn(f64) -> f64| angles().map(|angle| (factor * of(angle)) as f32).collect();
        (table(f64::cos), table(f64::sin))
    }
}

#[cfg(test)]
mod tests;
