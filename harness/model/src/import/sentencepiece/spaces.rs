//! Where a space is added before a text, following `LlamaConverter` in transformers' `convert_slow_tokenizer.py`.

use serde_json::{Value, json};

/// The character that represents a space.
const SPACE: &str = "\u{2581}";

/// How the spaces of a text are treated.
#[derive(Clone, Copy, Debug)]
pub(in crate::import) struct Spaces {
    /// Whether a space is added before a text.
    has_prefix: bool,
    /// Whether one is also added after each special token, which transformers did before a bug fix.
    is_legacy: bool,
}

impl Spaces {
    /// The rule from `tokenizer_config.json`. Transformers ignores the model's own setting (`add_dummy_prefix`).
    pub(super) fn from_configuration(configuration: Option<&Value>) -> Self {
        let flag = |key: &str| configuration.and_then(|configuration| configuration.get(key)).and_then(Value::as_bool);
        Self { has_prefix: flag("add_prefix_space").unwrap_or(true), is_legacy: flag("legacy").unwrap_or(true) }
    }

    /// A space before a text and after each special token, or none at all.
    pub(in crate::import) fn legacy(has_prefix: bool) -> Self {
        Self { has_prefix, is_legacy: true }
    }

    pub(super) fn normalizer(self) -> Value {
        if !self.is_legacy {
            return Value::Null;
        }
        let mut steps = Vec::new();
        if self.has_prefix {
            steps.push(json!({"type": "Prepend", "prepend": SPACE}));
        }
        steps.push(json!({"type": "Replace", "pattern": {"String": " "}, "content": SPACE}));
        json!({"type": "Sequence", "normalizers": steps})
    }

    pub(super) fn pre_tokenizer(self) -> Value {
        if self.is_legacy {
            return Value::Null;
        }
        let scheme = if self.has_prefix { "first" } else { "never" };
        json!({"type": "Metaspace", "replacement": SPACE, "prepend_scheme": scheme, "split": false})
    }

    pub(super) fn decoder(self) -> Value {
        let mut steps = vec![
            json!({"type": "Replace", "pattern": {"String": SPACE}, "content": " "}),
            json!({"type": "ByteFallback"}),
            json!({"type": "Fuse"}),
        ];
        if self.has_prefix {
            steps.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
        }
        json!({"type": "Sequence", "decoders": steps})
    }
}
