//! When each phase happened, from the runner's time stamps.

use pocketwatt_meter::TimeSpan;
use pocketwatt_protocol::Iteration;

/// The windows of the phases in some iterations, and the work done in them.
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
    /// The windows of several iterations.
    pub fn of<'a>(iterations: impl IntoIterator<Item = &'a Iteration>) -> Self {
        let mut spans = Self::default();
        for turn in iterations.into_iter().flat_map(|iteration| &iteration.turns) {
            spans.prefill.push(turn.prefill());
            spans.decode.extend(turn.decode());
            spans.request.push(turn.request());
            spans.prompt_tokens += u64::from(turn.prompt_tokens);
            spans.decoded_tokens += turn.decoded_tokens();
            spans.output_tokens += turn.token_times.len() as u64;
        }
        spans
    }

    /// From the first start to the last token.
    pub fn block(&self) -> Option<TimeSpan> {
        Some(TimeSpan { start: self.request.first()?.start, end: self.request.last()?.end })
    }
}

/// Total length of some windows, in nanoseconds: [`u64::MAX`] if it overflows, in which case no energy is
/// computed.
pub(crate) fn duration_ns(spans: &[TimeSpan]) -> u64 {
    spans.iter().fold(0, |sum, span| sum.saturating_add(span.duration_ns()))
}
