//! Results for people and programs: tables, exports, charts and the generated text, from stored records alone.
//!
//! From the bottom up, and none uses what stands after it: `output` (what any text needs), `table` (the data of a table), `cases`
//! (stored results, and which of them stand side by side), `facts` (where numbers come from), `tables` (what fills a table),
//! `charts`, `formats` (a terminal, Markdown, CSV, JSON), `comparison` (of two stored runs), `exports` (what other programs read),
//! `pages` (what a browser shows), and `review` (what a change is worth, for a pull request).

mod cases;
pub mod charts;
mod comparison;
mod exports;
mod facts;
#[cfg(test)]
mod fixture;
mod formats;
pub mod output;
mod pages;
mod review;
mod table;
mod tables;
#[cfg(test)]
mod tests;

pub use cases::{Results, Stored, all_without_series};
pub use comparison::{CalibrationUse, ComparisonFormat, StoredComparison, difference_words};
pub use exports::{ExportFormat, Exported, export, export_folder, export_history, other_history_in};
pub use facts::{imitations_of, starts, unanswered};
pub use formats::{Format, answers, calls, write, write_devices, write_turns};
pub use output::{Output, Paint, Style, paragraph, strip_foreign_escapes, text_of};
pub use pages::{ReportedRun, SITE_FOLDERS, SiteFile, Wishes, dashboard, report};
pub use review::{Builds, Consequence, Overall, Review};
pub use table::Tally;
pub use tables::{METRICS as COMPARED_METRICS, NoiseOfCase, PlannedBlocks, baseline_tally, noise_text};
