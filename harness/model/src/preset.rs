use crate::{AttentionTemperature, Llama3Scaling, ModelConfig, RopeScaling};

/// A published model whose shape is known by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// Name on the command line, for example `mobilellm-125m`.
    pub name: &'static str,
    /// One line of description.
    pub summary: &'static str,
    layers: usize,
    layer_repeats: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    ffn: usize,
    vocabulary: usize,
    context: usize,
    rope_theta: f64,
    llama3: Option<Llama3Scaling>,
    query_key_norm: bool,
    no_rope_layers: &'static [usize],
    attention_temperature: Option<AttentionTemperature>,
    tied_head: bool,
    bos_token: u32,
    eos_token: u32,
}

impl Preset {
    /// All presets, each family's smallest first, MobileLLM's before those that it is compared with. Shapes: arXiv
    /// 2402.14905, table 9 (MobileLLM) and section 3.4 (LS); the table "Model Architecture" of
    /// <https://github.com/facebookresearch/MobileLLM-R1> (R1); arXiv 2302.13971, table 2, and 2307.09288, section 2.2
    /// (Llama 2); arXiv 2401.02385, table 2 (TinyLlama); the released `config.json` (Llama 3.2, SmolLM2).
    pub const ALL: &'static [Preset] = &[
        Preset {
            vocabulary: 512,
            context: 2048,
            ..mobilellm("tiny", "for tests: 2 layers, 3 heads, seconds to run", 2, 1, 3, 1, 128)
        }
        .with_head_dim(16),
        Preset {
            vocabulary: 512,
            context: 2048,
            ..mobilellm("tiny-ls", "for tests: tiny with each block run twice", 2, 2, 3, 1, 128)
        }
        .with_head_dim(16),
        Preset {
            vocabulary: 512,
            context: 2048,
            no_rope_layers: &[1],
            attention_temperature: Some(AttentionTemperature { floor_scale: 8.0, scale: 0.5 }),
            ..mobilellm_r1(
                "tiny-r1",
                "for tests: 3 layers with QK norm, one of them without rotary positions",
                3,
                3,
                1,
                128,
            )
        }
        .with_head_dim(16),
        Preset {
            vocabulary: 512,
            context: 2048,
            llama3: Some(Llama3Scaling {
                factor: 8.0,
                low_frequency_factor: 1.0,
                high_frequency_factor: 4.0,
                original_context: 64,
            }),
            ..mobilellm("tiny-llama3", "for tests: tiny with rotary positions scaled as Llama 3.2's", 2, 1, 3, 1, 128)
        }
        .with_head_dim(16),
        mobilellm("mobilellm-125m", "MobileLLM 125M", 30, 1, 9, 3, 1536),
        mobilellm("mobilellm-ls-125m", "MobileLLM-LS 125M: each of the 30 blocks runs twice", 30, 2, 9, 3, 1536),
        mobilellm("mobilellm-350m", "MobileLLM 350M", 32, 1, 15, 5, 2560),
        mobilellm("mobilellm-ls-350m", "MobileLLM-LS 350M: each of the 32 blocks runs twice", 32, 2, 15, 5, 2560),
        mobilellm("mobilellm-600m", "MobileLLM 600M", 40, 1, 18, 6, 3072),
        mobilellm("mobilellm-1b", "MobileLLM 1B", 54, 1, 20, 5, 3584),
        mobilellm("mobilellm-1.5b", "MobileLLM 1.5B", 54, 1, 25, 5, 4352),
        mobilellm_r1("mobilellm-r1-140m", "MobileLLM-R1 140M: QK norm", 15, 9, 3, 2048),
        mobilellm_r1("mobilellm-r1-360m", "MobileLLM-R1 360M: QK norm", 15, 16, 4, 4096),
        mobilellm_r1("mobilellm-r1-950m", "MobileLLM-R1 950M: QK norm", 22, 24, 6, 6144),
        smollm2("smollm2-135m", "SmolLM2 135M: the blocks of MobileLLM 125M", 30, 9, 3, 1536),
        smollm2("smollm2-360m", "SmolLM2 360M: the blocks of MobileLLM 350M", 32, 15, 5, 2560),
        Preset { rope_theta: 130_000.0, ..smollm2("smollm2-1.7b", "SmolLM2 1.7B", 24, 32, 32, 8192) },
        Preset { tied_head: false, ..mobilellm("tinyllama-1.1b", "TinyLlama 1.1B", 22, 1, 32, 4, 5632) },
        Preset {
            vocabulary: 128_256,
            // The whole context, although graphs then have 33 MB of rotary tables: so do those of the trained model.
            context: 131_072,
            rope_theta: 500_000.0,
            llama3: Some(Llama3Scaling {
                factor: 32.0,
                low_frequency_factor: 1.0,
                high_frequency_factor: 4.0,
                original_context: 8192,
            }),
            bos_token: 128_000,
            eos_token: 128_001,
            ..mobilellm("llama-3.2-1b", "Llama 3.2 1B: scaled positions", 16, 1, 32, 8, 8192)
        },
        Preset {
            head_dim: 128,
            context: 4096,
            tied_head: false,
            ..mobilellm("llama-2-7b", "Llama 2 7B, with which MobileLLM is compared: use int4", 32, 1, 32, 32, 11_008)
        },
    ];

    /// The preset with that name.
    pub fn find(name: &str) -> Option<&'static Preset> {
        Self::ALL.iter().find(|preset| preset.name == name)
    }

    const fn with_head_dim(self, head_dim: usize) -> Preset {
        Preset { head_dim, ..self }
    }

    /// The configuration of this preset.
    pub fn config(&self) -> ModelConfig {
        ModelConfig {
            layers: self.layers,
            layer_repeats: self.layer_repeats,
            hidden: self.heads * self.head_dim,
            heads: self.heads,
            kv_heads: self.kv_heads,
            head_dim: self.head_dim,
            ffn: self.ffn,
            vocabulary: self.vocabulary,
            context: self.context,
            rope_theta: self.rope_theta,
            rope_scaling: self.llama3.map(RopeScaling::Llama3),
            rms_norm_eps: 1e-5,
            query_key_norm: self.query_key_norm,
            no_rope_layers: self.no_rope_layers.to_vec(),
            attention_temperature: self.attention_temperature,
            tied_head: self.tied_head,
            bos_token: Some(self.bos_token),
            eos_tokens: vec![self.eos_token],
        }
    }
}

const fn mobilellm(
    name: &'static str,
    summary: &'static str,
    layers: usize,
    layer_repeats: usize,
    heads: usize,
    kv_heads: usize,
    ffn: usize,
) -> Preset {
    Preset {
        name,
        summary,
        layers,
        layer_repeats,
        heads,
        kv_heads,
        head_dim: 64,
        ffn,
        vocabulary: 32_000,
        context: 2048,
        rope_theta: 10_000.0,
        llama3: None,
        query_key_norm: false,
        no_rope_layers: &[],
        attention_temperature: None,
        tied_head: true,
        bos_token: 1,
        eos_token: 2,
    }
}

/// The dense blocks of Llama 4, each with rotary positions and a norm of queries and keys. The shapes are published;
/// `rope_theta`, which does not affect the cost, is that of the released `config.json` as others quote it.
const fn mobilellm_r1(
    name: &'static str,
    summary: &'static str,
    layers: usize,
    heads: usize,
    kv_heads: usize,
    ffn: usize,
) -> Preset {
    Preset {
        vocabulary: 128_256,
        context: 32_768,
        rope_theta: 8_000_000.0,
        query_key_norm: true,
        ..mobilellm(name, summary, layers, 1, heads, kv_heads, ffn)
    }
}

/// The base models: one token begins and ends a text.
const fn smollm2(
    name: &'static str,
    summary: &'static str,
    layers: usize,
    heads: usize,
    kv_heads: usize,
    ffn: usize,
) -> Preset {
    Preset {
        vocabulary: 49_152,
        context: 8192,
        rope_theta: 100_000.0,
        bos_token: 0,
        eos_token: 0,
        ..mobilellm(name, summary, layers, 1, heads, kv_heads, ffn)
    }
}
