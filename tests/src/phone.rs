//! Phones that are none: they answer the real `adb` over TCP as a phone's daemon does.
//!
//! - [`StandIn`] lives in a test's process and answers the shell's commands, with the texts of real phones.
//! - [`StandInPhone`] is a process of its own, the program `stand-in-phone`. Programs run on it, for aarch64 as well as for this
//!   machine; files are pushed and pulled; its battery is a model, of which the true energy is known.

mod battery;
mod commands;
mod daemon;
pub mod desk;
mod faults;
mod machine;
mod native;
mod packet;
mod server;
mod shell;
mod stand_in;
mod stand_in_phone;
mod stream;
mod sync;
mod tree;

use std::{env, io, io::Write};

pub use battery::{PowerModel, Rail, Source, Truth};
pub use commands::command_of_the_phone;
pub use desk::Desk;
pub use faults::{After, Direction, Fault, Faults};
pub use machine::{Options, Stage, run_stage};
pub use native::native_bundle;
pub use server::{AdbServer, Addressed};
pub use stand_in::StandIn;
pub use stand_in_phone::StandInPhone;
pub use tree::{Tree, capture, section};

/// What today's daemons can do, of what matters here.
pub const FEATURES: &str = "shell_v2,cmd,stat_v2,ls_v2,fixed_push_mkdir";

/// Where this variable is set, a phone that does not start is a failed test rather than one that is skipped.
const REQUIRED: &str = "POCKETWATT_STAND_IN_PHONES_REQUIRED";

/// Says in a test's output why it did nothing.
#[expect(clippy::print_stderr, reason = "the output of a test, which is shown on request")]
fn skipped(why: &str) {
    assert!(env::var_os(REQUIRED).is_none(), "{why}");
    eprintln!("skipped: {why}");
}

/// Says something on standard error, whether or not anybody is there to read it.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "stand-in-phone: {text}");
}
