mod clock;
mod environment;
mod generation;
mod json;
mod python;
#[cfg(test)]
mod tests;
mod turns;

use minijinja::{Environment, Value, context};
use serde_json::Value as Json;

use self::{
    clock::DAY,
    environment::environment,
    turns::{ANSWER, Difference, Turns},
};
use super::{invalid, special::SpecialTokens};
use crate::text::message::{Answer, Failure, Files, Opened, TextFile};

/// The default template: plain words, and no special token except the one for the beginning of text, if its tokenizer adds that
/// to texts.
///
/// MobileLLM was trained on text, not on chats; with this it continues a transcript.
const DEFAULT_TEMPLATE: &str = "{% if add_bos_token %}{{ bos_token }}{% endif %}{% for message in messages %}{% if message['role'] == 'system' %}\
    {{ message['content'] }}\n\n{% elif message['role'] == 'user' %}User: {{ message['content'] }}\n{% else %}\
    Assistant:{{ message['content'] }}\n{% endif %}{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}";

/// Tokens that end an answer in templates in use.
const END_MARKERS: [&str; 5] = ["<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>"];

/// The name of the template for chats, if there are several.
const FOR_CHATS: &str = "default";

/// An open chat template.
#[derive(Debug)]
pub(in crate::text) struct TemplateReader {
    source: String,
    file: TextFile,
    is_default: bool,
    special: SpecialTokens,
    remarks: Vec<String>,
}

impl TemplateReader {
    /// Opens the template in a file of its own, else the one in `tokenizer_config.json`.
    ///
    /// # Errors
    /// When a file is malformed, or there are several templates and none for chats.
    pub(super) fn open(files: Files) -> Result<Self, Failure> {
        let configuration = files.get(TextFile::Configuration).unwrap_or(b"{}");
        let configuration: Json = serde_json::from_slice(configuration)
            .map_err(|error| invalid(TextFile::Configuration, error.to_string()))?;
        let (file, source, mut remarks) = match files.get(TextFile::Template) {
            Some(bytes) => {
                let text = str::from_utf8(bytes).map_err(|error| invalid(TextFile::Template, error.to_string()))?;
                let other =
                    configuration.get("chat_template").filter(|other| !other.is_null() && other.as_str() != Some(text));
                let remark = other.map(|_| {
                    format!(
                        "its chat template is {}, not that of {}",
                        TextFile::Template.name(),
                        TextFile::Configuration.name()
                    )
                });
                (TextFile::Template, Some(text.to_owned()), remark.into_iter().collect())
            }
            None => {
                let (source, remarks) = template_of(&configuration)?;
                (TextFile::Configuration, source, remarks)
            }
        };
        let is_default = source.is_none();
        if is_default {
            remarks
                .push("it has no chat template: conversations are written as a transcript (User:, Assistant:)".into());
        }
        let source = environment::source(source.as_deref().unwrap_or(DEFAULT_TEMPLATE));
        if source.contains("strftime_now") {
            remarks.push(format!(
                "its chat template asks for the date, which is always {DAY}: a prompt has to be the same each day"
            ));
        }
        let template = Self { source, file, is_default, special: SpecialTokens::read(&files)?, remarks };
        template.environment().map(|_| ())?;
        Ok(template)
    }

    /// Its description. Answers end at the tokenizer's own token, and at those that the template writes.
    pub(super) fn opened(&self) -> Opened {
        let ends = END_MARKERS.into_iter().filter(|marker| self.source.contains(marker));
        Opened {
            is_default: self.is_default,
            end_markers: ends.chain(self.special.text("eos_token")).map(str::to_owned).collect(),
            remarks: self.remarks.clone(),
        }
    }

    /// See [`crate::ChatTemplate::segments`].
    ///
    /// # Errors
    /// When the template fails, or writes an earlier turn differently once there is a later one, in more than white space
    /// around the answers.
    pub(super) fn segments(
        &self,
        system: Option<&str>,
        examples: &[(String, String)],
        user_turns: &[String],
    ) -> Result<Answer, Failure> {
        let environment = self.environment()?;
        let mut messages: Vec<Value> = system.iter().map(|content| message("system", content)).collect();
        for (user, answer) in examples {
            messages.push(message("user", user));
            messages.push(message("assistant", answer));
        }
        let mut turns = Turns::default();
        for user in user_turns {
            messages.push(message("user", user));
            let writing = self.render(&environment, &messages)?;
            turns.add(&writing).map_err(|how| self.refuses(&format!("writes earlier turns differently: {how}")))?;
            messages.push(message("assistant", ANSWER));
        }
        let differences = turns.differences().iter().map(Difference::remark).collect();
        Ok(Answer::Written { segments: turns.segments(), differences })
    }

    /// Equals transformers' `apply_chat_template` with messages only.
    fn render(&self, environment: &Environment, messages: &[Value]) -> Result<String, Failure> {
        let template = environment.get_template("chat").map_err(|error| self.failure(&error))?;
        let mut variables = self.special.variables();
        if self.is_default {
            variables.push(("add_bos_token".into(), self.special.begins_texts().into()));
        }
        let special = Value::from_pairs(variables);
        template
            .render(context! {
                messages => Value::from(messages),
                tools => (),
                documents => (),
                add_generation_prompt => true,
                ..special
            })
            .map_err(|error| self.failure(&error))
    }

    fn environment(&self) -> Result<Environment<'_>, Failure> {
        environment(&self.source).map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &minijinja::Error) -> Failure {
        let detail =
            error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
        let line = error.line().map_or(String::new(), |line| format!(", line {line}"));
        self.refuses(&format!("fails: {detail}{line}"))
    }

    fn refuses(&self, what: &str) -> Failure {
        invalid(self.file, format!("its chat template {what}"))
    }
}

fn message(role: &str, content: &str) -> Value {
    Value::from_pairs([("role", role), ("content", content)])
}

/// The template in a configuration: a text, or the one for chats in a list of named templates; with remarks about the choice.
fn template_of(configuration: &Json) -> Result<(Option<String>, Vec<String>), Failure> {
    let malformed =
        || invalid(TextFile::Configuration, "chat_template is neither a text nor a list of names and templates");
    let text = |template: Option<&Json>| template.and_then(Json::as_str).map(str::to_owned);
    let named: Option<Vec<(String, String)>> = match configuration.get("chat_template") {
        None | Some(Json::Null) => return Ok((None, Vec::new())),
        Some(Json::String(source)) => return Ok((Some(source.clone()), Vec::new())),
        Some(Json::Array(templates)) => {
            templates.iter().map(|template| text(template.get("name")).zip(text(template.get("template")))).collect()
        }
        Some(Json::Object(templates)) => {
            templates.iter().map(|(name, template)| Some(name.clone()).zip(text(Some(template)))).collect()
        }
        Some(_) => None,
    };
    let named = named.filter(|named| !named.is_empty()).ok_or_else(malformed)?;
    let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
    // The last one with a name counts, as in Python's dictionaries.
    match named.iter().rfind(|(name, _)| name == FOR_CHATS) {
        Some((_, source)) => {
            let remark = format!("of its chat templates ({}) {FOR_CHATS:?} is used", names.join(", "));
            Ok((Some(source.clone()), vec![remark]))
        }
        None => Err(invalid(
            TextFile::Configuration,
            format!(
                "its chat templates are {}, and none is called {FOR_CHATS:?}: put the one to use into {} beside it",
                names.join(", "),
                TextFile::Template.name()
            ),
        )),
    }
}
