//! What a run waits for before each block.

use std::time::Duration;

use pocketwatt_meter::SystemRoot;
use pocketwatt_phone::meters::ensure_on_battery;
use pocketwatt_record::{GateKind, Run};

use crate::{
    command::energy::root_of,
    measure::{CoolDown, Gate, Gates, Interrupted, Look, Mailbox, Thermometer},
};

/// The gates of a run, as its settings say, in the order in which they are waited for.
pub(super) fn of(run: &Run) -> Gates {
    let settings = &run.settings.gates;
    let mut gates: Vec<Box<dyn Gate>> = Vec::new();
    gates.extend(settings.on_battery_most_ms.map(|most_ms| on_battery(root_of(&run.energy), most_ms)));
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

/// Waits until the battery alone feeds the device, before its meters are opened: those of a battery are none while a charger feeds it.
/// Returns whether it does.
///
/// # Errors
/// When the user wants to stop.
pub(super) fn wait_for_battery(root: SystemRoot, most_ms: u64, mailbox: &mut Mailbox) -> Result<bool, Interrupted> {
    let waits = Gates::new(vec![on_battery(root, most_ms)], false).wait(None, mailbox)?.waits;
    Ok(waits.iter().all(|wait| wait.still_closed.is_none()))
}

fn on_battery(root: SystemRoot, most_ms: u64) -> Box<dyn Gate> {
    Box::new(OnBattery { root, patience: Duration::from_millis(most_ms) })
}

/// Open while the battery alone feeds the device.
#[derive(Debug)]
struct OnBattery {
    root: SystemRoot,
    patience: Duration,
}

impl Gate for OnBattery {
    fn kind(&self) -> GateKind {
        GateKind::OnBattery
    }

    fn look(&mut self) -> Look {
        match ensure_on_battery(&self.root) {
            Ok(()) => Look::Open,
            Err(unavailable) => Look::Closed(unavailable.hint),
        }
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    /// A plug makes contact more than once.
    fn looks_in_a_row(&self) -> u32 {
        2
    }
}
