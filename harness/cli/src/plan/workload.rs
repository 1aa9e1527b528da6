//! A scenario in a model's own tokens.

use anyhow::{Context, Result};
use pocketwatt_model::{ChatTemplate, TextTokenizer};
use pocketwatt_protocol::{TokenId, Turn};

use super::{Outline, PreparedModel, Scenario, Shape, synthetic};

/// What a runner is to generate, as tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The turns of one iteration.
    pub turns: Vec<Turn>,
    /// Tokens that end an answer.
    pub stop_tokens: Vec<TokenId>,
    /// Positions that a session must hold.
    pub context_tokens: u32,
}

impl Prepared {
    fn new(turns: Vec<Turn>, stop_tokens: Vec<TokenId>) -> Self {
        let tokens = |turn: &Turn| turn.prompt.len() as u32 + turn.max_output_tokens;
        let context_tokens = turns.iter().map(tokens).sum();
        Self { turns, stop_tokens, context_tokens }
    }

    /// How many tokens go in and come out.
    pub fn outline(&self) -> Outline {
        Outline {
            prompt_tokens: self.turns.iter().map(|turn| turn.prompt.len() as u32).sum(),
            output_tokens: self.turns.iter().map(|turn| turn.max_output_tokens).sum(),
        }
    }
}

/// Turns a scenario into tokens: text through the model's chat template and tokenizer.
///
/// Seeded weights are never stopped: what they generate is random, an end as well, and every backend shall do the same
/// work.
///
/// # Errors
/// When the tokenizer or the template does not fit the model.
pub fn prepare(scenario: &Scenario, model: &PreparedModel) -> Result<Prepared> {
    let config = model.folder.config();
    match &scenario.shape {
        Shape::Synthetic { prompt_tokens, output_tokens } => {
            let prompt = synthetic::tokens(*prompt_tokens, config.vocabulary);
            Ok(Prepared::new(vec![Turn { prompt, max_output_tokens: *output_tokens }], Vec::new()))
        }
        Shape::Conversation { system, turns } => {
            let tokenizer = TextTokenizer::open(&model.folder)?;
            let template = ChatTemplate::open(&model.folder)?;
            let users: Vec<String> = turns.iter().map(|(user, _)| user.clone()).collect();
            let segments = template.segments(system.as_deref(), &users)?;
            let mut prepared = Vec::with_capacity(turns.len());
            for (segment, (_, output_tokens)) in segments.iter().zip(turns) {
                let prompt = tokenizer
                    .encode(segment)
                    .with_context(|| format!("scenario {:?} with model {:?}", scenario.name, model.passport.name))?;
                prepared.push(Turn { prompt, max_output_tokens: *output_tokens });
            }
            let stop_tokens = if model.passport.seeded { Vec::new() } else { template.stop_tokens(&tokenizer, config) };
            Ok(Prepared::new(prepared, stop_tokens))
        }
    }
}
