//! RAPL through `/sys/class/powercap` (Documentation/power/powercap/powercap.rst), Intel's and AMD's.

mod mirrors;
mod zones;

pub(super) use zones::{CLASS, CONTROL_TYPE};

use self::{
    mirrors::leave_out_mirrors,
    zones::{Zone, Zones, other_control_types, zones},
};
use super::{
    AbsentMeter, Basis, Discovery, EnergyMeter, Measurand, MeterInfo, MeterSource, RawFile, RawReading, Reason, Scope,
    Unavailable, UpdatePeriod,
    plausible::{MICROJOULES, MICROWATTS},
    vendor,
};
use crate::SystemRoot;

/// Counters are updated about every millisecond (Intel SDM volume 3, 14.9, "RAPL Interfaces").
const UPDATE_NS: u64 = 1_000_000;
/// Since CVE-2020-8694 only root may read `energy_uj`, because it reveals something of what other users compute.
/// The class folder links to every zone, at any depth.
const GRANT: &str = "to grant it to every user: sudo chmod a+r /sys/class/powercap/*:*/energy_uj";
/// Makes it permanent: the rule runs for each zone that appears; a line for tmpfiles.d would not run where the driver is
/// loaded late.
const FOR_GOOD: &str = "for good: echo 'SUBSYSTEM==\"powercap\", KERNEL==\"*:*\", ACTION==\"add\", \
     RUN+=\"/bin/chmod a+r /sys%p/energy_uj\"' | sudo tee /etc/udev/rules.d/70-energy.rules";

/// Finds every zone once, whether the tree is nested or flat.
pub fn discover(root: &SystemRoot) -> Discovery {
    let mut found = Discovery::default();
    let Zones { known: zones, others } = zones(root);
    if zones.is_empty() {
        let hint = format!("there is no zone below {}", root.join(CLASS).display());
        found.absent.push(absent("powercap".into(), None, Unavailable::new(Reason::NoMeter, hint)));
    }
    for folder in others {
        let hint = format!(
            "{} is not a zone of a processor's registers (intel-rapl and a number)",
            root.join(CLASS).join(&folder).display()
        );
        found.absent.push(absent(format!("powercap:{folder}"), None, Unavailable::new(Reason::NotSupported, hint)));
    }
    let amd = vendor::is_amd(root);
    for zone in &zones {
        match open(root, zone, amd, &found) {
            Ok(meter) => found.meters.push(Box::new(meter)),
            Err(unavailable) => found.absent.push(absent(zone.id.clone(), zone.scope, unavailable)),
        }
    }
    // Shown once, because it is long and applies to all of them.
    if let Some(denied) = found.absent.iter_mut().find(|absent| absent.unavailable.reason == Reason::NotPermitted) {
        denied.unavailable.hint = format!("{}; {FOR_GOOD}", denied.unavailable.hint);
    }
    leave_out_mirrors(&mut found, amd);
    for (name, what) in other_control_types(root) {
        found.absent.push(absent(format!("powercap:{name}"), None, Unavailable::new(Reason::NotSupported, what)));
    }
    found
}

/// Zones of the processor's own registers are opened first, so that `found` holds them when their twins are opened.
fn open(root: &SystemRoot, zone: &Zone, amd: bool, found: &Discovery) -> Result<PowercapMeter, Unavailable> {
    let Some(scope) = zone.scope else {
        // Its name may be out of reach as well.
        RawFile::open(root, &format!("{}/name", zone.path))?;
        let hint = format!("its name {:?} is not a known part of a processor", zone.part);
        return Err(Unavailable::new(Reason::NotSupported, hint));
    };
    if amd && scope == Scope::Core {
        let hint = "this processor counts one core alone here, not all cores of the package";
        return Err(Unavailable::new(Reason::NotSupported, hint));
    }
    if let Some(id) = zone.twin_id.as_ref().filter(|id| stands_for(found, id)) {
        let hint = format!("the same counter as {id}, through memory-mapped registers");
        return Err(Unavailable::new(Reason::Duplicate, hint));
    }
    PowercapMeter::open(root, zone, scope)
}

/// Whether a zone is read, or would be if the user were allowed to read it.
fn stands_for(found: &Discovery, id: &str) -> bool {
    found.meters.iter().any(|meter| meter.info().id == id)
        || found.absent.iter().any(|other| other.id == id && other.unavailable.reason == Reason::NotPermitted)
}

fn absent(id: String, scope: Option<Scope>, unavailable: Unavailable) -> AbsentMeter {
    AbsentMeter { source: MeterSource::Powercap, id, scope, unavailable }
}

/// One zone's counter.
#[derive(Debug)]
struct PowercapMeter {
    info: MeterInfo,
    energy: RawFile,
}

impl PowercapMeter {
    /// Does not check whether a zone is enabled: that is about its power limits, and the counter runs in any case.
    fn open(root: &SystemRoot, zone: &Zone, scope: Scope) -> Result<Self, Unavailable> {
        let energy = RawFile::open(root, &format!("{}/energy_uj", zone.path)).map_err(with_grant)?;
        let range_file = format!("{}/max_energy_range_uj", zone.path);
        let range = MICROJOULES.stated(root, &range_file)?.filter(|range| *range > 0);
        let unit = range.map_or(1, hardware_unit);
        let modulus = range.map(|range| {
            let hint = || format!("{} holds {range} uJ, which no counter reaches", root.join(&range_file).display());
            range.checked_add(unit).ok_or_else(|| Unavailable::new(Reason::Unreadable, hint()))
        });
        let info = MeterInfo {
            id: zone.id.clone(),
            source: MeterSource::Powercap,
            scope,
            part: zone.part.clone(),
            path: energy.path().display().to_string(),
            measurand: Measurand::EnergyCounter { joules_per_unit: 1e-6, modulus: modulus.transpose()? },
            unit_basis: Basis::Documented,
            resolution: unit,
            update_period: Some(UpdatePeriod { ns: UPDATE_NS, basis: Basis::Documented }),
            gain_error: None,
            power_limit_watts: power_limit_watts(root, &zone.path),
        };
        let mut meter = Self { info, energy };
        meter.read().map_err(with_grant)?;
        Ok(meter)
    }
}

impl EnergyMeter for PowercapMeter {
    fn info(&self) -> &MeterInfo {
        &self.info
    }

    fn read(&mut self) -> Result<RawReading, Unavailable> {
        Ok(RawReading::new(self.energy.amount(&MICROJOULES)?))
    }
}

/// Microjoules in one unit of the register. The register is 32 bits wide, and the kernel shows its largest value, 2^32 - 1
/// units, as `max_energy_range_uj` (262143328850 for Intel's 61.035 uJ): the counter wraps one unit later. A range smaller
/// than 2^32 does not come from such a register; then the unit is that of the file.
fn hardware_unit(range: i64) -> i64 {
    const UNITS: i64 = u32::MAX as i64;
    (range.saturating_add(UNITS / 2) / UNITS).max(1)
}

/// The sustained limit, an upper bound of plausible power. A limit that is not enforced bounds nothing.
fn power_limit_watts(root: &SystemRoot, zone: &str) -> Option<f64> {
    if integer(root, &format!("{zone}/enabled")) == Some(0) {
        return None;
    }
    let long_term = (0..4).find(|constraint| {
        root.text(format!("{zone}/constraint_{constraint}_name")).is_some_and(|name| name == "long_term")
    })?;
    // Files of limits that the hardware does not have are empty, or hold 0.
    let watts = |file: &str| {
        // A limit beyond what any part can have bounds nothing.
        let path = format!("{zone}/constraint_{long_term}_{file}");
        let microwatts = MICROWATTS.stated(root, &path).ok().flatten().filter(|microwatts| *microwatts > 0)?;
        Some(microwatts as f64 / 1e6)
    };
    // The user's limit may exceed the maker's maximum, so the larger one is the bound.
    let limits = [watts("power_limit_uw"), watts("max_power_uw")];
    limits.into_iter().flatten().reduce(f64::max)
}

fn integer(root: &SystemRoot, path: &str) -> Option<i64> {
    root.text(path)?.parse().ok()
}

fn with_grant(unavailable: Unavailable) -> Unavailable {
    if unavailable.reason != Reason::NotPermitted {
        return unavailable;
    }
    Unavailable::new(Reason::NotPermitted, format!("{}; {GRANT}", unavailable.hint))
}

#[cfg(test)]
mod tests;
