use proptest::prelude::*;

use super::*;
use crate::fixture::{capture, captures, section};

fn report(name: &str) -> BatteryReport {
    BatteryReport::read(&capture(name))
}

/// Level in per cent, volts, degrees, and the charge counter with its unit in coulombs.
fn numbers(report: &BatteryReport) -> (f64, f64, f64, i64, f64) {
    let charge = report.charge.as_ref().unwrap();
    let number = |value: &Result<f64, Unread>| value.clone().unwrap();
    (number(&report.percent), number(&report.volts), number(&report.celsius), charge.raw, charge.coulombs_per_unit)
}

const MICRO: f64 = 3.6e-3;
const MILLI: f64 = 3.6;

#[test]
fn a_samsung_at_a_usb_port_has_decoys_and_history_lines() {
    let s23 = report("samsung-s23-SM-S9110-android16/dumpsys_battery.txt");
    assert_eq!(numbers(&s23), (44.0, 3.908, 42.2, 1_633_905, MICRO));
    assert_eq!((s23.status.clone(), s23.powered.clone()), (Ok(BatteryStatus::Charging), Ok(vec![PowerSource::Usb])));
    let refused = s23.ensure_on_battery().unwrap_err();
    assert_eq!((refused.reason, &*refused.hint), (Reason::ChargerConnected, "USB feeds the phone"));
    assert_eq!(s23.charge.unwrap().unit_basis, Basis::Documented);
}

#[test]
fn an_unplugged_samsung_is_on_its_battery() {
    let s23 = report("samsung-s23-SM-S911B/dumpsys_battery.txt");
    assert_eq!(numbers(&s23), (33.0, 3.674, 40.7, 1_244_880, MICRO));
    assert_eq!((s23.status.clone(), s23.powered.clone()), (Ok(BatteryStatus::Discharging), Ok(Vec::new())));
    assert_eq!(s23.ensure_on_battery(), Ok(()));
    let joules = s23.charge.unwrap().joules_per_unit(s23.volts.unwrap());
    assert!((joules - 0.013_226_4).abs() < 1e-9, "{joules}");
}

#[test]
fn full_and_not_charging_batteries_are_fed() {
    let full = report("samsung-unnamed-2018/dumpsys_battery.txt");
    assert_eq!(numbers(&full), (100.0, 4.312, 30.9, 2_967_000, MICRO));
    assert_eq!((full.status.clone(), full.powered.clone()), (Ok(BatteryStatus::Full), Ok(vec![PowerSource::Usb])));
    let pixel = BatteryReport::read(section(&capture("google-pixel11pro-android17/power.txt"), "dumpsys battery"));
    assert_eq!(numbers(&pixel), (100.0, 4.446, 35.8, 4_832_500, MICRO));
    assert_eq!(
        (pixel.status.clone(), pixel.powered.clone()),
        (Ok(BatteryStatus::NotCharging), Ok(vec![PowerSource::Ac]))
    );
    for fed in [full, pixel] {
        assert_eq!(fed.ensure_on_battery().unwrap_err().reason, Reason::ChargerConnected);
    }
    // No source is named, but a battery that waits is fed by something.
    let unseen = capture("samsung-unnamed-2018/dumpsys_battery.txt").replace("USB powered: true", "USB powered: false");
    assert_eq!(BatteryReport::read(&unseen).ensure_on_battery().unwrap_err().reason, Reason::ChargerConnected);
}

#[test]
fn an_older_form_has_fewer_lines() {
    let pixel = report("google-pixel-lab-skia/dumpsys_battery.txt");
    assert_eq!(numbers(&pixel), (75.0, 3.997, 24.8, 1_928_561, MICRO));
}

#[test]
fn a_counter_in_milliampere_hours_is_recognised_by_the_level() {
    let redmi = report("xiaomi-redmi-note14-tanzanite-hyperos3/dumpsys_battery.txt");
    assert_eq!(numbers(&redmi), (80.0, 4.228, 36.4, 4274, MILLI));
    assert!(redmi.charge.clone().unwrap().is_in_milliampere_hours());
    assert_eq!((redmi.charge.unwrap().unit_basis, redmi.status), (Basis::Guessed, Ok(BatteryStatus::Charging)));
}

#[test]
fn the_lines_of_another_tool_are_no_less_exact() {
    let s24 = report("samsung-s24plus/heat_reading.txt");
    assert_eq!((s24.percent, s24.celsius, s24.volts), (Ok(55.0), Ok(38.6), Err(Unread::Missing)));
    assert_eq!(s24.charge.unwrap_err().reason, Reason::NoMeter);
    assert_eq!(s24.powered, Err(Unread::Missing));
}

#[test]
fn counters_without_a_charge_are_absent_with_the_number() {
    let text = capture("google-pixel-lab-skia/dumpsys_battery.txt");
    for counter in
        ["0", "4", "220", "1000", "-562", "-1", "2147483647", "-2147483648", "9223372036854775807", "1e6", ""]
    {
        let charge = BatteryReport::read(&text.replace("1928561", counter)).charge;
        let why = charge.expect_err(counter);
        assert!(why.reason == Reason::Unreadable && why.hint.contains(counter), "{counter}: {why:?}");
    }
}

#[test]
fn numbers_that_no_battery_has_are_absent() {
    let text = capture("google-pixel-lab-skia/dumpsys_battery.txt");
    let with = |from: &str, to: &str| BatteryReport::read(&text.replace(from, to));
    let impossible = |seen: &str, range| Unread::Impossible { seen: seen.into(), range };
    assert_eq!(with("level: 75", "level: 101").percent, Err(impossible("101 of 100", "0 to the scale")));
    assert_eq!(with("level: 75", "level: -1").percent, Err(impossible("-1", LEVELS.1)));
    assert_eq!(with("scale: 100", "scale: 0").percent, Err(impossible("0", "a scale of at least 1")));
    assert_eq!(with("scale: 100", "scale: 150").percent, Ok(50.0));
    assert_eq!(with("  scale: 100\n", "").percent, Ok(75.0));
    assert_eq!(with("voltage: 3997", "voltage: 0").volts, Err(impossible("0", MILLIVOLTS.1)));
    assert_eq!(with("voltage: 3997", "voltage: 3997000").volts, Err(impossible("3997000", MILLIVOLTS.1)));
    assert_eq!(with("temperature: 248", "temperature: 0").celsius, Err(Unread::NoValue { seen: "0".into() }));
    assert_eq!(with("temperature: 248", "temperature: -999").celsius, Err(impossible("-999", TENTHS_OF_A_DEGREE.1)));
    assert_eq!(with("status: 2", "status: 9").status, Err(impossible("9", "1 to 5")));
    assert_eq!(with("AC powered: true", "AC powered: maybe").powered, Err(Unread::unreadable("maybe")));
}

#[test]
fn values_that_were_replaced_by_a_command_are_not_read() {
    let text = capture("samsung-s23-SM-S911B/dumpsys_battery.txt");
    let note = "state:\n  (UPDATES STOPPED -- use 'reset' to restart)\n";
    let stopped = BatteryReport::read(&text.replacen("state:\n", note, 1));
    assert!(stopped.updates_stopped);
    assert_eq!(
        (stopped.percent.clone(), stopped.celsius.clone()),
        (Err(Unread::UpdatesStopped), Err(Unread::UpdatesStopped))
    );
    assert_eq!(stopped.ensure_on_battery().unwrap_err().reason, Reason::Unreadable);
    assert_eq!(stopped.charge.unwrap_err().reason, Reason::Unreadable);
}

#[test]
fn a_device_without_a_battery_has_no_values() {
    let text = capture("google-pixel-lab-skia/dumpsys_battery.txt").replace("present: true", "present: false");
    let none = BatteryReport::read(&text);
    assert_eq!((none.percent, none.powered), (Err(Unread::NoBattery), Ok(vec![PowerSource::Ac])));
    assert_eq!(none.charge.unwrap_err().reason, Reason::NoMeter);
}

proptest! {
    /// Whatever becomes of a capture: a number is one that a battery can have, and a counter is in a unit that fits its level.
    #[test]
    fn a_changed_capture_gives_a_possible_number_or_none(
        capture in any::<prop::sample::Index>(),
        line in any::<prop::sample::Index>(),
        with in prop::sample::select(vec![
            "-1", "0", "-99.9", "65535", "2147483647", "-2147483648", "4294967295", "1e400", "NaN", "", "true", "\u{1b}[2J", "220",
        ]),
        cut in any::<prop::sample::Index>(),
    ) {
        let all = captures("dumpsys_battery");
        let (_, text) = capture.get(&all);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = line.index(lines.len());
        lines[at] = lines[at].split_once(": ").map_or_else(String::new, |(key, _)| format!("{key}: {with}"));
        let changed = lines.join("\n");
        let cut = changed.floor_char_boundary(cut.index(changed.len() + 1));
        for text in [&*changed, &changed[..cut]] {
            let report = BatteryReport::read(text);
            prop_assert!(report.percent.is_err() || report.percent.as_ref().is_ok_and(|percent| (0.0..=100.0).contains(percent)));
            prop_assert!(report.volts.is_err() || report.volts.as_ref().is_ok_and(|volts| (1.0..=20.0).contains(volts)));
            prop_assert!(report.celsius.as_ref().map_or(true, |celsius| (-40.0..=100.0).contains(celsius) && *celsius != 0.0));
            if let Ok(charge) = &report.charge {
                let ampere_hours = charge.raw as f64 * charge.coulombs_per_unit / 3600.0;
                let percent = report.percent.clone().unwrap_or(100.0);
                prop_assert!(ampere_hours.abs() < 1001.0, "{charge:?}");
                prop_assert!(percent < 1.0 || ampere_hours.abs() > 0.001, "{charge:?}");
            }
        }
    }
}
