//! What a run waits for before each block.

use pocketwatt_record::Run;

use crate::{
    command::energy::root_of,
    measure::{CoolDown, Gate, Gates, Thermometer},
};

/// The gates of a run, as its settings say, in the order in which they are waited for.
pub(super) fn of(run: &Run) -> Gates {
    let settings = &run.settings.gates;
    let mut gates: Vec<Box<dyn Gate>> = Vec::new();
    if let Some(settings) = settings.cool_down {
        let thermometer = Thermometer::new(root_of(&run.energy));
        if thermometer.read().is_unknown() {
            notice!("--cool-down waits for nothing: this device reports neither temperatures nor limits of its clocks");
        }
        gates.push(Box::new(CoolDown::new(thermometer, settings)));
    }
    Gates::new(gates, settings.strict)
}

/// What is read before each block: where it is waited for, and on phones, whose battery and skin no other reading has.
pub(super) fn thermometer(run: &Run) -> Option<Thermometer> {
    let thermometer = Thermometer::new(root_of(&run.energy));
    (run.settings.gates.cool_down.is_some() || thermometer.asks_a_phone()).then_some(thermometer)
}
