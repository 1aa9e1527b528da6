//! What to do while somebody else measures on this device.

use clap::Args;

use crate::measure::{Device, WhenBusy};

/// Whether to wait for others.
#[derive(Args, Clone, Copy, Debug)]
pub struct WaitArguments {
    /// Wait while somebody else measures on this device, instead of refusing with exit status 6.
    #[arg(long)]
    wait: bool,
}

impl WaitArguments {
    /// The device, on which nothing is measured yet.
    pub fn device(self) -> Device {
        Device::new(if self.wait { WhenBusy::Wait } else { WhenBusy::Refuse })
    }
}

/// Whether to wait for others, or not to mind them.
#[derive(Args, Clone, Copy, Debug)]
pub struct BesideArguments {
    #[command(flatten)]
    wait: WaitArguments,
    /// Go on even while somebody else measures on this device. All records of that time say so.
    #[arg(long, conflicts_with = "wait")]
    allow_beside: bool,
}

impl BesideArguments {
    /// The device, on which nothing is measured yet.
    pub fn device(self) -> Device {
        if self.allow_beside { Device::new(WhenBusy::Beside) } else { self.wait.device() }
    }
}
