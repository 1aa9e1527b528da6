//! A stored run that is measured again, and compared with what it gave the first time.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result};
use clap::Args;
use pocketwatt_meter::CaseReadings;
use pocketwatt_protocol::wall_clock_unix_ms;
use pocketwatt_record::{
    Against, Calibration, Case, Damaged, Intended, Record, Run, RunFolder, RunSettings, SpeedMetric,
    obstacles_beforehand,
};
use pocketwatt_scenario::Scenario;

use super::{RESULTS, RunArguments, plan::Plan};
use crate::{
    command::{
        advice::Advice,
        compare::{Obstructed, Side, compare, ensure_comparable, find_calibration, is_same, named, nothing_in_common},
        device_calibration::DeviceAt,
    },
    here::device_here,
    measure::{Materials, model_of, scenario_of, skipped},
    refusal::Refusal,
    report::{CalibrationUse, StoredComparison},
};

/// Which stored run is measured again.
#[derive(Args, Debug)]
pub(super) struct AgainstArguments {
    /// Measure the cases of a stored run again, as it measured them unless other options say otherwise, and compare: the name of the
    /// run, its folder, `latest`, or the file of one record.
    #[arg(long, value_name = "RUN", conflicts_with = "baseline_runners")]
    pub against: Option<String>,
}

/// The baseline of a run, which was measured before.
#[derive(Debug)]
pub(super) struct StoredBaseline {
    side: Side,
    /// Its records, without readings and iterations.
    records: Vec<Record>,
}

/// The baseline that was asked for, if any; the arguments are then completed from it.
///
/// # Errors
/// As of [`StoredBaseline::adopt`]; and when it is said how to compare, but not with what.
pub(super) fn open(arguments: &mut RunArguments) -> Result<Option<StoredBaseline>> {
    match arguments.begin.against.against.clone() {
        Some(wanted) => StoredBaseline::adopt(arguments, &wanted).map(Some),
        None if arguments.comparison.are_given() => {
            Err(Refusal::error("--margin, --calibration and --force say how to compare: name the run with --against"))
        }
        None => Ok(None),
    }
}

impl StoredBaseline {
    /// Opens what a run is compared with, and takes from it what the user did not specify. Says what the verdicts will rest on.
    ///
    /// # Errors
    /// When there is no such run, or no record of it can be read; or when a calibration cannot be used.
    fn adopt(arguments: &mut RunArguments, wanted: &str) -> Result<Self> {
        arguments.display.check_comparison()?;
        let side = Side::open(&arguments.results, wanted)?;
        let Some(run) = side.known_run() else {
            return Err(Refusal::error(format!(
                "{} cannot be measured again: without a readable run.json its scenarios and settings are not known; `pocketwatt \
                 compare` compares its records with another run's",
                side.name()
            )));
        };
        let run = run.clone();
        let records = records(&side)?;
        let cases: Vec<&Case> = records.iter().map(|record| &record.case).collect();
        arguments.begin.names_cases = arguments.begin.plan.names_cases();
        arguments.begin.plan.adopt_run(&run, &cases)?;
        let here = device_here(None);
        if (&here.processor, here.logical_cores) == (&run.device.processor, run.device.logical_cores) {
            arguments.begin.device.get_or_insert(run.device.name.clone());
        }
        if !arguments.begin.names_cases && arguments.study.is_none() {
            arguments.study.clone_from(&run.study);
        }
        let baseline = Self { side, records };
        baseline.announce(arguments, &run)?;
        Ok(baseline)
    }

    /// Says what the verdicts will rest on.
    fn announce(&self, arguments: &RunArguments, run: &Run) -> Result<()> {
        let device = device_here(arguments.begin.device.as_deref());
        let here = DeviceAt { device: &device, unix_ms: wall_clock_unix_ms() };
        let usual = Calibration::path(&arguments.results, &device.name);
        let file = arguments.comparison.calibration.as_deref();
        let (calibration, usage) = find_calibration(file, [usual], [Some(DeviceAt::of(run)), Some(here)])?;
        let together =
            "`--baseline-runners DIR` measures two builds in the blocks of one run, which tells smaller differences";
        let cases = || self.records.iter().map(|record| &record.case);
        let is_unknown = |case: &&Case| {
            let noise = |calibration: &Calibration| {
                calibration.noise(&case.backend, case.precision, SpeedMetric::DecodeThroughput.into()).cloned()
            };
            calibration.as_ref().and_then(noise).is_none()
        };
        match usage {
            CalibrationUse::Used { file, .. } => {
                notice!(
                    "against {}: verdicts will rest on the noise between runs in {file}; {together}",
                    self.side.name()
                );
                let unknown: Vec<&Case> = cases().filter(is_unknown).collect();
                let names: BTreeSet<String> =
                    unknown.iter().map(|case| format!("{} in {}", case.backend, case.precision.name())).collect();
                if !names.is_empty() {
                    notice!(
                        "it does not have {}, whose verdicts will be undecided: `{}` adds that",
                        names.into_iter().collect::<Vec<_>>().join(", "),
                        calibrate(arguments, run, unknown.into_iter())
                    );
                }
            }
            CalibrationUse::Missing { reason } => notice!(
                "against {}: verdicts will be undecided, because the noise {reason}; `{}` measures it, and {together}",
                self.side.name(),
                calibrate(arguments, run, cases())
            ),
            CalibrationUse::NotNeeded => {}
        }
        Ok(())
    }

    /// The cases of the plan: those that were measured before, and others only if the user named them. Reports what is left of either.
    ///
    /// # Errors
    /// When none was measured before.
    pub fn select(&self, mut cases: Vec<Case>, arguments: &RunArguments) -> Result<Vec<Case>> {
        let is_known = |case: &Case| self.record(case).is_some();
        if !arguments.begin.names_cases {
            cases.retain(is_known);
        }
        let ids = |cases: Vec<&Case>| cases.into_iter().map(|case| case.id.clone()).collect::<Vec<_>>();
        let before = || self.records.iter().map(|record| &record.case);
        if !cases.iter().any(is_known) {
            return Err(nothing_in_common(&ids(before().collect()), &ids(cases.iter().collect())));
        }
        let left = ids(before().filter(|case| !cases.iter().any(|other| is_same(case, other))).collect());
        if !left.is_empty() {
            notice!("not measured again: {}", named(&left));
        }
        let new = ids(cases.iter().filter(|case| !is_known(case)).collect());
        if !new.is_empty() {
            notice!("not compared, because it was not measured before: {}", named(&new));
        }
        Ok(cases)
    }

    /// What is stored with the run: the path, and whether the cases have to be measured in blocks of their own.
    ///
    /// # Errors
    /// When the current folder is gone.
    pub fn stored(&self, cases: &[Case], settings: &RunSettings) -> Result<Against> {
        let is_alone = |case: &&Case| self.in_turn_with(case, cases) == 1;
        let was_in_blocks = |case: &Case| self.record(case).is_some_and(|record| !record.samples.blocks.is_empty());
        let alone_in_blocks = settings.turns.is_some() && cases.iter().filter(is_alone).any(was_in_blocks);
        Ok(Against { baseline: std::path::absolute(self.side.path())?, alone_in_blocks })
    }

    /// Refuses work that cannot be compared, before any of it is done.
    ///
    /// # Errors
    /// When a case differs from that before in what is known of it.
    pub fn ensure_comparable(&self, plan: &Plan, materials: &Materials, arguments: &RunArguments) -> Result<()> {
        if arguments.comparison.force {
            return Ok(());
        }
        let device = device_here(arguments.begin.device.as_deref());
        let alone_in_blocks = plan.against.as_ref().is_some_and(|against| against.alone_in_blocks);
        let mut found = Vec::new();
        for case in &plan.cases {
            let Some(before) = self.record(case) else { continue };
            let record = unmeasured(case, materials, &plan.settings)?;
            let intended = Intended {
                record: &record,
                settings: &plan.settings,
                in_blocks: plan.settings.turns.is_some()
                    && (alone_in_blocks || self.in_turn_with(case, &plan.cases) > 1),
                device: &device,
            };
            found.push((case.id.as_str(), obstacles_beforehand(self.side.origin(before), intended)));
        }
        ensure_comparable(found.iter().map(|(case, by)| Obstructed { case, by: by.iter().collect() }))
    }

    /// How many of these cases take turns with one, itself included.
    fn in_turn_with(&self, case: &Case, cases: &[Case]) -> usize {
        cases.iter().filter(|other| case.takes_turns_with(other)).count()
    }

    fn record(&self, case: &Case) -> Option<&Record> {
        self.records.iter().find(|record| is_same(&record.case, case))
    }
}

/// What is known of all records of a side but those of baseline runners, which are no runners of this program's own.
fn records(side: &Side) -> Result<Vec<Record>> {
    let (mut records, mut damaged): (Vec<Record>, Vec<Damaged>) = (Vec::new(), Vec::new());
    for case in side.cases().iter().filter(|found| !found.case.baseline) {
        match side.record(case) {
            Ok(record) => records.push(without_measurements(record)),
            Err(reason) => damaged.push(reason),
        }
    }
    let is_damaged = !side.report_damaged(&damaged).is_empty();
    match (records.is_empty(), is_damaged) {
        (false, _) => Ok(records),
        (true, true) => Err(Refusal::error("no case is left to measure again: the records above are damaged")),
        (true, false) => Err(Refusal::error(format!("{} has no measured case", side.name()))),
    }
}

/// The passport of a record, and its blocks: all of a run may not fit into memory.
fn without_measurements(mut record: Record) -> Record {
    record.readings = CaseReadings::default();
    record.samples.iterations = Vec::new();
    record.metrics = Vec::new();
    record.energy = Vec::new();
    record.calls = Vec::new();
    record
}

/// The record of a case as far as it is known before it is measured.
fn unmeasured(case: &Case, materials: &Materials, settings: &RunSettings) -> Result<Record> {
    let model = model_of(case, &materials.models)?;
    let scenario = scenario_of(case, &materials.scenarios)?;
    let mut record = skipped(case, model, &scenario.sha256(), "not measured yet".into());
    record.passport.sustain_ms = settings.sustain_ms;
    record.passport.cores = settings.cores.as_ref().map(|cores| cores.list.clone());
    let files = model.files(case.precision, case.graph).ok();
    record.passport.graph_sha256 = files.and_then(|files| files.graph).map(|graph| graph.sha256);
    Ok(record)
}

/// The command that measures the noise between runs of these cases.
fn calibrate<'c>(arguments: &RunArguments, run: &Run, cases: impl Iterator<Item = &'c Case>) -> Advice {
    let cases: Vec<&Case> = cases.collect();
    let mut advice = Advice::new(&["calibrate"]);
    let all = |of: &dyn Fn(&Case) -> String| {
        let values: BTreeSet<String> = cases.iter().map(|case| of(case)).collect();
        values.into_iter().collect::<Vec<_>>().join(",")
    };
    let mut options = vec![
        ("--backend", all(&|case| case.backend.clone())),
        ("--model", all(&|case| case.model.clone())),
        ("--precision", all(&|case| case.precision.name().to_owned())),
        ("--threads", all(&|case| case.threads.to_string())),
    ];
    // Other scenarios have a file, which may be anywhere.
    if cases.iter().all(|case| Scenario::find(&case.scenario).is_ok()) {
        options.push(("--scenario", all(&|case| case.scenario.clone())));
    }
    if let Some(turns) = run.settings.turns {
        options.push(("--blocks", turns.blocks.to_string()));
        options.push(("--iterations", run.settings.iterations.to_string()));
    }
    if device_here(None).name != run.device.name {
        options.push(("--device", run.device.name.clone()));
    }
    for (option, values) in options {
        advice = advice.flag(option).flag(&values);
    }
    let usual = arguments.results == Path::new(RESULTS);
    if usual { advice } else { advice.option("--results", &arguments.results) }
}

/// Compares a run that has ended with what it was measured against.
///
/// # Errors
/// When the baseline is gone, or both are not comparable.
pub(super) fn compare_at_end(
    arguments: &RunArguments,
    folder: &RunFolder,
    baseline: &Path,
) -> Result<StoredComparison> {
    let compared = || {
        let (baseline, candidate) = (Side::at(baseline)?, Side::at(folder.path())?);
        compare(&baseline, &candidate, &arguments.results, &arguments.comparison)
    };
    let again = Advice::new(&["compare"]).word(baseline).word(folder.path());
    compared().with_context(|| format!("the records are stored; to compare them use `{again}`"))
}

/// Says, before a run goes on, whether it can be compared at its end.
///
/// # Errors
/// When options for a comparison do not fit the run.
pub(super) fn foresee(arguments: &RunArguments, run: &Run) -> Result<()> {
    let Some(against) = &run.against else {
        return match arguments.comparison.are_given() {
            true => Err(Refusal::error(format!(
                "run {} was begun without --against: leave out --margin, --calibration and --force",
                run.id
            ))),
            false => Ok(()),
        };
    };
    arguments.display.check_comparison()?;
    if let Err(error) = Side::at(&against.baseline) {
        notice!("the run goes on, but cannot be compared at its end: {error:#}");
    }
    Ok(())
}
