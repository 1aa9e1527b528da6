use proptest::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

use super::*;
use crate::energy::simulation::Random;

const LEVEL: f64 = 0.01;

/// Holm's adjusted p-values.
fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&left, &right| p_values[left].total_cmp(&p_values[right]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        largest = largest.max(p_values[index] * (p_values.len() - rank) as f64).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

/// Any graph of hypotheses, tested as in the paper.
#[derive(Clone, Debug)]
struct Graph {
    weights: Vec<f64>,
    /// The share of its weight that a rejected hypothesis (row) gives to another one (column).
    transitions: Vec<Vec<f64>>,
}

impl Graph {
    /// The adjusted p-values by algorithm 2 of Bretz et al. 2009.
    fn adjusted(mut self, p_values: &[f64]) -> Vec<f64> {
        let mut left: Vec<usize> = (0..p_values.len()).collect();
        let mut adjusted = vec![1.0; p_values.len()];
        let mut largest = 0.0_f64;
        while !left.is_empty() {
            let level = |hypothesis: usize| p_values[hypothesis] / self.weights[hypothesis];
            let (position, &rejected) =
                left.iter().enumerate().min_by(|one, other| level(*one.1).total_cmp(&level(*other.1))).unwrap();
            largest = largest.max(level(rejected)).min(1.0);
            adjusted[rejected] = largest;
            left.remove(position);
            self = self.without(rejected, &left);
        }
        adjusted
    }

    fn without(&self, rejected: usize, left: &[usize]) -> Self {
        let mut next = self.clone();
        let old = &self.transitions;
        for &from in left {
            next.weights[from] += self.weights[rejected] * old[rejected][from];
            for &to in left {
                let back = old[from][rejected] * old[rejected][from];
                let through = old[from][to] + old[from][rejected] * old[rejected][to];
                next.transitions[from][to] = if from == to || back >= 1.0 { 0.0 } else { through / (1.0 - back) };
            }
        }
        next
    }

    /// Chains, by the limit of a small weight that a chain gives away before it has nothing left.
    fn of_chains(lengths: &[usize]) -> Self {
        const AWAY: f64 = 1e-6;
        let places: Vec<(usize, usize)> = lengths
            .iter()
            .enumerate()
            .flat_map(|(chain, length)| (0..*length).map(move |place| (chain, place)))
            .collect();
        let own = |(chain, place): (usize, usize)| share(&vec![false; lengths[chain]], place);
        let transition = |from: (usize, usize), to: (usize, usize)| {
            let is_last = from.1 + 1 == lengths[from.0];
            let away = if !is_last {
                0.0
            } else if lengths[from.0] == 1 {
                1.0
            } else {
                AWAY
            };
            match from.0 == to.0 {
                _ if from == to => 0.0,
                true if (from.1 + 1) % lengths[from.0] == to.1 => 1.0 - away,
                true => 0.0,
                false => away * own(to) / (lengths.len() - 1) as f64,
            }
        };
        Self {
            weights: places.iter().map(|place| own(*place) / lengths.len() as f64).collect(),
            transitions: places.iter().map(|from| places.iter().map(|to| transition(*from, *to)).collect()).collect(),
        }
    }
}

fn adjusted(chains: &[Vec<f64>]) -> Vec<f64> {
    test_chains(chains, LEVEL).into_iter().flatten().map(|test| test.p_value).collect()
}

fn is_near(found: &[f64], expected: &[f64], tolerance: f64) -> bool {
    found.len() == expected.len()
        && found.iter().zip(expected).all(|(one, other)| (one - other).abs() <= tolerance * (one + other))
}

#[test]
fn chains_of_one_are_tested_as_in_r() {
    // The example of gMCP's manual, createBonferroniHolmGraph(5): p.adjust(c(0.01, 0.02, 0.04, 0.04, 0.7), "holm").
    let alone = [0.01, 0.02, 0.04, 0.04, 0.7].map(|p_value| vec![p_value]);
    assert!(is_near(&adjusted(&alone), &[0.05, 0.08, 0.12, 0.12, 0.7], 1e-12));
    assert_eq!(adjusted(&[]), [0.0; 0]);
    assert_eq!(adjusted(&[vec![], vec![0.004]]), [0.004], "a chain without tests takes no level");
}

#[test]
fn the_algorithm_of_the_paper_does_what_it_does_by_hand() {
    // Two doses and two endpoints: the primary ones have the weight, and give half of it to each other and to their secondary one.
    let graph = Graph {
        weights: vec![0.5, 0.5, 0.0, 0.0],
        transitions: vec![
            vec![0.0, 0.5, 0.5, 0.0],
            vec![0.5, 0.0, 0.0, 0.5],
            vec![0.0, 1.0, 0.0, 0.0],
            vec![1.0, 0.0, 0.0, 0.0],
        ],
    };
    // 2: 0.008 / (1/2). 1: 0.1 / (3/4). 3: 0.005 / (1/2), but not before 1. 4: 0.15 / 1.
    assert!(is_near(&graph.adjusted(&[0.1, 0.008, 0.005, 0.15]), &[0.4 / 3.0, 0.016, 0.4 / 3.0, 0.15], 1e-12));
}

#[test]
fn a_chain_does_what_it_does_by_hand() {
    // Of two chains, each has half. A: 0.001 / 0.45, then its second has the half: 0.02 / 0.5. The other chain has all then.
    let chains = [vec![0.001, 0.02], vec![0.03, 0.06, 0.5]];
    // B: 0.03 / 0.9 is less than the 0.04 that was needed before it; then 0.06 / 0.95, and 0.5.
    assert!(is_near(&adjusted(&chains), &[0.001 / 0.45, 0.04, 0.04, 0.06 / 0.95, 0.5], 1e-12));
}

#[test]
fn a_metric_whose_predecessor_shows_nothing_is_not_lost() {
    let tests = test_chains(&[vec![0.9, 0.0001], vec![0.5]], LEVEL);
    assert!((tests[0][1].p_value - 0.0001 / 0.05).abs() < 1e-12, "{tests:?}");
    let weights: Vec<f64> = tests.iter().flatten().map(|test| test.weight).collect();
    assert!(is_near(&weights, &[0.5, 0.05, 0.5], 1e-12), "the rejected one gave its weight back: {weights:?}");
}

/// How often a true hypothesis is rejected where the others are obviously false, in families whose tests share this part of
/// their variance.
fn error_rate(truths: &[&[bool]], shared: f64, random: &mut Random) -> f64 {
    const FAMILIES: usize = 6_000;
    let normal = Normal::new(0.0, 1.0).unwrap();
    let mut wrong = 0;
    for _ in 0..FAMILIES {
        let mut draw = || normal.inverse_cdf(random.unit().clamp(1e-12, 1.0 - 1e-12));
        let common = draw();
        let mut p_value = |is_true: &bool| match is_true {
            true => 2.0 * normal.sf((shared.sqrt() * common + (1.0 - shared).sqrt() * draw()).abs()),
            false => 1e-9,
        };
        let chains: Vec<Vec<f64>> = truths.iter().map(|chain| chain.iter().map(&mut p_value).collect()).collect();
        let tests = test_chains(&chains, LEVEL);
        let rejected = tests.iter().flatten().map(|test| test.p_value <= LEVEL);
        wrong +=
            usize::from(rejected.zip(truths.iter().copied().flatten()).any(|(rejected, is_true)| rejected && *is_true));
    }
    wrong as f64 / FAMILIES as f64
}

#[test]
fn one_family_of_a_hundred_rejects_a_true_hypothesis_at_most() {
    const T: bool = true;
    const F: bool = false;
    let cases: [(&str, &[&[bool]]); 5] = [
        ("all are true", &[&[T, T], &[T, T], &[T], &[T, T], &[T, T, T]]),
        ("the first ones are false", &[&[F, T], &[F, T], &[F], &[F, T], &[F, T, T]]),
        ("the last ones are false", &[&[T, F], &[T, F], &[T], &[T, F], &[T, F, F]]),
        ("whole chains are false", &[&[F, F], &[T, T], &[F], &[F, F], &[T, T, T]]),
        ("one of them is true", &[&[F, F], &[F, F], &[F], &[F, F], &[F, T, F]]),
    ];
    let mut random = Random(2009);
    for (what, truths) in cases {
        for shared in [0.0, 0.5, 0.95] {
            let rate = error_rate(truths, shared, &mut random);
            println!("{what}, {shared} of the variance is shared: {rate}");
            // Three standard errors of 6,000 families around 1 %.
            assert!(rate <= 0.0139, "{what}, {shared} shared: {rate}");
            assert!(shared > 0.0 || rate >= 0.0061, "{what}: {rate}, so some of the level is left unused");
        }
    }
}

fn some_chains(longest: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    // Small ones, as where something differs, and any.
    let p_value = prop_oneof![(1e-6..0.02_f64), (0.0..1.0_f64)];
    prop::collection::vec(prop::collection::vec(p_value, 1..=longest), 1..6)
}

proptest! {
    #[test]
    fn chains_of_one_are_holms_method(p_values in prop::collection::vec(0.0..1.0_f64, 0..20)) {
        let alone: Vec<Vec<f64>> = p_values.iter().map(|p_value| vec![*p_value]).collect();
        prop_assert_eq!(adjusted(&alone), holm(&p_values));
    }

    #[test]
    fn chains_are_a_graph_of_the_paper(chains in some_chains(4)) {
        let lengths: Vec<usize> = chains.iter().map(Vec::len).collect();
        let graph = Graph::of_chains(&lengths);
        for row in &graph.transitions {
            prop_assert!(row.iter().all(|share| (0.0..=1.0).contains(share)) && row.iter().sum::<f64>() <= 1.0 + 1e-12);
        }
        prop_assert!(graph.weights.iter().sum::<f64>() <= 1.0 + 1e-12);
        let all: Vec<f64> = chains.iter().flatten().copied().collect();
        let (found, expected) = (adjusted(&chains), graph.adjusted(&all));
        prop_assert!(is_near(&found, &expected, 1e-3), "{found:?} {expected:?}");
    }

    /// What is rejected is what is significant at its own level, and what is left has no more than the whole level.
    #[test]
    fn a_weight_is_what_a_hypothesis_is_tested_with(chains in some_chains(4)) {
        let tests: Vec<FamilyTest> = test_chains(&chains, LEVEL).into_iter().flatten().collect();
        for (test, raw) in tests.iter().zip(chains.iter().flatten()) {
            prop_assert_eq!(test.p_value <= LEVEL, *raw <= LEVEL * test.weight, "{:?} of {}", test, raw);
        }
        let left: f64 = tests.iter().filter(|test| test.p_value > LEVEL).map(|test| test.weight).sum();
        prop_assert!(left <= 1.0 + 1e-12, "{left}");
    }
}
