//! What a precision or a number of threads gains: each case beside the one of its backend that has the first precision, or the first
//! number of threads, and is otherwise alike.

use std::collections::{BTreeMap, BTreeSet};

use pocketwatt_record::{
    Case, Compared, Contest, EnergyMetric, MARGIN, MetricId, Outcome, Record, Setting, SpeedMetric, compare_all,
    has_same_lengths,
};

use crate::{
    cases::{Results, case_names, group_by, threads},
    tables::contests::{ratio_words, words},
};

/// What is compared: what somebody asks of a precision first.
const METRICS: [MetricId; 5] = [
    MetricId::Speed(SpeedMetric::TimeToFirstToken),
    MetricId::Speed(SpeedMetric::DecodeThroughput),
    MetricId::Speed(SpeedMetric::RequestLatency),
    MetricId::Speed(SpeedMetric::PeakResidentMemory),
    MetricId::Energy(EnergyMetric::EnergyPerRequest),
];

/// All such contests of one scenario and model, which are one family of tests.
pub struct Gains {
    cases: Vec<Case>,
    names: Vec<String>,
    /// Candidate, baseline and what sets them apart, in the order of the plan.
    pairs: Vec<Pair>,
    compared: Vec<Compared>,
}

/// Two cases that one setting sets apart.
#[derive(Clone, Copy)]
struct Pair {
    setting: Setting,
    baseline: usize,
    candidate: usize,
    /// Whether their answers have as many tokens.
    same_lengths: bool,
}

/// What is said in one line, and of which cases.
pub struct GainLine {
    /// Identifiers of its cases.
    cases: BTreeSet<String>,
    /// `onnxruntime, decode: int4 / f32 = 3.070 [3.010, 3.130], clear`.
    pub text: String,
}

impl GainLine {
    /// Whether all of its cases are among these.
    pub fn is_about(&self, cases: &BTreeSet<&str>) -> bool {
        self.cases.iter().all(|case| cases.contains(case.as_str()))
    }
}

/// The lines of each scenario and model.
pub type GainLines = BTreeMap<(String, String), Vec<GainLine>>;

/// What is said about the settings in a run.
///
/// # Errors
/// When the results cannot be read.
pub fn gain_lines(results: &dyn Results) -> anyhow::Result<GainLines> {
    let mut lines = GainLines::new();
    each_gains(results, |gains| {
        if let Some(case) = gains.cases.first() {
            lines.insert((case.scenario.clone(), case.model.clone()), gains.told());
        }
        Ok(())
    })?;
    Ok(lines)
}

impl Gains {
    /// Of the measured cases of one scenario and model, in the order of the plan.
    fn of(records: &[Record]) -> Self {
        let measured: Vec<&Record> =
            records.iter().filter(|record| record.outcome == Outcome::Measured && !record.case.baseline).collect();
        let cases: Vec<&Case> = measured.iter().map(|record| &record.case).collect();
        let first = |setting: Setting, candidate: usize| {
            (0..candidate).find(|&baseline| cases[candidate].setting_apart(cases[baseline]) == Some(setting))
        };
        let pair = |setting: Setting, candidate: usize| {
            let baseline = first(setting, candidate)?;
            let same_lengths = has_same_lengths(measured[baseline], measured[candidate]);
            Some(Pair { setting, baseline, candidate, same_lengths })
        };
        let pairs: Vec<Pair> = Setting::ALL
            .into_iter()
            .flat_map(|setting| (0..cases.len()).map(move |candidate| (setting, candidate)))
            .filter_map(|(setting, candidate)| pair(setting, candidate))
            .collect();
        let has_blocks = |position: usize, metric: MetricId| {
            !measured[position].samples.blocks.is_empty() && measured[position].summary(metric).is_some()
        };
        let contest = |(metric, pair): (MetricId, &Pair)| {
            let &Pair { baseline, candidate, same_lengths, .. } = pair;
            let is_same_work = same_lengths || !metric.grows_with_answers();
            let is_told = is_same_work && has_blocks(baseline, metric) && has_blocks(candidate, metric);
            is_told.then_some(Contest { metric, baseline, candidate, margin: MARGIN })
        };
        let all = pairs.iter().flat_map(|pair| METRICS.into_iter().map(move |metric| (metric, pair)));
        let contests: Vec<Contest> = all.filter_map(contest).collect();
        Self {
            compared: compare_all(&measured, &contests),
            names: case_names(&cases),
            cases: cases.into_iter().cloned().collect(),
            pairs,
        }
    }

    /// A line for each backend, its other setting, and each metric.
    fn told(&self) -> Vec<GainLine> {
        let alike = group_by(self.pairs.iter().map(|pair| (pair.setting, pair.baseline)));
        alike
            .iter()
            .flat_map(|pairs| self.lines(&pairs.iter().map(|&pair| self.pairs[pair]).collect::<Vec<_>>()))
            .collect()
    }

    /// Every contest.
    pub fn compared(&self) -> &[Compared] {
        &self.compared
    }

    /// The identifier of the case at a position of the contests.
    pub fn case(&self, position: usize) -> &str {
        &self.cases[position].id
    }

    /// What is said about cases that have the same baseline.
    fn lines(&self, pairs: &[Pair]) -> Vec<GainLine> {
        let Some(first) = pairs.first() else { return Vec::new() };
        let name = self.name(first);
        let places = pairs.iter().flat_map(|pair| [pair.baseline, pair.candidate]);
        let cases: BTreeSet<String> = places.map(|place| self.cases[place].id.clone()).collect();
        let line = |text: String| GainLine { cases: cases.clone(), text };
        let of_metric = |metric: MetricId| {
            let ratios: Vec<String> = pairs.iter().filter_map(|pair| self.ratio(pair, metric)).collect();
            let label = metric.definition().full_label();
            (!ratios.is_empty()).then(|| line(format!("{name}, {label}: {}", ratios.join("; "))))
        };
        let unlike = |pair: &Pair| {
            let sides = self.sides(pair).join(" and ");
            line(format!("{name}: {sides} gave answers of different lengths, so their requests are not compared"))
        };
        let is_told = |pair: &&Pair| METRICS.into_iter().any(|metric| self.ratio(pair, metric).is_some());
        let unlike = pairs.iter().filter(|pair| !pair.same_lengths).filter(is_told).map(unlike);
        METRICS.into_iter().filter_map(of_metric).chain(unlike).collect()
    }

    /// The backend, and the setting that is the same in both where cases differ in it.
    fn name(&self, pair: &Pair) -> String {
        let case = &self.cases[pair.candidate];
        let name = &self.names[pair.candidate];
        let several = |of: fn(&Case) -> u32| self.cases.iter().any(|other| of(other) != of(case));
        match pair.setting {
            Setting::Precision if several(|case| case.threads) => format!("{name}, {}", threads(case.threads)),
            Setting::Threads if several(|case| case.precision as u32) => format!("{name}, {}", case.precision.name()),
            _ => name.clone(),
        }
    }

    /// `["int4", "f32"]`: candidate and baseline.
    fn sides(&self, pair: &Pair) -> [String; 2] {
        [pair.candidate, pair.baseline].map(|place| match pair.setting {
            Setting::Precision => self.cases[place].precision.name().to_owned(),
            Setting::Threads => threads(self.cases[place].threads),
        })
    }

    /// `int4 / f32 = 3.070 [3.010, 3.130], clear`; `None` without a ratio.
    fn ratio(&self, pair: &Pair, metric: MetricId) -> Option<String> {
        let is_that = |one: &&Compared| {
            let Contest { baseline, candidate, .. } = one.contest;
            one.contest.metric == metric && (baseline, candidate) == (pair.baseline, pair.candidate)
        };
        let one = self.compared.iter().find(is_that)?;
        let ratio = one.ratio.as_ref().ok()?;
        let verdict = words(one.verdict, ratio.blocks());
        Some(format!("{} = {}{verdict}", self.sides(pair).join(" / "), ratio_words(ratio.value(), one.interval()?)))
    }
}

/// Hands on what the settings gain, for one scenario and model after the other that has several of them. The records of one are in
/// memory at a time.
///
/// # Errors
/// Those of `visit`.
pub fn each_gains(results: &dyn Results, mut visit: impl FnMut(&Gains) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let cases = results.cases();
    for places in group_by(cases.iter().map(|case| (&case.scenario, &case.model))) {
        let settings: BTreeSet<_> =
            places.iter().map(|&place| (cases[place].precision, cases[place].threads)).collect();
        if settings.len() < 2 {
            continue;
        }
        let mut records = Vec::new();
        results.each(&places, &mut |record| {
            records.extend(record.map(|record| outline(record.into_owned())));
            Ok(())
        })?;
        visit(&Gains::of(&records))?;
    }
    Ok(())
}

/// The part of a record that the contests need: its meters, but no readings of memory, heat and frequency.
fn outline(mut record: Record) -> Record {
    record.readings.memory = Vec::new();
    record.readings.temperatures = Vec::new();
    record.readings.frequencies = Vec::new();
    record
}

#[cfg(test)]
mod tests;
