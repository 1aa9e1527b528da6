//! `pocketwatt run --phone`: the main job on Android phones. Each phone measures by itself, and owns its run; this side brings what
//! is needed, waits, brings the results home and shows them.

mod cable;
mod job;
mod materials;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use anyhow::{Context, Result};
use clap::Args;
use pocketwatt_phone::adb::Adb;
use pocketwatt_record::{Run, RunFolder};

use self::{
    cable::CableArguments,
    job::{JobEnd, JobOnPhone},
    materials::PhoneMaterials,
};
use super::{RunArguments, outcome};
use crate::{
    command::{advice::Advice, output, stored_run},
    exit::Exit,
    phone::{Chosen, adb, choose},
    plan::Registry,
    refusal::Refusal,
    report::Format,
};

/// Whether to measure on phones.
#[derive(Args, Debug, Default)]
pub struct PhoneArguments {
    /// Measure on an Android phone over adb: the one that is connected, or the one with that serial number; repeat it for several phones.
    #[arg(long, value_name = "SERIAL", num_args = 0..=1, default_missing_value = "")]
    pub phone: Vec<String>,
    /// With --phone: do not wait for the results; `pocketwatt phone status` and `pocketwatt phone fetch` do.
    #[arg(long, requires = "phone")]
    detach: bool,
    #[command(flatten)]
    cable: CableArguments,
}

impl PhoneArguments {
    /// Whether results do not come home, or from several phones.
    pub fn leaves_or_are_several(&self) -> bool {
        self.detach || self.phone.len() > 1
    }

    /// Whether it was asked for.
    pub fn are_given(&self) -> bool {
        !self.phone.is_empty()
    }
}

/// Measures on the phones that were asked for, and does something with each run that came home.
///
/// # Errors
/// When a phone cannot be used, something is missing for it, or a phone failed; what is measured stays stored on the phone. Those of
/// `then`.
pub(super) fn run(
    arguments: &mut RunArguments,
    registry: &Registry,
    then: &dyn Fn(&Run, &RunFolder) -> Result<()>,
) -> Result<Exit> {
    let adb = adb()?;
    let phones = choose(&adb, &arguments.phones.phone, arguments.begin.device.as_deref())?;
    if let Some(exit) = refuse_unfit(&phones, arguments.cools_down()) {
        return Ok(exit);
    }
    let ends = if arguments.resume.is_some() {
        resume(arguments, &adb, &phones)?
    } else {
        let Some(materials) = PhoneMaterials::prepare(arguments, registry)? else {
            return Ok(Exit::Success);
        };
        on_all(&adb, &phones, arguments, |job| job.begin(&materials))?
    };
    show(arguments, registry, &phones, ends, then)
}

/// Says what stands in the way on each phone.
fn refuse_unfit(phones: &[Chosen], cools_down: bool) -> Option<Exit> {
    let mut is_unfit = false;
    for phone in phones {
        for warning in phone.warnings() {
            notice!("{}: {warning}", phone.name);
        }
        for reason in phone.unfit(cools_down) {
            is_unfit = true;
            notice!("{}: unfit: {reason}", phone.name);
        }
    }
    is_unfit.then_some(Exit::Unfit)
}

/// What happened on a phone.
type End = Result<JobEnd>;

/// Does the same on all phones at once.
fn on_all(
    adb: &Adb,
    phones: &[Chosen],
    arguments: &RunArguments,
    act: impl Fn(&mut JobOnPhone) -> End + Sync,
) -> Result<Vec<End>> {
    let stop = catch_interrupts()?;
    let is_one = phones.len() == 1;
    Ok(thread::scope(|scope| {
        let started: Vec<_> = phones
            .iter()
            .map(|phone| {
                let mut job = JobOnPhone::new(adb, phone, arguments, Arc::clone(&stop), is_one);
                let act = &act;
                scope.spawn(move || act(&mut job))
            })
            .collect();
        let panicked = || Err(anyhow::anyhow!("the thread of this phone failed"));
        started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| panicked())).collect()
    }))
}

fn resume(arguments: &RunArguments, adb: &Adb, phones: &[Chosen]) -> Result<Vec<End>> {
    on_all(adb, phones, arguments, |job| job.go_on())
}

/// Ctrl-C ends the waiting, and not what the phones do.
fn catch_interrupts() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&stop);
    ctrlc::set_handler(move || set.store(true, Ordering::Relaxed)).context("cannot catch Ctrl-C")?;
    Ok(stop)
}

/// Shows what each phone gave, and then all of them side by side.
fn show(
    arguments: &RunArguments,
    registry: &Registry,
    phones: &[Chosen],
    ends: Vec<End>,
    then: &dyn Fn(&Run, &RunFolder) -> Result<()>,
) -> Result<Exit> {
    let is_one = phones.len() == 1;
    let (mut exits, mut homes): (Vec<Exit>, Vec<RunFolder>) = (Vec::new(), Vec::new());
    for (phone, end) in phones.iter().zip(ends) {
        let exit = match end {
            Err(error) if is_one => return Err(error),
            Err(error) => {
                notice!("{}: {error:#}", phone.name);
                Exit::Broken
            }
            Ok(JobEnd::Left(exit)) => exit,
            Ok(JobEnd::Home { run, exit }) => {
                if !is_one {
                    output::write(&format!("{}\n", phone.name))?;
                }
                let shown = show_one(arguments, registry, &run, then)?;
                homes.push(run);
                if exit == Exit::Success { shown } else { exit }
            }
        };
        exits.push(exit);
    }
    if homes.len() > 1 {
        outcome::show_side_by_side(&arguments.display, &homes)?;
    }
    Ok(exits.into_iter().max_by_key(|exit| *exit as u8).unwrap_or(Exit::NothingMeasured))
}

fn show_one(
    arguments: &RunArguments,
    registry: &Registry,
    folder: &RunFolder,
    then: &dyn Fn(&Run, &RunFolder) -> Result<()>,
) -> Result<Exit> {
    let run = folder.run().with_context(|| {
        let again = Advice::new(&["show"]).run(folder.path());
        format!("the results are stored, and their plan cannot be read; show them with `{again}`")
    })?;
    // Where it lies on the phone says nothing here.
    let wanted = arguments.begin.against.against.as_deref();
    let baseline = wanted.map(|wanted| stored_run::find(&arguments.results, wanted)).transpose()?;
    let exit = outcome::show(arguments, registry, &run, folder, baseline.as_ref().map(RunFolder::path))?;
    then(&run, folder)?;
    Ok(exit)
}

impl RunArguments {
    /// Whether a phone is left to cool down before each block, which it is unless the user says otherwise.
    fn cools_down(&self) -> bool {
        let said = self.given.iter().find(|given| given.id == "cool_down");
        said.is_none_or(|given| given.values.first().is_none_or(|value| value != "off"))
    }

    /// Refuses what has no meaning on a phone.
    ///
    /// # Errors
    /// With the option's name.
    fn ensure_for_phones(&self) -> Result<()> {
        if let Some(given) = self.given.iter().find(|given| given.id == "sysfs_root") {
            let option = &given.option;
            return Err(Refusal::error(format!(
                "{option} reads simulated meters of this machine: leave it out with --phone"
            )));
        }
        if self.phones.phone.len() > 1 && matches!(self.display.format, Format::Csv | Format::Json) {
            return Err(Refusal::error(
                "a document for programs has one run: leave out --format with several phones, and use `pocketwatt show RUN --format json` \
                 for each",
            ));
        }
        Ok(())
    }
}
