//! The parameters of scaled positions.

use serde_json::{Map, Value, json};

use super::{Rope, number, refused};
use crate::{Llama3Scaling, ModelError, RopeScaling, YarnScaling};

/// Keys that say nothing about scaling. Any other key means scaling unless the type says that there is none.
const HARMLESS: [&str; 5] = ["rope_type", "type", "rope_theta", ORIGINAL, "partial_rotary_factor"];
const ORIGINAL: &str = "original_max_position_embeddings";
/// Keys with which other engines scale in addition to the type (vLLM's `get_rope`), and which do nothing at 1 or true.
const FURTHER: [&str; 5] = ["alpha", "attn_factor", "extrapolation_factor", "apply_yarn_scaling", "scaling_alpha"];
/// Defaults of the most and the fewest turns of [`YarnScaling`].
const BETAS: [f64; 2] = [32.0, 1.0];

/// The object `name`, and all `keys` of the file.
pub(super) struct Reader<'a> {
    pub(super) name: &'a str,
    pub(super) object: &'a Map<String, Value>,
    pub(super) keys: &'a Map<String, Value>,
    pub(super) context: usize,
}

impl Reader<'_> {
    pub(super) fn read(&self) -> Result<Rope, ModelError> {
        self.refuse_parts()?;
        let mut rope = Rope { theta: None, scaling: None, context: self.context, notes: Vec::new() };
        let Some((key, kind)) = self.kind()? else {
            self.refuse_parameters_without_type()?;
            return Ok(rope);
        };
        if let Some(other) =
            self.object.get("type").filter(|other| key != "type" && !other.is_null() && **other != kind)
        {
            rope.notes.push(format!(
                "{0}.rope_type of config.json is {kind:?}, which counts, and {0}.type {other}",
                self.name
            ));
        }
        let used: &[&str] = match kind {
            // Left out, under the name in Hugging Face's libraries and in others.
            "default" | "none" => return Ok(rope),
            "linear" => {
                rope.scaling = Some(RopeScaling::Linear { factor: self.factor()? });
                &["factor"]
            }
            "dynamic" => {
                self.dynamic(&mut rope)?;
                &["factor"]
            }
            "llama3" => {
                rope.scaling = Some(RopeScaling::Llama3(self.llama3()?));
                &["factor", "low_freq_factor", "high_freq_factor"]
            }
            "yarn" => {
                rope.scaling = Some(RopeScaling::Yarn(self.yarn()?));
                &[
                    "factor",
                    "attention_factor",
                    "beta_fast",
                    "beta_slow",
                    "mscale",
                    "mscale_all_dim",
                    "truncate",
                    "finetuned",
                ]
            }
            "longrope" => {
                rope.scaling = Some(self.equal_factors(key)?);
                &["factor", "attention_factor", "short_factor", "long_factor"]
            }
            _ => {
                return Err(refused(format!(
                    "{}.{key} is {kind:?}, and positions scaled in that way are not supported: linear, llama3, yarn and \
                     dynamic are; import a model with one of them, or without",
                    self.name
                )));
            }
        };
        self.note_unused(kind, used, &mut rope.notes)?;
        Ok(rope)
    }

    /// The type and its key: the newer key counts where both are there.
    fn kind(&self) -> Result<Option<(&'static str, &str)>, ModelError> {
        for key in ["rope_type", "type"] {
            match self.object.get(key) {
                None | Some(Value::Null) => (),
                Some(Value::String(kind)) => return Ok(Some((key, kind))),
                Some(other) => return Err(refused(format!("{}.{key} is {other}, where a name belongs", self.name))),
            }
        }
        Ok(None)
    }

    fn refuse_parts(&self) -> Result<(), ModelError> {
        let name = self.name;
        if let Some((key, _)) = self.object.iter().find(|(_, value)| value.is_object()) {
            return Err(refused(format!(
                "{name} has rotary positions of their own for {key:?}; one kind for all layers is supported"
            )));
        }
        match self.object.get("partial_rotary_factor").filter(|factor| !is_one(factor)) {
            Some(factor) => Err(refused(format!(
                "{name}.partial_rotary_factor is {factor}; heads that are turned in part are not supported"
            ))),
            None => Ok(()),
        }
    }

    /// transformers ignores such parameters, but they were written for a reason.
    fn refuse_parameters_without_type(&self) -> Result<(), ModelError> {
        let says_nothing =
            |key: &str, value: &Value| HARMLESS.contains(&key) || value.is_null() || (key == "factor" && is_one(value));
        let name = self.name;
        match self.object.iter().find(|(key, value)| !says_nothing(key, value)) {
            Some((key, value)) => Err(refused(format!(
                "{name}.{key} is {value}, but no {name}.rope_type says how positions are scaled: give it, or \
                 \"rope_type\": \"default\" if they are not"
            ))),
            None => Ok(()),
        }
    }

    /// Notes parameters that transformers does not read for this type, and warns about.
    fn note_unused(&self, kind: &str, used: &[&str], notes: &mut Vec<String>) -> Result<(), ModelError> {
        let name = self.name;
        let is_on = |value: &Value| is_one(value) || *value == Value::Bool(true);
        for (key, value) in self.object.iter().filter(|(key, _)| !used.contains(&key.as_str())) {
            if FURTHER.contains(&key.as_str()) && !is_on(value) {
                return Err(refused(format!("{name}.{key} is {value}; what it changes is not supported")));
            }
            if !(HARMLESS.contains(&key.as_str()) || FURTHER.contains(&key.as_str()) || value.is_null()) {
                notes.push(format!("{name}.{key} of config.json is not read: positions are scaled as {kind}"));
            }
        }
        Ok(())
    }

    /// Frequencies depend on the length of the text, but not within the original context.
    fn dynamic(&self, rope: &mut Rope) -> Result<(), ModelError> {
        RopeScaling::ensure_factor(self.factor()?)?;
        let original = [self.size(self.object, &format!("{}.", self.name))?, self.size(self.keys, "")?];
        rope.context = original.into_iter().flatten().fold(self.context, usize::min);
        rope.notes.push(format!(
            "positions are scaled beyond {} tokens only (dynamic), and the context ends there",
            rope.context
        ));
        Ok(())
    }

    fn llama3(&self) -> Result<Llama3Scaling, ModelError> {
        Ok(Llama3Scaling {
            factor: self.factor()?,
            low_frequency_factor: self.required("low_freq_factor")?,
            high_frequency_factor: self.required("high_freq_factor")?,
            original_context: self.original_context()?,
        })
    }

    fn yarn(&self) -> Result<YarnScaling, ModelError> {
        let original_context = self.original_context()?;
        let factor = match self.object.get("factor") {
            Some(Value::Null) => self.context as f64 / original_context as f64,
            _ => self.factor()?,
        };
        let or = |key: &str, otherwise: f64| Ok(self.number(key)?.filter(|number| *number != 0.0).unwrap_or(otherwise));
        let magnitudes = [self.number("mscale")?, self.number("mscale_all_dim")?].map(Option::unwrap_or_default);
        let attention_factor = match (self.number("attention_factor")?, magnitudes) {
            (Some(attention_factor), _) => attention_factor,
            (None, [above, below]) if above != 0.0 && below != 0.0 => {
                YarnScaling::magnitude(factor, above) / YarnScaling::magnitude(factor, below)
            }
            (None, _) => YarnScaling::usual_attention_factor(factor),
        };
        Ok(YarnScaling {
            factor,
            attention_factor,
            beta_fast: or("beta_fast", BETAS[0])?,
            beta_slow: or("beta_slow", BETAS[1])?,
            original_context,
            truncate: match self.object.get("truncate") {
                None => true,
                // Python's `None` counts as false.
                Some(Value::Null) => false,
                Some(Value::Bool(truncate)) => *truncate,
                Some(other) => {
                    return Err(refused(format!("{}.truncate is {other}, neither true nor false", self.name)));
                }
            },
        })
    }

    /// A `longrope` whose factors are the same for short and long texts.
    fn equal_factors(&self, key: &str) -> Result<RopeScaling, ModelError> {
        let list = |key: &str| {
            let list = self.object.get(key).and_then(Value::as_array);
            list.and_then(|list| list.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>())
        };
        let name = self.name;
        match (list("short_factor"), list("long_factor"), self.number("attention_factor")?) {
            (Some(short), Some(long), Some(attention_factor)) if short == long => {
                Ok(RopeScaling::Factors { factors: short, attention_factor })
            }
            _ => Err(refused(format!(
                "{name}.{key} is \"longrope\", whose frequencies change with the length of the text; it is supported only \
                 with an attention_factor and a short_factor that is the same list as long_factor"
            ))),
        }
    }

    fn factor(&self) -> Result<f64, ModelError> {
        self.required("factor")
    }

    fn required(&self, key: &str) -> Result<f64, ModelError> {
        let missing = || refused(format!("{}.{key} is not given, without which positions cannot be scaled", self.name));
        self.number(key)?.ok_or_else(missing)
    }

    fn number(&self, key: &str) -> Result<Option<f64>, ModelError> {
        number(self.object, key, &format!("{}.", self.name))
    }

    /// The key beside the object takes precedence over the one in it, and the longest text is the default.
    fn original_context(&self) -> Result<usize, ModelError> {
        let (beside, inside) = (self.size(self.keys, "")?, self.size(self.object, &format!("{}.", self.name))?);
        Ok(beside.or(inside).unwrap_or(self.context))
    }

    fn size(&self, keys: &Map<String, Value>, place: &str) -> Result<Option<usize>, ModelError> {
        match number(keys, ORIGINAL, place)? {
            None => Ok(None),
            Some(size) if (1.0..=f64::from(u32::MAX)).contains(&size) && size.fract() == 0.0 => Ok(Some(size as usize)),
            Some(size) => Err(refused(format!("{place}{ORIGINAL} is {size}, which is no number of tokens"))),
        }
    }
}

fn is_one(value: &Value) -> bool {
    value.is_null() || value.as_f64() == Some(1.0)
}

/// The form that [`Reader::read`], and transformers, read back as the same value.
pub(in crate::config_json) fn written(scaling: &RopeScaling) -> Value {
    match scaling {
        RopeScaling::Linear { factor } => json!({ "rope_type": "linear", "factor": factor }),
        RopeScaling::Llama3(llama3) => json!({
            "rope_type": "llama3",
            "factor": llama3.factor,
            "low_freq_factor": llama3.low_frequency_factor,
            "high_freq_factor": llama3.high_frequency_factor,
            ORIGINAL: llama3.original_context,
        }),
        RopeScaling::Yarn(yarn) => json!({
            "rope_type": "yarn",
            "factor": yarn.factor,
            "attention_factor": yarn.attention_factor,
            "beta_fast": yarn.beta_fast,
            "beta_slow": yarn.beta_slow,
            "truncate": yarn.truncate,
            ORIGINAL: yarn.original_context,
        }),
        RopeScaling::Factors { factors, attention_factor } => json!({
            "rope_type": "longrope",
            "attention_factor": attention_factor,
            "short_factor": factors,
            "long_factor": factors,
        }),
    }
}
