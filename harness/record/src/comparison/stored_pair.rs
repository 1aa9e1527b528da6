//! Two stored records of the same case, before a verdict.

use serde::Serialize;

use crate::{
    Absent, AbsentKind, Case, Difference, DifferenceKind, Estimate, MetricId, Origin, Outcome, Property, Ratio, Record,
    Statistic, UnpairedRatio, Verdict,
    comparison::{
        apart::apart_ratio,
        differences::differences,
        family::{other_lengths, paired_ratio},
        together::took_turns,
    },
    estimate,
};

/// A baseline and a candidate: what differs between them, and every metric that either of them has.
#[derive(Clone, Debug)]
pub struct StoredPair {
    /// The baseline's case.
    pub baseline: Case,
    /// The candidate's case, which is the same unless two records were named.
    pub candidate: Case,
    /// How the baseline ended.
    pub baseline_outcome: Outcome,
    /// How the candidate ended.
    pub candidate_outcome: Outcome,
    /// Whether both are one measurement, read twice: of a run and of itself, or of a shard and of a run that has its records. Then nothing
    /// is compared.
    pub is_one_measurement: bool,
    /// What differs.
    pub differences: Vec<Difference>,
    /// One for each metric; none unless both were measured.
    pub contests: Vec<StoredContest>,
}

/// A metric in both.
#[derive(Clone, Debug)]
pub struct StoredContest {
    /// The metric.
    pub metric: MetricId,
    /// A difference of at most this share is none.
    pub margin: f64,
    /// The baseline's number, or why there is none.
    pub baseline: Result<Estimate, Absent>,
    /// The candidate's number, or why there is none.
    pub candidate: Result<Estimate, Absent>,
    /// The metric in the candidate / the metric in the baseline; or why there is none.
    pub ratio: Result<StoredRatio, Absent>,
    /// What a verdict rests on.
    pub basis: Basis,
    /// The p-value of "within the margin", adjusted for the whole family; 1 where nothing is tested.
    pub p_value: f64,
    /// The verdict; absent without a ratio.
    pub verdict: Option<Verdict>,
    /// The smallest true difference, as a share beyond no difference, that would be found with a probability of 95 %, at the level at
    /// which the contest is tested where the others of the family turn out as they did; absent where the noise is not known.
    pub detectable: Option<f64>,
}

/// What a verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Basis {
    /// Both were measured in the same blocks.
    Together,
    /// The noise between runs, found in so many pairs of runs.
    Calibrated {
        /// Pairs of runs.
        pairs: u32,
    },
    /// Not measured together, and the device has no calibration.
    NotTogether,
    /// Not measured together, and the calibration does not have this metric of this backend and precision.
    NotCalibrated,
}

/// A ratio, as far as the two records allow.
#[derive(Clone, Debug, PartialEq)]
pub enum StoredRatio {
    /// Over the blocks in which both were measured.
    Together(Ratio),
    /// Of two runs.
    Apart(UnpairedRatio),
}

impl StoredRatio {
    /// The ratio.
    pub fn value(&self) -> f64 {
        match self {
            Self::Together(ratio) => ratio.value(),
            Self::Apart(ratio) => ratio.value(),
        }
    }

    /// The interval that contains the true ratio with this confidence.
    pub fn interval(&self, confidence: f64) -> (f64, f64) {
        match self {
            Self::Together(ratio) => ratio.interval(confidence),
            Self::Apart(ratio) => ratio.interval(confidence),
        }
    }

    /// The p-value of "the true ratio is within a margin of 1".
    pub fn p_beyond(&self, margin: f64) -> f64 {
        match self {
            Self::Together(ratio) => ratio.p_beyond(margin),
            Self::Apart(ratio) => ratio.p_beyond(margin),
        }
    }

    /// Half the width of the interval, as a share of the ratio.
    pub(super) fn half_width(&self, confidence: f64) -> f64 {
        match self {
            Self::Together(ratio) => ratio.half_width(confidence),
            Self::Apart(ratio) => ratio.half_width(confidence),
        }
    }

    /// Standard error of the natural logarithm of the ratio.
    pub(super) fn standard_error(&self) -> f64 {
        match self {
            Self::Together(ratio) => ratio.deviation() / (ratio.blocks() as f64).sqrt(),
            Self::Apart(ratio) => ratio.standard_error(),
        }
    }
}

impl StoredPair {
    /// Compares two records by these metrics, each with its margin. Metrics that neither has are left out. There are no verdicts
    /// yet: those need all pairs, see [`judge`](crate::judge).
    pub fn of(baseline: Origin<'_>, candidate: Origin<'_>, metrics: &[(MetricId, f64)]) -> Self {
        let (one, other) = (baseline.record, candidate.record);
        let both = one.outcome == Outcome::Measured && other.outcome == Outcome::Measured;
        let together = were_together(baseline, candidate);
        let is_one_measurement = are_one_measurement(one, other);
        let contests = metrics
            .iter()
            .filter(|_| both)
            .filter_map(|&(metric, margin)| StoredContest::of(one, other, metric, margin, together))
            .map(|contest| if is_one_measurement { contest.with_itself(one) } else { contest });
        Self {
            baseline: one.case.clone(),
            candidate: other.case.clone(),
            baseline_outcome: one.outcome.clone(),
            candidate_outcome: other.outcome.clone(),
            is_one_measurement,
            differences: if together {
                differences_in_turns(baseline, candidate)
            } else {
                differences(baseline, candidate)
            },
            contests: contests.collect(),
        }
    }

    /// Whether only the candidate failed: that is worse than any number.
    pub fn failed_in_candidate(&self) -> bool {
        self.baseline_outcome == Outcome::Measured && matches!(self.candidate_outcome, Outcome::Failed { .. })
    }

    /// The same without what was not the same work, which nobody asked to compare by force: without any contest where other things ran,
    /// and without the ratios that depend on how long the answers are where only these differ.
    pub fn of_the_same_work(mut self) -> Self {
        // A warm-up answers, too.
        let of_answers = [Property::OutputTokens, Property::WarmUp];
        if self.obstacles().any(|difference| !of_answers.contains(&difference.property)) {
            self.contests.clear();
        } else if self.obstacles().next().is_some() {
            for contest in self.contests.iter_mut().filter(|contest| contest.metric.grows_with_answers()) {
                contest.ratio = Err(other_lengths());
            }
        }
        self
    }

    /// The differences because of which a comparison means nothing.
    pub fn obstacles(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| difference.forbids_comparison())
    }
}

impl StoredContest {
    fn of(baseline: &Record, candidate: &Record, metric: MetricId, margin: f64, together: bool) -> Option<Self> {
        let number = |record| estimate(record, metric, Statistic::Median);
        let (one, other) = (number(baseline), number(candidate));
        if one.is_err() && other.is_err() {
            return None;
        }
        let ratio = match (&one, &other) {
            (Err(absent), _) | (_, Err(absent)) => Err(absent.clone()),
            _ if together => paired_ratio(baseline, candidate, metric).map(StoredRatio::Together),
            _ => apart_ratio(baseline, candidate, metric).map(StoredRatio::Apart),
        };
        let ratio =
            ratio.and_then(|ratio| if ratio.value().is_finite() { Ok(ratio) } else { Err(AbsentKind::NoRatio.into()) });
        Some(Self {
            metric,
            margin,
            baseline: one,
            candidate: other,
            ratio,
            basis: if together { Basis::Together } else { Basis::NotTogether },
            p_value: 1.0,
            verdict: None,
            detectable: None,
        })
    }

    /// The same of a number and itself, between which there is no noise and no difference to find.
    fn with_itself(self, record: &Record) -> Self {
        let run = record.passport.run.as_deref().map_or_else(String::new, |run| format!(" of run {run}"));
        let words = format!("both are the same record{run}: one measurement is not compared with itself");
        Self { ratio: Err(Absent::new(AbsentKind::NoRatio, words)), basis: Basis::Together, ..self }
    }
}

/// Whether two records are of one measurement of a case, which may have gone on after one of them was copied.
fn are_one_measurement(one: &Record, other: &Record) -> bool {
    let began = |record: &Record| (record.passport.run.clone(), record.passport.started_unix_ms);
    // Its times count in nanoseconds from the device's start, so they tell devices apart, which may have runs of one name.
    let first = |record: &Record| record.samples.iterations.first().cloned();
    one.passport.run.is_some() && one.case == other.case && began(one) == began(other) && first(one) == first(other)
}

/// What differs between cases that took turns in one run: two of them are compared only where somebody named both, so the settings in
/// which they differ are what is compared.
fn differences_in_turns(baseline: Origin<'_>, candidate: Origin<'_>) -> Vec<Difference> {
    let mut found = differences(baseline, candidate);
    for difference in found.iter_mut().filter(|difference| difference.property.is_setting()) {
        difference.kind = DifferenceKind::Setting;
    }
    found.sort_by_key(|difference| difference.kind);
    found
}

/// Whether the cases took turns in the same blocks. Runs are named after the second in which they began, so two devices may have
/// runs of one name.
fn were_together(baseline: Origin<'_>, candidate: Origin<'_>) -> bool {
    let (one, other) = (baseline.record, candidate.record);
    let device = |origin: Origin<'_>| origin.run.map(|run| run.device.name.clone());
    one.passport.run.is_some()
        && one.passport.run == other.passport.run
        && device(baseline) == device(candidate)
        && one.case.takes_turns_with(&other.case)
        && took_turns(&one.samples.blocks, &other.samples.blocks)
}
