use pocketwatt_protocol::{Iteration, IterationKind, Loaded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a runner reported, unprocessed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Samples {
    /// The load phase.
    pub loaded: Option<Loaded>,
    /// All iterations in the order in which they ran, warm-up first.
    pub iterations: Vec<Iteration>,
}

impl Samples {
    /// The iterations that count, in the order in which they ran.
    pub fn counted(&self) -> impl Iterator<Item = &Iteration> + Clone {
        self.iterations.iter().filter(|iteration| iteration.kind == IterationKind::Measured)
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
