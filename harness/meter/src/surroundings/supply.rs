use serde::Serialize;

use crate::{
    SystemRoot,
    power_supply::{CLASS, Feed, PowerSupplies},
};

/// What feeds the device (Documentation/ABI/testing/sysfs-class-power).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Supply {
    /// Batteries of the device that are present, without those of a mouse.
    pub batteries: Vec<BatterySupply>,
    /// Chargers that feed the device, by name.
    pub chargers: Vec<String>,
    /// Ports through which the device feeds something else, by name.
    pub giving: Vec<String>,
    /// Whether a charger feeds the device, by the files of the chargers or of the batteries.
    pub charged: bool,
}

/// A battery's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BatterySupply {
    /// `BAT0`.
    pub name: String,
    /// `Charging`, `Discharging`, `Not charging`, `Full`, `Unknown`.
    pub status: Option<String>,
    /// How full it is.
    pub percent: Option<u8>,
}

impl Supply {
    pub(super) fn look(root: &SystemRoot) -> Self {
        let supplies = PowerSupplies::open(root);
        let state = |name: &String| {
            let text = |file: &str| root.text(format!("{CLASS}/{name}/{file}"));
            let percent = text("capacity").and_then(|text| text.parse().ok()).filter(|percent| *percent <= 100);
            BatterySupply { status: text("status"), percent, name: name.clone() }
        };
        Self {
            batteries: supplies.batteries.iter().map(|battery| state(&battery.name)).collect(),
            chargers: supplies.chargers(),
            giving: supplies.giving(),
            charged: supplies.feed() != Feed::Batteries,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    #[test]
    fn a_charger_shows_in_its_own_file_or_in_the_battery_s() {
        let battery = "sys/class/power_supply/BAT0/type = Battery\nsys/class/power_supply/BAT0/capacity = 63\n\
                       sys/class/power_supply/mouse/type = Battery\nsys/class/power_supply/mouse/scope = Device\n\
                       sys/class/power_supply/BAT1/type = Battery\nsys/class/power_supply/BAT1/present = 0\n\
                       sys/class/power_supply/AC/type = Mains\n";
        for (status, online, charged) in [
            ("Discharging", "0", false),
            ("Discharging", "1", true),
            ("Full", "0", false),
            ("Full", "", true),
            ("Charging", "0", true),
            ("Unknown", "0", false),
        ] {
            let supply = Supply::look(
                &Tree::parse(&format!(
                    "{battery}sys/class/power_supply/BAT0/status = {status}\n\
                     sys/class/power_supply/AC/online = {online}\n"
                ))
                .root(),
            );
            assert_eq!(supply.charged, charged, "{supply:?}");
            assert_eq!(supply.batteries.len(), 1);
            assert_eq!(supply.batteries[0].percent, Some(63));
        }
        assert!(!Supply::look(&Tree::parse("").root()).charged);
    }
}
