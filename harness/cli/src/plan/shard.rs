//! A part of a plan: which one the user asked for, and which cases are in it. The same plan is divided in the same way on every machine.

use std::{cmp::Reverse, collections::BTreeMap, fmt, str::FromStr};

use pocketwatt_record::{Case, MOST_SHARDS, PlannedCase, Shard, ShardCase};

/// `--shard K/N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardChoice {
    number: u32,
    of: u32,
}

impl FromStr for ShardChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |word: &str| word.parse::<u32>().ok();
        let numbers = text.split_once('/').and_then(|(number_of, of)| number(number_of).zip(number(of)));
        match numbers {
            Some((_, of)) if of > MOST_SHARDS => Err(format!("a plan has at most {MOST_SHARDS} shards")),
            Some((number @ 1.., of)) if number <= of => Ok(Self { number, of }),
            _ => Err("expected a shard and their number such as 2/3, the first of which is 1".into()),
        }
    }
}

impl fmt::Display for ShardChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "shard {} of {}", self.number, self.of)
    }
}

impl ShardChoice {
    /// This part of a plan with such a digest, whose cases have these estimates.
    pub fn of(self, plan_sha256: String, guessed: &[PlannedCase]) -> Shard {
        let shards = divide(guessed, self.of);
        let cases = guessed.iter().zip(shards).map(|(planned, shard)| ShardCase { id: planned.case.id.clone(), shard });
        Shard { number: self.number, of: self.of, plan_sha256, cases: cases.collect(), boot_id: None }
    }
}

/// The shard of each case. The cases of a scenario and model stay together, also where they do not take turns: they stand in one table. The
/// longest go first, each to the shard that has least so far (Graham's LPT rule, 1969: the longest shard takes at most a third longer than in
/// the best division).
fn divide(guessed: &[PlannedCase], shards: u32) -> Vec<u32> {
    let mut groups: BTreeMap<(&str, &str), Group> = BTreeMap::new();
    for (place, PlannedCase { case, estimate_s, .. }) in guessed.iter().enumerate() {
        let Case { scenario, model, .. } = case;
        let group = groups.entry((scenario, model)).or_insert(Group { first: place, milliseconds: 0 });
        // Whole numbers add up to the same sum in any order.
        group.milliseconds = group.milliseconds.saturating_add((estimate_s * 1e3).round() as u64);
    }
    let mut longest_first: Vec<((&str, &str), Group)> = groups.into_iter().collect();
    longest_first.sort_by_key(|(_, group)| (Reverse(group.milliseconds), group.first));
    let mut totals = vec![0_u64; shards as usize];
    let mut shard_of = BTreeMap::new();
    for (group, Group { milliseconds, .. }) in longest_first {
        let least = (0..totals.len()).min_by_key(|shard| totals[*shard]).unwrap_or(0);
        // A group that takes no time fills a place all the same.
        totals[least] = totals[least].saturating_add(milliseconds.max(1));
        shard_of.insert(group, least as u32 + 1);
    }
    guessed.iter().map(|planned| shard_of[&(planned.case.scenario.as_str(), planned.case.model.as_str())]).collect()
}

/// Cases with the same input.
struct Group {
    /// The place of its first case in the plan.
    first: usize,
    milliseconds: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    /// Cases of these scenarios, with these estimates.
    fn plan(cases: &[(&str, f64)]) -> Vec<PlannedCase> {
        let planned = |(place, &(scenario, estimate_s)): (usize, &(&str, f64))| {
            let case = Case { id: place.to_string(), scenario: scenario.into(), ..fixture::record().case };
            PlannedCase { case, estimate_s, shard: None }
        };
        cases.iter().enumerate().map(planned).collect()
    }

    #[test]
    fn what_takes_turns_stays_together_and_time_is_balanced() {
        let cases =
            plan(&[("a", 1.0), ("b", 5.0), ("a", 1.0), ("c", 3.0), ("d", 2.5), ("b", 1.0), ("c", 0.5), ("e", 1.0)]);
        // b 6 s, c 3.5 s, d 2.5 s, a 2 s, e 1 s.
        assert_eq!(divide(&cases, 1), [1; 8]);
        assert_eq!(divide(&cases, 2), [1, 1, 1, 2, 2, 1, 2, 2]);
        assert_eq!(divide(&cases, 3), [3, 1, 3, 2, 3, 1, 2, 2]);
    }

    #[test]
    fn equal_groups_go_round_and_some_shards_have_none() {
        let cases = plan(&[("a", 0.0), ("b", 0.0), ("c", 0.0)]);
        assert_eq!(divide(&cases, 2), [1, 2, 1]);
        assert_eq!(divide(&cases, 5), [1, 2, 3]);
        assert_eq!(divide(&plan(&[("a", f64::INFINITY), ("b", f64::NAN), ("c", 1.0)]), 2), [1, 2, 2]);
    }

    #[test]
    fn only_parts_that_exist_can_be_asked_for() {
        let of = |text: &str| text.parse::<ShardChoice>().map(|choice| choice.to_string());
        assert_eq!(of("2/3").unwrap(), "shard 2 of 3");
        for nonsense in ["0/3", "4/3", "1/0", "1", "1/", "/3", "-1/3", "a/b", "1/3/4", "1/10001", "1/99999999999"] {
            assert!(of(nonsense).is_err(), "{nonsense}");
        }
    }
}
