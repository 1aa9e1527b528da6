use pocketwatt_protocol::TokenId;

use super::{
    TextTokenizer,
    access::Access,
    message::{Answer, Opened, Question, SubjectKind, TextFile},
};
use crate::{ModelConfig, ModelError, ModelFolder};

/// How a model expects a conversation to be written, from `tokenizer_config.json` or `chat_template.jinja`; read in a
/// process of its own if [`crate::text_process`] is set up.
#[derive(Debug)]
pub struct ChatTemplate {
    access: Access,
    opened: Opened,
}

const FILES: [TextFile; 4] =
    [TextFile::Configuration, TextFile::SpecialTokens, TextFile::AddedTokens, TextFile::Template];

impl ChatTemplate {
    /// The template of a model, or a plain default if it has none.
    ///
    /// # Errors
    /// When a file cannot be read, or the template is malformed; [`ModelError::Text`] when the process that reads it
    /// fails.
    pub fn open(folder: &ModelFolder) -> Result<Self, ModelError> {
        match Access::open(folder, SubjectKind::Template, &FILES)? {
            (access, Answer::Template(opened)) => Ok(Self { access, opened }),
            (access, _) => Err(access.confused(&Question::TryAll)),
        }
    }

    /// Whether it is the project's own, because the model has none.
    pub fn is_default(&self) -> bool {
        self.opened.is_default
    }

    /// Remarks about it for the user.
    pub(super) fn remarks(&self) -> &[String] {
        &self.opened.remarks
    }

    /// The text before each answer: segment 0 is everything up to the first answer, segment `k` closes
    /// answer `k`, adds the next user text and opens the next answer. Together, with the answers between them, they equal
    /// the template's text of the whole conversation, except for white space around the answers, which
    /// [`crate::text_remarks`] reports. `examples` are requests and answers that come first, as if the model had given them.
    ///
    /// # Errors
    /// When the template fails, or writes an earlier turn differently once there is a later one, in more than white space
    /// around the answers: then the key-value cache cannot be kept between turns. [`ModelError::Text`] when the process that
    /// reads it fails.
    pub fn segments(
        &self,
        system: Option<&str>,
        examples: &[(String, String)],
        user_turns: &[String],
    ) -> Result<Vec<String>, ModelError> {
        Ok(self.written(system, examples, user_turns)?.0)
    }

    /// As [`ChatTemplate::segments`], also returning the white space by which the kept cache may differ from the whole text.
    pub(super) fn written(
        &self,
        system: Option<&str>,
        examples: &[(String, String)],
        user_turns: &[String],
    ) -> Result<(Vec<String>, Vec<String>), ModelError> {
        let question = Question::Segments {
            system: system.map(str::to_owned),
            examples: examples.to_vec(),
            user_turns: user_turns.to_vec(),
        };
        match self.access.ask(&question)? {
            Answer::Written { segments, differences } if segments.len() == user_turns.len() => {
                Ok((segments, differences))
            }
            _ => Err(self.access.confused(&question)),
        }
    }

    /// Tokens that end an answer: those of the model's configuration, the tokenizer's own, and the markers that the
    /// template writes.
    ///
    /// When reading the tokenizer fails.
    /// When reading the tokenizer came to no good end.
    pub fn stop_tokens(&self, tokenizer: &TextTokenizer, config: &ModelConfig) -> Result<Vec<TokenId>, ModelError> {
        let mut tokens: Vec<TokenId> = config.eos_tokens.iter().copied().map(TokenId).collect();
        tokens.extend(tokenizer.tokens(self.opened.end_markers.clone())?.into_iter().flatten());
        tokens.sort_unstable();
        tokens.dedup();
        Ok(tokens)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

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

    /// Llama 2's, Vicuna's and Mistral's: the space belongs to the answer's first token.
    #[test]
    fn a_space_before_earlier_answers_is_no_part_of_a_prompt() {
        let template = "{% for m in messages %}{% if m.role == 'user' %}{{ bos_token + '[INST] ' + m.content.strip() + ' [/INST]' }}\
            {% else %}{{ ' ' + m.content.strip() + ' </s>' }}{% endif %}{% endfor %}";
        assert_eq!(
            segments(template, None, &[" Hi\n", "Why?", "So?"]).unwrap(),
            ["<s>[INST] Hi [/INST]", " </s><s>[INST] Why? [/INST]", " </s><s>[INST] So? [/INST]"]
        );
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
        fs::write(folder.path().join("tokenizer_config.json"), r#"{"bos_token": "<s>", "add_bos_token": false}"#)
            .unwrap();
        let template = ChatTemplate::open(&folder).unwrap();
        assert_eq!(template.segments(None, &[], &["Hi".into()]).unwrap(), ["User: Hi\nAssistant:"]);
    }

    #[test]
    fn templates_are_found_where_hugging_face_puts_them() {
        let (_root, folder) = folder(&json!({"bos_token": "<s>", "chat_template": [
            {"name": "tool_use", "template": "tools"},
            {"name": "default", "template": "listed{{ bos_token.strip() }}"},
        ]}));
        let rendered = |folder| ChatTemplate::open(folder).unwrap().segments(None, &[], &["x".into()]).unwrap();
        assert_eq!(rendered(&folder), ["listed<s>"]);
        fs::write(folder.path().join("chat_template.jinja"), "{% if true %}\nown file\n{% endif %}\n").unwrap();
        assert_eq!(rendered(&folder), ["own file\n"]);
        // This is Jinja's default, which Hugging Face does not change.
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
        let rewriting = refusal("{{ messages|length }}{% for m in messages %}{{ m.content }}{% endfor %}");
        assert!(rewriting.contains("writes earlier turns differently: before answer 1"), "{rewriting}");
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
        assert_eq!(template.stop_tokens(&tokenizer, folder.config()).unwrap(), [TokenId(2)]);
    }
}
