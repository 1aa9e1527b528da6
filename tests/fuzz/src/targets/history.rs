use pocketwatt_history::{HistoryFolder, Moment, OfCommit, entry_of, file_name};
use pocketwatt_report::{Wishes, charts::Palette, dashboard};

use super::records;
use crate::{mutation::Form, scratch, target::Target};

/// Separates entries.
const BETWEEN: &str = "\n@@@@\n";
/// More entries than these show nothing new.
const MOST_ENTRIES: usize = 6;

pub const TARGET: Target = Target {
    name: "history",
    form: Form::Json(BETWEEN),
    seeds,
    words: &[],
    short_runs: 100,
    run: |input| show(input).is_some(),
};

/// Reads entries, and writes the site of those that can be read.
fn show(input: &[u8]) -> Option<()> {
    let text = String::from_utf8_lossy(input);
    let entries = scratch::empty("history/entries");
    for contents in text.split(BETWEEN).take(MOST_ENTRIES) {
        // Under the name of its content, so that what is in it is read.
        scratch::file(&format!("history/entries/{}", name(contents)), contents.as_bytes());
    }
    let known = HistoryFolder::at(entries.parent()?).read(true).ok()?;
    let again = HistoryFolder::at(entries.parent()?).read(false).ok()?;
    assert_eq!(known.entries, again.entries, "the index knows what the entries know");
    let wishes = Wishes { title: "a history", commit_url: None };
    dashboard(&known, &Palette::default(), wishes, &mut |path, contents| {
        records::inert(path, contents);
        assert!(path.split('/').all(|part| pocketwatt_files::check_name(part).is_ok()), "{path:?}");
        Ok(())
    })
    .expect("a site");
    (!known.entries.is_empty()).then_some(())
}

/// The name of an entry with these contents; of what is none, any that an entry may have.
fn name(contents: &str) -> String {
    let commit = serde_json::from_str::<serde_json::Value>(contents)
        .ok()
        .and_then(|entry| entry["commit"].as_str()?.parse().ok());
    let commit = commit.or_else(|| "0123456".parse().ok()).expect("a commit");
    file_name(&commit, contents)
}

/// The entries of the stored fixtures, one and several.
fn seeds() -> Vec<Vec<u8>> {
    let contents = |seed: Vec<u8>| {
        let (run, records, _) = records::read(&seed)?;
        let records: Vec<_> = records.into_iter().map(|record| (record, None)).collect();
        let entry = |number: u64| {
            let of = OfCommit {
                commit: format!("{number:040x}").parse().ok()?,
                branch: "main".into(),
                time: Moment { unix_ms: 1_700_000_000_000 + number },
                message: Some("a message".into()),
            };
            entry_of(&of, &run, &records, &[]).ok()?.contents().ok()
        };
        Some((0..2).filter_map(entry).collect::<Vec<String>>().join(BETWEEN).into_bytes())
    };
    records::seeds().into_iter().take(6).filter_map(contents).collect()
}
