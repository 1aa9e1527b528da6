//! The parts of a review, as Markdown.

use pocketwatt_record::StoredPair;

use crate::{
    comparison::case_table::case_table,
    facts::imitations_of,
    formats::markdown::{escape, facts_of, table_of},
    review::{
        data::{Review, is_change},
        facts,
        section::{Section, shortened},
        words,
    },
    table::Table,
};

/// This many cases without a decision are named before the others are folded.
const NAMED: usize = 5;
/// The heading of a table of facts.
const FACTS_HEAD_LINES: usize = 2;
/// Characters of a line, whatever somebody named something, or a program said when it failed.
const MOST_OF_A_LINE: usize = 1_000;
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
pub fn changes(review: &Review) -> Section {
    let changed = |pair: &StoredPair| StoredPair {
        contests: pair.contests.iter().filter(|contest| is_change(contest.verdict)).cloned().collect(),
        ..pair.clone()
    };
    let pairs = review.builds.comparison.pairs.iter();
    let pairs = pairs.map(changed).filter(|pair| !pair.contests.is_empty() || pair.failed_in_candidate());
    Section { blocks: pairs.map(|pair| table(&pair)).collect(), noun: "cases", until: 55, ..Section::default() }
}

/// What was not decided, and why: the first of it, and the others.
pub fn undecided(review: &Review) -> [Section; 2] {
    let pairs = review.builds.comparison.pairs.iter().filter(|pair| !pair.failed_in_candidate());
    let builds = review.builds;
    let lines = (builds.interrupted.iter().map(|case| format!("interrupted: {case}")))
        .chain(builds.comparison.damaged.iter().map(|file| format!("damaged: {file}")))
        .chain(builds.unreached.iter().map(|case| format!("not measured: {case}")))
        .chain(pairs.filter_map(words::undecided));
    let mut first: Vec<String> =
        lines.map(|line| format!("- {}\n", escape(&shortened(&line, MOST_OF_A_LINE)))).collect();
    let others = first.split_off(first.len().min(NAMED));
    let opening = "**Not decided** (in brackets the smallest difference that would have been found, and how many more blocks would decide, \
                   where any would)\n\n";
    let title = format!("{} more without a decision", others.len());
    [
        Section { opening: opening.into(), blocks: first, noun: "of them", until: 65, ..Section::default() },
        Section { blocks: others, noun: "of them", until: 72, ..Section::default() }.folded(&title),
    ]
}

/// How sure the verdicts are.
pub fn certainty(review: &Review) -> Section {
    let words = format!("{}\n", escape(&words::certainty(review)));
    Section { blocks: vec![words], noun: "paragraph", until: 78, ..Section::default() }
}

/// Every number of every case.
pub fn numbers(review: &Review) -> Section {
    let tables = review.builds.comparison.pairs.iter().map(table).collect();
    Section { blocks: tables, noun: "cases", until: 100, ..Section::default() }
}

/// The device and the versions.
///
/// # Errors
/// When a record cannot be read.
pub fn provenance(review: &Review) -> anyhow::Result<Section> {
    let facts = facts::of(review)?.into_iter().map(|(name, fact)| (name, shortened(&fact, MOST_OF_A_LINE)));
    let table = facts_of(&facts.collect::<Vec<_>>());
    let mut lines = table.split_inclusive('\n').map(str::to_owned);
    let opening = lines.by_ref().take(FACTS_HEAD_LINES).collect();
    Ok(Section { opening, blocks: lines.collect(), noun: "facts", until: 92, ..Section::default() })
}

fn table(pair: &StoredPair) -> String {
    // The programs are told once, for all cases; and nothing that was other work is compared here, not even by force.
    let table = case_table(&StoredPair { differences: Vec::new(), ..pair.clone() });
    let short = |texts: Vec<String>| texts.iter().map(|text| shortened(text, MOST_OF_A_LINE)).collect();
    table_of(&Table {
        title: words::case(pair),
        columns: COLUMNS.map(str::to_owned).to_vec(),
        footnotes: short(table.footnotes),
        notes: short(words::other_work(pair).into_iter().collect()),
        ..table
    })
}
