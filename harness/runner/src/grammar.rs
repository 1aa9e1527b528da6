//! Answers that follow a grammar: before each token, this leaves out the tokens that no such answer could contain there.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, Result, bail, ensure};
use llguidance::{Matcher, ParserFactory, api::TopLevelGrammar};
use pocketwatt_protocol::TokenId;
use toktrie::{ApproximateTokEnv, SimpleVob, TokEnv, TokRxInfo, TokTrie};

/// What all grammars of a workload share: the vocabulary, as a tree of bytes.
pub struct Grammars {
    factory: ParserFactory,
    stop_tokens: Vec<TokenId>,
}

/// The state of an answer that follows a grammar, token by token.
pub struct GrammarState {
    matcher: Matcher,
    stop_tokens: Vec<TokenId>,
}

impl Grammars {
    /// Reads the bytes of each token. `vocabulary` is the length of a row of logits; `stop_tokens` end answers.
    ///
    /// # Errors
    /// When the file cannot be read or is malformed, or no token ends an answer.
    pub fn read(path: &Path, vocabulary: usize, stop_tokens: &[TokenId]) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::new(&parse(&text).with_context(|| format!("{} is not usable", path.display()))?, vocabulary, stop_tokens)
    }

    fn new(tokens: &[Vec<u8>], vocabulary: usize, stop_tokens: &[TokenId]) -> Result<Self> {
        let Some(end) = stop_tokens.first() else { bail!("no token ends an answer: a grammar needs one") };
        ensure!(tokens.len() <= vocabulary, "{} tokens, but {vocabulary} logits", tokens.len());
        let mut tokens = tokens.to_vec();
        tokens.resize(vocabulary, Vec::new());
        let trie = TokTrie::from(&TokRxInfo::new(vocabulary as u32, end.0), &tokens);
        let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut factory = ParserFactory::new_simple(&environment)?;
        // Otherwise its warnings go to standard error, which is for the engines.
        factory.quiet();
        Ok(Self { factory, stop_tokens: stop_tokens.to_vec() })
    }

    /// Begins an answer.
    ///
    /// # Errors
    /// When the grammar is malformed.
    pub fn begin(&self, grammar: &str) -> Result<GrammarState> {
        let parser = self.factory.create_parser(TopLevelGrammar::from_lark(grammar.to_owned()));
        let matcher = Matcher::new(Ok(parser.context("the grammar of the answer")?));
        Ok(GrammarState { matcher, stop_tokens: self.stop_tokens.clone() })
    }
}

impl GrammarState {
    /// The tokens with which the answer can go on, including the stop token where the answer is complete.
    ///
    /// # Errors
    /// When no token can follow.
    pub fn allowed(&mut self) -> Result<SimpleVob> {
        let allowed = self.matcher.compute_mask_or_eos()?;
        ensure!(!allowed.is_zero(), "no token continues the answer as its grammar requires");
        Ok(allowed)
    }

    /// Appends a token to the answer.
    ///
    /// # Errors
    /// When the grammar does not allow the token.
    pub fn take(&mut self, token: TokenId) -> Result<()> {
        if self.stop_tokens.contains(&token) { Ok(()) } else { self.matcher.consume_token(token.0) }
    }
}

/// The most probable of the allowed tokens; the lowest index wins a tie, and NaN never wins.
pub fn greedy_allowed(logits: &[f32], allowed: &SimpleVob) -> Option<TokenId> {
    let mut best = None;
    let mut highest = f32::NEG_INFINITY;
    for index in allowed.iter() {
        let value = logits.get(index as usize).copied().unwrap_or(f32::NAN);
        if value > highest || (best.is_none() && !value.is_nan()) {
            highest = value;
            best = Some(TokenId(index));
        }
    }
    best
}

/// Parses a JSON array of hexadecimal strings. The runner's only other JSON is its request, so `serde_json` stays in that crate.
fn parse(text: &str) -> Result<Vec<Vec<u8>>> {
    let inner = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']')).context("no JSON array")?;
    inner.split(',').map(|item| token(item.trim())).collect()
}

fn token(item: &str) -> Result<Vec<u8>> {
    let digits = item.strip_prefix('"').and_then(|item| item.strip_suffix('"'));
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2) && digits.is_ascii());
    let digits = digits.with_context(|| format!("{item} is not a string of hexadecimal bytes"))?;
    (0..digits.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&digits[at..at + 2], 16)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "start: \"go(\" NUMBER \")\" | \"no()\"\nNUMBER: /[0-9]{1,3}/\n";

    /// Token 0 ends an answer; then come single letters, and one token of several letters.
    fn tokens() -> Vec<Vec<u8>> {
        let mut tokens = vec![Vec::new()];
        tokens.extend(b"gon()0123456789".iter().map(|byte| vec![*byte]));
        tokens.push(b"go(".to_vec());
        tokens
    }

    fn grammars() -> Grammars {
        Grammars::new(&tokens(), 20, &[TokenId(0)]).unwrap()
    }

    fn position(text: &str) -> TokenId {
        TokenId(tokens().iter().position(|token| token == text.as_bytes()).unwrap() as u32)
    }

    fn allowed(state: &mut GrammarState) -> Vec<TokenId> {
        state.allowed().unwrap().iter().map(TokenId).collect()
    }

    #[test]
    fn only_what_the_grammar_has_can_be_said() {
        let mut state = grammars().begin(CALL).unwrap();
        assert_eq!(allowed(&mut state), [position("g"), position("n"), position("go(")]);
        state.take(position("go(")).unwrap();
        assert_eq!(allowed(&mut state).len(), 10, "the digits");
        state.take(position("7")).unwrap();
        assert!(allowed(&mut state).contains(&position(")")));
        assert!(!allowed(&mut state).contains(&TokenId(0)), "not complete");
        state.take(position(")")).unwrap();
        assert_eq!(allowed(&mut state), [TokenId(0)]);
        state.take(TokenId(0)).unwrap();
        assert!(grammars().begin(CALL).unwrap().take(position("7")).is_err());
    }

    #[test]
    fn the_most_probable_allowed_token_is_chosen() {
        let mut state = grammars().begin(CALL).unwrap();
        let allowed = state.allowed().unwrap();
        let mut logits = vec![0.0; 20];
        logits[position("7").0 as usize] = 9.0;
        assert_eq!(greedy_allowed(&logits, &allowed), Some(position("g")), "the first of equals");
        logits[position("n").0 as usize] = 1.0;
        assert_eq!(greedy_allowed(&logits, &allowed), Some(position("n")));
        assert_eq!(greedy_allowed(&[f32::NAN; 20], &allowed), None);
    }

    #[test]
    fn what_cannot_be_used_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let error = |text: &str, stop: &[TokenId]| {
            fs::write(&path, text).unwrap();
            Grammars::read(&path, 3, stop).err().map(|error| format!("{error:#}")).unwrap_or_default()
        };
        assert_eq!(error("[\"\", \"61\"]", &[TokenId(0)]), "");
        assert!(error("[\"\", \"6\"]", &[TokenId(0)]).contains("\"6\" is not a string of hexadecimal bytes"));
        assert!(error("[\"\", \"\", \"\", \"\"]", &[TokenId(0)]).contains("4 tokens, but 3 logits"));
        assert!(error("[\"\"]", &[]).contains("no token ends an answer"));
        assert!(grammars().begin("start: nothing").is_err());
    }
}
