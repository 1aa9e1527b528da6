//! Comparisons in words.

use pocketwatt_record::{Basis, Difference, Property, StoredContest, Verdict};

use crate::{output::inert::one_line, table::Tally};

/// Characters of a hash that are shown: enough to tell two apart.
const HASH_CHARACTERS: usize = 12;

/// `weights: 0123456789ab in A, ba9876543210 in B`.
pub fn difference_words(difference: &Difference) -> String {
    difference_words_of(difference, ["A", "B"])
}

/// The same with other words for the baseline and the candidate.
pub fn difference_words_of(difference: &Difference, [baseline, candidate]: [&str; 2]) -> String {
    let value = |value: &Option<String>| match value {
        Some(value) if is_hash(value) => value[..HASH_CHARACTERS].to_owned(),
        Some(value) => one_line(value),
        None => "none".into(),
    };
    let name = property(difference.property);
    format!("{name}: {} in {baseline}, {} in {candidate}", value(&difference.baseline), value(&difference.candidate))
}

fn is_hash(value: &str) -> bool {
    value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn property(property: Property) -> &'static str {
    match property {
        Property::Weights => "weights",
        Property::RoundedWeights => "rounded weights",
        Property::ModelConfiguration => "configuration of the model",
        Property::Tokenizer => "tokenizer",
        Property::Graph => "graph",
        Property::GraphFile => "file of the graph",
        Property::Scenario => "definition of the scenario",
        Property::PromptTokens => "tokens of the prompt",
        Property::OutputTokens => "generated tokens",
        Property::Precision => "precision",
        Property::Threads => "threads",
        Property::PinnedCores => "cores of --cores",
        Property::Constrained => "answers constrained to the grammar",
        Property::WarmUp => "warm-up",
        Property::Sustain => "sustained for",
        Property::Backend => "backend",
        Property::EngineVersion => "engine",
        Property::Accelerator => "accelerator",
        Property::Build => "build of the runner",
        Property::Platform => "compilers, C library and pages of the runner",
        Property::Runner => "runner",
        Property::Library => "library of the engine",
        Property::Harness => "pocketwatt",
        Property::Device => "device",
        Property::Processor => "processor",
        Property::Cores => "cores",
        Property::AllowedCores => "cores that may be used",
        Property::Kernel => "kernel",
        Property::Governor => "frequency governor",
        Property::Virtualisation => "virtual machine",
        Property::Emulated => "emulated",
        Property::Meters => "energy meters",
        Property::Turns => "measured",
    }
}

/// `worse`, `undecided`.
pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::Same => "same",
        Verdict::Undecided { .. } => "undecided",
    }
}

/// What a verdict rests on, where that is not simply the blocks of one run; or what would decide.
pub fn reason(contest: &StoredContest) -> Option<String> {
    match (contest.basis, contest.verdict) {
        (Basis::Together, Some(Verdict::Undecided { more_blocks: Some(more) })) => {
            Some(format!("about {more} more blocks would decide"))
        }
        (Basis::Together, Some(Verdict::Undecided { more_blocks: None })) => {
            Some("no number of blocks that anybody measures would decide".into())
        }
        (Basis::Together, _) => None,
        (Basis::Calibrated { pairs }, _) => Some(format!(
            "not measured together: the interval has the noise between runs of the calibration ({pairs} pairs of runs), which is \
             weaker than measuring both in one run"
        )),
        (Basis::NotTogether, _) => Some(
            "not measured together: the interval has only the noise within each run, which says nothing about the next run. To \
             decide, measure both in one run (`pocketwatt run --baseline-runners DIR`), or the noise between runs \
             (`pocketwatt calibrate`)"
                .into(),
        ),
        (Basis::NotCalibrated, _) => Some(
            "not measured together, and the calibration does not have this metric of this backend and precision: the interval has \
             only the noise within each run (`pocketwatt calibrate` measures that between runs)"
                .into(),
        ),
    }
}

/// `3 worse, 1 better, 8 the same, 12 undecided`.
pub fn tally_words(tally: &Tally) -> String {
    let mut words = format!(
        "{} worse, {} better, {} the same, {} undecided",
        tally.worse, tally.better, tally.same, tally.undecided
    );
    if tally.without_ratio > 0 {
        words += &format!(", {} without a ratio", tally.without_ratio);
    }
    if tally.failed_in_candidate > 0 {
        words += &format!("; cases that failed only in B, which count as worse: {}", tally.failed_in_candidate);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_shortened_and_other_text_is_made_safe() {
        let difference = |property: Property, baseline: &str, candidate: Option<&str>| {
            difference_words(&Difference {
                kind: property.kind(),
                property,
                baseline: Some(baseline.into()),
                candidate: candidate.map(str::to_owned),
            })
        };
        let hash = "0123456789abcdef".repeat(4);
        assert_eq!(difference(Property::Weights, &hash, None), "weights: 0123456789ab in A, none in B");
        let hostile = difference(Property::Kernel, "6.1\u{1b}[2J\nx", Some("6.2"));
        assert!(!hostile.contains(['\u{1b}', '\n']), "{hostile}");
    }
}
