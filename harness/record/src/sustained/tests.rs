use pocketwatt_meter::ContextReading;
use pocketwatt_protocol::{IterationKind, StopReason, TokenId, TurnTrace};
use proptest::prelude::*;

use super::*;
use crate::{
    Outcome, Record, SustainedMetric, Value, derive, derive_metrics,
    energy::simulation::{Meter, Plan, Random, Shape, record},
};

const SECOND: f64 = 1e9;
const START: f64 = 100.0 * SECOND;

/// A turn of 11 tokens: a tenth of its time is prefill, the rest are 10 gaps.
fn iteration(start: f64, seconds: f64, conversation: u32) -> Iteration {
    let at = |share: f64| MonotonicNs((start + share * seconds * SECOND) as u64);
    Iteration {
        kind: IterationKind::Measured,
        conversation,
        turns: vec![TurnTrace {
            context_tokens: 0,
            prompt_tokens: 10,
            start: at(0.0),
            prefill_end: at(0.1),
            token_times: (0..=10).map(|index| at(0.1 + 0.09 * f64::from(index))).collect(),
            tokens: vec![TokenId(1); 11],
            stop: StopReason::Length,
            grammar_ns: None,
        }],
        cpu_ns: 0,
        kv_cache_bytes: 0,
    }
}

/// A sustained case with iterations of the given durations in seconds, of several conversations in turn, and a warm-up.
fn sustained(seconds: &[f64], conversations: u32) -> Record {
    let mut record = record();
    record.passport.sustain_ms = Some(1);
    let mut start = START;
    let warm_up = iteration(start - 50.0 * SECOND, 40.0, 0);
    record.samples.iterations.push(Iteration { kind: IterationKind::Warmup, ..warm_up });
    for (index, seconds) in seconds.iter().enumerate() {
        record.samples.iterations.push(iteration(start, *seconds, index as u32 % conversations));
        start += seconds * SECOND;
    }
    record
}

fn series(name: &str, readings: &[(f64, f64)]) -> ContextSeries {
    let reading = |&(at, value): &(f64, f64)| ContextReading { at: MonotonicNs((START + at * SECOND) as u64), value };
    ContextSeries { name: name.into(), readings: readings.iter().map(reading).collect() }
}

fn value(record: &Record, metric: SustainedMetric) -> Result<f64, String> {
    let metrics = derive_metrics(record);
    match &metrics.iter().find(|value| value.is(metric)).unwrap().value {
        Value::Measured(summary) => Ok(summary.median),
        Value::Absent(absent) => Err(absent.to_string()),
    }
}

fn seconds(span: TimeSpan) -> (f64, f64) {
    let seconds = |at: MonotonicNs| (at.0 as f64 - START) / SECOND;
    (seconds(span.start), seconds(span.end))
}

#[test]
fn the_first_tenth_is_compared_with_the_last_third() {
    // 20 rounds of 1 s, then 20 of 2 s: 60 s.
    let record = sustained(&[[1.0; 20], [2.0; 20]].concat(), 1);
    let both = stretches(&record).unwrap();
    assert_eq!((seconds(both.burst.span), seconds(both.sustained.span)), ((0.0, 6.0), (40.0, 60.0)));
    // 10 gaps in 0.9 of the time.
    assert!((value(&record, SustainedMetric::BurstDecodeThroughput).unwrap() - 10.0 / 0.9).abs() < 1e-6);
    assert!((value(&record, SustainedMetric::SustainedDecodeThroughput).unwrap() - 5.0 / 0.9).abs() < 1e-6);
    assert!((value(&record, SustainedMetric::SustainedShare).unwrap() - 0.5).abs() < 1e-9);
}

#[test]
fn a_burst_is_no_longer_than_thirty_seconds() {
    let record = sustained(&[5.0; 200], 1);
    assert_eq!(seconds(stretches(&record).unwrap().burst.span), (0.0, 30.0));
}

#[test]
fn conversations_of_different_length_are_compared_as_whole_rounds() {
    // Short and long ones in turn: neither is slower in the end.
    let record = sustained(&[[1.0, 9.0]; 10].concat(), 2);
    let both = stretches(&record).unwrap();
    assert_eq!(seconds(both.burst.span), (0.0, 10.0), "a whole round, although a tenth is less");
    assert_eq!(value(&record, SustainedMetric::SustainedShare).unwrap(), 1.0);
    // An incomplete round at the end does not count.
    let record = sustained(&[1.0, 9.0, 1.0, 9.0, 1.0, 9.0, 1.0], 2);
    assert_eq!(seconds(stretches(&record).unwrap().sustained.span), (20.0, 30.0));
}

#[test]
fn too_few_rounds_and_ordinary_cases_have_a_reason() {
    let reason = |record: &Record| value(record, SustainedMetric::SustainedShare).unwrap_err();
    assert_eq!(reason(&sustained(&[1.0; 2], 1)), "too short: 2 of 3 rounds; sustain it for longer");
    assert_eq!(reason(&sustained(&[1.0; 5], 2)), "too short: 2 of 3 rounds; sustain it for longer");
    assert_eq!(reason(&sustained(&[], 1)), "too short: 0 of 3 rounds; sustain it for longer");
    let mut ordinary = sustained(&[1.0; 9], 1);
    ordinary.passport.sustain_ms = None;
    assert_eq!(reason(&ordinary), "not a sustained run");
    let mut silent = sustained(&[1.0; 9], 1);
    for iteration in &mut silent.samples.iterations {
        iteration.turns[0].token_times.clear();
    }
    assert_eq!(reason(&silent), "fewer than 2 output tokens");
}

#[test]
fn heat_and_clock_are_told_where_they_were_read() {
    let mut record = sustained(&[1.0; 30], 1);
    assert_eq!(value(&record, SustainedMetric::EndTemperature).unwrap_err(), "no sensor of temperature can be read");
    assert_eq!(value(&record, SustainedMetric::BurstFrequency).unwrap_err(), "the frequency cannot be read");
    record.readings.temperatures = vec![
        series("cpu0", &[(-60.0, 30.0), (-0.5, 41.0), (10.0, 80.0), (29.0, 72.0), (40.0, 95.0)]),
        series("cpu1", &[(-0.5, 39.0), (10.0, 84.5), (29.0, 70.0)]),
    ];
    record.readings.frequencies =
        vec![series("mean", &[(-1.0, 9e9), (1.0, 3e9), (2.0, 2e9), (25.0, 1e9)]), series("highest", &[(1.0, 4e9)])];
    let values = [
        SustainedMetric::StartTemperature,
        SustainedMetric::HighestTemperature,
        SustainedMetric::EndTemperature,
        SustainedMetric::BurstFrequency,
    ]
    .map(|metric| value(&record, metric).unwrap());
    assert_eq!(values, [41.0, 84.5, 72.0, 2.5e9]);
    assert_eq!(value(&record, SustainedMetric::SustainedFrequency).unwrap(), 1e9);
    // A sensor that stopped long before the end has no last temperature.
    record.readings.temperatures.iter_mut().for_each(|series| series.readings.truncate(2));
    assert_eq!(
        value(&record, SustainedMetric::EndTemperature).unwrap_err(),
        "the temperature was not read all the time"
    );
}

#[test]
fn power_falls_with_its_cause() {
    let iterations: Vec<[(f64, f64); 2]> =
        (0..60).map(|index| [(0.2, 30.0), (1.8, if index < 20 { 30.0 } else { 18.0 })]).collect();
    let plan = Plan {
        idle_seconds: 10.0,
        idle_watts: 4.0,
        load: (5.0, 10.0),
        iterations,
        pause_seconds: 0.0,
        noise: 0.0,
        grain: 1.0,
    };
    let mut random = Random(3);
    let mut happened = plan.happen(&mut random);
    let meter = Meter { shape: Shape::Counter { unit: 1e-6, modulus: None, first: 0 }, tick: 0.001, phase: 0.0 };
    happened.record.readings.energy = vec![meter.series(&happened.power, &happened.edges, &mut random)];
    happened.record.passport.sustain_ms = Some(120_000);
    happened.record.outcome = Outcome::Measured;
    derive(&mut happened.record);
    let truth = |span: TimeSpan| happened.power.between(&span) / (span.duration_ns() as f64 * 1e-9);
    let both = stretches(&happened.record).unwrap();
    for (metric, span) in
        [(SustainedMetric::BurstPower, both.burst.span), (SustainedMetric::SustainedPower, both.sustained.span)]
    {
        let found = happened.record.value(metric).unwrap();
        let (watts, uncertainty) = (happened.record.summary(metric).unwrap().mean, found.uncertainty.unwrap());
        assert!(
            (watts - truth(span)).abs() <= uncertainty && uncertainty < 0.1,
            "{metric:?}: {watts} ± {uncertainty} W"
        );
        assert!(found.scope.is_some());
    }
    assert!((happened.record.summary(SustainedMetric::BurstPower).unwrap().mean - 30.0).abs() < 0.1);
    assert!((happened.record.summary(SustainedMetric::SustainedPower).unwrap().mean - 19.2).abs() < 0.1);
}

proptest! {
    /// Whatever the rounds take, both parts are whole rounds that do not overlap, and the burst is the earlier one.
    #[test]
    fn stretches_are_apart(seconds in prop::collection::vec(0.01f64..100.0, 3..60), conversations in 1u32..4) {
        let record = sustained(&seconds, conversations);
        match stretches(&record) {
            Ok(both) => {
                prop_assert!(seconds.len() / conversations as usize >= FEWEST_ROUNDS);
                prop_assert!(both.burst.span.end <= both.sustained.span.start);
                let sizes = both.burst.rounds.iter().chain(&both.sustained.rounds).map(|round| round.len());
                prop_assert!(sizes.min() == Some(conversations as usize) && both.burst.rounds[0][0].conversation == 0);
            }
            Err(_) => prop_assert!(seconds.len() / (conversations as usize) < FEWEST_ROUNDS),
        }
    }

    /// A device that never slows down keeps all of its throughput, however much conversations differ.
    #[test]
    fn a_steady_device_keeps_everything(lengths in prop::collection::vec(0.1f64..20.0, 1..4), rounds in 3usize..40) {
        let record = sustained(&lengths.repeat(rounds), lengths.len() as u32);
        let share = value(&record, SustainedMetric::SustainedShare).unwrap();
        prop_assert!((share - 1.0).abs() < 1e-6, "{}", share);
    }
}

#[test]
fn the_hottest_of_very_many_sensors_is_found() {
    const SENSORS: usize = 50_000;
    let one = |sensor: usize| series("", &[(sensor as f64, -(sensor as f64)), ((SENSORS + sensor) as f64, 1.0)]);
    let sensors: Vec<ContextSeries> = (0..SENSORS).map(one).collect();
    let hottest = hottest(&sensors);
    assert_eq!(hottest.len(), 2 * SENSORS);
    let (first, second) = hottest.split_at(SENSORS);
    assert!(first.iter().all(|&(_, value)| value == 0.0) && second.iter().all(|&(_, value)| value == 1.0));
}
