//! The progress of a run. It is drawn only between iterations, so that drawing never falls into a measurement.

use std::io;

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};
use pocketwatt_record::{Outcome, PlannedCase, Record, RunSettings, SpeedMetric};

use crate::{
    inert,
    measure::{CaseProgress, RunListener},
    notice,
    report::output::{takes_escapes, waiting_time},
};

/// Writes to standard error: a line for each case that has ended and, on a terminal, one that changes.
#[derive(Debug)]
pub struct Progress<'a> {
    plan: &'a [PlannedCase],
    settings: &'a RunSettings,
    /// Whether it is a terminal on which a line can be redrawn.
    terminal: bool,
    /// Whether its cases differ in precision.
    several_precisions: bool,
    /// The cases that are measured together.
    groups: &'a [Vec<usize>],
    remaining: Remaining,
    /// The group that is being measured, and when it began.
    current: Option<usize>,
    group_start: MonotonicNs,
    /// What the case that has its turn said of its block: which one, of how many, with how many iterations.
    block: Option<(u32, u32, u32)>,
    /// When the counted iterations of the case began, as seen from here.
    counted_from: Option<MonotonicNs>,
}

impl<'a> Progress<'a> {
    /// `groups` are the places in the plan of the cases that are measured.
    pub fn new(plan: &'a [PlannedCase], settings: &'a RunSettings, groups: &'a [Vec<usize>]) -> Self {
        let estimate = |group: &Vec<usize>| group.iter().map(|&index| plan[index].estimate_s).sum();
        let remaining = Remaining::new(groups.iter().map(estimate));
        Self {
            plan,
            settings,
            terminal: takes_escapes(&io::stderr()),
            several_precisions: plan.iter().any(|planned| planned.case.precision != plan[0].case.precision),
            groups,
            remaining,
            current: None,
            group_start: MonotonicClock.now(),
            block: None,
            counted_from: None,
        }
    }

    /// `3 of 4 iterations`, or the progress of a sustained case.
    fn iterations(&mut self, done: u32) -> String {
        if let Some((.., iterations)) = self.block {
            return format!("{done} of {iterations} iterations");
        }
        let RunSettings { warmup_iterations, iterations, sustain_ms, .. } = *self.settings;
        let Some(sustain_ms) = sustain_ms else {
            return format!("{done} of {} iterations", warmup_iterations + iterations);
        };
        if done < warmup_iterations {
            return format!("{done} of {warmup_iterations} warm-up iterations");
        }
        let now = MonotonicClock.now();
        let seconds = now.since(*self.counted_from.get_or_insert(now)) as f64 / 1e9;
        let least = sustain_ms as f64 / 1e3;
        let plural = if done == 1 { "" } else { "s" };
        format!("{done} iteration{plural}, {} of {}", waiting_time(seconds.min(least)), waiting_time(least))
    }

    fn seconds_in_group(&self) -> f64 {
        MonotonicClock.now().since(self.group_start) as f64 / 1e9
    }

    fn left(&self) -> String {
        waiting_time(self.current.map_or(0.0, |group| self.remaining.seconds(group, self.seconds_in_group())))
    }

    fn title(&self, index: usize) -> String {
        let case = &self.plan[index].case;
        let threads = if case.threads == 1 { String::new() } else { format!(", {} threads", case.threads) };
        let precision = if self.several_precisions { format!(", {}", case.precision.name()) } else { String::new() };
        let input = format!("{}, {}", case.scenario, case.model);
        format!("[{}/{}] {input}, {}{precision}{threads}", index + 1, self.plan.len(), case.backend)
    }

    fn draw(&self, text: &str) {
        if self.terminal {
            notice::write_raw(&format!("\r\x1b[K{}", inert::line(text)));
        }
    }
}

impl RunListener for Progress<'_> {
    fn begins(&mut self, index: usize) {
        let group = self.groups.iter().position(|group| group.contains(&index));
        if group != self.current {
            self.current = group;
            self.group_start = MonotonicClock.now();
        }
        self.block = None;
        self.counted_from = None;
        self.draw(&format!("{}: starting, about {} left", self.title(index), self.left()));
    }

    fn progresses(&mut self, index: usize, progress: CaseProgress) {
        let what = match progress {
            CaseProgress::Loading => "loading".to_owned(),
            CaseProgress::Iterations(done) => self.iterations(done),
            CaseProgress::Block { number, last, iterations } => {
                self.block = Some((number, last, iterations));
                "starting".to_owned()
            }
        };
        let block = self.block.map_or(String::new(), |(number, last, _)| format!("block {number} of {last}, "));
        self.draw(&format!("{}: {block}{what}, about {} left", self.title(index), self.left()));
    }

    fn ends(&mut self, index: usize, record: &Record) {
        let in_group = self.seconds_in_group();
        if record.outcome == Outcome::Measured
            && let Some(group) = self.current
        {
            self.remaining.learn(group, in_group);
        }
        let in_blocks = record.samples.blocks.iter().map(|block| block.span.duration_ns()).sum::<u64>() as f64 / 1e9;
        let seconds = if record.samples.blocks.is_empty() { in_group } else { in_blocks };
        self.draw("");
        notice!("{}: {}, {}", self.title(index), result(record), waiting_time(seconds));
    }
}

fn result(record: &Record) -> String {
    match &record.outcome {
        Outcome::Measured => {
            let throughput = |metric: SpeedMetric| record.summary(metric).map(|summary| summary.median);
            let parts: Vec<String> =
                [("prefill", SpeedMetric::PrefillThroughput), ("decode", SpeedMetric::DecodeThroughput)]
                    .into_iter()
                    .filter_map(|(name, metric)| Some(format!("{name} {:.1} tokens/s", throughput(metric)?)))
                    .collect();
            parts.join(", ")
        }
        Outcome::Failed { message, .. } => format!("failed: {}", inert::one_line(message)),
        Outcome::Skipped { reason } => format!("skipped: {}", inert::one_line(reason)),
    }
}

/// Time left, from the plan's estimates and their error so far.
#[derive(Debug)]
struct Remaining {
    /// Of each group.
    estimates: Vec<f64>,
    /// How long each group took that has ended.
    taken: Vec<Option<f64>>,
}

impl Remaining {
    fn new(estimates: impl Iterator<Item = f64>) -> Self {
        let estimates: Vec<f64> = estimates.collect();
        Self { taken: vec![None; estimates.len()], estimates }
    }

    fn learn(&mut self, group: usize, seconds: f64) {
        self.taken[group].get_or_insert(seconds);
    }

    fn seconds(&self, group: usize, in_group: f64) -> f64 {
        let ended =
            || self.estimates.iter().zip(&self.taken).filter_map(|(estimate, taken)| Some((estimate, (*taken)?)));
        let estimated: f64 = ended().map(|(estimate, _)| estimate).sum();
        let taken: f64 = ended().map(|(_, taken)| taken).sum();
        let correction = if estimated > 0.0 { taken / estimated } else { 1.0 };
        let rest = (self.estimates[group] * correction - in_group).max(0.0);
        rest + self.estimates[group + 1..].iter().sum::<f64>() * correction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_how_far_off_the_estimates_were() {
        let mut remaining = Remaining::new([10.0, 20.0, 30.0].into_iter());
        assert_eq!(remaining.seconds(0, 0.0), 60.0);
        assert_eq!(remaining.seconds(0, 4.0), 56.0);
        assert_eq!(remaining.seconds(0, 99.0), 50.0, "a case that takes longer never makes the rest shorter");
        remaining.learn(0, 20.0);
        assert_eq!(remaining.seconds(1, 10.0), 90.0, "twice as slow as estimated");
        remaining.learn(0, 25.0);
        assert_eq!(remaining.seconds(1, 10.0), 90.0, "cases that were measured together took that time once");
    }
}
