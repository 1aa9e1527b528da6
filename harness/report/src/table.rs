//! The data of a table: rows of finished cells.

mod content;
mod estimate;
mod row;
mod scale;

pub use content::Table;
pub use estimate::Estimate;
pub use row::{Cell, Footnotes, Found, Row, Subject, largest};
pub use scale::{Scale, decimals, scale};
