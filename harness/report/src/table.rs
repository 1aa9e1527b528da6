//! The data of a table: rows of finished cells.

mod cell;
mod content;
mod footnotes;
mod row;
mod scale;
mod tally;

pub use cell::{Cell, CellContent};
pub use content::Table;
pub use footnotes::Footnotes;
pub use row::{Found, Row, Subject, largest};
pub use scale::{Scale, decimals, scale};
pub use tally::Tally;
