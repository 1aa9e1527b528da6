//! `pocketwatt run`: the main job.

mod again;
mod begin;
mod gates;
mod measuring;
mod on_phones;
mod outcome;
mod outlook;
mod plan;
mod preparation;
mod progress;
mod rest;
mod resume;
mod shard;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Command, Id};
use pocketwatt_record::{Run, RunFolder, StudySource};
use pocketwatt_scenario::Study;

use self::{again::AgainstArguments, begin::Beginning, on_phones::PhoneArguments, plan::Plan};
use super::{
    beside::BesideArguments,
    compare::ComparisonArguments,
    display::DisplayArguments,
    energy::EnergyArguments,
    judgement::JudgementArguments,
    output,
    selection::{CacheArguments, PlanArguments, RegistryArguments},
    stored_run::LATEST,
};
use crate::{exit::Exit, measure::Completion, phone::Given, plan::ShardChoice, refusal::Refusal};

/// Where runs are stored unless the user says otherwise.
const RESULTS: &str = "results";

/// What to measure, and what to do with the results.
#[derive(Args, Debug)]
pub struct RunArguments {
    #[command(flatten)]
    begin: BeginArguments,
    /// Continue a run that was stopped: measure the cases of its plan that have no record.
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = LATEST,
        conflicts_with_all = option_ids::<BeginArguments>())]
    resume: Option<String>,
    /// With --resume: also measure again what failed or was skipped.
    #[arg(long, requires = "resume")]
    retry: bool,
    /// Where runs are stored.
    #[arg(long, value_name = "DIR", default_value = RESULTS)]
    results: PathBuf,
    #[command(flatten)]
    cache: CacheArguments,
    #[command(flatten)]
    registry: RegistryArguments,
    #[command(flatten)]
    display: DisplayArguments,
    #[command(flatten)]
    beside: BesideArguments,
    #[command(flatten)]
    judgement: JudgementArguments,
    #[command(flatten)]
    comparison: ComparisonArguments,
    #[command(flatten)]
    phones: PhoneArguments,
    /// The command whose options these are: `run`, `study`, `calibrate`.
    #[arg(skip)]
    command: String,
    /// Its options that stand in the command line.
    #[arg(skip)]
    given: Vec<Given>,
    /// The study that this run belongs to.
    #[arg(skip)]
    study: Option<StudySource>,
    /// Whether each runner is compared with itself.
    #[arg(skip)]
    beside_themselves: bool,
}

/// What a run is told when it begins. One that goes on has all of it from its plan.
#[derive(Args, Debug)]
struct BeginArguments {
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    energy: EnergyArguments,
    /// Only show the plan and how long it should take.
    #[arg(long)]
    dry_run: bool,
    /// Name of this device, for its folder of results [default: from the processor].
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Skip the memory bandwidth probe; model bandwidth utilisation is then not available.
    #[arg(long)]
    no_probe: bool,
    /// Measure every case a second time, with the runners in this folder, in turns with the others: two builds are compared.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["one_by_one", "sustain", "energy_uncertainty"])]
    baseline_runners: Option<PathBuf>,
    #[command(flatten)]
    against: AgainstArguments,
    /// Measure part K of N of the plan, so that N processes measure all of it: each on the same plan, with the same options. `pocketwatt
    /// merge` joins the parts. Cases of one scenario and model stay together.
    #[arg(long, value_name = "K/N", conflicts_with = "against")]
    shard: Option<ShardChoice>,
    /// Refuse to measure, with exit status 6, if `pocketwatt doctor` finds the device unfit.
    #[arg(long)]
    strict: bool,
    /// Whether the user named any part of the cases, rather than to take them from a stored run.
    #[arg(skip)]
    names_cases: bool,
}

/// The options that say what is measured, which a stored run says itself.
pub(super) fn begin_option_ids() -> Vec<Id> {
    option_ids::<BeginArguments>()
}

/// Every option of these arguments, those of the arguments within them included.
fn option_ids<A: Args>() -> Vec<Id> {
    A::augment_args(Command::new("options")).get_arguments().map(|option| option.get_id().clone()).collect()
}

impl RunArguments {
    /// Tells the name of the command, and which options stand in the command line.
    pub fn give(&mut self, command: &str, given: Vec<Given>) {
        command.clone_into(&mut self.command);
        self.given = given;
    }

    /// Makes this a run that compares each runner with itself, for as long as `most_ms` allows for a scenario and model.
    ///
    /// # Errors
    /// When the user's other options do not fit that.
    pub fn calibrate(&mut self, most_ms: u64) -> Result<()> {
        if self.begin.shard.is_some() {
            return Err(Refusal::error("a calibration is of one device at one time: leave out --shard"));
        }
        let is_other = self.begin.baseline_runners.is_some() || self.begin.against.against.is_some();
        if self.resume.is_some() || is_other || self.comparison.are_given() {
            return Err(Refusal::error(
                "a calibration is a run of its own: leave out --resume, --baseline-runners, --against, and how to compare",
            ));
        }
        self.beside_themselves = true;
        self.begin.plan.go_on_for(most_ms)
    }

    /// Makes this a run of two builds whose verdicts a CI job judges by its own rule; or none where a run `is_stored`. Returns how it judges.
    ///
    /// # Errors
    /// When it has no base, or the user's other options do not fit.
    pub fn judged_by_ci(&mut self, is_stored: bool) -> Result<(JudgementArguments, ComparisonArguments)> {
        let begin = &self.begin;
        let others = [
            (self.comparison.force || self.comparison.calibration.is_some(), "--force and --calibration"),
            (begin.against.against.is_some(), "--against"),
            (begin.shard.is_some(), "--shard"),
            (begin.dry_run, "--dry-run"),
            (self.resume.is_some(), "--resume"),
            (self.phones.leaves_or_are_several(), "--detach and a second --phone"),
        ];
        if let Some((_, options)) = others.into_iter().find(|(is_given, _)| *is_given) {
            return Err(Refusal::error(format!(
                "leave out {options}: a job measures both builds in one run and judges it, or takes one with --run"
            )));
        }
        if begin.baseline_runners.is_none() && !is_stored {
            return Err(Refusal::error(
                "name the runners of the base with --baseline-runners DIR, or a run that was measured so with --run",
            ));
        }
        Ok((std::mem::take(&mut self.judgement), std::mem::take(&mut self.comparison)))
    }

    /// Where runs are stored.
    pub fn results(&self) -> &Path {
        &self.results
    }

    /// Makes this a run of a study.
    ///
    /// # Errors
    /// When the user's other options do not fit the study.
    pub fn adopt(&mut self, mut study: Study) -> Result<()> {
        if self.resume.is_some() {
            return Err(Refusal::error("to continue a study, use `pocketwatt run --resume`"));
        }
        self.begin.plan.adopt(&mut study)?;
        self.study = Some(study.source());
        Ok(())
    }
}

/// Plans, prepares, begins, measures and shows. A run that goes on was planned when it began.
///
/// # Errors
/// When something requested does not exist, or the results cannot be stored.
pub fn run(arguments: RunArguments) -> Result<Exit> {
    run_and(arguments, |_, _| Ok(()))
}

/// The same, and then something with the run and its folder, once all of its cases have a record.
///
/// # Errors
/// As of [`run`], and those of `then`.
pub fn run_and(mut arguments: RunArguments, then: impl Fn(&Run, &RunFolder) -> Result<()>) -> Result<Exit> {
    arguments.display.check()?;
    let registry = arguments.registry.open()?;
    if arguments.phones.are_given() {
        return on_phones::run(&mut arguments, &registry, &then);
    }
    let mut begun = match &arguments.resume {
        Some(name) => resume::resume(&arguments, &registry, name)?,
        None => {
            let baseline = again::open(&mut arguments)?;
            let plan = Plan::make(&arguments, &registry, baseline)?.part(&arguments, &registry)?;
            if arguments.begin.dry_run {
                output::write(&outlook::describe(&plan, &arguments)?)?;
                return Ok(Exit::Success);
            }
            if plan.cases.is_empty() {
                return shard::store_nothing(&arguments, plan);
            }
            let preparation = preparation::prepare(&arguments, &registry, &plan)?;
            match begin::begin(&arguments, plan, preparation)? {
                Beginning::Begun(begun) => *begun,
                Beginning::Nothing(exit) => return Ok(exit),
            }
        }
    };
    match measuring::measure(&arguments, &registry, &mut begun)? {
        Completion::Complete => {
            let exit = outcome::show_begun(&arguments, &registry, &begun)?;
            then(&begun.run, begun.owned.folder())?;
            Ok(exit)
        }
        Completion::Interrupted => Ok(Exit::Interrupted),
    }
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;

    use clap::{ArgAction, CommandFactory, Parser, error::ErrorKind};

    use super::*;
    use crate::phone::{Way, way};

    #[derive(Parser, Debug)]
    struct Program {
        #[command(flatten)]
        _run: RunArguments,
    }

    /// What a run that goes on may be told anew: where things are, how to show them, whom to measure beside.
    const TOLD_ANEW: [&str; 21] = [
        "retry",
        "results",
        "cache",
        "backends",
        "format",
        "show_text",
        "show_calls",
        "turns",
        "wait",
        "allow_beside",
        "fail_on",
        "decide",
        "margin",
        "force",
        "calibration",
        "phone",
        "detach",
        "untethered",
        "unplug_limit",
        "unplug_command",
        "plug_command",
    ];
    /// A value that each option takes.
    const VALUES: [&str; 10] = ["1", "1/2", "f32", "best", "layers=2", "10s", "5%", "1kJ", "1W", "worse"];

    /// What clap says of `--resume` beside an option.
    fn beside_resume(option: &str, takes_value: bool) -> Option<ErrorKind> {
        let kind =
            |words: &[&str]| Program::try_parse_from([&["run", "--resume"], words].concat()).err().map(|it| it.kind());
        if !takes_value {
            return kind(&[option]);
        }
        let kinds = VALUES.into_iter().map(|value| kind(&[&format!("{option}={value}")]));
        kinds.into_iter().find(|kind| !matches!(kind, Some(ErrorKind::ValueValidation | ErrorKind::InvalidValue)))?
    }

    #[test]
    fn every_option_that_names_a_file_has_a_way_to_a_phone() {
        for argument in Program::command().get_arguments() {
            let is_path = argument.get_value_parser().type_id() == TypeId::of::<PathBuf>();
            let id = argument.get_id().as_str();
            assert!(!is_path || way(id) != Way::Along, "{id} names a file of this machine");
        }
    }

    #[test]
    fn a_run_that_goes_on_is_told_nothing_that_its_plan_says() {
        let command = Program::command();
        let mut refused = Vec::new();
        for argument in command.get_arguments().filter(|argument| argument.get_id() != "resume") {
            let option = format!("--{}", argument.get_long().unwrap());
            let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
            if TOLD_ANEW.contains(&argument.get_id().as_str()) {
                assert_ne!(beside_resume(&option, takes_value), Some(ErrorKind::ArgumentConflict), "{option}");
            } else {
                assert_eq!(beside_resume(&option, takes_value), Some(ErrorKind::ArgumentConflict), "{option}");
                refused.push(option);
            }
        }
        for option in ["--precision", "--sweep", "--items", "--constrain", "--no-quality", "--meter", "--strict"] {
            assert!(refused.iter().any(|refused| refused == option), "{option} is none of {refused:?}");
        }
    }
}
