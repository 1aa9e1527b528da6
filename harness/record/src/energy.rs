//! Energy of the phases of a case: readings combined with the runner's time stamps on the monotonic clock. The formulas are
//! in METHODOLOGY.md, "Energy".

#[cfg(test)]
mod break_test;
mod counter;
mod curve;
mod data;
mod figure;
#[cfg(test)]
mod figure_test;
mod gauge;
mod idle;
mod meters;
mod pieces;
mod power;
mod resolution;
#[cfg(test)]
pub(crate) mod simulation;
mod spans;
mod step;
mod stretch;
mod told;
mod totals;
#[cfg(test)]
mod truth_test;
mod turn;
mod uncertain;
mod variance;
mod window;
mod witness;

pub use data::{Energy, EnergyFigure, Idle, IdlePower, IterationEnergy, Over, Phase, PhaseEnergy};
pub(crate) use figure::FigureMeters;
pub use figure::derive_energy;
pub(crate) use meters::groups;
pub use power::{Course, CurveEnd, EnergyPoint, PowerCurve, PowerPoint, power_curves};
pub(crate) use spans::{Spans, duration_ns};
pub(crate) use stretch::mean_powers;
pub(crate) use turn::TurnMeters;
pub(crate) use uncertain::Uncertain;
pub use window::{Together, energies_together, energy_between};
pub use witness::refuted;
