//! One run of one commit, kept more than once: as when histories are merged to which it was added with different words, or when it was
//! added before it was complete.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

use crate::{commit::Commit, outline::Outline};

/// A file that has a run which another one has, too, so that it does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatedEntry {
    /// Its name.
    pub file: String,
    /// The name of the file that counts.
    pub counts: String,
}

/// Leaves one entry of each run of a commit: the one with most measured cases, else that of the earlier commit's time, else the first by
/// its name. Where the name of a commit is abbreviated in one entry and whole in another one, it is whole in both.
pub fn without_repeats(mut entries: Vec<(String, Outline)>) -> (Vec<(String, Outline)>, Vec<RepeatedEntry>) {
    spell_out(&mut entries);
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|&place| {
        entries.get(place).map(|(file, outline)| (Reverse(completeness(outline)), outline.time_unix_ms, file))
    });
    // A run has few entries, nearly always one.
    let mut counting: HashMap<(&str, &str, u64), Vec<usize>> = HashMap::new();
    let mut repeated: HashMap<usize, usize> = HashMap::new();
    for place in order {
        let Some((_, outline)) = entries.get(place) else { continue };
        let same_run = counting.entry((&outline.device, &outline.run, outline.started_unix_ms)).or_default();
        let is_same =
            |other: &&usize| entries.get(**other).is_some_and(|(_, other)| other.commit.is_same(&outline.commit));
        match same_run.iter().find(is_same) {
            Some(&other) => drop(repeated.insert(place, other)),
            None => same_run.push(place),
        }
    }
    let name = |place: usize| entries.get(place).map_or_else(String::new, |(file, _)| file.clone());
    let mut files: Vec<RepeatedEntry> =
        repeated.iter().map(|(&place, &other)| RepeatedEntry { file: name(place), counts: name(other) }).collect();
    files.sort_by(|left, right| left.file.cmp(&right.file));
    let counting = entries.into_iter().enumerate().filter(|(place, _)| !repeated.contains_key(place));
    (counting.map(|(_, entry)| entry).collect(), files)
}

/// What there is of a run: the cases with numbers, and those with a reason of their own.
pub fn completeness(outline: &Outline) -> (usize, usize) {
    (outline.measured(), outline.recorded())
}

/// A commit was made once, so an abbreviated name is of the one commit of that time whose name begins so.
fn spell_out(entries: &mut [(String, Outline)]) {
    let names: BTreeSet<(u64, Commit)> =
        entries.iter().map(|(_, outline)| (outline.time_unix_ms, outline.commit.clone())).collect();
    for (_, outline) in entries {
        let (time, name) = (outline.time_unix_ms, &outline.commit);
        let longer = names.range((time, name.clone())..).map_while(|(other_time, other)| {
            (*other_time == time && other.as_str().starts_with(name.as_str())).then_some(other)
        });
        let longest = longer.clone().max_by_key(|other| other.as_str().len());
        if let Some(longest) = longest.filter(|longest| longer.clone().all(|other| other.is_same(longest))) {
            outline.commit = longest.clone();
        }
    }
}
