use pocketwatt_protocol::{Clock, MonotonicClock};
use serde::Serialize;

use crate::{
    ClockLimit, NamedTemperature, SystemRoot, Warmth,
    context::{frequency_folders, hertz, plausible_celsius, temperature_files},
};

/// How hot the processor is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Heat {
    /// The sensors of the processor.
    pub temperatures: Vec<Temperature>,
    /// Cooling devices of the kernel that slow processors down at this moment, by name.
    pub slowed_by: Vec<String>,
}

/// What a sensor shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Temperature {
    /// `coretemp Package id 0`, `cpu-thermal`.
    pub name: String,
    /// Temperature now.
    pub celsius: f64,
    /// Where the processor or the kernel begins to slow down: the lowest trip point, or the sensor's critical value.
    pub limit_celsius: Option<f64>,
}

impl Heat {
    pub(super) fn look(root: &SystemRoot) -> Self {
        let degrees = |path: String| root.text(path)?.parse().ok().and_then(plausible_celsius);
        let temperatures = temperature_files(root)
            .into_iter()
            .filter_map(|file| {
                let celsius = degrees(file.path.clone())?;
                let limit_celsius = match file.path.strip_suffix("_input") {
                    Some(sensor) => degrees(format!("{sensor}_crit")),
                    None => lowest_trip_point(root, &format!("sys/class/thermal/{}", file.folder)),
                };
                Some(Temperature { name: file.name, celsius, limit_celsius })
            })
            .collect();
        Self { temperatures, slowed_by: slowed_by(root) }
    }
}

impl Warmth {
    /// What the kernel reports now: the processor's sensors, and the limits of its clocks.
    pub fn read(root: &SystemRoot) -> Self {
        let temperatures = Heat::look(root).temperatures.into_iter();
        let clock = |folder: String| {
            let frequency = |file: &str| hertz(root.text(format!("{folder}/{file}"))?.parse().ok()?);
            let name = folder.strip_suffix("/cpufreq").unwrap_or(&folder);
            ClockLimit {
                policy: name.rsplit('/').next().unwrap_or(name).to_owned(),
                highest_hz: frequency("scaling_max_freq"),
                hardware_highest_hz: frequency("cpuinfo_max_freq"),
            }
        };
        Self {
            at: MonotonicClock.now(),
            thermal_status: None,
            temperatures: temperatures
                .map(|sensor| NamedTemperature { name: sensor.name, celsius: sensor.celsius })
                .collect(),
            clocks: frequency_folders(root).into_iter().map(clock).collect(),
        }
    }
}

/// Lowest of the trip points at which something slows the processor (Documentation/driver-api/thermal/sysfs-api.rst);
/// `active` ones only turn a fan on.
fn lowest_trip_point(root: &SystemRoot, zone: &str) -> Option<f64> {
    let types = root.names(zone).into_iter().filter(|name| name.starts_with("trip_point_") && name.ends_with("_type"));
    types
        .filter(|name| matches!(root.text(format!("{zone}/{name}")).as_deref(), Some("passive" | "hot" | "critical")))
        .filter_map(|name| root.text(format!("{zone}/{}", name.replace("_type", "_temp")))?.parse().ok())
        .filter_map(plausible_celsius)
        .min_by(f64::total_cmp)
}

fn slowed_by(root: &SystemRoot) -> Vec<String> {
    let devices = root.names("sys/class/thermal").into_iter().filter(|name| name.starts_with("cooling_device"));
    devices
        .filter_map(|device| {
            let text = |name| root.text(format!("sys/class/thermal/{device}/{name}"));
            let kind = text("type")?;
            let slows = kind == "Processor" || kind.contains("cpufreq") || kind.contains("cpu-");
            (slows && text("cur_state")?.parse::<i64>().ok()? > 0).then_some(kind)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    #[test]
    fn the_limit_of_a_sensor_stands_beside_it() {
        let tree = Tree::parse(
            "sys/class/hwmon/hwmon1/name = coretemp\n\
             sys/class/hwmon/hwmon1/temp1_label = Package id 0\n\
             sys/class/hwmon/hwmon1/temp1_input = 99000\n\
             sys/class/hwmon/hwmon1/temp1_crit = 100000\n",
        );
        let expected = Temperature { name: "coretemp Package id 0".into(), celsius: 99.0, limit_celsius: Some(100.0) };
        assert_eq!(Heat::look(&tree.root()).temperatures, [expected]);
    }

    #[test]
    fn the_lowest_trip_point_that_slows_counts() {
        let zone = "sys/class/thermal/thermal_zone0";
        let tree = Tree::parse(&format!(
            "{zone}/type = cpu-thermal\n{zone}/temp = 61000\n\
             {zone}/trip_point_0_type = active\n{zone}/trip_point_0_temp = 50000\n\
             {zone}/trip_point_1_type = critical\n{zone}/trip_point_1_temp = 110000\n\
             {zone}/trip_point_2_type = passive\n{zone}/trip_point_2_temp = 80000\n\
             {zone}/trip_point_3_type = passive\n{zone}/trip_point_3_temp = -273000\n\
             sys/class/thermal/cooling_device0/type = thermal-cpufreq-0\n\
             sys/class/thermal/cooling_device0/cur_state = 2\n\
             sys/class/thermal/cooling_device1/type = Fan\nsys/class/thermal/cooling_device1/cur_state = 3\n\
             sys/class/thermal/cooling_device2/type = Processor\nsys/class/thermal/cooling_device2/cur_state = 0\n"
        ));
        let heat = Heat::look(&tree.root());
        assert_eq!(heat.temperatures[0].limit_celsius, Some(80.0));
        assert_eq!(heat.slowed_by, ["thermal-cpufreq-0"]);
    }
}
