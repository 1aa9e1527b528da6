//! The conversations that ship with PocketWatt differ as much as they should, and fit every model.

use std::path::Path;

use super::{Conversation, ConversationFormat, read_conversations};

/// The shortest context among the models that are measured.
const CONTEXT_TOKENS: f64 = 2048.0;
/// Everyday English has about four; this is less, so that the budget also holds for small vocabularies.
const CHARACTERS_PER_TOKEN: f64 = 3.2;
/// Tokens that chat templates add to each turn.
const TEMPLATE_TOKENS_PER_TURN: f64 = 12.0;

fn shipped() -> Vec<Conversation> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/conversations.jsonl");
    let file = read_conversations(&path).unwrap();
    assert_eq!(file.format, ConversationFormat::Own);
    assert_eq!(file.rows.errors, []);
    file.rows.rows.into_iter().map(|(_, conversation)| conversation).collect()
}

#[test]
fn they_range_from_one_short_question_to_long_texts() {
    let conversations = shipped();
    assert!(conversations.len() >= 12, "{}", conversations.len());
    let words = |conversation: &Conversation| {
        conversation.turns.iter().map(|turn| turn.user.split_whitespace().count()).sum::<usize>()
    };
    let lengths: Vec<_> = conversations.iter().map(words).collect();
    assert!(lengths.iter().any(|words| *words < 20) && lengths.iter().any(|words| *words > 350), "{lengths:?}");
    let turns: Vec<_> = conversations.iter().map(|conversation| conversation.turns.len()).collect();
    assert!(turns.iter().filter(|turns| **turns >= 2).count() >= 8, "{turns:?}");
    assert!(turns.contains(&1) && turns.iter().any(|turns| *turns >= 10), "{turns:?}");
}

#[test]
fn they_fit_the_context_of_every_model() {
    for Conversation { id, system, turns } in shipped() {
        let texts = turns.iter().map(|turn| &turn.user).chain(&system);
        let characters = texts.map(|text| u32::try_from(text.chars().count()).unwrap()).sum::<u32>();
        let answers: u32 = turns.iter().map(|turn| turn.output_tokens.unwrap()).sum();
        let around = TEMPLATE_TOKENS_PER_TURN * f64::from(u32::try_from(turns.len()).unwrap());
        let tokens = f64::from(characters) / CHARACTERS_PER_TOKEN + f64::from(answers) + around;
        assert!(tokens <= CONTEXT_TOKENS, "{id} takes up to {tokens:.0} tokens");
    }
}
