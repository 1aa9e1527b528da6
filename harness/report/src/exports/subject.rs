//! Whose numbers they are: names that stay the same from run to run, so that other programs can follow them.

use pocketwatt_record::{Outcome, Record, Run};

use crate::{
    cases::{Results, each_record},
    output::inert::one_line,
};

/// A stored run and its records.
pub type Exported<'a> = (&'a Run, &'a dyn Results);

/// The run that a record belongs to.
pub struct Subject<'a> {
    /// The run.
    pub run: &'a Run,
    /// Whether several runs are exported, so that a name needs the run's.
    pub among_several: bool,
}

impl Subject<'_> {
    /// Name of the device, on one line.
    pub fn device(&self) -> String {
        one_line(&self.run.device.name)
    }

    /// Name of the run, where there are several.
    pub fn run(&self) -> Option<String> {
        self.among_several.then(|| one_line(&self.run.id))
    }

    /// `DEVICE/CASE`, or `DEVICE/RUN/CASE` where several runs are exported. A case's name has scenario, model, backend, precision
    /// and threads, and is the same in every run of the same plan.
    pub fn name(&self, record: &Record) -> String {
        let run = self.run().map_or_else(String::new, |run| format!("{run}/"));
        format!("{}/{run}{}", self.device(), one_line(&record.case.id))
    }
}

/// Passes on every record that was measured, run by run in the order of their plans.
///
/// # Errors
/// Those of `visit`.
pub fn each_measured(
    runs: &[Exported<'_>],
    mut visit: impl FnMut(&Subject<'_>, &Record) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for &(run, results) in runs {
        let subject = Subject { run, among_several: runs.len() > 1 };
        each_record(results, |record| match record.outcome {
            Outcome::Measured => visit(&subject, &record),
            _ => Ok(()),
        })?;
    }
    Ok(())
}
