//! Interleaved measuring: cases that will be compared take turns on the device.

use pocketwatt_meter::{CaseReadings, MemoryReading, TimeSpan};
use pocketwatt_protocol::Loaded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Disturbance, Evidence, Samples};

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

/// The launch of a block: what its own process said, and what was read of it.
pub(crate) struct Launch {
    pub samples: Samples,
    pub readings: CaseReadings,
}

/// The launches of a case's blocks, one at a time: a record may be anybody's, and all of its blocks may have all of the readings.
pub(crate) struct Launches<'c> {
    samples: &'c Samples,
    /// In order of time.
    memory: Vec<MemoryReading>,
}

impl<'c> Launches<'c> {
    pub fn of(case: &Evidence<'c>) -> Self {
        let mut memory = case.readings.memory.clone();
        memory.sort_by_key(|reading| reading.at);
        Self { samples: case.samples, memory }
    }

    pub fn in_block(&self, block: &Block) -> Launch {
        let from = self.memory.partition_point(|reading| reading.at < block.span.start);
        let to = self.memory.partition_point(|reading| reading.at <= block.span.end);
        let readings = CaseReadings {
            memory: self.memory.get(from..to).unwrap_or_default().to_vec(),
            peak_resident_bytes: block.peak_resident_bytes,
            peak_with_huge_pages_bytes: block.peak_with_huge_pages_bytes,
            ..CaseReadings::default()
        };
        Launch { samples: self.samples.only(block), readings }
    }
}

#[cfg(test)]
mod tests {
    use pocketwatt_protocol::MonotonicNs;

    use super::*;
    use crate::energy::simulation::{self, block};

    #[test]
    fn a_launch_has_the_readings_of_its_block_in_whatever_order_they_are() {
        let mut record = simulation::record();
        let reading = |at: u64| MemoryReading {
            at: MonotonicNs(at),
            anonymous_bytes: at,
            file_bytes: 0,
            shared_bytes: 0,
            huge_bytes: 0,
        };
        record.readings.memory = [5, 1, 9, 3, 7].map(reading).to_vec();
        let during = |start: u64, end: u64| {
            let span = TimeSpan { start: MonotonicNs(start), end: MonotonicNs(end) };
            let launch = Launches::of(&Evidence::from(&record)).in_block(&Block { span, ..block(1, 0, 0) });
            launch.readings.memory.iter().map(|reading| reading.anonymous_bytes).collect::<Vec<_>>()
        };
        assert_eq!(during(3, 7), [3, 5, 7]);
        assert_eq!(during(10, 20), [0; 0]);
        assert_eq!(during(7, 3), [0; 0], "a block that ends before it begins");
    }

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
