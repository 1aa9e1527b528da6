//! A scenario in a model's own tokens.

use std::{collections::BTreeMap, fs, io::Write, path::PathBuf, rc::Rc};

use anyhow::{Context, Result};
use pocketwatt_files::{hexadecimal, write_atomically};
use pocketwatt_model::{ChatTemplate, ModelError, ModelFolder, TextTokenizer};
use pocketwatt_protocol::{TokenId, Turn};
use pocketwatt_record::LeftOut;
use pocketwatt_scenario::{Scenario, Shape, Talk, synthetic};

use super::{Outline, PreparedModel};

const TOKEN_BYTES: &str = "token-bytes.json";

/// A scenario in a model's own tokens: what a runner is to generate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedScenario {
    /// One conversation for each iteration, in turn.
    pub conversations: Vec<Vec<Turn>>,
    /// The position of each of these among the scenario's own.
    pub sources: Vec<usize>,
    /// Tokens that end an answer.
    pub stop_tokens: Vec<TokenId>,
    /// The file with the bytes of the tokens, if answers are constrained.
    pub token_bytes: Option<PathBuf>,
    /// Positions that a session must hold.
    pub context_tokens: u32,
    /// Conversations that do not fit this model, with their file, line and reason.
    pub left_out: Vec<String>,
    /// Counted iterations, if each conversation should run once; absent if the user decides the number.
    pub iterations: Option<u32>,
}

impl PreparedScenario {
    fn new(conversations: Vec<Vec<Turn>>, stop_tokens: Vec<TokenId>) -> Self {
        let context_tokens = conversations.iter().map(|turns| positions(turns)).max().unwrap_or(0);
        let sources = (0..conversations.len()).collect();
        Self {
            conversations,
            sources,
            stop_tokens,
            token_bytes: None,
            context_tokens,
            left_out: Vec::new(),
            iterations: None,
        }
    }

    /// Average numbers of prompt and output tokens of an iteration.
    pub fn outline(&self) -> Outline {
        let turns = || self.conversations.iter().flatten();
        let conversations = self.conversations.len().max(1) as u64;
        let mean = |tokens: u64| u32::try_from(tokens / conversations).unwrap_or(u32::MAX);
        Outline {
            prompt_tokens: mean(turns().map(|turn| turn.prompt.len() as u64).sum()),
            output_tokens: mean(turns().map(|turn| u64::from(turn.max_output_tokens)).sum()),
        }
    }

    /// The rows that the numbers do not include.
    pub fn left_out(&self) -> Option<LeftOut> {
        let rows = self.left_out.len() as u64;
        self.left_out.first().map(|first| LeftOut { rows, of: rows + self.sources.len() as u64, first: first.clone() })
    }

    /// Number of counted iterations.
    pub fn iterations(&self, asked: u32) -> u32 {
        self.iterations.unwrap_or(asked)
    }
}

/// Scenarios in the tokens of models, each prepared once: a case is estimated, measured and judged with the same tokens.
#[derive(Debug, Default)]
pub struct PreparedScenarios {
    known: BTreeMap<(String, String, bool), Rc<PreparedScenario>>,
}

impl PreparedScenarios {
    /// As [`prepare`] gives it.
    ///
    /// # Errors
    /// As [`prepare`].
    pub fn of(
        &mut self,
        scenario: &Scenario,
        model: &PreparedModel,
        constrained: bool,
    ) -> Result<Rc<PreparedScenario>> {
        let key = (scenario.name.clone(), model.passport.name.clone(), constrained);
        if let Some(known) = self.known.get(&key) {
            return Ok(Rc::clone(known));
        }
        let prepared = Rc::new(prepare(scenario, model, constrained)?);
        self.known.insert(key, Rc::clone(&prepared));
        Ok(prepared)
    }
}

/// Most positions that a conversation needs.
fn positions(turns: &[Turn]) -> u32 {
    let positions: u64 = turns.iter().map(|turn| turn.prompt.len() as u64 + u64::from(turn.max_output_tokens)).sum();
    // More than any context.
    u32::try_from(positions).unwrap_or(u32::MAX)
}

/// Converts a scenario to tokens: text is passed through the model's chat template and tokenizer.
///
/// Seeded weights never stop early: what they generate is random, and so would be the end, and every backend has to do the same
/// work. With a file of conversations, trained weights get each one once, and seeded ones as many as there are iterations:
/// their answers mean nothing.
///
/// With `constrained`, answers that should be calls are constrained to the grammar of calls. A complete call has to end, with
/// seeded weights, too.
///
/// # Errors
/// When the tokenizer or the template does not fit the model. In a file of conversations, one that does not fit is left
/// out.
pub fn prepare(scenario: &Scenario, model: &PreparedModel, constrained: bool) -> Result<PreparedScenario> {
    let config = model.folder.config();
    if let Shape::Synthetic { prompt_tokens, output_tokens } = scenario.shape {
        let prompt = synthetic::tokens(prompt_tokens, config.vocabulary);
        return Ok(PreparedScenario::new(
            vec![vec![Turn { prompt, max_output_tokens: output_tokens, grammar: None }]],
            Vec::new(),
        ));
    }
    let tokenizer = TextTokenizer::open(&model.folder)?;
    let template = ChatTemplate::open(&model.folder)?;
    let never_ends = model.passport.seeded && !constrained;
    let stop_tokens = if never_ends { Vec::new() } else { template.stop_tokens(&tokenizer, config)? };
    let tokens = |talk: &Talk| {
        turns(talk, &tokenizer, &template, constrained)
            .with_context(|| format!("scenario {:?} with model {:?}", scenario.name, model.passport.name))
    };
    if let Shape::Conversation(talk) = &scenario.shape {
        return Ok(PreparedScenario::new(vec![tokens(talk)?], stop_tokens));
    }
    let (mut conversations, mut sources, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for (index, talk) in scenario.talks().iter().enumerate() {
        match tokens(talk) {
            Ok(turns) if positions(&turns) as usize <= config.context => {
                conversations.push(turns);
                sources.push(index);
            }
            Ok(turns) => left_out.push(format!(
                "{}: it needs {} positions, {} has a context of {}",
                talk.name,
                positions(&turns),
                model.passport.name,
                config.context
            )),
            // No other conversation would work either.
            Err(error) if matches!(error.downcast_ref(), Some(ModelError::Text { end, .. }) if end.is_final()) => {
                return Err(error);
            }
            Err(error) => left_out.push(format!("{}: {error:#}", talk.name)),
        }
    }
    let iterations = (!model.passport.seeded).then_some(conversations.len() as u32);
    let token_bytes = constrained.then(|| token_bytes(&tokenizer, &model.folder)).transpose()?;
    Ok(PreparedScenario {
        sources,
        left_out,
        iterations,
        token_bytes,
        ..PreparedScenario::new(conversations, stop_tokens)
    })
}

/// The text before each answer of a conversation.
///
/// # Errors
/// When the template refuses the conversation.
pub fn texts(talk: &Talk, template: &ChatTemplate) -> Result<Vec<String>, ModelError> {
    let users: Vec<String> = talk.turns.iter().map(|(user, _)| user.clone()).collect();
    template.segments(talk.system.as_deref(), &talk.examples, &users)
}

fn turns(talk: &Talk, tokenizer: &TextTokenizer, template: &ChatTemplate, constrained: bool) -> Result<Vec<Turn>> {
    let prompts = tokenizer.encode_turns(texts(talk, template)?)?;
    let turns = prompts.into_iter().zip(&talk.turns).enumerate().map(|(index, (prompt, (_, output_tokens)))| {
        let grammar = talk.grammars.get(index).cloned().flatten().filter(|_| constrained);
        Turn { prompt, max_output_tokens: *output_tokens, grammar }
    });
    Ok(turns.collect())
}

/// The file with the bytes of the tokens, beside the model; written unless it already exists.
fn token_bytes(tokenizer: &TextTokenizer, folder: &ModelFolder) -> Result<PathBuf> {
    let tokens: Vec<String> = tokenizer.token_bytes()?.iter().map(hexadecimal).collect();
    let text = serde_json::to_string(&tokens)?;
    let path = folder.path().join(TOKEN_BYTES);
    if fs::read_to_string(&path).is_ok_and(|present| present == text) {
        return Ok(path);
    }
    // Written atomically, because another run may be reading it.
    write_atomically(&path, |file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
