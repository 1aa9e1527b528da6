//! Figures against the truth, on a simulated device.

use pocketwatt_meter::TimeSpan;

use super::{
    Energy, EnergyFigure, Over, Phase, derive_energy,
    simulation::{Happened, Meter, Plan, Random, Shape},
    spans::Spans,
};
use crate::derive;

const RAPL: Shape = Shape::Counter { unit: 61.035e-6, modulus: Some(1 << 32), first: 12_345 };

fn level(random: &mut Random, ticks: [f64; 2], tick: f64, watts: [f64; 2]) -> (f64, f64) {
    (tick * random.between(ticks[0], ticks[1]), random.between(watts[0], watts[1]))
}

fn plan(random: &mut Random, tick: f64, ticks: [f64; 2]) -> Plan {
    let count = 1 + (random.unit() * 4.0) as usize;
    let (prefill, decode) = (random.between(15.0, 45.0), random.between(12.0, 40.0));
    Plan {
        idle_seconds: (tick * 50.0).max(2.0),
        idle_watts: random.between(2.0, 10.0),
        load: level(random, ticks, tick, [10.0, 30.0]),
        iterations: (0..count)
            .map(|_| [level(random, ticks, tick, [prefill, prefill]), level(random, ticks, tick, [decode, decode])])
            .collect(),
        pause_seconds: if tick < 0.5 { random.between(0.0, 0.3) } else { 0.0 },
        noise: random.between(0.0, 0.1),
        grain: (tick / 4.0).max(0.02),
    }
}

/// A figure of a random case, with the true energy of each phase.
fn measure(
    random: &mut Random,
    shape: Shape,
    tick: f64,
    ticks: [f64; 2],
    edges: bool,
) -> (EnergyFigure, Vec<(Phase, f64)>, Happened) {
    let mut happened = plan(random, tick, ticks).happen(random);
    let meter = Meter { shape, tick, phase: random.unit() * tick };
    let read_at: &[f64] = if edges { &happened.edges } else { &[] };
    happened.record.readings.energy = vec![meter.series(&happened.power, read_at, random)];
    let figures = derive_energy(&happened.record);
    let spans = Spans::of(happened.record.samples.counted());
    let loaded = happened.record.samples.loaded.as_ref().unwrap();
    let load = TimeSpan { start: loaded.start, end: loaded.end };
    let truth = vec![
        (Phase::Load, happened.power.between(&load)),
        (Phase::Prefill, happened.power.all(&spans.prefill)),
        (Phase::Decode, happened.power.all(&spans.decode)),
        (Phase::Request, happened.power.all(&spans.request)),
    ];
    (figures.into_iter().next().unwrap(), truth, happened)
}

fn gross(figure: &EnergyFigure, phase: Phase) -> &Energy {
    &figure.phase(phase).unwrap().gross
}

#[test]
fn phases_of_a_hundred_ticks_are_right_within_one_per_cent() {
    for (tick, slow) in [(0.001, false), (0.1, false), (1.0, true)] {
        let mut random = Random(7);
        let mut worst: f64 = 0.0;
        for _ in 0..100 {
            let (figure, truth, _) = measure(&mut random, RAPL, tick, [100.0, 400.0], true);
            for (phase, truth) in truth {
                match gross(&figure, phase) {
                    Energy::Measured { joules, .. } => worst = worst.max((joules / truth - 1.0).abs()),
                    Energy::Unavailable(unavailable) => {
                        assert!(slow && matches!(phase, Phase::Prefill | Phase::Decode), "{phase:?}: {unavailable:?}");
                    }
                }
            }
        }
        println!("tick {tick} s: worst error {:.3} %", worst * 100.0);
        assert!(worst < 0.01, "tick {tick} s: {worst}");
    }
}

/// A thousand intervals or more compared with the truth.
struct Coverage {
    gross: f64,
    net: f64,
    /// Median of their half widths relative to the truth.
    width: f64,
}

fn coverage(shape: impl Fn(&mut Random) -> Shape, tick: f64, ticks: [f64; 2], edges: bool, curves: u32) -> Coverage {
    let mut random = Random(2024);
    let (mut gross_held, mut net_held, mut count, mut widths) = (0, 0, 0, Vec::new());
    for _ in 0..curves {
        let shape = shape(&mut random);
        let (figure, truth, happened) = measure(&mut random, shape, tick, ticks, edges);
        for (phase, truth) in truth {
            let Some((joules, uncertainty)) = gross(&figure, phase).measured() else { continue };
            count += 1;
            gross_held += u32::from((joules - truth).abs() <= uncertainty);
            widths.push(uncertainty / truth);
            let energy = figure.phase(phase).unwrap();
            let idle = happened.power.watts(0.1) * energy.duration_ns as f64 * 1e-9;
            // A coarse meter may resolve a phase but not the idle power; a missing number is not an error.
            let Some((net, uncertainty)) = energy.net.measured() else {
                net_held += 1;
                continue;
            };
            net_held += u32::from((net - (truth - idle)).abs() <= uncertainty);
        }
    }
    assert!(count >= curves, "{count} of {curves}");
    widths.sort_by(f64::total_cmp);
    let share = |held: u32| f64::from(held) / f64::from(count);
    Coverage { gross: share(gross_held), net: share(net_held), width: widths[widths.len() / 2] }
}

fn rapl(random: &mut Random) -> Shape {
    Shape::Counter { unit: 61.035e-6, modulus: Some(1 << 32), first: (random.unit() * 4e9) as i64 }
}

fn check(name: &str, coverage: &Coverage, widest: f64) {
    let Coverage { gross, net, width } = coverage;
    println!("{name}: gross {gross:.4}, net {net:.4}, median half width {:.3} %", width * 100.0);
    assert!(*gross >= 0.95, "{name}: {gross}");
    assert!(*net >= 0.95, "{name}: net {net}");
    assert!(*width <= widest, "{name}: {width}");
}

#[test]
fn a_counters_intervals_hold_the_truth_in_a_thousand_random_curves() {
    check("1 ms", &coverage(rapl, 0.001, [20.0, 400.0], true, 1000), 0.005);
    check("100 ms", &coverage(rapl, 0.1, [20.0, 100.0], true, 1000), 0.01);
    check("1 s", &coverage(rapl, 1.0, [20.0, 60.0], true, 1000), 0.005);
    check("1 ms, not read at the edges", &coverage(rapl, 0.001, [500.0, 3000.0], false, 1000), 0.05);
}

#[test]
fn intervals_of_a_battery_hold_the_truth() {
    let battery = |random: &mut Random| Shape::Battery { step: 3.6, holds: random.between(1e5, 2e5) };
    check("3.6 J, 1 s", &coverage(battery, 1.0, [20.0, 60.0], true, 500), 0.01);
    // Like a charge counter that moves by 1 mAh: a step takes several updates.
    let coarse = |random: &mut Random| Shape::Battery { step: 130.0, holds: random.between(1e5, 2e5) };
    check("130 J, 1 s", &coverage(coarse, 1.0, [100.0, 200.0], true, 200), 0.05);
}

#[test]
fn a_gauges_intervals_hold_the_truth() {
    let mean = |random: &mut Random| Shape::Gauge { step: random.between(0.01, 0.1) };
    let momentary = |random: &mut Random| Shape::Momentary { step: random.between(0.01, 0.1) };
    check("mean, 1 ms", &coverage(mean, 0.001, [500.0, 3000.0], true, 500), 0.03);
    check("mean, 100 ms", &coverage(mean, 0.1, [20.0, 100.0], true, 500), 0.02);
    check("mean, 1 s", &coverage(mean, 1.0, [20.0, 60.0], true, 500), 0.02);
    check("momentary, 100 ms", &coverage(momentary, 0.1, [20.0, 100.0], true, 500), 0.03);
    check("momentary, 1 s", &coverage(momentary, 1.0, [20.0, 60.0], true, 500), 0.03);
}

#[test]
fn a_measured_case_passes_its_own_physics_checks() {
    let mut random = Random(3);
    for tick in [0.001, 0.1, 1.0] {
        for shape in [RAPL, Shape::Battery { step: 3.6, holds: 1e5 }, Shape::Gauge { step: 0.1 }] {
            for _ in 0..20 {
                let (_, _, mut happened) = measure(&mut random, shape, tick, [200.0, 400.0], true);
                derive(&mut happened.record);
                let failed: Vec<_> = happened
                    .record
                    .checks
                    .iter()
                    .filter(|check| check.verdict == crate::CheckVerdict::Failed)
                    .collect();
                assert!(failed.is_empty(), "{shape:?} {tick}: {failed:?}");
            }
        }
    }
}

/// Cases of back-to-back requests of about one length, with a counter that is read as the sampler does.
fn requests(
    random: &mut Random,
    shape: impl Fn(&mut Random) -> Shape,
    tick: f64,
    request: f64,
    pause_seconds: f64,
) -> (EnergyFigure, Happened) {
    let count = ((random.between(4.0, 20.0) * tick.max(0.1) / request).ceil() as usize).clamp(3, 400);
    let (prefill, decode) = (random.between(15.0, 45.0), random.between(12.0, 40.0));
    let share = random.between(0.05, 0.5);
    let one = |random: &mut Random| {
        let length = request * random.between(0.8, 1.2);
        [(length * share, prefill), (length * (1.0 - share), decode)]
    };
    let plan = Plan {
        idle_seconds: (tick * 50.0).max(2.0),
        idle_watts: random.between(2.0, 10.0),
        load: (random.between(0.2, 4.0), random.between(10.0, 30.0)),
        iterations: (0..count).map(|_| one(random)).collect(),
        pause_seconds: pause_seconds * request,
        noise: random.between(0.0, 0.1),
        grain: 0.02,
    };
    let mut happened = plan.happen(random);
    let meter = Meter { shape: shape(random), tick, phase: random.unit() * tick };
    // The sampler does not read meters with such slow updates at edges.
    let read_at: &[f64] = if tick < 0.2 { &happened.edges } else { &[] };
    happened.record.readings.energy = vec![meter.series(&happened.power, read_at, random)];
    (derive_energy(&happened.record).remove(0), happened)
}

/// How many intervals contain the truth.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    cases: u32,
    told: u32,
    held: u32,
    widths: f64,
}

impl Tally {
    fn add(&mut self, energy: &Energy, truth: f64) {
        self.cases += 1;
        let Some((joules, uncertainty)) = energy.measured() else { return };
        self.told += 1;
        self.held += u32::from((joules - truth).abs() <= uncertainty);
        self.widths += uncertainty / truth;
    }

    fn share_held(&self) -> f64 {
        f64::from(self.held) / f64::from(self.told.max(1))
    }

    fn mean_width(&self) -> f64 {
        self.widths / f64::from(self.told.max(1))
    }
}

/// Requests, prefill, decode, load, and single iterations in cases with requests of one length.
fn tallies(
    random: &mut Random,
    shape: impl Fn(&mut Random) -> Shape,
    tick: f64,
    request: f64,
    pause: f64,
    cases: u32,
) -> [Tally; 5] {
    let mut tallies = [Tally::default(); 5];
    for _ in 0..cases {
        let (figure, happened) = requests(random, &shape, tick, request, pause);
        let spans = Spans::of(happened.record.samples.counted());
        let loaded = happened.record.samples.loaded.as_ref().unwrap();
        let load = TimeSpan { start: loaded.start, end: loaded.end };
        for (tally, (phase, truth)) in tallies.iter_mut().zip([
            (Phase::Request, happened.power.all(&spans.request)),
            (Phase::Prefill, happened.power.all(&spans.prefill)),
            (Phase::Decode, happened.power.all(&spans.decode)),
            (Phase::Load, happened.power.between(&load)),
        ]) {
            tally.add(gross(&figure, phase), truth);
        }
        for (energy, iteration) in figure.iterations.iter().zip(happened.record.samples.counted()).take(3) {
            tallies[4].add(&energy.request, happened.power.all(&Spans::of([iteration]).request));
        }
    }
    tallies
}

/// Requests that are much shorter than the updates of a counter get their energy from blocks of them; where these cannot
/// be resolved, there is no number.
#[test]
fn short_requests_have_the_energy_of_their_block() {
    const NAMES: [&str; 5] = ["request", "prefill", "decode", "load", "iteration"];
    for tick in [0.05, 0.1, 0.2, 0.5, 1.0] {
        let mut of_tick = [Tally::default(); 5];
        for request in [0.02, 0.1, 0.5, 1.0, 2.0, 5.0] {
            for pause in [0.0, 0.1] {
                let mut random = Random((tick * 1e4 + request * 100.0 + pause * 10.0) as u64);
                let tallies = tallies(&mut random, rapl, tick, request, pause, 40);
                let [requests, prefill, ..] = tallies;
                println!("{tick} s, requests of {request} s, pauses of {pause}: {requests:?}");
                assert_eq!(requests.told, requests.cases, "all requests together are told");
                assert!(requests.share_held() >= 0.9, "{tick} s, {request} s: {requests:?}");
                // During a pause of a tenth, the power may have been anything.
                assert!(requests.mean_width() < if pause > 0.0 { 0.14 } else { 0.08 }, "{requests:?}");
                if request < 5.0 * tick {
                    assert_eq!(prefill.told, 0, "phases inside of requests cannot be told apart");
                }
                for (sum, tally) in of_tick.iter_mut().zip(tallies) {
                    sum.told += tally.told;
                    sum.held += tally.held;
                    sum.cases += tally.cases;
                }
            }
        }
        for (name, tally) in NAMES.into_iter().zip(of_tick) {
            println!("{tick} s: {name} {:.3} of {}", tally.share_held(), tally.told);
            assert!(tally.told < 40 || tally.share_held() >= 0.95, "{tick} s: {name} {tally:?}");
        }
    }
}

#[test]
fn where_pauses_take_too_much_of_the_time_the_whole_is_told_and_no_request() {
    let (figure, _) = requests(&mut Random(5), rapl, 0.5, 0.2, 1.0);
    let Energy::Unavailable(unavailable) = gross(&figure, Phase::Request) else { panic!("{figure:?}") };
    assert_eq!(unavailable.reason, pocketwatt_meter::energy::Reason::BelowResolution);
    assert!(
        unavailable.hint.contains("of them together could be told, and 49 % of that is something else"),
        "{}",
        unavailable.hint
    );
    let (figure, _) = requests(&mut Random(5), rapl, 0.5, 0.2, 0.0);
    assert_eq!(figure.phase(Phase::Request).unwrap().over, Some(Over::Blocks));
    let (figure, _) = requests(&mut Random(5), rapl, 0.05, 5.0, 0.1);
    assert_eq!(figure.phase(Phase::Request).unwrap().over, Some(Over::Windows));
}

/// A gauge that shows momentary power only samples requests that are shorter than its updates.
#[test]
fn gauges_tell_short_requests_with_what_they_cannot_see() {
    let mean = |random: &mut Random| Shape::Gauge { step: random.between(0.01, 0.1) };
    let momentary = |random: &mut Random| Shape::Momentary { step: random.between(0.01, 0.1) };
    for tick in [0.05, 0.2, 1.0] {
        let mut sums = [Tally::default(); 2];
        for request in [0.02, 0.2, 1.0, 3.0] {
            for pause in [0.0, 0.1] {
                let [of_mean, ..] = tallies(&mut Random(9), mean, tick, request, pause, 50);
                let [of_moment, ..] = tallies(&mut Random(9), momentary, tick, request, pause, 50);
                println!("{tick} s, requests of {request} s, pauses of {pause}: {of_mean:?} {of_moment:?}");
                for (sum, tally) in sums.iter_mut().zip([of_mean, of_moment]) {
                    sum.told += tally.told;
                    sum.held += tally.held;
                }
            }
        }
        for (name, sum) in ["mean", "momentary"].into_iter().zip(sums) {
            println!("{tick} s: {name} {:.3} of {}", sum.share_held(), sum.told);
            assert!(sum.told >= 200 && sum.share_held() >= 0.95, "{tick} s: {name} {sum:?}");
        }
    }
}
