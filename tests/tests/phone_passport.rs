//! A run on a phone itself: what it is called, what its passport says, and how warm it may be. The phone is a folder of commands.
#![cfg(test)]

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use pocketwatt_record::{GateKind, latest_run};
use pocketwatt_tests::{Bench, Starts, wait_until};
use serde_json::Value;

const PLAN: [&str; 4] = ["--scenario", "prefill-4-decode-4", "--iterations", "2"];
const PIXEL: [(&str, &str); 6] = [
    ("ro.product.manufacturer", "Google"),
    ("ro.product.model", "Pixel 8"),
    ("ro.build.version.release", "16"),
    ("ro.soc.manufacturer", "Google"),
    ("ro.soc.model", "Tensor G3"),
    ("ro.serialno", "0123456789ABCDEF"),
];

/// Replaces a file as a whole, so that no command finds a part of it.
fn put(path: &Path, text: &str) {
    let part = path.with_extension("part");
    fs::write(&part, text).unwrap();
    fs::rename(part, path).unwrap();
}

/// The commands of a phone, which print what lies in files.
struct Phone {
    folder: std::path::PathBuf,
}

impl Phone {
    fn new(bench: &mut Bench, properties: &[(&str, &str)]) -> Self {
        let folder = bench.path("phone");
        fs::create_dir_all(folder.join("bin")).unwrap();
        for (command, words) in [("getprop", "\"$1\""), ("dumpsys", "\"$1\""), ("settings", "\"$3\"")] {
            let path = folder.join("bin").join(command);
            fs::write(&path, format!("#!/bin/sh\ncat \"{}\"/{words} 2>/dev/null\n:\n", folder.display())).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        for (key, value) in properties {
            fs::write(folder.join(key), format!("{value}\n")).unwrap();
        }
        let phone = Self { folder };
        phone.says("power", "Power Manager State:\n  mWakefulness=Awake\n");
        phone.says("screen_brightness", "128\n");
        phone.is_warm(0, 30.1, 31.0);
        bench.set("PATH", format!("{}:/usr/bin:/bin", phone.folder.join("bin").display()));
        phone
    }

    fn says(&self, file: &str, text: &str) {
        put(&self.folder.join(file), text);
    }

    fn is_warm(&self, status: u32, battery: f64, skin: f64) {
        let tenths = (battery * 10.0).round();
        self.says("battery", &format!("Current Battery Service state:\n  level: 80\n  temperature: {tenths}\n"));
        self.says(
            "thermalservice",
            &format!(
                "IsStatusOverride: false\nThermal Status: {status}\nCurrent temperatures from HAL:\n\
                 \tTemperature{{mValue={skin}, mType=3, mName=VIRTUAL-SKIN, mStatus=0}}\n"
            ),
        );
    }
}

#[test]
fn a_phone_is_named_by_its_maker_and_its_passport_says_what_it_is() {
    let mut bench = Bench::new();
    let _phone = Phone::new(&mut bench, &PIXEL);
    let before = r#"{"settings": [{"namespace": "global", "key": "stay_on_while_plugged_in", "before": "0", "during": "7"}],
                     "screen": "panel-off"}"#;
    let before = bench.write("before.json", before);
    bench.set("POCKETWATT_CHANGED_SETTINGS", before);
    let finished = bench.run("", &PLAN).expect_code(0);
    let run = latest_run(&bench.path("results")).unwrap().folder;
    assert!(run.path().starts_with(bench.path("results/google-pixel-8")), "{}", run.path().display());
    let device = run.run().unwrap().device;
    assert_eq!(
        (device.processor.as_deref(), device.operating_system.as_deref()),
        (Some("Google Tensor G3"), Some("Android 16"))
    );
    let phone = device.phone.unwrap();
    assert_eq!((phone.screen.on, phone.screen.brightness), (Some(true), Some(128)));
    assert_eq!(
        phone.changed_settings,
        ["the panel of the screen, switched off", "global stay_on_while_plugged_in, from 0 to 7"]
    );
    assert_eq!(device.emulated, None);
    let shown = finished.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "Google Pixel 8, Google Tensor G3, ",
        "Android 16",
        "screen on, brightness 128",
        "changed for the run: global stay_on",
    ] {
        assert!(shown.contains(part), "{part:?} is not in: {shown}");
    }
    assert!(!shown.contains("emulated"), "{shown}");
    let warmth = &bench.records()[0].readings.warmth;
    assert_eq!(warmth[0].thermal_status.as_deref(), Some("none"));
    let celsius: Vec<(&str, f64)> = warmth[0].temperatures.iter().map(|found| (&*found.name, found.celsius)).collect();
    assert_eq!(celsius, [("battery", 30.1), ("skin", 31.0)]);
    for file in
        [run.path().join("run.json"), fs::read_dir(run.path().join("cases")).unwrap().next().unwrap().unwrap().path()]
    {
        assert!(!fs::read_to_string(file).unwrap().contains("0123456789ABCDEF"), "a serial number");
    }
}

#[test]
fn an_emulated_phone_is_called_so_everywhere() {
    let mut bench = Bench::new();
    let _phone = Phone::new(&mut bench, &[&PIXEL[..], &[("ro.boot.qemu", "1")]].concat());
    const EMULATED: &str = "emulated: the numbers say nothing about a phone";
    let table = bench.run("", &PLAN).expect_code(0).stdout;
    assert!(table.contains(&format!("1 thread · {EMULATED}")), "{table}");
    assert!(table.contains("its properties say that it is an emulator"), "{table}");
    let show = |format: &str| bench.pocketwatt(&["show", "--format", format]).expect_code(0).stdout;
    assert!(show("markdown").contains(EMULATED));
    let json: Value = serde_json::from_str(&show("json")).unwrap();
    assert!(json["run"]["device"]["emulated"].is_string() && json["cases"][0]["emulated"].is_string(), "{json}");
    let csv = show("csv");
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().ends_with(",cores,emulated,simulated,measured_in"), "{csv}");
    assert!(lines.all(|line| line.contains("emulator")), "{csv}");
    let folder = bench.folder();
    let charts = fs::read_dir(folder.path().join("charts")).unwrap().flatten().map(|entry| entry.path());
    let charts: Vec<_> = charts.filter(|path| path.extension().is_some_and(|ending| ending == "svg")).collect();
    assert!(!charts.is_empty());
    for chart in charts {
        assert!(fs::read_to_string(&chart).unwrap().contains("emulated"), "{}", chart.display());
    }
    fs::remove_file(folder.path().join("run.json")).unwrap();
    let records_alone = bench.pocketwatt(&["show"]).expect_code(4).stdout;
    assert!(records_alone.contains(EMULATED), "the records say it, too: {records_alone}");
}

#[test]
fn a_phone_is_waited_for_until_its_status_and_its_skin_are_as_before() {
    let mut bench = Bench::new();
    let phone = Phone::new(&mut bench, &PIXEL);
    let starts = Starts::new(&bench);
    let script = format!("decode=100ms,{}", starts.count());
    let plan = [&PLAN[..], &["--threads", "1,2", "--blocks", "2", "--cool-down", "first"]].concat();
    let running = bench.start_run(&script, &plan);
    wait_until("the first block", || !starts.processes().is_empty());
    phone.is_warm(1, 30.1, 36.0);
    wait_until("the gate", || running.stderr().contains("the phone's thermal status is light"));
    phone.is_warm(0, 30.1, 31.9);
    running.finish().expect_code(0);
    let record = bench.records().remove(0);
    assert_eq!((record.waits[0].gate, &record.waits[0].still_closed), (GateKind::CoolDown, &None));
    assert_eq!(record.waits[0].because, "the phone's thermal status is light");
}
