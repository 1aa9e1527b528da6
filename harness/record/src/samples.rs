use pocketwatt_protocol::{Iteration, IterationKind, Loaded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Block;

/// What a runner reported, unprocessed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Samples {
    /// The load phase.
    pub loaded: Option<Loaded>,
    /// All iterations in the order in which they ran, warm-up first.
    pub iterations: Vec<Iteration>,
    /// The blocks, where the case was measured in turns with others; since format 1.7.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
}

impl Samples {
    /// The iterations that count, in the order in which they ran: not those of a block that was measured again.
    pub fn counted(&self) -> impl Iterator<Item = &Iteration> + Clone {
        let measured = |iteration: &Iteration| iteration.kind == IterationKind::Measured;
        let all = self.iterations.iter().zip(self.is_replaced());
        all.filter(move |(iteration, replaced)| measured(iteration) && !replaced).map(|(iteration, _)| iteration)
    }

    /// Of each iteration, whether its block was measured again. Counted by the ends of the blocks: a record may be anybody's, and its
    /// blocks may overlap.
    fn is_replaced(&self) -> Vec<bool> {
        let mut changes = vec![0_i64; self.iterations.len() + 1];
        for block in self.blocks.iter().filter(|block| block.repeated) {
            let end = |position: usize| position.min(self.iterations.len());
            changes[end(block.range().start)] += 1;
            changes[end(block.range().end)] -= 1;
        }
        let mut open = 0;
        let replaced = changes.iter().take(self.iterations.len()).map(|change| {
            open += change;
            open > 0
        });
        replaced.collect()
    }

    /// The blocks that count, in the order in which they were measured.
    pub fn counted_blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| !block.repeated)
    }

    /// The measured iterations of a block, whether it counts or not.
    pub fn measured_in(&self, block: &Block) -> impl Iterator<Item = &Iteration> {
        let iterations = self.iterations.get(block.range()).unwrap_or_default();
        iterations.iter().filter(|iteration| iteration.kind == IterationKind::Measured)
    }

    /// The same as if only one of its blocks had been measured.
    pub fn only(&self, block: &Block) -> Self {
        let iterations = self.iterations.get(block.range()).unwrap_or_default().to_vec();
        Self { loaded: block.loaded.clone(), iterations, blocks: Vec::new() }
    }

    /// The counted iterations in rounds: groups that have each conversation of the scenario once. The last one lacks some
    /// if the case ended in the middle of it.
    pub fn rounds(&self) -> Vec<Vec<&Iteration>> {
        let mut rounds: Vec<Vec<&Iteration>> = Vec::new();
        for iteration in self.counted() {
            let open =
                |round: &&mut Vec<&Iteration>| round.iter().all(|other| other.conversation != iteration.conversation);
            match rounds.last_mut().filter(open) {
                Some(round) => round.push(iteration),
                None => rounds.push(vec![iteration]),
            }
        }
        rounds
    }

    /// The complete rounds.
    pub fn whole_rounds(&self) -> Vec<Vec<&Iteration>> {
        let conversations = self.counted().map(|iteration| iteration.conversation as usize + 1).max().unwrap_or(1);
        let mut rounds = self.rounds();
        rounds.retain(|round| round.len() == conversations);
        rounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::simulation;

    fn block(number: u32, first_iteration: u32, iterations: u32, repeated: bool) -> Block {
        Block { repeated, ..simulation::block(number, first_iteration, iterations) }
    }

    /// Of so many iterations, each known by its conversation.
    fn samples(iterations: u32, blocks: Vec<Block>) -> Samples {
        let iteration = |conversation: u32| Iteration {
            kind: if conversation.is_multiple_of(2) { IterationKind::Warmup } else { IterationKind::Measured },
            conversation,
            turns: Vec::new(),
            cpu_ns: 0,
            kv_cache_bytes: 0,
        };
        Samples { loaded: None, iterations: (0..iterations).map(iteration).collect(), blocks }
    }

    fn counted(samples: &Samples) -> Vec<u32> {
        samples.counted().map(|iteration| iteration.conversation).collect()
    }

    #[test]
    fn what_was_measured_again_does_not_count() {
        let blocks = vec![block(1, 0, 2, false), block(2, 2, 2, true), block(3, 4, 2, false)];
        let samples = samples(6, blocks);
        assert_eq!(counted(&samples), [1, 5]);
        assert_eq!(samples.counted_blocks().map(|block| block.number).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(counted(&samples.only(&samples.blocks[1])), [3], "alone it can be looked at");
        assert_eq!(
            samples.measured_in(&samples.blocks[1]).map(|iteration| iteration.conversation).collect::<Vec<_>>(),
            [3]
        );
    }

    #[test]
    fn blocks_of_anybody_do_no_harm() {
        let blocks = vec![block(1, 0, 3, true), block(1, 1, u32::MAX, true), block(9, u32::MAX, u32::MAX, false)];
        let hostile = samples(6, blocks);
        assert_eq!(counted(&hostile), [0; 0], "all of them were measured again");
        assert_eq!(hostile.only(&hostile.blocks[2]).iterations, []);
        assert_eq!(hostile.measured_in(&hostile.blocks[2]).count(), 0);
        let many = (0..100_000).map(|number| block(number, 0, 6, number % 2 == 0)).collect();
        assert_eq!(counted(&samples(6, many)), [0; 0]);
        assert_eq!(counted(&samples(6, Vec::new())), [1, 3, 5]);
    }
}
