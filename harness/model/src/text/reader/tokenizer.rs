use tokenizers::Tokenizer;

use super::{invalid, one_line, spelling::Spelling, unanswerable};
use crate::text::message::{Answer, Failure, Question, TextFile};

/// What models are told and may say, a bit of each kind: letters and digits, accents in both normal forms, scripts with
/// and without spaces, right to left, emoji of several code points, runs of white space, no space at all, controls, and
/// what templates and calls are written with.
const EVERY_KIND: &str = "Hello, world! The quick brown fox's 3 × 7 = 21; 1234567890 0.5e-3 – “quoted” (a[1] | b{2})\n\n\n\
    \t\t\tGrüße, naïve façade, e\u{301}a\u{308}o\u{302}; Ελληνικά, Кириллица, ไทย, हिन्दी, 한국어, 日本語のテキスト, 世界你好。 \
    שלום العربية \u{200f}\u{202e}\u{feff}👩\u{200d}👩\u{200d}👧\u{200d}👦 🇩🇪 👍🏽 ✈\u{fe0f} ﬁ Ⅷ ½ ａ \u{fffd}\u{1f}\u{7f}\u{0} \r\n   \
         <s> </s> <unk> <|im_start|>system\n<|im_end|> ▁under▁score Ġ Ċ <0x0A> [UNK] get_weather(city=\"Tromsø\", days=[1, 2])\
    \u{a0}\u{2003}\u{3000}";
/// What stands in runs: words without a space, digits, white space, signs.
const RUNS: [&str; 10] = ["a", "aB", "a1", "1", " ", "\n", " \n", "é", "世", "!"];
/// How often.
const LONG: usize = 200;
/// How runs end. A pattern that tries all ways to cut one does so only when something follows.
const ENDS: [&str; 5] = ["", " ", "!", "a", "\n"];

/// A `tokenizer.json` that was opened.
#[derive(Debug)]
pub(in crate::text) struct TokenizerReader {
    tokenizer: Tokenizer,
}

impl TokenizerReader {
    /// Opens a tokenizer for a model with embeddings for `vocabulary` tokens.
    ///
    /// # Errors
    /// When it is malformed, or knows tokens that the model has no embedding for.
    pub(super) fn open(json: &[u8], vocabulary: usize) -> Result<Self, Failure> {
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(|error| refused(&error.to_string()))?;
        // What a scenario says is what is fed: files that pad or cut would change that.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| refused(&error.to_string()))?;
        let highest = tokenizer.get_vocab(true).into_values().max();
        if let Some(highest) = highest.filter(|&highest| highest as usize >= vocabulary) {
            return Err(refused(&format!(
                "its highest token is {highest}, the model has a vocabulary of {vocabulary} (vocab_size): it belongs to another model"
            )));
        }
        Ok(Self { tokenizer })
    }

    /// Number of tokens that it knows.
    pub(super) fn vocabulary(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
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
            Question::Decode(lists) => {
                Answer::Texts(lists.iter().map(|tokens| self.decode(tokens)).collect::<Result<_, _>>()?)
            }
            Question::DecodePrefixes { tokens, from, until } => {
                let prefixes = (*from..*until).filter_map(|length| tokens.get(..length));
                Answer::Texts(prefixes.map(|prefix| self.decode(prefix)).collect::<Result<_, _>>()?)
            }
            Question::Find(texts) => Answer::Found(texts.iter().map(|text| self.tokenizer.token_to_id(text)).collect()),
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
        Ok(encoding.get_ids().to_vec())
    }

    /// Without the special ones.
    fn decode(&self, tokens: &[u32]) -> Result<String, Failure> {
        let text = self.tokenizer.decode(tokens, true);
        text.map_err(|error| refused(&format!("it cannot decode tokens: {error}")))
    }

    /// Special tokens are nothing.
    fn token_bytes(&self) -> Result<Vec<Vec<u8>>, Failure> {
        let vocabulary = self.tokenizer.get_vocab(true);
        let length = vocabulary.values().max().map_or(0, |highest| *highest as usize + 1);
        let added = self.tokenizer.get_added_tokens_decoder();
        let spelling = Spelling::of(&self.tokenizer)
            .ok_or_else(|| refused("its decoder is not known to bytes: no grammar can be kept"))?;
        let mut tokens = vec![Vec::new(); length];
        for (text, id) in vocabulary {
            tokens[id as usize] = match added.get(&id) {
                Some(token) if token.special => Vec::new(),
                Some(token) => token.content.clone().into_bytes(),
                None => spelling.bytes(&text),
            };
        }
        Ok(tokens)
    }

    /// Does with it whatever will be done with it. That it refuses something in words is its right, and is said when
    /// that is asked for: what counts is that it comes back.
    ///
    /// # Errors
    /// When it can encode no text at all.
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
            // Its refusal is not ours.
            let _ = self.decode(tokens);
        }
        let _ = self.token_bytes();
        Ok(())
    }

    fn highest_token(&self) -> u32 {
        self.tokenizer.get_vocab(true).into_values().max().unwrap_or(0)
    }
}

fn refused(reason: &str) -> Failure {
    invalid(TextFile::Tokenizer, one_line(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer(decoder: &str) -> TokenizerReader {
        let json = format!(
            r#"{{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,"pre_tokenizer":null,
            "post_processor":null,"decoder":{decoder},"model":{{"type":"BPE","vocab":{{"a":0,"b":1,"ab":2}},
            "merges":[["a","b"]]}}}}"#
        );
        TokenizerReader::open(json.as_bytes(), 3).unwrap()
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
}
