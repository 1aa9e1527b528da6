//! How often verdicts are false and differences are found, on made-up families of metrics with a known truth.

use super::super::{
    MARGIN, Verdict,
    verdict::{FAMILY_LEVEL, verdict},
};
use crate::{Direction, Ratio, energy::simulation::Random, statistics::test_chains};

const METRICS: usize = 11;
/// As in a table without energy.
const CHAINS: [usize; 5] = [2, 3, 1, 2, 3];
/// Positions of the metrics that are the first of their chain.
const FIRST: [usize; 5] = [0, 2, 5, 6, 8];

/// How a block's ratio scatters.
#[derive(Clone, Copy, Debug)]
enum Noise {
    Normal,
    /// Student's t with 3 degrees of freedom.
    HeavyTailed,
    /// Of each side alone; neighbours only ever make a case slower.
    Skewed,
    /// A process is fast or slow, in all of its metrics and by chance, and hardly varies beside that.
    TwoModes,
}

fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.unit()).cos()
}

impl Noise {
    /// With a standard deviation of 1, or near it.
    fn draw(self, random: &mut Random) -> f64 {
        match self {
            Self::Normal => normal(random),
            Self::HeavyTailed => {
                let squares: f64 = (0..3).map(|_| normal(random).powi(2)).sum();
                normal(random) / squares.sqrt()
            }
            Self::Skewed => -(1.0 - random.unit()).ln() - 1.0,
            Self::TwoModes => {
                if random.unit() < 0.5 {
                    1.0
                } else {
                    -1.0
                }
            }
        }
    }

    /// What a metric does not share with the others of its case.
    fn draw_alone(self, random: &mut Random) -> f64 {
        if matches!(self, Self::TwoModes) { 0.05 * normal(random) } else { self.draw(random) }
    }
}

/// What blocks showed of a family.
struct Family {
    ratios: Vec<Ratio>,
    verdicts: Vec<Verdict>,
}

/// Two cases in blocks, with a true effect on each metric: metrics of a case share half of their variance, the device drifts from block to block by more than
/// the noise, and the case that comes second in a block, by lot, is slower by the drift within it.
fn family(noise: Noise, spread: f64, effects: [f64; METRICS], blocks: usize, random: &mut Random) -> Family {
    let mut pairs = vec![Vec::new(); METRICS];
    let mut drift = 0.0;
    for _ in 0..blocks {
        drift += 2.0 * spread * normal(random);
        let within = 0.2 * spread * normal(random);
        let first = random.unit() < 0.5;
        let (left_shared, right_shared) = (noise.draw(random), noise.draw(random));
        for (pair, effect) in pairs.iter_mut().zip(effects) {
            // Each of the two has half of the ratio's variance.
            let mut side = |shared: f64| spread / 2.0 * (shared + noise.draw_alone(random));
            let left = drift + side(left_shared) + if first { 0.0 } else { within };
            let right = drift + side(right_shared) + if first { within } else { 0.0 } + effect;
            pair.push((left.exp(), right.exp()));
        }
    }
    let ratios: Vec<Ratio> = pairs.iter().map(|pairs| Ratio::of(pairs).unwrap()).collect();
    let mut p_values = ratios.iter().map(|ratio| ratio.p_beyond(MARGIN));
    let chains = CHAINS.map(|length| p_values.by_ref().take(length).collect::<Vec<f64>>());
    let tests = test_chains(&chains, FAMILY_LEVEL).into_iter().flatten();
    let verdicts = ratios.iter().zip(tests);
    let verdicts = verdicts.map(|(ratio, test)| verdict(ratio, Direction::LowerIsBetter, MARGIN, test)).collect();
    Family { ratios, verdicts }
}

#[test]
fn two_of_a_kind_are_told_apart_in_one_family_of_a_hundred_at_most() {
    const FAMILIES: usize = 2_000;
    let mut random = Random(16);
    for noise in [Noise::Normal, Noise::HeavyTailed, Noise::Skewed, Noise::TwoModes] {
        for blocks in [5, 14, 20] {
            let (mut wrong, mut covered) = (0, 0);
            for _ in 0..FAMILIES {
                let family = family(noise, 0.05, [0.0; METRICS], blocks, &mut random);
                let is_false = |verdict: &Verdict| matches!(verdict, Verdict::Better | Verdict::Worse);
                wrong += usize::from(family.verdicts.iter().any(is_false));
                let covers = |ratio: &&Ratio| {
                    let (low, high) = ratio.interval(0.95);
                    (low..=high).contains(&1.0)
                };
                covered += family.ratios.iter().filter(covers).count();
            }
            let (wrong, covered) = (wrong as f64 / FAMILIES as f64, covered as f64 / (FAMILIES * METRICS) as f64);
            println!("{noise:?}, {blocks} blocks: {wrong} of the families wrong, {covered} of the intervals right");
            assert!(wrong <= 0.015, "{noise:?}, {blocks} blocks: {wrong}");
            assert!(covered >= 0.94, "{noise:?}, {blocks} blocks: {covered}");
        }
    }
}

/// Then most of the level goes to metrics that are the same.
#[test]
fn differences_do_not_make_the_same_metrics_of_their_chains_different() {
    const FAMILIES: usize = 2_000;
    let mut random = Random(2009);
    let effects: [f64; METRICS] = std::array::from_fn(|metric| if FIRST.contains(&metric) { 0.5 } else { 0.0 });
    for noise in [Noise::Normal, Noise::HeavyTailed, Noise::Skewed, Noise::TwoModes] {
        let (mut wrong, mut found) = (0, 0);
        for _ in 0..FAMILIES {
            let family = family(noise, 0.05, effects, 5, &mut random);
            let is_wrong = |(verdict, effect): (&Verdict, f64)| match verdict {
                Verdict::Worse => effect <= 0.0,
                Verdict::Better => true,
                _ => false,
            };
            wrong += usize::from(family.verdicts.iter().zip(effects).any(is_wrong));
            found += FIRST.iter().filter(|metric| family.verdicts[**metric] == Verdict::Worse).count();
        }
        let wrong = wrong as f64 / FAMILIES as f64;
        println!("{noise:?}: {wrong} of the families wrong, {found} differences found");
        assert!(wrong <= 0.015, "{noise:?}: {wrong}");
        assert!(found > FAMILIES, "{noise:?}: {found}");
    }
}

#[test]
fn five_percent_are_found() {
    const FAMILIES: usize = 500;
    let mut random = Random(17);
    let (mut found, mut wrong) = (0, 0);
    for _ in 0..FAMILIES {
        let family = family(Noise::Normal, 0.02, [1.05_f64.ln(); METRICS], 20, &mut random);
        found += usize::from(family.verdicts[0] == Verdict::Worse);
        wrong += family.verdicts.iter().filter(|verdict| **verdict == Verdict::Better).count();
    }
    println!("{found} of {FAMILIES} found");
    assert!(found as f64 >= 0.95 * FAMILIES as f64, "{found} of {FAMILIES}");
    assert_eq!(wrong, 0, "none with the wrong sign");
}
