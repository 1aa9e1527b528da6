//! Shapes that were never published: a preset with some of its numbers changed, and a name that describes the changes.
//!
//! `mobilellm-125m+layers12+dim512` is MobileLLM 125M with 12 blocks of width 512.

use crate::{ModelConfig, ModelError, Preset};

/// What can be changed: the key in the name, and its meaning.
pub const KEYS: [(&str, &str); 9] = [
    ("layers", "blocks with weights of their own"),
    ("repeats", "how often each block runs, 2 for layer sharing"),
    ("dim", "width of the model; the heads keep theirs, so that their number changes with it"),
    ("heads", "query heads; the width stays, and the heads' own changes"),
    ("kv", "key and value heads"),
    ("ffn", "width of the feed-forward layer"),
    ("vocab", "entries of the vocabulary"),
    ("context", "longest context"),
    ("untied", "1: the head has weights of its own; 0: it is the embedding"),
];

/// Largest number in a name: no model has a larger one.
const MOST: usize = 1 << 24;

/// Separates the preset from its changes.
const SEPARATOR: char = '+';

/// The configuration for a name: that of a preset, or of one with changes. `None` for a name that does not begin with
/// a preset's.
///
/// # Errors
/// When a change is not understood, or the shape is impossible.
pub fn seeded_config(name: &str) -> Option<Result<ModelConfig, ModelError>> {
    let mut parts = name.split(SEPARATOR);
    let preset = Preset::find(parts.next()?)?;
    let mut config = preset.config();
    for part in parts {
        if let Err(error) = change(&mut config, part) {
            return Some(Err(error));
        }
    }
    Some(config.validate().map(|()| config))
}

/// The name of a model with one more change.
pub fn variant_name(model: &str, key: &str, value: usize) -> String {
    format!("{model}{SEPARATOR}{key}{value}")
}

fn change(config: &mut ModelConfig, part: &str) -> Result<(), ModelError> {
    let digits = part.find(|letter: char| letter.is_ascii_digit()).unwrap_or(part.len());
    let (key, value) = part.split_at(digits);
    let known = || KEYS.map(|(key, _)| key).join(", ");
    let value: usize = value.parse().map_err(|_| {
        ModelError::Config(format!(
            "{part:?} is not a change of a model: write a key and a number, as in layers12; keys are {}",
            known()
        ))
    })?;
    if value > MOST {
        return Err(ModelError::Config(format!("{key} is {value}, beyond any model this project can hold")));
    }
    match key {
        "layers" => {
            config.layers = value;
            config.no_rope_layers.retain(|layer| *layer < value);
        }
        "repeats" => config.layer_repeats = value,
        "dim" => set_width(config, value)?,
        "heads" => {
            if value == 0 || !config.hidden.is_multiple_of(value) {
                return Err(ModelError::Config(format!("{} is not a multiple of {value} heads", config.hidden)));
            }
            config.heads = value;
            config.head_dim = config.hidden / value;
            config.kv_heads = largest_divisor(value, config.kv_heads);
        }
        "kv" => config.kv_heads = value,
        "ffn" => config.ffn = value,
        "vocab" => config.vocabulary = value,
        "context" => config.context = value,
        "untied" => config.tied_head = value == 0,
        _ => return Err(ModelError::Config(format!("{key:?} cannot be changed; {} can", known()))),
    }
    Ok(())
}

/// Heads keep their width: a model of another width has more or fewer heads, and a number of key-value heads that divides it.
fn set_width(config: &mut ModelConfig, width: usize) -> Result<(), ModelError> {
    if width == 0 || !width.is_multiple_of(config.head_dim) {
        let head_dim = config.head_dim;
        return Err(ModelError::Config(format!(
            "a width of {width} is not a multiple of the heads' width of {head_dim}"
        )));
    }
    config.hidden = width;
    config.heads = width / config.head_dim;
    config.kv_heads = largest_divisor(config.heads, config.kv_heads);
    Ok(())
}

/// The largest divisor of `number` that is not above `most`.
fn largest_divisor(number: usize, most: usize) -> usize {
    let pairs = (1..=number.isqrt()).filter(|divisor| number.is_multiple_of(*divisor)).map(|it| [it, number / it]);
    pairs.flatten().filter(|divisor| *divisor <= most).max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str) -> ModelConfig {
        seeded_config(name).unwrap().unwrap()
    }

    fn refused(name: &str) -> String {
        seeded_config(name).unwrap().unwrap_err().to_string()
    }

    #[test]
    fn a_name_says_all_that_is_changed() {
        let base = config("mobilellm-125m");
        assert_eq!(base, Preset::find("mobilellm-125m").unwrap().config());
        assert_eq!(config("mobilellm-125m+repeats2"), Preset::find("mobilellm-ls-125m").unwrap().config());
        let shallow = config("mobilellm-125m+layers12+dim896+ffn2432");
        assert_eq!((shallow.layers, shallow.hidden, shallow.heads, shallow.kv_heads), (12, 896, 14, 2));
        assert_eq!((shallow.head_dim, shallow.ffn, shallow.tied_head), (64, 2432, true));
        assert!(!config("mobilellm-125m+untied1").tied_head);
        assert_eq!(variant_name("mobilellm-125m", "kv", 1), "mobilellm-125m+kv1");
        assert_eq!(config("mobilellm-125m+kv1").kv_heads, 1);
        assert_eq!(config("tiny-r1+layers1").no_rope_layers, Vec::<usize>::new());
    }

    #[test]
    fn changes_that_make_no_model_are_refused_by_name() {
        assert!(refused("tiny+colour3").contains("\"colour\" cannot be changed; layers, repeats, dim"));
        assert!(refused("tiny+layers").contains("write a key and a number, as in layers12"));
        assert!(refused("tiny+dim50").contains("a width of 50 is not a multiple of the heads' width of 16"));
        assert!(refused("tiny+kv2").contains("is not a multiple of num_key_value_heads (2)"));
        assert!(refused("tiny+layers0").contains("num_hidden_layers"));
        assert!(seeded_config("somebody+layers2").is_none());
        for huge in ["tiny+kv18446744073709551615+dim18446744073709551600", "tiny+ffn16777217"] {
            assert!(refused(huge).contains("beyond any model"), "{huge}");
        }
        assert!(refused("tiny+layers16777216").contains("num_hidden_layers is 16777216, beyond"));
        assert!(refused("tiny+ffn16777216+layers65536").contains("weights are beyond"));
    }

    #[test]
    fn the_largest_divisor_is_not_above_the_most() {
        for number in 1..60 {
            for most in 1..60 {
                let tried = (1..=most).filter(|divisor| number % divisor == 0).max().unwrap();
                assert_eq!(largest_divisor(number, most), tried, "{number} {most}");
            }
        }
        assert_eq!(largest_divisor(1 << 24, MOST), 1 << 24);
    }
}
