use minijinja::{Environment, UndefinedBehavior, context, syntax::SyntaxConfig};
use serde_json::Value;

use super::invalid;
use crate::text::message::{Failure, TextFile};

/// The template of a model that has none: plain words, no special tokens but the begin of text.
///
/// MobileLLM was trained on text, not on chats; with this it continues a transcript.
const DEFAULT_TEMPLATE: &str = "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}\
    {{ message['content'] }}\n\n{% elif message['role'] == 'user' %}User: {{ message['content'] }}\n{% else %}\
    Assistant:{{ message['content'] }}\n{% endif %}{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}";

/// Work that a template may do: a few thousand times more than real ones need.
const FUEL: u64 = 5_000_000;

/// Macros, blocks and includes within each other: real templates have a few.
const DEEPEST: usize = 100;

/// What stands for an answer while its surroundings are rendered. No tokenizer's special token, no template's word.
const ANSWER: &str = "\u{1}answer\u{2}";

/// Tokens that end an answer in the templates that are in use.
const END_MARKERS: [&str; 5] = ["<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>"];

/// A chat template that was opened.
#[derive(Debug)]
pub(in crate::text) struct TemplateReader {
    source: String,
    file: TextFile,
    bos_token: String,
    eos_token: String,
    is_default: bool,
}

impl TemplateReader {
    /// Opens the template of a `tokenizer_config.json`, or of a file of its own where there is one.
    ///
    /// # Errors
    /// When a file is malformed, or the template is no template.
    pub(super) fn open(config: &[u8], own_file: Option<&[u8]>) -> Result<Self, Failure> {
        let config: Value =
            serde_json::from_slice(config).map_err(|error| invalid(TextFile::Configuration, error.to_string()))?;
        let own_file = own_file.map(|bytes| {
            let text = str::from_utf8(bytes).map_err(|error| invalid(TextFile::Template, error.to_string()))?;
            Ok(text.to_owned())
        });
        let file = if own_file.is_some() { TextFile::Template } else { TextFile::Configuration };
        let source = own_file.transpose()?.or_else(|| template_of(&config));
        let template = Self {
            is_default: source.is_none(),
            source: source.unwrap_or_else(|| DEFAULT_TEMPLATE.to_owned()),
            file,
            bos_token: special_token(&config, "bos_token").unwrap_or_default(),
            eos_token: special_token(&config, "eos_token").unwrap_or_default(),
        };
        template.environment().map(|_| ())?;
        Ok(template)
    }

    /// Whether it is the project's own, because the model has none.
    pub(super) fn is_default(&self) -> bool {
        self.is_default
    }

    /// Texts of tokens that end an answer: the tokenizer's own, and those that the template writes.
    pub(super) fn end_markers(&self) -> Vec<String> {
        let markers = END_MARKERS.into_iter().filter(|marker| self.source.contains(marker));
        markers.chain([self.eos_token.as_str()]).map(str::to_owned).collect()
    }

    /// See [`crate::ChatTemplate::segments`].
    ///
    /// # Errors
    /// When the template fails, or writes an earlier turn differently once there is a later one.
    pub(super) fn segments(
        &self,
        system: Option<&str>,
        examples: &[(String, String)],
        user_turns: &[String],
    ) -> Result<Vec<String>, Failure> {
        let environment = self.environment()?;
        let mut messages: Vec<minijinja::Value> = system.iter().map(|content| message("system", content)).collect();
        for (user, answer) in examples {
            messages.push(message("user", user));
            messages.push(message("assistant", answer));
        }
        let mut segments: Vec<String> = Vec::with_capacity(user_turns.len());
        for user in user_turns {
            messages.push(message("user", user));
            let text = self.render(&environment, &messages)?;
            let parts: Vec<&str> = text.split(ANSWER).collect();
            let answers = segments.len();
            let unchanged =
                parts.len() == answers + 1 && parts.iter().zip(&segments).all(|(part, known)| part == known);
            if !unchanged {
                return Err(self.fails(&format!(
                    "with {} turns it writes the earlier ones differently, so that the key-value cache cannot be kept",
                    answers + 1
                )));
            }
            segments.push(parts[answers].to_owned());
            messages.push(message("assistant", ANSWER));
        }
        Ok(segments)
    }

    fn render(&self, environment: &Environment, messages: &[minijinja::Value]) -> Result<String, Failure> {
        let template = environment.get_template("chat").map_err(|error| self.failure(&error))?;
        template
            .render(context! {
                messages => minijinja::Value::from(messages),
                bos_token => self.bos_token.as_str(),
                eos_token => self.eos_token.as_str(),
                add_generation_prompt => true,
            })
            .map_err(|error| self.failure(&error))
    }

    /// As Hugging Face renders templates: blocks take their line's white space with them, and there is an exception to
    /// raise. Python's methods of strings and lists are understood.
    fn environment(&self) -> Result<Environment<'_>, Failure> {
        let mut environment = Environment::new();
        let mut syntax = SyntaxConfig::builder();
        syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(false);
        environment.set_syntax(syntax.build().map_err(|error| self.failure(&error))?);
        environment.set_undefined_behavior(UndefinedBehavior::Lenient);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(DEEPEST);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<String, minijinja::Error> {
            Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, message))
        });
        environment.add_template("chat", &self.source).map_err(|error| self.failure(&error))?;
        Ok(environment)
    }

    fn failure(&self, error: &minijinja::Error) -> Failure {
        let detail =
            error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
        let line = error.line().map_or(String::new(), |line| format!(", line {line}"));
        self.fails(&format!("{detail}{line}"))
    }

    fn fails(&self, reason: &str) -> Failure {
        invalid(self.file, format!("its chat template fails: {reason}"))
    }
}

fn message(role: &str, content: &str) -> minijinja::Value {
    minijinja::Value::from_pairs([("role", role), ("content", content)])
}

/// A string, or a list of named templates of which `default` is for chats.
fn template_of(config: &Value) -> Option<String> {
    let template = config.get("chat_template")?;
    if let Some(source) = template.as_str() {
        return Some(source.to_owned());
    }
    let named =
        template.as_array()?.iter().find(|entry| entry.get("name").and_then(Value::as_str) == Some("default"))?;
    named.get("template")?.as_str().map(ToOwned::to_owned)
}

/// A special token's text: Hugging Face writes it as a string, or as an object with a `content`.
fn special_token(config: &Value, key: &str) -> Option<String> {
    let token = config.get(key)?;
    token.as_str().or_else(|| token.get("content")?.as_str()).map(ToOwned::to_owned)
}
