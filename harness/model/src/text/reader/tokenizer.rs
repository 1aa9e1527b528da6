use std::collections::{BTreeMap, HashSet};

use tokenizers::{AddedToken, Tokenizer};

use super::{configuration::configure, invalid, one_line, special::SpecialTokens, spelling::Spelling, unanswerable};
use crate::text::message::{Answer, Failure, Files, Question, TextFile};

/// A bit of every kind of text that prompts and answers may contain: letters and digits, accents in both normal forms, scripts
/// with and without spaces, right to left, emoji of several code points, runs of white space, no space at all, controls, and
/// the syntax of templates and calls.
const EVERY_KIND: &str = "Hello, world! The quick brown fox's 3 × 7 = 21; 1234567890 0.5e-3 – “quoted” (a[1] | b{2})\n\n\n\
    \t\t\tGrüße, naïve façade, e\u{301}a\u{308}o\u{302}; Ελληνικά, Кириллица, ไทย, हिन्दी, 한국어, 日本語のテキスト, 世界你好。 \
    שלום العربية \u{200f}\u{202e}\u{feff}👩\u{200d}👩\u{200d}👧\u{200d}👦 🇩🇪 👍🏽 ✈\u{fe0f} ﬁ Ⅷ ½ ａ \u{fffd}\u{1f}\u{7f}\u{0} \r\n   \
         <s> </s> <unk> <|im_start|>system\n<|im_end|> ▁under▁score Ġ Ċ <0x0A> [UNK] get_weather(city=\"Tromsø\", days=[1, 2])\
    \u{a0}\u{2003}\u{3000}";
/// Parts that are repeated: words without a space, digits, white space, signs.
const RUNS: [&str; 10] = ["a", "aB", "a1", "1", " ", "\n", " \n", "é", "世", "!"];
/// How often each is repeated.
const LONG: usize = 200;
/// Ends of runs. A pattern that tries all ways to split a run does so only when something follows.
const ENDS: [&str; 5] = ["", " ", "!", "a", "\n"];

/// Texts before another one, to see its tokens where it is not the beginning.
const BEFORE: [&str; 4] = ["\n", "!", "a", "世"];

/// An open `tokenizer.json`.
#[derive(Debug)]
pub(in crate::text) struct TokenizerReader {
    tokenizer: Tokenizer,
    /// Number of tokens that the model has embeddings for.
    vocabulary: usize,
}

impl TokenizerReader {
    /// Opens a tokenizer for a model with embeddings for `vocabulary` tokens, and returns remarks about it.
    ///
    /// # Errors
    /// When it is malformed, or its own vocabulary has tokens that the model has no embedding for.
    pub(super) fn open(files: Files, vocabulary: usize) -> Result<(Self, Vec<String>), Failure> {
        let json = files.get(TextFile::Tokenizer).unwrap_or_default();
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(|error| refused(&error.to_string()))?;
        // The model gets exactly the scenario's text: padding or truncation in the file would change that.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| refused(&error.to_string()))?;
        let mut remarks = configure(&mut tokenizer, &files)?;
        remarks.extend(learn(&mut tokenizer, &SpecialTokens::read(&files)?)?);
        let added = tokenizer.get_added_tokens_decoder();
        let tokens = tokenizer.get_vocab(true).into_iter().map(|(text, id)| (id, text));
        let beyond: BTreeMap<u32, String> = tokens.filter(|(id, _)| *id as usize >= vocabulary).collect();
        // Any text may need a token of an oversized vocabulary; added tokens occur only where they are written.
        if let Some(highest) = beyond.keys().rev().find(|id| !added.contains_key(id)) {
            return Err(refused(&format!(
                "its highest token is {highest}, the model has a vocabulary of {vocabulary} (vocab_size): it belongs to another model"
            )));
        }
        if let Some((first, text)) = beyond.first_key_value() {
            remarks.push(format!(
                "{} token(s) of its tokenizer lie beyond the embedding of {vocabulary} rows (vocab_size), {text:?} ({first}) \
                 the first: they are never fed, and text that has one is refused",
                beyond.len()
            ));
        }
        Ok((Self { tokenizer, vocabulary }, remarks))
    }

    /// Number of tokens that it knows and the model has an embedding for.
    pub(super) fn vocabulary(&self) -> usize {
        self.tokenizer.get_vocab(true).into_values().filter(|id| self.has_embedding(*id)).count()
    }

    fn has_embedding(&self, id: u32) -> bool {
        (id as usize) < self.vocabulary
    }

    /// Answers a question about text and tokens.
    ///
    /// # Errors
    /// When the tokenizer has no token for a part of a text, or cannot decode.
    pub(super) fn answer(&self, question: &Question) -> Result<Answer, Failure> {
        Ok(match question {
            Question::Encode(texts) => {
                Answer::Tokens(texts.iter().map(|text| self.encode(text)).collect::<Result<_, _>>()?)
            }
            Question::EncodeTurns(texts) => {
                let encode = |(turn, text): (usize, &String)| match turn {
                    0 => self.encode(text),
                    _ => self.encode_next(text),
                };
                Answer::Tokens(texts.iter().enumerate().map(encode).collect::<Result<_, _>>()?)
            }
            Question::Decode(lists) => {
                Answer::Texts(lists.iter().map(|tokens| self.decode(tokens)).collect::<Result<_, _>>()?)
            }
            Question::DecodePrefixes { tokens, from, until } => {
                let prefixes = (*from..*until).filter_map(|length| tokens.get(..length));
                Answer::Texts(prefixes.map(|prefix| self.decode(prefix)).collect::<Result<_, _>>()?)
            }
            Question::Find(texts) => {
                let find = |text: &String| self.tokenizer.token_to_id(text).filter(|id| self.has_embedding(*id));
                Answer::Found(texts.iter().map(find).collect())
            }
            Question::TokenBytes => Answer::Bytes(self.token_bytes()?),
            Question::TryAll => {
                self.try_all()?;
                Answer::Done
            }
            Question::Segments { .. } => return Err(unanswerable(question)),
        })
    }

    /// Special tokens that are written in the text are recognised; none are added.
    fn encode(&self, text: &str) -> Result<Vec<u32>, Failure> {
        let encoding = self.tokenizer.encode(text, false);
        let encoding = encoding.map_err(|error| refused(&format!("it cannot encode text: {error}")))?;
        if let Some(at) = encoding.get_ids().iter().position(|id| !self.has_embedding(*id)) {
            let (id, text) = (encoding.get_ids()[at], &encoding.get_tokens()[at]);
            return Err(refused(&format!(
                "a text has the token {text:?} ({id}), and the model has an embedding for {} (vocab_size)",
                self.vocabulary
            )));
        }
        Ok(encoding.get_ids().to_vec())
    }

    /// Encodes a text that follows another one. Sentencepiece would put a `▁` before it, and byte-level tokenizers with a prefix
    /// space a `Ġ`, which represent no space of the whole text.
    fn encode_next(&self, text: &str) -> Result<Vec<u32>, Failure> {
        let tokens = self.encode(text)?;
        let begins_with_mark =
            |token: &u32| self.tokenizer.id_to_token(*token).is_some_and(|token| token.starts_with(['▁', 'Ġ']));
        if !tokens.first().is_some_and(begins_with_mark) {
            return Ok(tokens);
        }
        for before in BEFORE {
            let whole = self.encode(&format!("{before}{text}"))?;
            // Otherwise the two have merged.
            if let Some(rest) = whole.strip_prefix(self.encode(before)?.as_slice()) {
                return Ok(rest.to_vec());
            }
        }
        Ok(tokens)
    }

    /// Decodes tokens, leaving out special ones.
    fn decode(&self, tokens: &[u32]) -> Result<String, Failure> {
        let text = self.tokenizer.decode(tokens, true);
        text.map_err(|error| refused(&format!("it cannot decode tokens: {error}")))
    }

    /// The bytes of each token; none for special tokens.
    fn token_bytes(&self) -> Result<Vec<Vec<u8>>, Failure> {
        let vocabulary = self.tokenizer.get_vocab(true);
        let length = vocabulary.values().max().map_or(0, |highest| *highest as usize + 1).min(self.vocabulary);
        let added = self.tokenizer.get_added_tokens_decoder();
        let spelling = Spelling::of_tokenizer(&self.tokenizer)
            .ok_or_else(|| refused("its decoder is not known to bytes: no grammar can be kept"))?;
        let mut tokens = vec![Vec::new(); length];
        for (text, id) in vocabulary.into_iter().filter(|(_, id)| self.has_embedding(*id)) {
            tokens[id as usize] = match added.get(&id) {
                Some(token) if token.special => Vec::new(),
                Some(token) => token.content.clone().into_bytes(),
                None => spelling.bytes(&text),
            };
        }
        Ok(tokens)
    }

    /// Does everything with it that will be done with it. A refusal with a reason is fine, and is reported when it matters:
    /// the point is that it returns.
    ///
    /// # Errors
    /// When it cannot encode any text.
    fn try_all(&self) -> Result<(), Failure> {
        let runs = RUNS.iter().flat_map(|run| ENDS.map(|end| run.repeat(LONG) + end));
        let texts = [EVERY_KIND.to_owned(), String::new()].into_iter().chain(runs);
        let (encoded, refused): (Vec<_>, Vec<_>) = texts.map(|text| self.encode(&text)).partition(Result::is_ok);
        let mut lists: Vec<Vec<u32>> = encoded.into_iter().flatten().collect();
        if let Some(Err(failure)) = refused.into_iter().next()
            && lists.iter().all(Vec::is_empty)
        {
            return Err(failure);
        }
        let known: Vec<u32> = (0..self.highest_token()).collect();
        lists.extend(known.iter().map(|token| vec![*token]));
        lists.push(known);
        for tokens in &lists {
            // A refusal does not matter here.
            let _ = self.decode(tokens);
        }
        let _ = self.token_bytes();
        Ok(())
    }

    fn highest_token(&self) -> u32 {
        self.tokenizer.get_vocab(true).into_values().max().unwrap_or(0)
    }
}

/// Teaches a tokenizer the tokens of the files beside it, as transformers' `PreTrainedTokenizerFast.__init__` does: a known
/// one becomes a whole token, another one gets the next number. Returns remarks where that is not the number in the file.
///
/// # Errors
/// When the tokenizer refuses one.
fn learn(tokenizer: &mut Tokenizer, special: &SpecialTokens) -> Result<Vec<String>, Failure> {
    let known = tokenizer.get_added_tokens_decoder();
    let mut contents: HashSet<&str> = known.values().map(|token| token.content.as_str()).collect();
    let numbered = special.numbered().values();
    contents.extend(numbered.clone().map(|token| token.content.as_str()));
    let others = special.special().filter(|token| contents.insert(&token.content));
    let tokens: Vec<AddedToken> = numbered.chain(others).cloned().collect();
    tokenizer.add_tokens(tokens).map_err(|error| refused(&error.to_string()))?;
    let moved = special.numbered().iter().filter_map(|(number, token)| {
        let id = tokenizer.token_to_id(&token.content).filter(|id| id != number)?;
        Some(format!(
            "{:?} is token {id} of its tokenizer, {number} in the files beside it: {id} is fed",
            token.content
        ))
    });
    Ok(moved.collect())
}

fn refused(reason: &str) -> Failure {
    invalid(TextFile::Tokenizer, one_line(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(json: &str, configuration: &str, vocabulary: usize) -> Result<(TokenizerReader, Vec<String>), Failure> {
        let contents = [json, configuration].map(|text| text.as_bytes().to_vec());
        TokenizerReader::open(Files::new(&[TextFile::Tokenizer, TextFile::Configuration], &contents), vocabulary)
    }

    fn tokenizer(decoder: &str) -> TokenizerReader {
        let json = format!(
            r#"{{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,"pre_tokenizer":null,
            "post_processor":null,"decoder":{decoder},"model":{{"type":"BPE","vocab":{{"a":0,"b":1,"ab":2}},
            "merges":[["a","b"]]}}}}"#
        );
        opened(&json, "{}", 3).unwrap().0
    }

    #[test]
    fn prefixes_are_decoded_within_what_there_is() {
        let question = Question::DecodePrefixes { tokens: vec![2, 0, 1], from: 2, until: 9 };
        let answer = tokenizer(r#"{"type":"Fuse"}"#).answer(&question).unwrap();
        assert_eq!(answer, Answer::Texts(vec!["aba".into(), "abab".into()]));
    }

    #[test]
    fn what_refuses_in_words_comes_back() {
        let tokenizer = tokenizer(r#"{"type":"Fuse"}"#);
        assert_eq!(tokenizer.answer(&Question::TryAll), Ok(Answer::Done));
        let failure = tokenizer.answer(&Question::TokenBytes).unwrap_err();
        assert!(matches!(failure, Failure::Invalid { file: TextFile::Tokenizer, .. }), "{failure:?}");
    }

    #[test]
    fn a_template_is_not_asked_of_a_tokenizer() {
        let question = Question::Segments { system: None, examples: Vec::new(), user_turns: Vec::new() };
        assert!(matches!(tokenizer("null").answer(&question), Err(Failure::Ended(_))));
    }

    const AB: &str = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
        "pre_tokenizer":null,"post_processor":null,"decoder":{"type":"Fuse"},
        "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]}}"#;

    fn encoded(tokenizer: &TokenizerReader, text: &str) -> Result<Vec<u32>, String> {
        match tokenizer.answer(&Question::Encode(vec![text.into()])) {
            Ok(Answer::Tokens(mut lists)) => Ok(lists.swap_remove(0)),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn tokens_of_the_files_beside_it_are_learned_in_the_order_of_their_numbers() {
        let configuration = r#"{"eos_token": "<e>", "pad_token": "<p>", "unk_token": "b", "added_tokens_decoder": {
            "4": {"content": "<e>"}, "3": {"content": "<s>", "special": true}}}"#;
        let (tokenizer, remarks) = opened(AB, configuration, 6).unwrap();
        assert_eq!(encoded(&tokenizer, "<s>ab<e><p>").unwrap(), [3, 0, 1, 4, 5], "b is a whole token now");
        let decode = Question::Decode(vec![vec![3, 2, 4]]);
        assert_eq!(tokenizer.answer(&decode), Ok(Answer::Texts(vec!["ab".into()])));
        assert_eq!(remarks, Vec::<String>::new());
    }

    #[test]
    fn numbers_that_a_tokenizer_does_not_have_are_reported() {
        let (tokenizer, remarks) = opened(AB, r#"{"added_tokens_decoder": {"7": {"content": "<s>"}}}"#, 9).unwrap();
        assert_eq!(encoded(&tokenizer, "<s>").unwrap(), [3]);
        assert!(remarks[0].contains("\"<s>\" is token 3 of its tokenizer, 7 in the files"), "{remarks:?}");
    }

    #[test]
    fn a_token_beyond_the_embedding_is_reported_and_never_fed() {
        let (tokenizer, remarks) = opened(AB, r#"{"pad_token": "<p>"}"#, 3).unwrap();
        assert!(
            remarks[0].contains("beyond the embedding of 3 rows") && remarks[0].contains("\"<p>\" (3)"),
            "{remarks:?}"
        );
        assert_eq!(encoded(&tokenizer, "ab").unwrap(), [2]);
        let refusal = encoded(&tokenizer, "ab<p>").unwrap_err();
        assert!(refusal.contains("embedding for 3 (vocab_size)"), "{refusal}");
        assert_eq!(tokenizer.vocabulary(), 3);
        assert_eq!(tokenizer.answer(&Question::Find(vec!["<p>".into()])), Ok(Answer::Found(vec![None])));
        assert!(opened(AB, "{}", 2).is_err(), "its own vocabulary is too large");
    }
}
