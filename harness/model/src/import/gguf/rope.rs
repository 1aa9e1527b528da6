//! Rotary positions as llama.cpp computes them for a `llama`: `load_hparams` in its `llama-model.cpp`, the constructor of
//! `llama_context`, and `rope_yarn` in ggml's `ops.cpp`.

use super::metadata::Metadata;
use crate::{RopeScaling, YarnScaling};

pub const PREFIX: &str = "llama.rope.";
/// The default is linear.
const TYPE: &str = "llama.rope.scaling.type";
/// Positions are divided by the first of these that exists; the second is its old name. 0 means no factor.
const FACTORS: [&str; 2] = ["llama.rope.scaling.factor", "llama.rope.scale_linear"];
/// Factor of cosines and sines, whatever the type.
const ATTENTION_FACTOR: &str = "llama.rope.scaling.attn_factor";
const ORIGINAL: &str = "llama.rope.scaling.original_context_length";
/// Keys that are read here or with the shape, or do not affect the computation.
pub const KEYS: [&str; 8] = [
    TYPE,
    FACTORS[0],
    FACTORS[1],
    ATTENTION_FACTOR,
    ORIGINAL,
    "llama.rope.dimension_count",
    "llama.rope.freq_base",
    "llama.rope.scaling.finetuned",
];

/// Name of the tensor whose values divide the frequencies: Llama 3's scaling, as llama.cpp's converter writes it.
pub const FREQUENCY_FACTORS: &str = "rope_freqs.weight";

/// How positions are scaled. `own` are the values of that tensor, if it exists, and `half` is the number of pairs of a head.
pub fn scaling(
    metadata: &Metadata,
    context: usize,
    half: usize,
    own: Option<Vec<f32>>,
) -> Result<Option<RopeScaling>, String> {
    let attention_factor = metadata.optional_number(ATTENTION_FACTOR)?.unwrap_or(1.0);
    let factor = factor(metadata)?;
    let factor = match metadata.present_text(TYPE)? {
        None | Some("linear") => factor,
        // Any factor beside it is ignored.
        Some("none") => 1.0,
        Some("yarn") if own.is_some() => {
            return Err(format!(
                "{TYPE} is \"yarn\" and there is a tensor {FREQUENCY_FACTORS:?}: both are not supported"
            ));
        }
        Some("yarn") => {
            let original_context = metadata.optional_size(ORIGINAL)?.filter(|&context| context > 0);
            return Ok(Some(RopeScaling::Yarn(YarnScaling {
                factor,
                attention_factor: YarnScaling::usual_attention_factor(factor) * attention_factor,
                beta_fast: 32.0,
                beta_slow: 1.0,
                original_context: original_context.unwrap_or(context),
                truncate: true,
            })));
        }
        Some(other) => {
            return Err(format!(
                "{TYPE} is {other:?}, and positions scaled in that way are not supported: none, linear and yarn are"
            ));
        }
    };
    let factors: Vec<f64> = match own {
        None if attention_factor == 1.0 => return Ok((factor != 1.0).then_some(RopeScaling::Linear { factor })),
        None => vec![factor; half],
        Some(own) => own.into_iter().map(|own| factor * f64::from(own)).collect(),
    };
    let is_neutral = attention_factor == 1.0 && factors.len() == half && factors.iter().all(|one| *one == 1.0);
    Ok((!is_neutral).then_some(RopeScaling::Factors { factors, attention_factor }))
}

fn factor(metadata: &Metadata) -> Result<f64, String> {
    for key in FACTORS {
        if let Some(factor) = metadata.optional_number(key)? {
            return Ok(if factor == 0.0 { 1.0 } else { factor });
        }
    }
    Ok(1.0)
}

#[cfg(test)]
mod tests {
    use super::{super::metadata::Value, *};

    fn scaled(values: &[(&str, Value)], own: Option<Vec<f32>>) -> Result<Option<RopeScaling>, String> {
        let mut metadata = Metadata::default();
        for (key, value) in values {
            metadata.insert(format!("{PREFIX}{key}"), value.clone()).unwrap();
        }
        scaling(&metadata, 2048, 4, own)
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn what_scales_nothing_is_none() {
        for values in [
            &[][..],
            &[("scaling.factor", Value::Number(1.0)), ("scaling.attn_factor", Value::Number(1.0))],
            &[("scaling.factor", Value::Number(0.0)), ("scale_linear", Value::Number(4.0))],
            &[("scaling.type", text("none")), ("scaling.factor", Value::Number(4.0))],
            &[("scaling.type", text("linear")), ("scale_linear", Value::Integer(1))],
        ] {
            assert_eq!(scaled(values, None), Ok(None), "{values:?}");
            assert_eq!(scaled(values, Some(vec![1.0; 4])), Ok(None), "{values:?}");
        }
    }

    #[test]
    fn positions_are_scaled_as_llama_cpp_does_it() {
        let linear = Ok(Some(RopeScaling::Linear { factor: 4.0 }));
        assert_eq!(scaled(&[("scaling.factor", Value::Number(4.0))], None), linear);
        assert_eq!(scaled(&[("scale_linear", Value::Integer(4))], None), linear);
        assert_eq!(scaled(&[("scaling.type", text("linear")), ("scale_linear", Value::Number(4.0))], None), linear);
        let own = Some(vec![1.0, 1.0, 2.5, 8.0]);
        let factors = |factors: [f64; 4], attention_factor| {
            Ok(Some(RopeScaling::Factors { factors: factors.to_vec(), attention_factor }))
        };
        assert_eq!(scaled(&[], own.clone()), factors([1.0, 1.0, 2.5, 8.0], 1.0));
        assert_eq!(scaled(&[("scaling.type", text("none"))], own.clone()), factors([1.0, 1.0, 2.5, 8.0], 1.0));
        assert_eq!(scaled(&[("scaling.factor", Value::Number(2.0))], own), factors([2.0, 2.0, 5.0, 16.0], 1.0));
        assert_eq!(scaled(&[("scaling.attn_factor", Value::Number(0.5))], None), factors([1.0; 4], 0.5));
    }

    #[test]
    fn yarn_has_the_numbers_of_llama_cpp() {
        let yarn = [
            ("scaling.type", text("yarn")),
            ("scaling.factor", Value::Number(4.0)),
            ("scaling.original_context_length", Value::Integer(512)),
            ("scaling.attn_factor", Value::Number(0.5)),
        ];
        let attention_factor = 0.5 * (1.0 + 0.1 * 4_f64.ln());
        let expected = YarnScaling {
            factor: 4.0,
            attention_factor,
            beta_fast: 32.0,
            beta_slow: 1.0,
            original_context: 512,
            truncate: true,
        };
        assert_eq!(scaled(&yarn, None), Ok(Some(RopeScaling::Yarn(expected))));
        assert!(scaled(&yarn, Some(vec![1.0; 4])).unwrap_err().contains("rope_freqs.weight"));
        let Ok(Some(RopeScaling::Yarn(other))) = scaled(&yarn[..2], None) else { panic!("it is yarn") };
        assert_eq!(other.original_context, 2048);
    }

    #[test]
    fn other_types_are_refused_by_name() {
        assert!(scaled(&[("scaling.type", text("longrope"))], None).unwrap_err().contains("type is \"longrope\""));
        assert!(scaled(&[("scaling.type", Value::Integer(1))], None).unwrap_err().contains("is no text"));
    }
}
