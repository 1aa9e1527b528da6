//! Checks whether a record's numbers are possible. Impossible ones are withheld from its metrics, with the numbers in the reason.

mod bandwidth;
mod check;
mod energy;
mod finding;
mod quality;
#[cfg(test)]
mod tests;

pub(crate) use check::check;
