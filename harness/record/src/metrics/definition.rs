//! The catalogue's entry for a metric, and how a family of metrics is declared.

use pocketwatt_meter::TimeSpan;
use pocketwatt_protocol::Iteration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Absent, EnergyFigure, Evidence, Passport, Stretches, Uncertain, energy::Spans};

/// Whether more or less of a metric is better for a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Less is better.
    LowerIsBetter,
    /// More is better.
    HigherIsBetter,
    /// Neither: context that explains other metrics.
    Informative,
}

/// What a metric's numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Nanoseconds.
    Nanoseconds,
    /// Tokens per second.
    TokensPerSecond,
    /// Bytes.
    Bytes,
    /// A share of one, shown in per cent.
    Fraction,
    /// Processor cores kept busy.
    Cores,
    /// Joules.
    Joules,
    /// Watts.
    Watts,
    /// Joules times seconds.
    JouleSeconds,
    /// Tokens for a watt-hour.
    TokensPerWattHour,
    /// Hours.
    Hours,
    /// Natural units of information.
    Nats,
    /// Degrees Celsius.
    DegreesCelsius,
    /// Hertz.
    Hertz,
    /// A number without a unit.
    One,
}

impl Unit {
    /// Its symbol as in records: `ns`, `tokens/s`; empty for a number without a unit.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::TokensPerSecond => "tokens/s",
            Self::Bytes => "bytes",
            Self::Fraction => "share",
            Self::Cores => "cores",
            Self::Joules => "J",
            Self::Watts => "W",
            Self::JouleSeconds => "J s",
            Self::TokensPerWattHour => "tokens/Wh",
            Self::Hours => "h",
            Self::Nats => "nats",
            Self::DegreesCelsius => "°C",
            Self::Hertz => "Hz",
            Self::One => "",
        }
    }
}

/// One entry of the metric catalogue: the same name and label in records, tables, charts and METHODOLOGY.md.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Name in records.
    pub name: &'static str,
    /// Label in tables.
    pub label: &'static str,
    /// What the numbers count.
    pub unit: Unit,
    /// Whether more or less is better.
    pub direction: Direction,
    /// What one observation covers.
    pub observation: &'static str,
    /// One observation, in the fields of the protocol's events.
    pub formula: &'static str,
    /// The same for the computer.
    pub(crate) observe: Observe,
}

/// How a metric is computed from the observations of a case.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Observe {
    /// From the time stamps of iterations: of all counted ones, or of one round.
    Iterations(fn(&Passport, &[&Iteration]) -> Observations),
    /// Once for each launch of the runner: once in a case, or in each of its blocks.
    Launch(fn(&Evidence<'_>) -> Observations),
    /// Once for a case, or from other data than its iterations.
    Case(fn(&Evidence<'_>) -> Observations),
    /// From the first and the last rounds of a sustained case.
    Stretches(fn(&Evidence<'_>, &Stretches<'_>) -> Observations),
    /// From the energy of the phases, once for each figure.
    Figure(fn(&Consumption<'_>) -> Result<Uncertain, Absent>),
    /// The mean power in some rounds of a sustained case, once for each figure.
    Power(fn(&Stretches<'_>) -> TimeSpan),
}

/// The observations of a metric, or why there are none.
pub(crate) type Observations = Result<Vec<f64>, Absent>;

/// The energy that one scope used during a case, and its purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Consumption<'a> {
    pub case: Evidence<'a>,
    pub figure: &'a EnergyFigure,
    /// The phases of all counted iterations.
    pub spans: &'a Spans,
}

/// Declares a family of metrics: a type with one variant for each, and the definition of each. A part that is missing does not
/// compile, so a new metric needs no other place. One that says nearly the same as another one of the family may follow it.
macro_rules! metrics {
    ($(#[$about:meta])* $family:ident {
        $($metric:ident = $name:literal {
            label: $label:literal,
            unit: $unit:ident,
            direction: $direction:ident,
            $(follows: $followed:ident,)?
            observation: $observation:literal,
            formula: $formula:literal,
            observe: $observe:expr,
        })*
    }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $family {
            $(#[doc = concat!("`` ", $formula, " ``")] $metric,)*
        }

        impl $family {
            /// All metrics of the family, in the order of records and tables.
            pub const ALL: &[Self] = &[$(Self::$metric),*];

            /// The metric that says nearly the same and is tested before it, if there is one.
            pub(crate) fn followed(self) -> Option<Self> {
                let followed: &[Self] = match self {
                    $(Self::$metric => &[$(Self::$followed)?],)*
                };
                followed.first().copied()
            }

            /// Its entry in the catalogue.
            pub fn definition(self) -> &'static $crate::metrics::definition::Metric {
                use $crate::metrics::definition::{Direction, Metric, Unit};
                match self {
                    $(Self::$metric => const {
                        &Metric {
                            name: $name,
                            label: $label,
                            unit: Unit::$unit,
                            direction: Direction::$direction,
                            observation: $observation,
                            formula: $formula,
                            observe: $observe,
                        }
                    },)*
                }
            }
        }
    };
}

pub(crate) use metrics;
