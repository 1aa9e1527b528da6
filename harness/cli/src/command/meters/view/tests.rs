use pocketwatt_meter::energy::{MeterSource, RawReading, Reason, Unavailable, UpdatePeriod};
use pocketwatt_protocol::MonotonicNs;

use super::*;

fn info(id: &str, scope: Scope, measurand: Measurand) -> MeterInfo {
    MeterInfo {
        id: id.into(),
        source: MeterSource::Powercap,
        scope,
        part: "package-0".into(),
        path: "/sys/class/powercap/intel-rapl:0/energy_uj".into(),
        measurand,
        unit_basis: Basis::Documented,
        resolution: 61,
        update_period: Some(UpdatePeriod { ns: 1_000_000, basis: Basis::Observed }),
        gain_error: None,
        power_limit_watts: None,
    }
}

fn seen(info: MeterInfo, values: &[(u64, i64)]) -> Observation {
    let mut series = MeterSeries::new(info);
    let mut changes = 0;
    for (index, (ms, value)) in values.iter().enumerate() {
        changes += u64::from(index > 0 && values[index - 1].1 != *value);
        let reading = RawReading { value: *value, microvolts: Some(3_850_000) };
        series.push(MonotonicNs(ms * 1_000_000), reading);
    }
    let watched_ns = values.last().map_or(0, |(ms, _)| ms * 1_000_000);
    Observation { update_period: series.meter.update_period, changes, smallest_step: None, watched_ns, series }
}

#[test]
fn what_did_not_answer_for_a_moment_is_told() {
    let mut package = seen(info("powercap:package-0", Scope::Package, COUNTER), &[(0, 5_000_000)]);
    let busy = || Unavailable::new(Reason::Unreadable, "energy_uj: the driver is busy (EAGAIN)");
    package.series.fail(MonotonicNs(100_000_000), busy());
    package.series.push(MonotonicNs(250_000_000), RawReading::new(6_000_000));
    let text = table(&MetersView::new(None, &[package], Vec::new(), None), &Style::default());
    let expected = "note: powercap:package-0 did not answer once, for 250 ms: energy_uj: the driver is busy (EAGAIN)";
    assert!(text.contains(expected), "{text}");
}

const COUNTER: Measurand = Measurand::EnergyCounter { joules_per_unit: 1e-6, modulus: Some(262_143_328_851) };

fn view() -> MetersView {
    let package = info("powercap:package-0", Scope::Package, COUNTER);
    let mut charge =
        info("battery:battery/charge_counter", Scope::Device, Measurand::RemainingCharge { coulombs_per_unit: 3.6e-3 });
    charge.resolution = 1000;
    charge.update_period = None;
    let mut current = info("battery:battery/current_now", Scope::Device, Measurand::Current { amperes_per_unit: 1e-3 });
    current.unit_basis = Basis::Guessed;
    current.resolution = 1;
    current.update_period = Some(UpdatePeriod { ns: 1_000_000_000, basis: Basis::Declared });
    let observations = [
        seen(package, &[(0, 5_000_000), (1500, 20_000_000), (3000, 41_930_000)]),
        seen(charge, &[(0, 3_000_000), (3000, 3_000_000)]),
        seen(current, &[(0, 500), (1000, 520), (2000, 480), (3000, 500)]),
    ];
    let absent = vec![AbsentMeter {
        source: MeterSource::Powercap,
        id: "powercap:psys".into(),
        scope: Some(Scope::Platform),
        unavailable: Unavailable::new(
            Reason::NotPermitted,
            "only root may read /sys/class/powercap/intel-rapl:1/energy_uj: sudo chmod -R a+r /sys/class/powercap/",
        ),
    }];
    MetersView::new(None, &observations, absent, None)
}

#[test]
fn meters_are_shown_side_by_side() {
    insta::assert_snapshot!(table(&view(), &Style::default()), @r#"
    meter                           scope         raw value               resolution  updated every   readings  mean power  energy in 3.0 s
    powercap:package-0              package       energy used, 1 µJ       61 µJ       1 ms (seen)            3      12.3 W  36.935 ±0.024 J
    battery:battery/charge_counter  whole device  charge left, 3.60 mC    3.60 C      unknown                2           -  below resolution
    battery:battery/current_now     whole device  current, 1 mA, guessed  1 mA        1 s (declared)         4      1.91 W  5.7 ±1.2 J

    note: battery:battery/charge_counter: below resolution: its value never changed in 3 s: read for
          longer with --watch
    ± is the 95 % interval of updates, steps and noise; it includes the error of a scale only where the
    maker states one. Scopes overlap: they are never added up.

    not read
      powercap:psys  not permitted: only root may read /sys/class/powercap/intel-rapl:1/energy_uj: sudo
                     chmod -R a+r /sys/class/powercap/
    "#);
}

#[test]
fn on_a_narrow_terminal_meters_stand_one_below_the_other() {
    let mut view = view();
    view.meters.truncate(1);
    view.absent.clear();
    view.sysfs_root = Some("/tmp/tree".into());
    insta::assert_snapshot!(table(&view, &Style { color: false, width: Some(60) }), @r#"
    SIMULATION  /sys is read from /tmp/tree: these are not this
                device's meters.

    powercap:package-0
      scope            package
      raw value        energy used, 1 µJ
      resolution       61 µJ
      updated every    1 ms (seen)
      readings         3
      mean power       12.3 W
      energy in 3.0 s  36.935 ±0.024 J

    ± is the 95 % interval of updates, steps and noise; it
    includes the error of a scale only where the maker states
    one.
    "#);
}

#[test]
fn parts_of_one_whole_are_summed_and_rails_are_named() {
    let of = |part: &str, scope: Scope, values: &[(u64, i64)]| {
        seen(MeterInfo { part: part.into(), ..info(&format!("powercap:{part}"), scope, COUNTER) }, values)
    };
    let values = [(0, 5_000_000), (1500, 20_000_000), (3000, 41_930_000)];
    let observations = [
        of("package-0", Scope::Package, &values),
        of("package-1", Scope::Package, &values),
        of("Grace Power Socket 0", Scope::Rail, &values),
    ];
    let view = MetersView::new(None, &observations, Vec::new(), None);
    let text = table(&view, &Style::default());
    assert!(text.contains("sum: powercap:package-0 + powercap:package-1, package together: 24.6 W (73."), "{text}");
    assert!(text.contains("  rail Grace Power Socket 0  "), "{text}");
    assert_eq!(serde_json::to_value(&view).unwrap()["together"].as_array().unwrap().len(), 1);
}

#[test]
fn no_meter_is_an_answer() {
    let none = Unavailable::new(Reason::NoMeter, "no energy meter was found");
    let view = MetersView::new(None, &[], Vec::new(), Some(none));
    insta::assert_snapshot!(table(&view, &Style::default()), @r"
    No energy meter can be read here (no meter): no energy meter was found. `pocketwatt doctor` says
    more.
    ");
}

#[test]
fn what_is_not_known_is_no_number_for_programs_either() {
    let json = serde_json::to_value(view()).unwrap();
    let charge = &json["meters"][1];
    assert_eq!(charge["energy"]["unavailable"]["reason"], "below-resolution");
    assert_eq!((&charge["mean_power_watts"], &charge["update_period"]), (&().into(), &().into()));
    let package = &json["meters"][0]["energy"]["measured"];
    let uncertainty = package["uncertainty_joules"].as_f64().unwrap();
    assert!((package["joules"].as_f64().unwrap() - 36.93).abs() <= uncertainty && uncertainty < 0.1, "{package}");
}

#[test]
fn what_a_meter_cannot_have_meant_is_no_joule() {
    let reason = |info: MeterInfo, values: &[(u64, i64)]| match watched::energy(&seen(info, values), &[]) {
        Energy::Unavailable(unavailable) => Some(unavailable.reason),
        Energy::Measured { .. } => None,
    };
    let gauge = info("x", Scope::Rail, Measurand::Power { watts_per_unit: 1e-6 });
    assert_eq!(reason(gauge, &[(0, 0), (1000, 0)]), Some(Reason::BelowResolution), "it may have stopped");
    let battery = info("x", Scope::Device, Measurand::RemainingEnergy { joules_per_unit: 3.6e-3 });
    assert!(reason(battery, &[(0, 5000), (1000, 6000), (2000, 7000)]).is_some(), "it is being charged");
    let package = || info("x", Scope::Package, COUNTER);
    assert_eq!(reason(package(), &[(0, 20_000_000_000), (1000, 1), (2000, 2)]), Some(Reason::WentBackwards));
    assert_eq!(reason(package(), &[(0, 262_143_328_850), (1000, 1_000_000), (2000, 2_000_000)]), None, "a wrap");
    let mut vanished = seen(package(), &[(0, 0), (1000, 1_000_000), (2000, 2_000_000)]);
    vanished.series.ended = Some(MeterEnd { at: MonotonicNs(3), unavailable: Unavailable::new(Reason::Vanished, "") });
    assert!(watched::energy(&vanished, &[]).measured().is_none());
}
