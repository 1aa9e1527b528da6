//! Keys that change what llama.cpp computes, and that may be here only as far as they change nothing.
//!
//! What they mean is in llama.cpp's `llama-model.cpp` (`load_hparams`): positions are divided by `rope.scaling.factor`, or
//! under its old name by `rope.scale_linear`, and the type is linear unless the file says otherwise; 0 is no factor.

use super::metadata::Metadata;

const ROPE: &str = "llama.rope.";
const TYPE: &str = "llama.rope.scaling.type";
/// The first that is there counts.
const FACTORS: [&str; 2] = ["llama.rope.scaling.factor", "llama.rope.scale_linear"];
/// Read elsewhere, or without a part in positions that are not scaled.
const HARMLESS: [&str; 4] = [
    "llama.rope.dimension_count",
    "llama.rope.freq_base",
    "llama.rope.scaling.original_context_length",
    "llama.rope.scaling.finetuned",
];
/// Read elsewhere, or looked at below.
const ATTENTION: [&str; 10] = [
    "head_count",
    "head_count_kv",
    "key_length",
    "value_length",
    "layer_norm_rms_epsilon",
    // That of another norm, which a Llama does not have.
    "layer_norm_epsilon",
    "sliding_window",
    "causal",
    "scale",
    "clamp_kqv",
];

/// Which values of a number change nothing, beside that it is not there.
#[derive(Clone, Copy)]
enum Neutral {
    /// llama.cpp multiplies by it whatever it is.
    One,
    /// A factor that llama.cpp leaves out where it is 0.
    ZeroOrOne,
    /// A limit, or what has no value at which it does nothing; llama.cpp leaves it out where it is 0, or no limit.
    NotPositive,
    /// In place of `1 / sqrt(head_dim)`, unless it is 0.
    ScoreScale,
}

/// Of the architectures that share a Llama's tensors some scale with these keys (Granite, Command R, OLMo, Gemma). For
/// `llama` itself llama.cpp does not read all of them: whoever wrote one meant another computation than that.
const NUMBERS: [(&str, Neutral); 9] = [
    ("llama.rope.scaling.attn_factor", Neutral::One),
    ("llama.logit_scale", Neutral::ZeroOrOne),
    ("llama.residual_scale", Neutral::ZeroOrOne),
    ("llama.embedding_scale", Neutral::ZeroOrOne),
    ("llama.attention.scale", Neutral::ScoreScale),
    ("llama.attention.clamp_kqv", Neutral::NotPositive),
    ("llama.attention.max_alibi_bias", Neutral::NotPositive),
    ("llama.attn_logit_softcapping", Neutral::NotPositive),
    ("llama.final_logit_softcapping", Neutral::NotPositive),
];

impl Neutral {
    fn holds(self, value: f64, head_dim: usize) -> bool {
        match self {
            Self::One => value == 1.0,
            Self::ZeroOrOne => value == 0.0 || value == 1.0,
            Self::NotPositive => value <= 0.0,
            Self::ScoreScale => {
                // As near as f32 is, in which it is stored.
                let usual = 1.0 / (head_dim as f64).sqrt();
                value == 0.0 || (value - usual).abs() <= usual * f64::from(f32::EPSILON)
            }
        }
    }
}

/// Refuses what would not be computed right, in words without the file's name.
pub fn ensure(metadata: &Metadata, context: usize, head_dim: usize) -> Result<(), String> {
    ensure_unscaled(metadata)?;
    for (key, neutral) in NUMBERS {
        if let Some(value) = metadata.optional_number(key)?.filter(|value| !neutral.holds(*value, head_dim)) {
            return Err(format!("{key} is {value}; what it changes in the computation is not supported"));
        }
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

/// Keys of positions and attention that nobody here knows may change what is computed.
fn refuse_unknown(metadata: &Metadata) -> Result<(), String> {
    let is_number = |key: &str| NUMBERS.iter().any(|(known, _)| *known == key);
    let rope = |key: &str| key == TYPE || FACTORS.contains(&key) || HARMLESS.contains(&key);
    for key in metadata.keys().filter(|key| !is_number(key)) {
        let what = match key.strip_prefix("llama.attention.") {
            Some(name) if !ATTENTION.contains(&name) => "attention",
            None if key.starts_with(ROPE) && !rope(key) => "the rotary positions",
            _ => continue,
        };
        return Err(format!("{key} is no key that this project knows, and it may change {what}"));
    }
    Ok(())
}

fn ensure_unscaled(metadata: &Metadata) -> Result<(), String> {
    match metadata.present_text(TYPE)? {
        // Whatever factor stands beside it.
        Some("none") => return Ok(()),
        None | Some("linear") => (),
        Some(other) => return Err(format!("{TYPE} is {other:?}; scaled rotary positions are not supported")),
    }
    for key in FACTORS {
        match metadata.optional_number(key)? {
            None => (),
            Some(factor) if [0.0, 1.0].contains(&factor) => return Ok(()),
            Some(factor) => {
                return Err(format!(
                    "{key} is {factor}, by which positions would be divided; scaled rotary positions are not supported"
                ));
            }
        }
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

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn what_changes_nothing_is_read() {
        for values in [
            &[][..],
            &[("rope.freq_base", Value::Number(5e5)), ("rope.dimension_count", Value::Integer(16))],
            &[("rope.scaling.factor", Value::Number(1.0)), ("rope.scaling.attn_factor", Value::Number(1.0))],
            &[("rope.scaling.factor", Value::Number(0.0)), ("rope.scale_linear", Value::Number(4.0))],
            &[("rope.scaling.type", text("none")), ("rope.scaling.factor", Value::Number(4.0))],
            &[("rope.scaling.type", text("linear")), ("rope.scale_linear", Value::Integer(1))],
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
            ("rope.scaling.factor", Value::Number(4.0)),
            ("rope.scale_linear", Value::Number(4.0)),
            ("rope.scaling.type", text("yarn")),
            ("rope.scaling.type", Value::Integer(1)),
            ("rope.scaling.attn_factor", Value::Number(0.5)),
            // All positions would be lost.
            ("rope.scaling.attn_factor", Value::Number(0.0)),
            ("rope.scaling.yarn_log_multiplier", Value::Number(0.1)),
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
        let linear = [("rope.scaling.type", text("linear")), ("rope.scaling.factor", Value::Number(4.0))];
        assert!(refusal(&linear).contains("llama.rope.scaling.factor is 4"));
    }
}
