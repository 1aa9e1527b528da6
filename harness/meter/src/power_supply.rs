//! What feeds the device, its batteries or a charger (Documentation/ABI/testing/sysfs-class-power). The one definition that
//! meters, facts and checks use.
//!
//! A charger is defined as in the kernel's own `power_supply_is_system_supplied`
//! (drivers/power/supply/power_supply_core.c): every supply that is neither a battery nor another device's, while it is
//! `online`. This goes further in two ways: a USB port whose status is "discharging" gives power away, and a bay
//! whose `present` is 0 is empty.

use crate::{SystemRoot, energy::RawFile};

pub(crate) const CLASS: &str = "sys/class/power_supply";
const UNINTERRUPTIBLE: &str = "UPS";

/// The supplies of a device. Their files are kept open, because every reading of a battery looks at them.
#[derive(Debug)]
pub(crate) struct PowerSupplies {
    /// The device's own batteries that are present, without those of a mouse.
    pub(crate) batteries: Vec<Battery>,
    /// Bays without a battery, by name.
    pub(crate) empty_bays: Vec<String>,
    ports: Vec<Port>,
}

/// A battery that feeds the device, or might.
#[derive(Debug)]
pub(crate) struct Battery {
    /// `BAT0`.
    pub(crate) name: String,
    present: Option<RawFile>,
    status: Option<RawFile>,
}

/// What a battery's `status` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatteryStatus {
    /// A charger fills it.
    Charging,
    /// It feeds the device.
    Discharging,
    /// It waits: a charger, or another battery, feeds the device.
    NotCharging,
    /// It waits because it is full.
    Full,
    /// The status is unknown or missing.
    Unknown,
}

/// What feeds the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Feed {
    /// Its batteries alone, as far as the kernel reports.
    Batteries,
    /// A charger, by name.
    Charger(String),
    /// A charger without a node: this battery is being charged, or waits although nothing else feeds the device.
    Unseen { battery: String, status: BatteryStatus },
}

/// Any supply other than a battery: an adapter, a USB port, a coil, an uninterruptible supply.
#[derive(Debug)]
struct Port {
    name: String,
    kind: String,
    /// Whether it belongs to this device, rather than to something connected to it.
    of_system: bool,
    online: Option<RawFile>,
    present: Option<RawFile>,
    status: Option<RawFile>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Feeds the device.
    Feeds,
    /// Is fed by the device.
    Gives,
    Off,
    /// Has the file, but it cannot be read.
    Silent,
    /// Has no such file.
    None,
}

impl PowerSupplies {
    pub(crate) fn open(root: &SystemRoot) -> Self {
        let mut supplies = Self { batteries: Vec::new(), empty_bays: Vec::new(), ports: Vec::new() };
        for name in root.names(CLASS) {
            let text = |file: &str| root.text(format!("{CLASS}/{name}/{file}"));
            let open = |file: &str| RawFile::open(root, &format!("{CLASS}/{name}/{file}")).ok();
            let of_system = text("scope").as_deref() != Some("Device");
            match text("type") {
                Some(kind) if kind == "Battery" => {
                    if !of_system {
                        continue;
                    }
                    let battery = Battery { present: open("present"), status: open("status"), name };
                    match battery.is_there() {
                        true => supplies.batteries.push(battery),
                        false => supplies.empty_bays.push(battery.name),
                    }
                }
                kind => supplies.ports.push(Port {
                    kind: kind.unwrap_or_default(),
                    of_system,
                    online: open("online"),
                    present: open("present"),
                    status: open("status"),
                    name,
                }),
            }
        }
        supplies
    }

    /// What feeds the device now.
    pub(crate) fn feed(&self) -> Feed {
        let roles: Vec<(&str, Role)> = self.ports.iter().map(|port| (&*port.name, port.role())).collect();
        if let Some((name, _)) = roles.iter().find(|(_, role)| *role == Role::Feeds) {
            return Feed::Charger((*name).to_owned());
        }
        let statuses: Vec<(&str, BatteryStatus)> =
            self.batteries.iter().map(|battery| (&*battery.name, battery.status())).collect();
        let unseen =
            |(name, status): &(&str, BatteryStatus)| Feed::Unseen { battery: (*name).to_owned(), status: *status };
        if let Some(charged) = statuses.iter().find(|(_, status)| *status == BatteryStatus::Charging) {
            return unseen(charged);
        }
        // One of several batteries waits while another is in use. A single battery that waits is fed by a charger, unless the
        // charger's own file denies it: firmware may say "full" for a while after the charger was unplugged.
        let one_gives = statuses.iter().any(|(_, status)| *status == BatteryStatus::Discharging);
        let chargers_deny = roles.iter().any(|(_, role)| matches!(role, Role::Off | Role::Gives))
            && roles.iter().all(|(_, role)| *role != Role::Silent);
        let waits = |status: BatteryStatus| matches!(status, BatteryStatus::Full | BatteryStatus::NotCharging);
        match statuses.iter().find(|(_, status)| waits(*status)) {
            Some(waiting) if !one_gives && !chargers_deny => unseen(waiting),
            _ => Feed::Batteries,
        }
    }

    /// Chargers that feed the device, by name.
    pub(crate) fn chargers(&self) -> Vec<String> {
        self.ports_that(Role::Feeds)
    }

    /// Ports through which the device feeds something else, by name.
    pub(crate) fn giving(&self) -> Vec<String> {
        self.ports_that(Role::Gives)
    }

    fn ports_that(&self, role: Role) -> Vec<String> {
        self.ports.iter().filter(|port| port.role() == role).map(|port| port.name.clone()).collect()
    }

    /// A battery of the device, by name.
    pub(crate) fn battery(&self, name: &str) -> Option<&Battery> {
        self.batteries.iter().find(|battery| battery.name == name)
    }

    /// Whether a battery feeds nothing while another does: its status says that it waits, and the other's that it discharges.
    pub(crate) fn waits(&self, name: &str) -> bool {
        let waits = |status| matches!(status, BatteryStatus::Full | BatteryStatus::NotCharging);
        self.battery(name).is_some_and(|battery| waits(battery.status())) && self.one_gives()
    }

    /// The same, or its status is unknown.
    pub(crate) fn may_wait(&self, name: &str) -> bool {
        self.waits(name)
            || self.battery(name).is_some_and(|battery| battery.status() == BatteryStatus::Unknown) && self.one_gives()
    }

    fn one_gives(&self) -> bool {
        self.batteries.iter().any(|battery| battery.status() == BatteryStatus::Discharging)
    }

    /// Uninterruptible supplies, by name: they may feed other things, too.
    pub(crate) fn uninterruptible(&self) -> Vec<&str> {
        self.ports.iter().filter(|port| port.kind == UNINTERRUPTIBLE).map(|port| &*port.name).collect()
    }
}

impl Battery {
    /// Whether it is in its bay. A battery without the file `present` is.
    pub(crate) fn is_there(&self) -> bool {
        self.present.as_ref().is_none_or(|present| present.integer() != Ok(0))
    }

    pub(crate) fn status(&self) -> BatteryStatus {
        let Some(status) = &self.status else { return BatteryStatus::Unknown };
        match status.text(&mut [0; 4096]) {
            Ok("Charging") => BatteryStatus::Charging,
            Ok("Discharging") => BatteryStatus::Discharging,
            Ok("Not charging") => BatteryStatus::NotCharging,
            Ok("Full") => BatteryStatus::Full,
            _ => BatteryStatus::Unknown,
        }
    }
}

impl BatteryStatus {
    /// In a sentence.
    pub fn description(self) -> &'static str {
        match self {
            Self::Charging => "charging",
            Self::Discharging => "discharging",
            Self::NotCharging => "not charging",
            Self::Full => "full",
            Self::Unknown => "unknown",
        }
    }
}

impl Port {
    fn role(&self) -> Role {
        let Some(online) = &self.online else { return Role::None };
        let gives = || {
            // An adapter cannot give power away, and an uninterruptible supply that discharges feeds the device.
            let can_give = self.kind != "Mains" && self.kind != UNINTERRUPTIBLE;
            can_give && self.status.as_ref().is_some_and(|status| status.text(&mut [0; 4096]) == Ok("Discharging"))
        };
        // 1 means a fixed voltage, 2 a negotiated one.
        match online.integer() {
            Ok(0) => Role::Off,
            Ok(_) if self.present.as_ref().is_some_and(|present| present.integer() == Ok(0)) => Role::Off,
            Ok(1..) if !self.of_system || gives() => Role::Gives,
            Ok(1..) => Role::Feeds,
            Ok(_) | Err(_) => Role::Silent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    fn with<T>(lines: &[&str], look: impl Fn(&PowerSupplies) -> T) -> T {
        let text: String = lines.iter().map(|line| format!("{CLASS}/{line}\n")).collect();
        let tree = Tree::parse(&text);
        look(&PowerSupplies::open(&tree.root()))
    }

    fn feed(lines: &[&str]) -> Feed {
        with(&[&["BAT0/type = Battery", "AC/type = Mains", "usb/type = USB"], lines].concat(), PowerSupplies::feed)
    }

    const DISCHARGING: &str = "BAT0/status = Discharging";

    #[test]
    fn whatever_is_online_and_no_battery_is_a_charger() {
        let charger = |name: &str| Feed::Charger(name.into());
        assert_eq!(feed(&[DISCHARGING, "AC/online = 0", "usb/online = 0"]), Feed::Batteries);
        for online in ["1", "2"] {
            assert_eq!(feed(&[DISCHARGING, "AC/online = 0", &format!("usb/online = {online}")]), charger("usb"));
        }
        for kind in ["Wireless", "UPS", "USB_PD", "BrickID", "Unknown", ""] {
            assert_eq!(feed(&[DISCHARGING, &format!("x/type = {kind}"), "x/online = 1"]), charger("x"), "{kind}");
        }
        assert_eq!(feed(&[DISCHARGING, "x/type = UPS", "x/online = 1", "x/status = Discharging"]), charger("x"));
        assert_eq!(feed(&[DISCHARGING, "AC/online = 1", "AC/status = Discharging"]), charger("AC"));
        assert_eq!(feed(&[DISCHARGING, "usb/online = 1", "usb/status = Not charging"]), charger("usb"));
    }

    #[test]
    fn what_the_device_feeds_is_no_charger() {
        for more in ["usb/status = Discharging", "usb/scope = Device"] {
            let lines = [DISCHARGING, "AC/online = 0", "usb/online = 1", more];
            assert_eq!(feed(&lines), Feed::Batteries, "{more}");
            assert_eq!(with(&[&["usb/type = USB"], &lines[..]].concat(), PowerSupplies::giving), ["usb"]);
        }
        assert_eq!(feed(&[DISCHARGING, "usb/online = 1", "usb/present = 0"]), Feed::Batteries);
    }

    #[test]
    fn a_battery_that_is_charged_or_waits_alone_is_fed_unless_the_charger_denies_it() {
        let unseen = |status| Feed::Unseen { battery: "BAT0".into(), status };
        assert_eq!(feed(&["BAT0/status = Charging", "AC/online = 0"]), unseen(BatteryStatus::Charging));
        for (text, status) in [("Full", BatteryStatus::Full), ("Not charging", BatteryStatus::NotCharging)] {
            let waits = format!("BAT0/status = {text}");
            assert_eq!(feed(&[&waits]), unseen(status), "no charger says anything");
            assert_eq!(feed(&[&waits, "AC/online = 0"]), Feed::Batteries);
            assert_eq!(feed(&[&waits, "AC/online ="]), unseen(status), "what cannot be read denies nothing");
            assert_eq!(feed(&[&waits, "AC/online = 0", "usb/online ="]), unseen(status));
            let other = ["BAT1/type = Battery", "BAT1/status = Discharging"];
            assert_eq!(feed(&[&[&*waits], &other[..]].concat()), Feed::Batteries, "the other one is used");
        }
        assert_eq!(feed(&["BAT0/status = Unknown"]), Feed::Batteries);
    }

    #[test]
    fn bays_without_a_battery_and_batteries_of_other_things_do_not_count() {
        let lines = [
            "BAT0/type = Battery",
            "BAT0/present = 1",
            "BAT1/type = Battery",
            "BAT1/present = 0",
            "mouse/type = Battery",
            "mouse/scope = Device",
        ];
        let names = |supplies: &PowerSupplies| -> (Vec<String>, Vec<String>) {
            let names = supplies.batteries.iter().map(|battery| battery.name.clone());
            (names.collect(), supplies.empty_bays.clone())
        };
        assert_eq!(with(&lines, names), (vec!["BAT0".to_owned()], vec!["BAT1".to_owned()]));
    }
}
