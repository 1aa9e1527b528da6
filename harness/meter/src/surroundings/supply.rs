use serde::Serialize;

use crate::SystemRoot;

/// What feeds the device (Documentation/ABI/testing/sysfs-class-power).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Supply {
    /// Batteries of the device, not those of a mouse.
    pub batteries: Vec<BatterySupply>,
    /// Chargers that are plugged in, by name.
    pub chargers: Vec<String>,
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
        let mut supply = Self::default();
        for name in root.names("sys/class/power_supply") {
            let text = |file: &str| root.text(format!("sys/class/power_supply/{name}/{file}"));
            match text("type").as_deref() {
                Some("Battery") if text("scope").as_deref() != Some("Device") => {
                    let percent = text("capacity").and_then(|text| text.parse().ok()).filter(|percent| *percent <= 100);
                    supply.batteries.push(BatterySupply { status: text("status"), percent, name });
                }
                Some(kind) if kind != "Battery" && text("online").is_some_and(|online| online != "0") => {
                    supply.chargers.push(name);
                }
                _ => {}
            }
        }
        supply
    }

    /// Whether a charger feeds the device, as the batteries or the chargers say it.
    pub fn is_charged(&self) -> bool {
        let on_mains =
            |battery: &BatterySupply| matches!(battery.status.as_deref(), Some("Charging" | "Full" | "Not charging"));
        !self.chargers.is_empty() || self.batteries.iter().any(on_mains)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    #[test]
    fn a_charger_is_told_by_itself_or_by_the_battery() {
        let battery = "sys/class/power_supply/BAT0/type = Battery\nsys/class/power_supply/BAT0/capacity = 63\n\
                       sys/class/power_supply/mouse/type = Battery\nsys/class/power_supply/mouse/scope = Device\n\
                       sys/class/power_supply/AC/type = Mains\n";
        for (status, online, charged) in
            [("Discharging", 0, false), ("Discharging", 1, true), ("Full", 0, true), ("Unknown", 0, false)]
        {
            let supply = Supply::look(
                &Tree::parse(&format!(
                    "{battery}sys/class/power_supply/BAT0/status = {status}\n\
                     sys/class/power_supply/AC/online = {online}\n"
                ))
                .root(),
            );
            assert_eq!(supply.is_charged(), charged, "{supply:?}");
            assert_eq!(supply.batteries.len(), 1);
            assert_eq!(supply.batteries[0].percent, Some(63));
        }
    }
}
