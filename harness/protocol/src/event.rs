use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{MonotonicNs, Platform, TimeSpan, TokenId};

/// One line on a runner's standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// First line, before the request is read.
    Hello {
        /// [`crate::PROTOCOL_VERSION`] of the runner.
        protocol: u32,
        /// What answers.
        backend: BackendInfo,
    },
    /// The model is ready.
    Loaded(Loaded),
    /// Sent after an iteration has ended: nothing is written while it is being measured.
    Iteration(Iteration),
    /// Logits were written.
    Scored(Scored),
    /// The task ended with an error; nothing follows.
    Failed {
        /// What was being done.
        stage: Stage,
        /// The error chain in one line.
        message: String,
    },
    /// The task ended well; nothing follows.
    Done,
}

/// What a backend is made of. Part of every record's passport.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackendInfo {
    /// Name in `backends.toml`.
    pub name: String,
    /// Version of the runner program.
    pub version: String,
    /// Name of the engine.
    pub engine: String,
    /// Version of the engine as it was loaded, not as it was asked for.
    pub engine_version: String,
    /// What computes: `cpu`, or the name of an accelerator.
    pub accelerator: String,
    /// How the program was built: profile, target and processor features compiled in.
    pub build: String,
    /// Compilers, C library and memory pages; absent for runners that do not know them, and those of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Box<Platform>>,
}

/// The load phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Loaded {
    /// Before the first byte of the model was read.
    pub start: MonotonicNs,
    /// When a session could be opened.
    pub end: MonotonicNs,
    /// The parts that the backend can tell apart, in order; empty where the engine does all in one call.
    pub stages: Vec<LoadStageTime>,
    /// What was loaded.
    pub model: ModelInfo,
}

impl Loaded {
    /// The load phase.
    pub fn span(&self) -> TimeSpan {
        TimeSpan { start: self.start, end: self.end }
    }
}

/// A part of the load phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LoadStage {
    /// Bytes from the disk or the page cache into the process.
    Read,
    /// Graph optimisation, packing of weights, allocation.
    Prepare,
}

/// When a part of the load phase began and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoadStageTime {
    /// Which part.
    pub stage: LoadStage,
    /// Its first moment.
    pub start: MonotonicNs,
    /// Its last moment.
    pub end: MonotonicNs,
}

impl LoadStageTime {
    /// When it took place.
    pub fn span(&self) -> TimeSpan {
        TimeSpan { start: self.start, end: self.end }
    }
}

/// A loaded model, as the backend sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelInfo {
    /// Length of a row of logits.
    pub vocabulary: u32,
    /// What the backend runs: the graph's name, or `own model` for a model written in the backend.
    pub implementation: String,
}

/// Whether an iteration counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IterationKind {
    /// Reported, not counted.
    Warmup,
    /// Counted.
    Measured,
}

/// One run through all turns of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Iteration {
    /// Whether it counts.
    pub kind: IterationKind,
    /// Which of the workload's conversations it ran, counted from 0.
    #[serde(default)]
    pub conversation: u32,
    /// Its turns, in order.
    pub turns: Vec<TurnTrace>,
    /// Processor time of the whole runner process between the first turn's start and the last token, all threads.
    pub cpu_ns: u64,
    /// Bytes of the key-value cache that the session holds at the end, as allocated.
    pub kv_cache_bytes: u64,
}

impl Iteration {
    /// From the start of the first turn to the end of the last; nothing without turns.
    pub fn span(&self) -> Option<TimeSpan> {
        Some(TimeSpan { start: self.turns.first()?.start, end: self.turns.last()?.end() })
    }
}

/// One prompt and answer, with a time stamp for every token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TurnTrace {
    /// Positions in the cache before the turn.
    pub context_tokens: u32,
    /// Tokens processed by the prefill: the turn's prompt, and the previous answer's last token where that was not a
    /// stop token (it was generated, but never fed back).
    pub prompt_tokens: u32,
    /// When the prompt was handed to the backend.
    pub start: MonotonicNs,
    /// When the prefill had ended and its logits were readable.
    pub prefill_end: MonotonicNs,
    /// When each output token was known; the first one follows from the prefill's logits.
    pub token_times: Vec<MonotonicNs>,
    /// The output tokens, a closing stop token included.
    pub tokens: Vec<TokenId>,
    /// Why the answer ended.
    pub stop: StopReason,
    /// Time spent on keeping the answer to the turn's grammar, part of the time of its tokens; absent without a grammar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grammar_ns: Option<u64>,
}

impl TurnTrace {
    /// From handing over the prompt until its logits were readable.
    pub fn prefill(&self) -> TimeSpan {
        TimeSpan { start: self.start, end: self.prefill_end }
    }

    /// From the first output token to the last; nothing where there are not two.
    pub fn decode(&self) -> Option<TimeSpan> {
        match self.token_times[..] {
            [start, .., end] => Some(TimeSpan { start, end }),
            _ => None,
        }
    }

    /// From handing over the prompt to the last output token: prefill and decode.
    pub fn request(&self) -> TimeSpan {
        TimeSpan { start: self.start, end: self.end() }
    }

    /// When the last output token was known; the end of the prefill where nothing was generated.
    pub fn end(&self) -> MonotonicNs {
        self.token_times.last().copied().unwrap_or(self.prefill_end)
    }

    /// From handing over the prompt until the first output token was known; nothing where nothing was generated.
    pub fn to_first_token(&self) -> Option<TimeSpan> {
        self.token_times.first().map(|&end| TimeSpan { start: self.start, end })
    }

    /// Output tokens that were decoded: all but the first, which follows from the prefill.
    pub fn decoded_tokens(&self) -> u64 {
        (self.token_times.len() as u64).saturating_sub(1)
    }

    /// From each output token to the next, in nanoseconds.
    pub fn gaps(&self) -> impl Iterator<Item = u64> {
        self.token_times.windows(2).map(|pair| pair[1].since(pair[0]))
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// It reached its longest length.
    Length,
    /// The model generated a stop token.
    StopToken,
}

/// The answer to [`crate::Task::Score`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scored {
    /// Rows written.
    pub rows: u32,
    /// Numbers in a row.
    pub vocabulary: u32,
}

/// What a runner was doing when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Starting and agreeing on the protocol.
    Start,
    /// Reading and preparing the model.
    Load,
    /// An iteration that does not count.
    Warmup,
    /// Processing a prompt in a counted iteration.
    Prefill,
    /// Generating in a counted iteration.
    Decode,
    /// A counted iteration, where only the harness is left to say so: the runner died, hung or wrote nonsense, and
    /// nobody knows whether it was processing a prompt or generating.
    Iteration,
    /// Computing logits of a fixed text.
    Score,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(token_times: &[u64]) -> TurnTrace {
        TurnTrace {
            context_tokens: 0,
            prompt_tokens: 3,
            start: MonotonicNs(100),
            prefill_end: MonotonicNs(150),
            token_times: token_times.iter().copied().map(MonotonicNs).collect(),
            tokens: token_times.iter().map(|_| TokenId(1)).collect(),
            stop: StopReason::Length,
            grammar_ns: None,
        }
    }

    fn ends(span: TimeSpan) -> (u64, u64) {
        (span.start.0, span.end.0)
    }

    #[test]
    fn a_turn_is_a_prefill_and_a_decode() {
        let turn = turn(&[160, 170, 195]);
        assert_eq!((ends(turn.prefill()), turn.decode().map(ends)), ((100, 150), Some((160, 195))));
        assert_eq!((ends(turn.request()), turn.to_first_token().map(ends)), ((100, 195), Some((100, 160))));
        assert_eq!((turn.gaps().collect::<Vec<_>>(), turn.decoded_tokens()), (vec![10, 25], 2));
    }

    #[test]
    fn a_turn_with_one_token_or_none_has_no_decode() {
        let [one, none] = [turn(&[160]), turn(&[])];
        assert_eq!((one.decode(), one.gaps().count(), one.decoded_tokens()), (None, 0, 0));
        assert_eq!((ends(one.request()), ends(none.request())), ((100, 160), (100, 150)));
        assert_eq!((none.to_first_token(), none.decoded_tokens()), (None, 0));
    }
}
