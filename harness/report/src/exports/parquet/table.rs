//! A Parquet file that is written a group of rows at a time, with the format's version among its metadata.

use std::{
    fs::{self, File},
    io, mem,
    path::Path,
    sync::Arc,
};

use anyhow::Context;
use parquet::{
    basic::{Compression, Encoding, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{BoolType, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{WriterProperties, WriterVersion},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::{ColumnPath, Type},
};
use pocketwatt_files::write_atomically;

use super::columns::{Column, Values};

/// Version of the tables: a new minor version adds columns, a new major version changes some.
const FORMAT: &str = "1.2";
/// Rows that are compressed together, and kept in memory until then.
const ROWS_OF_GROUP: usize = 100_000;

/// An open file.
pub struct Table<'a, R: 'static> {
    columns: Vec<&'static Column<R>>,
    rows: Vec<R>,
    file: SerializedFileWriter<&'a mut File>,
}

/// Writes a file and the folders that lead to it. Its rows are added by `fill`, its columns are those of all groups, in their order; it
/// appears whole or not at all.
///
/// # Errors
/// When it cannot be written, and those of `fill`.
pub fn write<R>(
    path: &Path,
    dataset: &str,
    groups: &[&'static [Column<R>]],
    fill: impl FnOnce(&mut Table<'_, R>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let columns = groups.iter().copied().flatten().collect();
    let mut outcome = Ok(());
    write_atomically(path, |file| {
        outcome = written(file, dataset, columns, fill);
        // A file that is not complete does not replace another one.
        if outcome.is_err() { Err(io::Error::other("it is not complete")) } else { Ok(()) }
    })
    .or_else(|error| outcome.and(Err(error.into())))
    .with_context(|| format!("cannot write {}", path.display()))
}

fn written<R>(
    file: &mut File,
    dataset: &str,
    columns: Vec<&'static Column<R>>,
    fill: impl FnOnce(&mut Table<'_, R>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let schema = schema(dataset, &columns)?;
    let file = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties(dataset, &columns)))?;
    let mut table = Table { columns, rows: Vec::new(), file };
    fill(&mut table)?;
    table.end_group()?;
    table.file.close()?;
    Ok(())
}

impl<R> Table<'_, R> {
    /// Adds a row.
    ///
    /// # Errors
    /// When a group cannot be written.
    pub fn add(&mut self, row: R) -> anyhow::Result<()> {
        self.rows.push(row);
        if self.rows.len() == ROWS_OF_GROUP { self.end_group() } else { Ok(()) }
    }

    fn end_group(&mut self) -> anyhow::Result<()> {
        let rows = mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for column in &self.columns {
            let Some(writer) = group.next_column()? else { break };
            match column.values {
                Values::Text(of) => put::<ByteArrayType, R>(writer, &rows, of),
                Values::Whole(of) | Values::Count(of) | Values::Instant(of) => put::<Int64Type, R>(writer, &rows, of),
                Values::Real(of) => put::<DoubleType, R>(writer, &rows, of),
                Values::Truth(of) => put::<BoolType, R>(writer, &rows, of),
            }?;
        }
        group.close()?;
        Ok(())
    }
}

fn put<T: DataType, R>(
    mut writer: SerializedColumnWriter<'_>,
    rows: &[R],
    value: fn(&R) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = rows.iter().map(value).collect();
    // A value is there at level 1, and null at level 0.
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let known: Vec<T::T> = values.into_iter().flatten().collect();
    writer.typed::<T>().write_batch(&known, Some(&levels), None)?;
    writer.close()
}

fn schema<R>(dataset: &str, columns: &[&Column<R>]) -> Result<Type, ParquetError> {
    let fields = columns.iter().map(|column| {
        let (physical, logical) = match column.values {
            Values::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Values::Whole(_) | Values::Count(_) => (Physical::INT64, None),
            Values::Real(_) => (Physical::DOUBLE, None),
            Values::Truth(_) => (Physical::BOOLEAN, None),
            Values::Instant(_) => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        };
        let field = Type::primitive_type_builder(column.name, physical).with_logical_type(logical);
        Ok(Arc::new(field.with_repetition(Repetition::OPTIONAL).build()?))
    });
    Type::group_type_builder(dataset).with_fields(fields.collect::<Result<_, ParquetError>>()?).build()
}

fn properties<R>(dataset: &str, columns: &[&Column<R>]) -> WriterProperties {
    let about = |key: &str, value: &str| KeyValue::new(format!("pocketwatt.{key}"), value.to_owned());
    let mut properties = WriterProperties::builder()
        .set_created_by(format!("pocketwatt {}", env!("CARGO_PKG_VERSION")))
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(vec![about("format", FORMAT), about("dataset", dataset)]));
    // A dictionary of numbers of which each is another one is larger than the numbers.
    for column in columns.iter().filter(|column| matches!(column.values, Values::Count(_))) {
        let path = ColumnPath::from(column.name);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    properties.build()
}
