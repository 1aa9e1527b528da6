//! Two stored runs side by side, with verdicts.

mod case_table;
mod data;
mod json;
mod words;
mod write;

pub use data::{CalibrationUse, StoredComparison};
pub use words::difference_words;
pub use write::ComparisonFormat;
