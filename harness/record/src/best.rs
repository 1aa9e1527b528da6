use crate::{Direction, Estimate};

/// A single observation, or a single round, has no spread to compare with: it is better only by more than this.
const SINGLE_OBSERVATION_MARGIN: f64 = 0.05;

/// Rounds of one process agree better than processes do: without a lead of this much, nothing is the best.
const MARGIN_BETWEEN_ROUNDS: f64 = 0.01;

/// Which estimate of one metric is the best beyond doubt: its range does not overlap with that of any other and it
/// leads by more than 1 %, or by 5 % where one of the two has no range. `None` if there is no such estimate, if there is
/// nothing to compare with, and for a metric without a better direction.
pub fn best(estimates: &[Option<Estimate>], direction: Direction) -> Option<usize> {
    // With the sign reversed where more is better, less is better everywhere.
    let sign = match direction {
        Direction::LowerIsBetter => 1.0,
        Direction::HigherIsBetter => -1.0,
        Direction::Informative => return None,
    };
    let present = || estimates.iter().enumerate().filter_map(|(index, estimate)| Some((index, (*estimate)?)));
    let (leader, lead) = present().min_by(|(_, a), (_, b)| (sign * a.value).total_cmp(&(sign * b.value)))?;
    let mut others = present().filter(|&(index, _)| index != leader).peekable();
    others.peek()?;
    others.all(|(_, other)| clearly_less(lead, other, sign)).then_some(leader)
}

fn clearly_less(lead: Estimate, other: Estimate, sign: f64) -> bool {
    let leads_by = |margin: f64| (other.value - lead.value).abs() > margin * lead.value.abs().min(other.value.abs());
    match (lead.range, other.range) {
        (Some((low, high)), Some((other_low, other_high))) => {
            let apart = if sign > 0.0 { high < other_low } else { low > other_high };
            apart && leads_by(MARGIN_BETWEEN_ROUNDS)
        }
        _ => leads_by(SINGLE_OBSERVATION_MARGIN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, spread: f64) -> Option<Estimate> {
        Some(Estimate::plus_minus(value, spread))
    }

    #[test]
    fn the_best_is_marked_only_beyond_doubt() {
        use Direction::{HigherIsBetter, Informative, LowerIsBetter};
        let apart = [estimate(30.0, 0.4), None, estimate(32.0, 0.4)];
        assert_eq!(best(&apart, LowerIsBetter), Some(0));
        assert_eq!(best(&apart, HigherIsBetter), Some(2));
        assert_eq!(best(&apart, Informative), None);
        assert_eq!(best(&[estimate(30.0, 1.0), estimate(31.0, 0.5)], LowerIsBetter), None, "ranges overlap");
        assert_eq!(best(&[estimate(30.0, 1.0), None], LowerIsBetter), None, "nothing to compare with");
        assert_eq!(best(&[estimate(30.0, 0.01), estimate(30.2, 0.01)], LowerIsBetter), None, "less than 1 % apart");
        let single = |value| Some(Estimate::between(value, None));
        assert_eq!(best(&[single(100.0), single(104.0)], LowerIsBetter), None, "within 5 %");
        assert_eq!(best(&[single(100.0), single(106.0)], LowerIsBetter), Some(0));
        assert_eq!(best(&[single(7.0), single(7.0)], LowerIsBetter), None, "a tie");
        assert_eq!(best(&[single(0.0), single(0.0)], LowerIsBetter), None, "a tie at nothing");
    }
}
