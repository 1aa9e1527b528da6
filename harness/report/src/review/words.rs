//! A review in words.

use std::collections::BTreeMap;

use pocketwatt_record::{MARGIN, Outcome, StoredContest, StoredPair, StoredRatio, Verdict};

use crate::{
    cases::{shortcoming, threads},
    comparison::difference_words_of,
    output::{effect, quantity::fixed},
    review::{
        builds::Overall,
        data::{Consequence, Review},
        section::shortened,
    },
    table::Tally,
};

/// Characters of a name that are shown.
const MOST_OF_A_NAME: usize = 200;
/// Characters of a commit that are shown.
const COMMIT_CHARACTERS: usize = 12;

/// `worse in 2 of 24 comparisons`.
pub fn headline(review: &Review) -> String {
    let tally = review.builds.comparison.tally();
    let all = tally.compared();
    let comparisons = if all == 1 { "comparison" } else { "comparisons" };
    if all == 0 {
        return "nothing could be compared".into();
    }
    match review.builds.overall() {
        Overall::Worse => format!("worse in {} of {all} {comparisons}", tally.worse),
        Overall::Better => format!("better in {} of {all} {comparisons}, worse in none", tally.better),
        Overall::Same => format!("the same in all {all} {comparisons}"),
        Overall::Undecided if tally.same == 0 => format!("undecided in all {all} {comparisons}"),
        Overall::Undecided if tally.undecided > 0 => {
            format!("nothing better or worse was found in {all} {comparisons}, some are undecided")
        }
        Overall::Undecided => {
            format!("nothing better or worse was found in {all} {comparisons}, and not everything was compared")
        }
    }
}

/// `2 worse, 1 better, 15 the same, 6 undecided`.
pub fn counts(review: &Review) -> String {
    let Tally { worse, better, same, undecided, without_ratio, failed_in_candidate } = review.builds.comparison.tally();
    let mut words = format!("{worse} worse, {better} better, {same} the same, {undecided} undecided");
    if without_ratio > 0 {
        words += &format!(", {without_ratio} without a ratio");
    }
    if failed_in_candidate > 0 {
        words += &format!("; cases that failed only in the head, which count as worse: {failed_in_candidate}");
    }
    let unmeasured = review.builds.unmeasured();
    if unmeasured > 0 {
        words += &format!("; cases that are in none of these: {unmeasured}");
    }
    words
}

/// `The job fails with status 10, by --fail-on worse.`
pub fn consequence(review: &Review) -> String {
    let rule = review.rule;
    match review.consequence {
        Consequence::Passes => format!("The job does not fail, by {rule}."),
        Consequence::FailsByRule(status) => format!("The job fails with status {status}, by {rule}."),
        Consequence::FailsIncomplete(status) => {
            format!("The job fails with status {status}: not everything was measured and compared.")
        }
    }
}

/// `The run did not get to its end: ...`, where it did not.
pub fn interruption(review: &Review) -> Option<String> {
    let cases = match review.builds.interrupted.len() {
        0 => return None,
        1 => "1 case was stopped before it had all of its blocks".to_owned(),
        some => format!("{some} cases were stopped before they had all of their blocks"),
    };
    Some(format!("The run was interrupted: {cases}, and the verdicts rest on those that were measured."))
}

/// What the verdicts mean, and how often they are wrong.
pub fn certainty(review: &Review) -> String {
    // What was asked for is not what was measured: a short scenario has fewer, and a user stops.
    let contests = review.builds.comparison.pairs.iter().flat_map(|pair| &pair.contests);
    let in_both = contests.filter_map(|contest| match &contest.ratio {
        Ok(StoredRatio::Together(ratio)) => Some(ratio.blocks()),
        _ => None,
    });
    let blocks = in_both.min().map_or(String::new(), |blocks| format!(" in {blocks} blocks or more"));
    format!(
        "Head and base took turns on one device{blocks}, each with a fresh process. Ratios are head / base with their 95 % interval. All \
         verdicts are one family: the probability that any better or worse among them is false is at most 1 %. The same means that the \
         interval lies within the margin ({}); undecided, that the difference is too small, or the device too noisy, for a verdict.",
        margins(review)
    )
}

/// `1 %; decode_throughput 3 %`: that of most metrics, and the others by name.
fn margins(review: &Review) -> String {
    let contests = review.builds.comparison.pairs.iter().flat_map(|pair| &pair.contests);
    let of_metric: BTreeMap<&str, String> =
        contests.map(|contest| (contest.metric.name(), percent(contest.margin))).collect();
    let count = |margin: &String| of_metric.values().filter(|other| *other == margin).count();
    let Some(usual) = of_metric.values().max_by_key(|margin| count(margin)) else { return percent(MARGIN) };
    let others = of_metric.iter().filter(|(_, margin)| *margin != usual);
    std::iter::once(usual.clone())
        .chain(others.map(|(name, margin)| format!("{name} {margin}")))
        .collect::<Vec<_>>()
        .join("; ")
}

fn percent(share: f64) -> String {
    let text = fixed(share * 100.0, 2);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

/// `chat · mobilellm-125m · f32 · 1 thread · tract/opset17`, of which the caller makes safe text.
pub fn case(pair: &StoredPair) -> String {
    let case = &pair.candidate;
    let graph = case.graph.map_or(String::new(), |graph| format!("/{}", graph.name()));
    let constrained = if case.constrained { ", constrained" } else { "" };
    let [scenario, model, backend] =
        [&case.scenario, &case.model, &case.backend].map(|name| shortened(name, MOST_OF_A_NAME));
    let (precision, threads) = (case.precision.name(), threads(case.threads));
    format!("{scenario} · {model} · {precision} · {threads} · {backend}{graph}{constrained}")
}

/// What was not decided, and why: a line for each case.
pub fn undecided(pair: &StoredPair) -> Option<String> {
    if let Some(reason) = without_numbers(pair) {
        return Some(format!("{}: {reason}", case(pair)));
    }
    let one = |contest: &StoredContest| {
        let label = contest.metric.definition().label.trim();
        match (&contest.ratio, contest.verdict) {
            (Err(absent), _) => Some(format!("{label} ({absent})")),
            (Ok(_), Some(Verdict::Undecided { more_blocks })) => {
                let least = contest.detectable.map(effect);
                let more = more_blocks.map(|more| format!("{more} more blocks"));
                let known: Vec<String> = least.into_iter().chain(more).collect();
                Some(if known.is_empty() { label.to_owned() } else { format!("{label} ({})", known.join("; ")) })
            }
            _ => None,
        }
    };
    let words: Vec<String> = pair.contests.iter().filter_map(one).collect();
    (!words.is_empty()).then(|| format!("{}: {}", case(pair), words.join(", ")))
}

/// What the two builds did not do alike: `not the same work: generated tokens: 8 in turn 1 in the base, 3 in turn 1 in the head`.
pub fn other_work(pair: &StoredPair) -> Option<String> {
    let words: Vec<String> =
        pair.obstacles().map(|difference| difference_words_of(difference, ["the base", "the head"])).collect();
    (!words.is_empty()).then(|| format!("not the same work: {}", words.join("; ")))
}

/// Why a case has no numbers on one side, or nothing to compare.
fn without_numbers(pair: &StoredPair) -> Option<String> {
    let side = |name: &str, outcome: &Outcome| {
        let (word, reason) = shortcoming(outcome)?;
        Some(format!("{word} in the {name}{reason}"))
    };
    let sides = [side("base", &pair.baseline_outcome), side("head", &pair.candidate_outcome)];
    let sides: Vec<String> = sides.into_iter().flatten().collect();
    match sides.is_empty() {
        false => Some(sides.join("; ")),
        true if !pair.contests.is_empty() => None,
        true => Some(other_work(pair).unwrap_or_else(|| "no metric has blocks on both sides".to_owned())),
    }
}

/// The beginning of a commit's name.
pub fn short_commit(commit: &str) -> String {
    commit.chars().take(COMMIT_CHARACTERS).collect()
}
