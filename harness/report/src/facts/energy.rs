//! The origin of the joules: each meter, what could not be read, and the cost of reading.

use std::collections::BTreeMap;

use pocketwatt_meter::{
    SamplerCost,
    energy::{AbsentMeter, Basis, Measurand, MeterInfo, Reason, Unavailable},
};
use pocketwatt_record::{EnergyPlan, Outcome, Record, Run, SamplingOverhead};

use crate::{
    facts::fleet::of_each_plan,
    output::{
        date::minute,
        duration,
        inert::one_line,
        quantity::{Quantity, fixed, significant},
    },
};

/// Names of a group that are listed; the others are counted.
const LISTED: usize = 6;

/// Says that the joules are not this device's, if meters were simulated.
pub fn simulated(run: &Run) -> Option<(&'static str, String)> {
    let root = run.energy.sysfs_root.as_deref()?;
    Some(("SIMULATED", format!("meters were read from {}: these are not this device's joules", one_line(root))))
}

/// Name and text of each fact about energy.
pub fn facts(run: &Run, seen: &EnergySeen) -> Vec<(&'static str, String)> {
    let plan = &run.energy;
    let mut facts: Vec<(&str, String)> =
        plan.meters.iter().map(|info| ("meter", meter(info, seen.taken.get(&info.id).copied().unwrap_or(0)))).collect();
    if plan.meters.is_empty() {
        facts.push(("energy", not_measured(plan, seen)));
    } else {
        if !plan.absent.is_empty() {
            facts.push(("not read", absent(&plan.absent)));
        }
        if run.rebuilt.is_none() {
            facts.extend(of_each_plan(run, |plan| Some(procedure(plan))).map(|how| ("energy", how)));
        }
    }
    facts.extend(sampler(&seen.sampler).map(|cost| ("sampler", cost)));
    let overhead = of_each_plan(run, |plan| plan.sampling_overhead.as_ref().map(sampling_overhead));
    facts.extend(overhead.map(|overhead| ("observer", overhead)));
    facts
}

/// `powercap:package-0: package, steps of 61 µJ, updated every 1 ms (observed), scale error unknown, 4120 readings`.
fn meter(info: &MeterInfo, readings: u64) -> String {
    let update = match info.update_period {
        Some(period) => format!("updated every {} ({})", duration(period.ns as f64 * 1e-9), basis(period.basis)),
        None => "updated at unknown intervals".to_owned(),
    };
    let scale = match info.gain_error {
        Some(error) => format!("scale error {} %", significant(error * 100.0)),
        None => "scale error unknown and not in ±".to_owned(),
    };
    let mut parts = vec![info.scope.name().to_owned(), resolution(info), update, scale, counted(readings, "reading")];
    if info.unit_basis == Basis::Guessed {
        parts.push("its unit is a guess".to_owned());
    }
    format!("{}: {}", one_line(&info.id), parts.join(", "))
}

fn resolution(info: &MeterInfo) -> String {
    let (per_unit, unit) = match info.measurand {
        Measurand::EnergyCounter { joules_per_unit, .. } | Measurand::RemainingEnergy { joules_per_unit } => {
            (joules_per_unit, "J")
        }
        Measurand::RemainingCharge { coulombs_per_unit } => (coulombs_per_unit / 3600.0, "Ah"),
        Measurand::Power { watts_per_unit } => (watts_per_unit, "W"),
        Measurand::Current { amperes_per_unit } => (amperes_per_unit, "A"),
    };
    format!("steps of {}", Quantity::new(info.resolution as f64 * per_unit, unit).prefixed().in_text())
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Documented => "documented",
        Basis::Declared => "as it declares",
        Basis::Observed => "observed",
        Basis::Guessed => "a guess",
    }
}

/// Facts about the meters' readings, from all cases of a run.
#[derive(Default)]
pub struct EnergySeen {
    /// Readings of each meter, by its id.
    taken: BTreeMap<String, u64>,
    /// Why there are none, from the first case with a reason.
    no_energy: Option<Unavailable>,
    /// Sum over all measured cases.
    sampler: SamplerCost,
}

impl EnergySeen {
    /// Adds a record. Sums stop at the largest number rather than overflow, because records are untrusted.
    pub fn add(&mut self, record: &Record) {
        let readings = &record.readings;
        for series in &readings.energy {
            let taken = self.taken.entry(series.meter.id.clone()).or_default();
            *taken = taken.saturating_add(series.taken);
        }
        if self.no_energy.is_none() {
            self.no_energy.clone_from(&readings.no_energy);
        }
        if record.outcome == Outcome::Measured {
            let SamplerCost { reads, cpu_ns, wall_ns } = &mut self.sampler;
            *reads = reads.saturating_add(readings.sampler.reads);
            *cpu_ns = cpu_ns.saturating_add(readings.sampler.cpu_ns);
            *wall_ns = wall_ns.saturating_add(readings.sampler.wall_ns);
        }
    }
}

/// Why there is no figure at all. Runs of versions without meters give no reason.
fn not_measured(plan: &EnergyPlan, seen: &EnergySeen) -> String {
    let Some(told) = seen.no_energy.as_ref().or(plan.absent.first().map(|meter| &meter.unavailable)) else {
        return "not measured".to_owned();
    };
    // It is obvious that there is no other meter.
    let said = [told.reason, Reason::NoMeter];
    let others: Vec<AbsentMeter> =
        plan.absent.iter().filter(|meter| !said.contains(&meter.unavailable.reason)).cloned().collect();
    let mut text = format!("not measured ({}){}", told.reason.words(), hint(told));
    if !others.is_empty() {
        text += &format!(". Not read either: {}", groups(&others));
    }
    with_doctor(text)
}

/// Adds where to learn more, unless a hint already says so.
fn with_doctor(text: String) -> String {
    if text.contains("pocketwatt doctor") { text } else { text + ". `pocketwatt doctor` says more" }
}

/// What was seen, and the next step, after a colon.
fn hint(unavailable: &Unavailable) -> String {
    let hint = one_line(&unavailable.hint);
    if hint.is_empty() { hint } else { format!(": {}", hint.trim_end_matches('.')) }
}

/// Everything that was not read, by reason; with the hint if the user can do something about it.
fn absent(meters: &[AbsentMeter]) -> String {
    let mut text = groups(meters);
    let in_full = |meter: &&AbsentMeter| {
        matches!(meter.unavailable.reason, Reason::NotPermitted | Reason::Covered | Reason::VirtualMachine)
            && !meter.unavailable.hint.is_empty()
    };
    if let Some(meter) = meters.iter().find(in_full) {
        text += &format!(". {}{}", one_line(&meter.id), hint(&meter.unavailable));
        text = with_doctor(text);
    }
    text
}

/// `perf, hwmon (no meter); powercap:package-0 (not permitted)`.
fn groups(meters: &[AbsentMeter]) -> String {
    let mut groups: Vec<(Reason, Vec<String>)> = Vec::new();
    for meter in meters {
        let (reason, id) = (meter.unavailable.reason, one_line(&meter.id));
        match groups.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, ids)) if ids.contains(&id) => {}
            Some((_, ids)) => ids.push(id),
            None => groups.push((reason, vec![id])),
        }
    }
    let parts = groups.iter().map(|(reason, ids)| {
        let listed = ids.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
        let more = ids.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{listed}{more} ({})", reason.words())
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// How it was measured.
fn procedure(plan: &EnergyPlan) -> String {
    let mut parts = Vec::new();
    parts.push(match plan.idle_ms {
        0 => "no idling before and after, so nothing less idle".to_owned(),
        idle => format!("{} of idling before and after each case", milliseconds(idle)),
    });
    if let Some(uncertainty) = plan.uncertainty {
        parts.push(format!("±{} % asked for", significant(uncertainty * 100.0)));
    }
    if plan.at_least_ms > 0 {
        parts.push(format!("so counted iterations last {} at least", milliseconds(plan.at_least_ms)));
    }
    parts.join(", ")
}

fn milliseconds(milliseconds: u64) -> String {
    duration(milliseconds as f64 * 1e-3)
}

/// The cost of reading, all cases together.
fn sampler(cost: &SamplerCost) -> Option<String> {
    (cost.reads > 0 && cost.wall_ns > 0).then(|| {
        let share = significant(cost.cpu_ns as f64 * 100.0 / cost.wall_ns as f64);
        format!("{} of reading took {share} % of a core", counted(cost.reads, "round"))
    })
}

fn sampling_overhead(cost: &SamplingOverhead) -> String {
    let per_cent = |share: f64| format!("{}{}", if share < 0.0 { "" } else { "+" }, fixed(share * 100.0, 2));
    format!(
        "decode changes by {} % [{}, {}] with the sampler on, {} ({}, {})",
        per_cent(cost.relative_change),
        per_cent(cost.low),
        per_cent(cost.high),
        counted(u64::from(cost.pairs), "pair"),
        one_line(&cost.workload),
        minute(cost.at_unix_ms)
    )
}

fn counted(count: u64, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
