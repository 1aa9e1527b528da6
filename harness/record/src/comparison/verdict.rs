//! What a comparison says.

use crate::{Direction, Ratio};

/// The probability of any false verdict in a family of comparisons.
pub(super) const FAMILY_LEVEL: f64 = 0.01;
/// The confidence of intervals that are shown.
pub(super) const CONFIDENCE: f64 = 0.95;
/// More blocks than this are no advice.
const MOST_BLOCKS: f64 = 1000.0;

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
        /// About how many blocks in addition would decide, were the spread to stay as it is; absent where that is more than
        /// anybody measures.
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

/// The verdict on a ratio of candidate to baseline. `p_value` is that of "within the margin", adjusted for the other comparisons of the
/// family.
pub fn verdict(ratio: &Ratio, direction: Direction, margin: f64, p_value: f64) -> Verdict {
    decided(ratio.value(), ratio.interval(CONFIDENCE), direction, margin, p_value)
        .unwrap_or_else(|| undecided(ratio, margin))
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

/// The width of an interval shrinks with the root of the number of blocks.
fn undecided(ratio: &Ratio, margin: f64) -> Verdict {
    let to_margin = (ratio.value().ln().abs() - margin.ln_1p()).abs();
    let shrink = ratio.half_width(1.0 - FAMILY_LEVEL) / to_margin;
    let more = (shrink.powi(2) - 1.0) * ratio.blocks() as f64;
    let advice = more.is_finite() && more <= MOST_BLOCKS;
    Verdict::Undecided { more_blocks: advice.then(|| (more.ceil().max(1.0)) as u32) }
}
