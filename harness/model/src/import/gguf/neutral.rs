//! Keys that change what llama.cpp computes, and that are accepted only with values that change nothing.

use super::{metadata::Metadata, rope};

/// Keys that are read elsewhere, or checked below.
const ATTENTION: [&str; 10] = [
    "head_count",
    "head_count_kv",
    "key_length",
    "value_length",
    "layer_norm_rms_epsilon",
    // This one belongs to another norm, which a Llama does not have.
    "layer_norm_epsilon",
    "sliding_window",
    "causal",
    "scale",
    "clamp_kqv",
];

/// Values of a number that change nothing, in addition to a missing key.
#[derive(Clone, Copy)]
enum Neutral {
    /// The value that llama.cpp uses for every `llama`, whether or not the file has it.
    Only(f64),
    /// A factor that llama.cpp ignores where it is 0.
    ZeroOrOne,
    /// A limit, or a number without a neutral value; llama.cpp ignores it where it is 0 or negative.
    NotPositive,
    /// A replacement of `1 / sqrt(head_dim)`, unless it is 0.
    ScoreScale,
}

/// Some architectures with a Llama's tensors scale by these keys (Granite, Command R, OLMo, Gemma). llama.cpp does not read
/// all of them for `llama` itself, but a file that has one was meant for another computation.
const NUMBERS: [(&str, Neutral); 13] = [
    ("llama.rope.scaling.alpha", Neutral::Only(0.0)),
    ("llama.rope.scaling.yarn_log_multiplier", Neutral::Only(0.0)),
    ("llama.rope.scaling.yarn_ext_factor", Neutral::Only(1.0)),
    ("llama.rope.scaling.yarn_beta_fast", Neutral::Only(32.0)),
    ("llama.rope.scaling.yarn_beta_slow", Neutral::Only(1.0)),
    ("llama.logit_scale", Neutral::ZeroOrOne),
    ("llama.residual_scale", Neutral::ZeroOrOne),
    ("llama.embedding_scale", Neutral::ZeroOrOne),
    ("llama.attention.scale", Neutral::ScoreScale),
    ("llama.attention.clamp_kqv", Neutral::NotPositive),
    ("llama.attention.max_alibi_bias", Neutral::NotPositive),
    ("llama.attn_logit_softcapping", Neutral::NotPositive),
    ("llama.final_logit_softcapping", Neutral::NotPositive),
];

const ACTIVATION: &str = "llama.hidden_activation";
const PARALLEL: &str = "llama.use_parallel_residual";

impl Neutral {
    fn holds(self, value: f64, head_dim: usize) -> bool {
        match self {
            Self::Only(only) => value == only,
            Self::ZeroOrOne => value == 0.0 || value == 1.0,
            Self::NotPositive => value <= 0.0,
            Self::ScoreScale => {
                // Compared with the precision of f32, in which it is stored.
                let usual = 1.0 / (head_dim as f64).sqrt();
                value == 0.0 || (value - usual).abs() <= usual * f64::from(f32::EPSILON)
            }
        }
    }
}

/// Refuses what would be computed wrongly, with a reason that does not name the file.
pub fn ensure(metadata: &Metadata, context: usize, head_dim: usize) -> Result<(), String> {
    for (key, neutral) in NUMBERS {
        if let Some(value) = metadata.optional_number(key)?.filter(|value| !neutral.holds(*value, head_dim)) {
            return Err(format!("{key} is {value}; what it changes in the computation is not supported"));
        }
    }
    if let Some(other) = metadata.present_text(ACTIVATION)?.filter(|name| !["silu", "swish"].contains(name)) {
        return Err(format!("{ACTIVATION} is {other:?}; only \"silu\" (SwiGLU) is supported"));
    }
    if metadata.optional_boolean(PARALLEL)? == Some(true) {
        return Err(format!("{PARALLEL} is true; attention and feed-forward layers side by side are not supported"));
    }
    refuse_unknown(metadata)?;
    const WINDOW: &str = "llama.attention.sliding_window";
    if let Some(window) = metadata.optional_size(WINDOW)?.filter(|&window| window > 0 && window < context) {
        return Err(format!("{WINDOW} is {window}, less than the context of {context}; windows are not supported"));
    }
    if metadata.optional_boolean("llama.attention.causal")? == Some(false) {
        return Err("llama.attention.causal is false; attention to what comes later is not supported".into());
    }
    Ok(())
}

/// Whether a key is checked here.
pub fn knows(key: &str) -> bool {
    key == ACTIVATION || key == PARALLEL || NUMBERS.iter().any(|(known, _)| *known == key)
}

/// Unknown keys of positions and attention may change what is computed.
fn refuse_unknown(metadata: &Metadata) -> Result<(), String> {
    for key in metadata.keys().filter(|key| !knows(key)) {
        let what = match key.strip_prefix("llama.attention.") {
            Some(name) if !ATTENTION.contains(&name) => "attention",
            None if key.starts_with(rope::PREFIX) && !rope::KEYS.contains(&key) => "the rotary positions",
            _ => continue,
        };
        return Err(format!("{key} is an unknown key, and it may change {what}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::metadata::Value, *};

    fn refusal(values: &[(&str, Value)]) -> String {
        let mut metadata = Metadata::default();
        for (key, value) in values {
            metadata.insert(format!("llama.{key}"), value.clone()).unwrap();
        }
        ensure(&metadata, 2048, 64).err().unwrap_or_default()
    }

    #[test]
    fn what_changes_nothing_is_read() {
        for values in [
            &[][..],
            &[("rope.scaling.yarn_beta_fast", Value::Number(32.0)), ("rope.scaling.type", Value::Text("yarn".into()))],
            &[("rope.freq_base", Value::Number(5e5)), ("rope.dimension_count", Value::Integer(16))],
            &[("attention.sliding_window", Value::Integer(2048)), ("attention.causal", Value::Boolean(true))],
            &[("attention.scale", Value::Number(0.0)), ("attention.clamp_kqv", Value::Number(0.0))],
            &[("attention.scale", Value::Number(0.125)), ("attention.clamp_kqv", Value::Number(-1.0))],
            &[("logit_scale", Value::Number(0.0)), ("embedding_scale", Value::Number(1.0))],
        ] {
            assert_eq!(refusal(values), "", "{values:?}");
        }
    }

    #[test]
    fn what_changes_the_computation_is_refused_by_its_key() {
        for (key, value) in [
            ("rope.scaling.yarn_log_multiplier", Value::Number(0.1)),
            ("rope.scaling.yarn_beta_fast", Value::Number(64.0)),
            ("rope.scaling.yarn_attn_factor", Value::Number(1.0)),
            ("rope.dimension_sections", Value::Integers(vec![1, 2])),
            ("rope.freq_base_swa", Value::Number(1e4)),
            ("attention.scale", Value::Number(0.5)),
            // For 64 dimensions it is 1/8.
            ("attention.scale", Value::Number(1.0)),
            ("attention.clamp_kqv", Value::Number(1.0)),
            ("attention.clamp_kqv", Value::Number(8.0)),
            ("attention.max_alibi_bias", Value::Number(8.0)),
            ("attention.temperature_scale", Value::Number(0.1)),
            ("residual_scale", Value::Number(0.22)),
            ("final_logit_softcapping", Value::Number(30.0)),
            ("attention.sliding_window", Value::Integer(512)),
            ("attention.causal", Value::Boolean(false)),
        ] {
            let refusal = refusal(&[(key, value)]);
            assert!(refusal.contains(&format!("llama.{key}")), "{key}: {refusal}");
        }
    }
}
