use std::io;

use pocketwatt_protocol::TokenId;

use super::{
    access::Access,
    message::{Answer, Question, SubjectKind, TextFile},
};
use crate::{ModelError, ModelFolder};

/// Number of prefixes that are decoded in one request.
const PREFIXES: usize = 32;

/// A model's `tokenizer.json`; read in a process of its own if [`crate::text_process`] is set up.
#[derive(Debug)]
pub struct TextTokenizer {
    access: Access,
    vocabulary: usize,
    remarks: Vec<String>,
}

const FILES: [TextFile; 4] =
    [TextFile::Tokenizer, TextFile::Configuration, TextFile::SpecialTokens, TextFile::AddedTokens];

impl TextTokenizer {
    /// Opens the tokenizer of a model, which also learns the tokens that the files beside it add.
    ///
    /// # Errors
    /// When it is missing or malformed, or has a vocabulary that the model has no embedding for; [`ModelError::Text`] when
    /// the process that reads it fails.
    pub fn open(folder: &ModelFolder) -> Result<Self, ModelError> {
        let path = folder.path().join(TextFile::Tokenizer.name());
        if !path.exists() {
            return Err(ModelError::io("read", path)(io::ErrorKind::NotFound.into()));
        }
        let kind = SubjectKind::Tokenizer { vocabulary: folder.config().vocabulary };
        match Access::open(folder, kind, &FILES)? {
            (access, Answer::Tokenizer { vocabulary, remarks }) => Ok(Self { access, vocabulary, remarks }),
            (access, _) => Err(access.confused(&Question::TryAll)),
        }
    }

    /// Remarks about it for the user.
    pub(super) fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// The tokens of a text. Special tokens in it are recognised; none are added.
    ///
    /// # Errors
    /// When the tokenizer has no token for a part of the text, or one without an embedding, or fails.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>, ModelError> {
        Ok(self.encode_all(vec![text.to_owned()])?.swap_remove(0))
    }

    /// The tokens of each text, as [`TextTokenizer::encode`] gives them.
    ///
    /// # Errors
    /// When one of them cannot be encoded.
    pub fn encode_all(&self, texts: Vec<String>) -> Result<Vec<Vec<TokenId>>, ModelError> {
        self.lists(Question::Encode(texts))
    }

    /// The tokens of texts that follow one another with answers between them: later texts do not begin as a separate text
    /// would, which sentencepiece marks with a `▁`.
    ///
    /// # Errors
    /// When one of them cannot be encoded.
    pub fn encode_turns(&self, texts: Vec<String>) -> Result<Vec<Vec<TokenId>>, ModelError> {
        self.lists(Question::EncodeTurns(texts))
    }

    fn lists(&self, question: Question) -> Result<Vec<Vec<TokenId>>, ModelError> {
        let asked = match &question {
            Question::Encode(texts) | Question::EncodeTurns(texts) => texts.len(),
            _ => 0,
        };
        match self.access.ask(&question)? {
            Answer::Tokens(lists) if lists.len() == asked => {
                Ok(lists.into_iter().map(|tokens| tokens.into_iter().map(TokenId).collect()).collect())
            }
            _ => Err(self.access.confused(&question)),
        }
    }

    /// The text of tokens, without special ones. Bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// When the tokenizer's decoder fails.
    pub fn decode(&self, tokens: &[TokenId]) -> Result<String, ModelError> {
        let mut texts = self.texts(&Question::Decode(vec![numbers(tokens)]), 1)?;
        Ok(texts.swap_remove(0))
    }

    /// The texts of the first token, of the first two, and so on to all of them.
    pub fn decode_prefixes(&self, tokens: &[TokenId]) -> impl Iterator<Item = Result<String, ModelError>> {
        let tokens = numbers(tokens);
        let starts = (1..=tokens.len()).step_by(PREFIXES);
        starts.flat_map(move |from| {
            let until = (from + PREFIXES).min(tokens.len() + 1);
            let question = Question::DecodePrefixes { tokens: tokens[..until - 1].to_vec(), from, until };
            match self.texts(&question, until - from) {
                Ok(texts) => texts.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }
        })
    }

    /// Number of tokens that it knows and the model has an embedding for.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// The bytes that each token adds to a text; none for special tokens. Byte-level tokenizers write bytes as letters,
    /// others write a space as `▁` and bytes without a letter as `<0x0A>`.
    ///
    /// # Errors
    /// When the tokenizer's decoder is of neither kind.
    pub fn token_bytes(&self) -> Result<Vec<Vec<u8>>, ModelError> {
        match self.access.ask(&Question::TokenBytes)? {
            Answer::Bytes(tokens) => Ok(tokens),
            _ => Err(self.access.confused(&Question::TokenBytes)),
        }
    }

    /// The tokens with exactly these texts, or `None` where there is no such token.
    ///
    /// # Errors
    /// When reading the tokenizer fails.
    pub fn tokens(&self, texts: Vec<String>) -> Result<Vec<Option<TokenId>>, ModelError> {
        let asked = texts.len();
        let question = Question::Find(texts);
        match self.access.ask(&question)? {
            Answer::Found(tokens) if tokens.len() == asked => {
                Ok(tokens.into_iter().map(|token| token.map(TokenId)).collect())
            }
            _ => Err(self.access.confused(&question)),
        }
    }

    /// Encodes a bit of every kind of text, and decodes that and every token alone. A refusal with a reason is not an
    /// error.
    ///
    /// # Errors
    /// When it cannot encode anything; [`ModelError::Text`] when the process fails.
    pub(crate) fn try_all(&self) -> Result<(), ModelError> {
        match self.access.ask(&Question::TryAll)? {
            Answer::Done => Ok(()),
            _ => Err(self.access.confused(&Question::TryAll)),
        }
    }

    fn texts(&self, question: &Question, expected: usize) -> Result<Vec<String>, ModelError> {
        match self.access.ask(question)? {
            Answer::Texts(texts) if texts.len() == expected => Ok(texts),
            _ => Err(self.access.confused(question)),
        }
    }
}

fn numbers(tokens: &[TokenId]) -> Vec<u32> {
    tokens.iter().map(|token| token.0).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Preset, generate_seeded};

    fn tiny() -> (tempfile::TempDir, ModelFolder) {
        let root = tempfile::tempdir().unwrap();
        let config = Preset::find("tiny").unwrap().config();
        let folder = generate_seeded(&config, "tiny", 42, &root.path().join("tiny")).unwrap();
        (root, folder)
    }

    #[test]
    fn text_survives_and_special_tokens_are_recognised_but_not_shown() {
        let (_root, folder) = tiny();
        let tokenizer = TextTokenizer::open(&folder).unwrap();
        let text = "Grüße, 世界! 3 × 7 = 21\n";
        let tokens = tokenizer.encode(text).unwrap();
        assert_eq!(tokenizer.decode(&tokens).unwrap(), text);
        assert_eq!(tokenizer.encode("<s>").unwrap(), [TokenId(1)]);
        assert_eq!(tokenizer.decode(&[&[TokenId(1)], tokens.as_slice(), &[TokenId(2)]].concat()).unwrap(), text);
        let found = tokenizer.tokens(vec!["</s>".into(), "no token".into()]).unwrap();
        assert_eq!(found, [Some(TokenId(2)), None]);
        assert!(tokenizer.vocabulary() <= 512);
    }

    #[test]
    fn prefixes_are_decoded_one_token_after_the_other() {
        let (_root, folder) = tiny();
        let tokenizer = TextTokenizer::open(&folder).unwrap();
        // More than one request can hold.
        let tokens = tokenizer.encode(&"get_weather(days=3) ".repeat(5)).unwrap();
        assert!(tokens.len() > PREFIXES, "{}", tokens.len());
        let prefixes: Vec<String> = tokenizer.decode_prefixes(&tokens).collect::<Result<_, _>>().unwrap();
        let one_by_one = (1..=tokens.len()).map(|count| tokenizer.decode(&tokens[..count]).unwrap());
        assert!(one_by_one.eq(prefixes));
        assert_eq!(tokenizer.decode_prefixes(&[]).count(), 0);
    }

    #[test]
    fn tokens_are_the_bytes_of_their_text() {
        let (_root, folder) = tiny();
        let tokenizer = TextTokenizer::open(&folder).unwrap();
        let bytes = tokenizer.token_bytes().unwrap();
        assert_eq!((&bytes[1], &bytes[2]), (&Vec::new(), &Vec::new()), "special tokens have no text");
        for text in ["get_weather(city=\"Tromsø\", days=[1, 2])", "世界 \n\t¡"] {
            let tokens = tokenizer.encode(text).unwrap();
            let joined: Vec<u8> = tokens.iter().flat_map(|token| bytes[token.0 as usize].clone()).collect();
            assert_eq!(String::from_utf8(joined).unwrap(), text);
        }
    }

    #[test]
    fn a_tokenizer_of_another_model_is_refused() {
        let (_root, folder) = tiny();
        let path = folder.path().join("tokenizer.json");
        let larger = fs::read_to_string(&path).unwrap().replacen(": 300", ": 512", 1).replacen(":300", ":512", 1);
        fs::write(&path, larger).unwrap();
        let error = TextTokenizer::open(&folder).unwrap_err().to_string();
        assert!(error.contains("highest token is 512") && error.contains("vocabulary of 512"), "{error}");
        fs::write(&path, "{\"version\": 1").unwrap();
        assert!(TextTokenizer::open(&folder).unwrap_err().to_string().contains("tokenizer.json is not valid"));
        fs::remove_file(&path).unwrap();
        assert!(TextTokenizer::open(&folder).unwrap_err().to_string().starts_with("cannot read"));
    }
}
