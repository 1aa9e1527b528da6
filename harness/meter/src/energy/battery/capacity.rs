use super::{CLASS, COULOMBS_IN_MICROAMPERE_HOUR, JOULES_IN_MICROWATT_HOUR, batteries};
use crate::{
    SystemRoot,
    energy::plausible::{FileUnit, MICROAMPERE_HOURS, MICROVOLTS, MICROWATT_HOURS},
};

/// What a full battery holds.
#[derive(Clone, Debug, PartialEq)]
pub struct BatteryCapacity {
    /// `BAT0`; several are joined by a plus.
    pub name: String,
    /// Joules of a full charge, all batteries together.
    pub joules: f64,
    /// The file that says so: `energy_full`.
    pub basis: String,
}

/// What the device's batteries hold when they are full, as they say themselves; nothing where one of them does not say it.
pub fn battery_capacity(root: &SystemRoot) -> Option<BatteryCapacity> {
    let each: Vec<BatteryCapacity> = batteries(root).iter().map(|name| one(root, name)).collect::<Option<_>>()?;
    let mut each = each.into_iter();
    let first = each.next()?;
    Some(each.fold(first, |sum, next| BatteryCapacity {
        name: format!("{} + {}", sum.name, next.name),
        joules: sum.joules + next.joules,
        basis: sum.basis,
    }))
}

fn one(root: &SystemRoot, name: &str) -> Option<BatteryCapacity> {
    let number = |file: &str, unit: &FileUnit| {
        let value = unit.stated(root, &format!("{CLASS}/{name}/{file}")).ok().flatten()?;
        (value > 0).then_some(value as f64)
    };
    let capacity =
        |joules: f64, basis: &str| BatteryCapacity { name: name.to_owned(), joules, basis: basis.to_owned() };
    if let Some(full) = number("energy_full", &MICROWATT_HOURS) {
        return Some(capacity(full * JOULES_IN_MICROWATT_HOUR, "energy_full"));
    }
    // Some drivers add the nominal voltage; what is in between is lost in the battery anyway.
    let (volts, source) = number("voltage_min_design", &MICROVOLTS)
        .map(|volts| (volts, "charge_full x voltage_min_design"))
        .or_else(|| Some((number("voltage_now", &MICROVOLTS)?, "charge_full x voltage_now")))?;
    let charge = number("charge_full", &MICROAMPERE_HOURS)?;
    Some(capacity(charge * COULOMBS_IN_MICROAMPERE_HOUR * volts / 1e6, source))
}
