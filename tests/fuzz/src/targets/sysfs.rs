use std::{
    fs,
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
    time::Duration,
};

use pocketwatt_meter::{
    ContextProbe, Surroundings, SystemRoot, device_facts,
    energy::{Measurand, MeterInfo, choose, discover},
    read_system_times,
};

use crate::{mutation::Form, scratch, target::Target};

/// Separates a tree from the changes before everything is read again.
const LATER: &str = "\n@@@@\n";
const MOST_FILES: usize = 64;
const DEEPEST: usize = 10;

pub const TARGET: Target = Target {
    name: "sysfs",
    form: Form::Lines,
    seeds: || {
        let later = |tree: &str, later: &str| [tree, LATER, later].concat().into_bytes();
        vec![
            later(include_str!("../../../../harness/meter/fixtures/intel-client.tree"), ""),
            later(include_str!("../../../../harness/meter/fixtures/amd.tree"), ""),
            later(include_str!("../../../../harness/meter/fixtures/laptop.tree"), ""),
            later(
                include_str!("../../../../harness/meter/fixtures/laptop-charging.tree"),
                "sys/class/power_supply/BAT0/energy_now = 1",
            ),
            later(include_str!("../../../../harness/meter/fixtures/phone-microampere.tree"), ""),
            later(include_str!("../../../../harness/meter/fixtures/hwmon-acpi-power-meter.tree"), ""),
            later(include_str!("../../../../harness/meter/fixtures/hwmon-amd-energy.tree"), ""),
            later(include_str!("../../../../harness/meter/fixtures/perf-client.tree"), ""),
            later(include_str!("../../../../harness/meter/fixtures/pixel-rails.tree"), ""),
            later(PROCESSORS, "proc/stat = cpu  9 9 9 9 9 9 9 9 9 9"),
        ]
    },
    words: &[
        "sys/class/hwmon/hwmon0/",
        "sys/class/power_supply/BAT0/",
        "sys/class/powercap/intel-rapl:0/",
        "sys/devices/",
        "sys/bus/event_source/devices/power/",
        "sys/bus/iio/devices/iio:device0/",
        "sys/class/thermal/thermal_zone0/",
        "sys/devices/system/cpu/cpu0/cpufreq/",
        "proc/meminfo = ",
        "proc/cpuinfo = ",
        "proc/stat = ",
        "energy_uj",
        "max_energy_range_uj",
        "power1_average",
        "power1_average_interval",
        "energy1_input",
        "temp1_input",
        "temp1_crit",
        "current_now",
        "voltage_now",
        "charge_now",
        "charge_full",
        "energy_now",
        "power_now",
        "status = Discharging",
        "type = ",
        "18446744073709551615",
        "-9223372036854775808",
        "9223372036854775807",
        " -> ",
        "0-4095",
        "\n@@@@\n",
    ],
    short_runs: 800,
    run,
};

const PROCESSORS: &str = "proc/cpuinfo = processor : 0\\nmodel name : A processor\\nphysical id : 0\\ncore id : 0\\nflags : fpu\\n\nproc/meminfo = MemTotal: 8388608 kB\\nMemAvailable: 4194304 kB\\nSwapTotal: 0 kB\\n\nproc/loadavg = 0.10 0.20 0.30 1/100 1000\nproc/stat = cpu  1 2 3 4 5 6 7 8 9 10\nproc/pressure/cpu = some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nsys/class/thermal/thermal_zone0/type = x86_pkg_temp\nsys/class/thermal/thermal_zone0/temp = 45000\nsys/class/thermal/thermal_zone0/trip_point_0_type = critical\nsys/class/thermal/thermal_zone0/trip_point_0_temp = 100000\nsys/devices/system/cpu/online = 0-1\nsys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq = 2400000\nsys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq = 2400000\nsys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq = 800000\nsys/devices/system/cpu/cpu0/cpufreq/scaling_governor = powersave\nsys/devices/system/cpu/cpu0/cache/index3/level = 3\nsys/devices/system/cpu/cpu0/cache/index3/size = 32M\n";

fn run(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let (tree, later) = text.split_once(LATER).unwrap_or((&text, ""));
    let folder = scratch::empty("tree");
    lay_out(&folder, tree);
    let root = SystemRoot::at(&folder);

    let found = discover(&root);
    let read = !found.meters.is_empty() || found.absent.iter().any(|meter| meter.id.contains(':'));
    let mut meters = choose(found, &[]).expect("no meter was asked for").meters;
    meters.iter().for_each(|meter| check(meter.info()));
    let mut probe = ContextProbe::open(&root);
    let facts = device_facts(&root, None);
    assert!(!facts.name.is_empty() && !facts.name.contains('/') && facts.logical_cores > 0);
    let surroundings = Surroundings::look(&root, &mut |_: Duration| lay_out(&folder, later));
    for share in [surroundings.load.busy_share, surroundings.load.steal_share].into_iter().flatten() {
        assert!((0.0..=1.0).contains(&share), "a share of {share}");
    }
    for _ in 0..2 {
        for meter in &mut meters {
            let _ = meter.read();
        }
        let _ = (probe.read(), read_system_times(&root));
        lay_out(&folder, later);
    }
    read || surroundings.load.average.is_some()
}

/// Checks that a meter's description is possible.
fn check(info: &MeterInfo) {
    assert!(info.resolution > 0, "{info:?}");
    assert!(info.update_period.as_ref().is_none_or(|period| period.ns > 0), "{info:?}");
    assert!(info.power_limit_watts.is_none_or(|watts| watts.is_finite() && watts > 0.0), "{info:?}");
    let unit = match info.measurand {
        Measurand::EnergyCounter { joules_per_unit: unit, .. }
        | Measurand::RemainingEnergy { joules_per_unit: unit }
        | Measurand::RemainingCharge { coulombs_per_unit: unit }
        | Measurand::Power { watts_per_unit: unit }
        | Measurand::Current { amperes_per_unit: unit } => unit,
    };
    assert!(unit.is_finite() && unit > 0.0, "{info:?}");
}

/// Writes the tree in the format of `harness/meter/src/energy/fixture.rs`; paths that lead out of the folder are left out.
fn lay_out(folder: &Path, text: &str) {
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')).take(MOST_FILES) {
        if let Some((path, target)) = line.split_once(" -> ") {
            let (path, target) = (path.trim(), target.trim());
            let Some(place) = inside(folder, path) else { continue };
            let parent = Path::new(path).parent().unwrap_or(Path::new(""));
            let leads_inside =
                !target.starts_with('/') && inside(folder, &parent.join(target).to_string_lossy()).is_some();
            if leads_inside && make_room(&place) {
                let _ = symlink(target, place);
            }
        } else if let Some((path, content)) = line.split_once('=') {
            let Some(place) = inside(folder, path.trim()) else { continue };
            if make_room(&place) {
                let content = content.trim().replace("\\n", "\n");
                let _ = fs::write(place, if content.is_empty() { content } else { content + "\n" });
            }
        }
    }
}

fn make_room(place: &Path) -> bool {
    place.parent().is_some_and(|parent| fs::create_dir_all(parent).is_ok())
}

/// The path below the folder, if every step stays in it.
fn inside(folder: &Path, path: &str) -> Option<PathBuf> {
    let mut depth = 0_usize;
    for part in Path::new(path).components() {
        depth = match part {
            Component::Normal(name) if name.len() < 100 => depth + 1,
            Component::ParentDir => depth.checked_sub(1)?,
            Component::CurDir => depth,
            _ => return None,
        };
    }
    (1..=DEEPEST).contains(&depth).then(|| folder.join(path))
}
