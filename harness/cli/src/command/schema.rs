//! `pocketwatt schema`: the shapes of all data that other programs may read or write.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use pocketwatt_protocol::{Event, Request};
use pocketwatt_record::{Calibration, Record, Run};
use schemars::{Schema, schema_for};

use super::output;
use crate::refusal::Refusal;

/// Which schemas, and what to do with them.
#[derive(Args, Debug)]
pub struct SchemaArguments {
    /// The one to print; without it, all of them in one document.
    #[arg(value_enum, conflicts_with_all = ["write", "check"])]
    shape: Option<Shape>,
    /// Write them into a folder, as record.schema.json and so on.
    #[arg(long, value_name = "DIR", conflicts_with = "check")]
    write: Option<PathBuf>,
    /// Fail if those in a folder are not the current ones.
    #[arg(long, value_name = "DIR")]
    check: Option<PathBuf>,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Shape {
    /// The result of one case.
    Record,
    /// A run's plan, `run.json`.
    Run,
    /// The noise between runs of a device, `calibration.json`.
    Calibration,
    /// What the harness writes to a runner.
    Request,
    /// What a runner writes, one a line.
    Event,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Shape::Record => "record",
            Shape::Run => "run",
            Shape::Calibration => "calibration",
            Shape::Request => "request",
            Shape::Event => "event",
        }
    }

    fn schema(self) -> Schema {
        match self {
            Shape::Record => schema_for!(Record),
            Shape::Run => schema_for!(Run),
            Shape::Calibration => schema_for!(Calibration),
            Shape::Request => schema_for!(Request),
            Shape::Event => schema_for!(Event),
        }
    }

    fn path(self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.schema.json", self.name()))
    }

    fn text(self) -> Result<String> {
        Ok(serde_json::to_string_pretty(&self.schema())? + "\n")
    }
}

/// Prints the schemas, or writes or checks the files that hold them.
///
/// # Errors
/// When a file cannot be read or written, or is not the current schema.
pub fn run(arguments: SchemaArguments) -> Result<()> {
    match (&arguments.write, &arguments.check) {
        (Some(folder), _) => write(folder),
        (None, Some(folder)) => check(folder),
        (None, None) => match arguments.shape {
            Some(shape) => output::write(&shape.text()?),
            None => output::write(&all()?),
        },
    }
}

fn all() -> Result<String> {
    let schemas: BTreeMap<&str, Schema> =
        Shape::value_variants().iter().map(|shape| (shape.name(), shape.schema())).collect();
    Ok(serde_json::to_string_pretty(&schemas)? + "\n")
}

fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for shape in Shape::value_variants() {
        let path = shape.path(folder);
        fs::write(&path, shape.text()?).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn check(folder: &Path) -> Result<()> {
    let mut stale = Vec::new();
    for shape in Shape::value_variants() {
        let path = shape.path(folder);
        let stored = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if stored != shape.text()? {
            stale.push(path.display().to_string());
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(Refusal::error(format!(
        "not the current schema: {}; `pocketwatt schema --write {}` makes them current",
        stale.join(", "),
        folder.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_schemas_are_current_until_one_changes() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        check(folder.path()).unwrap();
        let path = Shape::Event.path(folder.path());
        let changed = fs::read_to_string(&path).unwrap().replace("hello", "hallo");
        fs::write(&path, changed).unwrap();
        let error = check(folder.path()).unwrap_err().to_string();
        assert!(error.contains("event.schema.json") && !error.contains("record.schema.json"), "{error}");
    }

    #[test]
    fn a_missing_schema_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = check(folder.path()).unwrap_err().to_string();
        assert!(error.contains("cannot read") && error.contains("record.schema.json"), "{error}");
    }

    #[test]
    fn schemas_describe_the_fields() {
        let record = Shape::Record.text().unwrap();
        for part in ["\"title\": \"Record\"", "Where every number comes from.", "kv_cache_bytes"] {
            assert!(record.contains(part), "{part}");
        }
    }
}
