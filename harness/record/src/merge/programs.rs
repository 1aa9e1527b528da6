//! Cases of one run are compared, so the same programs and models have to have measured them.

use std::collections::{BTreeMap, btree_map::Entry};

use pocketwatt_protocol::Precision;

use super::error::MergeError;
use crate::{ModelPassport, Record};

/// What has measured so far, and in which run it was seen first.
#[derive(Debug, Default)]
pub struct Measurers {
    runners: BTreeMap<(String, bool), (String, String)>,
    libraries: BTreeMap<(String, bool), (String, String)>,
    models: BTreeMap<(String, Precision), (Files, String)>,
}

/// SHA-256 of the files of a model; where they were imported from differs from machine to machine.
type Files = [Option<String>; 4];

impl Measurers {
    /// Adds those of a record of a run; what was skipped was measured by nothing.
    ///
    /// # Errors
    /// When the runner, its library or the model is another one than in a run before.
    pub fn add(&mut self, record: &Record, run: &str) -> Result<(), MergeError> {
        let (case, passport) = (&record.case, &record.passport);
        let Some(runner) = &passport.runner_sha256 else { return Ok(()) };
        let build = || (case.backend.clone(), case.baseline);
        let other = |what, name: &str| {
            let (name, run) = (name.to_owned(), run.to_owned());
            move |like| MergeError::OtherProgram { what, name, run, like }
        };
        ensure_same(&mut self.runners, build(), runner, run).map_err(other("the runner", &case.backend))?;
        if let Some(library) = &passport.library_sha256 {
            ensure_same(&mut self.libraries, build(), library, run).map_err(other("the library", &case.backend))?;
        }
        let model = &passport.model;
        ensure_same(&mut self.models, (model.name.clone(), case.precision), &files(model), run)
            .map_err(other("the model", &model.name))
    }
}

fn files(model: &ModelPassport) -> Files {
    let ModelPassport { weights_sha256, rounded_sha256, config_sha256, tokenizer_sha256, .. } = model;
    [Some(weights_sha256.clone()), rounded_sha256.clone(), Some(config_sha256.clone()), tokenizer_sha256.clone()]
}

/// The run in which another value was seen first, if one was.
fn ensure_same<K: Ord, V: PartialEq + Clone>(
    seen: &mut BTreeMap<K, (V, String)>,
    key: K,
    value: &V,
    run: &str,
) -> Result<(), String> {
    match seen.entry(key) {
        Entry::Vacant(free) => {
            free.insert((value.clone(), run.to_owned()));
            Ok(())
        }
        Entry::Occupied(first) if first.get().0 == *value => Ok(()),
        Entry::Occupied(first) => Err(first.get().1.clone()),
    }
}
