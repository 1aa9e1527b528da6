//! Where a series of measurements changed its level. METHODOLOGY.md ("Changes over time") has the formulas and the error rates.

mod course;
mod rank_sum;
mod search;
mod shift;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

pub use rank_sum::RankSums;
pub use search::{ChangePoint, LEAST_VALUES, change_points, could_be_found};
pub use shift::Shift;
