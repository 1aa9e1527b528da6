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
/// Factors; 0 stands for none.
const MULTIPLIERS: [&str; 6] = [
    "llama.rope.scaling.attn_factor",
    "llama.attention.scale",
    "llama.logit_scale",
    "llama.residual_scale",
    "llama.embedding_scale",
    "llama.attention.clamp_kqv",
];

/// Refuses what would not be computed right, in words without the file's name.
pub fn ensure(metadata: &Metadata, context: usize) -> Result<(), String> {
    ensure_unscaled(metadata)?;
    for key in MULTIPLIERS {
        if let Some(factor) = metadata.optional_number(key)?.filter(|factor| ![0.0, 1.0].contains(factor)) {
            return Err(format!("{key} is {factor}; such factors are not supported"));
        }
    }
    let known = |key: &str| key == TYPE || [&FACTORS[..], &HARMLESS, &MULTIPLIERS].concat().contains(&key);
    if let Some(key) = metadata.keys().find(|key| key.starts_with(ROPE) && !known(key)) {
        return Err(format!("{key} is no key that this project knows, and it may change the rotary positions"));
    }
    const WINDOW: &str = "llama.attention.sliding_window";
    if let Some(window) = metadata.optional_size(WINDOW)?.filter(|&window| window > 0 && window < context) {
        return Err(format!("{WINDOW} is {window}, less than the context of {context}; windows are not supported"));
    }
    if metadata.optional_boolean("llama.attention.causal")? == Some(false) {
        return Err("llama.attention.causal is false; attention to what comes later is not supported".into());
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
        ensure(&metadata, 2048).err().unwrap_or_default()
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
            ("rope.scaling.yarn_log_multiplier", Value::Number(0.1)),
            ("rope.freq_base_swa", Value::Number(1e4)),
            ("attention.scale", Value::Number(0.5)),
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
