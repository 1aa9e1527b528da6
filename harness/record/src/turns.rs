//! The cost of each turn of a conversation, as the context grows.

use std::collections::BTreeMap;

use pocketwatt_meter::TimeSpan;
use pocketwatt_protocol::TurnTrace;

use crate::{Absent, AbsentKind, EnergyMetric, Evidence, MetricId, Record, SpeedMetric, Summary, energy::TurnMeters};

/// The counted turns of one place in a conversation, summarised. Times in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnFigures {
    /// The conversation, counted from 0; absent where the turns of all conversations are combined.
    pub conversation: Option<u32>,
    /// The turn of its conversation, counted from 1.
    pub number: usize,
    /// Positions in the cache before the turn.
    pub context_tokens: Summary,
    /// Tokens that its prefill processed.
    pub prompt_tokens: Summary,
    /// Same as the metric of this name; where there is none, the reason.
    pub time_to_first_token: Result<Summary, Absent>,
    /// Same as the metric of this name; where there is none, the reason.
    pub request_latency: Result<Summary, Absent>,
    /// Mean energy of such a turn, prefill and decode, and its 95 % uncertainty, in joules, gross, of the preferred scope;
    /// where there is none, the reason.
    pub energy: Result<(f64, f64), Absent>,
}

/// The first turns of all conversations together, then the second ones, and so on; empty where no conversation has two.
pub fn turns(record: &Record) -> Vec<TurnFigures> {
    figures(record, |_| None)
}

/// The turns of each conversation separately; empty where no conversation has two.
pub fn turns_of_conversations(record: &Record) -> Vec<TurnFigures> {
    figures(record, Some)
}

fn figures(record: &Record, key: impl Fn(u32) -> Option<u32>) -> Vec<TurnFigures> {
    let mut groups: BTreeMap<(Option<u32>, usize), Vec<&TurnTrace>> = BTreeMap::new();
    for iteration in record.samples.counted() {
        for (index, turn) in iteration.turns.iter().enumerate() {
            groups.entry((key(iteration.conversation), index + 1)).or_default().push(turn);
        }
    }
    if !groups.keys().any(|(_, number)| *number > 1) {
        return Vec::new();
    }
    let meters = TurnMeters::of(&Evidence::from(record));
    let summary = |turns: &[&TurnTrace], value: fn(&TurnTrace) -> Option<f64>| {
        Summary::of(&turns.iter().filter_map(|turn| value(turn)).collect::<Vec<f64>>())
    };
    let figures = groups.iter().filter_map(|((conversation, number), turns)| {
        let time = |metric: SpeedMetric, value| match withheld(record, metric) {
            Some(absent) => Err(absent),
            None => summary(turns, value).ok_or_else(|| AbsentKind::NothingGenerated.into()),
        };
        let requests: Vec<TimeSpan> = turns.iter().map(|turn| turn.request()).collect();
        let energy = || meters.energy(&requests).map(|energy| (energy.value, energy.uncertainty));
        Some(TurnFigures {
            conversation: *conversation,
            number: *number,
            context_tokens: summary(turns, |turn| Some(f64::from(turn.context_tokens)))?,
            prompt_tokens: summary(turns, |turn| Some(f64::from(turn.prompt_tokens)))?,
            time_to_first_token: time(SpeedMetric::TimeToFirstToken, |turn| {
                Some(turn.to_first_token()?.duration_ns() as f64)
            }),
            request_latency: time(SpeedMetric::RequestLatency, |turn| Some(turn.request().duration_ns() as f64)),
            energy: withheld(record, EnergyMetric::EnergyPerRequest).map_or_else(energy, Err),
        })
    });
    figures.collect()
}

/// The reason why a metric is not shown.
fn withheld(record: &Record, metric: impl Into<MetricId>) -> Option<Absent> {
    record.value(metric)?.absent().filter(|absent| absent.is_withheld()).cloned()
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::energy::Reason;
    use pocketwatt_protocol::{Iteration, MonotonicNs, StopReason, TokenId};

    use super::*;
    use crate::{
        Phase, Value, derive,
        energy::simulation::{Happened, Meter, Plan, Power, Random, Shape},
    };

    /// Conversations of three turns, each with a longer decode phase at the same power than the one before.
    fn happened(tick: f64) -> Happened {
        let turns = [[(0.5, 30.0), (2.0, 18.0)], [(0.5, 30.0), (4.0, 20.0)], [(0.5, 30.0), (6.0, 22.0)]];
        let plan = Plan {
            idle_seconds: 20.0,
            idle_watts: 4.0,
            load: (10.0, 10.0),
            iterations: turns.repeat(8),
            pause_seconds: 0.0,
            noise: 0.05,
            grain: 0.3,
        };
        let mut random = Random(11);
        let mut happened = plan.happen(&mut random);
        let meter = Meter { shape: Shape::Counter { unit: 1e-6, modulus: None, first: 0 }, tick, phase: 0.0 };
        happened.record.readings.energy = vec![meter.series(&happened.power, &happened.edges, &mut random)];
        happened.record.samples.iterations = happened.record.samples.iterations.chunks(3).map(joined).collect();
        derive(&mut happened.record);
        happened
    }

    fn joined(parts: &[Iteration]) -> Iteration {
        let mut turns: Vec<TurnTrace> = parts.iter().flat_map(|part| part.turns.clone()).collect();
        for (index, turn) in turns.iter_mut().enumerate() {
            turn.context_tokens = index as u32 * 20;
        }
        Iteration { turns, ..parts[0].clone() }
    }

    fn truth(power: &Power, record: &Record, number: usize) -> f64 {
        let turns: Vec<&TurnTrace> = record.samples.counted().map(|iteration| &iteration.turns[number - 1]).collect();
        let joules = |turn: &&TurnTrace| power.between(&turn.request());
        turns.iter().map(joules).sum::<f64>() / turns.len() as f64
    }

    #[test]
    fn the_energy_of_turns_is_true_and_adds_up() {
        for tick in [0.001, 0.1] {
            let Happened { power, record, .. } = happened(tick);
            let turns = turns(&record);
            assert_eq!(turns.iter().map(|turn| turn.number).collect::<Vec<_>>(), [1, 2, 3]);
            let mut sum = 0.0;
            for turn in &turns {
                let (joules, uncertainty) = turn.energy.clone().unwrap();
                let truth = truth(&power, &record, turn.number);
                assert!(
                    (joules - truth).abs() <= uncertainty,
                    "turn {}: {joules} ± {uncertainty}, {truth}",
                    turn.number
                );
                assert!(uncertainty < 0.1 * joules);
                sum += joules * 8.0;
            }
            let (request, _) = record.energy[0].phase(Phase::Request).unwrap().gross.measured().unwrap();
            assert!((sum - request).abs() < 1e-6 * request, "{sum} of {request}");
        }
    }

    #[test]
    fn a_meter_that_cannot_tell_turns_apart_tells_no_energy_of_them() {
        let turns = turns(&happened(1.0).record);
        assert!(turns.iter().all(|turn| turn.energy == Err(Reason::BelowResolution.into())), "{turns:?}");
        assert!(turns[0].request_latency.is_ok());
    }

    #[test]
    fn what_fails_a_check_is_withheld_from_turns_too() {
        let mut record = happened(0.001).record;
        for value in &mut record.metrics {
            value.value = Value::Absent(Absent::withheld("conformance", "it computes another model"));
        }
        for turn in turns(&record) {
            assert!(turn.time_to_first_token.is_err() && turn.request_latency.is_err() && turn.energy.is_err());
        }
    }

    #[test]
    fn turns_are_grouped_by_place_or_by_conversation() {
        let mut record = crate::energy::simulation::record();
        let turn = |context_tokens: u32, start: u64| TurnTrace {
            context_tokens,
            prompt_tokens: 7,
            start: MonotonicNs(start),
            prefill_end: MonotonicNs(start + 50),
            token_times: vec![MonotonicNs(start + 60), MonotonicNs(start + 100 + u64::from(context_tokens))],
            tokens: vec![TokenId(1); 2],
            stop: StopReason::Length,
            grammar_ns: None,
        };
        let iteration = |conversation: u32, turns: Vec<TurnTrace>| Iteration {
            kind: pocketwatt_protocol::IterationKind::Measured,
            conversation,
            turns,
            cpu_ns: 0,
            kv_cache_bytes: 0,
        };
        record.samples.iterations =
            vec![iteration(0, vec![turn(0, 0), turn(10, 1000)]), iteration(1, vec![turn(0, 2000)])];
        let by_place = turns(&record);
        assert_eq!(by_place.iter().map(|turn| turn.context_tokens.count).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(by_place[1].request_latency.as_ref().unwrap().median, 110.0);
        assert_eq!(by_place[0].time_to_first_token.as_ref().unwrap().median, 60.0);
        assert_eq!(by_place[0].energy, Err(Reason::NotCovered.into()));
        let own: Vec<_> = turns_of_conversations(&record).iter().map(|turn| (turn.conversation, turn.number)).collect();
        assert_eq!(own, [(Some(0), 1), (Some(0), 2), (Some(1), 1)]);
        record.samples.iterations.remove(0);
        assert_eq!(turns(&record), [], "one turn is no course of turns");
    }
}
