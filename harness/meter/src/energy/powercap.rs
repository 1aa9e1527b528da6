//! RAPL through `/sys/class/powercap` (Documentation/power/powercap/powercap.rst), Intel's and AMD's.

use super::{
    AbsentMeter, Basis, Discovery, EnergyMeter, Measurand, MeterInfo, MeterSource, RawFile, RawReading, Reason, Scope,
    Unavailable, UpdatePeriod,
};
use crate::SystemRoot;

const CLASS: &str = "sys/class/powercap";
/// Zones of the processor's own registers; `intel-rapl-mmio` shows the package once more, through other registers.
const CONTROL_TYPE: &str = "intel-rapl";
const MEMORY_MAPPED: &str = "intel-rapl-mmio";
/// Package counters are updated about every millisecond (Intel SDM volume 3, 14.9.1).
const UPDATE_NS: u64 = 1_000_000;
/// `energy_uj` is the root's alone since CVE-2020-8694; the second command makes that last until the next boot and beyond.
const GRANT: &str = "to grant it: sudo chmod a+r /sys/class/powercap/*/energy_uj; for good: echo 'z \
     /sys/class/powercap/*/energy_uj 0444 - - -' | sudo tee /etc/tmpfiles.d/energy.conf";

/// Finds every zone once, whether the tree is nested or flat.
pub fn discover(root: &SystemRoot) -> Discovery {
    let mut found = Discovery::default();
    let mut zones: Vec<Zone> = zones(root);
    name_children(&mut zones);
    if zones.is_empty() {
        let unavailable =
            Unavailable::new(Reason::NoMeter, format!("there is no zone below {}", root.join(CLASS).display()));
        found.absent.push(absent("powercap".into(), None, unavailable));
    }
    for zone in &zones {
        let id = format!("powercap:{}", zone.part);
        if zone.memory_mapped {
            let hint = "the package's counter once more, through memory-mapped registers";
            found.absent.push(absent(format!("{id}-mmio"), zone.scope, Unavailable::new(Reason::Duplicate, hint)));
            continue;
        }
        let opened = zone.scope.map(|scope| PowercapMeter::open(root, zone, scope, id.clone()));
        match opened {
            Some(Ok(meter)) => found.meters.push(Box::new(meter)),
            Some(Err(unavailable)) => found.absent.push(absent(id, zone.scope, unavailable)),
            None => {
                let hint = format!("its name {:?} is no part of a processor that is known here", zone.part);
                found.absent.push(absent(id, None, Unavailable::new(Reason::NotSupported, hint)));
            }
        }
    }
    leave_out_mirrors(&mut found);
    found
}

/// A zone as its folder tells.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Zone {
    /// The folder's name: `intel-rapl:0:1`.
    folder: String,
    /// Its path below the root.
    path: String,
    /// `package-0`, or with its package in front: `package-0/dram`.
    part: String,
    scope: Option<Scope>,
    memory_mapped: bool,
}

/// All zones, in the order of their names. In a flat tree every zone lies in the class folder; in a nested one, children
/// lie in their parents. Trees that are both show a child twice.
fn zones(root: &SystemRoot) -> Vec<Zone> {
    let mut zones: Vec<Zone> = Vec::new();
    let mut folders: Vec<String> = root.names(CLASS).into_iter().map(|name| format!("{CLASS}/{name}")).collect();
    while let Some(path) = (!folders.is_empty()).then(|| folders.remove(0)) {
        let folder = path.rsplit('/').next().unwrap_or_default().to_owned();
        let Some((control_type, numbers)) = folder.split_once(':') else { continue };
        if ![CONTROL_TYPE, MEMORY_MAPPED].contains(&control_type) || numbers.is_empty() {
            continue;
        }
        if zones.iter().any(|known| known.folder == folder) {
            continue;
        }
        let children = root.names(&path).into_iter().filter(|name| name.starts_with(&format!("{folder}:")));
        folders.extend(children.map(|child| format!("{path}/{child}")));
        let part = root.text(format!("{path}/name")).unwrap_or_else(|| folder.clone());
        let scope = scope(&part);
        zones.push(Zone { path, part, scope, memory_mapped: control_type == MEMORY_MAPPED, folder });
    }
    zones.sort_by(|one, other| one.folder.cmp(&other.folder));
    zones
}

fn scope(name: &str) -> Option<Scope> {
    match name {
        "psys" => Some(Scope::Platform),
        "core" => Some(Scope::Core),
        "uncore" => Some(Scope::Uncore),
        "dram" => Some(Scope::Dram),
        package if package.starts_with("package-") => Some(Scope::Package),
        _ => None,
    }
}

/// `core` is in every package: `package-0/core`. A child's folder is named after its parent's.
fn name_children(zones: &mut [Zone]) {
    let names: Vec<(String, String)> = zones.iter().map(|zone| (zone.folder.clone(), zone.part.clone())).collect();
    for zone in zones {
        let parent = zone.folder.rsplit_once(':').map(|(parent, _)| parent);
        if let Some((_, name)) = names.iter().find(|(folder, _)| Some(folder.as_str()) == parent) {
            zone.part = format!("{name}/{}", zone.part);
        }
    }
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
    fn open(root: &SystemRoot, zone: &Zone, scope: Scope, id: String) -> Result<Self, Unavailable> {
        let energy = RawFile::open(root, &format!("{}/energy_uj", zone.path)).map_err(with_grant)?;
        energy.integer().map_err(with_grant)?;
        let range = integer(root, &format!("{}/max_energy_range_uj", zone.path)).filter(|range| *range > 0);
        let unit = range.map_or(1, hardware_unit);
        let info = MeterInfo {
            id,
            source: MeterSource::Powercap,
            scope,
            part: zone.part.clone(),
            path: energy.path().display().to_string(),
            measurand: Measurand::EnergyCounter {
                joules_per_unit: 1e-6,
                modulus: range.map(|range| range.saturating_add(unit)),
            },
            unit_basis: Basis::Documented,
            resolution: unit,
            update_period: Some(UpdatePeriod { ns: UPDATE_NS, basis: Basis::Documented }),
            gain_error: None,
            power_limit_watts: power_limit_watts(root, &zone.path),
        };
        Ok(Self { info, energy })
    }
}

impl EnergyMeter for PowercapMeter {
    fn info(&self) -> &MeterInfo {
        &self.info
    }

    fn read(&mut self) -> Result<RawReading, Unavailable> {
        Ok(RawReading::of(self.energy.integer()?))
    }
}

/// Microjoules in one unit of the register. It is 32 bits wide, and the kernel tells its largest value, 2^32 - 1 units, as
/// `max_energy_range_uj` (262143328850 for Intel's 61.035 uJ): the counter begins again one unit later.
fn hardware_unit(range: i64) -> i64 {
    const UNITS: i64 = u32::MAX as i64;
    (range.saturating_add(UNITS / 2) / UNITS).max(1)
}

/// The sustained limit, which bounds what is plausible. Files of limits that the hardware has not may be empty.
fn power_limit_watts(root: &SystemRoot, zone: &str) -> Option<f64> {
    let long_term = (0..4).find(|constraint| {
        root.text(format!("{zone}/constraint_{constraint}_name")).is_some_and(|name| name == "long_term")
    })?;
    let watts = |file: &str| {
        let microwatts = integer(root, &format!("{zone}/constraint_{long_term}_{file}"))?;
        (microwatts > 0).then_some(microwatts as f64 / 1e6)
    };
    // A limit may have been set beyond what the part can do, or to anything at all: the larger one bounds.
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

/// Two dies that show the very same number are one counter, shown twice: their sum would be twice the truth. Counters of
/// 61 uJ that have run for a while do not meet by chance.
fn leave_out_mirrors(found: &mut Discovery) {
    let mut kept: Vec<(Scope, i64, String)> = Vec::new();
    let mut meters = Vec::new();
    for mut meter in std::mem::take(&mut found.meters) {
        let (scope, id) = (meter.info().scope, meter.info().id.clone());
        let value = meter.read().map(|reading| reading.value).unwrap_or(0);
        match kept.iter().find(|(known, other, _)| value != 0 && (*known, *other) == (scope, value)) {
            Some((_, _, first)) => {
                let hint = format!("it shows the same number as {first}: probably one counter, shown twice");
                found.absent.push(absent(id, Some(scope), Unavailable::new(Reason::Duplicate, hint)));
            }
            None => {
                kept.push((scope, value, id));
                meters.push(meter);
            }
        }
    }
    found.meters = meters;
}

#[cfg(test)]
mod tests;
