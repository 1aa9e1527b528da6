//! Verdicts on records, and how often they are false.

mod error_rate;

use pocketwatt_meter::energy::{MeterSource, Scope};
use pocketwatt_protocol::{MonotonicNs, Precision, TokenId};

use super::{verdict::verdict, *};
use crate::{
    AbsentKind, EnergyMetric, MetricId, MetricScope, MetricValue, Record, SpeedMetric, Statistic, Summary, Value,
    derive, energy::simulation, statistics::FamilyTest,
};

const GAP: MetricId = MetricId::Speed(SpeedMetric::InterTokenLatency);

/// A case with one counted iteration in each of these blocks, which has this many nanoseconds between tokens.
fn record(blocks: &[(u32, u64)]) -> Record {
    let mut record = simulation::record();
    for (position, &(number, gap)) in blocks.iter().enumerate() {
        record.samples.iterations.push(simulation::decoding(gap, 0));
        record.samples.blocks.push(simulation::block(number, position as u32, 1));
    }
    derive(&mut record);
    record
}

/// With blocks from 1 on.
fn measured(gaps: &[u64]) -> Record {
    record(&(1..).zip(gaps.iter().copied()).collect::<Vec<_>>())
}

fn contest(baseline: usize, candidate: usize) -> Contest {
    Contest { metric: GAP, baseline, candidate, margin: MARGIN }
}

fn compared(baseline: &Record, candidate: &Record) -> Compared {
    compare_all(&[baseline, candidate], &[contest(0, 1)]).remove(0)
}

fn says(baseline: &[u64], candidate: &[u64]) -> Verdict {
    compared(&measured(baseline), &measured(candidate)).verdict.unwrap()
}

const STEADY: [u64; 5] = [100_000, 100_200, 99_900, 100_100, 99_800];

#[test]
fn a_verdict_says_what_the_blocks_show() {
    let by = |factor: f64| STEADY.map(|gap| (gap as f64 * factor + if gap % 200 == 0 { 150.0 } else { 0.0 }) as u64);
    assert_eq!(says(&STEADY, &by(0.9)), Verdict::Better, "a shorter time is better");
    assert_eq!(says(&STEADY, &by(1.1)), Verdict::Worse);
    assert_eq!(says(&STEADY, &by(1.0)), Verdict::Same);
    let noisy = [104_000, 99_000, 110_000, 103_000, 97_000];
    let Verdict::Undecided { more_blocks: Some(more) } = says(&STEADY, &noisy) else { panic!("2.6 % with much noise") };
    assert!((10..400).contains(&more), "{more}");
    let all_alike = [103_000, 97_000, 104_000, 96_000, 100_000];
    assert!(matches!(says(&STEADY, &all_alike), Verdict::Undecided { .. }), "noise is no proof of sameness");
}

#[test]
fn a_difference_within_the_margin_is_never_a_verdict() {
    let by = |factor: f64| STEADY.map(|gap| (gap as f64 * factor) as u64);
    let just_within = compared(&measured(&STEADY), &measured(&by(1.0099)));
    assert_eq!((just_within.p_value, just_within.verdict), (1.0, Some(Verdict::Same)));
}

#[test]
fn a_metric_without_a_better_side_has_no_winner() {
    let ratio = compared(&measured(&STEADY), &measured(&STEADY.map(|gap| gap * 2))).ratio.unwrap();
    let said = verdict(&ratio, crate::Direction::Informative, MARGIN, FamilyTest { p_value: 0.0, weight: 1.0 });
    assert!(matches!(said, Verdict::Undecided { .. }), "{said:?}");
}

#[test]
fn a_winner_is_better_than_each_of_the_others() {
    let fast = measured(&STEADY.map(|gap| gap * 8 / 10 + gap % 7));
    let like_it = measured(&[82_000, 77_000, 86_000, 75_000, 80_500]);
    let slow = measured(&STEADY);
    let all = [contest(0, 1), contest(0, 2), contest(1, 2)];
    let best = |records: &[&Record]| winner(&compare_all(records, &all).iter().collect::<Vec<_>>());
    assert_eq!(best(&[&slow, &fast, &like_it]), None, "one of two is, but nobody knows which");
    assert_eq!(best(&[&slow, &fast, &slow]), Some(1));
    assert_eq!(winner(&[]), None);
}

#[test]
fn a_number_that_one_side_lacks_is_absent_for_its_reason() {
    let blocks = measured(&STEADY);
    let mut one_process = measured(&STEADY);
    one_process.samples.blocks.clear();
    let without = compared(&blocks, &one_process);
    assert_eq!(without.ratio.unwrap_err().kind, AbsentKind::NotInBlocks);
    assert_eq!((without.p_value, without.verdict, without.detectable), (1.0, None, None));
    let load = Contest { metric: MetricId::Speed(SpeedMetric::LoadTime), ..contest(0, 1) };
    let both = compare_all(&[&blocks, &blocks], &[load, contest(0, 1)]);
    assert_eq!(both[0].ratio.as_ref().unwrap_err().kind, AbsentKind::NotLoaded);
    assert_eq!(both[1].verdict, Some(Verdict::Same), "what is missing does not make the others less sure");
    let energy = MetricId::Energy(EnergyMetric::EnergyPerRequest);
    assert!(block_values(&blocks, energy, Statistic::Median).is_err());
    let nobody = compare_all(&[&blocks], &[contest(0, 7)]);
    assert_eq!(nobody[0].ratio.as_ref().unwrap_err().kind, AbsentKind::NotInRecord);
}

#[test]
fn only_blocks_in_which_both_were_measured_are_compared() {
    let early = record(&[(1, 900_000), (2, 900_000), (3, 100_000), (4, 100_100), (5, 99_900)]);
    let late = record(&[(3, 120_000), (4, 120_100), (5, 119_900), (6, 10), (7, 10)]);
    let ratio = compared(&early, &late).ratio.unwrap();
    assert_eq!(ratio.blocks(), 3);
    assert!((ratio.value() - 1.2).abs() < 1e-3, "{}", ratio.value());
    let one_in_common = record(&[(5, 100_000), (8, 100_000)]);
    assert_eq!(compared(&early, &one_in_common).ratio.unwrap_err().kind, AbsentKind::FewBlocks);
}

#[test]
fn what_was_measured_again_by_itself_is_not_compared_with_the_others() {
    let group = measured(&STEADY);
    let mut again = measured(&STEADY);
    let later = |at: &mut MonotonicNs| at.0 += 1000;
    for block in &mut again.samples.blocks {
        [&mut block.span.start, &mut block.span.end].into_iter().for_each(later);
    }
    let absent = compared(&group, &again).ratio.unwrap_err();
    assert_eq!((absent.kind, &*absent.words), (AbsentKind::NotInBlocks, "not measured in the same blocks"));
}

#[test]
fn settings_are_compared_where_they_took_turns_and_are_other_work_elsewhere() {
    let in_run = |run: &str, precision: Precision| {
        let mut record = measured(&STEADY);
        record.passport.run = Some(run.into());
        record.case.precision = precision;
        record.passport.model.rounded_sha256 = Some(precision.name().into());
        record
    };
    let (full, few) = (in_run("a", Precision::F32), in_run("a", Precision::Int4));
    let pair = |baseline: &Record, candidate: &Record| {
        let origin = |record| Origin { record, run: None };
        StoredPair::of(origin(baseline), origin(candidate), &[(GAP, MARGIN)])
    };
    let together = pair(&full, &few);
    assert_eq!(together.contests[0].basis, Basis::Together);
    assert!(together.differences.iter().all(|difference| difference.kind == DifferenceKind::Setting));
    assert_eq!((together.differences.len(), together.obstacles().count()), (2, 0));
    let apart = pair(&full, &in_run("b", Precision::Int4));
    assert_eq!((apart.contests[0].basis, apart.obstacles().count()), (Basis::NotTogether, 2));
    let mut longer = few;
    longer.samples.iterations.iter_mut().for_each(|iteration| iteration.turns[0].tokens.push(TokenId(1)));
    let obstacles: Vec<Property> = pair(&full, &longer).obstacles().map(|difference| difference.property).collect();
    assert_eq!(obstacles, [Property::OutputTokens], "longer answers are other work in any case");
}

#[test]
fn a_block_that_was_measured_again_is_in_no_number() {
    let mut repeated = record(&[(1, 100_000), (2, 900_000), (3, 100_000)]);
    repeated.samples.blocks[1].repeated = true;
    derive(&mut repeated);
    let values = block_values(&repeated, GAP, Statistic::Median).unwrap();
    assert_eq!(values.into_iter().collect::<Vec<_>>(), [(1, (100_000.0, 0.0)), (3, (100_000.0, 0.0))]);
    assert_eq!(repeated.summary(GAP).unwrap().maximum, 100_000.0);
}

#[test]
fn blocks_of_anybody_are_compared_without_harm() {
    let mut hostile = measured(&STEADY);
    hostile.samples.blocks[0].first_iteration = u32::MAX;
    hostile.samples.blocks[1].iterations = u32::MAX;
    hostile.samples.blocks[2].number = 1;
    assert!(compared(&measured(&STEADY), &hostile).ratio.is_err());
    let mut overlapping = measured(&STEADY);
    overlapping.samples.blocks.iter_mut().for_each(|block| (block.first_iteration, block.iterations) = (0, 5));
    assert_eq!(compared(&measured(&STEADY), &overlapping).verdict, Some(Verdict::Same));
}

/// As many as a run can have. More are not read.
#[test]
fn many_blocks_are_compared_in_a_short_time() {
    let gaps = |more: u64| (0..400).map(|block| 100_000 + block * 37 % 101 + more).collect::<Vec<u64>>();
    let both = compared(&measured(&gaps(0)), &measured(&gaps(5_000)));
    assert_eq!(both.verdict, Some(Verdict::Worse));
}

/// With a number of the energy of a request, in this scope.
fn metered(scope: Scope) -> Record {
    let mut record = measured(&STEADY);
    let metric = EnergyMetric::EnergyPerRequest;
    record.metrics.retain(|value| !value.is(metric));
    let scope = MetricScope { scope, source: MeterSource::Powercap, part: None };
    let value = Value::Measured(Summary::of(&[4.0]).unwrap());
    record.metrics.push(MetricValue { metric: metric.into(), scope: Some(scope), uncertainty: Some(0.1), value });
    record
}

#[test]
fn joules_of_other_parts_of_a_device_have_no_ratio() {
    let (package, memory) = (metered(Scope::Package), metered(Scope::Dram));
    let energy = MetricId::Energy(EnergyMetric::EnergyPerRequest);
    let in_turns = |one: &Record, other: &Record| {
        compare_all(&[one, other], &[Contest { metric: energy, ..contest(0, 1) }]).remove(0).ratio.unwrap_err()
    };
    let apart = |one: &Record, other: &Record| {
        let origin = |record| Origin { record, run: None };
        StoredPair::of(origin(one), origin(other), &[(energy, MARGIN)]).contests.remove(0).ratio.unwrap_err()
    };
    let found = [
        [in_turns(&package, &memory), in_turns(&package, &package)],
        [apart(&package, &memory), apart(&package, &package)],
    ];
    for [other, same] in found {
        let words = "energy of other parts of the device: package (powercap) and DRAM (powercap)";
        assert_eq!((other.kind, &*other.words), (AbsentKind::NoRatio, words));
        assert_eq!(same.kind, AbsentKind::NotReadInCase, "these have no readings");
    }
}

/// The same with a token less in each answer.
fn with_shorter_answers(mut record: Record) -> Record {
    for turn in record.samples.iterations.iter_mut().flat_map(|iteration| &mut iteration.turns) {
        turn.tokens.pop();
        turn.token_times.pop();
    }
    derive(&mut record);
    record
}

#[test]
fn a_shorter_answer_is_not_a_faster_request() {
    let (longer, shorter) = (measured(&STEADY), with_shorter_answers(measured(&STEADY)));
    let request = MetricId::Speed(SpeedMetric::RequestLatency);
    let of_request =
        |records: &[&Record]| compare_all(records, &[Contest { metric: request, ..contest(0, 1) }]).remove(0);
    assert_eq!(of_request(&[&longer, &longer]).verdict, Some(Verdict::Same));
    let found = of_request(&[&longer, &shorter]);
    assert_eq!((found.ratio.unwrap_err().kind, found.verdict), (AbsentKind::NoRatio, None));
    assert_eq!(compared(&longer, &shorter).verdict, Some(Verdict::Same), "a gap between tokens is one of either");

    let pair = |candidate: &Record| {
        let origin = |record| Origin { record, run: None };
        let pair = StoredPair::of(origin(&longer), origin(candidate), &[(request, MARGIN), (GAP, MARGIN)]);
        let mut pairs = [pair.of_the_same_work()];
        judge(&mut pairs, None);
        pairs[0].contests.iter().map(|contest| (contest.metric, contest.ratio.is_ok())).collect::<Vec<_>>()
    };
    assert_eq!(pair(&longer), [(request, true), (GAP, true)]);
    assert_eq!(pair(&shorter), [(request, false), (GAP, true)]);
    let mut other = shorter.clone();
    other.passport.model.weights_sha256 = "another".into();
    assert_eq!(pair(&other), [], "another model is no other build");
}
