use crate::{
    SystemRoot,
    energy::{Reason, Unavailable},
    power_supply::{Feed, PowerSupplies},
};

const UNPLUG: &str = "unplug it: while it feeds the device, the battery does not show what the device uses";

/// Fails unless a battery, and nothing but batteries, feeds the device, as far as the kernel reports it.
///
/// # Errors
/// [`Reason::ChargerConnected`], naming the charger; [`Reason::NoMeter`] for a device without a battery.
pub fn ensure_on_battery(root: &SystemRoot) -> Result<(), Unavailable> {
    let supplies = PowerSupplies::open(root);
    if supplies.batteries.is_empty() {
        return Err(Unavailable::new(Reason::NoMeter, "this device has no battery"));
    }
    ensure_fed_by_batteries(&supplies)
}

/// Fails unless the batteries alone feed the device, as far as the kernel reports it.
pub(super) fn ensure_fed_by_batteries(supplies: &PowerSupplies) -> Result<(), Unavailable> {
    let hint = match supplies.feed() {
        Feed::Batteries => return Ok(()),
        Feed::Charger(name) => format!("charger {name} is plugged in; {UNPLUG}"),
        Feed::Unseen { battery, status } => {
            format!("battery {battery} is {:?}: a charger is plugged in; {UNPLUG}", status.description())
        }
    };
    Err(Unavailable::new(Reason::ChargerConnected, hint))
}
