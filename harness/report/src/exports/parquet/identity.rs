//! What was measured, and with what: the columns that the rows of a case share.

use std::rc::Rc;

use parquet::data_type::ByteArray;
use pocketwatt_history::{Entry, EntryCase, EntryRun, MissingCase};
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
    pub scenario_sha256: Option<ByteArray>,
    pub model: ByteArray,
    pub weights_sha256: Option<ByteArray>,
    pub backend: ByteArray,
    pub engine: Option<ByteArray>,
    pub engine_version: Option<ByteArray>,
    pub runner_sha256: Option<ByteArray>,
    pub pocketwatt: Option<ByteArray>,
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
        let sysfs_root = run.energy.sysfs_root.as_deref();
        Rc::new(Self::new((&run.id, &run.device.name, sysfs_root), &record.case, Some(&record.passport)))
    }

    /// That of a case which a history keeps.
    pub fn of_entry(run: &EntryRun, entry: &EntryCase) -> Rc<Self> {
        Rc::new(Self::new(of_run(run), &entry.case, Some(&entry.passport)))
    }

    /// That of a case of which a history knows that it has no record.
    pub fn of_missing(run: &EntryRun, missing: &MissingCase) -> Rc<Self> {
        Rc::new(Self {
            pocketwatt: Some(text_cell(&run.pocketwatt)),
            cores: missing.cores.as_deref().map(text_cell),
            ..Self::new(of_run(run), &missing.case, None)
        })
    }

    fn new((run, device, sysfs_root): OfRun<'_>, case: &Case, passport: Option<&Passport>) -> Self {
        let text = |of: fn(&Passport) -> Option<&String>| passport.and_then(of).map(|text| text_cell(text));
        let backend = passport.and_then(|passport| passport.backend.as_ref());
        Self {
            run: text_cell(run),
            device_name: text_cell(device),
            started: passport.and_then(|passport| i64::try_from(passport.started_unix_ms).ok()),
            case: text_cell(&case.id),
            scenario: text_cell(&case.scenario),
            scenario_sha256: text(|passport| Some(&passport.scenario_sha256)),
            model: text_cell(&case.model),
            weights_sha256: text(|passport| Some(&passport.model.weights_sha256)),
            backend: text_cell(&case.backend),
            engine: backend.map(|backend| text_cell(&backend.engine)),
            engine_version: backend.map(|backend| text_cell(&backend.engine_version)),
            runner_sha256: text(|passport| passport.runner_sha256.as_ref()),
            pocketwatt: text(|passport| Some(&passport.pocketwatt)),
            graph: case.graph.map(GraphKind::name).map(text_cell),
            precision: text_cell(case.precision.name()),
            threads: case.threads.into(),
            cores: text(|passport| passport.cores.as_ref()),
            constrained: case.constrained,
            baseline: case.baseline,
            emulated: text(|passport| passport.emulated.as_ref()),
            simulated: sysfs_root.map(text_cell),
            beside: text(|passport| passport.beside.as_ref()),
            // Records of the first versions do not name their run, and no run was merged from them.
            measured_in: text_cell(passport.and_then(|passport| passport.run.as_deref()).unwrap_or(run)),
        }
    }
}

/// The names of a run and its device, and the tree from which meters were read, where they were simulated.
type OfRun<'a> = (&'a str, &'a str, Option<&'a str>);

fn of_run(run: &EntryRun) -> OfRun<'_> {
    (&run.id, &run.device.name, run.sysfs_root.as_deref())
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
    /// That of a case of an entry, with the digest of its record.
    pub fn of(entry: &Entry, record_sha256: Option<&str>) -> Rc<Self> {
        Rc::new(Self {
            commit: text_cell(entry.commit.as_str()),
            branch: text_cell(&entry.branch),
            committed: i64::try_from(entry.time_unix_ms).ok(),
            message: entry.message.as_deref().map(text_cell),
            record_sha256: record_sha256.map(text_cell),
        })
    }
}

/// An untrusted text: readers print it to terminals.
pub fn text_cell(text: &str) -> ByteArray {
    ByteArray::from(one_line(text).into_bytes())
}
