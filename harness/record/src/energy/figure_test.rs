//! Which meters form a figure, which phases a slow meter resolves, and the metrics that follow.

use pocketwatt_meter::energy::{MeterSeries, MeterSource, Reason, Scope, Unavailable};

use super::{
    Energy, EnergyFigure, Idle, Phase, derive_energy,
    simulation::{Happened, Meter, Plan, Random, Shape},
};
use crate::{AbsentKind, BatteryAssumption, EnergyMetric, MetricValue, Outcome, Record, Value, derive, derive_metrics};

const COUNTER: Shape = Shape::Counter { unit: 1e-6, modulus: None, first: 0 };

fn plan(iterations: Vec<[(f64, f64); 2]>, pause_seconds: f64) -> Plan {
    Plan { idle_seconds: 20.0, idle_watts: 4.0, load: (10.0, 10.0), iterations, pause_seconds, noise: 0.0, grain: 1.0 }
}

fn happen(plan: &Plan, tick: f64) -> Happened {
    let mut random = Random(5);
    let mut happened = plan.happen(&mut random);
    let meter = Meter { shape: COUNTER, tick, phase: 0.0 };
    happened.record.readings.energy = vec![meter.series(&happened.power, &happened.edges, &mut random)];
    happened
}

/// 1 s of prefill at 30 W and 4 s of decoding at 20 W, ten times.
fn usual(tick: f64) -> Happened {
    happen(&plan(vec![[(1.0, 30.0), (4.0, 20.0)]; 10], 0.0), tick)
}

fn renamed(series: &MeterSeries, id: &str, part: &str, change: impl Fn(&mut MeterSeries)) -> MeterSeries {
    let mut other = series.clone();
    other.meter.id = id.into();
    other.meter.part = part.into();
    change(&mut other);
    other
}

fn gross(figure: &EnergyFigure, phase: Phase) -> (f64, f64) {
    figure.phase(phase).unwrap().gross.measured().unwrap()
}

fn reason(energy: &Energy) -> Option<Reason> {
    match energy {
        Energy::Measured { .. } => None,
        Energy::Unavailable(unavailable) => Some(unavailable.reason),
    }
}

#[test]
fn packages_add_up_and_scopes_stand_side_by_side() {
    let mut happened = usual(0.001);
    let one = happened.record.readings.energy[0].clone();
    happened.record.readings.energy = vec![
        one.clone(),
        renamed(&one, "powercap:package-1", "package-1", |_| ()),
        renamed(&one, "powercap:dram", "dram", |series| series.meter.scope = Scope::Dram),
        renamed(&one, "perf:package", "package-0", |series| series.meter.source = MeterSource::Perf),
        renamed(&one, "hwmon:a", "a", |series| series.meter.scope = Scope::Rail),
        renamed(&one, "hwmon:b", "b", |series| series.meter.scope = Scope::Rail),
    ];
    let figures = derive_energy(&happened.record);
    let meters: Vec<_> = figures.iter().map(|figure| figure.meters.join(" + ")).collect();
    assert_eq!(
        meters,
        ["powercap:simulated + powercap:package-1", "powercap:dram", "perf:package", "hwmon:a", "hwmon:b"]
    );
    let ((both, u), (alone, v)) = (gross(&figures[0], Phase::Request), gross(&figures[1], Phase::Request));
    assert!((both - 2.0 * alone).abs() < 1e-9);
    assert!((u - 2f64.sqrt() * v).abs() < 1e-9, "independent errors add in quadrature");
    assert_eq!((figures[0].part.as_deref(), figures[3].part.as_deref()), (None, Some("a")));
}

#[test]
fn one_battery_told_twice_is_two_figures() {
    let mut happened = usual(0.1);
    let one = happened.record.readings.energy[0].clone();
    let mut random = Random(6);
    let gauge = Meter { shape: Shape::Gauge { step: 0.01 }, tick: 0.1, phase: 0.0 };
    let gauge = gauge.series(&happened.power, &happened.edges, &mut random);
    let as_battery = |series: &mut MeterSeries| {
        series.meter.source = MeterSource::Battery;
        series.meter.scope = Scope::Device;
    };
    happened.record.readings.energy =
        vec![renamed(&one, "battery:energy", "BAT0", as_battery), renamed(&gauge, "battery:power", "BAT0", as_battery)];
    let figures = derive_energy(&happened.record);
    assert_eq!(figures.iter().map(|figure| figure.meters.len()).collect::<Vec<_>>(), [1, 1]);
    assert_ne!(figures[0].method, figures[1].method);
    let (a, b) = (gross(&figures[0], Phase::Request).0, gross(&figures[1], Phase::Request).0);
    assert!((a / b - 1.0).abs() < 0.02, "{a} {b}");
}

#[test]
fn the_scales_error_is_part_of_the_uncertainty_where_it_is_known() {
    let mut happened = usual(0.001);
    let (joules, without) = gross(&derive_energy(&happened.record)[0], Phase::Request);
    happened.record.readings.energy[0].meter.gain_error = Some(0.05);
    let (same, with) = gross(&derive_energy(&happened.record)[0], Phase::Request);
    assert_eq!(joules, same);
    assert!((with - without.hypot(2.0 * 0.05 * joules)).abs() < 1e-9);
}

#[test]
fn a_slow_meter_tells_requests_and_not_the_phases_inside_them() {
    let happened = usual(1.0);
    let figure = &derive_energy(&happened.record)[0];
    let (joules, uncertainty) = gross(figure, Phase::Request);
    assert!((joules - 1100.0).abs() <= uncertainty && uncertainty < 15.0, "{joules} +- {uncertainty}");
    for phase in [Phase::Prefill, Phase::Decode] {
        let Energy::Unavailable(unavailable) = &figure.phase(phase).unwrap().gross else { panic!("{phase:?}") };
        assert_eq!(unavailable.reason, Reason::BelowResolution);
        assert!(unavailable.hint.contains("--scenario prefill-128,decode-128"), "{}", unavailable.hint);
    }
    // The same phases with a quick meter.
    let figure = &derive_energy(&usual(0.001).record)[0];
    for (phase, truth) in [(Phase::Prefill, 300.0), (Phase::Decode, 800.0), (Phase::Request, 1100.0)] {
        let (joules, uncertainty) = gross(figure, phase);
        assert!((joules - truth).abs() <= uncertainty && uncertainty < 0.01 * truth, "{phase:?} {joules}");
    }
}

#[test]
fn a_slow_meter_tells_a_phase_that_is_almost_everything() {
    let happened = happen(&plan(vec![[(0.02, 30.0), (9.98, 20.0)]; 6], 0.0), 1.0);
    let figure = &derive_energy(&happened.record)[0];
    let (joules, uncertainty) = gross(figure, Phase::Decode);
    assert!((joules - 6.0 * 9.98 * 20.0).abs() <= uncertainty && uncertainty < 20.0, "{joules} +- {uncertainty}");
    assert_eq!(reason(&figure.phase(Phase::Prefill).unwrap().gross), Some(Reason::BelowResolution));
}

#[test]
fn pauses_are_no_part_of_requests() {
    let happened = happen(&plan(vec![[(5.0, 30.0), (15.0, 20.0)]; 5], 10.0), 1.0);
    let (joules, uncertainty) = gross(&derive_energy(&happened.record)[0], Phase::Request);
    assert!((joules - 2250.0).abs() <= uncertainty && uncertainty < 150.0, "{joules} +- {uncertainty}");
}

#[test]
fn a_window_shorter_than_the_meters_ticks_has_no_joules() {
    let happened = happen(&plan(vec![[(0.05, 30.0), (0.2, 20.0)]; 3], 0.0), 0.1);
    let figure = &derive_energy(&happened.record)[0];
    let Energy::Unavailable(unavailable) = &figure.phase(Phase::Prefill).unwrap().gross else { panic!("prefill") };
    assert_eq!(unavailable.reason, Reason::BelowResolution);
    assert!(unavailable.hint.contains("0.050 s") && unavailable.hint.contains("0.100 s"), "{}", unavailable.hint);
}

#[test]
fn a_meter_that_is_slower_than_it_says_is_found_out() {
    let mut happened = usual(1.0);
    happened.record.readings.energy[0].meter.update_period.as_mut().unwrap().ns = 1_000_000;
    let figure = &derive_energy(&happened.record)[0];
    let period = figure.update_period_ns.unwrap();
    assert!((900_000_000..1_200_000_000).contains(&period), "{period}");
    assert_eq!(reason(&figure.phase(Phase::Prefill).unwrap().gross), Some(Reason::BelowResolution));
    happened.record.readings.energy[0].meter.update_period = None;
    let period = derive_energy(&happened.record)[0].update_period_ns.unwrap();
    assert!((900_000_000..1_200_000_000).contains(&period), "{period}");
}

#[test]
fn without_idle_windows_there_is_no_net_energy() {
    let mut happened = usual(0.001);
    let Idle::Measured(power) = derive_energy(&happened.record)[0].idle else { panic!("idle") };
    assert!((power.watts() - 4.0).abs() <= 2.0 * power.uncertainty_watts, "{power:?}");
    assert!(power.uncertainty_watts < 0.02, "{power:?}");
    happened.record.readings.idle.as_mut().unwrap().after = None;
    let figure = &derive_energy(&happened.record)[0];
    assert!(matches!(figure.idle, Idle::Unavailable(_)));
    assert!(figure.phase(Phase::Request).unwrap().gross.measured().is_some());
    assert_eq!(reason(&figure.phase(Phase::Request).unwrap().net), Some(Reason::NotCovered));
}

fn metric(record: &Record, metric: EnergyMetric) -> &MetricValue {
    record.value(metric).unwrap()
}

#[test]
fn every_metric_follows_from_its_formula() {
    let mut happened = usual(0.001);
    happened.record.passport.battery = Some(BatteryAssumption {
        joules: 50_000.0,
        basis: "--battery".into(),
        idle_watts: Some(1.0),
        screen_watts: 0.5,
    });
    derive(&mut happened.record);
    // A request: 5 s, 30 J of prefill for 10 tokens, 80 J of decoding for the 10 tokens after the first of 11; 4 W idle.
    let expected = [
        (EnergyMetric::EnergyPerRequest, 110.0),
        (EnergyMetric::NetEnergyPerRequest, 90.0),
        (EnergyMetric::EnergyPerPrefillToken, 3.0),
        (EnergyMetric::NetEnergyPerPrefillToken, 2.6),
        (EnergyMetric::EnergyPerOutputToken, 8.0),
        (EnergyMetric::NetEnergyPerOutputToken, 6.4),
        (EnergyMetric::LoadEnergy, 100.0),
        (EnergyMetric::PrefillPower, 30.0),
        (EnergyMetric::DecodePower, 20.0),
        (EnergyMetric::IdlePower, 4.0),
        (EnergyMetric::EnergyDelayProduct, 550.0),
        (EnergyMetric::TokensPerWattHour, 3600.0 * 11.0 / 110.0),
        (EnergyMetric::BatteryPerRequest, (90.0 + 1.5 * 5.0) / 50_000.0),
        (EnergyMetric::ChatHoursPerCharge, 50_000.0 / (90.0 / 5.0 + 1.5) / 3600.0),
    ];
    for (name, expected) in expected {
        let found = metric(&happened.record, name);
        let Value::Measured(summary) = &found.value else { panic!("{found:?}") };
        let uncertainty = found.uncertainty.unwrap();
        assert!((summary.median - expected).abs() <= uncertainty, "{name:?}: {} not {expected}", summary.median);
        assert!(uncertainty < 0.01 * expected, "{name:?}: {uncertainty}");
        assert_eq!(summary.count, 1);
    }
    // With measured idle power, the gross energy is what the battery supplies.
    happened.record.passport.battery.as_mut().unwrap().idle_watts = None;
    derive(&mut happened.record);
    let Value::Measured(summary) = &metric(&happened.record, EnergyMetric::BatteryPerRequest).value else {
        panic!("battery")
    };
    assert!((summary.median - (110.0 + 2.5) / 50_000.0).abs() < 1e-5, "{}", summary.median);
}

#[test]
fn a_metric_stands_once_for_each_figure_or_once_with_the_reason() {
    let mut happened = usual(0.001);
    let one = happened.record.readings.energy[0].clone();
    let dram = renamed(&one, "powercap:dram", "dram", |series| series.meter.scope = Scope::Dram);
    happened.record.readings.energy.push(dram);
    derive(&mut happened.record);
    let values = happened.record.values(EnergyMetric::EnergyPerRequest);
    let scopes: Vec<_> = values.map(|value| value.scope.as_ref().unwrap().scope).collect();
    assert_eq!(scopes, [Scope::Package, Scope::Dram]);
    let battery = metric(&happened.record, EnergyMetric::BatteryPerRequest);
    assert_eq!(battery.value, Value::Absent(AbsentKind::NoBattery.into()));

    happened.record.readings.energy.clear();
    happened.record.readings.no_energy = Some(Unavailable::new(Reason::NotPermitted, "sudo"));
    derive(&mut happened.record);
    assert!(happened.record.energy.is_empty() && happened.record.checks.len() == 1);
    let energy: Vec<_> = happened.record.values(EnergyMetric::EnergyPerRequest).collect();
    assert_eq!(energy.len(), 1);
    assert_eq!(energy[0].value, Value::Absent(Reason::NotPermitted.into()));
    happened.record.readings.no_energy = None;
    let metrics = derive_metrics(&happened.record);
    assert!(metrics.iter().any(|value| value.value == Value::Absent(Reason::NotCovered.into())));
}

#[test]
fn a_failed_case_has_no_numbers() {
    let mut happened = usual(0.001);
    derive(&mut happened.record);
    assert!(!happened.record.energy.is_empty() && !happened.record.checks.is_empty());
    happened.record.outcome = Outcome::Skipped { reason: "no".into() };
    derive(&mut happened.record);
    assert!(
        happened.record.energy.is_empty() && happened.record.metrics.is_empty() && happened.record.checks.is_empty()
    );
}
