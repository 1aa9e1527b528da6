//! Tokens of Hugging Face's transformers: see `fixtures/tokens/reference.py`.

use pocketwatt_protocol::TokenId;
use serde_json::{Map, Value};

use super::*;
use crate::{ChatTemplate, ModelError};

#[derive(Deserialize)]
struct Reference {
    texts: Vec<String>,
    conversations: Vec<Conversation>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Conversation {
    system: Option<String>,
    turns: Vec<String>,
    answers: Vec<String>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    vocabulary: String,
    template: Option<String>,
    changes: BTreeMap<String, Value>,
    files: BTreeMap<String, Value>,
    texts: Vec<Vec<u32>>,
    #[serde(default)]
    conversations: Vec<Expected>,
}

/// The tokens of a conversation's first prompt, and of the whole conversation up to its last answer.
#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    Written { first: Vec<u32>, whole: Vec<u32> },
    Refused { refused: String },
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

impl Case {
    fn import(&self) -> Result<(Checkpoint, ModelFolder), ModelError> {
        let checkpoint = Checkpoint::new();
        for file in [TOKENIZER, TOKENIZER_CONFIGURATION] {
            fs::remove_file(checkpoint.path(file)).unwrap();
        }
        if self.vocabulary == SENTENCEPIECE || self.files.contains_key(SENTENCEPIECE) {
            fs::copy(fixture("sentencepiece").join(SENTENCEPIECE), checkpoint.path(SENTENCEPIECE)).unwrap();
        }
        if self.vocabulary != SENTENCEPIECE {
            let text = fs::read_to_string(fixture("tokens").join(&self.vocabulary)).unwrap();
            let mut document: Value = serde_json::from_str(&text).unwrap();
            for (pointer, value) in &self.changes {
                let (parent, key) = pointer.rsplit_once('/').unwrap();
                let parent: &mut Map<String, Value> = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                parent.insert(key.to_owned(), value.clone());
            }
            fs::write(checkpoint.path(TOKENIZER), document.to_string()).unwrap();
        }
        for (name, contents) in self.files.iter().filter(|(_, contents)| !contents.is_null()) {
            fs::write(checkpoint.path(name), contents.to_string()).unwrap();
        }
        if let Some(name) = &self.template {
            let template = fixture("tokens/templates").join(format!("{name}.jinja"));
            fs::copy(template, checkpoint.path(TEMPLATE)).unwrap();
        }
        let imported = checkpoint.import()?;
        Ok((checkpoint, imported))
    }

    /// How our tokens differ.
    fn differences(&self, reference: &Reference) -> Result<Vec<String>, ModelError> {
        let (_root, folder) = self.import()?;
        let tokenizer = TextTokenizer::open(&folder)?;
        let mut differences = Vec::new();
        for (text, expected) in reference.texts.iter().zip(&self.texts) {
            let found = numbers(&tokenizer.encode(text)?);
            if found != *expected {
                differences.push(format!("{text:?}: {found:?}, transformers {expected:?}"));
            }
        }
        let template = ChatTemplate::open(&folder)?;
        for (conversation, expected) in reference.conversations.iter().zip(&self.conversations) {
            let written = template.segments(conversation.system.as_deref(), &[], &conversation.turns);
            match (written, expected) {
                (Ok(segments), Expected::Written { first, whole }) => {
                    let prompts = tokenizer.encode_turns(segments.clone())?;
                    let prompts: Vec<Vec<u32>> = prompts.iter().map(|prompt| numbers(prompt)).collect();
                    if prompts[0] != *first {
                        differences.push(format!("{:?}: {:?}, transformers {first:?}", segments[0], prompts[0]));
                    }
                    let is_whole = is_whole(&tokenizer, whole, &prompts, &conversation.answers)?;
                    if !is_whole {
                        differences.push(format!("{segments:?}: {prompts:?}, transformers {whole:?}"));
                    }
                }
                // Then the key-value cache cannot be kept.
                (Err(error), Expected::Written { first, whole })
                    if !whole.starts_with(first) && error.to_string().contains("writes earlier turns differently") => {}
                (Err(error), Expected::Refused { refused }) if error.to_string().contains(refused) => {}
                (found, _) => differences.push(format!("with system {:?}: {found:?}", conversation.system)),
            }
        }
        Ok(differences.into_iter().map(|difference| format!("{}: {difference}", self.name)).collect())
    }
}

fn numbers(tokens: &[TokenId]) -> Vec<u32> {
    tokens.iter().map(|token| token.0).collect()
}

/// Whether a text's tokens are the prompts with only the answers between them.
fn is_whole(
    tokenizer: &TextTokenizer,
    whole: &[u32],
    prompts: &[Vec<u32>],
    answers: &[String],
) -> Result<bool, ModelError> {
    let Some((prompt, later)) = prompts.split_first() else { return Ok(whole.is_empty()) };
    let Some(rest) = whole.strip_prefix(prompt.as_slice()) else { return Ok(false) };
    let Some((answer, answers)) = answers.split_first() else { return Ok(rest.is_empty()) };
    // Some tokenizers normalise their input.
    let plain = |text: &str| text.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect::<String>();
    for length in 0..rest.len() {
        let tokens: Vec<TokenId> = rest[..length].iter().copied().map(TokenId).collect();
        if plain(&tokenizer.decode(&tokens)?) == plain(answer) && is_whole(tokenizer, &rest[length..], later, answers)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

#[test]
fn tokens_are_those_of_transformers() {
    let reference: Reference = serde_json::from_slice(&fs::read(fixture("tokens/cases.json")).unwrap()).unwrap();
    assert!(reference.cases.len() > 30 && reference.cases.iter().all(|case| case.texts.len() == reference.texts.len()));
    let differences = reference.cases.iter().flat_map(|case| match case.differences(&reference) {
        Ok(differences) => differences,
        Err(error) => vec![format!("{}: {error}", case.name)],
    });
    let differences: Vec<String> = differences.collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
