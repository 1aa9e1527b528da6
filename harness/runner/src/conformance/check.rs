//! What a session must do. Each check opens a session of its own.

use anyhow::{Context, Result, bail, ensure};
use pocketwatt_protocol::TokenId;

use super::Expectation;
use crate::{InputError, Model, Session, greedy_token};

/// Largest difference between two ways to compute a logit in f32. Real models in real engines stay below 2e-4; a
/// wrong position, mask or norm changes the test models' logits by 1e-2 and more.
pub const F32_TOLERANCE: f32 = 1e-3;
/// The same in f16, where every product and the logits themselves are rounded to 11 bits: engines come within 0.03 of the
/// reference.
pub const HALF_TOLERANCE: f32 = 5e-2;
/// The same for an engine that rounds activations to 8 bits in its products, as most engines do for weights in codes: they come
/// within 0.1 of the reference, while codes in the wrong order are off by 1 and more.
pub const ROUNDED_TOLERANCE: f32 = 0.25;

type Check = fn(&mut dyn Model, &Expectation) -> Result<()>;

/// The checks by name, simplest first: look at the first failure.
pub(super) const SESSION_CHECKS: &[(&str, Check)] = &[
    ("knows_its_vocabulary", knows_its_vocabulary),
    ("whole_prefill_equals_the_reference", whole_prefill_equals_the_reference),
    ("every_length_of_prefill_equals_the_reference", every_length_of_prefill_equals_the_reference),
    ("chunked_prefill_equals_the_reference", chunked_prefill_equals_the_reference),
    ("token_by_token_equals_the_reference", token_by_token_equals_the_reference),
    ("greedy_tokens_equal_the_reference", greedy_tokens_equal_the_reference),
    ("length_counts_positions", length_counts_positions),
    ("reset_forgets_the_past", reset_forgets_the_past),
    ("sessions_are_independent", sessions_are_independent),
    ("refuses_no_tokens", refuses_no_tokens),
    ("refuses_an_unknown_token", refuses_an_unknown_token),
    ("context_is_usable_to_the_last_position", context_is_usable_to_the_last_position),
    ("cache_size_is_told", cache_size_is_told),
];

fn knows_its_vocabulary(model: &mut dyn Model, expected: &Expectation) -> Result<()> {
    let (reported, vocabulary) = (model.info().vocabulary as usize, expected.logits[0].len());
    ensure!(reported == vocabulary, "the model has {vocabulary} vocabulary entries, the backend reports {reported}");
    Ok(())
}

fn whole_prefill_equals_the_reference(model: &mut dyn Model, expected: &Expectation) -> Result<()> {
    let mut session = model.session()?;
    let logits = forward(&mut *session, &expected.tokens)?;
    compare(&logits, expected, expected.tokens.len())
}

fn every_length_of_prefill_equals_the_reference(model: &mut dyn Model, expected: &Expectation) -> Result<()> {
    for length in 1..=expected.tokens.len() {
        let mut session = model.session()?;
        let logits = forward(&mut *session, &expected.tokens[..length])?;
        compare(&logits, expected, length)?;
    }
    Ok(())
}

fn chunked_prefill_equals_the_reference(model: &mut dyn Model, expected: &Expectation) -> Result<()> {
    let length = expected.tokens.len();
    // In the middle, a single token first, a single token last, and pieces of uneven length.
    for sizes in [vec![length / 2, length], vec![1, length], vec![length - 1, 1], vec![2, 3, 1, length]] {
        let mut session = model.session()?;
        let mut start = 0;
        for size in &sizes {
            let end = (start + size).min(length);
            let logits = forward(&mut *session, &expected.tokens[start..end])?;
            compare(&logits, expected, end).with_context(|| format!("chunks of {sizes:?} tokens"))?;
            start = end;
        }
    }
    Ok(())
}

fn token_by_token_equals_the_reference(model: &mut dyn Model, expected: &Expectation) -> Result<()> {
    let mut session = model.session()?;
    for (index, token) in expected.tokens.iter().enumerate() {
        let logits = forward(&mut *session, &[*token])?;
        compare(&logits, expected, index + 1)?;
    }
    Ok(())
}

fn greedy_tokens_equal_the_reference(model: &mut dyn Model, expected: &Expectation) -> Result<()> {
    let mut session = model.session()?;
    let mut logits = forward(&mut *session, &expected.tokens)?;
    for (step, &right) in expected.greedy.iter().enumerate() {
        let token = greedy_token(&logits);
        ensure!(
            token == right,
            "step {}: the reference generates token {}, the backend {}",
            step + 1,
            right.0,
            token.0
        );
        if step + 1 < expected.greedy.len() {
            logits = forward(&mut *session, &[token])?;
        }
    }
    Ok(())
}

fn length_counts_positions(model: &mut dyn Model, expected: &Expectation) -> Result<()> {
    let mut session = model.session()?;
    ensure_length(&*session, 0, "a new session")?;
    forward(&mut *session, &expected.tokens[..5])?;
    ensure_length(&*session, 5, "a prefill of 5")?;
    forward(&mut *session, &expected.tokens[5..6])?;
    ensure_length(&*session, 6, "one more token")?;
    session.reset()?;
    ensure_length(&*session, 0, "reset")
}

fn reset_forgets_the_past(model: &mut dyn Model, expected: &Expectation) -> Result<()> {
    let mut session = model.session()?;
    // A different and longer text first, so that stale positions would be noticed.
    let other: Vec<TokenId> = expected.tokens.iter().rev().copied().collect();
    forward(&mut *session, &other)?;
    session.reset()?;
    let length = expected.tokens.len() - 1;
    let after_reset = forward(&mut *session, &expected.tokens[..length])?;
    compare(&after_reset, expected, length)?;
    session.reset()?;
    let again = forward(&mut *session, &expected.tokens[..length])?;
    let difference = largest_difference(&after_reset, &again);
    ensure!(difference <= 1e-5, "the same tokens after two resets give logits that differ by {difference:e}");
    Ok(())
}

fn sessions_are_independent(model: &mut dyn Model, expected: &Expectation) -> Result<()> {
    let other: Vec<TokenId> = expected.tokens.iter().rev().copied().collect();
    forward(&mut *model.session()?, &other)?;
    let mut session = model.session()?;
    ensure_length(&*session, 0, "a session after another session")?;
    let logits = forward(&mut *session, &expected.tokens[..4])?;
    compare(&logits, expected, 4)
}

fn refuses_no_tokens(model: &mut dyn Model, expected: &Expectation) -> Result<()> {
    let mut session = model.session()?;
    ensure_refused(&mut *session, &[], InputError::Empty)?;
    ensure_usable_after_reset(&mut *session, expected)
}

fn refuses_an_unknown_token(model: &mut dyn Model, expected: &Expectation) -> Result<()> {
    let vocabulary = expected.logits[0].len();
    let mut session = model.session()?;
    for token in [vocabulary as u32, u32::MAX] {
        let tokens = [expected.tokens[0], TokenId(token)];
        ensure_refused(&mut *session, &tokens, InputError::UnknownToken { token, vocabulary })?;
    }
    ensure_usable_after_reset(&mut *session, expected)
}

fn context_is_usable_to_the_last_position(model: &mut dyn Model, expected: &Expectation) -> Result<()> {
    let capacity = expected.options.context_tokens as usize;
    let full: Vec<TokenId> = expected.tokens.iter().cycle().take(capacity).copied().collect();
    let mut session = model.session()?;
    let whole = forward(&mut *session, &full).with_context(|| format!("a prompt of all {capacity} positions"))?;
    ensure_refused(&mut *session, &full[..1], InputError::TooLong { length: capacity, added: 1, capacity })?;
    session.reset()?;

    let most = capacity - 1;
    forward(&mut *session, &full[..most])?;
    ensure_refused(&mut *session, &full[..2], InputError::TooLong { length: most, added: 2, capacity })?;
    session.reset()?;

    forward(&mut *session, &full[..most])?;
    let last = forward(&mut *session, &full[most..]).context("the last free position")?;
    let difference = largest_difference(&whole, &last);
    ensure!(
        difference < expected.tolerance,
        "the last position's logits differ by {difference:e} between prefill and decode"
    );
    ensure_usable_after_reset(&mut *session, expected)
}

fn cache_size_is_told(model: &mut dyn Model, expected: &Expectation) -> Result<()> {
    let mut session = model.session()?;
    let mut before = 0;
    for tokens in expected.tokens.chunks(5) {
        forward(&mut *session, tokens)?;
        let bytes = session.kv_cache_bytes();
        ensure!(bytes > 0, "{} positions are cached, in 0 bytes", session.len());
        ensure!(bytes >= before, "the cache shrank from {before} to {bytes} bytes while positions were added");
        before = bytes;
    }
    Ok(())
}

fn forward(session: &mut dyn Session, tokens: &[TokenId]) -> Result<Vec<f32>> {
    // `forward` must replace what is in the buffer, not append to it.
    let mut logits = vec![f32::NAN; 3];
    session.forward(tokens, &mut logits)?;
    session.synchronize()?;
    Ok(logits)
}

fn compare(logits: &[f32], expected: &Expectation, length: usize) -> Result<()> {
    let right = &expected.logits[length - 1];
    ensure!(
        logits.len() == right.len(),
        "{} logits were returned after {length} tokens, the vocabulary has {} entries",
        logits.len(),
        right.len()
    );
    let difference = largest_difference(logits, right);
    ensure!(
        difference < expected.tolerance,
        "after {length} tokens a logit differs from the reference by {difference:e}, {:e} is accepted",
        expected.tolerance
    );
    Ok(())
}

/// Infinite where a number is NaN, so that NaN never passes as equal.
fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    let difference = |(a, b): (&f32, &f32)| if (a - b).is_nan() { f32::INFINITY } else { (a - b).abs() };
    a.iter().zip(b).map(difference).fold(0.0, f32::max)
}

fn ensure_length(session: &dyn Session, right: usize, after: &str) -> Result<()> {
    ensure!(session.len() == right, "len() is {} after {after}, expected {right}", session.len());
    ensure!(session.is_empty() == (right == 0), "is_empty() contradicts len() after {after}");
    Ok(())
}

fn ensure_refused(session: &mut dyn Session, tokens: &[TokenId], right: InputError) -> Result<()> {
    let Err(error) = forward(session, tokens) else {
        bail!("{} tokens were accepted, expected the error: {right}", tokens.len());
    };
    match error.downcast_ref::<InputError>() {
        Some(refusal) if *refusal == right => Ok(()),
        _ => bail!("the error is \"{error:#}\", expected the InputError: {right}"),
    }
}

fn ensure_usable_after_reset(session: &mut dyn Session, expected: &Expectation) -> Result<()> {
    session.reset().context("reset after a refused input")?;
    let logits = forward(session, &expected.tokens[..3]).context("after a refused input and reset")?;
    compare(&logits, expected, 3).context("after a refused input and reset")
}
