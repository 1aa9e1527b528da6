//! Two stored runs side by side, with verdicts.

pub mod case_table;
mod data;
pub mod json;
mod words;
mod write;

pub use data::{CalibrationUse, StoredComparison};
pub use words::difference_words;
pub use write::ComparisonFormat;
