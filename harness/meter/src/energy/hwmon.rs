//! Power and energy sensors of `/sys/class/hwmon` (Documentation/hwmon/sysfs-interface.rst).

use std::path::Path;

use super::{
    AbsentMeter, Basis, Discovery, EnergyMeter, Measurand, MeterInfo, MeterSource, RawFile, RawReading, Reason, Scope,
    Unavailable, UpdatePeriod,
    plausible::{FileUnit, MICROJOULES, MICROWATTS, MILLISECONDS},
};
use crate::SystemRoot;

const CLASS: &str = "sys/class/hwmon";
/// ACPI power meters (Documentation/hwmon/acpi_power_meter.rst) feed the whole device.
const ACPI_POWER_METER: &str = "power_meter";
/// Energy counters of AMD's processors (Documentation/hwmon/amd_energy.rst), 64 bits wide in the driver.
const AMD_ENERGY: &str = "amd_energy";
/// Graphics cards.
const CARDS: [&str; 4] = ["amdgpu", "nouveau", "i915", "xe"];

/// Finds every sensor that tells energy or power.
pub fn discover(root: &SystemRoot) -> Discovery {
    let mut found = Discovery::default();
    let mut taken: Vec<String> = Vec::new();
    for node in root.names(CLASS) {
        let Some((folder, name)) = named_folder(root, &node) else { continue };
        for file in sensors(root, &folder) {
            let mut id = format!("hwmon:{name}/{}", file.split('_').next().unwrap_or_default());
            if taken.contains(&id) {
                id = format!("{id}@{}", device(root, &node).unwrap_or_else(|| node.clone()));
            }
            taken.push(id.clone());
            let sensor = Sensor { node: &node, folder: &folder, name: &name, file: &file };
            let scope = sensor.scope(root);
            if let Some(battery) = battery(root, &sensor) {
                let hint = format!("battery {battery} once more, which is read through power_supply");
                found.absent.push(absent(id, Some(Scope::Device), Unavailable::new(Reason::Duplicate, hint)));
                continue;
            }
            match HwmonMeter::open(root, &sensor, scope, id.clone()) {
                Ok(meter) => found.meters.push(Box::new(meter)),
                Err(unavailable) => found.absent.push(absent(id, Some(scope), unavailable)),
            }
        }
    }
    if found.meters.is_empty() && found.absent.is_empty() {
        let hint = format!("no sensor below {} tells energy or power", root.join(CLASS).display());
        found.absent.push(absent("hwmon".into(), None, Unavailable::new(Reason::NoMeter, hint)));
    }
    found
}

/// Where a node's files are, and its name. Drivers of the older kind, ACPI power meters among them for long, put them into the
/// device that the node belongs to.
fn named_folder(root: &SystemRoot, node: &str) -> Option<(String, String)> {
    [format!("{CLASS}/{node}"), format!("{CLASS}/{node}/device")].into_iter().find_map(|folder| {
        let name = root.text(format!("{folder}/name"))?;
        Some((folder, name))
    })
}

/// `energy1_input`, and of each power sensor one file: the mean over its interval where it is told, else the moment.
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

/// What the node belongs to: `0000:03:00.0`, stable where the node's number is not.
fn device(root: &SystemRoot, node: &str) -> Option<String> {
    let target = std::fs::read_link(root.join(format!("{CLASS}/{node}/device"))).ok()?;
    target.file_name()?.to_str().map(ToOwned::to_owned)
}

/// The battery behind the node, if there is one: the kernel gives every power supply an hwmon node.
fn battery(root: &SystemRoot, sensor: &Sensor) -> Option<String> {
    let supplies = root.names("sys/class/power_supply");
    let behind = std::fs::read_link(root.join(format!("{CLASS}/{}/device", sensor.node))).ok();
    let linked = behind.as_deref().filter(|target| has_part(target, "power_supply")).and_then(Path::file_name);
    let linked = linked.and_then(|name| name.to_str()).map(ToOwned::to_owned);
    // hwmon names have no hyphens: the kernel writes underscores in their place.
    let named = supplies.into_iter().find(|supply| supply.replace('-', "_") == *sensor.name);
    linked.or(named)
}

fn has_part(path: &Path, part: &str) -> bool {
    path.components().any(|component| component.as_os_str() == part)
}

fn absent(id: String, scope: Option<Scope>, unavailable: Unavailable) -> AbsentMeter {
    AbsentMeter { source: MeterSource::Hwmon, id, scope, unavailable }
}

/// One file of a node.
struct Sensor<'a> {
    node: &'a str,
    folder: &'a str,
    name: &'a str,
    file: &'a str,
}

impl Sensor<'_> {
    /// `energy1`, `power1`.
    fn channel(&self) -> &str {
        self.file.split('_').next().unwrap_or_default()
    }

    fn text(&self, root: &SystemRoot, suffix: &str) -> Option<String> {
        root.text(format!("{}/{}_{suffix}", self.folder, self.channel()))
    }

    fn label(&self, root: &SystemRoot) -> String {
        self.text(root, "label").unwrap_or_else(|| self.channel().to_owned())
    }

    fn scope(&self, root: &SystemRoot) -> Scope {
        match self.name {
            ACPI_POWER_METER => Scope::Device,
            AMD_ENERGY if self.label(root).starts_with("Esocket") => Scope::Package,
            AMD_ENERGY => Scope::Core,
            card if CARDS.contains(&card) => Scope::Accelerator,
            _ => Scope::Rail,
        }
    }

    /// ACPI power meters state how accurate they are: `95.0%`.
    fn gain_error(&self, root: &SystemRoot) -> Option<f64> {
        let accuracy: f64 = self.text(root, "accuracy")?.trim_end_matches('%').trim().parse().ok()?;
        (0.0..=100.0).contains(&accuracy).then(|| 1.0 - accuracy / 100.0)
    }

    /// What one of the channel's files states.
    fn stated(&self, root: &SystemRoot, suffix: &str, unit: &FileUnit) -> Result<Option<i64>, Unavailable> {
        unit.stated(root, &format!("{}/{}_{suffix}", self.folder, self.channel()))
    }

    /// The interval of the mean, or of the whole chip.
    fn update_period(&self, root: &SystemRoot) -> Result<Option<UpdatePeriod>, Unavailable> {
        let milliseconds = match self.stated(root, "average_interval", &MILLISECONDS)? {
            Some(own) => Some(own),
            None => MILLISECONDS.stated(root, &format!("{}/update_interval", self.folder))?,
        };
        let ns = milliseconds.map(|milliseconds| milliseconds.unsigned_abs() * 1_000_000).filter(|ns| *ns > 0);
        Ok(ns.map(|ns| UpdatePeriod { ns, basis: Basis::Declared }))
    }
}

/// One sensor.
#[derive(Debug)]
struct HwmonMeter {
    info: MeterInfo,
    value: RawFile,
    unit: FileUnit,
}

impl HwmonMeter {
    fn open(root: &SystemRoot, sensor: &Sensor, scope: Scope, id: String) -> Result<Self, Unavailable> {
        let value = RawFile::open(root, &format!("{}/{}", sensor.folder, sensor.file))?;
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
            part: format!("{}/{}", sensor.name, sensor.label(root)),
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
        Ok(RawReading::of(self.value.amount(&self.unit)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    fn found(name: &str) -> (Tree, Discovery) {
        let tree = Tree::named(name);
        let found = discover(&tree.root());
        (tree, found)
    }

    fn ids(found: &Discovery) -> Vec<&str> {
        found.meters.iter().map(|meter| meter.info().id.as_str()).collect()
    }

    #[test]
    fn a_power_meter_covers_the_device_and_says_how_good_it_is() {
        let (_tree, mut found) = found("hwmon-acpi-power-meter");
        assert_eq!(ids(&found), ["hwmon:power_meter/power1"]);
        let info = found.meters[0].info();
        assert_eq!((info.scope, info.part.as_str()), (Scope::Device, "power_meter/power1"));
        assert!((info.gain_error.unwrap() - 0.05).abs() < 1e-12, "{info:?}");
        assert_eq!(info.update_period, Some(UpdatePeriod { ns: 1_000_000_000, basis: Basis::Declared }));
        assert_eq!(info.measurand, Measurand::Power { watts_per_unit: 1e-6 });
        assert_eq!(found.meters[0].read(), Ok(RawReading::of(231_000_000)));
    }

    #[test]
    fn older_drivers_put_their_files_into_the_device() {
        let tree = Tree::parse(
            "sys/devices/ACPI000D:00/name = power_meter\nsys/devices/ACPI000D:00/power1_average = 12000000\n\
             sys/devices/ACPI000D:00/hwmon/hwmon0/device -> ../../../ACPI000D:00\n\
             sys/class/hwmon/hwmon0 -> ../../devices/ACPI000D:00/hwmon/hwmon0\n",
        );
        let found = discover(&tree.root());
        assert_eq!(ids(&found), ["hwmon:power_meter/power1"]);
        assert_eq!(found.meters[0].info().scope, Scope::Device);
    }

    #[test]
    fn a_battery_is_not_counted_twice() {
        let (_tree, laptop) = found("laptop");
        assert!(laptop.meters.is_empty());
        assert_eq!(laptop.absent[0].unavailable.reason, Reason::Duplicate);
        assert!(laptop.absent[0].unavailable.hint.contains("battery BAT0"), "{:?}", laptop.absent);
        // Without a link the name tells.
        let named = Tree::parse(
            "sys/class/power_supply/ucsi-source-psy/type = USB\nsys/class/hwmon/hwmon0/name = ucsi_source_psy\n\
             sys/class/hwmon/hwmon0/power1_input = 5\n",
        );
        assert_eq!(discover(&named.root()).absent[0].unavailable.reason, Reason::Duplicate);
    }

    #[test]
    fn sockets_are_packages_and_unknown_places_stand_alone() {
        let (_tree, amd) = found("hwmon-amd-energy");
        let scopes: Vec<(&str, Scope)> =
            amd.meters.iter().map(|meter| (meter.info().part.as_str(), meter.info().scope)).collect();
        assert_eq!(
            scopes,
            [
                ("amd_energy/Ecore000", Scope::Core),
                ("amd_energy/Ecore001", Scope::Core),
                ("amd_energy/Esocket0", Scope::Package)
            ]
        );
        let (_tree, board) = found("hwmon-board");
        assert_eq!(
            ids(&board),
            ["hwmon:ina226/power1", "hwmon:ina226/power1@1-0041", "hwmon:amdgpu/power1"],
            "two chips of one name keep apart by where they sit"
        );
        let scopes: Vec<Scope> = board.meters.iter().map(|meter| meter.info().scope).collect();
        assert_eq!(scopes, [Scope::Rail, Scope::Rail, Scope::Accelerator]);
        assert_eq!(board.absent[0].unavailable.reason, Reason::Unreadable, "{:?}", board.absent);
    }

    /// It came out as 0.4 ms, declared by the device.
    #[test]
    fn what_a_sensor_cannot_mean_is_no_meter() {
        let node = "sys/class/hwmon/hwmon1";
        let sensor = |more: &str| {
            let tree = format!("{node}/name = power_meter\n{node}/power1_average = 231000000\n{node}/{more}\n");
            discover(&Tree::parse(&tree).root())
        };
        assert_eq!(sensor("power1_average_interval = 0").meters[0].info().update_period, None);
        for more in [
            "power1_average_interval = 18446744073709551615",
            "power1_average_interval = 18446744073710",
            "power1_average_interval = -5",
            "update_interval = 1e30",
            "power1_average = -9223372036854775808",
            "power1_cap = inf",
        ] {
            let found = sensor(more);
            let refused = &found.absent[0].unavailable;
            assert_eq!((found.meters.len(), refused.reason), (0, Reason::Unreadable), "{more}");
            assert!(refused.hint.contains(more.split(' ').next().unwrap()), "{refused:?}");
        }
    }

    #[test]
    fn no_sensor_is_no_meter() {
        let nothing =
            Tree::parse("sys/class/hwmon/hwmon0/name = coretemp\nsys/class/hwmon/hwmon0/temp1_input = 41000\n");
        let found = discover(&nothing.root());
        assert_eq!(found.absent[0].unavailable.reason, Reason::NoMeter);
        assert!(found.meters.is_empty());
    }
}
