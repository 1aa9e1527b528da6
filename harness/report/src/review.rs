//! What the head of a change is worth beside its base, for those who review it: Markdown for a pull request and for a job's summary,
//! and a document for programs.

mod builds;
mod comment;
mod data;
mod document;
mod facts;
mod parts;
mod section;
#[cfg(test)]
mod tests;
mod words;

pub use builds::{Builds, Overall};
pub use data::{Consequence, Review};
