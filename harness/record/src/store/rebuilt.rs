//! What a run's records say about it, where its `run.json` is missing or damaged.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use pocketwatt_meter::{Bandwidth, DeviceFacts, energy::MeterInfo};

use super::{Damage, RunFolder, StoreError, contents::ENDING};
use crate::{
    Case, EnergyPlan, MOST_THREADS, PlannedCase, RECORD_FORMAT, Record, Run, RunSettings, format::intact_record,
};

impl RunFolder {
    /// Reads `run.json`; where it is missing or damaged, rebuilds the run from its records, and [`Run::rebuilt`] has the
    /// reason. One record is held in memory at a time.
    ///
    /// # Errors
    /// As [`RunFolder::run`], where a newer version wrote it or no record can be read either; or when the folder of the records cannot be read.
    pub fn run_or_rebuilt(&self) -> Result<Run, StoreError> {
        let (path, damage) = match self.run() {
            // A newer version's file is complete, and that version can show all of it.
            Err(StoreError::Damaged { path, damage }) if !matches!(damage, Damage::Newer(_)) => (path, damage),
            read => return read,
        };
        let mut told = Told::default();
        for id in self.record_names()? {
            let record = self.record_path(&id).ok().and_then(|path| intact_record(&path).ok());
            if let Some(record) = record.filter(|record| record.case.id == id && record.case.threads <= MOST_THREADS) {
                told.learn_from(record);
            }
        }
        if told.cases.is_empty() {
            Err(StoreError::Damaged { path, damage })
        } else {
            Ok(told.run(self.path(), damage))
        }
    }

    /// Names of the files that may be records, without their ending.
    fn record_names(&self) -> Result<Vec<String>, StoreError> {
        let folder = self.cases();
        if !folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&folder).map_err(StoreError::io("read", &folder))?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter_map(|name| name.strip_suffix(ENDING).map(str::to_owned)).collect())
    }
}

/// What the records have shown so far.
#[derive(Default)]
struct Told {
    /// Each case with the time at which it began, and the version that measured it.
    cases: Vec<(u64, Case, String)>,
    /// How many records name each run: a record that was copied from another run is outnumbered.
    runs: BTreeMap<String, usize>,
    bandwidths: BTreeMap<u32, Bandwidth>,
    emulated: Option<String>,
    meters: Vec<MeterInfo>,
    known_meters: BTreeSet<String>,
}

impl Told {
    fn learn_from(&mut self, record: Record) {
        let Record { case, passport, readings, .. } = record;
        for series in readings.energy {
            if self.known_meters.insert(series.meter.id.clone()) {
                self.meters.push(series.meter);
            }
        }
        if let Some(bandwidth) = passport.bandwidth {
            self.bandwidths.entry(bandwidth.threads).or_insert(bandwidth);
        }
        self.emulated = self.emulated.take().or(passport.emulated);
        if let Some(run) = passport.run {
            *self.runs.entry(run).or_default() += 1;
        }
        self.cases.push((passport.started_unix_ms, case, passport.pocketwatt));
    }

    /// The run, as far as it is known: what only `run.json` contains is empty or zero.
    fn run(mut self, folder: &Path, damage: Damage) -> Run {
        self.cases.sort_by(|(left, a, _), (right, b, _)| (left, &a.id).cmp(&(right, &b.id)));
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let most_named = self.runs.into_iter().max_by_key(|(_, records)| *records).map(|(run, _)| run);
        let first = self.cases.first().map(|(began, _, version)| (*began, version.clone()));
        let (started_unix_ms, pocketwatt) = first.unwrap_or_default();
        Run {
            format: RECORD_FORMAT,
            id: most_named.unwrap_or_else(|| name(&folder)),
            pocketwatt,
            started_unix_ms,
            command: Vec::new(),
            device: DeviceFacts {
                name: folder.parent().map(name).unwrap_or_default(),
                emulated: self.emulated,
                ..DeviceFacts::default()
            },
            bandwidth: self.bandwidths.into_values().collect(),
            energy: EnergyPlan { meters: self.meters, ..EnergyPlan::default() },
            settings: RunSettings::default(),
            scenarios: Vec::new(),
            plan: self
                .cases
                .into_iter()
                .map(|(_, case, _)| PlannedCase { case, estimate_s: 0.0, shard: None })
                .collect(),
            baseline: None,
            against: None,
            study: None,
            shard: None,
            merged: None,
            rebuilt: Some(damage),
        }
    }
}
