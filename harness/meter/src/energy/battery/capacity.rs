use super::{
    COULOMBS_IN_MICROAMPERE_HOUR, JOULES_IN_MICROWATT_HOUR,
    identity::{Identity, identities},
    size::{Prefix, Size, volts},
};
use crate::{SystemRoot, power_supply::PowerSupplies};

/// What a full battery holds.
#[derive(Clone, Debug, PartialEq)]
pub struct BatteryCapacity {
    /// `BAT0`; several names are joined by a plus.
    pub name: String,
    /// Joules of a full charge, summed over all batteries.
    pub joules: f64,
    /// The file that says so, such as `energy_full`.
    pub basis: String,
}

/// What the device's batteries hold when they are full, by their own files; `None` where one of them does not say.
/// Empty bays hold nothing, and a battery that appears as two nodes counts once.
pub fn battery_capacity(root: &SystemRoot) -> Option<BatteryCapacity> {
    let supplies = PowerSupplies::open(root);
    let mut sum: Option<BatteryCapacity> = None;
    for (name, identity) in identities(root, &supplies) {
        match identity {
            Identity::Undecided { .. } => return None,
            Identity::Same { .. } => {}
            Identity::Own => {
                let next = one(root, name)?;
                sum = Some(match sum {
                    None => next,
                    Some(sum) => BatteryCapacity {
                        name: format!("{} + {}", sum.name, next.name),
                        joules: sum.joules + next.joules,
                        basis: sum.basis,
                    },
                });
            }
        }
    }
    sum
}

fn one(root: &SystemRoot, name: &str) -> Option<BatteryCapacity> {
    let capacity = |joules: f64, prefix: Prefix, basis: &str| {
        let basis = match prefix {
            Prefix::Micro => basis.to_owned(),
            Prefix::Milli => format!("{basis}, taken for milli-units"),
        };
        BatteryCapacity { name: name.to_owned(), joules, basis }
    };
    if let Some((full, prefix)) = Size::of_energy(root, name).full {
        return Some(capacity(full * JOULES_IN_MICROWATT_HOUR, prefix, "energy_full"));
    }
    // Some drivers assume the nominal voltage; the difference is lost in the battery anyway.
    let (volts, source) = volts(root, name, "voltage_min_design")
        .map(|volts| (volts, "charge_full x voltage_min_design"))
        .or_else(|| Some((volts(root, name, "voltage_now")?, "charge_full x voltage_now")))?;
    let (full, prefix) = Size::of_charge(root, name).full?;
    Some(capacity(full * COULOMBS_IN_MICROAMPERE_HOUR * volts, prefix, source))
}
