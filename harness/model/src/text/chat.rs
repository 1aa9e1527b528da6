use std::{fs, io::ErrorKind, path::PathBuf};

use minijinja::{Environment, UndefinedBehavior, context, syntax::SyntaxConfig};
use pocketwatt_protocol::TokenId;
use serde_json::Value;

use super::{TextTokenizer, special_token, tokenizer_config, watched::watched};
use crate::{ModelConfig, ModelError, ModelFolder};

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

/// How a model wants a conversation to be written, from `tokenizer_config.json` or `chat_template.jinja`.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    source: String,
    path: PathBuf,
    bos_token: String,
    eos_token: String,
    is_default: bool,
}

impl ChatTemplate {
    /// The template of a model; a plain default for one that has none.
    ///
    /// # Errors
    /// When a file cannot be read, or the template is no template.
    pub fn open(folder: &ModelFolder) -> Result<Self, ModelError> {
        let config = tokenizer_config(folder)?;
        let config_path = folder.path().join("tokenizer_config.json");
        let file = folder.path().join("chat_template.jinja");
        let (source, path) = match fs::read_to_string(&file) {
            Ok(source) => (Some(source), file),
            Err(error) if error.kind() == ErrorKind::NotFound => (template_of(&config), config_path),
            Err(error) => return Err(ModelError::io("read", &file)(error)),
        };
        let template = Self {
            is_default: source.is_none(),
            source: source.unwrap_or_else(|| DEFAULT_TEMPLATE.to_owned()),
            path,
            bos_token: special_token(&config, "bos_token").unwrap_or_default(),
            eos_token: special_token(&config, "eos_token").unwrap_or_default(),
        };
        template.environment().map(|_| ())?;
        Ok(template)
    }

    /// Whether it is the project's own, because the model has none.
    pub fn is_default(&self) -> bool {
        self.is_default
    }

    /// The text that is fed before each answer: segment 0 is everything up to the first answer, segment `k` closes
    /// answer `k`, adds the next user text and opens the next answer. Fed one after the other, with the answers in
    /// between, they are what the template makes of the whole conversation. `examples` are requests and answers that
    /// come before, as if the model had given them.
    ///
    /// # Errors
    /// When the template fails, or writes an earlier turn differently once there is a later one: then the key-value
    /// cache cannot be kept between turns. [`ModelError::Endless`] when it was given up.
    pub fn segments(
        &self,
        system: Option<&str>,
        examples: &[(String, String)],
        user_turns: &[String],
    ) -> Result<Vec<String>, ModelError> {
        let template = self.clone();
        let (system, examples, user_turns) = (system.map(str::to_owned), examples.to_vec(), user_turns.to_vec());
        watched(move || template.render_segments(system.as_deref(), &examples, &user_turns))
            .map_err(|reason| ModelError::Endless { path: self.path.clone(), reason })?
    }

    fn render_segments(
        &self,
        system: Option<&str>,
        examples: &[(String, String)],
        user_turns: &[String],
    ) -> Result<Vec<String>, ModelError> {
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
                return Err(self.invalid(format!(
                    "with {} turns it writes the earlier ones differently, so that the key-value cache cannot be kept",
                    answers + 1
                )));
            }
            segments.push(parts[answers].to_owned());
            messages.push(message("assistant", ANSWER));
        }
        Ok(segments)
    }

    /// Tokens that end an answer: those of the model's configuration, the tokenizer's own, and the markers that the
    /// template writes.
    pub fn stop_tokens(&self, tokenizer: &TextTokenizer, config: &ModelConfig) -> Vec<TokenId> {
        let mut tokens: Vec<TokenId> = config.eos_tokens.iter().copied().map(TokenId).collect();
        let markers = END_MARKERS.into_iter().filter(|marker| self.source.contains(marker));
        tokens.extend(markers.chain([self.eos_token.as_str()]).filter_map(|marker| tokenizer.token(marker)));
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    }

    fn render(&self, environment: &Environment, messages: &[minijinja::Value]) -> Result<String, ModelError> {
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
    fn environment(&self) -> Result<Environment<'_>, ModelError> {
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

    fn failure(&self, error: &minijinja::Error) -> ModelError {
        let detail =
            error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
        let line = error.line().map_or(String::new(), |line| format!(", line {line}"));
        self.invalid(format!("{detail}{line}"))
    }

    fn invalid(&self, reason: String) -> ModelError {
        ModelError::invalid(&self.path, format!("its chat template fails: {reason}"))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Preset, generate_seeded};

    const CHATML: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}\
        {{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + \
        message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}\
        {{ '<|im_start|>assistant\n' }}{% endif %}";

    fn folder(tokenizer_config: &Value) -> (tempfile::TempDir, ModelFolder) {
        let root = tempfile::tempdir().unwrap();
        let config = Preset::find("tiny").unwrap().config();
        let folder = generate_seeded(&config, "tiny", 42, &root.path().join("tiny")).unwrap();
        fs::write(folder.path().join("tokenizer_config.json"), tokenizer_config.to_string()).unwrap();
        (root, folder)
    }

    fn segments(template: &str, system: Option<&str>, users: &[&str]) -> Result<Vec<String>, ModelError> {
        let (_root, folder) = folder(&json!({"chat_template": template, "bos_token": {"content": "<s>"}}));
        let users: Vec<String> = users.iter().map(ToString::to_string).collect();
        ChatTemplate::open(&folder)?.segments(system, &[], &users)
    }

    #[test]
    fn each_segment_closes_the_answer_before_and_opens_the_next() {
        assert_eq!(
            segments(CHATML, Some("Be brief."), &["Hi", "Why?"]).unwrap(),
            [
                "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
                "<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n",
            ]
        );
        let without_system = segments(CHATML, None, &["Hi"]).unwrap();
        assert!(without_system[0].starts_with("<|im_start|>system\nBe kind."), "{without_system:?}");
    }

    #[test]
    fn a_model_without_a_template_gets_the_default() {
        let (_root, folder) = folder(&json!({"bos_token": "<s>"}));
        let template = ChatTemplate::open(&folder).unwrap();
        assert!(template.is_default());
        assert_eq!(
            template.segments(Some("Be brief."), &[], &["Hi".into(), "Why?".into()]).unwrap(),
            ["<s>Be brief.\n\nUser: Hi\nAssistant:", "\nUser: Why?\nAssistant:"]
        );
    }

    #[test]
    fn templates_are_found_where_hugging_face_puts_them() {
        let (_root, folder) = folder(&json!({"chat_template": [
            {"name": "tool_use", "template": "tools"},
            {"name": "default", "template": "listed{{ bos_token.strip() }}"},
        ]}));
        let rendered = |folder| ChatTemplate::open(folder).unwrap().segments(None, &[], &["x".into()]).unwrap();
        assert_eq!(rendered(&folder), ["listed"]);
        fs::write(folder.path().join("chat_template.jinja"), "{% if true %}\nown file\n{% endif %}\n").unwrap();
        assert_eq!(rendered(&folder), ["own file\n"]);
        // As Jinja does unless told otherwise, and Hugging Face does not tell it.
        fs::write(folder.path().join("chat_template.jinja"), "last line\n").unwrap();
        assert_eq!(rendered(&folder), ["last line"]);
    }

    #[test]
    fn templates_that_fail_say_so_in_one_line() {
        let refusal = |template: &str| segments(template, None, &["a", "b"]).unwrap_err().to_string();
        let failed = refusal("{{ raise_exception('roles must alternate') }}");
        assert!(failed.contains("tokenizer_config.json") && failed.contains("roles must alternate"), "{failed}");
        assert!(refusal("{% for %}").contains("chat template fails: syntax error"));
        let endless = "{% for a in range(9000) %}{% for b in range(9000) %}{{ a }}{% endfor %}{% endfor %}";
        assert!(refusal(endless).contains("fuel"), "{}", refusal(endless));
        let rewriting = refusal("{{ messages|length }}{{ messages[-1]['content'] }}");
        assert!(rewriting.contains("writes the earlier ones differently"), "{rewriting}");
        assert!(!failed.contains('\n'));
        for deep in ["{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "{% block a %}{{ self.a() }}{% endblock %}"] {
            assert!(refusal(deep).contains("recursion limit"), "{}", refusal(deep));
        }
    }

    #[test]
    fn answers_end_at_the_tokens_of_configuration_and_template() {
        let (_root, folder) = folder(&json!({"eos_token": "</s>"}));
        let tokenizer = TextTokenizer::open(&folder).unwrap();
        let template = ChatTemplate::open(&folder).unwrap();
        assert_eq!(template.stop_tokens(&tokenizer, folder.config()), [TokenId(2)]);
    }
}
