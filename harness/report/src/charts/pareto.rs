//! What no other beats in two numbers at once: the Pareto front.

use pocketwatt_record::Direction;

/// Two numbers of each candidate; absent where one of them is.
pub type Pair = Option<(f64, f64)>;

/// The places of the candidates that no other one dominates, from left to right. One dominates another if it is at least as
/// good in both numbers and better in one, so that equals stay together. It compares the numbers alone, without their
/// intervals. A candidate without both numbers is not on the front; a number that is neither good nor bad has no front.
pub fn front(candidates: &[Pair], better: [Direction; 2]) -> Vec<usize> {
    if better.contains(&Direction::Informative) {
        return Vec::new();
    }
    let number = |place: usize| {
        candidates.get(place).copied().flatten().filter(|(x, y)| x.is_finite() && y.is_finite()).map(|(x, y)| [x, y])
    };
    let known = || (0..candidates.len()).filter_map(|place| Some((place, number(place)?)));
    let mut front: Vec<(usize, [f64; 2])> =
        known().filter(|(_, own)| !known().any(|(_, other)| dominates(other, *own, better))).collect();
    front.sort_by(|(_, left), (_, right)| left[0].total_cmp(&right[0]).then(left[1].total_cmp(&right[1])));
    front.into_iter().map(|(place, _)| place).collect()
}

/// The corner between two neighbours on a front: the best point that both dominate.
pub fn corner(left: (f64, f64), right: (f64, f64), better: [Direction; 2]) -> (f64, f64) {
    let worse = |direction: Direction, one: f64, other: f64| match direction {
        Direction::HigherIsBetter => one.min(other),
        Direction::LowerIsBetter | Direction::Informative => one.max(other),
    };
    (worse(better[0], left.0, right.0), worse(better[1], left.1, right.1))
}

fn dominates(one: [f64; 2], other: [f64; 2], better: [Direction; 2]) -> bool {
    let ahead = |axis: usize| match better[axis] {
        Direction::HigherIsBetter => one[axis] - other[axis],
        Direction::LowerIsBetter | Direction::Informative => other[axis] - one[axis],
    };
    let (x, y) = (ahead(0), ahead(1));
    x >= 0.0 && y >= 0.0 && (x > 0.0 || y > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More is better to the right, less is better upwards.
    const SPEED_AND_COST: [Direction; 2] = [Direction::HigherIsBetter, Direction::LowerIsBetter];

    #[test]
    fn what_is_worse_in_both_is_not_on_the_front() {
        let candidates =
            [Some((30.0, 0.5)), Some((20.0, 0.3)), Some((19.0, 0.4)), Some((40.0, 0.9)), Some((29.0, 0.5))];
        assert_eq!(front(&candidates, SPEED_AND_COST), [1, 0, 3]);
        assert_eq!(front(&candidates, [Direction::HigherIsBetter; 2]), [3], "more is better of both");
        assert_eq!(front(&candidates, [Direction::LowerIsBetter; 2]), [2, 1]);
        assert_eq!(front(&candidates, [Direction::LowerIsBetter, Direction::Informative]), [0; 0]);
    }

    #[test]
    fn equals_stay_together_and_a_tie_in_one_number_is_decided_by_the_other() {
        let candidates = [Some((30.0, 0.5)), Some((30.0, 0.5)), Some((30.0, 0.6)), Some((25.0, 0.5))];
        assert_eq!(front(&candidates, SPEED_AND_COST), [0, 1]);
    }

    #[test]
    fn what_lacks_a_number_is_neither_on_the_front_nor_in_its_way() {
        let candidates = [None, Some((f64::NAN, 0.0)), Some((10.0, 1.0)), Some((f64::INFINITY, 0.0)), None];
        assert_eq!(front(&candidates, SPEED_AND_COST), [2]);
        assert_eq!(front(&[], SPEED_AND_COST), [0; 0]);
    }

    #[test]
    fn a_corner_is_dominated_by_both_neighbours() {
        assert_eq!(corner((20.0, 0.3), (30.0, 0.5), SPEED_AND_COST), (20.0, 0.5));
        assert_eq!(corner((1.0, 9.0), (2.0, 5.0), [Direction::HigherIsBetter; 2]), (1.0, 5.0));
        assert_eq!(corner((1.0, 9.0), (2.0, 5.0), [Direction::LowerIsBetter; 2]), (2.0, 9.0));
    }
}
