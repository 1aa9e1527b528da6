use proptest::prelude::*;

use super::*;
use crate::fixture::{capture, captures};

fn report(phone: &str) -> ThermalReport {
    let all = captures("dumpsys_thermalservice");
    let (_, text) = all.iter().find(|(name, _)| name.starts_with(phone)).unwrap_or_else(|| panic!("no {phone}"));
    ThermalReport::read(text)
}

fn degrees(report: &ThermalReport) -> Vec<(&str, f64)> {
    let known = report.temperatures.iter().filter_map(|sensor| Some((&*sensor.name, *sensor.celsius.as_ref().ok()?)));
    known.collect()
}

fn hot(report: &ThermalReport, name: &str) -> Vec<(ThermalStatus, f64)> {
    report.thresholds.iter().find(|threshold| threshold.name == name).unwrap().hot.clone()
}

#[test]
fn cached_temperatures_are_not_current_ones() {
    let pixel = report("google-pixel3a/");
    assert_eq!(pixel.hottest(SensorKind::Battery), Some(("battery", 28.000_002)));
    assert_eq!(pixel.hottest(SensorKind::Processor), Some(("cpu1-silver-usr", 44.1)));
    assert_eq!(
        (pixel.hottest(SensorKind::Skin), pixel.status),
        (Some(("mb-therm-monitor", 30.147_001)), Some(ThermalStatus::None))
    );
    assert_eq!((degrees(&pixel).len(), pixel.thresholds.len(), pixel.is_overridden), (13, 0, false));
    let maxfg = report("google-pixel-qualcomm-maxfg/");
    assert_eq!(maxfg.hottest(SensorKind::Battery), Some(("maxfg", 25.900_002)));
    assert_eq!(maxfg.hottest(SensorKind::Graphics), Some(("gpu0-usr", 31.400_002)));
    assert_eq!(degrees(&maxfg).len(), 13);
    // The capture ends before the HAL's block.
    assert_eq!(report("nvidia-shield-tv-pro-2019/").temperatures, []);
    assert_eq!(report("nvidia-shield-tv-pro-2019/").status, Some(ThermalStatus::None));
}

#[test]
fn voltages_currents_and_shares_are_no_temperatures() {
    let tensor = report("google-pixel6-tensor-units/");
    assert_eq!(
        degrees(&tensor),
        [
            ("TPU", 25.000_002),
            ("G3D", 26.000_002),
            ("BIG", 26.000_002),
            ("LITTLE", 27.000_002),
            ("cellular-emergency", 24.833_24),
            ("MID", 27.000_002),
            ("VIRTUAL-SKIN", 24.833_24),
            ("battery", 22.1),
        ]
    );
    let why = |name: &str| {
        let sensor = tensor.temperatures.iter().find(|sensor| sensor.name == name).unwrap();
        sensor.celsius.clone().unwrap_err()
    };
    assert_eq!(why("soft_ocp_gpu"), Unread::NotDegrees { kind: "a current" });
    assert_eq!(why("smpl_gm"), Unread::NotDegrees { kind: "a voltage" });
    assert_eq!(why("soc"), Unread::NotDegrees { kind: "a share of charge" });
    assert_eq!(why("USB2-MINUS-QI"), Unread::NotDegrees { kind: "of an unknown type" });
    assert_eq!(why("VIRTUAL-USB-UI"), Unread::NoValue { seen: "0.0".into() });
    assert_eq!(tensor.temperatures.len(), 42);
}

#[test]
fn samsungs_own_service_counts_types_from_one() {
    let sdhms = report("samsung-sdhms-unnamed/");
    let kinds: Vec<_> = sdhms.temperatures.iter().map(|sensor| (&*sensor.name, sensor.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("TYPE_CPU", Some(SensorKind::Processor)),
            ("TYPE_BATTERY", Some(SensorKind::Battery)),
            ("TYPE_SKIN", Some(SensorKind::Skin)),
            ("TYPE_USB_PORT", Some(SensorKind::UsbPort)),
            ("TYPE_POWER_AMPLIFIER", Some(SensorKind::PowerAmplifier)),
        ]
    );
    assert_eq!(sdhms.hottest(SensorKind::Skin), Some(("TYPE_SKIN", 25.3)));
    assert_eq!(sdhms.hottest(SensorKind::PowerAmplifier), None);
    assert_eq!(sdhms.temperatures[4].celsius, Err(Unread::NoValue { seen: "-99.9".into() }));
}

#[test]
fn samsungs_second_battery_that_is_not_there_has_no_temperature() {
    let s22 = report("samsung-s22-android/");
    assert_eq!(degrees(&s22), [("AP", 39.6), ("BAT", 36.3), ("PATHM", 40.8), ("SKIN", 35.8), ("USB", 36.9)]);
    assert_eq!((s22.hottest(SensorKind::Battery), s22.thresholds.len()), (Some(("BAT", 36.3)), 0));
    let aidl = report("samsung-unnamed-aidl/");
    assert_eq!(aidl.hottest(SensorKind::Skin), Some(("SKIN", 28.2)));
    use ThermalStatus::{Critical, Emergency, Light, Moderate, None, Severe, Shutdown};
    assert_eq!(hot(&aidl, "SKIN"), [(None, 36.0), (Light, 38.0), (Moderate, 40.0), (Severe, 42.0), (Critical, 45.0)]);
    assert_eq!(hot(&aidl, "BAT"), [(Emergency, 55.0), (Shutdown, 85.0)]);
    let s24 = ThermalReport::read(&capture("samsung-s24plus/heat_reading.txt"));
    assert_eq!(degrees(&s24), [("AP", 53.4), ("BAT", 38.6), ("SKIN", 40.0), ("USB", 34.1)]);
    assert_eq!(s24.status, Some(None), "although its clocks are limited");
}

#[test]
fn thresholds_come_in_two_forms() {
    use ThermalStatus::{Emergency, Moderate, Severe, Shutdown};
    let qualcomm = report("qualcomm-unnamed-6core/");
    assert_eq!(hot(&qualcomm, "skin"), [(Severe, 40.0), (Shutdown, 95.0)]);
    assert_eq!(qualcomm.hottest(SensorKind::Npu), Some(("nsp1", 34.7)));
    assert!(qualcomm.thresholds.iter().all(|threshold| threshold.name != "vbat"), "a voltage is no temperature");
    assert_eq!((degrees(&qualcomm).len(), qualcomm.thresholds.len()), (12, 12));

    let throttled = report("mediatek-like-unnamed-throttled/");
    assert_eq!(throttled.status, Some(Moderate));
    assert_eq!(throttled.hottest(SensorKind::Skin), Some(("skin", 44.637)));
    assert_eq!(hot(&throttled, "battery"), [(Emergency, 65.0), (Shutdown, 70.0)]);
    assert_eq!(hot(&throttled, "skin")[2], (Moderate, 45.0));
    assert_eq!((throttled.thresholds.len(), throttled.thresholds[1].kind), (11, Some(SensorKind::Skin)));

    let fold = ThermalReport::read(&capture("google-pixelfold/thermal_lines.txt"));
    assert_eq!(fold.hottest(SensorKind::Skin), Some(("VIRTUAL-SKIN", 30.65)));
    let emulator = report("android-emulator/");
    assert_eq!(degrees(&emulator), [("test temperature sensor", 30.8)]);
}

proptest! {
    /// Whatever becomes of a capture: a temperature is possible, and none comes from a number that stands for no sensor.
    #[test]
    fn a_changed_capture_gives_a_possible_temperature_or_none(
        capture in any::<prop::sample::Index>(),
        line in any::<prop::sample::Index>(),
        with in prop::sample::select(vec!["-99.9", "0.0", "NaN", "inf", "-Infinity", "1e400", "8900.0", "-273.15", "", "\u{1b}[2J"]),
        kind in -3..12_i64,
        cut in any::<prop::sample::Index>(),
    ) {
        let all = captures("dumpsys_thermalservice");
        let (_, text) = capture.get(&all);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = line.index(lines.len());
        if let Some((value, rest)) = lines[at].clone().split_once(", mType=") {
            let rest = rest.split_once(',').map_or("", |(_, rest)| rest);
            let head = value.split_once("mValue=").map_or(value, |(head, _)| head);
            lines[at] = format!("{head}mValue={with}, mType={kind},{rest}");
        }
        let changed = lines.join("\n");
        let cut = changed.floor_char_boundary(cut.index(changed.len() + 1));
        for text in [&*changed, &changed[..cut]] {
            let report = ThermalReport::read(text);
            for (name, celsius) in degrees(&report) {
                prop_assert!((-40.0..=150.0).contains(&celsius) && celsius != 0.0 && celsius != -99.9, "{name} {celsius}");
            }
            for (_, celsius) in report.thresholds.iter().flat_map(|threshold| &threshold.hot) {
                prop_assert!(celsius.is_finite());
            }
        }
    }
}
