//! When each phase happened, from the runner's time stamps.

use pocketwatt_meter::TimeSpan;
use pocketwatt_protocol::{Iteration, IterationKind};

use crate::Record;

/// The windows of the phases in some iterations, and what was done in them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spans {
    pub prefill: Vec<TimeSpan>,
    pub decode: Vec<TimeSpan>,
    pub request: Vec<TimeSpan>,
    pub prompt_tokens: u64,
    /// Output tokens after the first of each turn.
    pub decoded_tokens: u64,
    /// All output tokens.
    pub output_tokens: u64,
}

impl Spans {
    /// Of some iterations together.
    pub fn of<'a>(iterations: impl IntoIterator<Item = &'a Iteration>) -> Self {
        let mut spans = Self::default();
        for turn in iterations.into_iter().flat_map(|iteration| &iteration.turns) {
            let end = *turn.token_times.last().unwrap_or(&turn.prefill_end);
            spans.prefill.push(TimeSpan { start: turn.start, end: turn.prefill_end });
            spans.request.push(TimeSpan { start: turn.start, end });
            spans.prompt_tokens += u64::from(turn.prompt_tokens);
            spans.output_tokens += turn.token_times.len() as u64;
            if let [first, .., last] = turn.token_times[..] {
                spans.decode.push(TimeSpan { start: first, end: last });
                spans.decoded_tokens += turn.token_times.len() as u64 - 1;
            }
        }
        spans
    }

    /// From the first start to the last token.
    pub fn block(&self) -> Option<TimeSpan> {
        Some(TimeSpan { start: self.request.first()?.start, end: self.request.last()?.end })
    }
}

/// The iterations of a record that count.
pub(crate) fn counted(record: &Record) -> impl Iterator<Item = &Iteration> {
    record.samples.iterations.iter().filter(|iteration| iteration.kind == IterationKind::Measured)
}

/// Length of some windows together, in nanoseconds: [`u64::MAX`] for more than can be counted, which no energy is computed
/// for.
pub(crate) fn duration_ns(spans: &[TimeSpan]) -> u64 {
    spans.iter().fold(0, |sum, span| sum.saturating_add(span.duration_ns()))
}
