//! The columns of a table: a name, a type, and where a row has its value. Every one may be null.

use parquet::data_type::ByteArray;

/// A column of rows of type `R`.
pub struct Column<R> {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: Values<R>,
}

/// Of each row, the value in a column; `None` is null.
pub enum Values<R> {
    /// UTF-8, and few different ones.
    Text(fn(&R) -> Option<ByteArray>),
    /// A whole number.
    Whole(fn(&R) -> Option<i64>),
    /// A whole number that is another one in nearly every row.
    Count(fn(&R) -> Option<i64>),
    /// A number.
    Real(fn(&R) -> Option<f64>),
    /// Yes or no.
    Truth(fn(&R) -> Option<bool>),
    /// Milliseconds since 1970 UTC.
    Instant(fn(&R) -> Option<i64>),
}

/// A column whose rows have its values there.
pub const fn column<R>(name: &'static str, values: Values<R>) -> Column<R> {
    Column { name, values }
}
