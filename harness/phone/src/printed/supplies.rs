//! The phone's `/sys/class/power_supply`, through the file `uevent` of each supply, which has all its other files in one.
//!
//! Nothing is judged here. The files are laid out in a folder as the kernel has them, and the rules of `pocketwatt_meter` read
//! that folder, so that a phone's battery and this machine's are judged alike. Makers keep these files from the shell (Samsung does
//! since the S23 at least), which is then the answer.
//!
//! - Keys are `POWER_SUPPLY_CHARGE_COUNTER`, or without that prefix in texts of some tools. Their files have the rest of the name in
//!   lower case.
//! - The type was added to `uevent` with Linux 5.5, so the file `type` is asked for, too.
//! - Battery packs have serial numbers of their own: they are left out.

use std::{collections::BTreeMap, fs, io};

use pocketwatt_files::check_name;
use tempfile::TempDir;

/// One supply: a battery, a charger, a gauge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PowerSupply {
    /// `battery`, `usb`, `bms`.
    pub name: String,
    /// Names of files with what they hold.
    pub attributes: BTreeMap<String, String>,
    /// Whether the phone refused to show a file of it.
    pub is_denied: bool,
}

/// Begins a supply: `SUPPLY=battery`.
const SUPPLY: &str = "SUPPLY=";
const PREFIX: &str = "POWER_SUPPLY_";
const DENIED: &str = "Permission denied";
const SERIAL_NUMBER: &str = "serial_number";
const MOST_SUPPLIES: usize = 32;
const MOST_ATTRIBUTES: usize = 256;
const LONGEST_NAME: usize = 64;

/// Reads a line `SUPPLY=name` for each supply, and its `uevent` below, with messages of `cat` where it is denied. Supplies whose
/// names could lead out of a folder are left out.
pub fn power_supplies(text: &str) -> Vec<PowerSupply> {
    let mut supplies: Vec<PowerSupply> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix(SUPPLY) {
            supplies.push(PowerSupply { name: name.to_owned(), ..PowerSupply::default() });
        } else if let Some(supply) = supplies.last_mut() {
            supply.add(line);
        }
        if supplies.len() > MOST_SUPPLIES {
            break;
        }
    }
    supplies.retain(|supply| supply.name.len() <= LONGEST_NAME && check_name(&supply.name).is_ok());
    supplies
}

impl PowerSupply {
    fn add(&mut self, line: &str) {
        if line.ends_with(DENIED) {
            self.is_denied = true;
            return;
        }
        let Some((key, value)) = line.split_once('=') else { return };
        let file = key.strip_prefix(PREFIX).unwrap_or(key).to_ascii_lowercase();
        let is_name = (1..=LONGEST_NAME).contains(&file.len())
            && file.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if is_name && file != SERIAL_NUMBER && !value.is_empty() && self.attributes.len() < MOST_ATTRIBUTES {
            self.attributes.entry(file).or_insert_with(|| value.to_owned());
        }
    }

    fn is_battery(&self) -> bool {
        self.attributes.get("type").is_some_and(|kind| kind == "Battery")
    }
}

/// Lays out the batteries as below `/`, as they would be with nothing plugged in: without chargers, and without the batteries'
/// word on what they do. It answers what could be read then, never what is read now.
///
/// # Errors
/// When files cannot be written here.
pub fn unplugged_tree(supplies: &[PowerSupply]) -> io::Result<TempDir> {
    let tree = tempfile::tempdir()?;
    for battery in supplies.iter().filter(|supply| supply.is_battery()) {
        let folder = tree.path().join("sys/class/power_supply").join(&battery.name);
        fs::create_dir_all(&folder)?;
        for (file, value) in battery.attributes.iter().filter(|(file, _)| *file != "status") {
            fs::write(folder.join(file), format!("{value}\n"))?;
        }
    }
    Ok(tree)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::captures;

    #[test]
    fn every_captured_battery_is_laid_out_as_its_files() {
        for (name, text) in captures("battery_uevent") {
            let supplies = power_supplies(&format!("SUPPLY=battery\nPOWER_SUPPLY_TYPE=Battery\n{text}"));
            assert_eq!(supplies.len(), 1, "{name}");
            let tree = unplugged_tree(&supplies).unwrap();
            let read =
                |file: &str| fs::read_to_string(tree.path().join("sys/class/power_supply/battery").join(file)).ok();
            let expected = match &*name {
                "google-pixel3a-android9/battery_uevent_on_usb_not_charging.txt" => ("44", "3815175", "976", None),
                "motorola-msm8226-android5/battery_uevent_full.txt" => ("100", "4311130", "-4306", Some("-562")),
                "xiaomi-mi8-miui10/battery_uevent.txt" => ("50", "3888173", "-326171", Some("1528169")),
                other => panic!("{other} is new: say what it holds"),
            };
            let line = |text: &str| Some(format!("{text}\n"));
            assert_eq!(
                (read("capacity"), read("voltage_now"), read("current_now"), read("charge_counter")),
                (line(expected.0), line(expected.1), line(expected.2), expected.3.and_then(line)),
                "{name}"
            );
            assert_eq!((read("type"), read("status")), (line("Battery"), None));
        }
    }

    #[test]
    fn a_denied_supply_is_known_and_a_charger_is_no_battery() {
        let text = "SUPPLY=ac\nPOWER_SUPPLY_TYPE=Mains\nPOWER_SUPPLY_ONLINE=1\n\
                    SUPPLY=battery\nPOWER_SUPPLY_TYPE=cat: /sys/class/power_supply/battery/type: Permission denied\n\
                    cat: /sys/class/power_supply/battery/uevent: Permission denied\n";
        let supplies = power_supplies(text);
        let seen: Vec<_> =
            supplies.iter().map(|supply| (&*supply.name, supply.is_denied, supply.is_battery())).collect();
        assert_eq!(seen, [("ac", false, false), ("battery", true, false)]);
        assert!(supplies[1].attributes.is_empty());
        assert_eq!(fs::read_dir(unplugged_tree(&supplies).unwrap().path()).unwrap().count(), 0);
    }

    #[test]
    fn names_lead_nowhere_else_and_serial_numbers_are_left_out() {
        let text = "SUPPLY=../../etc\nPOWER_SUPPLY_TYPE=Battery\nSUPPLY=..\nSUPPLY=/tmp/x\nSUPPLY=\nSUPPLY=*\n\
                    SUPPLY=b\nPOWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_SERIAL_NUMBER=4711\n../x=1\nPOWER_SUPPLY_=2\n\
                    POWER_SUPPLY_TYPE=UPS\n=3\nPOWER_SUPPLY_ÄÖ=4\n";
        let supplies = power_supplies(text);
        let battery = supplies.last().unwrap();
        assert_eq!(battery.attributes, [("type".to_owned(), "Battery".to_owned())].into());
        let tree = unplugged_tree(&supplies).unwrap();
        let names: Vec<_> = fs::read_dir(tree.path().join("sys/class/power_supply")).unwrap().collect();
        assert_eq!(names.len(), 1);
    }

    #[test]
    fn a_phone_without_end_is_cut_short() {
        let many = "SUPPLY=a\n".repeat(1000) + &(0..1000).map(|n| format!("X{n}=1\n")).collect::<String>();
        assert!(power_supplies(&many).len() <= MOST_SUPPLIES + 1);
        let long = format!("SUPPLY=a\n{}", (0..1000).map(|n| format!("X{n}=1\n")).collect::<String>());
        assert_eq!(power_supplies(&long)[0].attributes.len(), MOST_ATTRIBUTES);
    }
}
