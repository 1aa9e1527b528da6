//! What was measured, and with what: the columns that the rows of a case share.

use std::rc::Rc;

use parquet::data_type::ByteArray;
use pocketwatt_history::{Entry, EntryCase, EntryRun};
use pocketwatt_protocol::GraphKind;
use pocketwatt_record::{Case, Passport, Record, Run};

use crate::output::inert::one_line;

/// A case of a run. Texts are kept as they are written, because each is in every row.
pub struct Identity {
    pub run: ByteArray,
    pub device_name: ByteArray,
    /// Milliseconds since 1970 UTC.
    pub started: Option<i64>,
    pub case: ByteArray,
    pub scenario: ByteArray,
    pub scenario_sha256: ByteArray,
    pub model: ByteArray,
    pub weights_sha256: ByteArray,
    pub backend: ByteArray,
    pub engine: Option<ByteArray>,
    pub engine_version: Option<ByteArray>,
    pub runner_sha256: Option<ByteArray>,
    pub pocketwatt: ByteArray,
    pub graph: Option<ByteArray>,
    pub precision: ByteArray,
    pub threads: i64,
    pub cores: Option<ByteArray>,
    pub constrained: bool,
    pub baseline: bool,
    pub emulated: Option<ByteArray>,
    pub simulated: Option<ByteArray>,
    pub beside: Option<ByteArray>,
    /// The run that measured it: another one where the run was merged.
    pub measured_in: ByteArray,
}

impl Identity {
    /// That of a record.
    pub fn of(run: &Run, record: &Record) -> Rc<Self> {
        Self::new((&run.id, &run.device.name, &run.energy.sysfs_root), &record.case, &record.passport)
    }

    /// That of a case which a history keeps.
    pub fn of_entry(run: &EntryRun, entry: &EntryCase) -> Rc<Self> {
        Self::new((&run.id, &run.device.name, &run.sysfs_root), &entry.case, &entry.passport)
    }

    fn new((run, device, sysfs_root): (&str, &str, &Option<String>), case: &Case, passport: &Passport) -> Rc<Self> {
        let backend = passport.backend.as_ref();
        let optional = |text: &Option<String>| text.as_deref().map(text_cell);
        Rc::new(Self {
            run: text_cell(run),
            device_name: text_cell(device),
            started: i64::try_from(passport.started_unix_ms).ok(),
            case: text_cell(&case.id),
            scenario: text_cell(&case.scenario),
            scenario_sha256: text_cell(&passport.scenario_sha256),
            model: text_cell(&case.model),
            weights_sha256: text_cell(&passport.model.weights_sha256),
            backend: text_cell(&case.backend),
            engine: backend.map(|backend| text_cell(&backend.engine)),
            engine_version: backend.map(|backend| text_cell(&backend.engine_version)),
            runner_sha256: optional(&passport.runner_sha256),
            pocketwatt: text_cell(&passport.pocketwatt),
            graph: case.graph.map(GraphKind::name).map(text_cell),
            precision: text_cell(case.precision.name()),
            threads: case.threads.into(),
            cores: optional(&passport.cores),
            constrained: case.constrained,
            baseline: case.baseline,
            emulated: optional(&passport.emulated),
            simulated: optional(sysfs_root),
            beside: optional(&passport.beside),
            // Records of the first versions do not name their run, and no run was merged from them.
            measured_in: text_cell(passport.run.as_deref().unwrap_or(run)),
        })
    }
}

/// What only a history knows of a case.
pub struct Kept {
    pub commit: ByteArray,
    pub branch: ByteArray,
    /// When the commit was made, milliseconds since 1970 UTC.
    pub committed: Option<i64>,
    pub message: Option<ByteArray>,
    /// SHA-256 of the record's file.
    pub record_sha256: Option<ByteArray>,
}

impl Kept {
    /// That of a case of an entry.
    pub fn of(entry: &Entry, case: &EntryCase) -> Rc<Self> {
        Rc::new(Self {
            commit: text_cell(entry.commit.as_str()),
            branch: text_cell(&entry.branch),
            committed: i64::try_from(entry.time_unix_ms).ok(),
            message: entry.message.as_deref().map(text_cell),
            record_sha256: case.record_sha256.as_deref().map(text_cell),
        })
    }
}

/// An untrusted text: readers print it to terminals.
pub fn text_cell(text: &str) -> ByteArray {
    ByteArray::from(one_line(text).into_bytes())
}
