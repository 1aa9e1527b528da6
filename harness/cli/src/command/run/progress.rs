//! The progress of a run. It is drawn only between iterations, so that drawing never falls into a measurement.

use std::{collections::BTreeSet, io};

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
    remaining: Remaining,
    case_start: MonotonicNs,
    /// When the counted iterations of the case began, as seen from here.
    counted_from: Option<MonotonicNs>,
}

impl<'a> Progress<'a> {
    /// `places` are those of the cases of the plan that are measured.
    pub fn new(plan: &'a [PlannedCase], settings: &'a RunSettings, places: &BTreeSet<usize>) -> Self {
        let estimate = |(place, planned): (usize, &PlannedCase)| {
            if places.contains(&place) { planned.estimate_s } else { 0.0 }
        };
        let remaining = Remaining::new(plan.iter().enumerate().map(estimate));
        Self {
            plan,
            settings,
            terminal: takes_escapes(&io::stderr()),
            remaining,
            case_start: MonotonicClock.now(),
            counted_from: None,
        }
    }

    /// `3 of 4 iterations`, or the progress of a sustained case.
    fn iterations(&mut self, done: u32) -> String {
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

    fn seconds_in_case(&self) -> f64 {
        MonotonicClock.now().since(self.case_start) as f64 / 1e9
    }

    fn title(&self, index: usize) -> String {
        let case = &self.plan[index].case;
        let threads = if case.threads == 1 { String::new() } else { format!(", {} threads", case.threads) };
        format!("[{}/{}] {}, {}, {}{threads}", index + 1, self.plan.len(), case.scenario, case.model, case.backend)
    }

    fn draw(&self, text: &str) {
        if self.terminal {
            notice::write_raw(&format!("\r\x1b[K{}", inert::line(text)));
        }
    }
}

impl RunListener for Progress<'_> {
    fn begins(&mut self, index: usize) {
        self.case_start = MonotonicClock.now();
        self.counted_from = None;
        let left = waiting_time(self.remaining.seconds(index, 0.0));
        self.draw(&format!("{}: starting, about {left} left", self.title(index)));
    }

    fn progresses(&mut self, index: usize, progress: CaseProgress) {
        let left = waiting_time(self.remaining.seconds(index, self.seconds_in_case()));
        let what = match progress {
            CaseProgress::Loading => "loading".to_owned(),
            CaseProgress::Iterations(done) => self.iterations(done),
        };
        self.draw(&format!("{}: {what}, about {left} left", self.title(index)));
    }

    fn ends(&mut self, index: usize, record: &Record) {
        let seconds = self.seconds_in_case();
        if record.outcome == Outcome::Measured {
            self.remaining.learn(index, seconds);
        }
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
    estimates: Vec<f64>,
    estimated: f64,
    taken: f64,
}

impl Remaining {
    fn new(estimates: impl Iterator<Item = f64>) -> Self {
        Self { estimates: estimates.collect(), estimated: 0.0, taken: 0.0 }
    }

    fn learn(&mut self, index: usize, seconds: f64) {
        self.estimated += self.estimates[index];
        self.taken += seconds;
    }

    fn seconds(&self, index: usize, in_case: f64) -> f64 {
        let correction = if self.estimated > 0.0 { self.taken / self.estimated } else { 1.0 };
        let case = (self.estimates[index] * correction - in_case).max(0.0);
        case + self.estimates[index + 1..].iter().sum::<f64>() * correction
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
    }
}
