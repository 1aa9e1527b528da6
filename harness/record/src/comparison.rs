//! Whether a metric is better in one case than in another: by the blocks in which both were measured, or, for cases that were
//! measured at different times, by what is known about the noise between runs.

mod apart;
mod beforehand;
mod by_block;
mod chained;
mod differences;
mod family;
mod judged;
mod scopes;
mod stored_pair;
#[cfg(test)]
mod tests;
mod together;
mod verdict;

pub use beforehand::{Intended, obstacles_beforehand};
pub use by_block::{BlockValues, block_values};
pub use differences::{Difference, DifferenceKind, Origin, Property, differences, has_same_lengths};
pub use family::{Compared, Contest, MARGIN, compare_all, widest, winner};
pub use judged::judge;
pub use stored_pair::{Basis, StoredContest, StoredPair, StoredRatio};
pub use together::took_turns;
pub use verdict::Verdict;
