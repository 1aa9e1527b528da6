//! Scenarios that are defined by their name: a number of prompt tokens and of output tokens, like pp and tg of llama-bench.

use pocketwatt_protocol::TokenId;

use crate::{error::ScenarioError, limits::MOST_TOKENS};

/// The forms of their names.
pub const FORMS: [&str; 3] = ["prefill-N", "decode-N", "prefill-P-decode-N"];

/// Tokens below this are the special ones (unknown, begin, end) of MobileLLM and similar models.
const FIRST_ORDINARY_TOKEN: u32 = 3;

/// Length of the prompt of a synthetic scenario, by its name; `None` for other names.
pub fn prompt_tokens(name: &str) -> Option<u32> {
    definition(name).ok()??;
    match name.strip_prefix("prefill-") {
        Some(rest) => rest.split('-').next()?.parse().ok(),
        None => Some(1),
    }
}

/// The scenario file for a synthetic name; `None` for other names.
///
/// # Errors
/// When the name has the right form but an impossible number.
pub fn definition(name: &str) -> Result<Option<String>, ScenarioError> {
    let parts: Vec<&str> = name.split('-').collect();
    let (prompt, output) = match parts[..] {
        ["prefill", prompt] => (prompt, "0"),
        // Something has to come before the first token.
        ["decode", output] => ("1", output),
        ["prefill", prompt, "decode", output] => (prompt, output),
        _ => return Ok(None),
    };
    let number = |text: &str, least: u32| match text.parse::<u32>() {
        Ok(number) if (least..=MOST_TOKENS).contains(&number) => Ok(number),
        _ => Err(ScenarioError::Refused(format!(
            "scenario {name:?}: {text:?} is not a number of tokens from {least} to {MOST_TOKENS}"
        ))),
    };
    let (prompt, output) = (number(prompt, 1)?, number(output, u32::from(parts.contains(&"decode")))?);
    let summary = match (prompt, output) {
        (prompt, 0) => format!("a prompt of {prompt} random tokens"),
        (prompt, output) => format!("{output} tokens after a prompt of {prompt} random tokens"),
    };
    Ok(Some(format!(
        "name = \"{name}\"\nsummary = \"{summary}\"\nsynthetic = {{ prompt-tokens = {prompt}, output-tokens = {output} }}\n"
    )))
}

/// Random ordinary tokens, always the same ones: text would be as fast, but no text fits every tokenizer.
pub fn tokens(count: u32, vocabulary: usize) -> Vec<TokenId> {
    let ordinary = (vocabulary as u64).saturating_sub(u64::from(FIRST_ORDINARY_TOKEN)).max(1);
    let mut state = 0_u64;
    (0..count)
        .map(|_| {
            // Knuth's MMIX generator; its high bits are the random ones.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let token = u64::from(FIRST_ORDINARY_TOKEN) + (state >> 33) % ordinary;
            TokenId(token.min(vocabulary as u64 - 1) as u32)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_in_the_vocabulary_and_differ() {
        let drawn = tokens(500, 512);
        assert!(drawn.iter().all(|token| (3..512).contains(&token.0)));
        let distinct: std::collections::HashSet<_> = drawn.iter().collect();
        assert!(distinct.len() > 200, "only {} of 500 differ", distinct.len());
        assert_eq!(tokens(5, 512), drawn[..5], "a longer prompt begins with the shorter one");
    }
}
