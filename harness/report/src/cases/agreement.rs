//! Whether backends generated the same tokens: the conformance check beside every speed.

use pocketwatt_protocol::{Iteration, TokenId};
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
    /// They differ from here on.
    Differs(Difference),
    /// The case does not even agree with itself: an iteration differs from its first one.
    Unsteady(Difference),
}

/// The answers of the first round, one for each turn.
pub fn answers(record: &Record) -> Vec<&[TokenId]> {
    record.samples.rounds().first().map(|round| tokens(round)).unwrap_or_default()
}

/// Compares a case with the reference; `None` if either generated no tokens.
pub fn agreement(reference: &Record, record: &Record) -> Option<Agreement> {
    let (expected, found) = (answers(reference), answers(record));
    let count: usize = found.iter().map(|turn| turn.len()).sum();
    if count == 0 || expected.iter().all(|turn| turn.is_empty()) {
        return None;
    }
    let whole =
        record.samples.rounds().into_iter().map(|round| tokens(&round)).filter(|round| round.len() == found.len());
    if let Some(difference) = whole.into_iter().find_map(|round| first_difference(&found, &round)) {
        return Some(Agreement::Unsteady(difference));
    }
    Some(first_difference(&expected, &found).map_or(Agreement::Same(count), Agreement::Differs))
}

fn tokens<'a>(round: &[&'a Iteration]) -> Vec<&'a [TokenId]> {
    round.iter().flat_map(|iteration| &iteration.turns).map(|turn| turn.tokens.as_slice()).collect()
}

fn first_difference(expected: &[&[TokenId]], found: &[&[TokenId]]) -> Option<Difference> {
    (0..expected.len().max(found.len())).find_map(|turn| {
        let answer = |all: &[&[TokenId]]| all.get(turn).map_or_else(Vec::new, |tokens| tokens.to_vec());
        let (expected, found) = (answer(expected), answer(found));
        let token = (0..expected.len().max(found.len())).find(|&token| expected.get(token) != found.get(token))?;
        Some(Difference { turn: turn + 1, token: token + 1 })
    })
}
