//! A chart as it is drawn.

use crate::charts::canvas::Drawing;

/// A drawing, and what it says in words.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it is about: `Decode throughput (more is better)`.
    pub title: String,
    /// What it shows, in sentences with numbers, for people who do not see it.
    pub description: String,
    /// The picture.
    pub drawing: Drawing,
}
