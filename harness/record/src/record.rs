use pocketwatt_meter::CaseReadings;
use pocketwatt_protocol::{GraphKind, Stage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    CallAnswer, EnergyFigure, Evidence, FormatVersion, MetricId, MetricValue, Passport, Quality, Samples, Summary,
    Unjudged, Value, Wait,
};

pub use pocketwatt_protocol::Precision;

/// Everything about one case: what was run, the results, and the raw samples from which they were computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Version of this format.
    pub format: FormatVersion,
    /// What was to be measured.
    pub case: Case,
    /// Where every number comes from.
    pub passport: Passport,
    /// Whether it was measured, and if not, why.
    pub outcome: Outcome,
    /// What the runner reported. Kept after a failure, too, as far as it got.
    pub samples: Samples,
    /// Readings during the case.
    pub readings: CaseReadings,
    /// What was waited for before its blocks; since format 1.11.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Wait>,
    /// How close the backend's answers are to those in f32; absent in records of versions that did not compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// The judged answers, where function calls were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallAnswer>,
    /// Why the answers that should be calls are not judged; absent where they are judged, or none were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unjudged: Option<Unjudged>,
    /// Derived from `samples` and `readings`: energy of the phases, one figure for each scope and interface, the preferred
    /// one first.
    #[serde(default)]
    pub energy: Vec<EnergyFigure>,
    /// Derived from `samples` and `readings` by the formulas of the catalogue, in its order; empty unless measured.
    pub metrics: Vec<MetricValue>,
    /// Whether the numbers are possible; empty unless measured.
    #[serde(default)]
    pub checks: Vec<PhysicsCheck>,
}

/// One check of a record's numbers against physics. Failed numbers are withheld from the metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhysicsCheck {
    /// What was checked: `bandwidth`, `power bounds of package`, ...
    pub name: String,
    /// The result.
    pub verdict: CheckVerdict,
    /// The compared numbers, in words.
    pub detail: String,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckVerdict {
    /// The numbers are possible.
    Passed,
    /// They are not, and are withheld.
    Failed,
    /// The numbers that it needs were not measured.
    NotApplicable,
}

/// One combination of scenario, model, backend and settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// Unique in its run and stable across runs of the same plan: also the file name of its record.
    pub id: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the model.
    pub model: String,
    /// Name of the backend.
    pub backend: String,
    /// Number format.
    pub precision: Precision,
    /// The graph that the backend loads; absent for a backend with a model of its own.
    pub graph: Option<GraphKind>,
    /// Threads that compute.
    pub threads: u32,
    /// Whether answers that should be calls are constrained to the grammar of calls.
    #[serde(default, skip_serializing_if = "is_false")]
    pub constrained: bool,
    /// Whether its runner is the other build, with which that of the case beside it is compared; since format 1.7.
    #[serde(default, skip_serializing_if = "is_false")]
    pub baseline: bool,
}

impl Case {
    /// Whether both have the same input: they take turns, because they are compared, whatever computes them in which settings.
    pub fn takes_turns_with(&self, other: &Self) -> bool {
        self.scenario == other.scenario && self.model == other.model
    }

    /// Whether both have the same input in the same settings, and differ in what computes it: they stand side by side in one table.
    pub fn stands_beside(&self, other: &Self) -> bool {
        self.takes_turns_with(other) && self.precision == other.precision && self.threads == other.threads
    }

    /// Whether nothing but their names and the build of the runner may differ.
    pub fn has_same_backend(&self, other: &Self) -> bool {
        self.stands_beside(other) && self.engine() == other.engine()
    }

    /// The one setting in which two cases of the same build of a runner differ; `None` if it is none, or more than one.
    pub fn setting_apart(&self, other: &Self) -> Option<Setting> {
        let same = self.takes_turns_with(other) && self.engine() == other.engine() && self.baseline == other.baseline;
        match (self.precision == other.precision, self.threads == other.threads) {
            (false, true) if same => Some(Setting::Precision),
            (true, false) if same => Some(Setting::Threads),
            _ => None,
        }
    }

    /// Whether a report compares them: they stand in one table, or one setting sets them apart.
    pub fn is_compared_with(&self, other: &Self) -> bool {
        self.stands_beside(other) || self.setting_apart(other).is_some()
    }

    /// What computes, and how it answers.
    fn engine(&self) -> (&str, Option<GraphKind>, bool) {
        (&self.backend, self.graph, self.constrained)
    }

    /// Whether it is measured with the other build of that case's runner.
    pub fn is_baseline_of(&self, candidate: &Self) -> bool {
        self.baseline && !candidate.baseline && self.has_same_backend(candidate)
    }
}

/// A choice of the user that is the same for all cases of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// The number format of the weights.
    Precision,
    /// The number of threads that compute.
    Threads,
}

impl Setting {
    /// Every setting.
    pub const ALL: [Self; 2] = [Self::Precision, Self::Threads];
}

fn is_false(value: &bool) -> bool {
    !value
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// All iterations were run.
    Measured,
    /// It was tried, and an error ended it.
    Failed {
        /// What was being done.
        stage: Stage,
        /// The error in one line.
        message: String,
    },
    /// It was not tried.
    Skipped {
        /// Why, and what would change that.
        reason: String,
    },
}

impl Record {
    /// The observations of a metric; for an energy metric, those of the preferred scope.
    pub fn value(&self, metric: impl Into<MetricId>) -> Option<&MetricValue> {
        self.values(metric).next()
    }

    /// The observations of a metric, for each scope.
    pub fn values(&self, metric: impl Into<MetricId>) -> impl Iterator<Item = &MetricValue> {
        let metric = metric.into();
        self.metrics.iter().filter(move |value| value.is(metric))
    }

    /// The summary of a metric, if it was measured; of a metric of energy, that of the preferred scope.
    pub fn summary(&self, metric: impl Into<MetricId>) -> Option<&Summary> {
        self.value(metric)?.summary()
    }

    /// Whether it was stopped before it had all of its blocks.
    pub fn lacks_blocks(&self) -> bool {
        let counted = self.samples.counted_blocks().count();
        self.outcome == Outcome::Measured
            && self.passport.planned_blocks.is_some_and(|planned| counted < planned as usize)
    }

    /// Adds what older versions did not store: the check that withheld a number.
    pub(crate) fn complete(&mut self) {
        let Self { metrics, checks, .. } = self;
        for metric in metrics {
            let Value::Absent(absent) = &mut metric.value else { continue };
            if absent.is_withheld() && absent.check.is_none() {
                let failed =
                    |check: &&PhysicsCheck| check.verdict == CheckVerdict::Failed && check.detail == absent.words;
                absent.check = checks.iter().find(failed).map(|check| check.name.clone());
            }
        }
    }
}

impl<'a> From<&'a Record> for Evidence<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            passport: &record.passport,
            samples: &record.samples,
            readings: &record.readings,
            quality: record.quality.as_ref(),
            calls: &record.calls,
            unjudged: record.unjudged.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::simulation;

    fn other(change: impl FnOnce(&mut Case)) -> Case {
        let mut case = simulation::record().case;
        change(&mut case);
        case
    }

    #[test]
    fn all_cases_of_an_input_take_turns_and_those_with_the_same_settings_stand_in_one_table() {
        let case = other(|_| {});
        let relations = |other: &Case| {
            let [turns, table] = [case.takes_turns_with(other), case.stands_beside(other)];
            assert_eq!((turns, table), (other.takes_turns_with(&case), other.stands_beside(&case)));
            (turns, table, case.setting_apart(other))
        };
        assert_eq!(relations(&other(|case| case.backend = "another".into())), (true, true, None));
        assert_eq!(relations(&other(|case| case.baseline = true)), (true, true, None));
        assert_eq!(relations(&other(|case| case.threads += 1)), (true, false, Some(Setting::Threads)));
        let int4 = other(|case| case.precision = Precision::Int4);
        assert_eq!(relations(&int4), (true, false, Some(Setting::Precision)));
        assert!(case.is_compared_with(&int4));
        let both = other(|case| (case.precision, case.threads) = (Precision::Int4, 7));
        assert_eq!(relations(&both), (true, false, None));
        assert!(!case.is_compared_with(&both) && int4.is_compared_with(&both));
        let build = Case { baseline: true, ..int4 };
        assert_eq!(relations(&build), (true, false, None), "another build may be what sets them apart");
        assert_eq!(relations(&other(|case| case.model = "another".into())), (false, false, None));
        assert_eq!(relations(&other(|case| case.scenario = "another".into())), (false, false, None));
    }
}
