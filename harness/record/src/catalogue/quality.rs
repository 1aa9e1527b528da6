//! How near to the reference, and whether answers are right.

use super::{
    Direction::{HigherIsBetter, LowerIsBetter},
    Metric,
    Unit::{Fraction, Nanoseconds, Nats, One},
    entry,
};

pub(super) const METRICS: &[Metric] = &[
    entry(
        "token_agreement",
        "agreement with f32",
        Fraction,
        HigherIsBetter,
        "a fixed text",
        "positions at which the most probable token is that of the reference in f32 / positions",
    ),
    entry(
        "kl_divergence",
        "divergence from f32",
        Nats,
        LowerIsBetter,
        "a fixed text",
        "mean over positions of sum p (ln p - ln q), p = softmax(logits of the reference in f32), q = softmax(logits)",
    ),
    entry("perplexity", "perplexity", One, LowerIsBetter, "a fixed text", "exp(-mean ln q(next token of the text))"),
    entry(
        "call_intent",
        "right function (EM_intent)",
        Fraction,
        HigherIsBetter,
        "all questions",
        "answers that call the right function, or rightly none / questions for a call",
    ),
    entry(
        "call_structure",
        "right call (EM_structure)",
        Fraction,
        HigherIsBetter,
        "all questions",
        "answers whose function and arguments are all right / questions for a call",
    ),
    entry(
        "rouge_1",
        "ROUGE-1 of the words",
        One,
        HigherIsBetter,
        "a question for words",
        "F-measure of ROUGE-1 (Lin 2004) against the text that would be right",
    ),
    entry(
        "rouge_l",
        "ROUGE-L of the words",
        One,
        HigherIsBetter,
        "a question for words",
        "F-measure of ROUGE-L (Lin 2004) against the text that would be right",
    ),
    entry(
        "time_to_call",
        "time to a complete call",
        Nanoseconds,
        LowerIsBetter,
        "a complete call",
        "token_times[the token that completes the call] - start",
    ),
    entry(
        "tokens_per_call",
        "tokens of a call",
        One,
        LowerIsBetter,
        "a complete call",
        "output tokens up to the one that completes the call",
    ),
    entry(
        "grammar_time",
        "keeping to the grammar",
        Nanoseconds,
        LowerIsBetter,
        "an answer that is kept to a grammar",
        "grammar_ns / output tokens: part of their latency",
    ),
];
