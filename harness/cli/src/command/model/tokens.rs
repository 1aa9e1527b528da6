//! `pocketwatt model tokens`: the tokens that a model gets, for comparison with another program.

use anyhow::Result;
use clap::Args;
use pocketwatt_model::{ChatTemplate, TextTokenizer};
use pocketwatt_protocol::TokenId;
use pocketwatt_scenario::{Scenario, Talk};
use serde::Serialize;

use crate::{
    command::{output, selection::CacheArguments},
    inert,
    plan::texts,
    refusal::Refusal,
};

#[derive(Args, Debug)]
pub struct TokensArguments {
    /// The model: a name in the library.
    name: String,
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_values = Scenario::default_names().take(1), help = scenario_help())]
    scenario: Vec<String>,
    #[command(flatten)]
    cache: CacheArguments,
}

fn scenario_help() -> String {
    let names = Scenario::shipped_names().join(", ");
    format!("Scenario of conversations or calls: {names}, or a file; repeat or separate by commas")
}

/// The conversations of a scenario as a model's tokens.
#[derive(Debug, Serialize)]
struct Fed<'a> {
    scenario: &'a str,
    conversations: Vec<Conversation<'a>>,
}

#[derive(Debug, Serialize)]
struct Conversation<'a> {
    name: &'a str,
    system: Option<&'a str>,
    /// Requests and answers that come first.
    examples: &'a [(String, String)],
    users: Vec<&'a str>,
    /// The text before each answer: together, with the answers between them, they are the whole conversation.
    texts: Vec<String>,
    /// The tokens of these texts.
    prompts: Vec<Vec<TokenId>>,
    /// Why this model cannot have the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// Writes them to standard output, as JSON on one line.
///
/// # Errors
/// When the model or scenario does not exist, or its tokenizer or template cannot be read.
pub fn run(arguments: &TokensArguments) -> Result<()> {
    let folder = arguments.cache.library()?.find(&arguments.name)?;
    let (tokenizer, template) = (TextTokenizer::open(&folder)?, ChatTemplate::open(&folder)?);
    let scenarios = arguments.scenario.iter().map(|name| Scenario::find(name)).collect::<Result<Vec<_>, _>>()?;
    if let Some(random) = scenarios.iter().find(|scenario| scenario.talks().is_empty()) {
        return Err(Refusal::error(format!("scenario {:?} has random tokens, not text", random.name)));
    }
    let talks: Vec<Vec<Talk>> = scenarios.iter().map(Scenario::talks).collect();
    let fed: Vec<Fed<'_>> = scenarios
        .iter()
        .zip(&talks)
        .map(|(scenario, talks)| Fed {
            scenario: &scenario.name,
            conversations: talks.iter().map(|talk| conversation(talk, &tokenizer, &template)).collect(),
        })
        .collect();
    output::write(&(inert::json(&serde_json::to_string(&fed)?) + "\n"))
}

fn conversation<'a>(talk: &'a Talk, tokenizer: &TextTokenizer, template: &ChatTemplate) -> Conversation<'a> {
    let fed = texts(talk, template).and_then(|texts| Ok((tokenizer.encode_turns(texts.clone())?, texts)));
    let (prompts, texts, refused) = match fed {
        Ok((prompts, texts)) => (prompts, texts, None),
        Err(error) => (Vec::new(), Vec::new(), Some(error.to_string())),
    };
    Conversation {
        name: &talk.name,
        system: talk.system.as_deref(),
        examples: &talk.examples,
        users: talk.turns.iter().map(|(user, _)| user.as_str()).collect(),
        texts,
        prompts,
        refused,
    }
}
