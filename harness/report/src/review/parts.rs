//! The parts of a review, as Markdown.

use pocketwatt_record::StoredPair;

use crate::{
    comparison::case_table::case_table,
    facts::imitations_of,
    formats::markdown::{escape, facts_of, table_of},
    review::{
        data::{Review, is_change},
        facts, words,
    },
    table::Table,
};

/// This many cases without a decision are named before the others are folded.
const NAMED: usize = 5;
const COLUMNS: [&str; 5] = ["base", "head", "head / base", "verdict", "detectable"];

/// The verdict, and what follows from it.
///
/// # Errors
/// When a record cannot be read.
pub fn answer(review: &Review) -> anyhow::Result<String> {
    let commit = |commit: Option<&str>| {
        commit.map_or(String::new(), |commit| format!(" {}", escape(&words::short_commit(commit))))
    };
    let (mut head, base) = (commit(review.commit), commit(review.base_commit));
    if review.merge_of.is_some() {
        head += &format!(" (the merge of{})", commit(review.merge_of));
    }
    let imitations = imitations_of(review.run, review.results)?.into_iter().map(str::to_owned);
    let warnings = imitations.chain(words::interruption(review)).map(|words| format!("\n**{}**\n", escape(&words)));
    Ok(format!(
        "## PocketWatt: {}\n{}\nHead{head} beside base{base}: {}. {}\n",
        escape(&words::headline(review)),
        warnings.collect::<String>(),
        escape(&words::counts(review)),
        escape(&words::consequence(review)),
    ))
}

/// A table for each case in which something is better or worse, with these rows only.
pub fn changes(review: &Review) -> String {
    let changed = |pair: &StoredPair| StoredPair {
        contests: pair.contests.iter().filter(|contest| is_change(contest.verdict)).cloned().collect(),
        ..pair.clone()
    };
    let pairs = review.builds.comparison.pairs.iter().map(changed);
    pairs.filter(|pair| !pair.contests.is_empty() || pair.failed_in_candidate()).map(|pair| table(&pair)).collect()
}

/// What was not decided, and why.
pub fn undecided(review: &Review) -> String {
    let pairs = review.builds.comparison.pairs.iter().filter(|pair| !pair.failed_in_candidate());
    let mut lines: Vec<String> = pairs.filter_map(words::undecided).collect();
    lines.extend(review.builds.unreached.iter().map(|case| format!("not measured: {case}")));
    lines.extend(review.builds.interrupted.iter().map(|case| format!("interrupted: {case}")));
    lines.extend(review.builds.comparison.damaged.iter().map(|file| format!("damaged: {file}")));
    if lines.is_empty() {
        return String::new();
    }
    let list = |lines: &[String]| lines.iter().map(|line| format!("- {}\n", escape(line))).collect::<String>();
    let (first, rest) = lines.split_at(lines.len().min(NAMED));
    let mut text = format!(
        "**Not decided** (in brackets the smallest difference that would have been found, and how many more blocks would decide, where any \
         would)\n\n{}\n",
        list(first)
    );
    if !rest.is_empty() {
        text += &folded(&format!("{} cases more without a decision", rest.len()), &list(rest));
    }
    text
}

/// How sure the verdicts are.
pub fn certainty(review: &Review) -> String {
    format!("{}\n", escape(&words::certainty(review)))
}

/// Every number of every case.
pub fn numbers(review: &Review) -> String {
    review.builds.comparison.pairs.iter().map(table).collect()
}

/// The device and the versions.
///
/// # Errors
/// When a record cannot be read.
pub fn provenance(review: &Review) -> anyhow::Result<String> {
    Ok(facts_of(&facts::of(review)?))
}

/// Text behind a line that opens it. The line is ours, not of others.
pub fn folded(line: &str, text: &str) -> String {
    format!("<details><summary>{line}</summary>\n\n{}\n\n</details>\n\n", text.trim_end())
}

fn table(pair: &StoredPair) -> String {
    // The programs are told once, for all cases; and nothing that was other work is compared here, not even by force.
    let table = case_table(&StoredPair { differences: Vec::new(), ..pair.clone() });
    let notes = words::other_work(pair).into_iter().collect();
    table_of(&Table { title: words::case(pair), columns: COLUMNS.map(str::to_owned).to_vec(), notes, ..table })
}
