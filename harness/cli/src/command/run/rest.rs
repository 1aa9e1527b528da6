//! The cases of a stored run that are still to be measured, and which of them take turns.

use std::collections::{BTreeMap, BTreeSet};

use pocketwatt_record::{Block, Outcome, Record, Run, took_turns};

use crate::measure::groups;

/// The small part of a record that says whether its case goes on.
#[derive(Debug)]
pub(super) struct Stand {
    outcome: Outcome,
    /// Whether it was stopped before it had all of its blocks.
    lacks_blocks: bool,
    blocks: Vec<Block>,
}

impl Stand {
    /// That of a case with this record.
    pub fn of(record: &Record) -> Self {
        let blocks = record.samples.blocks.clone();
        Self { outcome: record.outcome.clone(), lacks_blocks: record.lacks_blocks(), blocks }
    }

    fn is_measured(&self) -> bool {
        self.outcome == Outcome::Measured
    }
}

/// A run, and what is stored of it.
#[derive(Debug)]
pub(super) struct Rest<'a> {
    run: &'a Run,
    /// By the place in the plan.
    stored: BTreeMap<usize, &'a Stand>,
    /// The places of the cases that were stopped.
    stopped: Vec<usize>,
}

impl<'a> Rest<'a> {
    /// `stored` has the identifiers of the cases with an intact record.
    pub fn of(run: &'a Run, stored: &BTreeMap<&str, &'a Stand>) -> Self {
        let plan = run.plan.iter().enumerate();
        let stored: BTreeMap<usize, &Stand> =
            plan.filter_map(|(place, planned)| Some((place, *stored.get(planned.case.id.as_str())?))).collect();
        let stopped = stored.iter().filter(|(_, stand)| stand.lacks_blocks).map(|(place, _)| *place).collect();
        Self { run, stored, stopped }
    }

    /// The cases without a record, and those whose blocks go on: all that took turns with one that was stopped.
    pub fn going_on(&self) -> Vec<Vec<usize>> {
        let wanted = self.groups(|place| match self.stored.get(&place) {
            None => true,
            Some(stand) => stand.is_measured() && self.is_stopped(place, stand),
        });
        wanted.into_iter().flat_map(|group| self.parts(group)).collect()
    }

    /// The cases that failed or were skipped.
    pub fn unsuccessful(&self) -> Vec<Vec<usize>> {
        self.groups(|place| self.stored.get(&place).is_some_and(|stand| !stand.is_measured()))
    }

    /// Whether cases that would have taken turns with this group have blocks without it.
    pub fn is_apart(&self, group: &[usize]) -> bool {
        let Some(first) = group.first() else { return false };
        let mut others = self.stored.iter().filter(|(place, _)| self.have_same_input(**place, *first));
        others.any(|(place, stand)| stand.is_measured() && !stand.blocks.is_empty() && !group.contains(place))
    }

    fn have_same_input(&self, one: usize, other: usize) -> bool {
        self.run.plan[one].case.takes_turns_with(&self.run.plan[other].case)
    }

    fn groups(&self, is_wanted: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
        let places: BTreeSet<usize> = (0..self.run.plan.len()).filter(|place| is_wanted(*place)).collect();
        groups(&self.run.plan, &self.run.settings, &places)
    }

    /// Whether it lacks blocks, or one that took turns with it does.
    fn is_stopped(&self, place: usize, stand: &Stand) -> bool {
        let took_turns_with = |other: &usize| {
            self.have_same_input(*other, place)
                && self.stored.get(other).is_some_and(|other| took_turns(&other.blocks, &stand.blocks))
        };
        stand.lacks_blocks || self.stopped.iter().any(took_turns_with)
    }

    /// Those of a group that go on with the same blocks. Cases without a record begin with the first of these parts, which then begins
    /// anew: a run may be killed while the records of a first block are written.
    fn parts(&self, group: Vec<usize>) -> Vec<Vec<usize>> {
        let (stored, missing): (Vec<usize>, Vec<usize>) =
            group.into_iter().partition(|place| self.stored.contains_key(place));
        let blocks = |place: &usize| self.stored.get(place).map_or(&[][..], |stand| &stand.blocks);
        let mut parts: Vec<Vec<usize>> = Vec::new();
        for place in stored {
            let goes_with = |part: &Vec<usize>| part.iter().all(|other| took_turns(blocks(other), blocks(&place)));
            match parts.iter_mut().find(|part| goes_with(part)) {
                Some(part) => part.push(place),
                None => parts.push(vec![place]),
            }
        }
        match parts.first_mut() {
            Some(first) => first.extend(missing),
            None => parts.push(missing),
        }
        parts.iter_mut().for_each(|part| part.sort_unstable());
        parts
    }
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::TimeSpan;
    use pocketwatt_protocol::MonotonicNs;
    use pocketwatt_record::{PlannedCase, TurnSettings};

    use super::*;
    use crate::fixture;

    /// A plan of so many cases with one input, which take turns in three blocks.
    fn run(cases: usize) -> Run {
        let mut run = fixture::run();
        run.settings.turns = Some(TurnSettings { blocks: 3, seed: 1, short_warmup: true, target: None });
        let case = |number: usize| {
            let mut case = fixture::record().case;
            case.id = number.to_string();
            PlannedCase { case, estimate_s: 1.0, shard: None }
        };
        run.plan = (0..cases).map(case).collect();
        run
    }

    /// A case with these blocks of three, the first of which began at that time.
    fn measured(numbers: &[u32], from: u64) -> Stand {
        let block = |number: &u32| {
            let start = from + 10 * u64::from(*number);
            Block {
                number: *number,
                place: 1,
                span: TimeSpan { start: MonotonicNs(start), end: MonotonicNs(start + 9) },
                loaded: None,
                peak_resident_bytes: None,
                peak_with_huge_pages_bytes: None,
                first_iteration: 0,
                iterations: 0,
                disturbances: Vec::new(),
                repeated: false,
            }
        };
        let blocks: Vec<Block> = numbers.iter().map(block).collect();
        Stand { outcome: Outcome::Measured, lacks_blocks: blocks.len() < 3, blocks }
    }

    fn failed() -> Stand {
        Stand { outcome: Outcome::Skipped { reason: String::new() }, lacks_blocks: false, ..measured(&[1], 0) }
    }

    /// What is still to be measured where these cases of a plan are stored: what goes on, and what is tried again.
    fn rest(stored: &[Option<Stand>]) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
        let run = run(stored.len());
        let stands = stored.iter().enumerate();
        let ids: Vec<String> = (0..stored.len()).map(|place| place.to_string()).collect();
        let by_id = stands.filter_map(|(place, stand)| Some((ids[place].as_str(), stand.as_ref()?))).collect();
        let rest = Rest::of(&run, &by_id);
        (rest.going_on(), rest.unsuccessful())
    }

    #[test]
    fn what_took_turns_goes_on_together_and_what_is_complete_stays() {
        let whole = || Some(measured(&[1, 2, 3], 0));
        assert_eq!(rest(&[whole(), whole()]), (vec![], vec![]));
        assert_eq!(rest(&[None, None]).0, [[0, 1]], "nothing has begun");
        assert_eq!(rest(&[whole(), Some(measured(&[1, 2], 0))]).0, [[0, 1]], "killed while records were written");
        assert_eq!(rest(&[Some(measured(&[1], 0)), None]).0, [[0, 1]]);
        assert_eq!(rest(&[whole(), None, whole()]).0, [[1]], "a record that was lost");
    }

    #[test]
    fn what_is_tried_again_leaves_the_blocks_of_the_others_alone() {
        let whole = || Some(measured(&[1, 2, 3], 0));
        assert_eq!(rest(&[whole(), Some(failed()), whole(), Some(failed())]), (vec![], vec![vec![1, 3]]));
        let stopped = || Some(measured(&[1, 2], 0));
        assert_eq!(rest(&[stopped(), Some(failed()), stopped()]), (vec![vec![0, 2]], vec![vec![1]]));
        let again = || Some(measured(&[1, 2], 1000));
        assert_eq!(rest(&[whole(), again(), whole()]).0, [[1]], "stopped a second time, in its own blocks");
        assert_eq!(rest(&[whole(), Some(measured(&[1], 1000)), whole()]).0, [[1]]);
        assert_eq!(rest(&[stopped(), again(), stopped()]).0, [vec![0, 2], vec![1]]);
    }

    #[test]
    fn only_what_is_measured_without_the_others_is_apart() {
        let run = run(3);
        let (whole, failed) = (measured(&[1, 2, 3], 0), failed());
        let stored = [("0", &whole), ("1", &failed), ("2", &whole)].into_iter().collect();
        let rest = Rest::of(&run, &stored);
        assert!(rest.is_apart(&[1]) && !rest.is_apart(&[0, 1, 2]));
        assert!(!Rest::of(&run, &[("1", &failed)].into_iter().collect()).is_apart(&[1]), "nobody has blocks");
    }
}
