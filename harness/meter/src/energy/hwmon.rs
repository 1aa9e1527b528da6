//! Power and energy sensors of `/sys/class/hwmon` (Documentation/hwmon/sysfs-interface.rst).

mod place;

use self::place::{Node, Place, place_of};
use super::{
    AbsentMeter, Basis, Discovery, EnergyMeter, Measurand, MeterInfo, MeterSource, RawFile, RawReading, Reason, Scope,
    Unavailable, UpdatePeriod,
    plausible::{FileUnit, MICROJOULES, MICROWATTS, MILLISECONDS},
};
use crate::SystemRoot;

const CLASS: &str = "sys/class/hwmon";

/// Finds every sensor of energy or power.
pub fn discover(root: &SystemRoot) -> Discovery {
    let mut found = Discovery::default();
    let nodes: Vec<Node> = root.names(CLASS).into_iter().filter_map(|node| open_node(root, node)).collect();
    let mut ids: Vec<String> = Vec::new();
    let mut parts: Vec<String> = Vec::new();
    for node in &nodes {
        for file in &node.sensors {
            let channel = channel(file);
            // Nodes with the same name are told apart by their address, and channels with the same label by their number.
            let id = distinct(format!("hwmon:{}/{channel}", node.name), &node.address, &mut ids);
            let Place { scope, part } = place_of(root, node, channel, &nodes);
            let part = distinct(part, &format!("{}/{channel}", node.address), &mut parts);
            if let Some(battery) = battery(root, node) {
                let hint = format!("battery {battery} again, which is read through power_supply");
                found.absent.push(absent(id, Some(Scope::Device), Unavailable::new(Reason::Duplicate, hint)));
                continue;
            }
            match HwmonMeter::open(root, &Sensor { node, file }, scope, part, id.clone()) {
                Ok(meter) => found.meters.push(Box::new(meter)),
                Err(unavailable) => found.absent.push(absent(id, Some(scope), unavailable)),
            }
        }
    }
    if found.meters.is_empty() && found.absent.is_empty() {
        let hint = format!("no sensor below {} reports energy or power", root.join(CLASS).display());
        found.absent.push(absent("hwmon".into(), None, Unavailable::new(Reason::NoMeter, hint)));
    }
    found
}

/// `name`, followed by `where_it_is` if the name is taken.
fn distinct(name: String, where_it_is: &str, taken: &mut Vec<String>) -> String {
    let name = if taken.contains(&name) { format!("{name}@{where_it_is}") } else { name };
    taken.push(name.clone());
    name
}

fn open_node(root: &SystemRoot, node: String) -> Option<Node> {
    let (folder, name) = named_folder(root, &node)?;
    let address = device(root, &node).unwrap_or_else(|| node.clone());
    Some(Node { sensors: sensors(root, &folder), node, folder, name, address })
}

/// Path of a node's files, and its name. Older drivers, for a long time ACPI power meters among them, put the files into the
/// device that the node belongs to.
fn named_folder(root: &SystemRoot, node: &str) -> Option<(String, String)> {
    [format!("{CLASS}/{node}"), format!("{CLASS}/{node}/device")].into_iter().find_map(|folder| {
        let name = root.text(format!("{folder}/name"))?;
        Some((folder, name))
    })
}

/// `energy1_input`, and one file for each power sensor: the mean over its interval where it exists, else the present value.
fn sensors(root: &SystemRoot, folder: &str) -> Vec<String> {
    let files = root.names(folder);
    let number = |file: &str, kind: &str, suffix: &str| -> Option<u32> {
        file.strip_prefix(kind)?.strip_suffix(suffix)?.parse().ok()
    };
    let mut sensors: Vec<(String, u32)> = Vec::new();
    for file in &files {
        if let Some(index) = number(file, "energy", "_input").or_else(|| number(file, "power", "_average")) {
            sensors.push((file.clone(), index));
        } else if let Some(index) = number(file, "power", "_input")
            && !files.contains(&format!("power{index}_average"))
        {
            sensors.push((file.clone(), index));
        }
    }
    sensors.sort_by_key(|(file, index)| (file.starts_with("power"), *index));
    sensors.into_iter().map(|(file, _)| file).collect()
}

/// The device that the node belongs to: `0000:03:00.0`, which is stable where the node's number is not.
fn device(root: &SystemRoot, node: &str) -> Option<String> {
    let target = std::fs::read_link(root.join(format!("{CLASS}/{node}/device"))).ok()?;
    target.file_name()?.to_str().map(ToOwned::to_owned)
}

/// The power supply behind the node, if any: the kernel gives every power supply an hwmon node.
fn battery(root: &SystemRoot, node: &Node) -> Option<String> {
    let link = root.join(format!("{CLASS}/{}/device", node.node));
    if let Ok(target) = std::fs::read_link(&link) {
        let device = link.canonicalize().unwrap_or(target);
        let is_supply = device.components().any(|component| component.as_os_str() == "power_supply");
        let name = device.file_name().and_then(|name| name.to_str());
        return name.filter(|_| is_supply).map(ToOwned::to_owned);
    }
    // Without a link, the name decides. hwmon names have no hyphens: the kernel writes underscores in their place.
    let supplies = root.names("sys/class/power_supply");
    supplies.into_iter().find(|supply| supply.replace('-', "_") == node.name)
}

fn absent(id: String, scope: Option<Scope>, unavailable: Unavailable) -> AbsentMeter {
    AbsentMeter { source: MeterSource::Hwmon, id, scope, unavailable }
}

/// The channel of a file: `energy1`, `power1`.
fn channel(file: &str) -> &str {
    file.split('_').next().unwrap_or_default()
}

/// One file of a node.
struct Sensor<'a> {
    node: &'a Node,
    file: &'a str,
}

impl Sensor<'_> {
    fn path(&self, suffix: &str) -> String {
        format!("{}/{}_{suffix}", self.node.folder, channel(self.file))
    }

    /// ACPI power meters state how accurate they are: `95.0%`.
    fn gain_error(&self, root: &SystemRoot) -> Option<f64> {
        let accuracy: f64 = root.text(self.path("accuracy"))?.trim_end_matches('%').trim().parse().ok()?;
        (0.0..=100.0).contains(&accuracy).then(|| 1.0 - accuracy / 100.0)
    }

    /// What one of the channel's files states.
    fn stated(&self, root: &SystemRoot, suffix: &str, unit: &FileUnit) -> Result<Option<i64>, Unavailable> {
        unit.stated(root, &self.path(suffix))
    }

    /// The interval of the mean, or that of the whole chip.
    fn update_period(&self, root: &SystemRoot) -> Result<Option<UpdatePeriod>, Unavailable> {
        let milliseconds = match self.stated(root, "average_interval", &MILLISECONDS)? {
            Some(own) => Some(own),
            None => MILLISECONDS.stated(root, &format!("{}/update_interval", self.node.folder))?,
        };
        let ns = milliseconds.map(|milliseconds| milliseconds.unsigned_abs() * 1_000_000).filter(|ns| *ns > 0);
        Ok(ns.map(|ns| UpdatePeriod { ns, basis: Basis::Declared }))
    }
}

/// A meter that reads one sensor.
#[derive(Debug)]
struct HwmonMeter {
    info: MeterInfo,
    value: RawFile,
    unit: FileUnit,
}

impl HwmonMeter {
    fn open(root: &SystemRoot, sensor: &Sensor, scope: Scope, part: String, id: String) -> Result<Self, Unavailable> {
        let value = RawFile::open(root, &format!("{}/{}", sensor.node.folder, sensor.file))?;
        let (measurand, unit) = if sensor.file.starts_with("energy") {
            (Measurand::EnergyCounter { joules_per_unit: 1e-6, modulus: None }, MICROJOULES)
        } else {
            (Measurand::Power { watts_per_unit: 1e-6 }, MICROWATTS)
        };
        value.amount(&unit)?;
        let limit = sensor.stated(root, "cap", &MICROWATTS)?.filter(|limit| *limit > 0);
        let info = MeterInfo {
            id,
            source: MeterSource::Hwmon,
            scope,
            part,
            path: value.path().display().to_string(),
            measurand,
            unit_basis: Basis::Documented,
            resolution: 1,
            update_period: sensor.update_period(root)?,
            gain_error: sensor.gain_error(root),
            power_limit_watts: limit.map(|microwatts| microwatts as f64 / 1e6),
        };
        Ok(Self { info, value, unit })
    }
}

impl EnergyMeter for HwmonMeter {
    fn info(&self) -> &MeterInfo {
        &self.info
    }

    fn read(&mut self) -> Result<RawReading, Unavailable> {
        Ok(RawReading::new(self.value.amount(&self.unit)?))
    }
}

#[cfg(test)]
mod tests;
