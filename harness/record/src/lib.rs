//! What is stored about a measurement, and what is computed from it: records with a passport, the metric catalogue with
//! its formulas, and statistics. Pure functions: nothing here measures.

mod absent;
mod amount;

mod block;
mod calibration;
mod calls;
mod comparison;
mod derive;
mod disturbance;
mod energy;
mod estimate;
mod evidence;
mod format;
#[cfg(test)]
mod hostile_test;
mod launch;
mod line;
mod merge;
mod metrics;
mod noise;
mod passport;
mod physics;
mod quality;
mod record;
mod run;
mod samples;
mod sampling_overhead;
mod share;
mod spoiled;
mod statistics;
mod store;
mod stored;
mod sustained;
mod turns;
mod value;
mod version;
mod wait;

pub use absent::{Absent, AbsentKind};
pub use amount::Amount;

pub(crate) use block::impossible;
pub use block::{Block, MOST_BLOCKS};
pub use calibration::{CALIBRATION_FORMAT, CalibratedDevice, Calibration, Noise, Unsuitable};
pub use calls::{AnswerWorth, CallAnswer, Unjudged, distinct_answers};
pub use comparison::{
    Basis, BlockValues, Compared, Contest, Difference, DifferenceKind, Intended, MARGIN, Origin, Property,
    StoredContest, StoredPair, StoredRatio, Verdict, block_values, compare_all, differences, has_same_lengths, judge,
    obstacles_beforehand, took_turns, widest, winner,
};
pub use derive::{derive, derive_metrics, observations};
pub use disturbance::{Circumstances, Disturbance, DisturbanceKind};
pub(crate) use energy::Uncertain;
pub use energy::{Course, CurveEnd, EnergyPoint, PowerCurve, PowerPoint, power_curves};
pub use energy::{
    Energy, EnergyFigure, Idle, IdlePower, IterationEnergy, Over, Phase, PhaseEnergy, Together, derive_energy,
    energies_together, energy_between, refuted,
};
pub use estimate::{Estimate, estimate};
pub use evidence::Evidence;
pub use format::{read_record, read_run};
pub(crate) use launch::{Launch, Launches};
pub use line::{Line, fit_line};
pub use merge::{Measurers, MergeError, merge};
pub use metrics::{
    CallMetric, Direction, EnergyMetric, MachineMetric, Metric, MetricId, MetricName, QualityMetric, SpeedMetric,
    SustainedMetric, Unit, bytes_per_decoded_token, catalogue, decode_throughput,
};
pub use noise::{MeasuredNoise, blocks_to_detect, detectable_in, measured_noise};
pub use passport::{BatteryAssumption, LeftOut, ModelPassport, Passport};
pub use quality::{F32_TOLERANCE, Logits, Quality, QualityFigures};
pub use record::{Case, CheckVerdict, Outcome, PhysicsCheck, Precision, Record, Setting};
pub use run::{
    Against, Baseline, CoolDownSettings, CoolDownTarget, EnergyPlan, GateSettings, MOST_ITERATIONS, MOST_SETTLE_MS,
    MOST_SHARDS, MOST_THREADS, MOST_TIMEOUT_S, MOST_WARMUP_ITERATIONS, Merged, MergedShard, PinnedCores, PlanError,
    PlannedCase, Run, RunSettings, ScenarioSource, Shard, ShardCase, StudySource, Target, TurnSettings,
};
pub use samples::Samples;
pub use sampling_overhead::SamplingOverhead;
pub use share::{Share, share, share_of};
pub use spoiled::Spoiled;
pub use statistics::{
    ChangePoint, LEAST_VALUES, Paired, RankSums, Ratio, ShareInterval, Shift, Statistic, Summary, UnpairedRatio,
    change_points, could_be_found, median_interval, percentile, student_quantile, wilson_interval,
};
pub use store::{
    Contents, Damage, DamageKind, Damaged, Latest, Records, RunFolder, StoreError, latest_run, stored_runs,
};
pub use sustained::{Stretch, Stretches, hottest, stretches};
pub use turns::{TurnFigures, turns, turns_of_conversations};
pub(crate) use value::impossible_metrics;
pub use value::{MetricScope, MetricValue, Value};
pub use version::{FormatVersion, RECORD_FORMAT};
pub use wait::{GateKind, Wait};
