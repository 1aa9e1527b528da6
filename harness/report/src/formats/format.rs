//! The ways in which results are written.

use clap::ValueEnum;

/// How results are written to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal.
    #[default]
    Table,
    /// GitHub-flavoured Markdown with the same content as the table.
    Markdown,
    /// One line per case and metric, base units.
    Csv,
    /// One document with every summary; the raw samples stay in the records.
    Json,
}
