//! The tables of a study.

pub mod comparison;
pub mod slopes;
