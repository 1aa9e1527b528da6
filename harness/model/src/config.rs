use crate::ModelError;

/// Largest width, vocabulary or context.
const MOST: usize = 1 << 24;
/// Most blocks, and most times that one runs: the deepest models have some hundreds.
const MOST_LAYERS: usize = 1 << 16;
/// Most weights: a thousand times those of the largest models here.
const MOST_PARAMETERS: u128 = 1 << 40;
/// Most bytes of key-value cache for one position.
const MOST_KV_BYTES: u128 = 1 << 32;

/// The shape of a MobileLLM- or Llama-like decoder: RMSNorm, rotary positions (rotate-half), grouped-query
/// attention, SwiGLU, no biases (arXiv 2402.14905, section 3); and what the dense blocks of Llama 4, and with them
/// MobileLLM-R1 (arXiv 2509.24945), have beyond that.
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
    /// Added to the mean square in RMSNorm.
    pub rms_norm_eps: f64,
    /// Whether each head of queries and keys is divided by its root mean square once it is rotated: an RMSNorm without
    /// weights, in the blocks that rotate. Llama 4's `use_qk_norm`.
    pub query_key_norm: bool,
    /// Blocks, counted from 0 and ascending, whose queries and keys are not rotated. Llama 4's `no_rope_layers`, where
    /// they are the zeros.
    pub no_rope_layers: Vec<usize>,
    /// How queries of the blocks in `no_rope_layers` grow with their position, if they do.
    pub attention_temperature: Option<AttentionTemperature>,
    /// Whether the output head is the embedding itself.
    pub tied_head: bool,
    /// Token that begins a text, if the model wants one.
    pub bos_token: Option<u32>,
    /// Tokens that end a text.
    pub eos_tokens: Vec<u32>,
}

/// Refuses a number of blocks that no model has, before a list is made with an entry for each.
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
    /// Positions of a step.
    pub floor_scale: f64,
    /// How far a step reaches.
    pub scale: f64,
}

impl AttentionTemperature {
    /// What the query at `position` is multiplied by.
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
        for (name, value) in [("rope_theta", self.rope_theta), ("rms_norm_eps", self.rms_norm_eps)] {
            if !(value.is_finite() && value > 0.0) {
                return refuse(format!("{name} is {value}, it must be a positive number"));
            }
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

    /// Refuses sizes whose products no number of bytes holds: all others are computed from these without overflow.
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

    /// Refuses more blocks than a weight file of `tensors` tensors can hold: what is made for each block is made after
    /// this.
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

    /// Whether block `block` turns its queries and keys by their positions.
    pub fn rotates(&self, block: usize) -> bool {
        self.no_rope_layers.binary_search(&block).is_err()
    }

    /// Whether block `block` divides each head of queries and keys by its root mean square.
    pub fn normalises_queries(&self, block: usize) -> bool {
        self.query_key_norm && self.rotates(block)
    }

    /// What block `block` multiplies its queries by, if they grow with their position.
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

    /// Bytes of key-value cache that one position takes in f32.
    pub fn kv_bytes_per_token(&self) -> u64 {
        4 * (2 * self.executed_layers() * self.kv_width()) as u64
    }

    /// Cosines and sines of the rotary positions `0..positions`, each `[positions, head_dim / 2]`.
    pub fn rope_tables(&self, positions: usize) -> (Vec<f32>, Vec<f32>) {
        let half = self.head_dim / 2;
        let frequencies: Vec<f64> =
            (0..half).map(|i| self.rope_theta.powf(-2.0 * i as f64 / self.head_dim as f64)).collect();
        let angles = || (0..positions).flat_map(|p| frequencies.iter().map(move |f| p as f64 * f));
        (angles().map(|a| a.cos() as f32).collect(), angles().map(|a| a.sin() as f32).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;

    #[test]
    fn presets_have_the_published_number_of_parameters() {
        for (name, parameters) in [
            ("mobilellm-125m", 124_635_456),
            ("mobilellm-ls-125m", 124_635_456),
            ("mobilellm-350m", 345_355_200),
            ("mobilellm-600m", 603_188_352),
            ("mobilellm-1b", 1_005_461_760),
            ("mobilellm-1.5b", 1_511_188_800),
            ("mobilellm-r1-140m", 140_248_512),
            ("mobilellm-r1-360m", 359_431_168),
            ("mobilellm-r1-950m", 949_685_760),
            ("smollm2-135m", 134_515_008),
            ("smollm2-360m", 361_821_120),
            ("smollm2-1.7b", 1_711_376_384),
            ("tinyllama-1.1b", 1_100_048_384),
            ("llama-2-7b", 6_738_415_616),
        ] {
            let config = Preset::find(name).unwrap().config();
            config.validate().unwrap();
            assert_eq!(config.parameters(), parameters, "{name}");
            let elements: usize = config.tensors().iter().map(TensorSpec::elements).sum();
            assert_eq!(elements as u64, parameters, "{name}");
        }
        let untied = ModelConfig { tied_head: false, ..Preset::find("mobilellm-1.5b").unwrap().config() };
        assert_eq!(untied.parameters(), 1_562_388_800);
    }

    #[test]
    fn layer_sharing_doubles_the_work_and_not_the_weights() {
        let base = Preset::find("mobilellm-125m").unwrap().config();
        let shared = Preset::find("mobilellm-ls-125m").unwrap().config();
        assert_eq!(base.tensors(), shared.tensors());
        assert_eq!(shared.executed_layers(), 60);
        assert_eq!(shared.kv_bytes_per_token(), 2 * base.kv_bytes_per_token());
        let blocks: Vec<usize> = (0..5).map(|executed| shared.block_of(executed)).collect();
        assert_eq!(blocks, [0, 0, 1, 1, 2], "immediate block-wise sharing: each block runs twice in a row");
    }

    #[test]
    fn impossible_shapes_are_refused_by_name() {
        let good = Preset::find("tiny").unwrap().config();
        let error = ModelConfig { kv_heads: 2, ..good.clone() }.validate().unwrap_err();
        assert!(error.to_string().contains("num_attention_heads (3) is not a multiple of num_key_value_heads (2)"));
        assert!(ModelConfig { head_dim: 15, ..good.clone() }.validate().is_err());
        assert!(ModelConfig { layers: 0, ..good.clone() }.validate().is_err());
        assert!(ModelConfig { rope_theta: f64::NAN, ..good.clone() }.validate().is_err());
        assert!(ModelConfig { eos_tokens: vec![512], ..good.clone() }.validate().is_err());
        let refusal = |config: ModelConfig| config.validate().unwrap_err().to_string();
        assert!(
            refusal(ModelConfig { no_rope_layers: vec![2], ..good.clone() }).contains("no_rope_layers has a layer 2")
        );
        assert!(refusal(ModelConfig { no_rope_layers: vec![1, 0], ..good.clone() }).contains("not ascending"));
        for (floor_scale, scale, key) in [(0.0, 0.1, "floor_scale"), (8.0, f64::NAN, "attn_scale")] {
            let attention_temperature = Some(AttentionTemperature { floor_scale, scale });
            assert!(refusal(ModelConfig { attention_temperature, ..good.clone() }).contains(key));
        }
    }

    #[test]
    fn sizes_whose_products_overflow_are_refused_before_anything_is_made_of_them() {
        let good = Preset::find("tiny").unwrap().config();
        let refusal = |config: ModelConfig| config.validate().unwrap_err().to_string();
        for layers in [MOST_LAYERS + 1, 1 << 24, usize::MAX] {
            assert!(refusal(ModelConfig { layers, ..good.clone() }).contains("num_hidden_layers is"));
        }
        let (hidden, ffn) = (MOST, MOST);
        assert!(refusal(ModelConfig { hidden, ffn, ..good.clone() }).contains("weights are beyond"));
        let (heads, kv_heads, head_dim) = (MOST, MOST, MOST);
        assert!(refusal(ModelConfig { heads, kv_heads, head_dim, ..good.clone() }).contains("are beyond"));
        let repeats = ModelConfig { layers: MOST_LAYERS, layer_repeats: MOST_LAYERS, ..good.clone() };
        assert!(refusal(repeats).contains("key-value cache of"));
        let deep = ModelConfig { layers: MOST_LAYERS, ..good };
        deep.validate().unwrap();
        assert!(deep.ensure_layers_within(20).unwrap_err().to_string().contains("there are 20 tensors"));
    }

    #[test]
    fn queries_grow_in_steps_and_only_without_rotation() {
        let config = Preset::find("tiny-r1").unwrap().config();
        let temperature = config.temperature(1).unwrap();
        assert_eq!([0, 6].map(|position| temperature.factor(position)), [1.0, 1.0]);
        assert!((temperature.factor(7) - (1.0 + 0.5 * 2_f64.ln())).abs() < 1e-12);
        assert_eq!(temperature.factor(7), temperature.factor(14));
        assert_eq!([0, 2].map(|block| config.temperature(block)), [None, None]);
        assert_eq!([0, 1, 2].map(|block| config.rotates(block)), [true, false, true]);
        assert_eq!([0, 1, 2].map(|block| config.normalises_queries(block)), [true, false, true]);
    }
}
