//! Which cases took turns.

use std::collections::BTreeMap;

use pocketwatt_meter::TimeSpan;

use crate::Block;

/// Whether two cases of a run were measured in the same blocks: some number is a block of both, and nothing of a block was measured
/// when the next one had begun. The numbers alone do not say that: a case that was measured again by itself has blocks 1, 2, ... of its
/// own, and so had the cases of each table in versions in which only those of one table took turns.
pub fn took_turns(one: &[Block], other: &[Block]) -> bool {
    let mut spans: BTreeMap<u32, TimeSpan> = one.iter().map(|block| (block.number, block.span)).collect();
    let mut has_common = false;
    for block in other {
        let Some(span) = spans.get_mut(&block.number) else {
            spans.insert(block.number, block.span);
            continue;
        };
        has_common = true;
        span.start = span.start.min(block.span.start);
        span.end = span.end.max(block.span.end);
    }
    let spans: Vec<TimeSpan> = spans.into_values().collect();
    has_common && spans.windows(2).all(|pair| pair[0].end <= pair[1].start)
}

#[cfg(test)]
mod tests {
    use pocketwatt_protocol::MonotonicNs;

    use super::*;
    use crate::energy::simulation::block;

    /// Blocks from 1 on, each from and until such a time.
    fn blocks(spans: &[(u64, u64)]) -> Vec<Block> {
        let numbered = (1..).zip(spans);
        numbered
            .map(|(number, &(start, end))| Block {
                span: TimeSpan { start: MonotonicNs(start), end: MonotonicNs(end) },
                ..block(number, number, 1)
            })
            .collect()
    }

    #[test]
    fn blocks_of_one_number_that_lie_apart_are_not_common() {
        let group = blocks(&[(0, 10), (30, 40), (45, 55)]);
        assert!(took_turns(&group, &blocks(&[(15, 25), (26, 29), (56, 60)])), "in any order within a block");
        assert!(took_turns(&group, &blocks(&[(15, 25)])), "one of them failed in the second block");
        let again = blocks(&[(100, 110), (120, 130), (140, 150)]);
        assert!(!took_turns(&group, &again) && !took_turns(&again, &group), "one after the other");
        assert!(!took_turns(&group, &again[..1]), "also after its first block");
        assert!(took_turns(&again, &again));
    }

    #[test]
    fn without_a_common_block_there_were_no_turns() {
        let group = blocks(&[(0, 10), (30, 40)]);
        assert!(!took_turns(&group, &[]) && !took_turns(&[], &group) && !took_turns(&[], &[]));
        assert!(!took_turns(&group[..1], &group[1..]));
    }
}
