//! Whether backends generated the same tokens: the conformance that stands beside every speed.

use pocketwatt_protocol::{Iteration, IterationKind, TokenId};
use pocketwatt_record::Record;

/// The first place where two token sequences differ, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Turn.
    pub turn: usize,
    /// Token of that turn's answer.
    pub token: usize,
}

/// How a case's tokens compare with those of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// All of them, this many in an iteration.
    Same(usize),
    /// They part here.
    Differs(Difference),
    /// The case does not even agree with itself: an iteration differs from its first one.
    Unsteady(Difference),
}

/// The measured iterations of a record.
pub fn measured(record: &Record) -> impl Iterator<Item = &Iteration> {
    record.samples.iterations.iter().filter(|iteration| iteration.kind == IterationKind::Measured)
}

/// The answers of the first measured iteration, one for each turn.
pub fn answers(record: &Record) -> Vec<&[TokenId]> {
    measured(record).next().map(tokens).unwrap_or_default()
}

/// Compares a case with the reference; nothing where either generated no tokens.
pub fn agreement(reference: &Record, record: &Record) -> Option<Agreement> {
    let (expected, found) = (answers(reference), answers(record));
    let count: usize = found.iter().map(|turn| turn.len()).sum();
    if count == 0 || expected.iter().all(|turn| turn.is_empty()) {
        return None;
    }
    if let Some(difference) = measured(record).find_map(|iteration| first_difference(&found, &tokens(iteration))) {
        return Some(Agreement::Unsteady(difference));
    }
    Some(first_difference(&expected, &found).map_or(Agreement::Same(count), Agreement::Differs))
}

fn tokens(iteration: &Iteration) -> Vec<&[TokenId]> {
    iteration.turns.iter().map(|turn| turn.tokens.as_slice()).collect()
}

fn first_difference(expected: &[&[TokenId]], found: &[&[TokenId]]) -> Option<Difference> {
    (0..expected.len().max(found.len())).find_map(|turn| {
        let answer = |all: &[&[TokenId]]| all.get(turn).map_or_else(Vec::new, |tokens| tokens.to_vec());
        let (expected, found) = (answer(expected), answer(found));
        let token = (0..expected.len().max(found.len())).find(|&token| expected.get(token) != found.get(token))?;
        Some(Difference { turn: turn + 1, token: token + 1 })
    })
}
