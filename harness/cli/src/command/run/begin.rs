//! A run begins: this process measures on the device from now on, and the run has a folder with its plan.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use pocketwatt_meter::{Bandwidth, CoreList, SystemRoot, boot_id, measure_bandwidth};
use pocketwatt_record::{Case, EnergyPlan, PinnedCores, RECORD_FORMAT, Run, SamplingOverhead, Shard};
use pocketwatt_scenario::Scenario;

use super::{RunArguments, gates, outlook, plan::Plan, preparation::Preparation};
use crate::{
    command::{
        ownership::OwnedRun,
        strict::{self, Intention},
    },
    exit::Exit,
    here::device_here,
    measure::{Device, Entered, Instruments, Interrupted, Materials, OnCores, groups},
    plan::{Backend, PreparedModel, energy},
    report::output::date,
};

/// A run that has its folder, and all that its cases are measured with.
#[derive(Debug)]
pub(super) struct Begun {
    pub run: Run,
    pub owned: OwnedRun,
    pub materials: Materials,
    pub instruments: Instruments,
    /// Places in the plan of the cases that are to be measured, those together that take turns.
    pub groups: Vec<Vec<usize>>,
}

/// Whether a run has begun.
#[derive(Debug)]
pub(super) enum Beginning {
    /// It has: its plan is stored.
    Begun(Box<Begun>),
    /// The user stopped it, or the device is unfit.
    Nothing(Exit),
}

/// Enters the device, probes it and stores the plan.
///
/// # Errors
/// When somebody else measures, a meter cannot be read, or nothing can be stored.
pub(super) fn begin(arguments: &RunArguments, plan: Plan, preparation: Preparation) -> Result<Beginning> {
    let Preparation { started_unix_ms, cases, mut materials, mut mailbox, mut device } = preparation;
    let asked = &arguments.begin;
    if device.enter(&mut mailbox)? == Entered::Interrupted {
        notice!("interrupted: nothing was measured");
        return Ok(Beginning::Nothing(Exit::Interrupted));
    }
    let bandwidth = if asked.no_probe {
        Vec::new()
    } else {
        bandwidths(asked.plan.threads(), plan.settings.cores.as_ref(), &mut device)
    };
    let mut on_battery_most_ms = asked.energy.on_battery_most_ms()?;
    if let Some(most_ms) = on_battery_most_ms {
        match gates::wait_for_battery(asked.energy.root()?, most_ms, &mut mailbox) {
            Err(Interrupted) => {
                notice!("interrupted: nothing was measured");
                return Ok(Beginning::Nothing(Exit::Interrupted));
            }
            Ok(true) => {}
            Ok(false) if asked.strict => {
                notice!("nothing was measured, because of --strict");
                return Ok(Beginning::Nothing(Exit::Unfit));
            }
            // The meters of the battery are opened once, at the beginning.
            Ok(false) => on_battery_most_ms = None,
        }
    }
    let (meters, energy) = asked.energy.prepare()?;
    let facts = device_here(asked.device.as_deref());
    let asked_iterations = plan.settings.iterations;
    let iterations = plan.fewest(|case| Ok(materials.prepared(case)?.iterations(asked_iterations)))?;
    let blocks = outlook::blocks(&arguments.results, &facts, &plan, iterations);
    let sampling_overhead = SamplingOverhead::read(&arguments.results.join(&facts.name));
    let mut run = Run {
        format: RECORD_FORMAT,
        id: date::stamp(started_unix_ms),
        pocketwatt: env!("CARGO_PKG_VERSION").into(),
        started_unix_ms,
        command: std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
        device: facts,
        bandwidth,
        energy: EnergyPlan { sampling_overhead, ..energy },
        settings: plan.settings,
        scenarios: plan.scenarios.iter().map(Scenario::source).collect(),
        plan: cases,
        baseline: plan.baseline,
        against: plan.against,
        study: arguments.study.clone(),
        shard: plan.shard.map(|shard| Shard { boot_id: boot_id(&SystemRoot::real()), ..shard }),
        merged: None,
        rebuilt: None,
    };
    run.settings.gates.on_battery_most_ms = on_battery_most_ms;
    run.settings.gates.strict = asked.strict;
    if run.energy.at_least_ms > 0 && run.settings.turns.take().is_some() {
        notice!(
            "for --energy-uncertainty, each case is measured after the other: a slow meter needs long stretches of one of them"
        );
    }
    tell_cores(&run);
    energy::add_time(&mut run.plan, &run.energy, &run.settings);
    if let Some(announcement) = energy::announcement(&run.energy, run.plan.len()) {
        notice!("{announcement}");
    }
    if let Some(blocks) = blocks.filter(|_| run.settings.turns.is_some()) {
        notice!("{blocks}");
    }
    if asked.strict && !is_fit(arguments, &run, &plan.backends, &materials.models, device.other())? {
        return Ok(Beginning::Nothing(Exit::Unfit));
    }
    let owned = OwnedRun::begin(&arguments.results, &mut run)
        .context("nothing was measured yet; choose another folder with --results")?;
    let groups = groups(&run.plan, &run.settings, &(0..run.plan.len()).collect());
    let (gates, thermometer) = (gates::of(&run), gates::thermometer(&run));
    let instruments = Instruments { meters, mailbox, device, gates, thermometer };
    Ok(Beginning::Begun(Box::new(Begun { run, owned, materials, instruments, groups })))
}

/// Reports what is wrong with the device, if anything is.
fn is_fit(
    arguments: &RunArguments,
    run: &Run,
    backends: &[&Backend],
    models: &BTreeMap<String, PreparedModel>,
    other: Option<String>,
) -> Result<bool> {
    let sizes = run.plan.iter().filter_map(|planned| {
        let Case { model, precision, .. } = &planned.case;
        Some((model.as_str(), models.get(model)?.passport_in(*precision).weight_bytes))
    });
    let obstacles = strict::obstacles(&Intention {
        energy: &run.energy,
        backends,
        cache: &arguments.cache.root()?,
        model: sizes.max_by_key(|(_, bytes)| *bytes).unwrap_or_default(),
        threads: arguments.begin.plan.threads().iter().copied().max().unwrap_or(1),
        other,
    });
    for obstacle in &obstacles {
        notice!("unfit: {obstacle}");
    }
    if !obstacles.is_empty() {
        notice!("nothing was measured, because of --strict; `pocketwatt doctor` says more");
    }
    Ok(obstacles.is_empty())
}

/// Says on which cores the runners compute, and whether there are too few.
fn tell_cores(run: &Run) {
    let Some(cores) = &run.settings.cores else { return };
    let count = CoreList::parse(&cores.list).map_or(0, |list| list.len());
    let s = if count == 1 { "" } else { "s" };
    notice!("--cores {}: runners compute on core{s} {}", cores.asked, cores.list);
    let most = run.plan.iter().map(|planned| planned.case.threads).max().unwrap_or(0);
    if most as usize > count {
        notice!("{most} threads have {count} core{s}: they wait for each other");
    }
}

/// The roofline for each number of threads; without it the run continues, and its metric has the reason. One that was
/// measured during another measurement does not count.
fn bandwidths(threads: &[u32], cores: Option<&PinnedCores>, device: &mut Device) -> Vec<Bandwidth> {
    let watch = device.watch();
    let mut measured = Vec::new();
    // Where the runners compute: clusters of a phone read memory at different rates.
    let cores = cores.and_then(|cores| CoreList::parse(&cores.list));
    let _on_cores = match cores.as_ref().map(OnCores::enter).transpose() {
        Ok(on_cores) => on_cores,
        Err(error) => {
            notice!("the memory bandwidth was not measured: {error}");
            return measured;
        }
    };
    for &threads in threads {
        match measure_bandwidth(threads) {
            Ok(bandwidth) => measured.push(bandwidth),
            Err(error) => notice!("the memory bandwidth was not measured: {:#}", anyhow::Error::from(error)),
        }
    }
    if let Some(other) = device.met(watch) {
        notice!("the memory bandwidth is left out: {other} measured at the same time");
        measured.clear();
    }
    measured
}
