//! What the device can measure, before measuring: `doctor` and `meters` on the real machine and on made-up trees.
#![cfg(test)]

use std::{fs, thread};

use pocketwatt_tests::Bench;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::Value;

/// On the fake backend, which the tests have built.
const FAKE: [&str; 5] = ["doctor", "--backend", "fake", "--model", "mobilellm-125m"];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no check {name}: {report:#}"))
}

/// A tree in place of `/sys`.
fn tree(bench: &Bench, files: &[(&str, &str)]) -> String {
    let root = bench.path("sys");
    fs::create_dir_all(&root).unwrap();
    for (path, content) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{content}\n")).unwrap();
    }
    root.to_str().unwrap().to_owned()
}

#[test]
fn the_exit_status_is_the_verdict() {
    let bench = Bench::new();
    // The machine may be busy with other tests: either verdict is right, as long as the exit status matches.
    let finished = bench.pocketwatt(&[&FAKE[..], &["--format", "json"]].concat());
    let report = json(&finished.stdout);
    let fit = report["fit"].as_bool().unwrap();
    assert_eq!(finished.code, Some(if fit { 0 } else { 6 }), "{report:#}");
    let unfit = report["checks"].as_array().unwrap().iter().filter(|check| check["status"] == "unfit").count();
    assert_eq!(fit, unfit == 0, "{report:#}");
    assert_eq!(check(&report, "runner fake")["status"], "ok");
    for check in report["checks"].as_array().unwrap() {
        assert!(!check["seen"].as_str().unwrap().is_empty(), "{check}");
        assert!(check["status"] != "unfit" || check["fix"].is_string(), "nothing to do about {check}");
    }
    let meters = check(&report, "energy meters");
    if report["meters"].as_array().unwrap().is_empty() {
        assert_eq!(meters["status"], "warning", "a machine without a meter can still measure speed");
        assert_eq!(report["fit_for_energy"], false);
    }
}

#[test]
fn no_runner_is_unfit() {
    let bench = Bench::new();
    let backends = bench.write(
        "backends.toml",
        "[foreign]\nbinary = \"no-such-runner\"\nsummary = \"nothing\"\nprecisions = [\"f32\"]\n",
    );
    let shown = bench.pocketwatt(&["doctor", "--backends", &backends, "--backend", "foreign"]).expect_code(6).stdout;
    assert!(shown.contains("unfit    runner foreign") && shown.contains("Unfit for measuring: "), "{shown}");
}

#[test]
fn a_slow_governor_is_unfit_and_the_fix_is_told() {
    let bench = Bench::new();
    let sys = tree(
        &bench,
        &[
            ("devices/system/cpu/online", "0-3"),
            ("devices/system/cpu/cpufreq/policy0/scaling_governor", "powersave"),
            ("devices/system/cpu/cpufreq/policy0/scaling_driver", "acpi-cpufreq"),
            ("devices/system/cpu/cpufreq/policy0/scaling_max_freq", "1200000"),
            ("devices/system/cpu/cpufreq/policy0/scaling_min_freq", "800000"),
            ("devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq", "4800000"),
            ("class/thermal/thermal_zone0/type", "x86_pkg_temp"),
            ("class/thermal/thermal_zone0/temp", "99000"),
            ("class/thermal/thermal_zone0/trip_point_0_type", "critical"),
            ("class/thermal/thermal_zone0/trip_point_0_temp", "98000"),
        ],
    );
    let arguments = [&FAKE[..], &["--sysfs-root", &sys]].concat();
    let shown = bench.pocketwatt(&arguments).expect_code(6).stdout;
    for part in ["simulation", &sys, "performance | sudo tee", "limited to 1.20 GHz", "99 °C (limit 98 °C)"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    let report = json(&bench.pocketwatt(&[&arguments[..], &["--format", "json"]].concat()).expect_code(6).stdout);
    assert_eq!(check(&report, "governor")["status"], "unfit");
    assert_eq!(report["sysfs_root"], sys.as_str());
}

#[test]
fn a_device_without_meters_is_told_why_and_shows_no_joule() {
    let bench = Bench::new();
    let sys = tree(&bench, &[("devices/system/cpu/online", "0-3")]);
    let shown = bench.pocketwatt(&["meters", "--sysfs-root", &sys]).expect_code(0).stdout;
    assert!(shown.contains("SIMULATION") && shown.contains("No energy meter can be read here"), "{shown}");
    assert!(!shown.contains(" J") && !shown.contains(" W"), "a number from nowhere: {shown}");
    let report = json(&bench.pocketwatt(&["meters", "--sysfs-root", &sys, "--format", "json"]).expect_code(0).stdout);
    assert!(report["meters"].as_array().unwrap().is_empty() && report["none"]["reason"].is_string(), "{report:#}");
}

#[test]
fn a_counter_that_stands_still_is_no_zero_joules() {
    let bench = Bench::new();
    let sys = tree(
        &bench,
        &[
            ("class/powercap/intel-rapl:0/name", "package-0"),
            ("class/powercap/intel-rapl:0/energy_uj", "123456789"),
            ("class/powercap/intel-rapl:0/max_energy_range_uj", "262143328850"),
        ],
    );
    let arguments = ["meters", "--sysfs-root", &sys, "--watch", "1"];
    let shown = bench.pocketwatt(&arguments).expect_code(0).stdout;
    for part in ["powercap:package-0", "below resolution", "its value never changed in 1 s"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert!(!shown.contains("0 J") && !shown.contains("0 W"), "{shown}");
    let report = json(&bench.pocketwatt(&[&arguments[..], &["--format", "json"]].concat()).expect_code(0).stdout);
    assert_eq!(report["meters"][0]["energy"]["unavailable"]["reason"], "below-resolution");
    let shown = bench.pocketwatt(&[&FAKE[..], &["--sysfs-root", &sys]].concat()).stdout;
    assert!(shown.contains("powercap:package-0 (package)"), "{shown}");
}

#[test]
fn what_does_not_exist_is_refused() {
    let bench = Bench::new();
    bench.pocketwatt(&["meters", "--sysfs-root", "nowhere"]).expect_code(3).expect_stderr(&["nowhere is not a folder"]);
    bench.pocketwatt(&["meters", "--meter", "sundial"]).expect_code(3).expect_stderr(&["no meter \"sundial\""]);
    bench.pocketwatt(&["doctor", "--backend", "zzz"]).expect_code(3).expect_stderr(&["unknown backend \"zzz\""]);
    bench.pocketwatt(&["meters", "--watch", "0"]).expect_code(2);
}

#[test]
fn a_strict_run_measures_nothing_on_an_unfit_device() {
    let bench = Bench::new();
    let sys = tree(
        &bench,
        &[
            ("class/thermal/thermal_zone0/type", "x86_pkg_temp"),
            ("class/thermal/thermal_zone0/temp", "99000"),
            ("class/thermal/thermal_zone0/trip_point_0_type", "critical"),
            ("class/thermal/thermal_zone0/trip_point_0_temp", "100000"),
            ("class/thermal/thermal_zone0/trip_point_1_type", "passive"),
            ("class/thermal/thermal_zone0/trip_point_1_temp", "95000"),
        ],
    );
    let arguments = ["--scenario", "decode-4", "--sysfs-root", &sys];
    bench
        .run("", &[&arguments[..], &["--strict"]].concat())
        .expect_code(6)
        .expect_stderr(&["unfit: temperature", "nothing was measured, because of --strict"]);
    assert!(!bench.path("results").exists());
    bench.run("", &arguments).expect_code(0);
}

/// Whatever is missing: the doctor's own advice must not refer to the doctor.
#[test]
fn the_doctor_does_not_send_to_the_doctor() {
    let zone = |file: &str| format!("class/powercap/intel-rapl:0/{file}");
    let (name, energy) = (zone("name"), zone("energy_uj"));
    let trees: [&[(&str, &str)]; 5] = [
        &[],
        &[(&name, "package-0"), (&energy, "many")],
        &[(&name, "strange"), (&energy, "5")],
        &[("class/power_supply/BAT0/type", "Battery"), ("class/power_supply/BAT0/status", "Charging")],
        &[("class/hwmon/hwmon0/name", "nvme")],
    ];
    for files in trees {
        let bench = Bench::new();
        let sys = tree(&bench, files);
        let arguments = [&FAKE[..], &["--sysfs-root", &sys]].concat();
        let shown = bench.pocketwatt(&arguments).stdout;
        let told = bench.pocketwatt(&[&arguments[..], &["--format", "json"]].concat()).stdout;
        for text in [&shown, &told] {
            assert!(!text.contains("pocketwatt doctor"), "{files:?}: {text}");
        }
        let meters = bench.pocketwatt(&["meters", "--sysfs-root", &sys]).expect_code(0).stdout;
        let meters = meters.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(meters.matches("`pocketwatt doctor` says more").count(), 1, "{meters}");
    }
}

#[test]
fn a_pinned_process_is_on_the_same_device() {
    let report = |pinned: bool| {
        // In a thread of its own: what it starts inherits its affinity.
        let look = move || {
            if pinned {
                let mut first = CpuSet::new();
                let allowed = sched_getaffinity(None).unwrap();
                first.set((0..CpuSet::MAX_CPU).find(|&processor| allowed.is_set(processor)).unwrap());
                sched_setaffinity(None, &first).unwrap();
            }
            json(&Bench::new().pocketwatt(&[&FAKE[..], &["--format", "json"]].concat()).stdout)
        };
        thread::spawn(look).join().unwrap()
    };
    let (free, pinned) = (report(false), report(true));
    for fact in ["name", "logical_cores", "physical_cores"] {
        assert_eq!(free["device"][fact], pinned["device"][fact], "{fact}");
    }
    assert_eq!(
        (&pinned["device"]["allowed_cores"], &pinned["surroundings"]["processors"]["allowed"]),
        (&1.into(), &1.into())
    );
    assert!(pinned["device"]["physical_cores"].as_u64() <= pinned["device"]["logical_cores"].as_u64());
}
