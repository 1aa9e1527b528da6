//! The engines and the weights that were measured.

use pocketwatt_protocol::Precision;
use pocketwatt_record::{Outcome, Record};

use crate::output::inert::one_line;

/// Characters of a sha256 that are enough to distinguish files at a glance.
const HASH_CHARACTERS: usize = 12;
/// Backend, engine version and graph.
pub fn engine_of(record: &Record) -> Option<String> {
    let backend = record.passport.backend.as_ref()?;
    Some(format!("{}: {}, {}", one_line(&record.case.backend), engine(record)?, computes(record, backend)))
}

fn computes(record: &Record, backend: &pocketwatt_protocol::BackendInfo) -> String {
    let what = match (record.case.graph, &record.samples.loaded) {
        (Some(graph), _) => format!("graph {}", graph.name()),
        (None, Some(loaded)) => one_line(&loaded.model.implementation),
        (None, None) => "own model".into(),
    };
    format!("{what}, on {}", one_line(&backend.accelerator))
}

/// `tract 0.23.9`.
pub fn engine(record: &Record) -> Option<String> {
    let backend = record.passport.backend.as_ref()?;
    Some(format!("{} {}", one_line(&backend.engine), one_line(&backend.engine_version)))
}

/// The weights of its case, unless there never were any.
pub fn weights_of(record: &Record) -> Option<String> {
    // A case that was skipped for its precision may have no weights in it.
    let made = record.outcome == Outcome::Measured
        || record.case.precision == Precision::F32
        || record.passport.model.rounded_sha256.is_some();
    made.then(|| {
        let model = &record.passport.model;
        let mebibytes = model.weight_bytes as f64 / (1u64 << 20) as f64;
        let hash = hash_prefix(model.rounded_sha256.as_ref().unwrap_or(&model.weights_sha256));
        let precision = record.case.precision.name();
        let origin = one_line(&model.origin);
        let origin = match &model.rounded_sha256 {
            Some(_) => format!("made from {}, {origin}", hash_prefix(&model.weights_sha256)),
            None => origin,
        };
        let millions = model.parameters as f64 / 1e6;
        format!(
            "{}: {millions:.1} M weights, {precision}, {mebibytes:.0} MiB, sha256 {hash}, {origin}",
            one_line(&model.name)
        )
    })
}

/// Remarks about how its model's text becomes tokens, if the case used text.
pub fn remarks_of(record: &Record) -> Vec<String> {
    let model = &record.passport.model;
    model.remarks.iter().map(|remark| one_line(&format!("{}: {remark}", model.name))).collect()
}

/// The beginning of a hash.
fn hash_prefix(hash: &str) -> String {
    hash.chars().take(HASH_CHARACTERS).collect()
}
