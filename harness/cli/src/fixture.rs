//! A stored run and a record of it, for tests.

use std::path::Path;

use pocketwatt_record::{Record, Run, RunFolder, read_record};

const STORED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/records/1.5");

/// The run.
pub fn run() -> Run {
    RunFolder::open(Path::new(STORED)).run().unwrap()
}

/// A case of it that was measured.
pub fn record() -> Record {
    read_record(&Path::new(STORED).join("cases/measured.json")).unwrap()
}
