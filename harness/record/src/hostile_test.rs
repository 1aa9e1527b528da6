//! Hostile records: whatever number is anywhere, the result is a finite number or absent with a reason.

use pocketwatt_meter::energy::{MeterSeries, Reason};
use pocketwatt_protocol::MonotonicNs;
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use crate::{
    Course, Energy, Record, derive,
    energy::simulation::{Meter, Plan, Random, Shape},
    power_curves, turns, turns_of_conversations,
};

/// A short case with a counter and a gauge beside it.
fn measured() -> Record {
    let plan = Plan {
        idle_seconds: 2.0,
        idle_watts: 4.0,
        load: (1.0, 10.0),
        iterations: vec![[(0.5, 30.0), (1.0, 18.0)]; 4],
        pause_seconds: 0.1,
        noise: 0.0,
        grain: 1.0,
    };
    let mut random = Random(3);
    let happened = plan.happen(&mut random);
    let series = |shape, random: &mut Random| {
        Meter { shape, tick: 0.1, phase: 0.0 }.series(&happened.power, &happened.edges, random)
    };
    let counter = series(Shape::Counter { unit: 1e-6, modulus: Some(1 << 32), first: 0 }, &mut random);
    let mut record = happened.record;
    record.readings.energy = vec![counter];
    record.passport.sustain_ms = Some(1);
    record
}

/// The paths of all numbers.
fn numbers(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(at),
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(index, value)| numbers(value, format!("{at}/{index}"), found));
        }
        Value::Object(fields) => fields.iter().for_each(|(name, value)| numbers(value, format!("{at}/{name}"), found)),
        _ => {}
    }
}

fn all_is_finite(record: &mut Record) {
    derive(record);
    for value in &record.metrics {
        if let crate::Value::Measured(summary) = &value.value {
            assert!(summary.mean.is_finite() && summary.median.is_finite(), "{value:?}");
            assert!(value.uncertainty.is_none_or(f64::is_finite), "{value:?}");
        }
    }
    let figures = record.energy.iter().flat_map(|figure| &figure.phases).flat_map(|phase| [&phase.gross, &phase.net]);
    for (joules, uncertainty) in figures.filter_map(Energy::measured) {
        assert!(joules.is_finite() && uncertainty.is_finite());
    }
    for turn in turns(record).into_iter().chain(turns_of_conversations(record)) {
        assert!(turn.energy.is_err() || turn.energy.is_ok_and(|(joules, _)| joules.is_finite()));
    }
    for curve in power_curves(&record.readings.energy, MonotonicNs(0)) {
        match curve.course {
            Course::Counted(points) => assert!(points.iter().all(|point| point.joules.is_finite())),
            Course::Shown(points) => assert!(points.iter().all(|point| point.watts.is_finite())),
            Course::Unknown(_) => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_number_of_a_record_leads_beyond_numbers(
        changes in prop::collection::vec(
            (any::<Index>(), prop::sample::select(vec![
                json!(u64::MAX), json!(i64::MIN), json!(i64::MAX), json!(u32::MAX), json!(0), json!(-1), json!(1e308),
                json!(-1e308), json!(5e-324),
            ])),
            1..6,
        ),
    ) {
        let mut value = serde_json::to_value(measured()).unwrap();
        let mut places = Vec::new();
        numbers(&value, String::new(), &mut places);
        for (place, number) in changes {
            *value.pointer_mut(&places[place.index(places.len())]).unwrap() = number;
        }
        // Many are refused by the reader, such as a negative time.
        if let Ok(mut record) = serde_json::from_value::<Record>(value) {
            all_is_finite(&mut record);
        }
    }
}

#[test]
fn readings_that_are_not_in_order_are_no_energy() {
    let mut record = measured();
    all_is_finite(&mut record);
    assert!(record.energy[0].phases[0].gross.measured().is_some(), "{:?}", record.energy);
    record.readings.energy[0].readings[9].at = MonotonicNs(u64::MAX);
    all_is_finite(&mut record);
    let Energy::Unavailable(unavailable) = &record.energy[0].phases[0].gross else { panic!("{:?}", record.energy) };
    assert_eq!(unavailable.reason, Reason::Implausible);
    assert!(unavailable.hint.contains("not in the order of time"), "{unavailable:?}");
}

#[test]
fn times_that_add_up_to_more_than_can_be_counted_are_no_energy() {
    let mut record = measured();
    for turn in record.samples.iterations.iter_mut().flat_map(|iteration| &mut iteration.turns) {
        (turn.start, turn.prefill_end) = (MonotonicNs(0), MonotonicNs(u64::MAX));
        *turn.token_times.last_mut().unwrap() = MonotonicNs(u64::MAX);
    }
    let series: &mut MeterSeries = &mut record.readings.energy[0];
    series.readings.last_mut().unwrap().at = MonotonicNs(u64::MAX);
    all_is_finite(&mut record);
    let requests = record.energy[0].phase(crate::Phase::Request).unwrap();
    assert!(matches!(&requests.gross, Energy::Unavailable(_)), "{requests:?}");
}
