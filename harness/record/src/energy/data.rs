//! The energy data in records.

use pocketwatt_meter::energy::{MeterSource, Scope, Unavailable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one scope of the device used during a case, measured through one interface. Figures of several scopes are shown side by
/// side; they overlap, and are never added up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnergyFigure {
    /// The part of the device.
    pub scope: Scope,
    /// Name of the part, for a scope whose parts do not add up, or that has several figures.
    pub part: Option<String>,
    /// The interface.
    pub source: MeterSource,
    /// Ids of the meters whose readings were added up: the packages of a server, one for most devices.
    pub meters: Vec<String>,
    /// How the joules were computed, in a few words: `difference of a counter`, `power summed over time`.
    pub method: String,
    /// Time between two updates of the meter in nanoseconds, where it is known.
    pub update_period_ns: Option<u64>,
    /// Smallest step of the meter, in joules for a counter, in watts for a gauge.
    pub resolution: f64,
    /// Readings taken beside the case.
    pub readings: u64,
    /// Relative error of the meter's scale that its maker states; absent if unknown, and then no uncertainty
    /// includes it.
    pub gain_error: Option<f64>,
    /// Power of the idle device, before and after.
    pub idle: Idle,
    /// One for each phase, in the order of [`Phase`].
    pub phases: Vec<PhaseEnergy>,
    /// Each counted iteration on its own.
    pub iterations: Vec<IterationEnergy>,
}

/// What the device was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Reading and preparing the model.
    Load,
    /// Processing prompts, in all counted iterations.
    Prefill,
    /// Generating from the first output token of a turn to its last, in all counted iterations.
    Decode,
    /// Whole turns, from the start of the prefill to the last token, in all counted iterations.
    Request,
    /// Nothing, before the runner was started.
    IdleBefore,
    /// Nothing, after it had ended.
    IdleAfter,
}

impl Phase {
    /// The phase as the subject of a sentence.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Load => "loading",
            Self::Prefill => "the prefill",
            Self::Decode => "decoding",
            Self::Request => "a request",
            Self::IdleBefore | Self::IdleAfter => "idle",
        }
    }
}

/// Energy of all windows of one phase together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseEnergy {
    /// Which phase.
    pub phase: Phase,
    /// Number of windows that were added up.
    pub windows: u64,
    /// Their total length, in nanoseconds.
    pub duration_ns: u64,
    /// Units of work that used the energy: prompt tokens, decoded tokens, requests (turns); 0 for load and idle.
    pub units: u64,
    /// The time over which it was measured, where it could be; absent in records of older versions, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
    /// All energy of the scope.
    pub gross: Energy,
    /// Gross energy minus what the idle device would have used in the same time.
    pub net: Energy,
}

/// The time over which the energy of a phase was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// Each window separately; their energies are added up.
    Windows,
    /// Several windows together, or all, with the gaps between them.
    Blocks,
}

/// Energy of one counted iteration, all turns together, gross.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IterationEnergy {
    /// Processing prompts.
    pub prefill: Energy,
    /// Generating.
    pub decode: Energy,
    /// Whole turns.
    pub request: Energy,
}

/// Joules with their uncertainty, or why there are none. Never a zero that means "unknown".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Energy {
    /// A number.
    Measured {
        /// Joules.
        joules: f64,
        /// Half the width of the interval that holds the true value with 95 % confidence (coverage factor 2), in joules.
        uncertainty_joules: f64,
    },
    /// No number.
    Unavailable(Unavailable),
}

/// Power of the idle device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Idle {
    /// Before and after the case.
    Measured(IdlePower),
    /// Unknown; then there is no net energy either.
    Unavailable(Unavailable),
}

/// Power of the idle device, before and after a case.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IdlePower {
    /// Mean before, in watts.
    pub before_watts: f64,
    /// Mean after, in watts.
    pub after_watts: f64,
    /// Standard uncertainty of the mean of both, in watts: noise, resolution, and the drift from before to after.
    pub uncertainty_watts: f64,
}

impl IdlePower {
    /// The mean of before and after, in watts.
    pub fn watts(&self) -> f64 {
        f64::midpoint(self.before_watts, self.after_watts)
    }
}

impl Energy {
    /// Joules and their 95 % uncertainty, if there are any.
    pub fn measured(&self) -> Option<(f64, f64)> {
        match self {
            Self::Measured { joules, uncertainty_joules } => Some((*joules, *uncertainty_joules)),
            Self::Unavailable(_) => None,
        }
    }
}

impl EnergyFigure {
    /// A phase of the figure.
    pub fn phase(&self, phase: Phase) -> Option<&PhaseEnergy> {
        self.phases.iter().find(|energy| energy.phase == phase)
    }
}
