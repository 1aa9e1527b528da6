//! The launches of a case that was measured in blocks: each block has a process of its own.

use pocketwatt_meter::{CaseReadings, MemoryReading};

use crate::{Block, Evidence, Samples};

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
    use pocketwatt_meter::TimeSpan;
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
}
