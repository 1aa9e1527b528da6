//! How long a case should take, before any measurement.

use pocketwatt_model::{ModelConfig, precision::bytes_per_token};
use pocketwatt_protocol::Precision;
use pocketwatt_record::RunSettings;
use pocketwatt_scenario::{Scenario, Shape};

/// Approximate speed of a current processor: bytes of weights read per second, floating-point
/// operations of a prefill per second and thread, and bytes of weights prepared per second.
const BANDWIDTH: f64 = 12e9;
const OPERATIONS: f64 = 50e9;
const LOADING: f64 = 0.6e9;
/// Largest speedup of decoding with few bits over f32.
const MOST_SPEEDUP: f64 = 2.5;
/// Time to start a program and read its hash.
const START_S: f64 = 0.3;
/// Tokens of the answer of a short warm-up.
const SHORT_ANSWER: f64 = 8.0;
/// Characters of English text for each token.
const CHARACTERS_PER_TOKEN: usize = 4;

/// Number of tokens in an iteration's prompts and answers, all turns together: the average, if iterations
/// differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Tokens of all prompts.
    pub prompt_tokens: u32,
    /// Longest answers of all turns.
    pub output_tokens: u32,
}

impl Outline {
    /// Estimates it from the text alone, if the model's tokenizer is not available yet.
    pub fn guess(scenario: &Scenario) -> Self {
        match &scenario.shape {
            Shape::Synthetic { prompt_tokens, output_tokens } => {
                Self { prompt_tokens: *prompt_tokens, output_tokens: *output_tokens }
            }
            Shape::Conversation(_) | Shape::Data { .. } => {
                let talks = scenario.talks();
                let texts =
                    talks.iter().flat_map(|talk| talk.system.iter().chain(talk.turns.iter().map(|(user, _)| user)));
                let text: usize = texts.map(String::len).sum();
                let output: u64 = talks.iter().flat_map(|talk| &talk.turns).map(|(_, tokens)| u64::from(*tokens)).sum();
                let conversations = talks.len().max(1);
                let mean = |tokens: u64| u32::try_from(tokens / conversations as u64).unwrap_or(u32::MAX);
                Self { prompt_tokens: mean((text / CHARACTERS_PER_TOKEN) as u64), output_tokens: mean(output) }
            }
        }
    }
}

/// Seconds that a case should take, which is in turns with others where the settings say so.
pub fn duration(
    config: &ModelConfig,
    outline: Outline,
    precision: Precision,
    threads: u32,
    iterations: u32,
    settings: &RunSettings,
) -> f64 {
    let weights = config.weight_bytes_per_token() as f64;
    let (held, read) = bytes_per_token(config, precision);
    // Codes have to be converted to numbers, so reading them is never as fast as their size would allow.
    let read = (read as f64).max(weights / MOST_SPEEDUP);
    // A weight is 4 bytes, and costs a multiplication and an addition for each token.
    let operations_per_token = weights / 4.0 * 2.0;
    let prefill = f64::from(outline.prompt_tokens) * operations_per_token / (OPERATIONS * f64::from(threads));
    let decode = f64::from(outline.output_tokens) * read / BANDWIDTH;
    let (launches, answer) = match settings.turns {
        Some(turns) if turns.short_warmup => (turns.blocks.min(iterations), SHORT_ANSWER * read / BANDWIDTH),
        Some(turns) => (turns.blocks.min(iterations), decode),
        None => (1, decode),
    };
    let warm_up = f64::from(settings.warmup_iterations) * (prefill + answer.min(decode));
    let settle = f64::from(settings.iterations) * settings.settle_ms as f64 / 1e3;
    let counted = f64::from(iterations) * (prefill + decode) + settle;
    // The iteration that reaches the time is completed.
    let counted =
        settings.sustain_ms.map_or(counted, |least| counted.max(least as f64 / 1e3 + (prefill + decode) / 2.0));
    f64::from(launches) * (START_S + held as f64 / LOADING + warm_up) + counted
}

#[cfg(test)]
mod tests {
    use pocketwatt_model::Preset;
    use pocketwatt_record::{GateSettings, TurnSettings};

    use super::*;

    #[test]
    fn a_sustained_case_takes_as_long_as_it_was_asked_to_or_longer() {
        let config = Preset::find("tiny").unwrap().config();
        let outline = Outline { prompt_tokens: 100, output_tokens: 100 };
        let seconds = |sustain_ms: Option<u64>, iterations: u32| {
            let settings = RunSettings {
                warmup_iterations: 1,
                iterations,
                settle_ms: 0,
                timeout_s: 60,
                quality: false,
                sustain_ms,
                turns: None,
                gates: GateSettings::default(),
                cores: None,
            };
            duration(&config, outline, Precision::F32, 1, iterations, &settings)
        };
        assert!((60.0..62.0).contains(&seconds(Some(60_000), 3)), "{}", seconds(Some(60_000), 3));
        assert_eq!(seconds(Some(1), 100_000), seconds(None, 100_000), "the iterations last longer anyhow");
    }

    #[test]
    fn every_block_has_its_own_start() {
        let config = Preset::find("tiny").unwrap().config();
        let outline = Outline { prompt_tokens: 0, output_tokens: 0 };
        let seconds = |turns: Option<TurnSettings>| {
            let settings = RunSettings { turns, ..RunSettings::default() };
            duration(&config, outline, Precision::F32, 1, 5, &settings)
        };
        let blocks = |blocks: u32| seconds(Some(TurnSettings { blocks, seed: 1, short_warmup: true, target: None }));
        assert!((blocks(3) - 3.0 * seconds(None)).abs() < 1e-9);
        assert_eq!(blocks(50), blocks(5), "no block is without an iteration");
    }
}
