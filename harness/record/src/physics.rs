//! Whether a record's numbers can be true at all. What cannot is withheld from its metrics, with the numbers in words.

mod bandwidth;
mod check;
mod energy;
mod finding;
mod quality;
#[cfg(test)]
mod tests;

pub(crate) use check::check;
