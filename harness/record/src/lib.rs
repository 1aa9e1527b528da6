//! What is stored of a measurement, and what is computed from it: records with a passport, the metric catalogue with
//! its formulas, and statistics. Pure functions: nothing here measures.

mod amount;
mod calls;
mod catalogue;
mod derive;
mod energy;
mod format;
#[cfg(test)]
mod hostile_test;
mod line;
mod observer;
mod physics;
mod quality;
mod record;
mod run;
mod statistics;
mod store;
mod sustained;
mod turns;

pub use amount::Amount;
pub use calls::{AnswerWorth, CallAnswer, Unjudged, distinct_answers};
pub use catalogue::{Direction, Metric, Unit, catalogue, metric};
pub use derive::{decode_throughput, derive, derive_metrics};
pub use energy::{Course, CurveEnd, EnergyPoint, PowerCurve, PowerPoint, power_curves};
pub use energy::{
    Energy, EnergyFigure, Idle, IdlePower, IterationEnergy, Over, Phase, PhaseEnergy, Together, derive_energy,
    energies_together, energy_between, refuted,
};
pub use format::{FormatVersion, RECORD_FORMAT, read_record, read_run};
pub use line::{Line, fit_line};
pub use observer::ObserverCost;
pub use quality::{F32_TOLERANCE, Logits, Quality, QualityFigures};
pub use record::{
    BatteryAssumption, Case, CheckVerdict, LeftOut, MetricScope, MetricValue, ModelPassport, Outcome, Passport,
    PhysicsCheck, Precision, Record, Samples, Value,
};
pub use run::{
    EnergyPlan, MOST_ITERATIONS, MOST_SETTLE_MS, MOST_THREADS, MOST_TIMEOUT_S, MOST_WARMUP_ITERATIONS, PlanError,
    PlannedCase, Run, RunSettings, ScenarioSource, StudySource,
};
pub use statistics::{ShareInterval, Summary, median_interval, percentile, wilson_interval};
pub use store::{
    Contents, Damage, DamageKind, Damaged, Latest, Records, RunFolder, StoreError, latest_run, stored_runs,
};
pub use sustained::{Stretch, Stretches, hottest, stretches};
pub use turns::{TurnFigures, turns, turns_of_conversations};
