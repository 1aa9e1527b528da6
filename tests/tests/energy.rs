//! Energy, end to end: the fake backend with a simulated tree whose counters advance in real time, and with trees that give
//! nothing.
#![cfg(test)]

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    time::Duration,
};

use pocketwatt_meter::energy::Reason;
use pocketwatt_protocol::{Clock, MonotonicClock};
use pocketwatt_record::{CheckVerdict, Energy, Idle, MetricId, MetricValue, Phase, Record, Value};
use pocketwatt_tests::Bench;

/// A running `scripts/simulate-power`, ended when this is dropped.
struct Simulation {
    child: Child,
    tree: PathBuf,
    truth: PathBuf,
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/simulate-power")
}

impl Simulation {
    fn start(bench: &Bench, options: &[&str]) -> Self {
        let (tree, truth) = (bench.path("tree"), bench.path("truth"));
        let mut child = Command::new(script())
            .arg(&tree)
            .arg("--truth")
            .arg(&truth)
            .arg("--until-eof")
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/simulate-power starts");
        // It reports when the meters run.
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the simulation ended before it began");
        Self { child, tree, truth }
    }

    fn root(&self) -> &str {
        self.tree.to_str().unwrap()
    }

    /// Ends it, and compares the newest run with the truth.
    fn judge(mut self, bench: &Bench) -> String {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
        let output =
            Command::new(script()).arg("--judge").arg(bench.folder().path()).arg(&self.truth).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        text
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn joules(record: &Record, figure: usize, phase: Phase) -> (f64, f64, f64) {
    let energy = record.energy[figure].phase(phase).unwrap();
    let (joules, uncertainty) =
        energy.gross.measured().unwrap_or_else(|| panic!("{phase:?} was not measured: {:?}", energy.gross));
    (joules, uncertainty, energy.duration_ns as f64 / 1e9)
}

fn reasons(record: &Record) -> Vec<String> {
    let energy = |value: &&MetricValue| value.metric.id().is_some_and(MetricId::is_of_energy);
    record
        .metrics
        .iter()
        .filter(energy)
        .map(|value| match &value.value {
            Value::Measured(_) => format!("{} was measured", value.metric.as_str()),
            Value::Absent(absent) => absent.to_string(),
        })
        .collect()
}

#[track_caller]
fn shows_no_joule(text: &str) {
    for word in text.split_whitespace().collect::<Vec<_>>().windows(2) {
        let number = word[0].parse::<f64>().is_ok();
        assert!(!(number && ["J", "mJ", "W", "mW", "J,"].contains(&word[1])), "{word:?} in\n{text}");
    }
}

/// `1.235` and `1.24`, as a ratio may be written.
fn written(ratio: f64) -> [String; 2] {
    [format!("{ratio:.3}×"), format!("{ratio:.2}×")]
}

#[test]
fn a_report_compares_energy_as_show_does() {
    let bench = Bench::new();
    let simulation = Simulation::start(&bench, &["--constant", "20"]);
    let blocks = ["--scenario", "decode-16", "--threads", "1,2", "--iterations", "3", "--blocks", "3"];
    let arguments = [&blocks[..], &["--idle", "1", "--cool-down", "off"]].concat();
    bench
        .run("prefill=5ms,decode=8ms", &[&arguments[..], &["--sysfs-root", simulation.root()]].concat())
        .expect_code(0);
    let shown: serde_json::Value =
        serde_json::from_str(&bench.pocketwatt(&["show", "latest", "--format", "json"]).expect_code(0).stdout).unwrap();
    let comparisons = shown["comparisons"].as_array().unwrap();
    let energy = comparisons.iter().find(|one| one["metric"] == "energy_per_request").unwrap();
    let ratio = energy["ratio"].as_f64().unwrap();
    let page = bench.path("report.html");
    bench.pocketwatt(&["report", "latest", "--output", page.to_str().unwrap()]).expect_code(0);
    let page = fs::read_to_string(page).unwrap();
    let line = page.split_once("little energy").unwrap().1.split_once("</tr>").unwrap().0;
    let ratios = [written(ratio), written(1.0 / ratio)].concat();
    assert!(ratios.iter().any(|ratio| line.contains(ratio.as_str())), "{ratio}: {line}");
    assert!(line.contains("of the package (powercap, simulated)") && !line.contains("not compared"), "{line}");
    let numbers = page.split_once("id=\"numbers-1\"").unwrap().1;
    let of_request = numbers.split_once("energy per request<small> of the package").unwrap().1;
    let blocks = of_request.split_once("</tr>").unwrap().0.rsplit("<td>").next().unwrap();
    assert_eq!(blocks.matches(", ").count(), 2, "the numbers of three blocks: {blocks}");
}

#[test]
fn prefill_and_decode_of_one_request_are_told_apart() {
    let bench = Bench::new();
    let simulation = Simulation::start(&bench, &["--constant", "20", "--start-near-wrap", "40"]);
    let script = "load=100ms,prefill=4ms,decode=8ms";
    let finished = bench
        .run(script, &["--scenario", "prefill-64-decode-64", "--iterations", "2", "--sysfs-root", simulation.root()])
        .expect_code(0);
    let record = &bench.records()[0];
    let package = &record.energy[0];
    assert_eq!(package.meters, ["powercap:package-0"]);
    for phase in [Phase::Load, Phase::Prefill, Phase::Decode, Phase::Request] {
        let (joules, uncertainty, seconds) = joules(record, 0, phase);
        let watts = joules / seconds;
        assert!(uncertainty > 0.0 && uncertainty < 0.2 * joules, "{phase:?}: {joules} ± {uncertainty} J");
        // The simulation shares two busy processors with the test.
        assert!((watts - 20.0).abs() < 2.0, "{phase:?}: {watts} W, the truth is 20 W");
    }
    let Idle::Measured(idle) = &package.idle else { panic!("{:?}", package.idle) };
    assert!((idle.watts() - 20.0).abs() < 2.0, "{idle:?}");
    // An idle device at 20 W, and a busy one at 20 W: the net energy is zero, within about the uncertainty.
    let Energy::Measured { joules: net, .. } = package.phase(Phase::Request).unwrap().net else {
        panic!("{package:?}")
    };
    let (gross, ..) = joules(record, 0, Phase::Request);
    assert!(net.abs() < 0.1 * gross, "{net} J net of {gross} J");
    assert!(finished.stdout.contains("energy per output token"), "{}", finished.stdout);
    assert!(finished.stdout.contains(simulation.root()), "a simulated tree is named\n{}", finished.stdout);
    let charts = bench.folder().path().join("charts/power.svg");
    assert!(fs::read_to_string(charts).unwrap().contains("decode"));
    simulation.judge(&bench);
}

/// Two more bytes in every request, and a device that is busy with other work: the harness must not lose an edge.
#[test]
fn meters_are_read_at_the_edges_of_phases() {
    let bench = Bench::new();
    let simulation = Simulation::start(&bench, &["--constant", "10"]);
    let arguments = ["--scenario", "prefill-8-decode-8", "--iterations", "3", "--warmup", "0", "--idle", "1"];
    bench
        .run("prefill=5ms,decode=10ms", &[&arguments[..], &["--sysfs-root", simulation.root()]].concat())
        .expect_code(0);
    let record = &bench.records()[0];
    let series = &record.readings.energy[0];
    for iteration in &record.samples.iterations {
        for edge in [iteration.turns[0].prefill_end, *iteration.turns[0].token_times.last().unwrap()] {
            let after = series.readings.iter().map(|reading| reading.at).find(|at| *at >= edge);
            let late = after.expect("a reading after the edge").since(edge);
            assert!(late < 20_000_000, "the first reading after an edge came {late} ns late");
        }
    }
}

#[test]
fn a_device_without_meters_shows_why_and_never_zero() {
    let bench = Bench::new();
    fs::create_dir(bench.path("empty")).unwrap();
    let finished = bench.run("", &["--scenario", "decode-4", "--sysfs-root", "empty"]).expect_code(0);
    let record = &bench.records()[0];
    assert!(record.energy.is_empty() && record.readings.energy.is_empty());
    assert_eq!(record.readings.no_energy.as_ref().unwrap().reason, Reason::NoMeter);
    assert!(reasons(record).iter().all(|reason| reason == "no meter"), "{:?}", reasons(record));
    assert!(finished.stdout.contains("no meter"), "{}", finished.stdout);
    shows_no_joule(&finished.stdout);
}

#[test]
fn a_counter_that_never_changes_is_below_resolution_and_not_zero() {
    let bench = Bench::new();
    let zone = bench.path("tree/class/powercap/intel-rapl:0");
    fs::create_dir_all(&zone).unwrap();
    for (file, text) in [("name", "package-0"), ("energy_uj", "123456789"), ("max_energy_range_uj", "262143328850")] {
        fs::write(zone.join(file), format!("{text}\n")).unwrap();
    }
    let arguments = ["--scenario", "decode-4", "--idle", "1", "--sysfs-root", "tree"];
    let finished = bench.run("decode=10ms", &arguments).expect_code(0);
    let record = &bench.records()[0];
    assert!(record.energy[0].phases.iter().all(|phase| phase.gross.measured().is_none()), "{:?}", record.energy[0]);
    shows_no_joule(&finished.stdout);
}

#[test]
fn unknown_meters_and_trees_are_refused_before_anything_is_measured() {
    let bench = Bench::new();
    fs::create_dir(bench.path("empty")).unwrap();
    let refused = |arguments: &[&str], parts: &[&str]| {
        bench.run("", &[&["--scenario", "decode-4"], arguments].concat()).expect_code(3).expect_stderr(parts);
    };
    refused(&["--sysfs-root", "nowhere"], &["--sysfs-root nowhere is not a folder"]);
    refused(&["--sysfs-root", "empty", "--meter", "powercap:package-9"], &["powercap:package-9", "pocketwatt meters"]);
    refused(&["--sysfs-root", "empty", "--meter", "battery"], &["battery"]);
    assert!(!bench.path("results").exists() && !bench.path("cache").exists(), "not even a model was generated");
    bench.run("", &["--scenario", "decode-4", "--battery", "50"]).expect_code(2).expect_stderr(&["50kJ"]);
    bench.run("", &["--scenario", "decode-4", "--energy-uncertainty", "5"]).expect_code(2).expect_stderr(&["5%"]);
}

#[test]
fn meters_can_be_left_alone() {
    let bench = Bench::new();
    let simulation = Simulation::start(&bench, &["--constant", "10"]);
    let arguments = ["--scenario", "decode-4", "--meter", "none", "--sysfs-root", simulation.root()];
    let finished = bench.run("", &arguments).expect_code(0);
    assert_eq!(bench.records()[0].readings.no_energy.as_ref().unwrap().reason, Reason::NotChosen);
    shows_no_joule(&finished.stdout);
}

/// A gauge that is updated once a second needs its time, which is announced.
#[test]
fn slow_gauges_get_as_many_iterations_as_their_uncertainty_needs() {
    let bench = Bench::new();
    let simulation = Simulation::start(&bench, &["--constant", "12", "--battery"]);
    let meter = ["--meter", "battery:BAT0/energy_now", "--sysfs-root", simulation.root()];
    let arguments = ["--scenario", "decode-16", "--iterations", "1", "--energy-uncertainty", "20%", "--idle", "2"];
    let finished = bench.run("decode=10ms", &[&arguments[..], &meter].concat()).expect_code(0);
    assert!(finished.stderr.contains("for 20.0 % the counted iterations of a case last"), "{}", finished.stderr);
    let folder = bench.folder();
    let at_least_ms = folder.run().unwrap().energy.at_least_ms;
    assert!((2_000..20_000).contains(&at_least_ms), "{at_least_ms} ms");
    let record = &bench.records()[0];
    let (joules, uncertainty, seconds) = joules(record, 0, Phase::Request);
    assert!(seconds * 1e3 > 0.9 * at_least_ms as f64, "{seconds} s");
    assert!(uncertainty < 0.25 * joules, "{joules} ± {uncertainty} J");
    simulation.judge(&bench);
}

#[test]
fn a_run_does_not_go_on_without_the_meter_that_it_began_with() {
    let bench = Bench::new();
    let simulation = Simulation::start(&bench, &["--constant", "10"]);
    let arguments = ["--scenario", "decode-4,decode-5", "--idle", "1", "--sysfs-root", simulation.root()];
    bench.run("", &arguments).expect_code(0);
    let cases = bench.folder().path().join("cases");
    let second =
        fs::read_dir(&cases).unwrap().flatten().find(|case| case.path().to_string_lossy().contains("decode-5"));
    fs::remove_file(second.unwrap().path()).unwrap();
    bench.resume("", &[]).expect_code(0);
    assert_eq!(bench.records().len(), 2);
    assert!(
        bench.records().iter().all(|record| record.readings.energy.len() == bench.records()[0].readings.energy.len())
    );
    fs::remove_file(cases.join(fs::read_dir(&cases).unwrap().flatten().next().unwrap().file_name())).unwrap();
    drop(simulation);
    fs::remove_dir_all(bench.path("tree/class")).unwrap();
    bench.resume("", &[]).expect_code(3).expect_stderr(&["powercap:package-0", "start a new run"]);
}

/// The content of a file after this many seconds.
type Course = fn(f64) -> f64;

/// Writes files below a tree, each with the value of a function of the seconds, until it is dropped.
struct Moving {
    _until_dropped: Sender<()>,
}

impl Moving {
    fn start(tree: &Path, files: Vec<(&str, Course)>) -> Self {
        let open = |path: &str| {
            let path = tree.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            File::create(path).unwrap()
        };
        let files: Vec<(File, Course)> = files.into_iter().map(|(path, value)| (open(path), value)).collect();
        let (until_dropped, dropped) = channel();
        let start = MonotonicClock.now();
        let write = move || {
            let seconds = MonotonicClock.now().since(start) as f64 * 1e-9;
            for (file, value) in &files {
                // The old text is overwritten by one of the same length, so that a reader sees no empty file.
                file.write_all_at(format!("{:<23}\n", value(seconds) as i64).as_bytes(), 0).unwrap();
            }
        };
        write();
        std::thread::spawn(move || {
            while dropped.recv_timeout(Duration::from_millis(5)) == Err(RecvTimeoutError::Timeout) {
                write();
            }
        });
        Self { _until_dropped: until_dropped }
    }
}

fn put(tree: &Path, lines: &[(&str, &str)]) {
    for (path, text) in lines {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    }
}

const SECONDS: [&str; 9] =
    ["--scenario", "decode-64", "--iterations", "2", "--warmup", "0", "--idle", "2", "--sysfs-root"];

/// Mean power of the requests by each figure, with the ids of its meters.
fn powers(record: &Record) -> Vec<(Vec<&str>, f64)> {
    let failed: Vec<_> = record.checks.iter().filter(|check| check.verdict == CheckVerdict::Failed).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let power = |figure: usize| {
        let (joules, _, seconds) = joules(record, figure, Phase::Request);
        joules / seconds
    };
    let ids = |figure: usize| record.energy[figure].meters.iter().map(|id| id.as_str()).collect();
    (0..record.energy.len()).map(|figure| (ids(figure), power(figure))).collect()
}

/// A notebook that uses its second battery while the first one waits: the device's energy is that of both.
#[test]
fn a_battery_that_waits_adds_nothing_and_silences_nobody() {
    let bench = Bench::new();
    let tree = bench.path("tree");
    let [ac, waits, used] = ["AC", "BAT0", "BAT1"].map(|name| format!("class/power_supply/{name}"));
    let files = [
        (format!("{ac}/type"), "Mains"),
        (format!("{ac}/online"), "0"),
        (format!("{waits}/type"), "Battery"),
        (format!("{waits}/status"), "Not charging"),
        (format!("{waits}/energy_full"), "21800000"),
        (format!("{waits}/energy_now"), "17850000"),
        (format!("{waits}/power_now"), "0"),
        (format!("{used}/type"), "Battery"),
        (format!("{used}/status"), "Discharging"),
        (format!("{used}/energy_full"), "22530000"),
        ("class/power_supply/BAT2/type".to_owned(), "Battery"),
        ("class/power_supply/BAT2/present".to_owned(), "0"),
    ];
    put(&tree, &files.each_ref().map(|(path, text)| (path.as_str(), *text)));
    let _moving = Moving::start(
        &tree,
        vec![
            ("class/power_supply/BAT1/energy_now", |seconds| ((15.5e6 - 18.0 * seconds / 3.6e-3) / 1e3).floor() * 1e3),
            ("class/power_supply/BAT1/power_now", |seconds| 18e6 + 2e4 * ((seconds * 10.0) as i64 % 5) as f64),
        ],
    );
    bench.run("decode=40ms", &[&SECONDS[..], &["tree"]].concat()).expect_code(0);
    let record = &bench.records()[0];
    let powers = powers(record);
    let stores = vec!["battery:BAT0/energy_now", "battery:BAT1/energy_now"];
    let flows = vec!["battery:BAT0/power_now", "battery:BAT1/power_now"];
    assert_eq!(powers.len(), 2, "{powers:?}");
    for (mut meters, watts) in powers {
        meters.sort_unstable();
        assert!(meters == stores || meters == flows, "{meters:?}");
        assert!((watts - 18.0).abs() < 1.5, "{meters:?}: {watts} W, the truth is 18 W");
    }
    let battery = record.passport.battery.as_ref().unwrap();
    assert!((battery.joules - 44.33 * 3600.0).abs() < 1.0 && battery.basis.starts_with("BAT0 + BAT1"), "{battery:?}");
    let meters = bench.pocketwatt(&["meters", "--watch", "4", "--sysfs-root", "tree"]).expect_code(0);
    let sum = "sum: battery:BAT0/power_now + battery:BAT1/power_now, whole device together: 18";
    assert!(meters.stdout.contains(sum), "{}", meters.stdout);
    assert!(meters.stdout.contains("the bay BAT2 is empty"), "{}", meters.stdout);
}

/// The energy of a card includes that of its chip.
#[test]
fn a_card_and_its_chip_are_not_added_up() {
    let bench = Bench::new();
    let node = "class/hwmon/hwmon7";
    let files = [("name", "xe"), ("energy1_label", "card"), ("energy2_label", "pkg")]
        .map(|(file, text)| (format!("{node}/{file}"), text));
    put(&bench.path("tree"), &files.each_ref().map(|(path, text)| (path.as_str(), *text)));
    let _moving = Moving::start(
        &bench.path("tree"),
        vec![
            ("class/hwmon/hwmon7/energy1_input", |seconds| (5000.0 + 206.33 * seconds) * 1e6),
            ("class/hwmon/hwmon7/energy2_input", |seconds| (3000.0 + 150.0 * seconds) * 1e6),
        ],
    );
    bench.run("decode=20ms", &[&SECONDS[..], &["tree"]].concat()).expect_code(0);
    let record = &bench.records()[0];
    let powers = powers(record);
    assert_eq!(
        (powers.len(), record.energy[0].scope.name(), record.energy[0].part.as_deref()),
        (2, "accelerator", None)
    );
    assert!((powers[0].1 - 206.33).abs() < 10.0 && powers[0].0 == ["hwmon:xe/energy1"], "{powers:?}");
    assert_eq!(record.energy[1].part.as_deref(), Some("xe/pkg"));
    assert!((powers[1].1 - 150.0).abs() < 8.0, "{powers:?}");
}
