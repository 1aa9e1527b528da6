//! What meters do other than count: they wrap, are reset, vanish or stand still; and how that affects the figures.

use pocketwatt_meter::{
    TimeSpan,
    energy::{Measurand, MeterEnd, MeterGap, MeterSeries, Reason, Unavailable},
};
use pocketwatt_protocol::MonotonicNs;
use proptest::prelude::*;

use super::{
    Energy, Phase,
    curve::Curve,
    derive_energy,
    simulation::{Happened, Meter, ORIGIN_NS, Plan, Random, Shape, moment, span},
    spans::Spans,
    totals::totals,
};
use crate::Record;

const MODULUS: i64 = 262_143_328_851;

fn plan() -> Plan {
    Plan {
        idle_seconds: 3.0,
        idle_watts: 5.0,
        load: (2.0, 12.0),
        iterations: vec![[(1.0, 30.0), (2.0, 20.0)]; 3],
        pause_seconds: 0.0,
        noise: 0.02,
        grain: 0.02,
    }
}

fn counter(first: i64, tick: f64) -> Meter {
    Meter { shape: Shape::Counter { unit: 1e-6, modulus: Some(MODULUS), first }, tick, phase: 0.0003 }
}

/// The same case, read by a meter.
fn case(meter: Meter) -> Happened {
    let mut random = Random(11);
    let mut happened = plan().happen(&mut random);
    happened.record.readings.energy = vec![meter.series(&happened.power, &happened.edges, &mut random)];
    happened
}

fn series(record: &mut Record) -> &mut MeterSeries {
    &mut record.readings.energy[0]
}

fn gross(record: &Record, phase: Phase) -> Energy {
    derive_energy(record)[0].phase(phase).unwrap().gross.clone()
}

fn reason(energy: &Energy) -> Option<Reason> {
    match energy {
        Energy::Measured { .. } => None,
        Energy::Unavailable(unavailable) => Some(unavailable.reason),
    }
}

#[test]
fn from_the_largest_value_to_zero_is_one_unit() {
    let mut happened = case(counter(0, 0.001));
    let series = series(&mut happened.record);
    series.readings.truncate(2);
    series.readings[0].value = MODULUS - 1;
    series.readings[1].value = 0;
    assert_eq!(totals(series).joules, [0.0, 1e-6]);
    series.readings[1].value = MODULUS - 1;
    assert_eq!(totals(series).joules, [0.0, 0.0], "standing still on the largest value is no wrap");
}

#[test]
fn after_a_reset_there_are_no_joules_and_before_it_they_stand() {
    let mut happened = case(counter(5_000_000_000, 0.001));
    let load_end = happened.record.samples.loaded.as_ref().unwrap().end;
    let whole = gross(&happened.record, Phase::Load);
    let reset = load_end.0 + 500_000_000;
    for reading in &mut series(&mut happened.record).readings {
        if reading.at.0 > reset {
            reading.value -= 5_000_000_000;
        }
    }
    assert_eq!(gross(&happened.record, Phase::Load), whole);
    assert_eq!(reason(&gross(&happened.record, Phase::Request)), Some(Reason::WentBackwards));
    let figure = &derive_energy(&happened.record)[0];
    assert_eq!(reason(&figure.phase(Phase::Load).unwrap().net), Some(Reason::WentBackwards), "no idle power after");
    assert_eq!(reason(&figure.iterations[2].decode), Some(Reason::WentBackwards));
}

#[test]
fn a_counter_that_jumps_ahead_is_not_believed() {
    let mut happened = case(counter(0, 0.001));
    for reading in series(&mut happened.record).readings.iter_mut().skip(60) {
        reading.value += 50_000_000_000;
    }
    assert_eq!(reason(&gross(&happened.record, Phase::Request)), Some(Reason::Implausible));
}

#[test]
fn a_meter_that_vanishes_says_so_from_then_on() {
    for reason_of_end in [Reason::Vanished, Reason::ChargerConnected] {
        let mut happened = case(counter(0, 0.001));
        let at = MonotonicNs(happened.record.samples.iterations[2].turns[0].start.0 + 300_000_000);
        let series = series(&mut happened.record);
        series.readings.retain(|reading| reading.at < at);
        series.ended = Some(MeterEnd { at, unavailable: Unavailable::new(reason_of_end, "gone") });
        let figure = &derive_energy(&happened.record)[0];
        assert_eq!(reason(&figure.iterations[1].request), None, "the iterations before stand");
        for energy in [&figure.iterations[2].request, &figure.phase(Phase::Request).unwrap().gross] {
            assert_eq!(reason(energy), Some(reason_of_end));
        }
        assert_eq!(reason(&figure.phase(Phase::Load).unwrap().gross), None);
    }
}

/// Removes the readings of some moments, as if the meter had not answered.
fn silence(series: &mut MeterSeries, gaps: &[(f64, f64)]) {
    for &(start, end) in gaps {
        let (start, end) = (moment(start), moment(end));
        let inside = |at: MonotonicNs| start < at && at < end;
        let before = series.readings.iter().rev().find(|reading| reading.at <= start).unwrap().at;
        let after = series.readings.iter().find(|reading| reading.at >= end).unwrap().at;
        series.readings.retain(|reading| !inside(reading.at));
        let unavailable = Unavailable::new(Reason::Unreadable, "the driver is busy (EAGAIN)");
        series.gaps.push(MeterGap { start: before, end: after, failures: 3, unavailable });
    }
}

#[test]
fn a_meter_that_does_not_answer_for_a_moment_is_believed_with_what_that_leaves_open() {
    for (meter, widest) in [
        (counter(0, 0.001), 0.02),
        (Meter { shape: Shape::Gauge { step: 0.01 }, tick: 0.05, phase: 0.0 }, 0.25),
        (Meter { shape: Shape::Momentary { step: 0.01 }, tick: 0.05, phase: 0.0 }, 0.25),
    ] {
        let mut random = Random(21);
        let (mut held, mut count) = (0, 0);
        for _ in 0..200 {
            let mut happened = case(meter);
            let whole = gross(&happened.record, Phase::Request).measured().unwrap().1;
            let end = happened.power.end() - 1.0;
            let gaps: Vec<(f64, f64)> = (0..4)
                .map(|part| {
                    let start = end * (f64::from(part) + random.unit() * 0.8) / 4.0 + 0.3;
                    (start, start + random.between(0.1, 0.45))
                })
                .collect();
            silence(series(&mut happened.record), &gaps);
            let spans = Spans::of(happened.record.samples.counted());
            let truth = happened.power.all(&spans.request);
            let (joules, uncertainty) = gross(&happened.record, Phase::Request).measured().unwrap();
            held += u32::from((joules - truth).abs() <= uncertainty);
            count += 1;
            assert!(uncertainty >= 0.99 * whole && uncertainty < widest * truth, "{meter:?} {uncertainty} of {truth}");
        }
        assert!(held * 100 >= count * 95, "{meter:?}: {held} of {count}");
    }
}

#[test]
fn a_battery_that_gains_is_being_charged() {
    let mut happened = case(Meter { shape: Shape::Battery { step: 0.1, holds: 1e4 }, tick: 0.1, phase: 0.0 });
    assert_eq!(reason(&gross(&happened.record, Phase::Request)), None);
    let readings = &mut series(&mut happened.record).readings;
    let middle = readings.len() / 2;
    for reading in &mut readings[middle..] {
        reading.value += 500_000;
    }
    assert_eq!(reason(&gross(&happened.record, Phase::Request)), Some(Reason::WentBackwards));
}

#[test]
fn a_current_into_the_battery_is_a_charger() {
    let mut happened = case(Meter { shape: Shape::Gauge { step: 0.001 }, tick: 0.1, phase: 0.0 });
    let series = series(&mut happened.record);
    series.meter.source = pocketwatt_meter::energy::MeterSource::Battery;
    series.meter.measurand = Measurand::Current { amperes_per_unit: 0.00025 };
    for reading in &mut series.readings {
        reading.microvolts = Some(4_000_000);
    }
    let request = gross(&happened.record, Phase::Request);
    let truth = happened.power.between(&span(5.5, 14.5));
    assert!((request.measured().unwrap().0 / truth - 1.0).abs() < 0.02, "{request:?} {truth}");
    let middle = happened.record.readings.energy[0].readings.len() / 2;
    happened.record.readings.energy[0].readings[middle].value = -40;
    assert_eq!(reason(&gross(&happened.record, Phase::Request)), Some(Reason::ChargerConnected));
}

#[test]
fn a_meter_without_readings_or_changes_has_no_joules() {
    let mut happened = case(counter(0, 0.001));
    for reading in &mut series(&mut happened.record).readings {
        reading.value = 77;
    }
    assert_eq!(reason(&gross(&happened.record, Phase::Request)), Some(Reason::BelowResolution));
    series(&mut happened.record).readings.truncate(1);
    assert_eq!(reason(&gross(&happened.record, Phase::Request)), Some(Reason::BelowResolution));
    series(&mut happened.record).readings.clear();
    assert_eq!(reason(&gross(&happened.record, Phase::Request)), Some(Reason::NotCovered));
}

#[test]
fn readings_that_begin_or_end_inside_a_window_do_not_cover_it() {
    let mut happened = case(counter(0, 0.001));
    let start = happened.record.samples.iterations[0].turns[0].start;
    series(&mut happened.record).readings.retain(|reading| reading.at.0 > start.0 + 200_000_000);
    assert_eq!(reason(&gross(&happened.record, Phase::Load)), Some(Reason::NotCovered));
    assert_eq!(reason(&gross(&happened.record, Phase::Request)), Some(Reason::NotCovered));
}

proptest! {
    #[test]
    fn a_wrap_at_any_place_gives_the_same_joules(used in 1i64..600_000_000) {
        // The whole case takes about 250 J: the wrap falls before it, into it or after it.
        let straight = gross(&case(counter(0, 0.001)).record, Phase::Request);
        let wrapped = gross(&case(counter(MODULUS - used, 0.001)).record, Phase::Request);
        let ((one, u), (other, v)) = (straight.measured().unwrap(), wrapped.measured().unwrap());
        // A counter in whole microjoules begins at a different fraction of one, nothing more.
        prop_assert!((one - other).abs() < 1e-5 && (u - v).abs() < 1e-5, "{one} {other}");
    }

    #[test]
    fn unwrapping_gives_back_what_was_added(steps in prop::collection::vec(0i64..100_000_000, 1..50), first in 0i64..MODULUS) {
        let mut happened = case(counter(0, 0.001));
        let series = series(&mut happened.record);
        let template = series.readings[0];
        series.readings = vec![template];
        series.readings[0].value = first;
        let mut sum: i64 = 0;
        for (index, step) in steps.iter().enumerate() {
            sum += step;
            let at = MonotonicNs(ORIGIN_NS + (index as u64 + 1) * 100_000_000);
            let value = (first + sum).rem_euclid(MODULUS);
            series.readings.push(pocketwatt_meter::energy::MeterReading { at, value, microvolts: None });
        }
        let totals = totals(series);
        prop_assert!(totals.end.is_none());
        prop_assert!((totals.joules.last().unwrap() - sum as f64 * 1e-6).abs() < 1e-9);
    }

    #[test]
    fn windows_that_adjoin_add_up(a in 0.5f64..4.0, b in 4.1f64..9.0, c in 9.1f64..16.0, tick in 0.001f64..1.2) {
        for shape in [counter(7, tick).shape, Shape::Gauge { step: 0.01 }, Shape::Battery { step: 0.36, holds: 1e4 }] {
            let happened = case(Meter { shape, tick, phase: 0.0003 });
            let curve = Curve::of(&happened.record.readings.energy[0]).unwrap();
            let energy = |spans: &[TimeSpan]| curve.energy(spans).unwrap();
            let (whole, parts) = (energy(&[span(a, c)]), energy(&[span(a, b), span(b, c)]));
            let (left, right) = (energy(&[span(a, b)]), energy(&[span(b, c)]));
            prop_assert!((left.joules + right.joules - whole.joules).abs() < 1e-6);
            prop_assert_eq!(whole, parts, "a shared edge is no edge");
        }
    }

    #[test]
    fn a_clock_that_began_earlier_changes_nothing(shift in 0u64..1_000_000_000_000_000) {
        let happened = case(counter(0, 0.1));
        let mut later = happened.record.clone();
        let move_on = |at: &mut MonotonicNs| at.0 += shift;
        series(&mut later).readings.iter_mut().for_each(|reading| move_on(&mut reading.at));
        let window = span(3.5, 9.25);
        let moved = TimeSpan { start: MonotonicNs(window.start.0 + shift), end: MonotonicNs(window.end.0 + shift) };
        let energy = |record: &Record, window| Curve::of(&record.readings.energy[0]).unwrap().energy(&[window]).unwrap();
        prop_assert_eq!(energy(&happened.record, window), energy(&later, moved));
    }

    #[test]
    fn no_readings_whatever_make_it_panic(
        values in prop::collection::vec((any::<i64>(), 0u64..1_000_000_000), 0..40),
        resolution in any::<i64>(), period in proptest::option::of(any::<u64>()), kind in 0..5,
    ) {
        let mut happened = case(counter(0, 0.1));
        let series = series(&mut happened.record);
        let mut at = moment(0.0).0;
        series.readings.clear();
        for (value, wait) in values {
            at += wait;
            let microvolts = (kind > 2).then_some(value);
            series.readings.push(pocketwatt_meter::energy::MeterReading { at: MonotonicNs(at), value, microvolts });
        }
        series.meter.resolution = resolution;
        series.meter.update_period = period.map(|ns| pocketwatt_meter::energy::UpdatePeriod {
            ns, basis: pocketwatt_meter::energy::Basis::Guessed,
        });
        series.meter.measurand = match kind {
            0 => series.meter.measurand,
            1 => Measurand::RemainingEnergy { joules_per_unit: 1e-6 },
            2 => Measurand::Power { watts_per_unit: 1e-6 },
            3 => Measurand::Current { amperes_per_unit: 1e-6 },
            _ => Measurand::RemainingCharge { coulombs_per_unit: 1e-6 },
        };
        crate::derive(&mut happened.record);
        for metric in &happened.record.metrics {
            prop_assert!(metric.uncertainty.is_none_or(f64::is_finite));
        }
    }
}
