mod several;

use pocketwatt_protocol::MonotonicNs;

use super::*;
use crate::energy::{Basis, Measurand, MeterSeries, Observation, fixture::Tree};

const BATTERY: &str = "sys/class/power_supply";

fn ids(found: &Discovery) -> Vec<&str> {
    found.meters.iter().map(|meter| meter.info().id.as_str()).collect()
}

fn reasons(found: &Discovery) -> Vec<(&str, Reason)> {
    found.absent.iter().map(|absent| (absent.id.as_str(), absent.unavailable.reason)).collect()
}

#[test]
fn a_notebook_tells_energy_and_power_and_its_mouse_does_not_count() {
    let tree = Tree::named("laptop");
    let mut found = discover(&tree.root());
    assert_eq!(ids(&found), ["battery:BAT0/energy_now", "battery:BAT0/power_now"]);
    assert!(found.absent.is_empty(), "{:?}", found.absent);
    assert_eq!(found.meters[0].read(), Ok(RawReading::new(38_210_000)));
    let Measurand::RemainingEnergy { joules_per_unit } = found.meters[0].info().measurand else { panic!() };
    // 1 mWh is 3.6 J.
    assert!((joules_per_unit * 1000.0 - 3.6).abs() < 1e-12);
    assert_eq!(found.meters[1].info().measurand, Measurand::Power { watts_per_unit: 1e-6 });
    let capacity = battery_capacity(&tree.root()).unwrap();
    assert!((capacity.joules - 50.35 * 3600.0).abs() < 1e-6, "{capacity:?}");
    assert_eq!((capacity.name.as_str(), capacity.basis.as_str()), ("BAT0", "energy_full"));
}

#[test]
fn a_charger_makes_the_battery_no_meter() {
    let found = discover(&Tree::named("laptop-charging").root());
    assert!(found.meters.is_empty());
    let charger = Reason::ChargerConnected;
    assert_eq!(reasons(&found), [("battery:BAT0/energy_now", charger), ("battery:BAT0/power_now", charger)]);
    assert!(found.absent[0].unavailable.hint.contains("charger AC is plugged in; unplug it"), "{:?}", found.absent[0]);
}

#[test]
fn a_charger_can_come_while_the_battery_is_read() {
    for (file, content) in [("AC/online", "1"), ("BAT0/status", "Charging")] {
        let tree = Tree::named("laptop");
        let mut found = discover(&tree.root());
        assert!(found.meters[0].read().is_ok());
        tree.set(&format!("{BATTERY}/{file}"), content);
        for meter in &mut found.meters {
            assert_eq!(meter.read().unwrap_err().reason, Reason::ChargerConnected, "{file} = {content}");
        }
    }
}

#[test]
fn a_battery_can_be_taken_out() {
    let tree = Tree::named("laptop");
    let mut found = discover(&tree.root());
    tree.remove(&format!("{BATTERY}/BAT0"));
    for meter in &mut found.meters {
        assert_eq!(meter.read().unwrap_err().reason, Reason::Vanished);
    }
}

#[test]
fn milliamperes_are_recognised_and_marked_as_a_guess() {
    let tree = Tree::named("phone-milliampere");
    let mut found = discover(&tree.root());
    assert_eq!(ids(&found), ["battery:battery/current_now"]);
    assert_eq!(reasons(&found), [("battery:battery/charge_counter", Reason::Unreadable)]);
    let info = found.meters[0].info();
    assert_eq!((info.measurand, info.unit_basis), (Measurand::Current { amperes_per_unit: 1e-3 }, Basis::Guessed));
    assert_eq!(found.meters[0].read(), Ok(RawReading { value: 412, microvolts: Some(4_120_000) }));
}

#[test]
fn current_flows_out_whatever_its_sign_until_the_sign_turns() {
    for (sign, tree) in [(1, Tree::named("phone-microampere")), (-1, Tree::named("phone-microampere"))] {
        tree.set(&format!("{BATTERY}/battery/current_now"), &(sign * 398_437).to_string());
        let mut found = discover(&tree.root());
        assert_eq!(ids(&found), ["battery:battery/charge_counter", "battery:battery/current_now"]);
        assert_eq!(found.meters[1].info().unit_basis, Basis::Documented);
        assert_eq!(found.meters[1].read().unwrap().value, 398_437);
        tree.set(&format!("{BATTERY}/battery/current_now"), &(-sign * 1_000_000).to_string());
        assert_eq!(found.meters[1].read().unwrap_err().reason, Reason::ChargerConnected);
    }
}

#[test]
fn empty_files_are_no_zeros() {
    let found = discover(&Tree::named("phone-denied").root());
    assert!(found.meters.is_empty(), "{:?}", ids(&found));
    let unreadable = Reason::Unreadable;
    assert_eq!(
        reasons(&found),
        [("battery:battery/charge_counter", unreadable), ("battery:battery/current_now", unreadable)]
    );
    assert_eq!(reasons(&discover(&Tree::parse("").root())), [("battery", Reason::NoMeter)]);
    assert_eq!(battery_capacity(&Tree::named("phone-denied").root()), None);
}

#[test]
fn a_charge_becomes_a_capacity_with_its_voltage() {
    let capacity = battery_capacity(&Tree::named("phone-microampere").root()).unwrap();
    assert!((capacity.joules - 4.41 * 3600.0 * 3.85).abs() < 1e-6, "{capacity:?}");
    let both = battery_capacity(&Tree::named("laptop-two-batteries").root()).unwrap();
    assert!((both.joules - 70.0 * 3600.0).abs() < 1e-6 && both.name == "BAT0 + BAT1", "{both:?}");
}

#[test]
fn a_battery_that_waits_for_its_turn_is_not_being_charged() {
    let found = discover(&Tree::named("laptop-two-batteries").root());
    assert_eq!(
        ids(&found),
        ["battery:BAT0/energy_now", "battery:BAT0/power_now", "battery:BAT1/energy_now", "battery:BAT1/power_now"]
    );
}

/// A charge counter that steps by 1000 uAh, and a current of 0.4 A in some unit, for ten minutes.
#[test]
fn the_unit_of_a_current_is_proven_by_the_charge() {
    let info = |file: &str, measurand| MeterInfo {
        measurand,
        ..discover(&Tree::named("phone-microampere").root())
            .meters
            .iter()
            .find(|meter| meter.info().id.ends_with(file))
            .unwrap()
            .info()
            .clone()
    };
    let charge_unit = Measurand::RemainingCharge { coulombs_per_unit: COULOMBS_IN_MICROAMPERE_HOUR };
    let mut charge = MeterSeries::new(info("charge_counter", charge_unit));
    for second in 0..600u64 {
        let used = (0.4 * second as f64 / 3.6e-3 / 1000.0) as i64 * 1000;
        let value = RawReading { value: 3_270_000 - used, microvolts: Some(4_000_000) };
        charge.push(MonotonicNs(second * 1_000_000_000), value);
    }
    let proven = |raw: i64| {
        let mut current = MeterSeries::new(info("current_now", Measurand::Current { amperes_per_unit: 1.0 }));
        for second in 0..600u64 {
            let value = RawReading { value: raw + (second % 3) as i64, microvolts: Some(4_000_000) };
            current.push(MonotonicNs(second * 1_000_000_000), value);
        }
        prove_current_unit(&current, &charge)
    };
    assert_eq!(proven(400_000), Some(1e-6));
    assert_eq!(proven(400), Some(1e-3));
    assert_eq!(proven(4_000_000), None, "neither unit fits");
    let mut current = MeterSeries::new(info("current_now", Measurand::Current { amperes_per_unit: 1e-3 }));
    for second in 0..600u64 {
        let value = RawReading { value: 400_000, microvolts: Some(4_000_000) };
        current.push(MonotonicNs(second * 1_000_000_000), value);
    }
    let seen = |series: &MeterSeries| Observation {
        series: series.clone(),
        update_period: None,
        changes: 9,
        smallest_step: None,
        watched_ns: 600_000_000_000,
    };
    let mut watched = [seen(&current), seen(&charge)];
    settle_units(&mut watched);
    let meter = &watched[0].series.meter;
    assert_eq!((meter.measurand, meter.unit_basis), (Measurand::Current { amperes_per_unit: 1e-6 }, Basis::Observed));
    let short = MeterSeries { readings: charge.readings[..20].to_vec(), ..charge.clone() };
    assert_eq!(prove_current_unit(&charge, &short), None, "too few steps prove nothing");
}

#[test]
fn what_no_battery_has_is_refused_by_its_file() {
    let tree = |more: &str| {
        Tree::parse(&format!(
            "{BATTERY}/BAT0/type = Battery\n{BATTERY}/BAT0/status = Discharging\n{BATTERY}/BAT0/voltage_now = 4000000\n\
             {BATTERY}/BAT0/{more}\n"
        ))
    };
    for file in ["current_now", "power_now", "energy_now", "charge_now", "charge_counter"] {
        for value in [i64::MIN, i64::MAX, 4_294_967_295_000] {
            let found = discover(&tree(&format!("{file} = {value}")).root());
            assert_eq!(reasons(&found), [(&*format!("battery:BAT0/{file}"), Reason::Unreadable)], "{value}");
            assert!(found.absent[0].unavailable.hint.contains(&format!("{file} holds {value}")), "{found:?}");
        }
    }
    assert_eq!(reasons(&discover(&tree("charge_counter = 4294967295").root())).len(), 1, "-1 in 32 bits");
    let tree_of_voltage = tree("current_now = 900000");
    tree_of_voltage.set(&format!("{BATTERY}/BAT0/voltage_now"), "9223372036854775807");
    assert!(discover(&tree_of_voltage.root()).absent[0].unavailable.hint.contains("voltage_now holds"));
    for full in ["1e300", "inf", "9223372036854775807"] {
        assert_eq!(battery_capacity(&tree(&format!("energy_full = {full}")).root()), None, "{full}");
    }
}

#[test]
fn a_counter_that_is_no_file_is_in_the_unit_that_fits_how_full_the_battery_is() {
    let unit = |value, percent| charge_unit(value, percent, "Charge counter").map(|(unit, basis)| (unit * 1e6, basis));
    assert_eq!(unit(1_633_905, Some(44.0)), Ok((3600.0, Basis::Documented)));
    assert_eq!(unit(4274, Some(80.0)), Ok((3_600_000.0, Basis::Guessed)));
    assert_eq!(
        unit(4274, None).unwrap_err().reason,
        Reason::Unreadable,
        "nothing tells mAh from a nearly empty battery"
    );
    for none in [0, 220, 1000, -1, 4, -562, 2_147_483_647] {
        assert_eq!(unit(none, Some(50.0)).unwrap_err().reason, Reason::Unreadable, "{none}");
    }
}

#[test]
fn charges_that_differ_by_more_than_64_bits_prove_no_unit() {
    let series = |measurand| {
        let tree = Tree::named("phone-milliampere");
        let mut info = discover(&tree.root()).meters[0].info().clone();
        info.measurand = measurand;
        let mut series = MeterSeries::new(info);
        for reading in 0..10_u64 {
            let value = if reading % 2 == 0 { i64::MAX } else { i64::MIN };
            series.push(MonotonicNs(reading * 1_000_000_000), RawReading::new(value));
        }
        series
    };
    let current = series(Measurand::Current { amperes_per_unit: 1e-6 });
    assert_eq!(prove_current_unit(&current, &series(Measurand::RemainingCharge { coulombs_per_unit: 3.6e-3 })), None);
}
