//! One of the two sides of a comparison: a stored run, or one record.

use std::path::{Path, PathBuf};

use anyhow::Result;
use pocketwatt_record::{Case, Damage, Damaged, Origin, Record, Run, RunFolder, read_record};

use crate::command::{damaged, stored_run};

/// A run or a record.
#[derive(Debug)]
pub struct Side {
    /// The run's folder, or the record's file.
    path: PathBuf,
    /// Its run; absent for a record without one.
    run: Option<Run>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// Its folder, and the positions in the plan of the cases that have a file.
    Run {
        folder: RunFolder,
        reached: Vec<usize>,
        strangers: Vec<Damaged>,
    },
    Record(Box<Record>),
}

/// A case of a side, and where it is.
pub struct SideCase<'a> {
    pub case: &'a Case,
    place: usize,
}

impl Side {
    /// Finds a run as `show` does, or opens the file of a record.
    ///
    /// # Errors
    /// When it does not exist or cannot be read.
    pub fn open(results: &Path, wanted: &str) -> Result<Self> {
        let path = Path::new(wanted);
        if path.is_file() { Self::of_record(path) } else { Self::of_run(stored_run::find(results, wanted)?) }
    }

    /// Opens what is stored there: a run's folder, or the file of a record.
    ///
    /// # Errors
    /// When it does not exist or cannot be read.
    pub fn at(path: &Path) -> Result<Self> {
        if path.is_file() { Self::of_record(path) } else { Self::of_run(RunFolder::open(path)) }
    }

    fn of_record(path: &Path) -> Result<Self> {
        let record = read_record(path)?;
        // A record is in the folder `cases` of its run, unless somebody copied it.
        let run = std::path::absolute(path)?.ancestors().nth(2).and_then(|folder| RunFolder::open(folder).run().ok());
        let run = run.filter(|run| has_measured(run, &record));
        Ok(Self { path: path.to_owned(), run, source: Source::Record(Box::new(record)) })
    }

    fn of_run(folder: RunFolder) -> Result<Self> {
        let run = folder.run_or_rebuilt()?;
        if let Some(damage) = &run.rebuilt {
            damaged::report_rebuilt(&folder, damage);
        }
        let contents = folder.contents(&run)?;
        if contents.is_gone {
            damaged::report_gone(&folder);
        }
        Ok(Self {
            path: folder.path().to_owned(),
            run: Some(run),
            source: Source::Run { folder, reached: contents.reached, strangers: contents.strangers },
        })
    }

    /// The run's folder, or the record's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is stored.
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Whether it is one record, which somebody named.
    pub fn is_record(&self) -> bool {
        matches!(self.source, Source::Record(_))
    }

    /// Whether its `run.json` is damaged.
    pub fn is_rebuilt(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.rebuilt.is_some())
    }

    /// The run, if its `run.json` can be read: otherwise its device is not known.
    pub fn known_run(&self) -> Option<&Run> {
        self.run.as_ref().filter(|run| run.rebuilt.is_none())
    }

    /// The folder that has the run's folder: that of a device.
    pub fn device_folder(&self) -> Option<PathBuf> {
        let Source::Run { folder, .. } = &self.source else {
            return std::path::absolute(&self.path).ok()?.ancestors().nth(3).map(Path::to_owned);
        };
        std::path::absolute(folder.path()).ok()?.parent().map(Path::to_owned)
    }

    /// The cases that have a record, in the order of the plan.
    pub fn cases(&self) -> Vec<SideCase<'_>> {
        match &self.source {
            Source::Record(record) => vec![SideCase { case: &record.case, place: 0 }],
            Source::Run { reached, .. } => {
                let planned = |place: usize| Some(&self.run.as_ref()?.plan.get(place)?.case);
                reached.iter().filter_map(|&place| Some(SideCase { case: planned(place)?, place })).collect()
            }
        }
    }

    /// The record of a case.
    ///
    /// # Errors
    /// Why its file is not that record.
    pub fn record(&self, case: &SideCase<'_>) -> Result<Record, Damaged> {
        let missing = || Damaged { file: format!("{}.json", case.case.id), case: None, damage: Damage::Missing };
        match &self.source {
            Source::Record(record) => Ok((**record).clone()),
            Source::Run { folder, .. } => {
                let run = self.run.as_ref().ok_or_else(missing)?;
                folder.record(run, run.plan.get(case.place).ok_or_else(missing)?)
            }
        }
    }

    /// A record together with what is known about its run.
    pub fn origin<'a>(&'a self, record: &'a Record) -> Origin<'a> {
        Origin { record, run: self.known_run() }
    }

    /// Reports on standard error which files are not records, and returns the same for the comparison.
    pub fn report_damaged(&self, damaged: &[Damaged]) -> Vec<String> {
        let Source::Run { folder, strangers, .. } = &self.source else { return Vec::new() };
        let all: Vec<Damaged> = damaged.iter().chain(strangers).cloned().collect();
        damaged::report(folder, &all);
        let path = |file: &str| folder.path().join("cases").join(file);
        all.iter().map(|Damaged { file, damage, .. }| format!("{} {damage}", path(file).display())).collect()
    }
}

/// Whether the record is of a case of this run that it, or a shard that it was merged from, has measured.
fn has_measured(run: &Run, record: &Record) -> bool {
    let planned = run.plan.iter().find(|planned| planned.case.id == record.case.id);
    planned.is_some_and(|planned| record.passport.run.as_deref() == Some(run.measured_in(planned).0))
}
