use pocketwatt_meter::energy::{MeterInfo, RawReading, Scope};
use pocketwatt_protocol::MonotonicNs;

use super::*;
use crate::{Energy, energies_together};

const WATT_HOURS: Measurand = Measurand::RemainingEnergy { joules_per_unit: 3.6e-3 };
const WATTS: Measurand = Measurand::Power { watts_per_unit: 1e-6 };

/// A file of a battery, read ten times a second for 40 s.
fn series(part: &str, file: &str, measurand: Measurand, value: impl Fn(f64) -> f64) -> MeterSeries {
    let mut series = MeterSeries::new(MeterInfo {
        id: format!("battery:{part}/{file}"),
        source: MeterSource::Battery,
        scope: Scope::Device,
        part: part.into(),
        path: "simulated".into(),
        measurand,
        unit_basis: Basis::Documented,
        resolution: 1,
        update_period: None,
        gain_error: None,
        power_limit_watts: None,
    });
    for reading in 0..400_u64 {
        let seconds = reading as f64 * 0.1;
        let reading_ = RawReading { value: value(seconds) as i64, microvolts: Some(4_000_000) };
        series.push(MonotonicNs(reading * 100_000_000), reading_);
    }
    series
}

/// Falls by this many watts, in steps of 10 mWh.
fn energy_now(part: &str, watts: f64) -> MeterSeries {
    series(part, "energy_now", WATT_HOURS, |seconds| ((15.5e6 - watts * seconds / 3.6e-3) / 1e4).floor() * 1e4)
}

fn power_now(part: &str, watts: f64, noise: f64) -> MeterSeries {
    series(part, "power_now", WATTS, |seconds| watts * 1e6 + noise * (seconds as i64 % 5) as f64)
}

fn together(all: &[MeterSeries]) -> Vec<Option<(f64, f64)>> {
    let watts = |(joules, uncertainty): (f64, f64), seconds: f64| (joules / seconds, uncertainty / seconds);
    energies_together(all)
        .into_iter()
        .map(|sum| sum.energy.measured().map(|energy| watts(energy, sum.span.unwrap().duration_ns() as f64 * 1e-9)))
        .collect()
}

#[track_caller]
fn about(sum: Option<(f64, f64)>, watts: f64) {
    let (mean, uncertainty) = sum.expect("a number");
    assert!((mean - watts).abs() <= uncertainty && uncertainty < 0.2 * watts, "{mean} ± {uncertainty} W");
}

#[test]
fn a_battery_that_waits_does_not_silence_the_one_that_is_used() {
    let idle = [energy_now("BAT0", 0.0), power_now("BAT0", 0.0, 0.0)];
    let used = [energy_now("BAT1", 18.0), power_now("BAT1", 18.0, 2e4)];
    let all: Vec<MeterSeries> = idle.iter().chain(&used).cloned().collect();
    let sums = together(&all);
    assert_eq!(sums.len(), 2, "one of what they hold, one of what flows out");
    about(sums[0], 18.0);
    about(sums[1], 18.0);
    // Without the gauge, the other one's energy is known to a step.
    let (_, uncertainty) = sums[0].unwrap();
    let (_, more) = together(&[idle[0].clone(), used[0].clone()])[0].unwrap();
    assert!(more > uncertainty && more < 2.0, "{more} {uncertainty}");
    // If none of them changes, nothing is known.
    assert_eq!(together(&[idle[0].clone(), energy_now("BAT1", 0.0)]), [None]);
    // A battery whose series ended does not count as waiting.
    let mut ended = idle[0].clone();
    let gone = Unavailable::new(Reason::Vanished, "taken out");
    ended.ended = Some(pocketwatt_meter::energy::MeterEnd { at: MonotonicNs(1), unavailable: gone });
    assert_eq!(together(&[ended, used[0].clone()]), [None]);
}

#[test]
fn one_tells_its_energy_and_the_other_its_charge() {
    let charge = Measurand::RemainingCharge { coulombs_per_unit: 3.6e-3 };
    let of_charge = series("BAT1", "charge_now", charge, |seconds| (3.5e6 - 1.2e6 * seconds / 3600.0).floor());
    about(together(&[energy_now("BAT0", 9.0), of_charge])[0], 9.0 + 1.2 * 4.0);
}

#[test]
fn a_gauge_at_nothing_beside_a_battery_that_falls_is_broken() {
    for shown in [0.0, 0.012] {
        let all = [energy_now("b", 5.0), power_now("b", shown, 0.0)];
        let unavailable = refuted(&all[1], &all).unwrap();
        assert_eq!(unavailable.reason, Reason::Unreadable);
        assert!(unavailable.hint.contains("battery:b/power_now") && unavailable.hint.contains("the gauge is broken"));
        assert_eq!(refuted(&all[0], &all), None, "what it holds is right all the same");
    }
    let alone = [power_now("b", 0.012, 1.0)];
    assert!(refuted(&alone[0], &alone).unwrap().hint.contains("no awake device"));
}

#[test]
fn a_gauge_that_stopped_is_told_from_one_that_is_steady() {
    let stopped = [energy_now("b", 18.0), power_now("b", 9.0, 0.0)];
    assert!(refuted(&stopped[1], &stopped).unwrap().hint.contains("the gauge has stopped"));
    for fine in [power_now("b", 18.0, 0.0), power_now("b", 9.0, 10.0)] {
        let all = [energy_now("b", 18.0), fine];
        assert_eq!(refuted(&all[1], &all), None, "it agrees, or moves: then the two are compared");
    }
}

#[test]
fn nothing_from_a_battery_that_waits_is_believed() {
    let all = [power_now("BAT0", 0.0, 0.0), power_now("BAT1", 9.0, 1.0), energy_now("BAT0", 0.0)];
    assert!(all.iter().all(|series| refuted(series, &all).is_none()));
}

#[test]
fn milliamperes_that_become_hundreds_of_amperes_are_none() {
    let mut current = series("b", "current_now", Measurand::Current { amperes_per_unit: 1e-3 }, |seconds| {
        if seconds < 3.0 { 976.0 } else { 300_000.0 }
    });
    current.meter.unit_basis = Basis::Guessed;
    assert!(refuted(&current, &[current.clone()]).unwrap().hint.contains("300 A"));
    current.meter.measurand = Measurand::Current { amperes_per_unit: 1e-6 };
    assert_eq!(refuted(&current, &[current.clone()]), None);
    assert!(matches!(
        crate::energy_between(&current, TimeSpan { start: MonotonicNs(0), end: MonotonicNs(39_000_000_000) }),
        Energy::Measured { .. }
    ));
}
