//! What to do while another process measures on this device.

use clap::Args;

use crate::measure::{Device, WhenBusy};

/// Whether to wait for other measurements.
#[derive(Args, Clone, Copy, Debug)]
pub struct WaitArguments {
    /// Wait while another process measures on this device, instead of refusing with exit status 6.
    #[arg(long)]
    wait: bool,
}

impl WaitArguments {
    /// The device, before any measurement.
    pub fn device(self) -> Device {
        Device::new(if self.wait { WhenBusy::Wait } else { WhenBusy::Refuse })
    }
}

/// Whether to wait for other measurements, or to ignore them.
#[derive(Args, Clone, Copy, Debug)]
pub struct BesideArguments {
    #[command(flatten)]
    wait: WaitArguments,
    /// Measure even while another process measures on this device. All records of that time say so.
    #[arg(long, conflicts_with = "wait")]
    allow_beside: bool,
}

impl BesideArguments {
    /// The device, before any measurement.
    pub fn device(self) -> Device {
        if self.allow_beside { Device::new(WhenBusy::Beside) } else { self.wait.device() }
    }
}
