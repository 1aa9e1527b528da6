//! Interleaved measuring: cases that will be compared take turns on the device.

use pocketwatt_meter::TimeSpan;
use pocketwatt_protocol::Loaded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Disturbance;

/// A block of an interleaved measurement, as one of its cases took part in it. In each block, every case of the group is measured
/// once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Block {
    /// Counted from 1. Blocks with the same number of cases of one group were measured together.
    pub number: u32,
    /// Which of the group's cases it was in that block, counted from 1: the order is drawn by lot for every block.
    pub place: u32,
    /// From before the runner was started until after it was gone.
    pub span: TimeSpan,
    /// How its runner loaded the model.
    pub loaded: Option<Loaded>,
    /// `VmHWM` of its runner.
    pub peak_resident_bytes: Option<u64>,
    /// Largest sum of its runner's resident memory and pages of hugetlbfs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_with_huge_pages_bytes: Option<u64>,
    /// Position of its first iteration among all iterations of the case, counted from 0.
    pub first_iteration: u32,
    /// Number of its iterations, warm-up included.
    pub iterations: u32,
    /// What disturbed this case in this block.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbances: Vec<Disturbance>,
    /// Whether the block was measured again, because this case or another one was disturbed in it. Its iterations are then in no
    /// number.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
}

impl Block {
    /// The positions of its iterations among those of the case.
    pub fn range(&self) -> std::ops::Range<usize> {
        let first = self.first_iteration as usize;
        first..first.saturating_add(self.iterations as usize)
    }
}

/// Most blocks in which cases take turns.
pub const MOST_BLOCKS: u32 = 400;
/// Most blocks of a record, those included that were measured again, or were interrupted.
const MOST_WITH_REPEATED: usize = MOST_BLOCKS as usize * 10;

/// What no blocks of a case with so many iterations have, so that the numbers of any record can be computed in a short time.
pub(crate) fn impossible(blocks: &[Block], iterations: usize) -> Option<String> {
    if blocks.len() > MOST_WITH_REPEATED {
        return Some(format!("it has {} blocks, at most {MOST_WITH_REPEATED} are possible", blocks.len()));
    }
    let counting = blocks.iter().filter(|block| !block.repeated).count();
    if counting > MOST_BLOCKS as usize {
        return Some(format!("it has {counting} blocks that count, at most {MOST_BLOCKS} are possible"));
    }
    let (mut number, mut end) = (0, 0);
    for block in blocks {
        let range = block.range();
        if block.number <= number {
            return Some(format!("block {} follows block {number}", block.number));
        }
        if range.start < end || range.end > iterations {
            return Some(format!(
                "block {} has iterations that are another block's, or that there are not",
                block.number
            ));
        }
        (number, end) = (block.number, range.end);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::simulation::block;

    #[test]
    fn blocks_that_no_measurement_has_are_told() {
        assert_eq!(impossible(&[block(1, 0, 2), block(3, 2, 0), block(4, 2, 4)], 6), None);
        let another = |number: u32| {
            Some(format!("block {number} has iterations that are another block's, or that there are not"))
        };
        assert_eq!(impossible(&[block(1, 0, 2), block(2, 1, 2)], 6), another(2));
        assert_eq!(impossible(&[block(1, 0, u32::MAX)], 6), another(1));
        assert_eq!(impossible(&[block(1, 0, 1), block(1, 1, 1)], 6).unwrap(), "block 1 follows block 1");
        let many: Vec<Block> = (1..=100_000).map(|number| block(number, 0, 0)).collect();
        assert_eq!(impossible(&many, 6).unwrap(), "it has 100000 blocks, at most 4000 are possible");
        assert_eq!(impossible(&many[..401], 6).unwrap(), "it has 401 blocks that count, at most 400 are possible");
    }
}
