//! What a run waits for before each block.

use pocketwatt_record::Run;

use crate::measure::{Gate, Gates};

/// The gates of a run, as its settings say, in the order in which they are waited for.
pub(super) fn of(run: &Run) -> Gates {
    let settings = &run.settings.gates;
    let gates: Vec<Box<dyn Gate>> = Vec::new();
    Gates::new(gates, settings.strict)
}
