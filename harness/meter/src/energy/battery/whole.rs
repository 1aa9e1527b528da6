//! What several batteries report together. Each of them feeds the device, at the same time or in turn, so one battery's
//! figure is not the device's.

use super::{BatteryMeter, Discovery, EnergyMeter, Reason, Unavailable, absent, kind::Kind};

/// Keeps, for each battery, one meter of what it holds and one of what flows out; for a single battery, all its meters.
/// Where a battery that may feed the device has no meter of a kind, the others' meters of that kind are withheld.
pub(super) fn of_all_batteries(names: &[&str], meters: Vec<BatteryMeter>, found: &mut Discovery) {
    if names.len() < 2 {
        found.meters.extend(meters.into_iter().map(|meter| Box::new(meter) as Box<dyn EnergyMeter>));
        return;
    }
    let (stores, flows): (Vec<_>, Vec<_>) = meters.into_iter().partition(|meter| meter.kind.is_store());
    for meters in [stores, flows] {
        let mut kept: Vec<BatteryMeter> = Vec::new();
        for meter in meters {
            match kept.iter().find(|other| other.info.part == meter.info.part) {
                Some(other) => {
                    let hint = format!("{} reports the same and is read", other.info.id);
                    found.absent.push(absent(meter.info.id.clone(), Unavailable::new(Reason::Duplicate, hint)));
                }
                None => kept.push(meter),
            }
        }
        let silent: Vec<String> = names
            .iter()
            .filter(|name| !kept.iter().any(|meter| meter.info.part == **name))
            .map(|name| (*name).to_owned())
            .collect();
        for mut meter in kept {
            if let Some(name) = silent.iter().find(|name| !meter.supplies.waits(name)) {
                let what = if meter.kind.is_store() { Kind::EnergyNow } else { Kind::PowerNow };
                let hint = format!(
                    "battery {name} feeds the device, too, and neither its {} nor the like can be read: {} alone does not \
                     show what the device uses",
                    what.file(),
                    meter.info.part
                );
                found.absent.push(absent(meter.info.id.clone(), Unavailable::new(Reason::NotCovered, hint)));
                continue;
            }
            meter.silent.clone_from(&silent);
            found.meters.push(Box::new(meter));
        }
    }
    found.meters.sort_by(|one, other| one.info().part.cmp(&other.info().part));
}
