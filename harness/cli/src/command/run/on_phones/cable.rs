//! The cable of a phone that is measured on its battery: it is pulled and put back by the user, or by commands.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use pocketwatt_phone::job::Untethered;

use crate::command::quantity;

/// How long a phone waits until it is unplugged, in milliseconds.
const UNPLUG_LIMIT_MS: u64 = 600_000;

/// Whether the cable is pulled.
#[derive(Args, Debug, Default)]
pub(super) struct CableArguments {
    /// With --phone: measure on the battery alone. The phone waits until it is unplugged, measures, and keeps the results until it is
    /// connected again.
    #[arg(long, requires = "phone")]
    pub untethered: bool,
    /// With --untethered: how long the phone waits until it is unplugged [default: 10min].
    #[arg(long, value_name = "TIME", requires = "untethered", value_parser = quantity::duration_ms)]
    unplug_limit: Option<u64>,
    /// With --untethered: a command that cuts the cable's power, such as `uhubctl -l 1-1 -p 2 -a off`, instead of asking you.
    #[arg(long, value_name = "COMMAND", requires = "untethered")]
    unplug_command: Option<String>,
    /// With --unplug-command: the command that restores it; it is called when the run should have ended.
    #[arg(long, value_name = "COMMAND", requires = "unplug_command")]
    plug_command: Option<String>,
}

impl CableArguments {
    /// What the phone is told.
    pub fn untethered(&self) -> Option<Untethered> {
        let unplug_limit_s = self.unplug_limit.unwrap_or(UNPLUG_LIMIT_MS).div_ceil(1000);
        self.untethered.then_some(Untethered { unplug_limit_s })
    }

    /// Pulls the cable, or asks for that.
    ///
    /// # Errors
    /// When the command fails.
    pub fn unplug(&self, phone: &str) -> Result<()> {
        match &self.unplug_command {
            Some(command) => run(command),
            None => {
                notice!(
                    "{phone}: unplug the phone now, unlocked and with the screen on. It measures by itself; plug it in again when it should have ended"
                );
                Ok(())
            }
        }
    }

    /// Whether a command puts the cable back.
    pub fn has_plug_command(&self) -> bool {
        self.plug_command.is_some()
    }

    /// Puts the cable back, if there is a command for it.
    ///
    /// # Errors
    /// When the command fails.
    pub fn plug(&self) -> Result<()> {
        self.plug_command.as_deref().map_or(Ok(()), run)
    }
}

/// A command of the user's, by the user's shell.
fn run(command: &str) -> Result<()> {
    let mut shell = Command::new("/bin/sh");
    let status = shell.args(["-c", command]).stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("cannot start `{command}`"))?;
    if !status.success() {
        bail!("`{command}` failed, with {status}");
    }
    Ok(())
}
