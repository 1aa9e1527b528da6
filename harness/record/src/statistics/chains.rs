//! Several tests at once.

/// The share of a chain's weight that its first test has; the others have the rest in equal parts.
const FIRST: f64 = 0.9;

/// What a family of tests makes of one of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FamilyTest {
    /// The adjusted p-value: the smallest level of the family at which the hypothesis is rejected.
    pub p_value: f64,
    /// The share of the family's level at which the hypothesis is tested where the others turn out as they did.
    pub weight: f64,
}

/// Tests a family of hypotheses by a Bonferroni-based graphical procedure (Bretz, Maurer, Brannath and Posch 2009): those whose
/// adjusted p-value is at most `level` are rejected, and the probability that any of them is true is at most `level`, however the tests
/// depend on each other.
///
/// `chains` has the p-values of tests that say nearly the same. Every chain has an equal part of the level; its first test has most
/// of that, so that a family costs little more than its chains. A rejected hypothesis gives its weight to the next one of its chain
/// that is left, and the last one to the first. A chain of which nothing is left gives its weight to the other chains in equal parts.
///
/// In chains of one this is Holm's method (1979). METHODOLOGY.md has the proof.
pub fn test_chains(chains: &[Vec<f64>], level: f64) -> Vec<Vec<FamilyTest>> {
    let adjusted = adjust(chains);
    let rejected: Vec<Vec<bool>> =
        adjusted.iter().map(|chain| chain.iter().map(|p_value| *p_value <= level).collect()).collect();
    let chains_left = rejected.iter().filter(|chain| chain.contains(&false)).count();
    let tests = adjusted.iter().zip(&rejected).map(|(chain, rejected)| {
        // Beside the others, each hypothesis is one that is left, and so is its chain.
        let chains_left = chains_left + usize::from(!rejected.contains(&false));
        let weight = |place: usize| share(rejected, place) / chains_left as f64;
        chain.iter().enumerate().map(|(place, &p_value)| FamilyTest { p_value, weight: weight(place) }).collect()
    });
    tests.collect()
}

/// The adjusted p-values. All chains that are left have the same weight, so their hypotheses are rejected in the order in which each
/// chain alone would reject them.
fn adjust(chains: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut order: Vec<(usize, Rejection)> = Vec::new();
    for (chain, p_values) in chains.iter().enumerate() {
        order.extend(rejections(p_values).into_iter().map(|rejection| (chain, rejection)));
    }
    order.sort_by(|(_, left), (_, right)| left.level.total_cmp(&right.level));
    let mut adjusted: Vec<Vec<f64>> = chains.iter().map(|chain| vec![1.0; chain.len()]).collect();
    let mut left: Vec<usize> = chains.iter().map(Vec::len).collect();
    let mut chains_left = left.iter().filter(|left| **left > 0).count();
    let mut largest = 0.0_f64;
    for (chain, Rejection { place, level }) in order {
        largest = largest.max(level * chains_left as f64).min(1.0);
        adjusted[chain][place] = largest;
        left[chain] -= 1;
        chains_left -= usize::from(left[chain] == 0);
    }
    adjusted
}

/// A hypothesis that a chain rejects.
struct Rejection {
    /// Its place in the chain.
    place: usize,
    /// The least level at which the chain rejects it, were it a family of its own.
    level: f64,
}

/// Of a chain, in the order in which its hypotheses are rejected at a rising level.
fn rejections(p_values: &[f64]) -> Vec<Rejection> {
    let mut rejected = vec![false; p_values.len()];
    let mut rejections: Vec<Rejection> = Vec::new();
    let mut largest = 0.0_f64;
    for _ in p_values {
        let left = (0..p_values.len()).filter(|&place| !rejected[place]);
        let levels = left.map(|place| (place, p_values[place] / share(&rejected, place)));
        let Some((place, level)) = levels.min_by(|left, right| left.1.total_cmp(&right.1)) else { break };
        rejected[place] = true;
        largest = largest.max(level);
        rejections.push(Rejection { place, level: largest });
    }
    rejections
}

/// The share of its chain's weight that a hypothesis has beside rejected ones: its own, and what those right before it gave it.
fn share(rejected: &[bool], place: usize) -> f64 {
    let count = rejected.len();
    let own = |place: usize| match (count, place) {
        (1, _) => 1.0,
        (_, 0) => FIRST,
        _ => (1.0 - FIRST) / (count - 1) as f64,
    };
    let before = (1..count).map(|back| (place + count - back) % count);
    own(place) + before.take_while(|&before| rejected[before]).map(own).sum::<f64>()
}

#[cfg(test)]
mod tests;
