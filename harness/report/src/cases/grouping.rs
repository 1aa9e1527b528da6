//! Which cases belong together.

use std::collections::BTreeMap;

use pocketwatt_record::Case;

/// The positions of the cases that are shown side by side, group by group.
pub fn groups(cases: &[&Case]) -> Vec<Vec<usize>> {
    group_by(cases.iter().map(|case| (case.scenario.as_str(), case.model.as_str(), case.precision, case.threads)))
}

/// The positions of cases with the same model, precision and number of threads.
pub fn combinations(cases: &[&Case]) -> Vec<Vec<usize>> {
    group_by(cases.iter().map(|case| (case.model.clone(), case.precision, case.threads)))
}

/// The positions of equal keys, in the order of the keys' first occurrence.
pub fn group_by<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<Vec<usize>> {
    let mut numbers: BTreeMap<K, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (place, key) in keys.enumerate() {
        let number = *numbers.entry(key).or_insert(groups.len());
        match groups.get_mut(number) {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
    }
    groups
}
