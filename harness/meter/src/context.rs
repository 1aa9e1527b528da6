use crate::{SystemRoot, energy::RawFile, surroundings::allowed_list};

/// At most this many sensors are read: each costs a system call, ten times a second.
const MOST_SENSORS: usize = 4;

/// Temperatures that a processor can have, in degrees Celsius.
const PLAUSIBLE_CELSIUS: std::ops::Range<f64> = -40.0..150.0;

/// Reads what explains the power during a measurement: the processor's temperature and frequency, and how high that may be. Files are opened once and kept
/// open, so that a reading costs one system call for each of them.
#[derive(Debug)]
pub struct ContextProbe {
    root: SystemRoot,
    temperatures: Vec<Sensor>,
    frequencies: Vec<Frequency>,
}

/// What a [`ContextProbe`] read. A value is empty or absent where the device does not report it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContextSample {
    /// Sensor by name, in degrees Celsius.
    pub temperatures: Vec<(String, f64)>,
    /// Mean frequency of the processors, in hertz.
    pub mean_hz: Option<f64>,
    /// Frequency of the fastest processor, in hertz.
    pub max_hz: Option<f64>,
}

/// What the device allows now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The processors on which this process may run, as in `0-3,6`.
    pub processors: Option<String>,
    /// The highest frequency of each policy, in hertz; `None` for one that does not say it, as while its processors are switched off.
    pub highest_hz: Vec<Option<u64>>,
}

#[derive(Debug)]
struct Sensor {
    name: String,
    file: RawFile,
}

/// Processors that share a frequency.
#[derive(Debug)]
struct Frequency {
    file: RawFile,
    /// The highest that is allowed.
    limit: Option<RawFile>,
    processors: f64,
}

impl ContextProbe {
    /// Finds the sensors of the processor: `coretemp`'s packages, `k10temp`'s Tctl, and where there are none, the
    /// thermal zones of the processor (Documentation/hwmon/sysfs-interface.rst, Documentation/driver-api/thermal).
    pub fn open(root: &SystemRoot) -> Self {
        let mut temperatures = Vec::new();
        for place in temperature_files(root) {
            let Ok(file) = RawFile::open(root, &place.path) else { continue };
            // A sensor that gives nothing now is not read ten times a second.
            if celsius(&file).is_some() {
                let taken = temperatures.iter().any(|sensor: &Sensor| sensor.name == place.name);
                let name = if taken { format!("{} ({})", place.name, place.folder) } else { place.name };
                temperatures.push(Sensor { name, file });
            }
            if temperatures.len() == MOST_SENSORS {
                break;
            }
        }
        Self { root: root.clone(), temperatures, frequencies: frequencies(root) }
    }

    /// Reads once.
    pub fn read(&mut self) -> ContextSample {
        let temperatures =
            self.temperatures.iter().filter_map(|sensor| Some((sensor.name.clone(), celsius(&sensor.file)?))).collect();
        let mut sum = 0.0;
        let mut processors = 0.0;
        let mut max_hz: Option<f64> = None;
        for frequency in &self.frequencies {
            let Some(hz) = hertz_in(&frequency.file) else { continue };
            let hz = hz as f64;
            sum += hz * frequency.processors;
            processors += frequency.processors;
            max_hz = Some(max_hz.map_or(hz, |highest| highest.max(hz)));
        }
        ContextSample { temperatures, mean_hz: (processors > 0.0).then(|| sum / processors), max_hz }
    }

    /// Reads what is allowed.
    pub fn limits(&self) -> Limits {
        Limits {
            processors: allowed_list(&self.root),
            highest_hz: self.frequencies.iter().map(|frequency| hertz_in(frequency.limit.as_ref()?)).collect(),
        }
    }
}

/// The value of a file of cpufreq, which is in kilohertz (Documentation/admin-guide/pm/cpufreq.rst), in hertz.
fn hertz_in(file: &RawFile) -> Option<u64> {
    hertz(u64::try_from(file.integer().ok()?).ok()?)
}

/// A sensor's value, which the kernel gives in thousandths of a degree.
fn celsius(file: &RawFile) -> Option<f64> {
    plausible_celsius(file.integer().ok()?)
}

/// Converts kilohertz to hertz; `None` above 100 GHz, which no processor has.
pub(crate) fn hertz(kilohertz: u64) -> Option<u64> {
    (1..=100_000_000).contains(&kilohertz).then(|| kilohertz * 1000)
}

/// `None` below one degree, which a running processor never has: zones without a sensor show 0, and some old phones show
/// whole degrees instead of thousandths.
pub(crate) fn plausible_celsius(thousandths: i64) -> Option<f64> {
    let celsius = thousandths as f64 / 1e3;
    (celsius.abs() >= 1.0 && PLAUSIBLE_CELSIUS.contains(&celsius)).then_some(celsius)
}

/// A file that holds a temperature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemperatureFile {
    /// What the sensor is called: `coretemp Package id 0`, `cpu-thermal`.
    pub name: String,
    /// `hwmon3`, `thermal_zone0`.
    pub folder: String,
    /// Path below the root.
    pub path: String,
}

/// The processor's sensors. A sensor that has both a hwmon device and a thermal zone is listed once.
pub(crate) fn temperature_files(root: &SystemRoot) -> Vec<TemperatureFile> {
    let found = hwmon_files(root);
    if !found.is_empty() {
        return found;
    }
    let zones = zone_files(root);
    let of = |wanted: fn(&str) -> bool| {
        let files: Vec<_> = zones.iter().filter(|file| wanted(&file.name)).cloned().collect();
        (!files.is_empty()).then_some(files)
    };
    // The whole package comes before single cores, and the mainboard's sensor is used only where there is nothing else.
    of(|name| name == "x86_pkg_temp" || name == "cpu-thermal" || name == "cpu_thermal" || name == "soc-thermal")
        .or_else(|| of(is_processor_zone))
        .or_else(|| of(|name| name == "acpitz"))
        .unwrap_or_default()
}

/// Names that boards and phones give to the processor's zones: `cpu-0-0-usr`, `cpuss-1-usr`, `cpu0-thermal`,
/// `mtktscpu`, `BIG`, `MID`, `LITTLE`.
fn is_processor_zone(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let measures = !["step", "pwm", "lowf", "batt"].iter().any(|word| name.contains(word));
    measures && (name.contains("cpu") || ["big", "mid", "little", "soc_max"].contains(&name.as_str()))
}

fn hwmon_files(root: &SystemRoot) -> Vec<TemperatureFile> {
    let mut files = Vec::new();
    for folder in root.names("sys/class/hwmon") {
        let base = format!("sys/class/hwmon/{folder}");
        let Some(driver) = root.text(format!("{base}/name")) else { continue };
        let wanted: fn(&str) -> bool = match driver.as_str() {
            "coretemp" => |label| label.starts_with("Package"),
            "k10temp" | "zenpower" => |label| label == "Tctl" || label == "Tdie",
            _ => continue,
        };
        let inputs = root.names(&base).into_iter().filter(|name| name.starts_with("temp") && name.ends_with("_input"));
        let found: Vec<_> = inputs
            .filter_map(|input| {
                let label = root.text(format!("{base}/{}", input.replace("_input", "_label")))?;
                let name = format!("{driver} {label}");
                wanted(&label).then(|| TemperatureFile {
                    name,
                    folder: folder.clone(),
                    path: format!("{base}/{input}"),
                })
            })
            .collect();
        // Tctl and Tdie are one sensor, with and without an offset.
        files.extend(if driver == "coretemp" { found } else { found.into_iter().take(1).collect() });
    }
    files
}

fn zone_files(root: &SystemRoot) -> Vec<TemperatureFile> {
    let zones = root.names("sys/class/thermal").into_iter().filter(|name| name.starts_with("thermal_zone"));
    zones
        .filter_map(|folder| {
            let base = format!("sys/class/thermal/{folder}");
            let name = root.text(format!("{base}/type"))?;
            Some(TemperatureFile { name, path: format!("{base}/temp"), folder })
        })
        .collect()
}

/// Folders that hold the frequency of some processors, one for each policy. Some kernels have them only below the
/// processors.
pub(crate) fn frequency_folders(root: &SystemRoot) -> Vec<String> {
    let base = "sys/devices/system/cpu/cpufreq";
    let policies: Vec<String> = root
        .names(base)
        .into_iter()
        .filter(|name| name.starts_with("policy"))
        .map(|name| format!("{base}/{name}"))
        .collect();
    if !policies.is_empty() {
        return policies;
    }
    root.names("sys/devices/system/cpu")
        .into_iter()
        .filter(|name| name.strip_prefix("cpu").is_some_and(|number| number.parse::<u32>().is_ok()))
        .map(|name| format!("sys/devices/system/cpu/{name}/cpufreq"))
        .filter(|path| root.join(path).is_dir())
        .collect()
}

fn frequencies(root: &SystemRoot) -> Vec<Frequency> {
    let of_policy = |folder: String| {
        let file = RawFile::open(root, &format!("{folder}/scaling_cur_freq")).ok()?;
        let shared = folder.contains("/policy").then(|| root.text(format!("{folder}/affected_cpus"))).flatten();
        let processors = shared.map_or(1, |list| list.split_ascii_whitespace().count().max(1));
        let limit = RawFile::open(root, &format!("{folder}/scaling_max_freq")).ok();
        Some(Frequency { file, limit, processors: processors as f64 })
    };
    frequency_folders(root).into_iter().filter_map(of_policy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    fn names(sample: &ContextSample) -> Vec<&str> {
        sample.temperatures.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn what_no_processor_has_is_no_frequency() {
        let hertz: Vec<Option<u64>> = [0, 1, 100_000_000, 100_000_001, u64::MAX].into_iter().map(hertz).collect();
        assert_eq!(hertz, [None, Some(1_000), Some(100_000_000_000), None, None]);
    }

    #[test]
    fn packages_are_named_and_cores_and_the_zone_of_the_same_sensor_are_left_out() {
        let tree = Tree::parse(
            "sys/class/hwmon/hwmon0/name = nvme\n\
             sys/class/hwmon/hwmon0/temp1_input = 38850\n\
             sys/class/hwmon/hwmon1/name = coretemp\n\
             sys/class/hwmon/hwmon1/temp1_label = Package id 0\n\
             sys/class/hwmon/hwmon1/temp1_input = 45000\n\
             sys/class/hwmon/hwmon1/temp2_label = Core 0\n\
             sys/class/hwmon/hwmon1/temp2_input = 44000\n\
             sys/class/hwmon/hwmon2/name = coretemp\n\
             sys/class/hwmon/hwmon2/temp1_label = Package id 0\n\
             sys/class/hwmon/hwmon2/temp1_input = 47000\n\
             sys/class/thermal/thermal_zone0/type = x86_pkg_temp\n\
             sys/class/thermal/thermal_zone0/temp = 45000\n",
        );
        let mut probe = ContextProbe::open(&tree.root());
        let sample = probe.read();
        assert_eq!(
            sample.temperatures,
            [("coretemp Package id 0".to_owned(), 45.0), ("coretemp Package id 0 (hwmon2)".to_owned(), 47.0)]
        );
        assert_eq!((sample.mean_hz, sample.max_hz), (None, None), "no cpufreq is no frequency, not 0 Hz");
        tree.set("sys/class/hwmon/hwmon1/temp1_input", "71500");
        assert_eq!(probe.read().temperatures[0].1, 71.5);
        tree.remove("sys/class/hwmon/hwmon1/temp1_input");
        assert_eq!(names(&probe.read()), ["coretemp Package id 0 (hwmon2)"]);
    }

    #[test]
    fn a_sensor_without_a_temperature_is_left_out() {
        let tree = Tree::parse(
            "sys/class/thermal/thermal_zone0/type = cpu-0-0-usr\n\
             sys/class/thermal/thermal_zone0/temp = 0\n\
             sys/class/thermal/thermal_zone1/type = cpu-1-0-usr\n\
             sys/class/thermal/thermal_zone1/temp = 41\n\
             sys/class/thermal/thermal_zone2/type = cpu-1-1-usr\n\
             sys/class/thermal/thermal_zone2/temp = 52300\n\
             sys/class/thermal/thermal_zone3/type = cpu-1-1-step\n\
             sys/class/thermal/thermal_zone3/temp = 52300\n\
             sys/class/thermal/thermal_zone4/type = battery\n\
             sys/class/thermal/thermal_zone4/temp = 30000\n\
             sys/class/thermal/thermal_zone5/type = cpu-1-2-usr\n\
             sys/class/thermal/thermal_zone5/temp = -274000\n",
        );
        let sample = ContextProbe::open(&tree.root()).read();
        assert_eq!(sample.temperatures, [("cpu-1-1-usr".to_owned(), 52.3)]);
    }

    #[test]
    fn one_zone_stands_for_the_board_where_nothing_else_does_and_many_are_cut() {
        let mut text = String::from(
            "sys/class/thermal/thermal_zone0/type = acpitz\nsys/class/thermal/thermal_zone0/temp = 27800\n",
        );
        assert_eq!(names(&ContextProbe::open(&Tree::parse(&text).root()).read()), ["acpitz"]);
        for zone in 1..9 {
            let folder = format!("sys/class/thermal/thermal_zone{zone}");
            text += &format!("{folder}/type = cpu-{zone}-usr\n{folder}/temp = 40000\n");
        }
        let sample = ContextProbe::open(&Tree::parse(&text).root()).read();
        assert_eq!(names(&sample), ["cpu-1-usr", "cpu-2-usr", "cpu-3-usr", "cpu-4-usr"]);
    }

    #[test]
    fn a_frequency_counts_for_every_processor_that_has_it() {
        let base = "sys/devices/system/cpu/cpufreq";
        let tree = Tree::parse(&format!(
            "{base}/policy0/affected_cpus = 0 1 2\n{base}/policy0/scaling_cur_freq = 1000000\n\
             {base}/policy3/affected_cpus = 3\n{base}/policy3/scaling_cur_freq = 3000000\n\
             {base}/policy4/affected_cpus = 4\n{base}/policy4/scaling_cur_freq = <unknown>\n"
        ));
        let sample = ContextProbe::open(&tree.root()).read();
        assert_eq!((sample.mean_hz, sample.max_hz), (Some(1.5e9), Some(3e9)));
    }

    #[test]
    fn what_is_allowed_is_read_anew() {
        let base = "sys/devices/system/cpu/cpufreq";
        let tree = Tree::parse(&format!(
            "{base}/policy0/scaling_cur_freq = 1000000\n{base}/policy0/scaling_max_freq = 2000000\n\
             {base}/policy4/scaling_cur_freq = 1000000\nproc/self/status = Name: x\\nCpus_allowed_list: 0-3\n"
        ));
        let probe = ContextProbe::open(&tree.root());
        let limits = |list: &str, hz| Limits { processors: Some(list.into()), highest_hz: vec![Some(hz), None] };
        assert_eq!(probe.limits(), limits("0-3", 2_000_000_000));
        tree.set(&format!("{base}/policy0/scaling_max_freq"), "1500000");
        tree.set("proc/self/status", "Cpus_allowed_list:\t1\n");
        assert_eq!(probe.limits(), limits("1", 1_500_000_000));
        assert_eq!(ContextProbe::open(&Tree::parse("").root()).limits(), Limits::default());
    }

    #[test]
    fn frequencies_below_the_processors_are_found_too() {
        let tree = Tree::parse(
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq = 2000000\n\
             sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq = 2400000\n\
             sys/devices/system/cpu/cpuidle/current_driver = x\n",
        );
        assert_eq!(ContextProbe::open(&tree.root()).read().mean_hz, Some(2.2e9));
    }
}
