//! What a comparison says.

use crate::{Direction, Ratio, statistics::FamilyTest};

/// The probability of any false verdict in a family of comparisons.
pub(super) const FAMILY_LEVEL: f64 = 0.01;
/// The confidence of intervals that are shown.
pub(super) const CONFIDENCE: f64 = 0.95;
/// More blocks than this are no advice.
const MOST_BLOCKS: usize = 1000;

/// What the blocks say about a candidate beside a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is better by more than the margin.
    Better,
    /// It is worse by more than the margin.
    Worse,
    /// The whole 95 % interval lies within the margin.
    Same,
    /// Neither.
    Undecided {
        /// About how many blocks in addition would decide, were the ratio and the spread to stay as they are; absent where that is
        /// more than anybody measures.
        more_blocks: Option<u32>,
    },
}

impl Verdict {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Same => "same",
            Self::Undecided { .. } => "undecided",
        }
    }
}

/// The verdict on a ratio of candidate to baseline. `test` is that of "within the margin", in the family.
pub(super) fn verdict(ratio: &Ratio, direction: Direction, margin: f64, test: FamilyTest) -> Verdict {
    decided(ratio.value(), ratio.interval(CONFIDENCE), direction, margin, test.p_value)
        .unwrap_or_else(|| undecided(ratio, margin, test.weight))
}

/// Better, worse or the same; `None` where the ratio and its 95 % interval do not decide.
pub(super) fn decided(
    ratio: f64,
    (low, high): (f64, f64),
    direction: Direction,
    margin: f64,
    p_value: f64,
) -> Option<Verdict> {
    let (least, most) = ((-margin.ln_1p()).exp(), 1.0 + margin);
    if low >= least && high <= most {
        return Some(Verdict::Same);
    }
    let better = match direction {
        Direction::LowerIsBetter => ratio < 1.0,
        Direction::HigherIsBetter => ratio > 1.0,
        Direction::Informative => return None,
    };
    (p_value <= FAMILY_LEVEL).then_some(if better { Verdict::Better } else { Verdict::Worse })
}

/// More blocks would decide once half of the interval is within the distance to the margin: beyond the margin at the level at which
/// the contest is tested where the others turn out as they did, within it at that of "same".
fn undecided(ratio: &Ratio, margin: f64, weight: f64) -> Verdict {
    let to_margin = ratio.value().ln().abs() - margin.ln_1p();
    let confidence = if to_margin > 0.0 { 1.0 - FAMILY_LEVEL * weight } else { CONFIDENCE };
    let is_too_wide = |more: &usize| ratio.half_width_in(ratio.blocks() + more, confidence) > to_margin.abs();
    let candidates: Vec<usize> = (1..=MOST_BLOCKS).collect();
    let found = candidates.get(candidates.partition_point(is_too_wide));
    Verdict::Undecided { more_blocks: found.and_then(|more| u32::try_from(*more).ok()) }
}
