//! A tree with a `dumpsys` that prints what a file of the test says.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::fixture::{capture, captures};

/// A phone's `/sys`, with `dumpsys` below it.
struct Phone(TempDir);

impl Phone {
    fn with(battery: &str) -> Self {
        let phone = Self(tempfile::tempdir().unwrap());
        let program = phone.path().join("system/bin/dumpsys");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        let script = format!(
            "#!/bin/sh\nset -u\ncd '{}'\necho x >> calls\n[ -z \"${{LD_LIBRARY_PATH-}}${{LD_PRELOAD-}}\" ] || exit 9\n\
             case $1 in battery) [ ! -e hangs ] || exec sleep 100; exec cat battery;; *) [ -e rails ] && exec cat rails; \
             echo \"Can't find service: $1\";; esac\n",
            phone.path().display()
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        phone.prints(battery);
        phone
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn root(&self) -> SystemRoot {
        SystemRoot::with_sys(self.path())
    }

    /// By rename, as an answer is never half of one.
    fn prints(&self, battery: &str) {
        fs::write(self.path().join("next"), battery).unwrap();
        fs::rename(self.path().join("next"), self.path().join("battery")).unwrap();
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn calls(&self) -> usize {
        fs::read_to_string(self.path().join("calls")).unwrap_or_default().lines().count()
    }
}

/// A Samsung S23 on its battery.
fn unplugged() -> String {
    let text = capture("samsung-s23-SM-S911B/dumpsys_battery.txt");
    report(1_633_905, text.replace("level: 33", "level: 44"))
}

/// That capture with another counter, while nothing feeds it.
fn report(counter: i64, text: String) -> String {
    let line = |line: &str| match line.trim().split_once(':') {
        Some((key, _)) if line.starts_with("  ") && key.ends_with("powered") => format!("  {key}: false"),
        Some(("status", _)) if line.starts_with("  ") => "  status: 3".into(),
        Some(("Charge counter", _)) if line.starts_with("  ") => format!("  Charge counter: {counter}"),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn counts(counter: i64) -> String {
    report(counter, unplugged())
}

fn find<'a>(found: &'a Discovery, id: &str) -> Result<usize, &'a Unavailable> {
    match found.meters.iter().position(|meter| meter.info().id == id) {
        Some(position) => Ok(position),
        None => Err(&found.absent.iter().find(|absent| absent.id == id).unwrap().unavailable),
    }
}

fn reason(found: &Discovery, id: &str) -> Reason {
    find(found, id).unwrap_err().reason
}

/// What a meter gives at a moment.
fn at(meter: &mut dyn EnergyMeter, moment: Moment) -> Vec<Result<energy::RawReading, Unavailable>> {
    let mut given = Vec::new();
    meter.readings(moment, &MonotonicClock, &mut |timed| given.push(timed.reading));
    given
}

fn values(meter: &mut dyn EnergyMeter, moment: Moment) -> Vec<i64> {
    at(meter, moment).into_iter().map(|reading| reading.unwrap().value).collect()
}

#[test]
fn a_charge_counter_is_read_at_boundaries_and_asked_for_rarely_in_between() {
    let phone = Phone::with(&unplugged());
    let mut found = discover(&phone.root());
    let place = find(&found, CHARGE_COUNTER).unwrap();
    let meter = &mut *found.meters[place];
    assert_eq!((meter.info().scope, meter.has_own_pace()), (Scope::Device, true));
    let asked = phone.calls();
    assert_eq!(values(meter, Moment::Boundary), [1_633_905]);
    phone.prints(&counts(1_630_155));
    for _ in 0..50 {
        assert!(
            values(meter, Moment::Regular).is_empty(),
            "an answer is given once, and none is asked for within 10 s"
        );
        assert!(values(meter, Moment::PhaseEdge).is_empty());
    }
    assert!(phone.calls() <= asked + 1);
    assert_eq!(values(meter, Moment::Boundary), [1_630_155]);
}

#[test]
fn nothing_is_counted_while_something_feeds_the_phone() {
    let phone = Phone::with(&unplugged());
    let mut found = discover(&phone.root());
    let place = find(&found, CHARGE_COUNTER).unwrap();
    assert_eq!(values(&mut *found.meters[place], Moment::Boundary), [1_633_905]);
    phone.prints(&unplugged().replace("USB powered: false", "USB powered: true"));
    let given = at(&mut *found.meters[place], Moment::Boundary);
    assert_eq!(given[0].as_ref().unwrap_err().reason, Reason::ChargerConnected);
    assert_eq!(reason(&discover(&phone.root()), CHARGE_COUNTER), Reason::ChargerConnected);
    assert_eq!(ensure_on_battery(&phone.root()).unwrap_err().hint, "USB feeds the phone");
    phone.prints(&unplugged());
    assert_eq!(ensure_on_battery(&phone.root()), Ok(()));
    phone.prints(&format!(
        "Current Battery Service state:\n  (UPDATES STOPPED -- use 'reset' to restart)\n{}",
        unplugged()
    ));
    assert_eq!(reason(&discover(&phone.root()), CHARGE_COUNTER), Reason::Unreadable);
}

#[test]
fn a_counter_that_jumps_is_refused() {
    let phone = Phone::with(&unplugged());
    let mut found = discover(&phone.root());
    let place = find(&found, CHARGE_COUNTER).unwrap();
    let meter = &mut *found.meters[place];
    assert_eq!(values(meter, Moment::Boundary), [1_633_905]);
    phone.prints(&counts(1_303_905));
    let why = at(meter, Moment::Boundary).remove(0).unwrap_err();
    assert_eq!(why.reason, Reason::Implausible, "{why:?}");
    assert!(why.hint.contains("jumped from 1633905 to 1303905"), "{why:?}");
}

#[test]
fn files_of_the_kernel_count_only_once_the_service_has_agreed() {
    let phone = Phone::with(&unplugged());
    for (file, text) in [
        ("type", "Battery"),
        ("status", "Discharging"),
        ("capacity", "44"),
        ("charge_counter", "1633905"),
        ("voltage_now", "3700000"),
    ] {
        phone.file(&format!("class/power_supply/battery/{file}"), text);
    }
    let mut found = discover(&phone.root());
    let place = find(&found, "battery:battery/charge_counter").unwrap();
    let meter = &mut *found.meters[place];
    assert_eq!(values(meter, Moment::Boundary), [1_633_905]);
    phone.file("class/power_supply/battery/charge_counter", "1630155");
    assert!(values(meter, Moment::Regular).is_empty(), "the service has not spoken since");
    assert_eq!(values(meter, Moment::Boundary), [1_630_155, 1_630_155]);
    assert!(values(meter, Moment::Regular).is_empty());
    phone.prints(&unplugged().replace("AC powered: false", "AC powered: true"));
    let given = at(meter, Moment::Boundary);
    assert_eq!(given.len(), 1, "what was read before is not known to be the phone's use: {given:?}");
    assert_eq!(given[0].as_ref().unwrap_err().reason, Reason::ChargerConnected);
    // One battery, two interfaces.
    phone.prints(&unplugged());
    let choice = energy::choose(discover(&phone.root()), &[]).unwrap();
    let ids: Vec<&str> = choice.meters.iter().map(|meter| &*meter.info().id).collect();
    assert_eq!(ids, ["battery:battery/charge_counter"]);
    let duplicate = choice.absent.iter().find(|absent| absent.id == CHARGE_COUNTER).unwrap();
    assert_eq!(duplicate.unavailable.reason, Reason::Duplicate);
}

#[test]
fn rails_of_the_cores_count_on_the_cable_too() {
    let phone = Phone::with(&unplugged().replace("USB powered: false", "USB powered: true"));
    let rails = |cores: &str| {
        format!(
            "============= PowerStats HAL 2.0 energy meter ==============\n  [S2M_VDD_CPUCL2]:CPU  {cores} mWs\n  \
             [VSYS_PWR_DISPLAY]:Display   1039108.42 mWs\n========== End of PowerStats HAL 2.0 energy meter ==========\n"
        )
    };
    phone.file("rails", &rails("30203.50"));
    let mut found = discover(&phone.root());
    let place = find(&found, "power-stats:S2M_VDD_CPUCL2").unwrap();
    let meter = &mut *found.meters[place];
    assert_eq!((meter.info().scope, meter.info().resolution), (Scope::CpuRails, 10));
    assert_eq!(values(meter, Moment::Boundary), [30_203_500]);
    phone.file("rails", &rails("-1.00"));
    assert_eq!(at(meter, Moment::Boundary)[0].as_ref().unwrap_err().reason, Reason::Unreadable);
    assert!(found.meters.iter().all(|meter| meter.info().part != "VSYS_PWR_DISPLAY"));
}

#[test]
fn a_service_that_hangs_keeps_nobody_waiting_beside_a_measurement() {
    let phone = Phone::with(&unplugged());
    let mut found = discover(&phone.root());
    let place = find(&found, CHARGE_COUNTER).unwrap();
    let meter = &mut *found.meters[place];
    phone.file("hangs", "");
    let begun = MonotonicClock.now();
    for _ in 0..100 {
        at(meter, Moment::Regular);
    }
    assert!(MonotonicClock.now().since(begun) < 1_000_000_000);
    let why = at(meter, Moment::Boundary).remove(0).unwrap_err();
    assert_eq!((why.reason, &*why.hint), (Reason::Unreadable, "dumpsys battery did not answer within 5 s"));
}

#[test]
fn the_capacity_follows_from_the_charge_and_the_level_where_no_file_states_it() {
    let phone = Phone::with(&unplugged());
    let capacity = battery_capacity(&phone.root()).unwrap();
    assert_eq!(capacity.basis, "charge counter / level of 44 % x voltage");
    // 1.634 Ah at 44 %: 3.71 Ah.
    assert!((45e3..60e3).contains(&capacity.joules), "{capacity:?}");
    phone.prints(&counts(-562));
    assert_eq!(battery_capacity(&phone.root()), None);
}

/// The most that readings at these times, ten seconds apart, can mean of a phone's use: until the first that ends a series.
fn joules(texts: &[String]) -> Option<f64> {
    let service =
        Service::start(Dumpsys::silent(), BATTERY, |text| Ok(BatteryReport::read(text)), BATTERY_PERIOD).unwrap();
    let mut meter = ChargeMeter::open(&Arc::new(service), &BatteryReport::read(&texts[0])).ok()?;
    let energy::Measurand::RemainingCharge { coulombs_per_unit } = meter.info().measurand else { panic!("no charge") };
    let mut readings = Vec::new();
    for (text, second) in texts.iter().zip((0..).step_by(10)) {
        match meter.reading(MonotonicNs(second * 1_000_000_000), &BatteryReport::read(text)) {
            Ok(reading) => readings.push(reading),
            Err(unavailable) if unavailable.reason.may_pass() => {}
            Err(_) => break,
        }
    }
    let lost = |pair: &[energy::RawReading]| (pair[0].value - pair[1].value) as f64 * coulombs_per_unit;
    let volts = |reading: &energy::RawReading| reading.microvolts.unwrap() as f64 * 1e-6;
    // A rise ends the figure.
    Some(readings.windows(2).take_while(|pair| lost(pair) >= 0.0).map(|pair| lost(pair) * volts(&pair[1])).sum())
}

/// Numbers that services print where they have none.
const SENTINELS: [&str; 12] = [
    "0",
    "-1",
    "4",
    "220",
    "1000",
    "-562",
    "65535",
    "-2147483648",
    "2147483647",
    "4294967295",
    "NaN",
    "9223372036854775808",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn no_joule_comes_out_of_a_changed_report(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((0_usize..6, any::<prop::sample::Index>(), prop::sample::select(SENTINELS.to_vec())), 1..6),
        fed in proptest::option::of(1_usize..6),
    ) {
        let captures = captures("dumpsys_battery");
        let text = &captures[which.index(captures.len())].1;
        let counter = BatteryReport::read(text).charge.map_or(1_244_880, |charge| charge.raw);
        let mut texts: Vec<String> = vec![report(counter, text.clone()); 6];
        for (at, line, value) in changes {
            let mut lines: Vec<String> = texts[at].lines().map(str::to_owned).collect();
            let line = line.index(lines.len());
            if let Some((key, _)) = lines[line].clone().split_once(':') {
                lines[line] = format!("{key}: {value}");
            }
            texts[at] = lines.join("\n");
        }
        if let Some(fed) = fed {
            texts[fed] = texts[fed].replacen("powered: false", "powered: true", 1);
        }
        // Every number that stands for none is a change of charge far beyond what a phone uses in that time.
        if let Some(joules) = joules(&texts) {
            prop_assert!((0.0..=5.0 * (30.0 * 100.0 + 60.0)).contains(&joules), "{joules} J");
        }
    }
}
