//! Two stored runs side by side, with verdicts.

pub mod case_table;
mod data;
pub mod json;
mod words;
mod write;

pub use data::{CalibrationUse, StoredComparison};
pub use words::{difference_words, difference_words_of};
pub use write::ComparisonFormat;
