use pocketwatt_record::Verdict;
use serde::Serialize;

/// How many contests ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Worse in the candidate, cases that failed only there included.
    pub worse: usize,
    /// Better in the candidate.
    pub better: usize,
    /// The same within the margin.
    pub same: usize,
    /// Undecided.
    pub undecided: usize,
    /// Without a ratio.
    pub without_ratio: usize,
    /// Cases that failed in the candidate only.
    pub failed_in_candidate: usize,
}

impl Tally {
    /// Counts one more contest.
    pub fn add(&mut self, verdict: Option<Verdict>) {
        *match verdict {
            Some(Verdict::Worse) => &mut self.worse,
            Some(Verdict::Better) => &mut self.better,
            Some(Verdict::Same) => &mut self.same,
            Some(Verdict::Undecided { .. }) => &mut self.undecided,
            None => &mut self.without_ratio,
        } += 1;
    }

    /// Contests that can have a verdict, and cases that failed in the candidate only.
    pub fn compared(&self) -> usize {
        self.worse + self.better + self.same + self.undecided
    }

    /// Contests of which nobody knows how they would end.
    pub fn open(&self) -> usize {
        self.undecided + self.without_ratio
    }
}
