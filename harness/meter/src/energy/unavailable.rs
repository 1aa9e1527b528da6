use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MeterSource, Scope};

/// Why a number of joules does not exist, for programs and for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unavailable {
    /// For programs, and the few words of a table.
    pub reason: Reason,
    /// What was seen, and the next step; one line.
    pub hint: String,
}

/// Why there is no energy figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The device has no such meter.
    NoMeter,
    /// A virtual machine, whose host keeps its meters to itself.
    VirtualMachine,
    /// The meter is there, and the user may not read it.
    NotPermitted,
    /// The meter is there, and something was laid over it, as container engines do.
    Covered,
    /// The meter is there, and gives nothing or nonsense.
    Unreadable,
    /// A charger feeds the device: the battery's figures say nothing about consumption.
    ChargerConnected,
    /// The window is too short for the meter's resolution or update period.
    BelowResolution,
    /// The counter went backwards without having wrapped.
    WentBackwards,
    /// The meter gave readings, then none.
    Vanished,
    /// It measures the very same thing as another meter, which is used.
    Duplicate,
    /// The user chose other meters, or none.
    NotChosen,
    /// This build of the program, or this kernel, cannot read it.
    NotSupported,
    /// No reading covers the window.
    NotCovered,
    /// The number exists and cannot be true.
    Implausible,
}

impl Reason {
    /// The few words that a table has room for.
    pub fn words(self) -> &'static str {
        match self {
            Self::NoMeter => "no meter",
            Self::VirtualMachine => "virtual machine: no meter",
            Self::NotPermitted => "not permitted",
            Self::Covered => "covered (container)",
            Self::Unreadable => "meter unreadable",
            Self::ChargerConnected => "charger connected",
            Self::BelowResolution => "below resolution",
            Self::WentBackwards => "counter went backwards",
            Self::Vanished => "meter vanished",
            Self::Duplicate => "same as another meter",
            Self::NotChosen => "not chosen",
            Self::NotSupported => "not supported",
            Self::NotCovered => "no readings",
            Self::Implausible => "implausible",
        }
    }
}

impl Reason {
    /// Whether the next reading may work all the same: the meter is there, and gave nothing this time.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Unreadable | Self::NotPermitted)
    }
}

impl Unavailable {
    /// The reason with what was seen and the next step.
    pub fn new(reason: Reason, hint: impl Into<String>) -> Self {
        Self { reason, hint: hint.into() }
    }
}

/// A meter, or a kind of meter, that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AbsentMeter {
    /// The interface.
    pub source: MeterSource,
    /// Its id where it is known: `powercap:package-0`; the interface's name where there is nothing at all.
    pub id: String,
    /// What it would cover, where that is known.
    pub scope: Option<Scope>,
    /// Why.
    pub unavailable: Unavailable,
}
